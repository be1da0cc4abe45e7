"""Which subscriptions have to pass: those that the user named, by ID or by name. Pure."""

import re
from collections.abc import Sequence

from pallink.account import is_guid
from pallink.errors import UsageError
from pallink.roles.assignments import Subscription

# What somebody types who means a GUID: hexadecimal digits and hyphens, perhaps in braces. No name is that long.
_MEANT_AS_GUID = re.compile(r"[{(]?(?=[0-9a-f-]{24,})[0-9a-f]+(-[0-9a-f]*)*[)}]?", re.IGNORECASE | re.ASCII)
_SHOWN = 10


def select_subscriptions(visible: Sequence[Subscription], wanted: Sequence[str]) -> list[Subscription]:
    """The subscriptions that were named, in that order, each once.

    Args:
        visible: those that the account sees.
        wanted: IDs (GUIDs) or names, in any case. An ID that the account does not see is taken as it is.

    Raises:
        UsageError: a name that no visible subscription has, or that several have; or a malformed GUID.
    """
    chosen: dict[str, Subscription] = {}
    for text in wanted:
        subscription = _find(visible, text.strip())
        chosen.setdefault(subscription.id.casefold(), subscription)
    return list(chosen.values())


def names(subscriptions: Sequence[Subscription], *, most: int = _SHOWN) -> str:
    """The names of subscriptions, at most so many."""
    shown = [each.name for each in subscriptions[:most]]
    more = len(subscriptions) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _find(visible: Sequence[Subscription], text: str) -> Subscription:
    wanted = text.casefold()
    found = [each for each in visible if wanted == each.id.casefold()] or [
        each for each in visible if wanted == each.name.casefold()
    ]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} subscriptions are named {text!r}",
            cause=f"their IDs are {', '.join(each.id for each in found[:_SHOWN])}",
            remedy="name the one that you mean by its ID, with --subscription",
        )
    if is_guid(text):
        return Subscription(wanted, wanted)
    sees = f"the account sees {names(visible)}" if visible else "the account sees no subscription"
    if _MEANT_AS_GUID.fullmatch(text):
        raise UsageError(
            f"{text!r} is not a subscription ID",
            cause=f"an ID is a GUID: 8-4-4-4-12 hexadecimal digits; {sees}",
            remedy="correct --subscription",
        )
    raise UsageError(
        f"the account sees no subscription named {text!r}" if text else "the name of a subscription is empty",
        cause=sees,
        remedy="correct --subscription, or give the ID of a subscription that it does not see yet",
    )
