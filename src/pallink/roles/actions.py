"""What the action patterns of a role allow: `Microsoft.Support/*`, `*/read`. Pure.

In a pattern a `*` stands for any text, the empty one and slashes included; everything else stands for itself, in any
case (learn.microsoft.com/azure/role-based-access-control/role-definitions).
"""

from collections.abc import Iterable

EVERY_READ = "*/read"
"""The pattern of every action that reads: all that Reader has."""

_ANY = "*"
_NO_LETTER = "\0"  # Stands in no pattern and no action.


def matches(pattern: str, action: str) -> bool:
    """Whether an action is one of those that a pattern stands for."""
    first, *others = pattern.lower().split(_ANY)
    text = action.lower()
    if not others:
        return text == first
    *middle, last = others
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    # The leftmost place of each part leaves the most room for those that follow.
    position, end = len(first), len(text) - len(last)
    for part in middle:
        position = text.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True


def covers(pattern: str, other: str) -> bool:
    """Whether a pattern stands for every action that another one stands for."""
    # Only a * of the pattern can take in a letter that stands nowhere else, and what takes that in takes in any text.
    return matches(pattern, other.replace(_ANY, _NO_LETTER))


def overlaps(pattern: str, other: str) -> bool:
    """Whether there is an action that both patterns stand for."""
    one, two = pattern.lower(), other.lower()
    # met[j]: whether the ends one[i:] and two[j:] have a text in common.
    met = [all(letter == _ANY for letter in two[j:]) for j in range(len(two) + 1)]
    for i in range(len(one) - 1, -1, -1):
        below, met = met, [False] * (len(two) + 1)
        met[-1] = one[i] == _ANY and below[-1]
        for j in range(len(two) - 1, -1, -1):
            if _ANY in (one[i], two[j]):
                met[j] = below[j] or met[j + 1]
            else:
                met[j] = one[i] == two[j] and below[j + 1]
    return met[0]


def holds_every_read(actions: Iterable[str], not_actions: Iterable[str] = ()) -> bool:
    """Whether `actions` hold every read, and `not_actions` take none away.

    One pattern has to hold them all: several that only do so together are not added up.
    """
    return any(covers(each, EVERY_READ) for each in actions) and not any(
        overlaps(each, EVERY_READ) for each in not_actions
    )
