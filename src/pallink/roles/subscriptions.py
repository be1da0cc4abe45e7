"""Select the subscriptions that have to pass: those that the user named, by ID or by name. Pure."""

import re
from collections.abc import Sequence

from pallink.account import is_guid
from pallink.errors import SubscriptionNotFoundError, UsageError
from pallink.roles.assignments import Subscription

# A mistyped GUID: hexadecimal digits and hyphens, perhaps in braces. No real name looks like that.
_LIKE_GUID = re.compile(r"[{(]?(?=[0-9a-f-]{24,})[0-9a-f]+(-[0-9a-f]*)*[)}]?", re.IGNORECASE | re.ASCII)
_MAX_NAMES = 10


def select_subscriptions(visible: Sequence[Subscription], wanted: Sequence[str]) -> list[Subscription]:
    """Return the subscriptions that were named, in that order and without duplicates.

    Args:
        visible: The subscriptions that the account sees.
        wanted: IDs (GUIDs) or names, in any case. An ID that the account does not see is accepted as it is.

    Raises:
        UsageError: No visible subscription has the name, several have it, or a GUID is malformed.
    """
    selected: dict[str, Subscription] = {}
    for text in wanted:
        subscription = _find(visible, text.strip())
        selected.setdefault(subscription.id.casefold(), subscription)
    return list(selected.values())


def join_names(subscriptions: Sequence[Subscription], *, limit: int = _MAX_NAMES) -> str:
    """Return the names of subscriptions, separated by commas; beyond `limit`, the number of the others."""
    names = [subscription.name for subscription in subscriptions[:limit]]
    more = len(subscriptions) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _find(visible: Sequence[Subscription], text: str) -> Subscription:
    wanted = text.casefold()
    found = [subscription for subscription in visible if wanted == subscription.id.casefold()] or [
        subscription for subscription in visible if wanted == subscription.name.casefold()
    ]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} subscriptions are named {text!r}",
            cause=f"their IDs are {', '.join(subscription.id for subscription in found[:_MAX_NAMES])}",
            remedy="name the one that you mean by its ID, with --subscription",
        )
    if is_guid(text):
        return Subscription(wanted, wanted)
    sees = f"the account sees {join_names(visible)}" if visible else "the account sees no subscription"
    if _LIKE_GUID.fullmatch(text):
        raise UsageError(
            f"{text!r} is not a subscription ID",
            cause=f"an ID is a GUID: 8-4-4-4-12 hexadecimal digits; {sees}",
            remedy="correct --subscription",
        )
    if not text:
        raise UsageError("the name of a subscription is empty", cause=sees, remedy="correct --subscription")
    raise SubscriptionNotFoundError(
        f"the account sees no subscription named {text!r}",
        cause=sees,
        remedy="correct --subscription, or give the ID of a subscription that it does not see yet",
    )
