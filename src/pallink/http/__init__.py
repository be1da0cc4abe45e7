"""What every request goes through.

policy           which requests may be sent: hosts, methods, paths
pool             the connections, and what requests may and may not do by itself
environment      whether the variables of proxies and certificates can be used
connections      what urllib3's connections lack
trust            which certificates are trusted
sockets          TLS sockets that keep to a deadline and to a cancellation
response_limits  how large a response may be, and headers made safe
errors           what can be read from a failed request
"""
