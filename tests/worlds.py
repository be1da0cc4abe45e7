"""Worlds for the sandbox that hold just what a test is about: one tenant, one account, and what it is given."""

import json
from typing import Any

from pallink.sandbox import home
from pallink.sandbox.state.store import Store
from pallink.sandbox.state.world_file import initial_world

ACCOUNT = "svc@world.example"
OBJECT_ID = "11111111-0000-0000-0000-00000000000a"
TEAM = "22222222-0000-0000-0000-000000000001"
DEPARTMENT = "22222222-0000-0000-0000-000000000002"

CUSTOMER = "55555555-0000-0000-0000-000000000002"

FIRST = "33333333-0000-0000-0000-000000000001"
SECOND = "33333333-0000-0000-0000-000000000002"


def subscription(number: int, name: str, **rest: Any) -> dict[str, Any]:
    return {"id": f"33333333-0000-0000-0000-{number:012}", "display_name": name, **rest}


def role(name: str, *actions: str, less: tuple[str, ...] = ()) -> dict[str, Any]:
    """A custom role."""
    return {
        "id": f"44444444-0000-0000-0000-{sum(map(ord, name)):012}",
        "name": name,
        "description": "",
        "actions": list(actions),
        "not_actions": list(less),
    }


def given(role_name: str, principal: str = ACCOUNT, **where: Any) -> dict[str, Any]:
    """A role assignment, or an eligibility; without a place on the first subscription."""
    return {"principal": principal, "role": role_name, **(where or {"subscription": "First"})}


def tenant(**parts: Any) -> dict[str, Any]:
    """The tenant: First is below management group `inner`, which is below `outer`; Second is below the root group."""
    made: dict[str, Any] = {
        "id": "55555555-0000-0000-0000-000000000001",
        "display_name": "World",
        "domains": ["world.example"],
        "country_code": "DE",
        "users": [
            {"upn": ACCOUNT, "object_id": OBJECT_ID, "display_name": "Service"},
            {"upn": "else@world.example", "object_id": "11111111-0000-0000-0000-00000000000b", "display_name": "Else"},
        ],
        "groups": [
            {"object_id": TEAM, "display_name": "Team", "members": [ACCOUNT, "Circle"]},
            {"object_id": DEPARTMENT, "display_name": "Department", "members": ["Team"]},
            {"object_id": "22222222-0000-0000-0000-000000000003", "display_name": "Circle", "members": ["Department"]},
        ],
        "management_groups": [
            {"name": "outer", "display_name": "Outer"},
            {"name": "inner", "display_name": "Inner", "parent": "outer"},
            {"name": "beside", "display_name": "Beside"},
        ],
        "subscriptions": [
            subscription(1, "First", management_group="inner", resource_groups=["rg"]),
            subscription(2, "Second"),
        ],
        **parts,
    }
    for number, entry in enumerate((*made.get("role_assignments", ()), *made.get("role_eligibilities", ()))):
        entry.setdefault("name", f"66666666-0000-0000-0000-{number:012}")
    return made


def customer(*delegated: dict[str, Any], principal: str = OBJECT_ID) -> dict[str, Any]:
    """Another tenant, which delegates these subscriptions to a principal of the first one (Azure Lighthouse)."""
    return {
        "id": CUSTOMER,
        "display_name": "Customer",
        "domains": ["customer.example"],
        "country_code": "NL",
        "subscriptions": list(delegated),
        "delegations": [
            {
                "subscription": entry["display_name"],
                "managing_tenant": "55555555-0000-0000-0000-000000000001",
                "principal": principal,
                "role": "Reader",
            }
            for entry in delegated
        ],
    }


def build(*others: dict[str, Any], **parts: Any) -> None:
    """Make this the sandbox's world: a tenant of these parts, and others."""
    world = json.loads(initial_world())
    world |= {"tenants": [tenant(**parts), *others], "default_account": ACCOUNT}

    def change(data: dict[str, Any]) -> None:
        data.clear()
        data.update(world)

    with Store(home()).transaction() as state:
        state.change_world(change)
