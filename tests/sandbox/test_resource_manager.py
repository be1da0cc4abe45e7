"""Resource Manager: who may come in, what is there, and how it words a refusal."""

import json
from datetime import timedelta

import pytest

from pallink.sandbox import ORIGIN
from tests.sandbox.client import (
    CONTOSO,
    DEVELOPMENT,
    FABRIKAM,
    OPERATIONS,
    PARTNERS,
    PRODUCTION,
    READER,
    Caller,
    Client,
    claims,
    document,
    error_of,
    parsed,
)

LIGHTHOUSE = "5a0c8b7e-0b0e-4c53-9d43-2f9b7c1d6a07"
LOOPBACK = "https://localhost:8443"
SUBSCRIPTIONS = "/subscriptions?api-version=2022-12-01"


def test_the_cloud_describes_itself_to_everybody(client: Client) -> None:
    described = document(client.send("GET", "/metadata/endpoints?api-version=2022-09-01", origin=LOOPBACK))

    assert described["name"] == "Sandbox"
    assert described["resourceManager"] == LOOPBACK
    assert described["authentication"] == {
        "loginEndpoint": LOOPBACK,
        "audiences": [f"{LOOPBACK}/", LOOPBACK],
        "tenant": "common",
        "identityProvider": "AAD",
    }


def test_metadata_is_versioned_and_read_only(client: Client) -> None:
    missing = client.send("GET", "/metadata/endpoints")
    assert error_of(missing) == (400, "MissingApiVersionParameter")
    old = client.send("GET", "/metadata/endpoints?api-version=2015-01-01")
    assert error_of(old) == (400, "InvalidApiVersionParameter")
    posted = client.send("POST", "/metadata/endpoints?api-version=2022-09-01")
    assert error_of(posted) == (405, "MethodNotAllowed")


# --- Who comes in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic dTpw"}, {"Authorization": "Bearer"}])
def test_without_a_token_nobody_comes_in(client: Client, header: dict[str, str]) -> None:
    response = client.send("GET", SUBSCRIPTIONS, headers=header)

    assert error_of(response) == (401, "AuthenticationFailed")
    assert response.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


def test_a_forged_token_is_refused(client: Client) -> None:
    header, payload, signature = client.caller().token.split(".")

    for token in (f"{header}.{payload}.{signature[::-1]}", f"{header}.{payload}.", "made up", "é.é.é"):
        assert error_of(Caller(client, token).send("GET", SUBSCRIPTIONS)) == (401, "InvalidAuthenticationToken")


def test_other_tokens_are_no_access_tokens(client: Client) -> None:
    answer = client.tokens()

    id_token = Caller(client, answer["id_token"]).send("GET", SUBSCRIPTIONS)
    assert error_of(id_token) == (401, "InvalidAuthenticationTokenAudience")
    refresh_token = Caller(client, answer["refresh_token"]).send("GET", SUBSCRIPTIONS)
    assert error_of(refresh_token) == (401, "InvalidAuthenticationToken")


def test_a_token_for_another_origin_is_refused(client: Client) -> None:
    caller = Caller(client, client.tokens(origin=LOOPBACK)["access_token"])

    assert caller.send("GET", SUBSCRIPTIONS, origin=LOOPBACK).status == 200
    assert error_of(caller.send("GET", SUBSCRIPTIONS)) == (401, "InvalidAuthenticationTokenAudience")


def test_a_token_expires(client: Client) -> None:
    caller = client.caller()
    client.clock.advance(timedelta(seconds=3598))
    assert caller.send("GET", SUBSCRIPTIONS).status == 200

    client.clock.advance(timedelta(seconds=1))

    response = caller.send("GET", SUBSCRIPTIONS)
    assert error_of(response) == (401, "ExpiredAuthenticationToken")
    assert "'3/14/2026 4:09:25 PM'" in parsed(response)["error"]["message"]
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_a_reset_voids_every_token(client: Client) -> None:
    caller = client.caller()
    client.sandbox.reset()
    assert error_of(caller.send("GET", SUBSCRIPTIONS)) == (401, "InvalidAuthenticationToken")


# --- Versions, namespaces, methods -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/subscriptions", (400, "MissingApiVersionParameter")),
        ("GET", "/subscriptions?api-version=", (400, "MissingApiVersionParameter")),
        ("GET", "/subscriptions?api-version=1999-01-01", (400, "InvalidApiVersionParameter")),
        ("GET", f"{PARTNERS}?api-version=1999-01-01", (400, "NoRegisteredProviderFound")),
        ("GET", "/providers/Microsoft.Nothing/x?api-version=2022-12-01", (404, "InvalidResourceNamespace")),
        ("GET", "/providers/Microsoft.ManagementPartner/x?api-version=2018-02-01", (404, "InvalidResourceType")),
        ("GET", f"{PARTNERS}/719878/x?api-version=2018-02-01", (404, "InvalidResourceType")),
        ("GET", "/providers?api-version=2022-12-01", (404, "InvalidResourceNamespace")),
        ("GET", "/subscriptions/a/b?api-version=2022-12-01", (404, "NotFound")),
        ("POST", f"{PARTNERS}/719878?api-version=2018-02-01", (405, "MethodNotAllowed")),
        ("PUT", SUBSCRIPTIONS, (405, "MethodNotAllowed")),
    ],
)
def test_refusals(client: Client, method: str, path: str, expected: tuple[int, str]) -> None:
    assert error_of(client.caller().send(method, path)) == expected


def test_the_methods_that_are_allowed_are_told(client: Client) -> None:
    response = client.caller().send("POST", f"{PARTNERS}/719878?api-version=2018-02-01")
    assert response.headers["Allow"] == "GET, PUT, PATCH, DELETE"


@pytest.mark.parametrize(
    "path",
    [
        "/PROVIDERS/microsoft.managementpartner/PARTNERS?api-version=2018-02-01",
        "//providers/Microsoft.ManagementPartner/partners?API-Version=2018-02-01",
        "/providers/Microsoft%2EManagementPartner/partners/?api-version=2018-02-01",
    ],
)
def test_paths_are_compared_without_their_case(client: Client, path: str) -> None:
    caller = client.caller()
    created = document(caller.partners("PUT", "719878"))
    assert document(caller.send("GET", path)) == created


def test_every_answer_can_be_traced(client: Client) -> None:
    caller = client.caller()
    answers = [
        caller.send("GET", SUBSCRIPTIONS),
        caller.partners("GET"),
        client.send("GET", "/subscriptions"),
        client.send("GET", "/metadata/endpoints?api-version=2022-09-01"),
    ]
    for answer in answers:
        request_id = answer.headers["x-ms-request-id"]
        assert answer.headers["x-ms-correlation-request-id"] == request_id
        assert answer.headers["x-ms-routing-request-id"] == f"SANDBOX:20260314T150926Z:{request_id}"
        assert answer.headers["Date"] == "Sat, 14 Mar 2026 15:09:26 GMT"
        assert answer.headers["Cache-Control"] == "no-cache"
    assert len({answer.headers["x-ms-request-id"] for answer in answers}) == len(answers)


def test_a_correlation_id_is_kept(client: Client) -> None:
    headers = {"X-MS-Correlation-Request-Id": "mine"}
    assert client.send("GET", "/subscriptions", headers=headers).headers["x-ms-correlation-request-id"] == "mine"


# --- Tenants and subscriptions ---------------------------------------------------------------------------------------


def test_a_person_sees_every_tenant_that_it_is_in(client: Client) -> None:
    for tenant in (CONTOSO, FABRIKAM):
        answer = document(client.caller(tenant=tenant).send("GET", "/tenants?api-version=2022-12-01"))
        assert [each["tenantId"] for each in answer["value"]] == [CONTOSO, FABRIKAM]
    contoso = answer["value"][0]
    assert contoso == {
        "id": f"/tenants/{CONTOSO}",
        "tenantId": CONTOSO,
        "countryCode": "US",
        "displayName": "Contoso",
        "domains": ["contoso.onmicrosoft.com", "contoso.com"],
        "tenantCategory": "Home",
        "defaultDomain": "contoso.onmicrosoft.com",
        "tenantType": "AAD",
    }


def test_an_application_sees_its_own_tenant(client: Client) -> None:
    answer = document(client.application().send("GET", "/tenants?api-version=2022-12-01"))
    assert [each["displayName"] for each in answer["value"]] == ["Contoso"]


@pytest.mark.parametrize(
    ("account", "tenant", "expected"),
    [
        ("invoices@contoso.com", CONTOSO, [PRODUCTION]),
        ("invoices@contoso.com", FABRIKAM, [OPERATIONS]),
        ("svc_approvers@contoso.com", CONTOSO, [PRODUCTION, DEVELOPMENT]),
        ("owner@contoso.com", CONTOSO, [PRODUCTION, DEVELOPMENT]),
        ("newhire@contoso.com", CONTOSO, []),
    ],
)
def test_an_account_sees_the_subscriptions_where_it_holds_a_role(
    client: Client, account: str, tenant: str, expected: list[str]
) -> None:
    response = client.caller(account, tenant).send("GET", SUBSCRIPTIONS)

    assert [each["subscriptionId"] for each in document(response)["value"]] == expected
    assert response.headers["x-ms-ratelimit-remaining-tenant-reads"].isdigit()


def test_a_subscription_in_its_whole_shape(client: Client) -> None:
    caller = client.caller()
    response = caller.send("GET", f"/subscriptions/{PRODUCTION.upper()}?api-version=2022-12-01")

    assert document(response) == {
        "id": f"/subscriptions/{PRODUCTION}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": PRODUCTION,
        "tenantId": CONTOSO,
        "displayName": "Contoso Production",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }
    assert document(response) in document(caller.send("GET", SUBSCRIPTIONS))["value"]
    assert response.headers["x-ms-ratelimit-remaining-subscription-reads"].isdigit()


def test_a_subscription_that_is_not_there_not_visible_or_another_tenants(client: Client) -> None:
    def get(subscription: str, account: str) -> tuple[int, str]:
        return error_of(client.caller(account).send("GET", f"/subscriptions/{subscription}?api-version=2022-12-01"))

    unknown = "11111111-2222-3333-4444-555555555555"
    assert get(unknown, "owner@contoso.com") == (404, "SubscriptionNotFound")
    assert get(DEVELOPMENT, "invoices@contoso.com") == (403, "AuthorizationFailed")
    assert get(OPERATIONS, "invoices@contoso.com") == (401, "InvalidAuthenticationTokenTenant")


def test_a_delegated_subscription_names_its_own_tenant_and_who_manages_it(client: Client) -> None:
    caller = client.caller("lighthouse@contoso.com")
    (listed,) = document(caller.send("GET", SUBSCRIPTIONS))["value"]
    assert (listed["subscriptionId"], listed["tenantId"]) == (OPERATIONS, FABRIKAM)
    assert listed["managedByTenants"] == [{"tenantId": CONTOSO}]
    assert document(caller.send("GET", f"/subscriptions/{OPERATIONS}?api-version=2022-12-01")) == listed
    (own,) = document(client.caller(tenant=FABRIKAM).send("GET", SUBSCRIPTIONS))["value"]
    assert own == listed


def test_roles_through_a_delegation_are_not_listed_under_the_subscription(client: Client) -> None:
    caller = client.caller("lighthouse@contoso.com")
    path = f"/subscriptions/{OPERATIONS}/providers/Microsoft.Authorization/roleAssignments"
    for condition in ("", f"&$filter=atScope() and assignedTo('{LIGHTHOUSE}')"):
        assert document(caller.send("GET", f"{path}?api-version=2022-04-01{condition}"))["value"] == []
    body = {"properties": {"principalId": LIGHTHOUSE, "roleDefinitionId": f"/x/{READER}"}}
    refused = caller.send("PUT", f"{path}/{OPERATIONS}?api-version=2022-04-01", body=json.dumps(body).encode())
    assert error_of(refused) == (403, "AuthorizationFailed")


def test_urls_are_made_from_the_origin_that_was_asked(client: Client) -> None:
    token = client.tokens(origin=LOOPBACK)["access_token"]
    assert claims(token)["iss"] == f"{LOOPBACK}/{CONTOSO}/"
    assert claims(client.tokens()["access_token"])["iss"] == f"{ORIGIN}/{CONTOSO}/"
