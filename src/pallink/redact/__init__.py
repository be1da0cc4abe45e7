"""Secrets, and how they are kept out of text."""
