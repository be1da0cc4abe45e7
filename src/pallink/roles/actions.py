"""Match the action patterns of a role definition, such as `Microsoft.Support/*` and `*/read`. Pure.

In a pattern, `*` stands for any text, including the empty one and slashes. Everything else stands for itself, in any
case (learn.microsoft.com/azure/role-based-access-control/role-definitions).
"""

from collections.abc import Iterable

READ_ALL = "*/read"
"""The pattern of all read actions: the only one that Reader has."""

_WILDCARD = "*"
_UNUSED_CHARACTER = "\0"  # Occurs in no pattern and no action.


def matches(pattern: str, action: str) -> bool:
    """Return whether a pattern matches an action."""
    first, *others = pattern.lower().split(_WILDCARD)
    text = action.lower()
    if not others:
        return text == first
    *middle, last = others
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    # The leftmost match of each part leaves the most room for the following ones.
    position, end = len(first), len(text) - len(last)
    for part in middle:
        position = text.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True


def covers(pattern: str, other: str) -> bool:
    """Return whether a pattern matches every action that another pattern matches."""
    # Only a wildcard can match a character that occurs nowhere else, and it then matches any text in its place.
    return matches(pattern, other.replace(_WILDCARD, _UNUSED_CHARACTER))


def overlaps(pattern: str, other: str) -> bool:
    """Return whether some action matches both patterns."""
    one, two = pattern.lower().split(_WILDCARD), other.lower().split(_WILDCARD)
    if len(one) == 1 or len(two) == 1:
        return matches(pattern, other) or matches(other, pattern)
    # Each wildcard can stand for everything between the other pattern's ends.
    (first, *_, last), (other_first, *_, other_last) = one, two
    return (first.startswith(other_first) or other_first.startswith(first)) and (
        last.endswith(other_last) or other_last.endswith(last)
    )


def allows_read_all(actions: Iterable[str], not_actions: Iterable[str] = ()) -> bool:
    """Return whether `actions` allow all reads and `not_actions` exclude none.

    A single pattern has to cover all reads: patterns that do so only together are not added up.
    """
    return any(covers(pattern, READ_ALL) for pattern in actions) and not any(
        overlaps(pattern, READ_ALL) for pattern in not_actions
    )
