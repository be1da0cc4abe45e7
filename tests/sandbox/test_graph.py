"""Microsoft Graph: what `az` asks about the directory."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from pallink.sandbox import ORIGIN, Response
from pallink.sandbox.names import GRAPH_ORIGIN
from tests.sandbox.client import (
    APPROVERS,
    INVOICES,
    INVOICES_AS_GUEST,
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


# --- At its own host --------------------------------------------------------------------------------------------------


def graph(client: Client, path: str, hint: str = "owner@contoso.com", scope: str = GRAPH_ORIGIN) -> Response:
    """Sends a read to `graph.HOST`, with a token of a user for a scope."""
    code = client.authorize(login_hint=hint)["code"]
    token = document(client.redeem(code, scope=f"{scope}/.default"))["access_token"]
    return client.send("GET", path, headers={"authorization": f"Bearer {token}"}, origin=GRAPH_ORIGIN)


def test_its_tokens_are_its_own(client: Client) -> None:
    assert document(graph(client, "/v1.0/users/invoices%40contoso.com?$select=id"))["id"] == INVOICES
    foreign = graph(client, "/v1.0/users/invoices%40contoso.com", scope=ORIGIN)
    assert graph_error_of(foreign) == (401, "InvalidAuthenticationToken")
    code = client.authorize(login_hint="owner@contoso.com")["code"]
    token = document(client.redeem(code, scope=f"{GRAPH_ORIGIN}/.default"))["access_token"]
    response = client.send("GET", ASSIGNMENTS, headers={"authorization": f"Bearer {token}"})
    assert (response.status, parsed(response)["error"]["code"]) == (401, "InvalidAuthenticationTokenAudience")


def test_an_application_is_read_by_its_client_id(client: Client) -> None:
    path = f"/v1.0/servicePrincipals(appId='{ONBOARDING_CLIENT}')?$select=id,displayName"
    found = document(graph(client, path))
    assert (found["id"], found["displayName"], "appId" in found) == (ONBOARDING, "onboarding", False)
    unknown = graph(client, f"/v1.0/servicePrincipals(appId='{INVOICES}')")
    assert graph_error_of(unknown) == (404, "Request_ResourceNotFound")
    assert graph_error_of(graph(client, "/beta/users")) == (400, "BadRequest")


def test_a_guest_has_another_name(client: Client) -> None:
    caller = client.caller("invoices@contoso.com", "fabrikam.onmicrosoft.com")
    assert graph_error_of(caller.send("GET", "/v1.0/users/invoices@contoso.com")) == (404, "Request_ResourceNotFound")
    name = "invoices_contoso.com%23EXT%23@fabrikam.onmicrosoft.com"
    assert document(caller.send("GET", f"/v1.0/users/{name}"))["id"] == INVOICES_AS_GUEST


def test_it_may_refuse_everyone(client: Client) -> None:
    client.sandbox.set("graph-reads", "refused-to-all")
    assert graph_error_of(graph(client, "/v1.0/me")) == (403, "Authorization_RequestDenied")
