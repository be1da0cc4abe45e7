"""The partner link of an account: what it is, what has to change, and the write that changes it."""
