"""Phrases for people that depend on a value. Pure."""


def counted(number: int, noun: str) -> str:
    """Return a number of things, as in `1 tenant` and `2 tenants`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
