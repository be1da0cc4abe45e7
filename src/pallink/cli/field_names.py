"""What the fields of a result are called."""

from functools import cache


@cache
def camel_case(name: str) -> str:
    """Return a field's name as results have it: `partner_id` -> `partnerId`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
