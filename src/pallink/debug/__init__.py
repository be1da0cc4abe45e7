"""What `--debug` prints; nothing of it is loaded without.

redaction   what of a request and an answer may be shown, and what is cut out: pure
exchange    a request, and an answer, as lines: pure
timeline    when each request began, how long it took, what it waited for: pure
recorder    is told of each request and writes those to the log
"""
