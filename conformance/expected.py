"""The expected result of every step, the same for clients of all languages."""

from collections.abc import Mapping, Sequence
from typing import Any

Steps = Sequence[Mapping[str, Any]]
"""Objects, as a client or the sandbox prints them."""

TENANT = "8fe81352-b317-4e31-9d5b-b42cafcd167c"
APPLICATION = "c5ce5ce2-aa0c-4851-93c1-7ffe11c06a4a"
CLIENT_ID = "6be1d7c7-4712-4123-a241-8b8918c455f9"

_NOT_LINKED = (404, "ManagementPartnerNotFound")
_MEKORMA = ("719878", "Mekorma")
_FOURTH_COFFEE = ("6183402", "Fourth Coffee Consulting")

# A success: partner ID, partner name and version of the link. An error: status and code. None: success without a body.
_STEPS: Mapping[str, tuple[Any, ...] | None] = {
    "show, not linked": _NOT_LINKED,
    "create 719878": (*_MEKORMA, 1),
    "show": (*_MEKORMA, 1),
    "show 719878": (*_MEKORMA, 1),
    "show 6183402": _NOT_LINKED,
    "create 6183402, already linked": (409, "PartnerIdAlreadyLinked"),
    "update 1234567, unknown": (400, "PartnerIdInvalid"),
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


_ROLE_STEPS: Mapping[str, Any] = {
    "az creates": [True, "User"],
    "az creates again": True,
    "pallink assigns what az created": ["unchanged", True],
    "pallink removes what az created": ["deleted", []],
    "az lists what pallink assigned": [True, "Reader"],
    "az creates what pallink assigned": True,
    "az deletes what pallink assigned": {},
    "az deletes again": "No matched assignments were",
    "an unknown account": "PrincipalNotFound",
    "no permission": "AuthorizationFailed",
    "no such scope": "ResourceGroupNotFound",
}


def role_differences(steps: Steps, links: Steps) -> list[str]:
    """Return the differences between the steps on roles and the expected ones; empty if there are none."""
    taken = {step["step"]: step["result"] for step in steps}
    found = [
        f"{name}: {taken.get(name)} instead of {expected}"
        for name, expected in _ROLE_STEPS.items()
        if taken.get(name) != expected
    ]
    return [*found, *(f"{name}: no such step" for name in taken.keys() - _ROLE_STEPS), *map(str, links)]


def differences(steps: Steps, links: Steps) -> list[str]:
    """Return the differences between a client's results and the expected ones; empty if there are none.

    Args:
        steps: Objects with `step`, the name, and either `result`, or `status` and `code`.
        links: The links that the sandbox has afterwards.
    """
    found = []
    taken = [step["step"] for step in steps if step["step"] in _STEPS]
    if taken != list(_STEPS):
        found.append(f"the steps are {taken}")
    actual: Any
    expected: Any
    for step in steps:
        name = step["step"]
        if name in _STEPS:
            actual, expected = _row(step), _STEPS[name]
        elif name in _OTHER_STEPS:
            actual, expected = step.get("result"), _OTHER_STEPS[name]
        else:
            actual, expected = "a step", "no such step"
        if actual != expected:
            found.append(f"{name}: {actual} instead of {expected}")
    left = [(link["account"], link["partnerId"], link["state"], link["version"]) for link in links]
    if left != [(CLIENT_ID, "6183402", "Deleted", 3)]:
        found.append(f"the sandbox is left with the links {left}")
    return found


def _row(step: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Return a step's result in the form of the table, with all fields if the link is not the caller's own."""
    if "result" not in step:
        return step["status"], step["code"]
    link = step["result"]
    if not link:
        return None  # Node's client returns an empty object for a response without a body.
    flat = {**link, **link.get("properties", {})}
    if (flat.get("tenantId"), flat.get("objectId"), flat.get("state")) != (TENANT, APPLICATION, "Active"):
        return tuple(flat.values())
    return flat["partnerId"], flat["partnerName"], flat["version"]
