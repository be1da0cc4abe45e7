"""Role assignments that are created and removed by the API, by the rules of the service."""

import json
from datetime import timedelta
from typing import Any

import pytest

from pallink.sandbox import Response
from pallink.sandbox.state.conditions import condition_allows
from pallink.sandbox.state.store import Store
from tests.sandbox.client import (
    CONTOSO,
    INVOICES,
    NEW_HIRE,
    ONBOARDING,
    OPERATIONS,
    PRODUCTION,
    READER,
    Caller,
    Client,
    document,
    error_of,
    parsed,
)

CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
NAME = "99999999-0000-0000-0000-000000000001"
OTHER_NAME = "99999999-0000-0000-0000-000000000002"
SCOPE = f"/subscriptions/{PRODUCTION}"
WORKLOADS = "/providers/Microsoft.Management/managementGroups/workloads"
ROLES = "providers/Microsoft.Authorization"
OWNER, ACCESS = "owner@contoso.com", "access@contoso.com"


def send(
    caller: Caller, method: str, scope: str = SCOPE, name: str = NAME, properties: object = None, *, query: str = ""
) -> Response:
    body = b"" if properties is None else json.dumps({"properties": properties}).encode()
    path = f"{scope}/{ROLES}/roleAssignments{name and f'/{name}'}?api-version=2022-04-01{query}"
    return caller.send(method, path, body=body)


def wanted(principal_id: str = NEW_HIRE, role: str = READER, **rest: Any) -> dict[str, Any]:
    return {"roleDefinitionId": f"/{ROLES}/roleDefinitions/{role}", "principalId": principal_id, **rest}


def listed(caller: Caller, scope: str = SCOPE, principal_id: str = NEW_HIRE) -> list[str]:
    query = f"&$filter=atScope() and assignedTo('{principal_id}')".replace(" ", "%20")
    return [item["name"] for item in document(send(caller, "GET", scope, "", query=query))["value"]]


def test_a_role_assignment_is_created_read_and_removed(client: Client) -> None:
    owner = client.caller(OWNER)
    properties = wanted(principalType="User", description="Partner Admin Link")

    created = send(owner, "PUT", properties=properties)

    assert created.status == 201
    found = parsed(created)["properties"]
    assert (found["principalType"], found["description"]) == ("User", "Partner Admin Link")
    assert found["createdOn"] == "2026-03-14T15:09:26.0000000Z"
    assert document(send(owner, "GET")) == parsed(created)
    assert listed(owner) == [NAME]
    assert document(send(owner, "DELETE")) == parsed(created)
    assert send(owner, "DELETE").status == 204
    assert error_of(send(owner, "GET")) == (404, "RoleAssignmentNotFound")
    assert listed(owner) == []


def test_the_same_is_created_once(client: Client) -> None:
    owner = client.caller(OWNER)
    created = send(owner, "PUT", properties=wanted())

    assert parsed(send(owner, "PUT", properties=wanted())) == parsed(created)
    again = send(owner, "PUT", name=OTHER_NAME, properties=wanted())
    assert error_of(again) == (409, "RoleAssignmentExists")
    assert NAME.replace("-", "") in parsed(again)["error"]["message"]
    assert listed(owner) == [NAME]


@pytest.mark.parametrize(
    ("scope", "properties"),
    [(SCOPE, wanted(INVOICES)), (SCOPE, wanted(role=CONTRIBUTOR)), (WORKLOADS, wanted())],
)
def test_an_id_stands_for_one_assignment(client: Client, scope: str, properties: dict[str, Any]) -> None:
    owner = client.caller(OWNER)
    send(owner, "PUT", properties=wanted())
    refused = send(owner, "PUT", scope, properties=properties)
    assert error_of(refused) == (409, "RoleAssignmentUpdateNotPermitted")


@pytest.mark.parametrize(
    ("name", "properties", "expected"),
    [
        ("one", wanted(), (400, "InvalidRoleAssignmentId")),
        (NAME, {}, (400, "InvalidPrincipalId")),
        (NAME, wanted("newhire@contoso.com"), (400, "InvalidPrincipalId")),
        (NAME, wanted(CONTOSO), (400, "PrincipalNotFound")),
        (NAME, wanted("f1239f52-b370-47a3-a267-efc4fc5c7079"), (400, "PrincipalNotFound")),  # Of another tenant.
        (NAME, wanted(role=CONTOSO), (404, "RoleDefinitionDoesNotExist")),
        (NAME, wanted(principalType="Robot"), (400, "InvalidPrincipalType")),
        (NAME, wanted(ONBOARDING, principalType="User"), (400, "UnmatchedPrincipalType")),
        (NAME, "text", (400, "InvalidRequestContent")),
    ],
)
def test_what_is_no_role_assignment(client: Client, name: str, properties: object, expected: tuple[int, str]) -> None:
    assert error_of(send(client.caller(OWNER), "PUT", name=name, properties=properties)) == expected


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("/subscriptions/11111111-2222-3333-4444-555555555555", (404, "SubscriptionNotFound")),
        (f"/subscriptions/{OPERATIONS}", (401, "InvalidAuthenticationTokenTenant")),
        (f"{SCOPE}/resourceGroups/nowhere", (404, "ResourceGroupNotFound")),
        (WORKLOADS.replace("workloads", "nowhere"), (404, "NotFound")),
        ("/subscriptions/0e3bd0a4-6f3c-4bd5-a8a5-5d0f53a30f1b", (403, "AuthorizationFailed")),
        ("", (403, "AuthorizationFailed")),
    ],
)
def test_scopes_that_are_refused(client: Client, scope: str, expected: tuple[int, str]) -> None:
    assert error_of(send(client.caller(OWNER), "PUT", scope, properties=wanted())) == expected


@pytest.mark.parametrize(
    ("role", "is_allowed"),
    [
        ("Owner", True),
        ("User Access Administrator", True),
        ("Role Based Access Control Administrator", True),
        ("Contributor", False),
        ("Reader", False),
    ],
)
def test_who_may_assign_and_remove(client: Client, role: str, is_allowed: bool) -> None:
    client.sandbox.assign(principal_id=INVOICES, role=role, scope=SCOPE)
    caller = client.caller("invoices@contoso.com")
    created = send(caller, "PUT", properties=wanted())
    assert created.status == (201 if is_allowed else 403)
    send(client.caller(OWNER), "PUT", properties=wanted())
    assert send(caller, "DELETE").status == (200 if is_allowed else 403)


def test_a_condition_restricts_the_roles(client: Client) -> None:
    access, owner = client.caller(ACCESS), client.caller(OWNER)
    assert send(access, "PUT", properties=wanted()).status == 201
    refused = send(access, "PUT", name=OTHER_NAME, properties=wanted(role=CONTRIBUTOR))
    assert error_of(refused) == (403, "AuthorizationFailed")
    assert "ABAC condition that is not fulfilled" in parsed(refused)["error"]["message"]
    send(owner, "PUT", name=OTHER_NAME, properties=wanted(role=CONTRIBUTOR))
    assert error_of(send(access, "DELETE", name=OTHER_NAME)) == (403, "AuthorizationFailed")
    assert send(access, "DELETE").status == 200


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("@Request[Microsoft.Authorization/roleAssignments:PrincipalType] {is} {{'User', 'Group'}}", True),
        ("@Request[Microsoft.Authorization/roleAssignments:PrincipalType] {is} {{'ServicePrincipal'}}", False),
        (f"@Request[Microsoft.Authorization/roleAssignments:PrincipalId] {{is}} {{{{{NEW_HIRE}}}}}", True),
        ("@Resource[Microsoft.Authorization/roleAssignments:PrincipalType] {is} {{'Group'}}", True),  # A removal's.
        ("@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'invoices'", True),
    ],
)
def test_clauses_of_a_condition(clause: str, expected: bool) -> None:
    condition = clause.format(**{"is": "ForAnyOfAnyValues:StringEqualsIgnoreCase"})
    attributes = {"PrincipalType": "User", "PrincipalId": NEW_HIRE, "RoleDefinitionId": READER}
    action = "Microsoft.Authorization/roleAssignments/write"
    assert condition_allows(condition, action, attributes) is expected


def test_a_new_assignment_takes_effect_later(client: Client) -> None:
    client.sandbox.set("role-propagation", "60")
    owner, newhire = client.caller(OWNER), client.caller("newhire@contoso.com")
    send(owner, "PUT", properties=wanted())

    assert send(owner, "GET").status == 200
    assert listed(owner) == []
    assert error_of(send(newhire, "GET")) == (403, "AuthorizationFailed")
    again = send(owner, "PUT", name=OTHER_NAME, properties=wanted())
    assert error_of(again) == (409, "RoleAssignmentExists")

    client.clock.advance(timedelta(seconds=60))

    assert listed(owner) == [NAME]
    assert send(newhire, "GET").status == 200


@pytest.mark.parametrize(
    ("setting", "scope", "present"),
    [("4000", SCOPE, 3996), ("1", SCOPE, 0), ("4000", WORKLOADS, 497)],
    ids=["subscription", "setting", "management group"],
)
def test_there_is_a_limit(client: Client, setting: str, scope: str, present: int) -> None:
    client.sandbox.set("role-assignment-limit", setting)
    inside = f"{scope}/resourceGroups/rg" if scope == SCOPE else scope

    def fill(data: dict[str, Any]) -> None:
        entries = [
            {"name": f"{number:032}", "principal": NEW_HIRE, "role": "Reader", "scope": f"{inside}/r{number}"}
            for number in range(present)
        ]
        tenant = next(tenant for tenant in data["tenants"] if tenant["id"] == CONTOSO)
        tenant["role_assignments"] += entries

    with Store(client.home).transaction() as state:
        state.change_world(fill)
    owner = client.caller(OWNER)
    allowed = send(owner, "PUT", scope, properties=wanted())
    assert allowed.status == (201 if present else 400)
    refused = send(owner, "PUT", scope, OTHER_NAME, wanted(INVOICES, CONTRIBUTOR))
    assert error_of(refused) == (400, "RoleAssignmentLimitExceeded")


def test_assignments_of_a_management_group_are_listed(client: Client) -> None:
    owner = client.caller(OWNER)
    send(owner, "PUT", WORKLOADS, properties=wanted())
    assert listed(owner, WORKLOADS) == [NAME]
    assert listed(owner) == [NAME]
    assert error_of(send(client.caller(), "GET", WORKLOADS, "")) == (403, "AuthorizationFailed")
