"""Requests and responses, and the two transports that carry them.

messages  requests and responses
errors    errors in the format of Azure's APIs
adapter   a transport adapter for `requests`, in process
server    a server on loopback, over HTTPS
"""
