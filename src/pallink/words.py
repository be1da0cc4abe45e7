"""Phrases for people that depend on a value. Pure."""


def counted(number: float, noun: str, spec: str = ",") -> str:
    """Return a number with its noun, as in `1 tenant` and `1,200 tenants`.

    Args:
        number: How many there are.
        noun: The singular, whose plural ends in `s`.
        spec: How the number is formatted.
    """
    text = format(number, spec)
    return f"{text} {noun}" if text == "1" else f"{text} {noun}s"
