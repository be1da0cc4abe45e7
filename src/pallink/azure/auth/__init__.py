"""Sign-in over azure-identity: one chosen sign-in in, one account and its credential out."""
