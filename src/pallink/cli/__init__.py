"""The command line: reads options, calls the session, hands the result to a renderer."""
