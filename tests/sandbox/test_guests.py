"""One person in many tenants: generated guests, what their tenants require, and the list of tenants."""

from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import pytest

from pallink.sandbox import Response
from pallink.sandbox.state.growth import Growth
from pallink.sandbox.state.guest_policies import GuestPolicy
from tests.sandbox.client import AZURE_CLI, CONTOSO, FABRIKAM, SCOPE, Caller, Client, claims, document, entra_error_of

GUEST = "invoices@contoso.com"
FIRST, SECOND = "tenant-0001.example", "tenant-0002.example"
TENANTS = "/tenants?api-version=2022-12-01"

NUMBERS = {
    GuestPolicy.MFA: 50076,
    GuestPolicy.TERMS_OF_USE: 50158,
    GuestPolicy.CONSENT: 65001,
    GuestPolicy.MANAGED_DEVICE: 530003,
    GuestPolicy.CROSS_TENANT_ACCESS: 500213,
    GuestPolicy.DISABLED: 500571,
    GuestPolicy.REMOVED: 50020,
}
IN_PERSON = {GuestPolicy.MFA, GuestPolicy.TERMS_OF_USE, GuestPolicy.CONSENT}


@pytest.fixture
def consultant(client: Client) -> Client:
    client.sandbox.grow(tenants=2, guest=GUEST)
    return client


def refreshed(client: Client, refresh_token: str, tenant: str) -> Response:
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": refresh_token, "scope": SCOPE}
    return client.ask_token(tenant, **form)


def by_device_code(client: Client, tenant: str, account: str = GUEST) -> Response:
    body = f"client_id={AZURE_CLI}&scope={SCOPE} offline_access".encode()
    started = document(client.send("POST", f"/{tenant}/oauth2/v2.0/devicecode", body=body))
    client.sandbox.approve(started["user_code"], account)
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": AZURE_CLI}
    return client.ask_token(tenant, **form, device_code=started["device_code"])


def tenants_of(caller: Caller) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = document(caller.send("GET", TENANTS))["value"]
    return listed


def test_a_refresh_token_of_one_sign_in_opens_every_tenant(consultant: Client) -> None:
    refresh_token = consultant.tokens(GUEST)["refresh_token"]
    for domain in (FIRST, SECOND, FABRIKAM):
        token = document(refreshed(consultant, refresh_token, domain))["access_token"]
        assert claims(token)["tid"] != CONTOSO
        assert document(Caller(consultant, token).partners("PUT", "719878"))["name"] == "719878"
    tenant_id = str(uuid5(NAMESPACE_DNS, FIRST))
    token = document(refreshed(consultant, refresh_token, FIRST))["access_token"]
    assert (claims(token)["tid"], claims(token)["oid"]) == (tenant_id, str(uuid5(uuid5(NAMESPACE_DNS, FIRST), GUEST)))


def test_the_guest_stays_until_the_tenants_go(consultant: Client) -> None:
    assert consultant.sandbox.grow(tenants=3, accounts=1) == Growth(0, 3, 0, 1)
    assert len(tenants_of(consultant.caller(GUEST))) == 5
    assert consultant.sandbox.generated_accounts()[0].name == "user-0001"
    consultant.sandbox.grow(tenants=0)
    assert [tenant["displayName"] for tenant in tenants_of(consultant.caller(GUEST))] == ["Contoso", "Fabrikam"]
    consultant.sandbox.grow(tenants=1)
    assert len(tenants_of(consultant.caller(GUEST))) == 2


def test_a_guest_policy_stays_as_long_as_its_tenant(consultant: Client) -> None:
    consultant.sandbox.set_guest_policy(GuestPolicy.MFA, [FIRST, FABRIKAM])
    consultant.sandbox.set_guest_policy(GuestPolicy.CONSENT, [SECOND])
    consultant.sandbox.grow(tenants=12, accounts=1)
    assert sorted(consultant.sandbox.describe().guest_policies) == [
        "fabrikam.onmicrosoft.com: mfa",
        f"{FIRST}: mfa",
        f"{SECOND}: consent",
    ]
    consultant.sandbox.grow(tenants=1)
    consultant.sandbox.grow(tenants=2)
    assert sorted(consultant.sandbox.describe().guest_policies) == ["fabrikam.onmicrosoft.com: mfa", f"{FIRST}: mfa"]


def test_a_user_of_a_generated_tenant_is_a_guest_of_the_others(client: Client) -> None:
    client.sandbox.grow(accounts=1, tenants=3, guest=f"user-0001@{FIRST}")
    assert len(tenants_of(client.caller(f"user-0001@{FIRST}"))) == 3


@pytest.mark.parametrize(
    ("guest", "tenants", "message"),
    [("none@contoso.com", 1, "no user named 'none@contoso.com'"), (GUEST, 0, "no tenants named tenant-0001")],
)
def test_a_guest_needs_an_account_and_tenants(client: Client, guest: str, tenants: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        client.sandbox.grow(tenants=tenants, guest=guest)


@pytest.mark.parametrize("policy", NUMBERS)
def test_a_policy_refuses_guests_of_its_tenant_only(consultant: Client, policy: GuestPolicy) -> None:
    refresh_token = document(by_device_code(consultant, CONTOSO))["refresh_token"]
    consultant.sandbox.set_guest_policy(policy, [FIRST])
    assert entra_error_of(refreshed(consultant, refresh_token, FIRST))[2] == NUMBERS[policy]
    assert consultant.authorize(FIRST, login_hint=GUEST)["error_description"].startswith(f"AADSTS{NUMBERS[policy]}:")
    document(refreshed(consultant, refresh_token, SECOND))

    in_person = by_device_code(consultant, FIRST)

    if policy not in IN_PERSON:
        assert entra_error_of(in_person)[2] == NUMBERS[policy]
        return
    document(refreshed(consultant, document(in_person)["refresh_token"], FIRST))
    assert entra_error_of(refreshed(consultant, refresh_token, FIRST))[2] == NUMBERS[policy]
    consultant.sandbox.set_guest_policy(GuestPolicy.NONE, [FIRST])
    document(refreshed(consultant, refresh_token, FIRST))


def test_a_member_meets_no_guest_policy(client: Client) -> None:
    client.sandbox.set_guest_policy(GuestPolicy.MFA, [CONTOSO])
    client.tokens(GUEST)


def test_mfa_names_the_claims_to_request(consultant: Client) -> None:
    consultant.sandbox.set_guest_policy(GuestPolicy.MFA, [FIRST])
    refusal = refreshed(consultant, consultant.tokens(GUEST)["refresh_token"], FIRST)
    assert b"acrs" in refusal.body


def test_an_unknown_tenant_changes_nothing(consultant: Client) -> None:
    with pytest.raises(ValueError, match=r"no tenant named 'contoso\.example'"):
        consultant.sandbox.set_guest_policy(GuestPolicy.MFA, [FIRST, "contoso.example"])
    assert consultant.sandbox.describe().guest_policies == ()
    consultant.sandbox.set_guest_policy(GuestPolicy.MFA, [FIRST])
    assert consultant.sandbox.describe().guest_policies == (f"{FIRST}: mfa",)


def test_the_list_of_tenants_comes_in_pages(consultant: Client) -> None:
    consultant.sandbox.set("page-size", "2")
    caller = consultant.caller(GUEST)
    first = document(caller.send("GET", TENANTS))
    assert [tenant["displayName"] for tenant in first["value"]] == ["Contoso", "Fabrikam"]
    second = document(caller.send("GET", first["nextLink"].partition(".invalid")[2]))
    assert [tenant["defaultDomain"] for tenant in second["value"]] == [FIRST, SECOND]
    assert "nextLink" not in second
    assert {tenant["tenantCategory"] for tenant in (*first["value"], *second["value"])} == {"Home"}
    assert {tenant["tenantType"] for tenant in second["value"]} == {"AAD"}


def test_tenants_that_delegate_are_listed_too(client: Client) -> None:
    categories = {
        tenant["displayName"]: tenant["tenantCategory"]
        for tenant in tenants_of(client.caller("lighthouse@contoso.com"))
    }
    assert categories == {"Contoso": "Home", "Fabrikam": "ProjectedBy"}
