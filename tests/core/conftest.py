from hypothesis import settings

# The same examples on every machine, slow ones included: a failing build can be repeated.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
