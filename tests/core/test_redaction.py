"""Secrets are cut out of texts in every form in which a service or a library may repeat them."""

import json
import re
import urllib.parse
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from html import escape

import pytest
from hypothesis import given, strategies as st

from pallink.redact.debug import Redactor
from pallink.redact.secrets import CUT, KnownSecrets, known
from pallink.redact.text import one_line
from pallink.signin.secrets import environment_secrets

SECRET = "Kx8Q~hv/3+é'\"&t"
TOKEN = ".".join(("eyJ0eXAiOiJKV1QifQ", "eyJhdWQiOiJodHRwczovL3NhbmRib3guaW52YWxpZCJ9" * 9, "c2lnbmF0dXJl-_" * 5))

FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "percent, lower case": lambda text: re.sub("%..", lambda each: each[0].lower(), urllib.parse.quote(text, safe="")),
    "form": lambda text: urllib.parse.urlencode({"client_secret": text, "grant_type": "x"}),
    "JSON": lambda text: json.dumps({"text": text}),
    "repr": lambda text: repr({"text": text}),
    "HTML": lambda text: f"<p>{escape(text)}</p>",
    "two lines": lambda text: f"{text[:7]}\r\n  {text[7:]}",
    "two lines of a repr": lambda text: f"{text[:7]}\\n{text[7:]}",
    "two bytes a character": "\0".join,
}
IN_BASE64 = {
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64 after one byte": lambda text: b64encode(b":" + text.encode()).decode(),
    "base64 after two bytes": lambda text: b64encode(b"u:" + text.encode() + b"@host").decode(),
    "base64url": lambda text: urlsafe_b64encode(b"us:" + text.encode()).decode(),
}


@pytest.fixture
def secrets() -> KnownSecrets:
    made = KnownSecrets()
    made.add(SECRET, TOKEN)
    return made


@pytest.mark.parametrize("secret", [SECRET, TOKEN], ids=["short", "long"])
@pytest.mark.parametrize("form", FORMS)
def test_it_is_cut_out_in_every_form(secrets: KnownSecrets, form: str, secret: str) -> None:
    shown = secrets.cut(f"before {FORMS[form](secret)} after")
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert CUT in shown
    squeezed = "".join(shown.replace("\\n", "").split()).replace("\0", "")
    for start in range(len(secret) - 5):
        assert secret[start : start + 6] not in squeezed


@pytest.mark.parametrize("secret", [SECRET, TOKEN], ids=["short", "long"])
@pytest.mark.parametrize("form", IN_BASE64)
def test_base64_wherever_it_begins(secrets: KnownSecrets, form: str, secret: str) -> None:
    encoded = IN_BASE64[form](secret)
    shown = secrets.cut(f"before {encoded} after")
    assert shown.startswith("before ")
    assert CUT in shown
    left = shown.removeprefix("before ").removesuffix(" after").replace(CUT, "")
    assert len(left) <= 14, "no more than what surrounds it"


@given(st.integers(0, len(TOKEN) - 24), st.integers(24, 200), st.text(max_size=50), st.text(max_size=50))
def test_each_piece_of_a_long_one_is_cut_out(start: int, length: int, before: str, after: str) -> None:
    secrets = KnownSecrets()
    secrets.add(TOKEN)
    piece = TOKEN[start : start + length]
    assert piece not in secrets.cut(f"{before} {piece} {after}")


@given(st.text(max_size=300))
def test_a_text_without_secrets_stays_as_it_is(text: str) -> None:
    secrets = KnownSecrets()
    secrets.add("q" * 9, "xZ" * 40)
    if "qqq" not in text and "xZ" not in text:
        assert secrets.cut(text) == text
    assert KnownSecrets().cut(text) == text


@given(st.text(min_size=8, max_size=60), st.text(max_size=100), st.text(max_size=100))
def test_whatever_it_consists_of(secret: str, before: str, after: str) -> None:
    secrets = KnownSecrets()
    secrets.add(secret)
    if len("".join(secret.split())) < 8 or not secret.isprintable():
        return
    assert secret not in secrets.cut(f"{before}{secret}{after}") or secret in (before + CUT + after)


def test_a_web_token_of_somebody_else_is_cut_out_too() -> None:
    other = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJub2JvZHkifQ.c2ln"
    assert KnownSecrets().cut(f"got {other}!") == f"got {CUT}!"


def test_a_password_in_a_url_is_cut_out_too() -> None:
    assert KnownSecrets().cut("https://user:Kx8~q@host:8443/a@b and https://host/?a=b@c") == (
        f"https://{CUT}@host:8443/a@b and https://host/?a=b@c"
    )


def test_what_a_sign_in_is_asked_to_prove_is_no_secret() -> None:
    command = "pallink login --claims eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoicDEifX19"
    assert KnownSecrets().cut(command) == command


def test_what_is_too_short_is_no_secret() -> None:
    secrets = KnownSecrets()
    secrets.add("719878", "", None, " reader ")
    assert secrets.cut("reader of 719878") == "reader of 719878"


def test_the_oldest_are_forgotten_in_the_end() -> None:
    secrets = KnownSecrets()
    for number in range(600):
        secrets.add(f"secret-number-{number}")
    assert secrets.cut("secret-number-599") == CUT
    assert secrets.cut("secret-number-0 ") == "secret-number-0 "


def test_a_long_text_is_cut_before_it_is_shortened() -> None:
    known.add(SECRET)
    try:
        shown = one_line("x" * 490 + SECRET)
    finally:
        known.clear()
    assert SECRET[:4] not in shown


def test_nested_values(secrets: KnownSecrets) -> None:
    found = secrets.cut_all({"name": f"a {SECRET}", "list": [SECRET, 1, None, True, {"deep": TOKEN}]})
    assert found == {"name": f"a {CUT}", "list": [CUT, 1, None, True, {"deep": CUT}]}


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("AZURE_CLIENT_SECRET", "a secret", ["a secret"]),
        ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "a password", ["a password"]),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "a token", ["a token"]),
        ("SYSTEM_ACCESSTOKEN", "a token", ["a token"]),
        ("IDENTITY_HEADER", "a header", ["a header"]),
        (
            "HTTPS_PROXY",
            "http://user:pass%40word@proxy:3128",
            ["user:pass%40word", "user:pass@word", "pass%40word", "pass@word"],
        ),
        ("https_proxy", "user:password@proxy", ["user:password", "password"]),
        ("ALL_PROXY", "http://user:pass[word@proxy", ["user:pass[word", "pass[word"]),
        ("HTTP_PROXY", "http://proxy:3128", []),
        ("AZURE_TENANT_ID", "contoso.com", []),
    ],
)
def test_the_secrets_of_an_environment(name: str, value: str, found: list[str]) -> None:
    assert list(environment_secrets({name: value})) == found


def test_an_id_that_was_taken_for_the_secret_is_none() -> None:
    client = "6be1d7c7-4712-4123-a241-8b8918c455f9"
    assert list(environment_secrets({"AZURE_CLIENT_ID": client, "AZURE_CLIENT_SECRET": client})) == []
    assert list(environment_secrets({"AZURE_CLIENT_ID": "the secret", "AZURE_CLIENT_SECRET": "the secret"})) == [
        "the secret"
    ]


def test_megabytes_that_repeat_a_piece_of_a_secret_are_cut_in_one_go() -> None:
    """With as many gaps as finds: what walks through all of the one for each of the other does not end."""
    secret = "Qm7" + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789" * 30
    secrets = KnownSecrets()
    secrets.add(secret)
    piece = secret[100:124]
    assert piece not in secrets.cut("a " * 1_000_000 + f"{piece} x " * 70_000)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://user:s3cr3tpw/x@proxy:8080", "s3cr3tpw"),
        ("http://user:s3cr3tpw#x@proxy:8080", "s3cr3tpw"),
        ("http://us er:s3cr3t?pw@proxy:8080", "s3cr3t?pw"),
        ("user:s3cr3t%2Fpw@proxy", "s3cr3t/pw"),
        ("http://user:s3c@r3tpw@proxy", "s3c@r3tpw"),
    ],
)
def test_a_password_of_a_proxy_is_known_whatever_a_parser_makes_of_it(url: str, secret: str) -> None:
    assert secret in set(environment_secrets({"HTTPS_PROXY": url}))
    redactor = Redactor(environment_secrets({"https_proxy": url}))
    assert secret not in redactor.text(f"Failed to parse: {secret!r} is not a valid host or port")


def test_of_a_long_text_the_end_is_not_shown_where_half_a_secret_may_stand() -> None:
    known.add("0123456789abcdefXYZ")
    text = "word " * 3996 + "0123456789abcdefXYZ" * 100
    assert "0123456789" not in one_line(text, 30_000)
