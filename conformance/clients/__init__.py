"""The steps that each client takes."""
