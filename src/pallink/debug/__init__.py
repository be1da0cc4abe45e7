"""What `--debug` prints; none of it is loaded otherwise.

recorder    records every request of a session and writes it to the log
exchange    formats one request, and one response: pure
timeline    when each request began, how long it took, and what it waited for: pure

`pallink.redact.debug` decides what may be shown.
"""
