"""Device codes: given out, approved or not, polled for; and the real class that does it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import DeviceCodeCredential

from pallink.sandbox import ORIGIN, Response, Sandbox
from pallink.sandbox.http.adapter import SandboxAdapter
from tests.sandbox.client import (
    AZURE_CLI,
    CONTOSO,
    FABRIKAM,
    INVOICES,
    INVOICES_AS_GUEST,
    ONBOARDING_CLIENT,
    SCOPE,
    Client,
    claims,
    document,
    entra_error_of,
)


def start(client: Client, tenant: str = "organizations", **form: str) -> Response:
    fields = {"client_id": AZURE_CLI, "scope": f"{SCOPE} offline_access", **form}
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    return client.send("POST", f"/{tenant}/oauth2/v2.0/devicecode", body=body)


def poll(client: Client, device_code: str, tenant: str = "organizations", **form: str) -> Response:
    grant_type = "urn:ietf:params:oauth:grant-type:device_code"
    fields = {"grant_type": grant_type, "client_id": AZURE_CLI, "device_code": device_code, **form}
    return client.ask_token(tenant, **fields)


def test_a_code_is_approved_by_somebody(client: Client) -> None:
    started = document(start(client))
    assert (started["interval"], started["expires_in"]) == (5, 900)
    assert started["verification_uri"] == f"{ORIGIN}/common/oauth2/deviceauth"
    assert started["user_code"] in started["message"]
    assert entra_error_of(poll(client, started["device_code"])) == (400, "authorization_pending", 70016)

    spaced = f" {started['user_code'][:4].lower()}-{started['user_code'][4:]} "
    assert client.sandbox.approve(spaced, "owner@contoso.com") == "owner@contoso.com"

    answer = document(poll(client, started["device_code"]))
    assert claims(answer["access_token"])["upn"] == "owner@contoso.com"
    assert claims(answer["id_token"])["preferred_username"] == "owner@contoso.com"
    assert answer["refresh_token"]
    # Good for one time.
    assert entra_error_of(poll(client, started["device_code"])) == (400, "invalid_grant", 70000)


def test_whoever_polls_too_often_is_told_to_slow_down(client: Client) -> None:
    code = document(start(client))["device_code"]
    assert entra_error_of(poll(client, code))[1] == "authorization_pending"
    client.clock.advance(timedelta(seconds=4))
    assert entra_error_of(poll(client, code))[1] == "slow_down"
    client.clock.advance(timedelta(seconds=5))
    assert entra_error_of(poll(client, code))[1] == "authorization_pending"
    client.sandbox.set("device-code-interval", "0")
    assert entra_error_of(poll(client, code))[1] == "authorization_pending"
    assert document(start(client))["interval"] == 0


def test_a_code_is_declined(client: Client) -> None:
    started = document(start(client))
    client.sandbox.approve(started["user_code"], deny=True)
    for _ in range(2):
        refused = entra_error_of(poll(client, started["device_code"]))
        assert refused == (400, "authorization_declined", 65004)


def test_a_code_expires(client: Client) -> None:
    started = document(start(client))
    client.clock.advance(timedelta(seconds=900))
    assert entra_error_of(poll(client, started["device_code"])) == (400, "expired_token", 70020)
    with pytest.raises(ValueError, match="has expired"):
        client.sandbox.approve(started["user_code"])
    client.clock.advance(timedelta(hours=2))
    start(client)  # Old ones are forgotten when new ones come.
    assert entra_error_of(poll(client, started["device_code"])) == (400, "expired_token", 70020)
    with pytest.raises(ValueError, match="is unknown"):
        client.sandbox.approve(started["user_code"])


def test_a_code_is_answered_once_and_by_somebody_who_exists(client: Client) -> None:
    code = document(start(client))["user_code"]
    with pytest.raises(ValueError, match=r"no user 'nobody@contoso\.com'"):
        client.sandbox.approve(code, "nobody@contoso.com")
    assert client.sandbox.approve(code) == "invoices@contoso.com"
    with pytest.raises(ValueError, match="already used"):
        client.sandbox.approve(code)


def test_the_tenant_that_is_named_counts(client: Client) -> None:
    started = document(start(client, FABRIKAM))
    client.sandbox.approve(started["user_code"])
    answer = document(poll(client, started["device_code"], FABRIKAM))
    assert claims(answer["access_token"])["oid"] == INVOICES_AS_GUEST
    stranger = document(start(client, CONTOSO))
    client.sandbox.approve(stranger["user_code"], "auditor@fabrikam.onmicrosoft.com")
    refused = entra_error_of(poll(client, stranger["device_code"], CONTOSO))
    assert refused == (400, "interaction_required", 50020)


def test_what_is_wrong_is_refused(client: Client) -> None:
    assert entra_error_of(start(client, client_id=CONTOSO)) == (400, "unauthorized_client", 700016)
    assert entra_error_of(start(client, scope="openid")) == (400, "invalid_scope", 70011)
    assert entra_error_of(start(client, "nobody.example")) == (400, "invalid_tenant", 90002)
    code = document(start(client))["device_code"]
    assert entra_error_of(poll(client, "made up")) == (400, "invalid_grant", 70000)
    assert entra_error_of(poll(client, code, client_id=ONBOARDING_CLIENT)) == (400, "invalid_grant", 70000)
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": AZURE_CLI}
    assert entra_error_of(client.ask_token(**form)) == (400, "invalid_request", 900144)
    client.sandbox.reset()
    assert entra_error_of(poll(client, code)) == (400, "invalid_grant", 70000)


# --- The real class --------------------------------------------------------------------------------------------------


def credential(sandbox: Sandbox, session: requests.Session, **options: Any) -> DeviceCodeCredential:
    session.trust_env = False
    session.mount(ORIGIN, SandboxAdapter(sandbox))
    return DeviceCodeCredential(
        authority=ORIGIN,
        disable_instance_discovery=True,
        transport=RequestsTransport(session=session, session_owner=False),
        **options,
    )


def test_the_real_class_shows_the_code_and_polls(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    sandbox.set("device-code-interval", "0")
    with requests.Session() as session:
        found = credential(sandbox, session, prompt_callback=lambda _, code, __: sandbox.approve(code))
        record = found.authenticate(scopes=[SCOPE])
        assert record.username == "invoices@contoso.com"
        assert claims(found.get_token(SCOPE).token)["oid"] == INVOICES


@pytest.mark.parametrize(("answer", "number"), [("declined", 65004), ("expired", 70020)])
def test_the_real_class_is_refused(tmp_path: Path, answer: str, number: int) -> None:
    sandbox = Sandbox(tmp_path)
    sandbox.set("device-code-answer", answer)
    with (
        requests.Session() as session,
        pytest.raises(ClientAuthenticationError, match=f"AADSTS{number}"),
    ):
        credential(sandbox, session, prompt_callback=lambda *_: None).get_token(SCOPE)


def test_the_sandbox_can_approve_by_itself(tmp_path: Path) -> None:
    """As a user would: with multi-factor authentication, which a tenant may require of its guests."""
    sandbox = Sandbox(tmp_path)
    sandbox.set("device-code-answer", "approved")
    with requests.Session() as session:
        found = credential(sandbox, session, prompt_callback=lambda *_: None)
        token = claims(found.get_token(SCOPE).token)
        assert (token["oid"], token["amr"]) == (INVOICES, ["pwd", "mfa"])
