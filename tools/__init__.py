"""Programs that generate parts of the documentation from pallink itself; tests compare the results."""
