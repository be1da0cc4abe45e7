"""Signing in with the browser: one that never appears, and one that is signed in as another account."""

import http.client
import socket
import threading
import webbrowser
from urllib.parse import parse_qs, urlsplit

import pytest

from pallink.azure.auth import browser as module
from tests.cli.people import APPROVERS, INVOICES, Desk

DEVICE_CODE = "pallink login --allow-plain-text-cache --cloud {cloud} --account invoices@contoso.com --auth device-code"


@pytest.fixture
def waits_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_SECONDS", 0)


@pytest.mark.usefixtures("waits_no_time")
def test_a_browser_that_never_appears(served_desk: Desk) -> None:
    served_desk.patch.setenv("BROWSER", "true")
    opened: list[str] = []

    def open_(url: str) -> bool:
        opened.append(url)
        return True

    served_desk.patch.setattr(webbrowser, "open", open_)
    refused = served_desk.run(f"login --account {INVOICES} --allow-plain-text-cache --auth browser", tty=True)
    assert refused.code == 4, refused.stderr
    (url,) = opened
    assert f"    {url}\n" in refused.stderr, "the address can be pasted"
    assert (
        "if no browser appears, or it offers another account, open this address in a private window" in refused.stderr
    )
    command = DEVICE_CODE.format(cloud=served_desk.cloud)
    assert (
        "  to sign in on another device, leave --auth browser out of later commands, and run:\n"
        f"    {command}\n" in refused.stderr
    )
    assert " the sign-in in the browser was not completed within 15 minutes\n" in refused.stderr
    assert f"    {command}\n" in refused.stderr.partition("hint:")[2]


def test_a_browser_that_cannot_be_opened(served_desk: Desk) -> None:
    served_desk.patch.setenv("BROWSER", "true")
    served_desk.patch.setattr(webbrowser, "open", lambda _url: False)
    refused = served_desk.run(f"link 719878 --account {INVOICES} --auth browser")
    assert refused.code == 4, refused.stderr
    assert "error: cannot sign in with the browser: it could not be opened\n" in refused.stderr
    command = f"pallink login --cloud {served_desk.cloud} --account {INVOICES} --auth device-code"
    assert f"    {command}\n" in refused.stderr.partition("hint:")[2]
    assert [request.path for request in served_desk.seen if "partner" in request.path.lower()] == []


def test_the_address_that_is_shown_signs_in(served_desk: Desk) -> None:
    """A person pastes it, as the browser that was told to open it never appears."""
    served_desk.browser(INVOICES)
    signed_in = served_desk.run(f"whoami --account {INVOICES} --auth browser -o json")
    assert signed_in.code == 0, signed_in.stderr
    (address,) = (line.strip() for line in signed_in.stderr.splitlines() if "/oauth2/v2.0/authorize?" in line)
    query = parse_qs(urlsplit(address).query)
    assert query["login_hint"] == [INVOICES]
    assert query["redirect_uri"][0].startswith("http://localhost:")


def test_without_an_account_it_is_said_how_to_name_one(served_desk: Desk) -> None:
    served_desk.browser(INVOICES)
    signed_in = served_desk.run("whoami --auth browser")
    command = f"pallink login --account NAME --cloud {served_desk.cloud} --auth browser"
    assert f"  to name the account, run:\n    {command}\n" in signed_in.stderr
    assert "to name the account" not in served_desk.run(f"whoami --auth browser --account {INVOICES}").stderr


def test_a_browser_that_is_signed_in_as_another_account(served_desk: Desk) -> None:
    served_desk.browser(APPROVERS)
    refused = served_desk.run(f"link 719878 --account {INVOICES} --auth browser")
    assert refused.code == 4
    assert f"hint: sign in as {INVOICES} in a private window of the browser\n" in refused.stderr
    assert f"    pallink login --cloud {served_desk.cloud} --account {INVOICES} --auth browser\n" in refused.stderr


def test_who_cancels_in_the_browser_gets_entra_ids_reason(served_desk: Desk) -> None:
    served_desk.browser("Cancel")
    refused = served_desk.run("link 719878 --yes --auth browser")
    assert refused.code == 4
    assert "error: the sign-in failed: AADSTS65004: " in refused.stderr
    assert "cause: the sign-in, or the consent to the application, was declined\n" in refused.stderr


def test_a_connection_that_sends_nothing_does_not_hold_up_the_sign_in(
    served_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Browsers open connections in advance."""
    monkeypatch.setattr(module._RedirectHandler, "timeout", 0.01)
    served_desk.browser(INVOICES)
    sign_in = webbrowser.open
    idle: list[socket.socket] = []

    def open_(url: str) -> bool:
        port = urlsplit(parse_qs(urlsplit(url).query)["redirect_uri"][0]).port or 0
        idle.append(socket.create_connection(("localhost", port)))
        return sign_in(url)

    monkeypatch.setattr(webbrowser, "open", open_)
    try:
        done = served_desk.run(f"whoami --account {INVOICES} --auth browser")
    finally:
        for connection in idle:
            connection.close()
    assert done.code == 0, done.stderr


def test_what_else_is_requested_does_not_prolong_the_wait() -> None:
    server = module._RedirectServer("localhost", 0, 0)
    port = server.server_address[1]
    thread = threading.Thread(target=server.wait_for_redirect)
    thread.start()
    thread.join(timeout=60)
    assert not thread.is_alive()
    with pytest.raises(OSError, match="refused"):
        http.client.HTTPConnection("localhost", int(port)).request("GET", "/favicon.ico")
