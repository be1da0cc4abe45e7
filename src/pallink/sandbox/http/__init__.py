"""The two doors of the sandbox: in process below requests, and HTTPS on loopback."""
