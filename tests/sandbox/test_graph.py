"""Microsoft Graph: what `az` asks about the directory."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from pallink.sandbox import Response
from tests.sandbox.client import (
    APPROVERS,
    INVOICES,
    ONBOARDING,
    ONBOARDING_CLIENT,
    PRODUCTION,
    Client,
    document,
    parsed,
)

ASSIGNMENTS = (
    f"/subscriptions/{PRODUCTION}/providers/Microsoft.Authorization/roleAssignments"
    f"?api-version=2022-04-01&$filter=assignedTo('{APPROVERS}')"
)
BY_IDS = "/v1.0/directoryObjects/getByIds"


def graph_error_of(response: Response) -> tuple[int, str]:
    error = parsed(response)["error"]
    assert set(error) == {"code", "message", "innerError"}
    assert error["innerError"]["request-id"] == response.headers["request-id"]
    return response.status, error["code"]


def listed(client: Client, collection: str, condition: str | None = None) -> list[str]:
    query = "" if condition is None else f"?$filter={quote(condition, safe='')}"
    answer = document(client.application().send("GET", f"/v1.0/{collection}{query}"))
    assert answer["@odata.context"].endswith(f"/v1.0/$metadata#{collection}")
    return [each["id"] for each in answer["value"]]


@pytest.mark.parametrize(
    "condition", [f"servicePrincipalNames/any(c:c eq '{ONBOARDING_CLIENT}')", f"appId eq '{ONBOARDING_CLIENT.upper()}'"]
)
def test_an_application_is_found_by_its_client_id(client: Client, condition: str) -> None:
    assert listed(client, "servicePrincipals", condition) == [ONBOARDING]


def test_an_object_id_is_no_client_id(client: Client) -> None:
    assert listed(client, "servicePrincipals", f"servicePrincipalNames/any(c:c eq '{ONBOARDING}')") == []


def test_a_user_is_found_by_its_name(client: Client) -> None:
    assert listed(client, "users", "userPrincipalName eq 'Invoices@contoso.com'") == [INVOICES]
    assert listed(client, "users", "userPrincipalName eq 'nobody@contoso.com'") == []


def test_the_lists_divide_the_directory(client: Client) -> None:
    people, applications = listed(client, "users"), listed(client, "servicePrincipals")
    assert (INVOICES in people, ONBOARDING in applications) == (True, True)
    assert not set(people) & set(applications)


def test_one_is_read_by_its_identifiers(client: Client) -> None:
    caller = client.application()
    for name in (INVOICES, "invoices@contoso.com"):
        assert document(caller.send("GET", f"/v1.0/users/{name}"))["userPrincipalName"] == "invoices@contoso.com"
    application = document(caller.send("GET", f"/v1.0/servicePrincipals/{ONBOARDING}"))
    assert (application["appId"], application["servicePrincipalType"]) == (ONBOARDING_CLIENT, "Application")
    for path in (f"users/{ONBOARDING}", f"servicePrincipals/{INVOICES}"):
        assert graph_error_of(caller.send("GET", f"/v1.0/{path}")) == (404, "Request_ResourceNotFound")


def test_a_person_may_ask_who_it_is(client: Client) -> None:
    assert document(client.caller("svc_approvers@contoso.com").send("GET", "/v1.0/me"))["id"] == APPROVERS
    assert graph_error_of(client.application().send("GET", "/v1.0/me")) == (400, "BadRequest")


def test_object_ids_become_objects_of_every_kind(client: Client) -> None:
    caller = client.application()
    assignments = client.caller("svc_approvers@contoso.com").send("GET", ASSIGNMENTS)
    group = document(assignments)["value"][0]["properties"]["principalId"]
    nobody = "00000000-0000-0000-0000-000000000000"
    body = json.dumps({"ids": [INVOICES, ONBOARDING.upper(), group, nobody], "types": ["user"]}).encode()

    found = document(caller.send("POST", BY_IDS, body=body))["value"]

    assert {each["id"]: each["@odata.type"] for each in found} == {
        INVOICES: "#microsoft.graph.user",
        ONBOARDING: "#microsoft.graph.servicePrincipal",
        group: "#microsoft.graph.group",
    }


@pytest.mark.parametrize("body", [b"", b"[]", b'{"ids":"one"}', b'{"ids":[1]}', json.dumps({"ids": ["x"] * 1001})])
def test_a_list_of_ids_has_to_be_one(client: Client, body: Any) -> None:
    sent = body if isinstance(body, bytes) else body.encode()
    assert graph_error_of(client.application().send("POST", BY_IDS, body=sent)) == (400, "Request_BadRequest")


@pytest.mark.parametrize(
    ("method", "path", "error"),
    [
        ("GET", "/v1.0", (400, "BadRequest")),
        ("GET", "/v1.0/groups", (400, "BadRequest")),
        ("POST", "/v1.0/directoryObjects/other", (400, "BadRequest")),
        ("DELETE", f"/v1.0/users/{INVOICES}", (405, "Request_BadRequest")),
        ("GET", "/v1.0/users?$filter=city%20eq%20'Oslo'", (400, "Request_UnsupportedQuery")),
    ],
)
def test_what_it_does_not_know_is_an_error(client: Client, method: str, path: str, error: tuple[int, str]) -> None:
    assert graph_error_of(client.application().send(method, path)) == error


def test_without_a_token_nobody_reads(client: Client) -> None:
    response = client.send("GET", "/v1.0/users")
    assert graph_error_of(response) == (401, "InvalidAuthenticationToken")
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")


def test_without_consent_an_application_reads_nothing(client: Client) -> None:
    client.sandbox.set("graph-reads", "refused")
    answer = client.application().send("GET", "/v1.0/users")
    assert graph_error_of(answer) == (403, "Authorization_RequestDenied")
    assert client.caller().send("GET", "/v1.0/users").status == 200
