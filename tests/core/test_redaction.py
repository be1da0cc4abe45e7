"""A secret is redacted in each form that SECURITY.md promises, in any text, as long as its session is open."""

import gc
import json
import re
import string
import threading
import urllib.parse
import weakref
from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from pallink.concurrency import gather
from pallink.errors import PallinkError, UsageError
from pallink.redact.environment import environment_secrets
from pallink.redact.secret_fields import secrets_of_request, secrets_of_response
from pallink.redact.secrets import REDACTED, Secrets, redact, redact_all, register
from pallink.redact.text import one_line, printable
from pallink.signin.methods import METHODS
from tests.exhaustive import combinations

SECRET = "Kx8Q~hv/3+é'\"& \\t"
TOKEN = ".".join(("eyJ0eXAiOiJKV1QifQ", "eyJhdWQiOiJodHRwczovL3NhbmRib3guaW52YWxpZCJ9" * 9, "c2lnbmF0dXJl-_" * 5))


def in_lower_case(encoded: str) -> str:
    return re.sub("%..", lambda match: match[0].lower(), encoded)


FORMS: dict[str, Callable[[str], str]] = {
    "exact": str,
    "percent-encoded": lambda text: urllib.parse.quote(text, safe=""),
    "percent-encoded, lower case": lambda text: in_lower_case(urllib.parse.quote(text, safe="")),
    "percent-encoded, with slashes": urllib.parse.quote,
    "percent-encoded by requests": lambda text: urllib.parse.quote(text, safe="!#$%&'()*+,/:;=?@[]~"),
    "form": urllib.parse.quote_plus,
    "form, lower case": lambda text: in_lower_case(urllib.parse.quote_plus(text)),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "repr": lambda text: repr(text)[1:-1],
    "repr between quotation marks": lambda text: repr(f"'\"{text}")[4:-1],
}
forms = st.sampled_from(sorted(FORMS))
# Nothing of the marker, so that it cannot be taken for a part of a secret.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=REDACTED))


@pytest.mark.parametrize("secret", [SECRET, TOKEN], ids=["short", "long"])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_redacted(form: str, secret: str) -> None:
    assert Secrets(secret).redact(f"before {FORMS[form](secret)} after") == f"before {REDACTED} after"


@given(texts.filter(lambda text: len(text.strip()) >= 8), forms, texts, texts)
def test_a_secret_is_never_shown_whatever_surrounds_it(secret: str, form: str, before: str, after: str) -> None:
    secret = secret.strip()
    written = FORMS[form](secret)
    shown = Secrets("another secret", secret).redact(f"{before}{written}{after}")
    assert written not in shown
    assert REDACTED in shown
    assert Secrets(secret).redact(shown) == shown


@given(st.text(max_size=300))
def test_a_text_without_secrets_is_unchanged(text: str) -> None:
    if "eyJ" in text or "://" in text:
        return
    assert Secrets("q" * 9, "xZ" * 40).redact(text) == text.replace("q" * 9, REDACTED)
    assert Secrets().redact(text) == text


@given(st.lists(st.text("ab", min_size=8, max_size=12), max_size=4), st.text("ab", max_size=60))
def test_secrets_that_overlap_leave_nothing_of_each_other(secrets: list[str], text: str) -> None:
    shown = Secrets(*secrets).redact(text)
    assert not any(secret in shown for secret in secrets)
    assert REDACTED * 2 not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("got eyJhbGciOiJub25lIn0.eyJzdWIiOiJub2JvZHkifQ.c2ln!", f"got {REDACTED}!"),
        ("half of it: eyJhbGciOiJub25lIn0.eyJzdWIi", f"half of it: {REDACTED}"),
        ("x=eyJ_eyJhbGciOiJub25lIn0.eyJzdWIiOiJub2JvZHkifQ.", f"x={REDACTED}."),
        ("eyJhbGci.com and eyJhbGciOiJub25lIn0.eyJzdWIi.", f"eyJhbGci.com and {REDACTED}."),
        ("https://user:Kx8~q@host:8443/a@b or http://h/?a=b@c", f"https://{REDACTED}@host:8443/a@b or http://h/?a=b@c"),
        ("Proxy-Authorization: Basic dXNlcjpLeDh+cQ==", f"Proxy-Authorization: Basic {REDACTED}"),
        ("basic authenticate and Basic authentication", None),
        ("pallink login --claims eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoicDEifX19", None),
    ],
)
def test_what_is_secret_by_its_shape_needs_not_be_registered(text: str, shown: str | None) -> None:
    assert redact(text) == (text if shown is None else shown)


@given(st.text(string.printable, min_size=1).filter(lambda text: ":" not in text), st.text(min_size=4))
def test_the_credentials_of_basic_authentication_are_redacted(user: str, password: str) -> None:
    encoded = b64encode(f"{user}:{password}".encode("utf-8", "replace")).decode()
    assert redact(f"'Authorization': 'Basic {encoded}'") == f"'Authorization': 'Basic {REDACTED}'"


PIECES = [
    "eyJ",
    "eyJ.",
    "eyJ.x.",
    "eyJeyJ.eyJ ",
    "://",
    "://a@",
    "://a",
    "Basic ",
    "basic YTo6",
    "\n",
    " ",
    "Kx8Q~hv/3+",
    "a",
]


# By default half of a token, of a URL's password and of a header, a line end and a registered secret: those that are
# whole, and redacted all over, take most of the time.
@pytest.mark.parametrize(
    "piece", combinations(PIECES, default=lambda piece: piece in {"eyJ", "://a", "Basic ", "\n", "a"})
)
def test_megabytes_that_are_made_to_take_long_are_redacted_at_once(piece: str) -> None:
    text = piece * (4_000_000 // len(piece))
    assert len(Secrets(SECRET, TOKEN, "a" * 40).redact(text)) > 0
    assert len(one_line(text)) <= 500
    printable(text[:300_000])


def test_what_is_too_short_is_not_registered() -> None:
    secrets = Secrets("719878", "", None, " reader ")
    assert secrets.redact("reader of 719878") == "reader of 719878"


def test_the_first_of_many_secrets_is_still_redacted() -> None:
    secrets = Secrets(*(f"secret-number-{number:05}" for number in range(5_000)))
    assert secrets.redact("secret-number-00000 and secret-number-04999") == f"{REDACTED} and {REDACTED}"


def test_nested_values() -> None:
    with Secrets(SECRET, TOKEN).active():
        found = redact_all({"name": f"a {SECRET}", "list": [SECRET, 1, None, True, {"deep": TOKEN}]})
    assert found == {"name": f"a {REDACTED}", "list": [REDACTED, 1, None, True, {"deep": REDACTED}]}


def test_secrets_belong_to_the_context_in_which_they_were_registered() -> None:
    text = "secret-of-the-first and secret-of-the-second"
    first, second = Secrets(), Secrets()
    register("secret-without-a-session")
    with first.active():
        register("secret-of-the-first")
        with second.active():
            register("secret-of-the-second")
            assert redact(text) == f"secret-of-the-first and {REDACTED}"
        assert redact(text) == f"{REDACTED} and secret-of-the-second"
    assert redact(text) == text
    assert redact("secret-without-a-session") == "secret-without-a-session"


def test_the_threads_of_a_session_share_its_secrets_and_no_others() -> None:
    shown = {}

    def session(name: str) -> None:
        with Secrets().active():
            gather(lambda: register(f"token-of-{name}"), lambda: register(f"password-of-{name}"))
            shown[name] = gather(lambda: redact("token-of-a password-of-a token-of-b"))[0]

    threads = [threading.Thread(target=session, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shown == {
        "a": f"{REDACTED} {REDACTED} token-of-b",
        "b": f"token-of-a password-of-a {REDACTED}",
    }


def test_threads_may_register_while_others_redact() -> None:
    secrets = Secrets()

    def add(name: str) -> None:
        for number in range(500):
            secrets.add(f"secret-{name}-{number:04}")
            assert secrets.redact(f"<secret-{name}-{number:04}>") == f"<{REDACTED}>"

    with secrets.active():
        assert gather(lambda: add("a"), lambda: add("b")) == [None, None]


def test_nothing_keeps_the_secrets_of_a_session_that_is_over() -> None:
    secrets = Secrets(SECRET)
    kept = weakref.ref(secrets)
    with secrets.active():
        gather(lambda: redact(SECRET))
    del secrets
    gc.collect()
    assert kept() is None


def test_the_texts_of_an_error_are_redacted() -> None:
    with Secrets(SECRET).active():
        error = UsageError(f"a {SECRET}", cause=f"b {SECRET}", remedy=f"c {SECRET}", command=f"d {SECRET}")
    assert str(error) == error.message == f"a {REDACTED}"
    assert (error.cause, error.remedy, error.command) == (f"b {REDACTED}", f"c {REDACTED}", f"d {REDACTED}")
    assert PallinkError("a").cause is None


def test_a_text_is_redacted_before_it_is_shortened() -> None:
    with Secrets(SECRET, TOKEN).active():
        for length in range(440, 500):
            whole = "x" * length + REDACTED
            assert one_line("x" * length + SECRET) == (whole if len(whole) <= 500 else f"{whole[:497]}...")
        assert one_line("word " * 3996 + TOKEN, 30_000) == "word " * 3996 + REDACTED


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
        ("HOME", "/home/user", []),
    ],
)
def test_the_secrets_of_an_environment(name: str, value: str, found: list[str]) -> None:
    assert list(environment_secrets({name: value})) == found


def test_each_secret_that_a_sign_in_method_reads_is_registered() -> None:
    names = {name for facts in METHODS.values() for name in (*facts.required, *facts.optional)}
    secret = {name for name in names if re.search(r"SECRET|PASSWORD|TOKEN$|HEADER", name)}
    assert secret >= {"AZURE_CLIENT_SECRET", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SYSTEM_ACCESSTOKEN"}
    assert {name for name in secret if list(environment_secrets({name: "a secret"}))} == secret


def test_an_id_that_was_mistaken_for_the_secret_is_not_registered() -> None:
    client = "6be1d7c7-4712-4123-a241-8b8918c455f9"
    assert list(environment_secrets({"AZURE_CLIENT_ID": client, "AZURE_CLIENT_SECRET": client})) == []
    assert list(environment_secrets({"AZURE_CLIENT_ID": "the secret", "AZURE_CLIENT_SECRET": "the secret"})) == [
        "the secret"
    ]


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
def test_a_password_of_a_proxy_is_redacted_also_where_a_parser_splits_it(url: str, secret: str) -> None:
    found = list(environment_secrets({"HTTPS_PROXY": url}))
    assert secret in found
    message = f"Failed to parse: {secret!r} is not a valid host or port"
    assert secret not in Secrets(*found).redact(message)


class SentRequest:
    """Has what `secrets_of_request` looks at."""

    def __init__(self, url: str, headers: dict[str, str], data: object = None) -> None:
        self.url, self.headers, self.data = url, headers, data


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        (SentRequest("https://h/", {"Authorization": "Bearer abc", "Accept": "x"}), {"abc"}),
        (SentRequest("https://h/?code=abc&state=s#x", {"x-identity-header": "def"}), {"abc", "def"}),
        (SentRequest("https://[/?code=abc", {}), {"abc"}),
        (SentRequest("https://h/", {}, {"client_secret": "abc", "scope": "s"}), {"abc"}),
        (SentRequest("https://h/", {}, "client_assertion=a%2Bc&scope=s"), {"a+c"}),
        (SentRequest("https://h/", {}, b"refresh_token=abc"), {"abc"}),
    ],
)
def test_the_secrets_of_a_request(request_: SentRequest, found: set[str]) -> None:
    assert set(secrets_of_request(request_)) == found


@pytest.mark.parametrize(
    ("headers", "text", "found"),
    [
        ({}, '{"access_token": "abc", "refresh_token": "def", "expires_in": 3599}', {"abc", "def"}),
        ({"Location": "https://h/?code=abc&state=s"}, "", {"abc"}),
        ({"Location": "https://[/?code=abc"}, "[" * 100_000, {"abc"}),
        ({}, '{"access_token": 1}', set()),
        ({}, "[]", set()),
    ],
)
def test_the_secrets_of_a_sign_in_response(headers: dict[str, str], text: str, found: set[str]) -> None:
    assert set(secrets_of_response(headers, text)) == found
