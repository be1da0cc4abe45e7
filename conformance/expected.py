"""What every client has to be told, step by step, whatever its language and its names for the fields."""

from collections.abc import Mapping, Sequence
from typing import Any

TENANT = "8fe81352-b317-4e31-9d5b-b42cafcd167c"
APPLICATION = "c5ce5ce2-aa0c-4851-93c1-7ffe11c06a4a"
CLIENT_ID = "6be1d7c7-4712-4123-a241-8b8918c455f9"

_NOT_LINKED = (404, "ManagementPartnerNotFound")
_MEKORMA = ("719878", "Mekorma")
_FOURTH_COFFEE = ("6183402", "Fourth Coffee Consulting")

# Of a success: partner ID, its name and the link's version. Of an error: status and code. None: success without a body.
_STEPS: Mapping[str, tuple[Any, ...] | None] = {
    "show, not linked": _NOT_LINKED,
    "create 719878": (*_MEKORMA, 1),
    "show": (*_MEKORMA, 1),
    "show 719878": (*_MEKORMA, 1),
    "show 6183402": _NOT_LINKED,
    "create 6183402, linked already": (409, "PartnerIdAlreadyLinked"),
    "update 1234567, nobody's": (400, "PartnerIdInvalid"),
    "update 6183402": (*_FOURTH_COFFEE, 2),
    "delete 6183402": None,
    "show, deleted": _NOT_LINKED,
}
_OTHER_STEPS: Mapping[str, Any] = {
    "operations": {"count": 3},
    "account": {"user": CLIENT_ID, "tenant": TENANT},
    "roles": ["Reader"],
    "account of a person": {"name": "invoices@contoso.com", "type": "user"},
}


def differences(steps: Sequence[Mapping[str, Any]], links: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what a client was told that it should not have been; empty: all is well.

    Args:
        steps: Each with its name, as `step`, and `answer`, or else `status` and `code`.
        links: The links that the sandbox has afterwards.
    """
    found = []
    taken = [each["step"] for each in steps if each["step"] in _STEPS]
    if taken != list(_STEPS):
        found.append(f"the steps are {taken}")
    told: Any
    wanted: Any
    for each in steps:
        name = each["step"]
        if name in _STEPS:
            told, wanted = _told(each), _STEPS[name]
        elif name in _OTHER_STEPS:
            told, wanted = each.get("answer"), _OTHER_STEPS[name]
        else:
            told, wanted = "a step", "no such step"
        if told != wanted:
            found.append(f"{name}: {told} in place of {wanted}")
    left = [(each["account"], each["partnerId"], each["state"], each["version"]) for each in links]
    if left != [(CLIENT_ID, "6183402", "Deleted", 3)]:
        found.append(f"the sandbox is left with the links {left}")
    return found


def _told(step: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Return an answer in the form of the table; a link that is not the caller's own as what it is."""
    if "answer" not in step:
        return step["status"], step["code"]
    link = step["answer"]
    if not link:
        return None  # Node's client makes an empty object of an answer without a body.
    flat = {**link, **link.get("properties", {})}
    if (flat.get("tenantId"), flat.get("objectId"), flat.get("state")) != (TENANT, APPLICATION, "Active"):
        return tuple(flat.values())
    return flat["partnerId"], flat["partnerName"], flat["version"]
