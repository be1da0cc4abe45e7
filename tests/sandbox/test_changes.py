"""Roles that are given and activated, subscriptions that are added, pages: by the API, and by the sandbox itself."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from pallink.sandbox import ORIGIN, Request, Response, Sandbox
from pallink.sandbox.http.adapter import SandboxAdapter
from tests.sandbox.client import (
    APPROVERS,
    FABRIKAM,
    INVOICES,
    NEW_HIRE,
    PRODUCTION,
    READER,
    Caller,
    Client,
    document,
    error_of,
    parsed,
)

FINANCE = "0e3bd0a4-6f3c-4bd5-a8a5-5d0f53a30f1b"
OWNER = "8a1203c8-9a84-41bb-89a9-9439358a87bc"
AUDITOR = "5a0c8b7e-0b0e-4c53-9d43-2f9b7c1d6a01"
APPROVERS_GROUP = "5b659323-2021-4bb8-b561-e86350962e56"
CUSTOM = "3b7f6d52-8f0e-4f5a-9a55-6f6f0b7f2c10"
NAME = "99999999-0000-0000-0000-000000000001"
ROLES = "providers/Microsoft.Authorization"
WORKLOADS = "/providers/Microsoft.Management/managementGroups/workloads"
SUBSCRIPTIONS = "/subscriptions?api-version=2022-12-01"


def owner(client: Client) -> Caller:
    return client.caller("owner@contoso.com")


def put(caller: Caller, scope: str, properties: object, *, kind: str = "roleAssignments", name: str = NAME) -> Response:
    version = "2022-04-01" if kind == "roleAssignments" else "2020-10-01"
    body = json.dumps({"properties": properties}).encode()
    return caller.send("PUT", f"{scope}/{ROLES}/{kind}/{name}?api-version={version}", body=body)


def reader(principal_id: str = NEW_HIRE, role: str = READER) -> dict[str, str]:
    return {
        "roleDefinitionId": f"/{ROLES}/roleDefinitions/{role}",
        "principalId": principal_id,
        "principalType": "User",
    }


def visible(client: Client, account: str) -> list[str]:
    return [each["displayName"] for each in every_page(client.caller(account), SUBSCRIPTIONS)]


def every_page(caller: Caller, path: str) -> list[dict[str, Any]]:
    found = []
    while path:
        answer = document(caller.send("GET", path))
        found += answer["value"]
        following = urlsplit(answer.get("nextLink", ""))
        if following.netloc:
            assert f"{following.scheme}://{following.netloc}" == ORIGIN
        path = following._replace(scheme="", netloc="").geturl()
    return found


# --- Role assignments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (f"/subscriptions/{PRODUCTION}", ["Contoso Production"]),
        (f"/subscriptions/{FINANCE}/resourceGroups/invoicing", ["Contoso Finance"]),
        (WORKLOADS, ["Contoso Production", "Contoso Development"]),
    ],
)
def test_a_role_is_given_at_every_kind_of_scope(client: Client, scope: str, expected: list[str]) -> None:
    client.sandbox.assign(principal_id=OWNER, role="Owner", scope=f"/subscriptions/{FINANCE}")
    made = put(owner(client), scope, reader())

    assert made.status == 201
    assert parsed(made)["name"] == NAME
    assert parsed(made)["properties"]["scope"] == scope
    assert visible(client, "newhire@contoso.com") == expected


def test_who_may_not_give_roles_is_refused(client: Client) -> None:
    scope = f"/subscriptions/{PRODUCTION}"
    assert error_of(put(client.caller(), scope, reader())) == (403, "AuthorizationFailed")
    assert error_of(put(owner(client), f"/subscriptions/{FINANCE}", reader())) == (403, "AuthorizationFailed")
    assert error_of(put(owner(client), "", reader())) == (403, "AuthorizationFailed")
    assert visible(client, "newhire@contoso.com") == []


def test_a_scope_that_is_not_there(client: Client) -> None:
    nowhere = WORKLOADS.replace("workloads", "nowhere")
    assert error_of(put(owner(client), nowhere, reader())) == (404, "NotFound")


def test_the_sandboxs_own_way(client: Client) -> None:
    made = client.sandbox.assign(principal_id=NEW_HIRE.upper(), role="reader")
    assert made.scope == f"/subscriptions/{PRODUCTION}"
    assert client.sandbox.assign(principal_id=NEW_HIRE, role=READER, scope=made.scope.upper()) == made
    assert visible(client, "newhire@contoso.com") == ["Contoso Production"]

    client.sandbox.assign(principal_id=APPROVERS_GROUP, role="Billing Reader", scope=f"/subscriptions/{FINANCE}")
    assert "Contoso Finance" in visible(client, "svc_approvers@contoso.com")
    client.sandbox.assign(principal_id=INVOICES, role=CUSTOM, scope="/")
    assert "Contoso Archive" in visible(client, "invoices@contoso.com")

    client.sandbox.reset()
    assert visible(client, "newhire@contoso.com") == []


@pytest.mark.parametrize(
    ("principal_id", "role", "scope", "problem"),
    [
        ("nobody", "Reader", None, "no account or group with the object ID 'nobody'"),
        (NEW_HIRE, "Emperor", None, "no role named 'Emperor'"),
        (NEW_HIRE, "Reader", f"/subscriptions/{FABRIKAM}", "has no scope"),
        (NEW_HIRE, "Reader", "everywhere", "has no scope 'everywhere'"),
        (NEW_HIRE, "Reader", "/providers/Microsoft.Management/managementGroups/none", "has no scope"),
    ],
)
def test_what_cannot_be_given(client: Client, principal_id: str, role: str, scope: str | None, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        client.sandbox.assign(principal_id=principal_id, role=role, scope=scope)


# --- Privileged Identity Management -----------------------------------------------------------------------------------


def eligible(caller: Caller) -> list[dict[str, Any]]:
    path = f"//{ROLES}/roleEligibilityScheduleInstances?api-version=2020-10-01&$filter=asTarget()"
    value: list[dict[str, Any]] = document(caller.send("GET", path))["value"]
    return value


def test_what_is_eligible_is_activated_by_the_account_itself(client: Client) -> None:
    auditor = client.caller("auditor@contoso.com")
    (instance,) = eligible(auditor)
    properties = instance["properties"]
    assert visible(client, "auditor@contoso.com") == []
    assert properties["expandedProperties"]["scope"]["displayName"] == "Contoso Finance"
    request = {**reader(AUDITOR), "roleDefinitionId": properties["roleDefinitionId"], "requestType": "SelfActivate"}
    kind = "roleAssignmentScheduleRequests"

    assert error_of(put(owner(client), properties["scope"], request, kind=kind)) == (403, "AuthorizationFailed")
    assert error_of(put(auditor, WORKLOADS, request, kind=kind)) == (400, "RoleEligibilityDoesNotExist")
    other = {**request, "requestType": "AdminAssign"}
    assert error_of(put(auditor, properties["scope"], other, kind=kind)) == (400, "InvalidRequest")

    made = put(auditor, properties["scope"], request, kind=kind)

    assert (made.status, parsed(made)["properties"]["status"]) == (201, "Provisioned")
    assert visible(client, "auditor@contoso.com") == ["Contoso Finance"]


def test_the_sandboxs_own_activation(client: Client) -> None:
    scope = f"/subscriptions/{FINANCE}"
    with pytest.raises(ValueError, match="is not eligible for the role 'Owner'"):
        client.sandbox.activate(account_id=AUDITOR, role="Owner", scope=scope)
    assert client.sandbox.activate(account_id=AUDITOR, role="Reader", scope=scope).scope == scope
    assert visible(client, "auditor@contoso.com") == ["Contoso Finance"]


def test_the_overview_tells_what_is_eligible_disabled_and_conditional(client: Client) -> None:
    roles = {each.name: each.roles for each in client.sandbox.describe().accounts}
    assert roles["auditor@contoso.com"] == (
        "Reader on subscription Contoso Finance, eligible in Privileged Identity Management",
    )
    assert roles["archive@contoso.com"] == ("Reader on subscription Contoso Archive (Disabled)",)
    assert roles["delegate@contoso.com"] == ("Reader on subscription Contoso Finance, under a condition",)
    assert roles["operator@contoso.com"] == ("Operator without vaults on subscription Contoso Finance",)


def test_a_custom_role_is_its_tenants_own(client: Client) -> None:
    path = f"/{ROLES}/roleDefinitions/{CUSTOM}?api-version=2022-04-01"
    found = document(client.caller().send("GET", path))["properties"]
    assert (found["roleName"], found["type"]) == ("Operator without vaults", "CustomRole")
    assert found["permissions"][0]["notActions"] == ["Microsoft.KeyVault/*"]
    elsewhere = client.caller(tenant=FABRIKAM).send("GET", path)
    assert error_of(elsewhere) == (404, "RoleDefinitionDoesNotExist")


def test_a_condition_is_told(client: Client) -> None:
    caller = client.caller("delegate@contoso.com")
    path = f"/subscriptions/{FINANCE}/{ROLES}/roleAssignments?api-version=2022-04-01"
    conditions = {each["properties"]["condition"] for each in document(caller.send("GET", path))["value"]}
    assert None in conditions
    assert len(conditions) == 2


@pytest.mark.parametrize(("setting", "status"), [("refused", 403), ("listed", 200)])
def test_a_role_inside_a_subscription_alone(client: Client, setting: str, status: int) -> None:
    client.sandbox.set("role-inside-only", setting)
    caller = client.caller("reports@contoso.com")
    path = f"/subscriptions/{FINANCE}/{ROLES}/roleAssignments?api-version=2022-04-01"
    response = caller.send("GET", f"{path}&$filter=assignedTo('5a0c8b7e-0b0e-4c53-9d43-2f9b7c1d6a02')")
    assert response.status == status
    if status == 200:
        (assignment,) = document(response)["value"]
        assert assignment["properties"]["scope"].endswith("/resourceGroups/invoicing")
        definition = assignment["properties"]["roleDefinitionId"]
        assert definition == f"/subscriptions/{FINANCE}/{ROLES}/roleDefinitions/{READER}"


# --- Many subscriptions -----------------------------------------------------------------------------------------------


def test_subscriptions_grow_and_shrink(client: Client) -> None:
    assert client.sandbox.grow(200).subscriptions == 200
    names = visible(client, "svc_approvers@contoso.com")
    assert (len(names), names[-1]) == (202, "Generated 200")
    ids = {each["subscriptionId"] for each in every_page(owner(client), SUBSCRIPTIONS)}
    assert client.sandbox.grow(200).subscriptions == 200
    assert {each["subscriptionId"] for each in every_page(owner(client), SUBSCRIPTIONS)} == ids
    assert client.sandbox.grow(0).subscriptions == 0
    assert len(visible(client, "svc_approvers@contoso.com")) == 2


@pytest.mark.parametrize(("size", "pages"), [("1", 25), ("10", 3), ("1000", 1)])
def test_pages(client: Client, size: str, pages: int) -> None:
    client.sandbox.set("page-size", size)
    client.sandbox.grow(23)
    caller = owner(client)
    first = document(caller.send("GET", SUBSCRIPTIONS))
    assert len(first["value"]) == min(int(size), 25)
    assert first["count"]["value"] == 25
    assert ("nextLink" in first) is (pages > 1)
    everything = every_page(caller, SUBSCRIPTIONS)
    assert len({each["subscriptionId"] for each in everything}) == 25


def test_pages_keep_the_filter_and_the_origin(client: Client) -> None:
    client.sandbox.set("page-size", "1")
    client.sandbox.assign(principal_id=APPROVERS, role="Billing Reader")
    path = f"/subscriptions/{PRODUCTION}/{ROLES}/roleAssignments?api-version=2022-04-01"
    caller = client.caller("svc_approvers@contoso.com")
    found = every_page(caller, f"{path}&$filter=atScope() and assignedTo('{APPROVERS}')".replace(" ", "%20"))
    assert len(found) == 2


@pytest.mark.parametrize("token", ["-1", "x", "4", ""])
def test_a_page_that_there_is_not(client: Client, token: str) -> None:
    response = owner(client).send("GET", f"{SUBSCRIPTIONS}&$skiptoken={token}")
    assert error_of(response) == (400, "InvalidSkipToken")


def test_a_delay_keeps_nobody_elses_request_waiting(tmp_path: Path) -> None:
    """The file is free again while an answer is held back: another request can be answered meanwhile."""
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        Sandbox(tmp_path).handle(Request("GET", f"{ORIGIN}/subscriptions"))

    session = requests.Session()
    session.mount(ORIGIN, SandboxAdapter(Sandbox(tmp_path, wait=wait)))
    session.get(f"{ORIGIN}/subscriptions")
    assert waits == []
    Sandbox(tmp_path).set("response-delay", "250")
    session.get(f"{ORIGIN}/subscriptions")
    assert waits == [0.25]


def test_the_world_stays_as_it_is_where_a_change_fails(client: Client) -> None:
    before = client.sandbox.describe()
    with pytest.raises(ValueError, match="no role"):
        client.sandbox.assign(principal_id=NEW_HIRE, role="")
    assert client.sandbox.describe() == before
