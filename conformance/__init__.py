"""Programs that nobody here wrote, at work with the served sandbox."""
