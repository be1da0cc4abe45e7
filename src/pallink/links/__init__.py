"""The partner link: what it is, what has to be done with it, and carrying that out."""
