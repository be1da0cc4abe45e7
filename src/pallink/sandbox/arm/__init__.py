"""Azure Resource Manager in miniature."""
