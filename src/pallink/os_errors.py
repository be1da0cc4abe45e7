"""Errors of the operating system, in words."""


def os_reason(error: Exception) -> str:
    """Return why the operating system refused, as a clause of a message: `no such file or directory`.

    Args:
        error: An `OSError`; a `ValueError` for a path with a NUL in it.
    """
    reason = str(getattr(error, "strerror", None) or error)
    # Not "I/O error".
    return reason[:1].lower() + reason[1:] if reason[1:2].islower() else reason
