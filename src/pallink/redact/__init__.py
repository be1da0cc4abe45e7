"""The secrets of one session, and how they are kept out of text. No I/O.

secrets        what is registered as secret, and text without it
environment    the secrets in environment variables
secret_fields  the secrets in a request and in the response to a sign-in request
text           text from elsewhere that is safe to print
debug          what --debug may show of a request and a response
"""
