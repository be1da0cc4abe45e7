"""What is known of the sandbox without loading it: command lines name it in their help."""

ORIGIN = "https://sandbox.invalid"
"""Where the sandbox is found in process. RFC 2606 reserves the top-level domain: the name never resolves."""

METHODS = (
    "client-secret",
    "certificate",
    "workload-identity",
    "github",
    "azure-pipelines",
    "managed-identity",
    "app-service",
)
"""The ways to sign in by variables, for each of which `Sandbox.environment` makes them."""
