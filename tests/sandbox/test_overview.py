"""What people are shown of a sandbox, and what they may set."""

import pytest

from pallink.sandbox import AccountOverview, LinkOverview, TenantOverview
from tests.sandbox.client import (
    CONTOSO,
    FABRIKAM,
    INVOICES,
    INVOICES_AS_GUEST,
    ONBOARDING_CLIENT,
    ONBOARDING_SECRET,
    Client,
)


def account(client: Client, name: str, tenant: str = CONTOSO) -> AccountOverview:
    accounts = client.sandbox.describe().accounts
    (found,) = [each for each in accounts if (each.name, each.tenant_id) == (name, tenant)]
    return found


def test_tenants(client: Client) -> None:
    assert client.sandbox.describe().tenants == (
        TenantOverview(CONTOSO, "contoso.onmicrosoft.com", "Contoso"),
        TenantOverview(FABRIKAM, "fabrikam.onmicrosoft.com", "Fabrikam"),
    )


def test_the_default_account_and_its_guest(client: Client) -> None:
    at_home, as_guest = account(client, "invoices@contoso.com"), account(client, "invoices@contoso.com", FABRIKAM)

    assert (at_home.kind, at_home.object_id, at_home.is_default) == ("user", INVOICES, True)
    assert at_home.roles == ("Reader on subscription Contoso Production",)
    assert (as_guest.kind, as_guest.object_id, as_guest.is_default) == ("guest", INVOICES_AS_GUEST, False)
    assert as_guest.roles == ("Reader on subscription Fabrikam Operations",)
    assert as_guest.tenant == "fabrikam.onmicrosoft.com"


def test_roles_in_words(client: Client) -> None:
    inherited = "through group Finance systems, assigned at management group Workloads"
    assert account(client, "svc_approvers@contoso.com").roles == (
        f"Reader on subscription Contoso Production {inherited}",
        f"Reader on subscription Contoso Development {inherited}",
    )
    assert account(client, "owner@contoso.com").roles[0] == (
        "Owner on subscription Contoso Production, assigned at management group Workloads"
    )
    assert account(client, "newhire@contoso.com").roles == ()


def test_an_application(client: Client) -> None:
    application = account(client, ONBOARDING_CLIENT)
    assert (application.kind, application.display_name) == ("service principal", "onboarding")
    assert application.client_secret == ONBOARDING_SECRET


def test_partners(client: Client) -> None:
    partners = {each.id: (each.name, each.kind) for each in client.sandbox.describe().partners}
    assert partners["719878"] == ("Mekorma", "location")
    assert "global" in {kind for _, kind in partners.values()}


def test_links_deleted_ones_included(client: Client) -> None:
    assert client.sandbox.describe().links == ()
    caller = client.caller()
    caller.partners("PUT", "719878")
    caller.partners("DELETE", "719878")

    (link,) = client.sandbox.describe().links

    assert link == LinkOverview(
        account="invoices@contoso.com",
        tenant="contoso.onmicrosoft.com",
        partner_id="719878",
        partner_name="Mekorma",
        state="Deleted",
        version=2,
        updated_time="2026-03-14T15:09:26.5358972Z",
    )


def test_settings(client: Client) -> None:
    client.sandbox.set("already-linked", "400 Conflict")
    settings = {each.name: each for each in client.sandbox.describe().settings}

    assert settings["already-linked"].value == "400 Conflict"
    assert settings["provider"].value == "registered"
    assert all(each.value in each.allowed and each.explanation.endswith(".") for each in settings.values())


def test_a_setting_takes_its_own_values_only(client: Client) -> None:
    with pytest.raises(ValueError, match="for provider: use one of 'registered', 'absent'"):
        client.sandbox.set("provider", "perhaps")
    with pytest.raises(ValueError, match="unknown setting 'weather': use one of already-linked, "):
        client.sandbox.set("weather", "fine")
