"""What roles allow where, in worlds that are more tangled than the one that the sandbox starts from."""

import json
from typing import Any

import pytest

from pallink.sandbox.state import access
from pallink.sandbox.state.roles import Role
from pallink.sandbox.state.world import Tenant, World
from pallink.sandbox.state.world_file import initial_world, parse_world

READ = "Microsoft.Authorization/roleAssignments/read"


def tangled(**tenant: Any) -> World:
    """Returns a world with one tenant: `a` is in group One in Two in Three in One, `Deep` is four levels down."""
    world = json.loads(initial_world())
    world["tenants"] = [
        {
            "id": "tenant",
            "display_name": "Tenant",
            "domains": ["tenant.example"],
            "country_code": "DE",
            "users": [
                {"upn": "a@tenant.example", "object_id": "a", "display_name": "A"},
                {"upn": "b@tenant.example", "object_id": "b", "display_name": "B"},
            ],
            "groups": [
                {"display_name": "One", "object_id": "one", "members": ["a@tenant.example", "Three"]},
                {"display_name": "Two", "object_id": "two", "members": ["One"]},
                {"display_name": "Three", "object_id": "three", "members": ["Two"]},
            ],
            "management_groups": [
                {"name": "top", "display_name": "Top"},
                {"name": "middle", "display_name": "Middle", "parent": "top"},
                {"name": "beside", "display_name": "Beside", "parent": "top"},
            ],
            "subscriptions": [
                {"display_name": "Deep", "id": "deep", "management_group": "middle"},
                {"display_name": "Flat", "id": "flat"},
            ],
            **tenant,
        }
    ]
    world["default_account"] = "a@tenant.example"
    return parse_world(json.dumps(world))


def assigned(role: str, principal: str, **scope: str) -> World:
    return tangled(role_assignments=[{"name": "x", "principal": principal, "role": role, **scope}])


def only_tenant(world: World) -> Tenant:
    (tenant,) = world.tenants
    return tenant


def allowed(world: World, object_id: str, action: str = READ) -> list[str]:
    tenant = only_tenant(world)
    return [each.id for each in tenant.subscriptions if access.allows(world, tenant, object_id, action, each)]


def visible(world: World, object_id: str) -> list[str]:
    tenant = only_tenant(world)
    return [each.id for each in tenant.subscriptions if access.is_visible(tenant, object_id, each)]


def test_groups_within_groups_even_in_a_circle() -> None:
    tenant = only_tenant(tangled())
    assert access.principals(tenant, "a") == {"a", "one", "two", "three"}
    assert access.principals(tenant, "two") == {"one", "two", "three"}
    assert access.principals(tenant, "b") == {"b"}


def test_scopes_are_inherited_from_the_nearest_to_the_root() -> None:
    tenant = only_tenant(tangled())
    groups = "/providers/Microsoft.Management/managementGroups"
    deep, flat = tenant.subscriptions
    assert access.scopes_above(tenant, deep) == (
        "/subscriptions/deep",
        f"{groups}/middle",
        f"{groups}/top",
        f"{groups}/tenant",
        "/",
    )
    assert access.scopes_above(tenant, flat) == ("/subscriptions/flat", f"{groups}/tenant", "/")


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"subscription": "Deep"}, ["deep"]),
        ({"management_group": "middle"}, ["deep"]),
        ({"management_group": "top"}, ["deep"]),
        ({"management_group": "beside"}, []),
        ({"management_group": "tenant"}, ["deep", "flat"]),
        ({"scope": "/"}, ["deep", "flat"]),
    ],
)
def test_a_role_through_groups_counts_at_and_below_its_scope(scope: dict[str, str], expected: list[str]) -> None:
    world = assigned("Reader", "Three", **scope)
    assert allowed(world, "a") == visible(world, "a") == expected
    assert allowed(world, "b") == visible(world, "b") == []


def test_a_role_inside_a_subscription_shows_it_and_allows_nothing_there() -> None:
    world = assigned("Owner", "b@tenant.example", scope="/subscriptions/DEEP/resourceGroups/g")
    assert visible(world, "b") == ["deep"]
    assert allowed(world, "b") == []


@pytest.mark.parametrize(
    ("role", "action", "expected"),
    [
        ("Reader", READ, True),
        ("Reader", READ.upper(), True),
        ("Reader", "Microsoft.Authorization/roleAssignments/write", False),
        ("Owner", "Microsoft.Authorization/roleAssignments/write", True),
        ("Contributor", READ, True),
        ("Contributor", "Microsoft.Authorization/roleAssignments/write", False),
        ("Support Request Contributor", READ, True),
        ("Support Request Contributor", "Microsoft.Compute/virtualMachines/read", False),
        ("Billing Reader", "Microsoft.Compute/virtualMachines/read", False),
    ],
)
def test_roles(role: str, action: str, expected: bool) -> None:
    assert bool(allowed(assigned(role, "b@tenant.example", subscription="Flat"), "b", action)) is expected


@pytest.mark.parametrize("pattern", ["Microsoft.Authorization/*/read", "*/roleAssignments/*", "*", READ.lower()])
def test_patterns(pattern: str) -> None:
    assert access.role_allows(Role("id", "name", "", (pattern,), ()), READ)
    assert not access.role_allows(Role("id", "name", "", ("*",), (pattern,)), READ)
    assert not access.role_allows(Role("id", "name", "", (f"{pattern}x",), ()), READ)


@pytest.mark.parametrize(
    "tenant",
    [
        {"groups": [{"display_name": "G", "object_id": "g", "members": ["Nobody"]}]},
        {"management_groups": [{"name": "m", "display_name": "M", "parent": "m"}]},
        {"subscriptions": [{"display_name": "S", "id": "s", "management_group": "nowhere"}]},
        {"guests": [{"upn": "nobody@tenant.example", "object_id": "n"}]},
        {"role_assignments": [{"name": "x", "principal": "Nobody", "role": "Reader", "scope": "/"}]},
        {"role_assignments": [{"name": "x", "principal": "One", "role": "Emperor", "scope": "/"}]},
        {"role_assignments": [{"name": "x", "principal": "One", "role": "Reader", "subscription": "None"}]},
    ],
)
def test_a_name_that_stands_for_nothing_is_refused(tenant: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the sandbox has no"):
        tangled(**tenant)
