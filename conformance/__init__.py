"""Third-party clients run against the served sandbox."""
