"""What is generated to rehearse with: patterns that scripts rely on, and look-ups that stay as quick."""

from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5

import pytest

from pallink.sandbox import Response
from pallink.sandbox.state.growth import Growth
from pallink.sandbox.state.store import State, Store
from tests.sandbox.client import CONTOSO, PRODUCTION, SCOPE, Caller, Client, document, entra_error_of

SUBSCRIPTIONS = "/subscriptions?api-version=2022-12-01"


def token_of(client: Client, name: str, tenant: str, **form: str) -> Response:
    """Sign a generated application in with nothing but the documented pattern."""
    fields = {
        "grant_type": "client_credentials",
        "client_id": str(uuid5(NAMESPACE_DNS, f"{name}.example")),
        "client_secret": f"sandbox-secret-{name}",
        "scope": SCOPE,
    }
    return client.ask_token(tenant, **{**fields, **form})


def application(client: Client, name: str, tenant: str) -> Caller:
    return Caller(client, document(token_of(client, name, tenant))["access_token"])


def test_nothing_is_generated_at_first(client: Client) -> None:
    assert client.sandbox.describe().generated == Growth(0, 0, 0, 0)
    assert client.sandbox.generated_accounts() == ()


@pytest.mark.parametrize(("name", "tenant"), [("app-0001", 1), ("app-0004", 1), ("app-0006", 3)])
def test_an_application_follows_the_pattern(client: Client, name: str, tenant: int) -> None:
    assert client.sandbox.grow(applications=6, tenants=3) == Growth(0, 3, 6, 0)
    domain = f"tenant-{tenant:04}.example"
    tenant_id = uuid5(NAMESPACE_DNS, domain)

    for tenant_name in (domain, str(tenant_id)):
        caller = application(client, name, tenant_name)
        properties = document(caller.partners("PUT", "719878"))["properties"]
        assert properties["tenantId"] == str(tenant_id)
        assert properties["objectId"] == str(uuid5(tenant_id, name))
        (subscription,) = document(caller.send("GET", SUBSCRIPTIONS))["value"]
        assert subscription["subscriptionId"] == str(uuid5(tenant_id, "production"))
        caller.partners("DELETE", "719878")


def test_a_user_follows_the_pattern(client: Client) -> None:
    client.sandbox.grow(accounts=3, tenants=2)
    properties = document(client.caller("user-0003@tenant-0001.example").partners("PUT", "719878"))["properties"]
    assert properties["objectId"] == str(uuid5(UUID(properties["tenantId"]), "user-0003"))


def test_without_tenants_contoso_has_them(client: Client) -> None:
    assert client.sandbox.grow(applications=1, accounts=1) == Growth(0, 0, 1, 1)
    for caller in (application(client, "app-0001", CONTOSO), client.caller("user-0001@contoso.com")):
        (subscription,) = document(caller.send("GET", SUBSCRIPTIONS))["value"]
        assert subscription["subscriptionId"] == PRODUCTION


def test_secrets_and_tenants_are_not_interchangeable(client: Client) -> None:
    client.sandbox.grow(applications=2, tenants=2)
    other = token_of(client, "app-0001", "tenant-0001.example", client_secret="sandbox-secret-app-0002")
    assert entra_error_of(other) == (401, "invalid_client", 7000215)
    elsewhere = token_of(client, "app-0001", "tenant-0002.example")
    assert entra_error_of(elsewhere) == (400, "unauthorized_client", 700016)


def test_what_is_not_named_stays(client: Client) -> None:
    client.sandbox.grow(5)
    client.sandbox.grow(applications=4, tenants=2)
    assert client.sandbox.grow(accounts=3) == Growth(5, 2, 4, 3)
    assert client.sandbox.grow(7) == Growth(7, 2, 4, 3)
    assert client.sandbox.grow(tenants=0) == Growth(7, 0, 4, 3)
    assert client.sandbox.grow(0, applications=0, accounts=0) == Growth(0, 0, 0, 0)
    assert client.sandbox.generated_accounts() == ()


def test_a_removed_account_takes_its_link_and_its_roles_along(client: Client) -> None:
    client.sandbox.grow(applications=2, tenants=1)
    for name in ("app-0001", "app-0002"):
        application(client, name, "tenant-0001.example").partners("PUT", "719878")
    removed = str(uuid5(uuid5(NAMESPACE_DNS, "tenant-0001.example"), "app-0002"))
    client.sandbox.assign(principal_id=removed, role="Contributor")

    client.sandbox.grow(applications=1)

    assert len(client.sandbox.describe().links) == 1
    client.sandbox.grow(applications=2)
    again = application(client, "app-0002", "tenant-0001.example")
    assert again.partners("GET").status == 404


def test_the_accounts_are_listed_by_number(client: Client) -> None:
    client.sandbox.grow(applications=10_001, accounts=2, tenants=7)
    names = [account.name for account in client.sandbox.generated_accounts()]
    assert names == [*(f"app-{number:04}" for number in range(1, 10_002)), "user-0001", "user-0002"]


def test_the_overview_counts_what_it_does_not_list(client: Client) -> None:
    before = client.sandbox.describe()
    client.sandbox.grow(applications=30, accounts=20, tenants=10)
    application(client, "app-0001", "tenant-0001.example").partners("PUT", "719878")

    after = client.sandbox.describe()

    assert (after.tenants, after.accounts) == (before.tenants, before.accounts)
    assert after.generated == Growth(0, 10, 30, 20)
    assert [link.is_generated for link in after.links] == [True]


def test_a_page_offers_the_hinted_account_and_not_thousands(client: Client) -> None:
    client.sandbox.grow(accounts=300)
    page = client.send("GET", "/common/oauth2/deviceauth").body.decode()
    assert page.count('name="account"') == 100
    assert "auditor@fabrikam.onmicrosoft.com" in page
    client.sandbox.set("sign-in-page", "shown")
    query = f"client_id=04b07795-8ddb-461a-bbee-02f9e1bf7b46&response_type=code&scope={SCOPE}&prompt=select_account"
    hinted = f"{query}&redirect_uri=http://localhost:8400&login_hint=user-0299@contoso.com"
    assert b">user-0299@contoso.com<" in client.send("GET", f"/common/oauth2/v2.0/authorize?{hinted}").body


def test_a_request_does_not_load_the_world_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large it is: a request reads the revision, and finds the world that another request loaded."""
    client.sandbox.grow(applications=1)
    read = []
    value = State._value

    def record(state: State, query: str) -> object:
        read.append(query)
        return value(state, query)

    monkeypatch.setattr(State, "_value", record)
    caller = application(client, "app-0001", CONTOSO)
    read.clear()

    caller.partners("PUT", "719878")
    caller.partners("GET")

    assert "SELECT revision FROM world" in read
    assert "SELECT document FROM world" not in read


def test_a_change_of_another_process_is_seen(client: Client) -> None:
    other = Client(client.sandbox.describe().path.parent)
    assert client.sandbox.describe().generated.accounts == 0
    other.sandbox.grow(accounts=1)
    assert client.sandbox.describe().generated.accounts == 1
    other.sandbox.reset()
    assert client.sandbox.describe().generated.accounts == 0


def test_a_world_without_an_enabled_subscription_cannot_grow(client: Client) -> None:
    def disable(data: dict[str, Any]) -> None:
        for subscription in data["tenants"][0]["subscriptions"]:
            subscription["state"] = "Disabled"

    with Store(client.sandbox.describe().path.parent).transaction() as state:
        state.change_world(disable)
    with pytest.raises(ValueError, match="has no enabled subscription"):
        client.sandbox.grow(applications=1)
    assert client.sandbox.describe().generated == Growth(0, 0, 0, 0)
