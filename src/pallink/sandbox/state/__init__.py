"""The sandbox's world and its one SQLite file."""
