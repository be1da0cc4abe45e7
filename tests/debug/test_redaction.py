"""What --debug shows of a request and a response, and what it redacts."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pallink.debug.exchange import format_request, format_response
from pallink.redact.debug import debug_form, debug_headers, debug_json, debug_text, debug_url
from pallink.redact.secrets import REDACTED, Secrets

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiIxIn0.c2lnbmF0dXJl"
CANARY = "Canary7~Q.x9"
RM = {"is_sign_in": False}
SIGN_IN = {"is_sign_in": True}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/p?api-version=2018-02-01", "https://h/p?api-version=2018-02-01"),
        ("https://h/a?code=abc&state=def&client_id=me", f"https://h/a?code={REDACTED}&state={REDACTED}&client_id=me"),
        ("https://h/a?%24skiptoken=abc", f"https://h/a?$skiptoken={REDACTED}"),
        ("https://user:pass@h/a", f"https://{REDACTED}@h/a"),
        ("https://user:p%40ss@h:8/a#access_token=x", f"https://{REDACTED}@h:8/a#{REDACTED}"),
        ("http://localhost?code=abc", f"http://localhost?code={REDACTED}"),
        (f"https://h/{JWT}/x", f"https://h/{REDACTED}/x"),
        (
            "https://h/a?redirect_uri=https%3A%2F%2Fx%2F%3Fcode%3Dabc",
            f"https://h/a?redirect_uri=https://x/?code={REDACTED}",
        ),
        ("https://[/a?code=abc", "https://[/a"),
        ("https://h/a?empty=", "https://h/a?empty="),
    ],
)
def test_addresses(url: str, shown: str) -> None:
    assert debug_url(url) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Content-Type", "application/json", "application/json"),
        ("x-ms-correlation-request-id", "c0ffee", "c0ffee"),
        ("x-ms-ratelimit-remaining-tenant-reads", "249", "249"),
        ("User-Agent", "pallink/1 (Linux-6.1.0-13-amd64-x86_64-with-glibc2.36)", None),
        ("Authorization", f"Bearer {JWT}", REDACTED),
        ("Proxy-Authorization", "Basic dXNlcjpwYXNz", REDACTED),
        ("Cookie", "esctx=PAQABAAEA", REDACTED),
        ("Set-Cookie", "fpc=Ag; expires=Fri", REDACTED),
        ("X-IDENTITY-HEADER", CANARY, REDACTED),
        ("X-Something-New", "unknown", REDACTED),
        ("Location", "https://h/?code=abc", f"https://h/?code={REDACTED}"),
        ("WWW-Authenticate", 'Bearer error="insufficient_claims"', None),
        ("WWW-Authenticate", f"Bearer {JWT}", f"Bearer {REDACTED}"),
        ("Server", f"odd {JWT}", f"odd {REDACTED}"),
    ],
)
def test_headers(name: str, value: str, shown: str | None) -> None:
    assert list(debug_headers([(name, value)])) == [(name, value if shown is None else shown)]


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        ({"error": {"code": "ManagementPartnerNotFound", "message": "none"}}, RM, None),
        ({"properties": {"partnerId": "719878", "state": "Active", "version": 2}}, RM, None),
        ({"authorizationSource": "RoleBased", "id": "/subscriptions/738477cd-6b20-448f-9a34-9d5592cff509"}, RM, None),
        ({"accessToken": "abc", "n": 1}, RM, {"accessToken": REDACTED, "n": 1}),
        ({"clientSecret": ["a", "b"], "x": None}, RM, {"clientSecret": REDACTED, "x": None}),
        ({"code": "0.AXoA-opaque"}, RM, {"code": REDACTED}),
        ({"text": f"see {JWT}."}, RM, {"text": f"see {REDACTED}."}),
        ([{"nextLink": "https://h/x?$skiptoken=abc&api-version=1"}], RM, [{"nextLink": None}]),
        ({"token_type": "Bearer", "expires_in": 3599, "access_token": "x"}, SIGN_IN, None),
        ({"value": "a-token-of-the-job"}, SIGN_IN, {"value": REDACTED}),
        (
            {"token_endpoint": "https://h/t", "unheard_of": "x"},
            SIGN_IN,
            {"token_endpoint": None, "unheard_of": REDACTED},
        ),
        ({"device_code": "GAB123-LONG", "message": "enter GAB123-LONG"}, SIGN_IN, {"message": f"enter {REDACTED}"}),
        ({"refresh_token": "0.AXoAlongerthanthat", "error_description": "0.AXoAlongerthanthat is old"}, SIGN_IN, {}),
    ],
)
def test_json(value: Any, kind: dict[str, bool], shown: Any) -> None:
    got = debug_json(value, **kind)
    text = json.dumps(got)
    for secret in ("abc", JWT, "0.AXoA", "GAB123", "a-token"):
        assert secret not in text
    if shown is None and "access_token" not in value:
        assert got == value
    for name, expected in (shown or {}).items() if isinstance(shown, dict) else ():
        assert got[name] == (value[name] if expected is None else expected)


def test_a_registered_secret_is_redacted_wherever_it_stands() -> None:
    with Secrets(CANARY).active():
        assert debug_text(f"no such token: {CANARY}") == f"no such token: {REDACTED}"
        assert debug_url(f"https://h/{CANARY}") == f"https://h/{REDACTED}"
        assert debug_form(f"scope={CANARY}") == [("scope", REDACTED)]


def shown(body: bytes, kind: str, *, is_sign_in: bool = False) -> list[str]:
    lines = format_response(
        status=200,
        milliseconds=1,
        headers=[("Content-Type", kind)],
        body=body,
        is_sign_in=is_sign_in,
    )
    return list(lines)[2:]


def test_a_page_is_shown_as_it_would_be_read() -> None:
    page = (
        b"<html><style>p{}</style><script>var secret=1</script><p>Please <b>sign in</b><input value='k3y'></p></html>"
    )
    assert shown(page, "text/html") == ["  Please", "  sign in"]


def test_what_is_long_is_shortened_after_the_secrets_were_cut() -> None:
    body = json.dumps({"value": [f"entry {number}" for number in range(5000)], "clientSecret": CANARY}).encode()
    lines = shown(body, "application/json")
    assert len(lines) <= 201
    assert "more lines)" in lines[-1]
    assert shown(b"\xff\xfe\x00", "application/octet-stream") == ["  (3 bytes of binary data)"]


@pytest.mark.parametrize(
    "body",
    [
        # It takes longer than all others together.
        pytest.param(
            json.dumps({f"token{number}": f"secret-{number}" for number in range(100_000)}).encode(),
            marks=pytest.mark.exhaustive,
        ),
        json.dumps(["tokentoken" * 300_000]).encode(),
        json.dumps([[["x" * 40, "https://" * 10] * 10] * 1000] * 3).encode(),
        b"token" * 800_000,
        b"<!-- " * 500_000,
        b"<a href='" * 300_000,
        b"://" * 1_000_000,
        b"eyJ" * 1_000_000,
        b"[" * 60 + b'"' + b'\\"' * 1_000_000 + b'"' + b"]" * 60,
    ],
)
def test_megabytes_made_to_take_long_are_shown_at_once(body: bytes) -> None:
    """It ends: what is looked at is bounded, whatever the size."""
    assert len(shown(body, "application/json")) < 300
    assert len(shown(body, "text/html", is_sign_in=True)) < 300


def test_a_form_is_shown_field_by_field() -> None:
    lines = format_request(
        method="POST",
        url="https://h/t",
        headers=[("Content-Type", "application/x-www-form-urlencoded")],
        body=b"grant_type=client_credentials&client_secret=abc&client_assertion=def&client_info=1&new_field=ghi",
        is_sign_in=True,
    )
    assert list(lines)[2:] == [
        "  grant_type=client_credentials",
        f"  client_secret={REDACTED}",
        f"  client_assertion={REDACTED}",
        f"  client_info={REDACTED}",
        f"  new_field={REDACTED}",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@given(
    before=JSON, name=st.sampled_from(["accessToken", "client_secret", "refreshToken", "sharedAccessKey", "password"])
)
def test_no_secret_of_a_named_member_is_ever_shown(before: Any, name: str) -> None:
    value = {"a": before, "b": [{name: CANARY}], "c": f"it is {CANARY}", "d": {name: {"x": [CANARY]}}}
    assert CANARY not in json.dumps(debug_json(value, is_sign_in=False))


@given(value=JSON)
def test_a_sign_in_shows_nothing_that_is_not_known_to_be_harmless(value: Any) -> None:
    wrapped = {"unheard-of": value, "other": {"inner": CANARY}}
    assert CANARY not in json.dumps(debug_json(wrapped, is_sign_in=True))


@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode), kind=st.text(max_size=20))
def test_nothing_that_is_shown_steers_a_terminal(body: bytes, kind: str) -> None:
    for line in shown(body, kind):
        assert line.isprintable() or not any(each < " " or each == "\x1b" for each in line)
        assert "##vso[" not in line


@given(text=st.text())
def test_any_text_can_be_redacted(text: str) -> None:
    with Secrets(text).active():
        debug_text(text)
        debug_url(text)
