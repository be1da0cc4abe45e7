"""Entra ID in miniature."""
