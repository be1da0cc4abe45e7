"""One program per client; all take the same steps."""
