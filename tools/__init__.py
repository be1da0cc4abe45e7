"""Programs that make parts of the documentation out of pallink itself; tests compare what they make."""
