"""What is cut out of what --debug prints, and what is left to read."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pallink.debug.exchange import format_request, format_response
from pallink.redact.debug import Redactor
from pallink.redact.secrets import CUT
from pallink.signin.secrets import environment_secrets

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiIxIn0.c2lnbmF0dXJl"
CANARY = "Canary7~Q.x9"
RM = {"is_sign_in": False}
SIGN_IN = {"is_sign_in": True}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/p?api-version=2018-02-01", "https://h/p?api-version=2018-02-01"),
        ("https://h/a?code=abc&state=def&client_id=me", f"https://h/a?code={CUT}&state={CUT}&client_id=me"),
        ("https://h/a?%24skiptoken=abc", f"https://h/a?$skiptoken={CUT}"),
        ("https://user:pass@h/a", f"https://{CUT}@h/a"),
        ("https://user:p%40ss@h:8/a#access_token=x", f"https://{CUT}@h:8/a#{CUT}"),
        ("http://localhost?code=abc", f"http://localhost?code={CUT}"),
        (f"https://h/{JWT}/x", f"https://h/{CUT}/x"),
        ("https://h/a?redirect_uri=https%3A%2F%2Fx%2F%3Fcode%3Dabc", f"https://h/a?redirect_uri=https://x/?code={CUT}"),
        ("https://[/a?code=abc", "https://[/a"),
        ("https://h/a?empty=", "https://h/a?empty="),
    ],
)
def test_addresses(url: str, shown: str) -> None:
    assert Redactor().url(url) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Content-Type", "application/json", "application/json"),
        ("x-ms-correlation-request-id", "c0ffee", "c0ffee"),
        ("x-ms-ratelimit-remaining-tenant-reads", "249", "249"),
        ("User-Agent", "pallink/1 (Linux-6.1.0-13-amd64-x86_64-with-glibc2.36)", None),
        ("Authorization", f"Bearer {JWT}", CUT),
        ("Proxy-Authorization", "Basic dXNlcjpwYXNz", CUT),
        ("Cookie", "esctx=PAQABAAEA", CUT),
        ("Set-Cookie", "fpc=Ag; expires=Fri", CUT),
        ("X-IDENTITY-HEADER", CANARY, CUT),
        ("X-Something-New", "unknown", CUT),
        ("Location", "https://h/?code=abc", f"https://h/?code={CUT}"),
        ("WWW-Authenticate", 'Bearer error="insufficient_claims"', None),
        ("WWW-Authenticate", f"Bearer {JWT}", f"Bearer {CUT}"),
        ("Server", f"odd {JWT}", f"odd {CUT}"),
    ],
)
def test_headers(name: str, value: str, shown: str | None) -> None:
    assert list(Redactor().headers([(name, value)])) == [(name, value if shown is None else shown)]


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        ({"error": {"code": "ManagementPartnerNotFound", "message": "none"}}, RM, None),
        ({"properties": {"partnerId": "719878", "state": "Active", "version": 2}}, RM, None),
        ({"authorizationSource": "RoleBased", "id": "/subscriptions/738477cd-6b20-448f-9a34-9d5592cff509"}, RM, None),
        ({"accessToken": "abc", "n": 1}, RM, {"accessToken": CUT, "n": 1}),
        ({"clientSecret": ["a", "b"], "x": None}, RM, {"clientSecret": CUT, "x": None}),
        ({"code": "0.AXoA-opaque"}, RM, {"code": CUT}),
        ({"text": f"see {JWT}."}, RM, {"text": f"see {CUT}."}),
        ([{"nextLink": "https://h/x?$skiptoken=abc&api-version=1"}], RM, [{"nextLink": None}]),
        ({"token_type": "Bearer", "expires_in": 3599, "access_token": "x"}, SIGN_IN, None),
        ({"value": "a-token-of-the-job"}, SIGN_IN, {"value": CUT}),
        ({"token_endpoint": "https://h/t", "unheard_of": "x"}, SIGN_IN, {"token_endpoint": None, "unheard_of": CUT}),
        ({"device_code": "GAB123-LONG", "message": "enter GAB123-LONG"}, SIGN_IN, {"message": f"enter {CUT}"}),
        ({"refresh_token": "0.AXoAlongerthanthat", "error_description": "0.AXoAlongerthanthat is old"}, SIGN_IN, {}),
    ],
)
def test_json(value: Any, kind: dict[str, bool], shown: Any) -> None:
    got = Redactor().json(value, **kind)
    text = json.dumps(got)
    for secret in ("abc", JWT, "0.AXoA", "GAB123", "a-token"):
        assert secret not in text
    if shown is None and "access_token" not in value:
        assert got == value
    for name, expected in (shown or {}).items() if isinstance(shown, dict) else ():
        assert got[name] == (value[name] if expected is None else expected)


def test_a_token_that_was_seen_once_is_cut_wherever_it_stands_later() -> None:
    redactor = Redactor()
    list(redactor.headers([("Authorization", f"Bearer {CANARY}")]))
    assert redactor.text(f"no such token: {CANARY}") == f"no such token: {CUT}"
    assert CANARY not in redactor.url(f"https://h/{CANARY}")


@pytest.mark.parametrize("written", ['a&b/c+d"e', "a%26b%2Fc%2Bd%22e", 'a&b/c+d\\"e'])
def test_a_secret_is_known_in_each_way_that_it_may_be_written(written: str) -> None:
    assert Redactor(['a&b/c+d"e']).text(f"x {written} y") == f"x {CUT} y"


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("AZURE_CLIENT_SECRET", CANARY, [CANARY]),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", CANARY, [CANARY]),
        ("SYSTEM_ACCESSTOKEN", CANARY, [CANARY]),
        ("IDENTITY_HEADER", CANARY, [CANARY]),
        ("AZURE_CLIENT_CERTIFICATE_PASSWORD", CANARY, [CANARY]),
        ("https_proxy", "http://me:Canary%21x@proxy:3128", ["Canary%21x", "Canary!x"]),
        ("HTTPS_PROXY", "me:Canary-x@proxy:3128", ["Canary-x"]),
        ("HOME", "/home/somebody", []),
    ],
)
def test_the_secrets_of_the_environment_are_known_beforehand(name: str, value: str, secrets: list[str]) -> None:
    redactor = Redactor(environment_secrets({name: value}))
    for each in secrets:
        assert redactor.text(f"<{each}>") == f"<{CUT}>"
    if not secrets:
        assert redactor.text(value) == value


def shown(body: bytes, kind: str, *, is_sign_in: bool = False) -> list[str]:
    lines = format_response(
        Redactor(),
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
        json.dumps({f"token{number}": f"secret-{number}" for number in range(100_000)}).encode(),
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
        Redactor(),
        method="POST",
        url="https://h/t",
        headers=[("Content-Type", "application/x-www-form-urlencoded")],
        body=b"grant_type=client_credentials&client_secret=abc&client_assertion=def&client_info=1&new_field=ghi",
        is_sign_in=True,
    )
    assert list(lines)[2:] == [
        "  grant_type=client_credentials",
        f"  client_secret={CUT}",
        f"  client_assertion={CUT}",
        f"  client_info={CUT}",
        f"  new_field={CUT}",
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
    assert CANARY not in json.dumps(Redactor().json(value, is_sign_in=False))


@given(value=JSON)
def test_a_sign_in_shows_nothing_that_is_not_known_to_be_harmless(value: Any) -> None:
    wrapped = {"unheard-of": value, "other": {"inner": CANARY}}
    assert CANARY not in json.dumps(Redactor().json(wrapped, is_sign_in=True))


@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode), kind=st.text(max_size=20))
def test_nothing_that_is_shown_steers_a_terminal(body: bytes, kind: str) -> None:
    for line in shown(body, kind):
        assert line.isprintable() or not any(each < " " or each == "\x1b" for each in line)
        assert "##vso[" not in line


@given(text=st.text())
def test_any_text_can_be_redacted(text: str) -> None:
    Redactor([text]).text(text)
    Redactor().url(text)
