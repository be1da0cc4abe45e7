"""The Reader check from the command line to the sandbox, in more worlds than a tenant has."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from pallink.roles import KNOWN_ROLES
from tests import worlds
from tests.exhaustive import combinations
from tests.harness import Pallink, Traffic
from tests.worlds import ACCOUNT, DEPARTMENT, FIRST, TEAM, given, role, subscription

READS = ("Microsoft.Authorization/*/read", "Microsoft.Compute/*/read")
RESOURCE = f"/subscriptions/{FIRST}/resourceGroups/rg/providers/Microsoft.Web/sites/shop"
MANAGEMENT_GROUPS = "/providers/Microsoft.Management/managementGroups"
ROOT_GROUP = "55555555-0000-0000-0000-000000000001"


@dataclass(frozen=True)
class World:
    """What there is, and what `check` has to make of it.

    Attributes:
        name: what is special about it.
        role: the verdict on the account.
        parts: of the tenant; see `worlds.tenant`.
        subscriptions: the verdict on each subscription, by name; None is for a disabled one.
        scope: where the role of the first subscription was assigned.
        group: the group that it came through.
        settings: of the sandbox.
        options: of `check`.
        can_be_mended: whether there is a subscription at all on which a role could help.
    """

    name: str
    role: str
    parts: dict[str, Any]
    subscriptions: Mapping[str, str | None]
    scope: str | None = None
    group: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    options: str = ""
    can_be_mended: bool = True

    @property
    def passes(self) -> bool:
        return self.role in {"reader", "more-than-reader"} or (
            self.role == "partial" and "--subscription" not in self.options
        )


def assigned(*assignments: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"role_assignments": list(assignments), **rest}


def eligible(*eligibilities: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"role_eligibilities": list(eligibilities), **rest}


def custom(made: dict[str, Any], **where: Any) -> dict[str, Any]:
    return assigned(given(made["name"], **where), custom_roles=[made])


ON_FIRST = f"/subscriptions/{FIRST}"
IN_GROUP = {"subscription": "First", "resource_group": "rg"}
LISTED = {"role-inside-only": "listed"}
READER = {"First": "reader"}
BETTER = {"First": "more-than-reader"}
OTHER = {"First": "other-role"}
PARTIAL = {"First": "partial"}
CONDITIONAL = {"First": "conditional"}
UNKNOWN = {"First": "unknown"}
BOTH = {"First": "reader", "Second": "reader"}

WORLDS = [
    # Where Reader comes from.
    World("direct", "reader", assigned(given("Reader")), READER, ON_FIRST),
    World("group", "reader", assigned(given("Reader", "Team")), READER, ON_FIRST, TEAM),
    World("nested group", "reader", assigned(given("Reader", "Department")), READER, ON_FIRST, DEPARTMENT),
    World("groups in a circle", "reader", assigned(given("Reader", "Circle")), READER, ON_FIRST),
    World(
        "management group",
        "reader",
        assigned(given("Reader", management_group="inner")),
        READER,
        f"{MANAGEMENT_GROUPS}/inner",
    ),
    World(
        "outer management group, nested group",
        "reader",
        assigned(given("Reader", "Department", management_group="outer")),
        READER,
        f"{MANAGEMENT_GROUPS}/outer",
        DEPARTMENT,
    ),
    World(
        "the tenant's root group",
        "reader",
        assigned(given("Reader", management_group=ROOT_GROUP)),
        BOTH,
        f"{MANAGEMENT_GROUPS}/{ROOT_GROUP}",
    ),
    World("the tenant's root", "reader", assigned(given("Reader", scope="/")), BOTH, "/"),
    World("directly and through a group", "reader", assigned(given("Reader", "Team"), given("Reader")), READER),
    World("a better role beside it", "reader", assigned(given("Owner"), given("Reader", "Team")), READER, group=TEAM),
    World("a lesser role beside it", "reader", assigned(given("Billing Reader"), given("Reader")), READER),
    World("on one of two", "reader", assigned(given("Reader", subscription="Second")), {"Second": "reader"}),
    World("another management group", "none", assigned(given("Reader", management_group="beside")), {}),
    World("somebody else's", "none", assigned(given("Reader", "else@world.example")), {}),
    World("nothing", "none", {}, {}),
    World("no subscription at all", "none", {"subscriptions": []}, {}, can_be_mended=False),
    # Built-in roles.
    *(
        World(each.name, "more-than-reader", assigned(given(each.name)), BETTER, ON_FIRST)
        for each in KNOWN_ROLES.values()
        if each.allows_read_all and not each.is_reader
    ),
    *(
        World(each.name, "other-role", assigned(given(each.name)), OTHER, ON_FIRST)
        for each in KNOWN_ROLES.values()
        if not each.allows_read_all
    ),
    # Custom roles.
    World("custom: every read", "more-than-reader", custom(role("Custom", "*/read")), BETTER, ON_FIRST),
    World("custom: everything", "more-than-reader", custom(role("Custom", "*")), BETTER),
    World("custom: any case", "more-than-reader", custom(role("Custom", "*/READ")), BETTER),
    World("custom: everything but writes", "more-than-reader", custom(role("Custom", "*", less=("*/write",))), BETTER),
    World(
        "custom, inherited through a group",
        "more-than-reader",
        assigned(given("Custom", "Department", management_group="outer"), custom_roles=[role("Custom", "*", "a/read")]),
        BETTER,
        f"{MANAGEMENT_GROUPS}/outer",
        DEPARTMENT,
    ),
    World(
        "custom: all reads but a provider's", "other-role", custom(role("Custom", "*", less=("Microsoft.X/*",))), OTHER
    ),
    World(
        "custom: all reads but one", "other-role", custom(role("Custom", "*/read", less=("Microsoft.X/y/read",))), OTHER
    ),
    World("custom: some reads", "other-role", custom(role("Custom", *READS)), OTHER),
    World("custom: no read of role assignments, so 403", "unknown", custom(role("Custom", "Microsoft.X/*")), UNKNOWN),
    World(
        "custom beside a lesser one",
        "more-than-reader",
        assigned(given("Billing Reader"), given("Custom"), custom_roles=[role("Custom", "*/read")]),
        BETTER,
    ),
    # Conditions.
    World(
        "Reader under a condition",
        "conditional",
        assigned(given("Reader", subscription="First", condition="x")),
        CONDITIONAL,
    ),
    World(
        "Owner under a condition",
        "conditional",
        assigned(given("Owner", subscription="First", condition="x")),
        CONDITIONAL,
    ),
    World(
        "under a condition in a resource group",
        "conditional",
        assigned(given("Reader", **IN_GROUP, condition="x")),
        CONDITIONAL,
        settings=LISTED,
    ),
    World(
        "with and without a condition",
        "reader",
        assigned(given("Reader", subscription="First", condition="x"), given("Reader", "Team")),
        READER,
        group=TEAM,
    ),
    # Inside the subscription.
    World(
        "resource group only, refused",
        "partial",
        assigned(given("Reader", **IN_GROUP)),
        PARTIAL,
        f"{ON_FIRST}/resourceGroups/rg",
    ),
    World(
        "resource group only, listed",
        "partial",
        assigned(given("Reader", **IN_GROUP)),
        PARTIAL,
        f"{ON_FIRST}/resourceGroups/rg",
        settings=LISTED,
    ),
    World(
        "Owner of a resource group through a group",
        "partial",
        assigned(given("Owner", "Department", **IN_GROUP)),
        PARTIAL,
        group=DEPARTMENT,
        settings=LISTED,
    ),
    World(
        "Owner of a resource group through a group, refused",
        "partial",
        assigned(given("Owner", "Department", **IN_GROUP)),
        PARTIAL,
        group=DEPARTMENT,
    ),
    World(
        "the second of three resource groups, refused",
        "partial",
        assigned(
            *(given("Billing Reader", scope=f"{ON_FIRST}/resourceGroups/{name}") for name in ("a", "B.c-(1)", "d")),
            given("Support Request Contributor", "Team", scope=f"{ON_FIRST}/resourceGroups/a"),
            given("Reader", scope=f"{ON_FIRST}/resourceGroups/B.c-(1)"),
        ),
        PARTIAL,
        f"{ON_FIRST}/resourceGroups/B.c-(1)",
    ),
    World(
        "resource group that must not be enough, refused",
        "partial",
        assigned(given("Reader", **IN_GROUP)),
        PARTIAL,
        options="--subscription First",
    ),
    World(
        "resource group that must not be enough, listed",
        "partial",
        assigned(given("Reader", **IN_GROUP)),
        PARTIAL,
        settings=LISTED,
        options="--subscription First",
    ),
    World(
        "resource group that must not be enough, and eligible",
        "eligible",
        eligible(given("Reader"), role_assignments=[given("Reader", **IN_GROUP)]),
        {"First": "eligible"},
        options="--subscription First",
    ),
    World("a single resource, refused", "unknown", assigned(given("Reader", scope=RESOURCE)), UNKNOWN),
    World(
        "another role on a resource group, refused", "unknown", assigned(given("Billing Reader", **IN_GROUP)), UNKNOWN
    ),
    World(
        "a single resource", "partial", assigned(given("Reader", scope=RESOURCE)), PARTIAL, RESOURCE, settings=LISTED
    ),
    World(
        "resource group, and another role on the subscription",
        "partial",
        assigned(given("Reader", **IN_GROUP), given("Billing Reader")),
        PARTIAL,
        f"{ON_FIRST}/resourceGroups/rg",
    ),
    World(
        "resource group, another role",
        "other-role",
        assigned(given("Billing Reader", **IN_GROUP)),
        OTHER,
        settings=LISTED,
    ),
    # Privileged Identity Management.
    World("eligible", "eligible", eligible(given("Reader")), {"First": "eligible"}, ON_FIRST),
    World("eligible for Owner", "eligible", eligible(given("Owner")), {"First": "eligible"}),
    World(
        "eligible through a group",
        "eligible",
        eligible(given("Reader", "Department")),
        {"First": "eligible"},
        group=DEPARTMENT,
    ),
    World("eligible on a management group", "eligible", eligible(given("Reader", management_group="outer")), {}),
    World("eligible at the root", "eligible", eligible(given("Reader", scope="/")), {}),
    World(
        "eligible for a custom role",
        "eligible",
        eligible(given("Custom"), custom_roles=[role("Custom", "*/read")]),
        {"First": "eligible"},
    ),
    World(
        "eligible beside another role",
        "eligible",
        eligible(given("Reader"), role_assignments=[given("Billing Reader")]),
        {"First": "eligible"},
    ),
    World(
        "eligible where the role assignments are refused",
        "eligible",
        eligible(given("Reader"), role_assignments=[given("Reader", scope=RESOURCE)]),
        {"First": "eligible"},
    ),
    World("eligible for too little", "none", eligible(given("Billing Reader")), {}),
    World("eligible on a resource group", "none", eligible(given("Reader", **IN_GROUP)), {}),
    World(
        "eligible, and Reader elsewhere",
        "reader",
        eligible(given("Reader"), role_assignments=[given("Reader", subscription="Second")]),
        {"Second": "reader"},
    ),
    World(
        "eligible on the one that must pass",
        "eligible",
        eligible(given("Reader"), role_assignments=[given("Reader", subscription="Second")]),
        {"First": "eligible"},
        options=f"--subscription {FIRST}",
    ),
    # Disabled subscriptions.
    World(
        "disabled",
        "none",
        assigned(
            given("Reader"), subscriptions=[subscription(1, "First", state="Disabled"), subscription(2, "Second")]
        ),
        {"First": None},
    ),
    World(
        "disabled, and another",
        "reader",
        assigned(
            given("Reader", scope="/"), subscriptions=[subscription(1, "Old", state="Deleted"), subscription(2, "New")]
        ),
        {"New": "reader", "Old": None},
    ),
    World(
        "past due counts",
        "reader",
        assigned(given("Reader"), subscriptions=[subscription(1, "First", state="PastDue")]),
        READER,
    ),
    # Several subscriptions.
    World(
        "one of two is refused",
        "reader",
        assigned(given("Reader", scope=RESOURCE), given("Reader", subscription="Second")),
        {"First": "unknown", "Second": "reader"},
    ),
    World(
        "a resource group of one, another as a whole",
        "reader",
        assigned(given("Reader", **IN_GROUP), given("Reader", subscription="Second")),
        {"First": "partial", "Second": "reader"},
    ),
    World(
        "one is refused, the other not enough",
        "unknown",
        assigned(given("Reader", scope=RESOURCE), given("Billing Reader", subscription="Second")),
        {"First": "unknown", "Second": "other-role"},
    ),
    World(
        "a resource group of one, the other not enough",
        "partial",
        assigned(given("Reader", **IN_GROUP), given("Billing Reader", subscription="Second")),
        {"First": "partial", "Second": "other-role"},
    ),
    World(
        "both must pass, by ID and by name",
        "more-than-reader",
        assigned(given("Reader"), given("Owner", subscription="Second")),
        {"First": "reader", "Second": "more-than-reader"},
        options=f"--subscription {FIRST.upper()} --subscription SECOND",
    ),
    World(
        "both must pass, one does not",
        "other-role",
        assigned(given("Reader"), given("Billing Reader", subscription="Second")),
        {"First": "reader", "Second": "other-role"},
        options="--subscription First --subscription Second",
    ),
    World(
        "one must pass that it does not see",
        "none",
        assigned(given("Reader", subscription="Second")),
        {FIRST: "none"},
        options=f"--subscription {FIRST}",
    ),
    # Pages.
    World("paged, all at once", "reader", assigned(given("Reader", scope="/")), BOTH, settings={"page-size": "1"}),
    World(
        "paged subscriptions, the last one passes",
        "reader",
        assigned(
            *(given("Billing Reader", subscription=f"S{number}") for number in range(1, 6)),
            given("Reader", subscription="S5"),
            subscriptions=[subscription(number, f"S{number}") for number in range(1, 6)],
        ),
        {f"S{number}": "other-role" for number in range(1, 5)} | {"S5": "reader"},
        settings={"page-size": "2"},
    ),
    World(
        "paged role assignments, Reader is the last",
        "reader",
        assigned(
            given("Billing Reader"), given("Billing Reader", "Team"), given("Reader", "Department"), given("Reader")
        ),
        READER,
        settings={"page-size": "1"},
    ),
    World(
        "paged eligible roles, Reader is the last",
        "eligible",
        eligible(given("Billing Reader"), given("Owner", subscription="Second"), given("Reader")),
        {"First": "eligible", "Second": "eligible"},
        settings={"page-size": "1"},
    ),
]


def in_world(pallink: Pallink, world: World) -> None:
    worlds.build(**world.parts)
    for name, value in world.settings.items():
        assert pallink("sandbox", "set", name, value).code == 0


def test_there_are_enough_worlds() -> None:
    assert len(WORLDS) >= 40
    assert len({world.name for world in WORLDS}) == len(WORLDS)
    assert {world.role for world in WORLDS} == {
        "reader",
        "more-than-reader",
        "partial",
        "conditional",
        "eligible",
        "other-role",
        "none",
        "unknown",
    }


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_the_verdict(in_sandbox: Pallink, pallink: Pallink, traffic: Traffic, world: World) -> None:
    in_world(pallink, world)
    checked = in_sandbox(f"check -o json {world.options}")

    assert checked.json["role"] == world.role, checked.stderr
    assert checked.code == (0 if world.passes else 6)
    found = {each["name"]: each["verdict"] for each in checked.json["subscriptions"]}
    assert found == world.subscriptions
    if world.scope is not None:
        assert checked.json["subscriptions"][0]["scope"] == world.scope
    if world.group is not None:
        assert checked.json["subscriptions"][0]["groupId"] == world.group
    assert ("warning: recognition covers only" in checked.stderr) is (world.passes and world.role == "partial")
    assert {method for method, path in traffic.sent if "/oauth2/" not in path} == {"GET"}


# By default the first two worlds of each verdict in which something is missing, which is what has to be explained.
EXPLAINED = [
    world
    for role in dict.fromkeys(world.role for world in WORLDS)
    for world in [world for world in WORLDS if world.role == role and not world.passes][:2]
]


# By default also the world in which nothing can be done.
@pytest.mark.parametrize(
    "world",
    combinations(
        [world for world in WORLDS if not world.passes],
        default=lambda world: world in EXPLAINED or not world.can_be_mended,
    ),
    ids=lambda world: world.name,
)
def test_the_printed_command_makes_the_next_check_pass(in_sandbox: Pallink, pallink: Pallink, world: World) -> None:
    in_world(pallink, world)
    refused = in_sandbox(f"check {world.options}")
    assert "pallink, not Azure, requires Reader to link, unless --role-check is warn or skip" in refused.stderr
    commands = re.findall(r"^    (pallink sandbox .*)$", refused.stderr, re.MULTILINE)
    assert commands
    for command in commands:
        done = pallink(*shlex.split(command)[1:])
        assert done.code == (0 if world.can_be_mended else 2), done.stderr
    assert in_sandbox(f"check {world.options}").code == (0 if world.can_be_mended else 6)


@pytest.mark.parametrize(
    "world", combinations(WORLDS, default=lambda world: world in EXPLAINED), ids=lambda world: world.name
)
def test_every_verdict_is_explained_on_a_terminal(in_sandbox: Pallink, pallink: Pallink, world: World) -> None:
    in_world(pallink, world)
    shown = in_sandbox(f"check {world.options}")
    for name, verdict in world.subscriptions.items():
        assert name in shown.stdout
        assert (verdict or "disabled, not counted") in shown.stdout
    if not world.passes:
        assert "could not read whether" in shown.stderr or "Reader role is" in shown.stderr
        assert ACCOUNT in shown.stderr
