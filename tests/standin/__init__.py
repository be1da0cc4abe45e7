"""pallink against an HTTPS server that shares no code with it and speaks in the shapes that Microsoft publishes."""
