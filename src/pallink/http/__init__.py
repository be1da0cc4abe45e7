"""What every request goes through, whatever it is for: limits, deadline, trust."""
