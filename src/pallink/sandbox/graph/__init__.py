"""Microsoft Graph in miniature."""
