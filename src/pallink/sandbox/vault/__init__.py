"""Azure Key Vault in miniature: secrets, read with a token for Key Vault.

secrets  the request for one secret
"""
