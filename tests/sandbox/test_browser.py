"""Signing in in a browser: the page with the accounts, how the answer comes back, and the real class that waits."""

import webbrowser
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import InteractiveBrowserCredential

from pallink.sandbox import ORIGIN, Response, Sandbox
from pallink.sandbox.entra.browser import Browser
from pallink.sandbox.http.adapter import SandboxAdapter
from tests.sandbox.client import (
    APPROVERS,
    AZURE_CLI,
    CONTOSO,
    FABRIKAM,
    REDIRECT_URI,
    SCOPE,
    Client,
    claims,
    document,
    entra_error_of,
)


def ask(client: Client, tenant: str = "organizations", **parameters: str) -> Response:
    query = {
        "client_id": AZURE_CLI,
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": SCOPE,
        "state": "a state",
        "prompt": "select_account",
        **parameters,
    }
    return client.send("GET", f"/{tenant}/oauth2/v2.0/authorize?{urlencode(query)}")


def links(response: Response) -> dict[str, str]:
    """Text and address of each link of a page, in order."""
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    found = {}
    for part in response.body.decode().split('<a href="')[1:]:
        href, _, rest = part.partition('">')
        found[unescape(rest.partition("<")[0])] = unescape(href)
    return found


def fields(response: Response) -> tuple[str, dict[str, str]]:
    """Where a page's form goes, and what it holds."""
    text = response.body.decode()
    action = unescape(text.partition('action="')[2].partition('"')[0])
    found = {}
    for part in text.split('<input type="hidden" name="')[1:]:
        name, _, rest = part.partition('" value="')
        found[unescape(name)] = unescape(rest.partition('"')[0])
    return action, found


def answer(response: Response) -> dict[str, str]:
    assert response.status == 302
    return {name: value for name, (value,) in parse_qs(urlsplit(response.headers["Location"]).query).items()}


def test_the_page_lists_the_accounts_and_the_hinted_one_first(client: Client) -> None:
    found = links(ask(client, login_hint="Owner@contoso.com"))
    assert next(iter(found)) == "owner@contoso.com"
    assert {"invoices@contoso.com", "auditor@fabrikam.onmicrosoft.com", "Cancel"} <= set(found)
    assert next(iter(links(ask(client, login_hint="nobody@contoso.com")))) == "invoices@contoso.com"
    assert set(links(ask(client, FABRIKAM))) == {"invoices@contoso.com", "auditor@fabrikam.onmicrosoft.com", "Cancel"}


def test_whoever_is_chosen_signs_in(client: Client) -> None:
    link = links(ask(client, login_hint="invoices@contoso.com"))["svc_approvers@contoso.com"]
    result = answer(client.send("GET", link))
    token = claims(document(client.redeem(result["code"]))["access_token"])
    assert (result["state"], token["oid"], token["amr"]) == ("a state", APPROVERS, ["pwd", "mfa"])


def test_whoever_gives_up_is_told_of(client: Client) -> None:
    result = answer(client.send("GET", links(ask(client))["Cancel"]))
    assert (result["error"], result["error_description"][:12]) == ("access_denied", "AADSTS65004:")


def test_the_page_loads_nothing_and_escapes_what_it_shows(client: Client) -> None:
    response = ask(client, state='"><script>alert(1)</script>')
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert b"<script>alert" not in response.body
    response = ask(client, prompt="none", response_mode="form_post", state='"><script>alert(1)</script>')
    assert b"<script>alert" not in response.body
    assert fields(response)[1]["state"] == '"><script>alert(1)</script>'


def test_the_page_can_be_skipped(client: Client) -> None:
    client.sandbox.set("sign-in-page", "skipped")
    token = claims(document(client.redeem(answer(ask(client))["code"]))["access_token"])
    assert (token["upn"], token["amr"]) == ("invoices@contoso.com", ["pwd"])


def test_what_is_wrong_is_told_before_anybody_is_asked(client: Client) -> None:
    assert answer(ask(client, scope="openid"))["error"] == "invalid_scope"
    assert answer(ask(client, client_id=CONTOSO))["error"] == "unauthorized_client"
    assert answer(ask(client, "nobody.example"))["error"] == "invalid_tenant"
    assert answer(ask(client, response_type="token"))["error"] == "unsupported_response_type"


@pytest.mark.parametrize("redirect_uri", ["https://[", "javascript:alert(1)", "http://localhost/\r\n", "é"])
def test_there_has_to_be_somewhere_to_go(client: Client, redirect_uri: str) -> None:
    assert entra_error_of(ask(client, redirect_uri=redirect_uri)) == (400, "invalid_request", 50011)


def test_the_answer_comes_as_it_was_asked_for(client: Client) -> None:
    action, found = fields(ask(client, prompt="none", response_mode="form_post"))
    assert (action, found["state"]) == (REDIRECT_URI, "a state")
    assert client.redeem(found["code"]).status == 200
    assert "error" in fields(ask(client, prompt="none", response_mode="form_post", login_hint="nobody"))[1]
    location = ask(client, prompt="none", response_mode="fragment").headers["Location"]
    assert location.startswith(f"{REDIRECT_URI}#code=")
    refused = entra_error_of(ask(client, response_mode="smoke signals"))
    assert refused == (400, "unsupported_response_mode", 70007)


# --- The page for a device code --------------------------------------------------------------------------------------


def test_a_device_code_is_answered_on_its_page(client: Client) -> None:
    body = urlencode({"client_id": AZURE_CLI, "scope": SCOPE}).encode()
    page = "/common/oauth2/deviceauth"
    assert b'name="code"' in client.send("GET", page).body
    for choice in ("approve", "deny"):
        started = document(client.send("POST", "/organizations/oauth2/v2.0/devicecode", body=body))
        form = {"code": started["user_code"], "account": "owner@contoso.com", "answer": choice}
        done = client.send("POST", page, body=urlencode(form).encode())
        assert done.status == 200
        assert b"owner@contoso.com" in done.body
        again = client.send("POST", page, body=urlencode(form).encode())
        assert again.status == 400
        assert b"was already used." in again.body
    unknown = client.send("POST", page, body=b"code=<b>")
    assert (unknown.status, b"<b>" in unknown.body) == (400, False)


# --- The real class --------------------------------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


@pytest.fixture
def options(sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount(ORIGIN, SandboxAdapter(sandbox))
        transport = RequestsTransport(session=session, session_owner=False)
        yield {"authority": ORIGIN, "disable_instance_discovery": True, "transport": transport, "timeout": 60}


@pytest.mark.parametrize(
    ("hint", "account"),
    [
        ("svc_approvers@contoso.com", None),
        ("svc_approvers@contoso.com", "owner@contoso.com"),
        (None, "needs_mfa@contoso.com"),
        (None, None),
    ],
)
def test_the_real_class_waits_for_the_browser(
    sandbox: Sandbox,
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    hint: str | None,
    account: str | None,
) -> None:
    expected = account or hint or "invoices@contoso.com"
    monkeypatch.setattr(webbrowser, "open", Browser(sandbox, account).open)
    found = InteractiveBrowserCredential(login_hint=hint, **options)
    record = found.authenticate(scopes=[SCOPE])
    assert record.username == expected
    assert claims(found.get_token(SCOPE).token)["upn"] == expected


@pytest.mark.parametrize(("account", "error"), [("Cancel", "65004"), ("blocked@contoso.com", "53003")])
def test_the_real_class_is_refused(
    sandbox: Sandbox, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, account: str, error: str
) -> None:
    monkeypatch.setattr(webbrowser, "open", Browser(sandbox, account).open)
    with pytest.raises(ClientAuthenticationError, match=f"AADSTS{error}"):
        InteractiveBrowserCredential(**options).get_token(SCOPE)


def test_the_real_class_refreshes_without_a_browser(
    sandbox: Sandbox, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.set("token-lifetime", "1")
    opened: list[str] = []
    browser = Browser(sandbox)

    def note(url: str) -> bool:
        opened.append(url)
        return browser.open(url)

    monkeypatch.setattr(webbrowser, "open", note)
    found = InteractiveBrowserCredential(**options)
    for _ in range(3):
        found.get_token(SCOPE)
    assert len(opened) == 1
    sandbox.reset()  # Voids the refresh token.
    found.get_token(SCOPE)
    assert len(opened) == 2


def test_a_browser_brings_answers_to_this_machine_only(client: Client) -> None:
    browser = Browser(client.sandbox)
    query = urlencode(
        {"client_id": AZURE_CLI, "response_type": "code", "redirect_uri": "http://example.com", "scope": SCOPE}
    )
    assert not browser.open(f"{ORIGIN}/common/oauth2/v2.0/authorize?{query}")
    assert not browser.open(f"{ORIGIN}/nothing/here")


def test_a_refresh_token_is_void_after_a_reset(client: Client) -> None:
    token = client.tokens()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": token}
    client.clock.advance(timedelta(days=1))
    assert client.ask_token(**form).status == 200
    client.sandbox.reset()
    assert entra_error_of(client.ask_token(**form)) == (400, "invalid_grant", 70000)
