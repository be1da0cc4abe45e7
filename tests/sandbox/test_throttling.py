"""Limits of token requests and of Resource Manager's, by a clock that the test turns."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import NAMESPACE_DNS, uuid5

import pytest

from pallink.sandbox import Response
from tests.sandbox.client import CONTOSO, FABRIKAM, SCOPE, Caller, Client, document, error_of


def statuses(responses: Iterable[Response]) -> list[int]:
    return [response.status for response in responses]


def token_of(client: Client, name: str, tenant: str = "tenant-0001.example") -> Response:
    return client.ask_token(
        tenant,
        grant_type="client_credentials",
        client_id=str(uuid5(NAMESPACE_DNS, f"{name}.example")),
        client_secret=f"sandbox-secret-{name}",
        scope=SCOPE,
    )


def passes_after(client: Client, throttled: Response, send: Callable[[], Response]) -> None:
    """Assert that a request passes after the time that another was told to wait, and not before."""
    assert throttled.status == 429
    seconds = int(throttled.headers["Retry-After"])
    client.clock.advance(timedelta(seconds=seconds - 1))
    assert send().status == 429
    client.clock.advance(timedelta(seconds=1))
    assert send().status == 200


def test_nothing_is_limited_by_default(client: Client) -> None:
    caller = client.application()
    assert set(statuses(client.application_token() for _ in range(70))) == {200}
    assert set(statuses(caller.partners("PATCH", "719878") for _ in range(260))) == {404}


# --- Entra ID ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "wait"), [("1", 60), ("10", 6), ("60", 1)])
def test_token_requests_in_a_minute(client: Client, limit: str, wait: int) -> None:
    client.sandbox.set("token-limit", limit)
    *accepted, rejected = [client.application_token() for _ in range(int(limit) + 1)]
    assert set(statuses(accepted)) == {200}
    assert rejected.headers["Retry-After"] == str(wait)
    assert rejected.headers["Content-Type"] == "text/html"
    passes_after(client, client.application_token(), client.application_token)
    client.clock.advance(timedelta(minutes=1))
    assert set(statuses(client.application_token() for _ in range(int(limit)))) == {200}


def test_each_application_and_tenant_has_a_limit_of_its_own(client: Client) -> None:
    client.sandbox.grow(applications=2, tenants=1)
    client.sandbox.set("token-limit", "1")
    tenant_id = str(uuid5(NAMESPACE_DNS, "tenant-0001.example"))
    assert token_of(client, "app-0001").status == 200
    assert token_of(client, "app-0001", tenant_id).status == 429  # Its domain and its ID are the same tenant.
    assert token_of(client, "app-0002").status == 200
    assert client.application_token().status == 200
    assert client.application_token(client_id="6BE1D7C7-4712-4123-A241-8B8918C455F9").status == 429


def test_a_request_without_a_tenant_is_limited_too(client: Client) -> None:
    client.sandbox.set("token-limit", "1")
    assert client.ask_token("Common", grant_type="password").status == 400
    assert client.ask_token("common", grant_type="password").status == 429


def test_users_of_one_client_share_its_limit_in_a_tenant(client: Client) -> None:
    client.sandbox.set("token-limit", "1")
    codes = [client.authorize(login_hint=name)["code"] for name in ("invoices@contoso.com", "owner@contoso.com")]
    assert statuses(client.redeem(code, CONTOSO) for code in codes) == [200, 429]
    elsewhere = client.authorize(FABRIKAM)["code"]
    assert client.redeem(elsewhere, FABRIKAM).status == 200


def test_one_token_request_in_flight(client: Client) -> None:
    client.sandbox.set("token-limit", "one-at-a-time")
    assert statuses([client.application_token(), client.application_token()]) == [200, 200]

    client.sandbox.set("response-delay", "250")

    assert statuses([client.application_token(), client.application_token()]) == [200, 429]
    client.clock.advance(timedelta(milliseconds=249))
    rejected = client.application_token()
    assert (rejected.status, rejected.headers["Retry-After"]) == (429, "1")
    client.clock.advance(timedelta(milliseconds=1))
    assert client.application_token().status == 200


# --- Resource Manager -------------------------------------------------------------------------------------------------


def read(caller: Caller) -> Response:
    return caller.send("GET", "/subscriptions?api-version=2022-12-01")


def write(caller: Caller) -> Response:
    return caller.partners("PATCH", "719878")


def delete(caller: Caller) -> Response:
    return caller.partners("DELETE", "719878")


@pytest.mark.parametrize(
    ("setting", "send", "burst", "refill"),
    [
        ("documented", read, 250, 25),
        ("documented", write, 200, 10),
        # By default the documented limits of reads and writes, and the strict one of each.
        pytest.param("documented", delete, 200, 10, marks=pytest.mark.exhaustive),
        ("strict", read, 3, 1),
        ("strict", write, 1, 1),
        ("strict", delete, 1, 1),
    ],
)
def test_a_burst_and_what_refills_it(
    client: Client, setting: str, send: Callable[[Caller], Response], burst: int, refill: int
) -> None:
    caller = client.application()
    caller.partners("PUT", "719878")
    client.sandbox.set("resource-manager-limit", setting)

    *accepted, rejected = [send(caller) for _ in range(burst + 1)]

    assert set(statuses(accepted)) == {200}
    assert error_of(rejected) == (429, "TenantRequestsThrottled")
    assert rejected.headers["Retry-After"] == "1"
    client.clock.advance(timedelta(seconds=1))
    *accepted, rejected = [send(caller) for _ in range(refill + 1)]
    assert set(statuses(accepted)) == {200}
    assert rejected.status == 429
    client.clock.advance(timedelta(minutes=30))
    assert statuses(send(caller) for _ in range(burst + 1)).count(429) == 1


def test_accounts_tenants_and_kinds_of_requests_do_not_share_a_limit(client: Client) -> None:
    callers = [client.caller(), client.caller("owner@contoso.com"), client.caller(tenant=FABRIKAM)]
    client.sandbox.set("resource-manager-limit", "strict")
    for caller in callers:
        assert statuses([caller.partners("PUT", "719878"), caller.partners("PUT", "719878")]) == [200, 429]
        assert read(caller).status == 200
        assert delete(caller).status == 200


def test_what_is_throttled_does_not_take_effect(client: Client) -> None:
    caller = client.application()
    client.sandbox.set("resource-manager-limit", "strict")
    assert document(caller.partners("PUT", "719878"))["properties"]["version"] == 1
    assert write(caller).status == 429
    assert document(caller.partners("GET"))["properties"]["version"] == 1


def test_a_limit_holds_for_all_processes_until_a_reset(client: Client) -> None:
    other = Client(client.sandbox.describe().path.parent)
    client.sandbox.set("token-limit", "1")
    assert client.application_token().status == 200
    assert other.application_token().status == 429
    client.sandbox.reset()
    client.sandbox.set("token-limit", "1")
    assert other.application_token().status == 200


def test_a_clock_that_is_set_back_neither_fills_nor_empties(client: Client) -> None:
    client.sandbox.set("token-limit", "10")
    assert client.application_token().status == 200
    client.clock.advance(timedelta(days=-1))
    assert statuses(client.application_token() for _ in range(10)) == [200] * 9 + [429]
