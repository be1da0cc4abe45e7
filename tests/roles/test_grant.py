"""What `pallink role` decides: which scope, which role, which assignment."""

import pytest

from pallink.errors import ServiceError, UsageError
from pallink.links.model import Action
from pallink.roles.assignments import RoleAssignment, Subscription
from pallink.roles.definitions import CREDIT_ROLE, READER, Permission
from pallink.roles.grant import (
    AssignableRole,
    Principal,
    WantedRole,
    assignment_name,
    existing_name,
    plan_assignment,
    plan_removal,
    split_assignment_id,
    writes_of,
)
from pallink.roles.scopes import Scope, WantedScopes, parse_scope

ONE = "33333333-0000-0000-0000-000000000001"
TWO = "33333333-0000-0000-0000-000000000002"
OBJECT_ID = "11111111-0000-0000-0000-00000000000a"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
FIRST = f"/subscriptions/{ONE}"
GROUPS = "/providers/Microsoft.Management/managementGroups"
VISIBLE = (Subscription(ONE, "First"), Subscription(TWO, "Second"))
PRINCIPAL = Principal(OBJECT_ID, "User", "svc@world.example")
ROLE = AssignableRole(READER.id, READER.name)


# --- The ID -----------------------------------------------------------------------------------------------------------


def test_the_same_assignment_has_the_same_id() -> None:
    name = assignment_name(FIRST, OBJECT_ID, READER.id)
    assert name == "a6750bb3-d253-5b8b-ba2a-24fbc217cf05"
    assert assignment_name(FIRST.upper() + "/", OBJECT_ID.upper(), READER.id.upper()) == name
    others = {
        assignment_name(f"{FIRST}/resourceGroups/rg", OBJECT_ID, READER.id),
        assignment_name(FIRST, ONE, READER.id),
        assignment_name(FIRST, OBJECT_ID, CREDIT_ROLE.id),
    }
    assert len(others | {name}) == 4


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("The ID of the existing role assignment is 2f9290b01a8244fea959b441c49c84cb.", True),
        ("The ID of the existing role assignment is 2F9290B0-1A82-44FE-A959-B441C49C84CB.", True),
        ("The role assignment already exists.", False),
    ],
)
def test_the_id_of_what_exists(message: str, expected: bool) -> None:
    assert existing_name(message) == ("2f9290b0-1a82-44fe-a959-b441c49c84cb" if expected else None)


def test_an_assignment_is_named_by_its_id() -> None:
    path = f"{FIRST}/providers/Microsoft.Authorization/roleAssignments/{TWO.upper()}"
    assert split_assignment_id(path) == (FIRST, TWO)


@pytest.mark.parametrize("text", ["", TWO, f"{FIRST}/providers/Microsoft.Authorization/roleAssignments/x"])
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(UsageError, match="is not the ID of a role assignment"):
        split_assignment_id(text)


# --- The role ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "role_id", "is_known"),
    [
        ("Reader", READER.id, True),
        (" reader ", READER.id, True),
        ("support request contributor", CREDIT_ROLE.id, True),
        (READER.id.upper(), READER.id, True),
        (f"{FIRST}/providers/Microsoft.Authorization/roleDefinitions/{READER.id}", READER.id, True),
        ("Contributor", CONTRIBUTOR, False),
        (f"/providers/Microsoft.Authorization/roleDefinitions/{ONE}", ONE, False),
        ("Our operators", None, False),
    ],
)
def test_how_a_role_is_named(text: str, role_id: str | None, is_known: bool) -> None:
    role = WantedRole.parse(text)
    assert (role.id, role.known is not None) == (role_id, is_known)


@pytest.mark.parametrize("text", ["", "  ", "a/b", "/providers/Microsoft.Authorization/roleDefinitions/Reader"])
def test_what_names_no_role(text: str) -> None:
    with pytest.raises(UsageError, match="is not a role"):
        WantedRole.parse(text)


@pytest.mark.parametrize(
    ("actions", "writes"),
    [
        (["*/read"], ()),
        (["Microsoft.Authorization/*/read", "Microsoft.Support/*"], ()),
        (["Microsoft.Billing/*/read", "microsoft.support/supportTickets/write"], ()),
        (["*"], ("*",)),
        (["*/read", "Microsoft.Insights/*"], ("Microsoft.Insights/*",)),
        (["Microsoft.Compute/virtualMachines/start/action"], ("Microsoft.Compute/virtualMachines/start/action",)),
        (["*/write", "*/write"], ("*/write",)),
    ],
)
def test_what_goes_beyond_reading(actions: list[str], writes: tuple[str, ...]) -> None:
    assert writes_of([Permission(actions, ["*"])]) == writes


def test_a_role_that_writes_has_to_be_wanted() -> None:
    role = AssignableRole(CONTRIBUTOR, "Contributor", ("a", "b", "c", "d"))
    with pytest.raises(UsageError, match="the role Contributor allows more than reading") as raised:
        role.require_permission_to_write(allowed=False)
    assert raised.value.cause is not None
    assert "a, b, c and 1 more" in raised.value.cause
    role.require_permission_to_write(allowed=True)
    ROLE.require_permission_to_write(allowed=False)


# --- The scope --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (WantedScopes(subscriptions=("first", TWO, "First")), [FIRST, f"/subscriptions/{TWO}"]),
        (WantedScopes(subscriptions=("First",), resource_groups=("rg", "x")), ["rg", "x"]),
        (WantedScopes(management_groups=("outer",)), [f"{GROUPS}/outer"]),
        (WantedScopes(scopes=(f"{FIRST.upper()}/RESOURCEGROUPS/Rg/",)), ["Rg"]),
        (WantedScopes(subscriptions=("First",), scopes=(FIRST,)), [FIRST]),
        (WantedScopes(scopes=(f"{GROUPS}/outer",), management_groups=("OUTER",)), [f"{GROUPS}/outer"]),
    ],
)
def test_scopes_are_resolved(wanted: WantedScopes, expected: list[str]) -> None:
    found = [scope.id for scope in wanted.resolve(VISIBLE)]
    assert found == [item if "/" in item else f"{FIRST}/resourceGroups/{item}" for item in expected]


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (Scope(FIRST, "First"), f"subscription First ({ONE})"),
        (Scope(FIRST), f"subscription {ONE}"),
        (Scope(f"{FIRST}/resourceGroups/rg", "First"), "resource group rg in subscription First"),
        (Scope(f"{GROUPS}/outer"), "management group outer"),
    ],
)
def test_scopes_in_words(scope: Scope, words: str) -> None:
    assert str(scope) == words


@pytest.mark.parametrize(
    "text",
    ["", "/", "First", FIRST[1:], "/subscriptions/First", f"{FIRST}/resourceGroups/a.", f"{FIRST}/providers/P/t/n"],
)
def test_what_is_no_scope(text: str) -> None:
    with pytest.raises(UsageError, match="is not a scope that pallink assigns roles on"):
        parse_scope(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resource_groups": ("rg",)}, "--resource-group requires one --subscription"),
        ({"resource_groups": ("rg",), "subscriptions": ("a", "b")}, "--resource-group requires one --subscription"),
        ({"resource_groups": ("a/b",), "subscriptions": ("a",)}, "is not a name for --resource-group"),
        ({"management_groups": ("",)}, "is not a name for --management-group"),
        ({"scopes": ("x",)}, "is not a scope"),
    ],
)
def test_scopes_that_are_refused(options: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        WantedScopes(**options)


@pytest.mark.parametrize(
    ("subscriptions", "cause"), [((), "no --subscription is given"), (("a", "b"), "--subscription is given 2 times")]
)
def test_why_a_resource_group_is_refused(subscriptions: tuple[str, ...], cause: str) -> None:
    with pytest.raises(UsageError) as refused:
        WantedScopes(subscriptions, resource_groups=("rg",))
    assert refused.value.cause == cause


# --- The plan ---------------------------------------------------------------------------------------------------------


def held(**changes: str) -> RoleAssignment:
    fields = {"role_definition_id": f"x/{READER.id.upper()}", "scope": FIRST, "principal_id": OBJECT_ID, **changes}
    return RoleAssignment(**fields)


@pytest.mark.parametrize(
    ("assignment", "is_found"),
    [
        (held(), True),
        (held(scope=FIRST.upper(), principal_id=OBJECT_ID.upper()), True),
        (held(scope=f"{GROUPS}/outer"), False),
        (held(scope=f"{FIRST}/resourceGroups/rg"), False),
        (held(principal_id=TWO), False),  # Through a group.
        (held(role_definition_id=f"x/{CREDIT_ROLE.id}"), False),
    ],
)
def test_only_the_very_assignment_counts(assignment: RoleAssignment, is_found: bool) -> None:
    scope = Scope(FIRST)
    assigned, removed = (plan(scope, [assignment], PRINCIPAL, ROLE) for plan in (plan_assignment, plan_removal))
    assert assigned.action is (Action.UNCHANGED if is_found else Action.CREATED)
    assert removed.action is (Action.DELETED if is_found else Action.UNCHANGED)
    assert assigned.existing == removed.existing == (assignment if is_found else None)


def test_a_condition_is_in_the_way() -> None:
    conditional = held(condition="x")
    with pytest.raises(ServiceError, match=r"already has Reader on subscription [-0-9]+, under a condition"):
        plan_assignment(Scope(FIRST), [conditional], PRINCIPAL, ROLE)
    assert plan_removal(Scope(FIRST), [conditional], PRINCIPAL, ROLE).action is Action.DELETED
