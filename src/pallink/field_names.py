"""What the fields of a result are called."""


def camel_case(name: str) -> str:
    """A field's name as results have it: `partner_id` -> `partnerId`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
