"""Whatever answers, in process: arbitrary bytes, JSON and headers for each request of each command.

The command line never crashes, ends with an exit code that it knows, writes nothing raw to a terminal, and keeps its
JSON valid. That a link is "not linked" is only ever said on the service's own word.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings, strategies as st
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from pallink.exit_codes import ExitCode
from pallink.redact.text import UNPRINTABLE
from tests.cli.people import Desk
from tests.cli.test_settling import Handle, answering
from tests.exhaustive import combinations, examples
from tests.harness import Pallink, Run, Traffic

KNOWN = {int(code) for code in ExitCode}
CORRELATION = {"x-ms-correlation-request-id": "c0ffee"}

# Each request that a command sends: the method, a part of the path, and a command that sends it.
ENDPOINTS = {
    "openid-configuration": ("GET", "openid-configuration", "show"),
    "token": ("POST", "/oauth2/v2.0/token", "show"),
    "tenants": ("GET", "/tenants", "show"),
    "subscriptions": ("GET", "/subscriptions", "check"),
    "assignments": ("GET", "roleAssignments", "check"),
    "link": ("GET", "/partners", "show"),
    "create": ("PUT", "/partners", "link 719878"),
}

EVIL = "\x1b[31m\x9b2J\u202e\u2066\r\n\x00##vso[task.complete]##[error]\n::error::x\n::stop-commands::\U000e0001"

TEXTS = st.sampled_from([EVIL, "::error::x", "", "x" * 3000, "\ud800", "\u2028", "719878"]) | st.text(max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), float("nan"), float("inf"), 1e308])
    | st.floats()
    | TEXTS
)
# Names that something reads.
NAMES = st.sampled_from(
    [
        *(
            "value",
            "nextLink",
            "properties",
            "partnerId",
            "partnerName",
            "tenantId",
            "objectId",
            "state",
            "version",
            "id",
        ),
        *("subscriptionId", "displayName", "roleDefinitionId", "scope", "principalId", "error", "code", "message"),
        *(
            "access_token",
            "expires_in",
            "token_type",
            "token_endpoint",
            "issuer",
            "authorization_endpoint",
            "condition",
        ),
        *("error_description", "error_codes", "refresh_in", "expires_on", "claims", "details", "innererror", "type"),
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=4),
    max_leaves=12,
)


def json_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


BODIES = st.one_of(
    VALUES.map(json_bytes),
    st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=3).map(lambda each: json_bytes({"value": each})),
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"",
            b"{",
            b"null",
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b'"' + b'\\"' * 200_000,
            b"1" * 5000,
            b'{"value": ' + b"9" * 5000 + b"}",
            b"\xef\xbb\xbf{}",
            '{"value": []}'.encode("utf-16"),
            '{"value": []}'.encode("utf-16-be"),
            "+AHs-+AH0-".encode("ascii"),
            '{"partnerName": "Andr\xe9"}'.encode("latin-1"),
            b'{"value": 1, "value": []}',
            b'{"value": [null, 1, "x", [], {}]}',
            b'{"value": {"a": 1}, "nextLink": 7}',
            b'{"value": [], "nextLink": "https://["}',
            b'{"value": [], "nextLink": "https://evil.example/x"}',
            b'{"value": [], "nextLink": "//evil.example/x"}',
            b'{"value": [], "nextLink": "\\u0000"}',
            b'{"value": [{"subscriptionId": "../../x?y#z", "displayName": {}, "state": 3}]}',
            b'{"value": [{"subscriptionId": "%2e%2e", "displayName": [], "state": "Enabled"}]}',
            b'{"value": [{"properties": {"roleDefinitionId": 7, "scope": [], "principalId": {}}}]}',
            b'{"error": {"code": {}, "message": []}}',
            b'{"error": "invalid_grant", "error_description": 7, "error_codes": "x"}',
            b'{"error": "x", "error_description": "' + b" " * 1_000_000 + b'"}',
            b'{"error": {"code": "x", "message": "' + b"token" * 200_000 + b'"}}',
            b'{"access_token": 7, "token_type": [], "expires_in": {}}',
            b'{"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 1e999}',
            b'{"access_token": "a.e30.c", "token_type": "Bearer", "expires_in": "never"}',
            b'{"token_endpoint": "https://evil.example/t", "issuer": 7, "authorization_endpoint": []}',
            b"<html><body>Sign in to the network</body></html>",
            b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>]><x>&a;&a;</x>",
            b"<a>" * 100_000,
        ]
    ),
)
KINDS = st.sampled_from(
    [
        *("application/json", "application/json; charset=utf-8", "application/json; charset=utf-16", "text/html"),
        *("application/json; charset=idna", "application/json; charset=unicode_escape", "application/xml", "text/xml"),
        *("application/json; charset=rot13", "application/json; charset=\x00", "", "application/octet-stream", "x"),
        *("application/json; charset=utf-7", "text/plain; charset=undefined", "multipart/mixed; boundary=x", ";;;"),
    ]
)
RETRY_AFTER = st.sampled_from(
    [
        *(
            "inf",
            "nan",
            "-1",
            "1e308",
            "-inf",
            "0",
            "3",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Fri, 31 Dec 1999 23:59:59 GMT",
        ),
        *("soon", "", "1_000", "\u0663", "99999999999999999999", "Fri, 99 Foo 0000 99:99:99 +9999", "0x10", "5;5"),
    ]
)
CHALLENGES = st.sampled_from(
    [
        *(
            "Bearer",
            "",
            'Bearer claims="',
            'Bearer error="insufficient_claims", claims="////"',
            "Bearer " + "a=b," * 900,
        ),
        *(
            'Bearer error="insufficient_claims", claims="eyJ4Ijoge319"',
            "Basic realm=\x1b[31m",
            'Bearer claims="' + "e30" * 99,
        ),
        'Bearer error="insufficient_claims", claims="' + "W1tb" * 5000 + '"',
    ]
)
HEADERS = st.fixed_dictionaries(
    {"Content-Type": KINDS},
    optional={
        "Retry-After": RETRY_AFTER,
        "retry-after-ms": RETRY_AFTER,
        "x-ms-retry-after-ms": RETRY_AFTER,
        "WWW-Authenticate": CHALLENGES,
        "Location": st.sampled_from(["https://evil.example/", "http://[", "/", "\x1b[31m"]),
        "Content-Encoding": st.sampled_from(["gzip", "br", "identity", "gzip, gzip", "deflate", "\x1b"]),
        "Date": st.sampled_from(["yesterday", "Fri, 31 Dec 9999 23:59:59 GMT", "\x1b[31m"]),
        "Set-Cookie": st.just("a=b"),
        "x-ms-correlation-request-id": st.sampled_from(["c0ffee", "\x1b[31m\r\n::error::", "x" * 5000]),
        "x-ms-request-id": st.text(st.characters(max_codepoint=255), max_size=20),
        "Azure-AsyncOperation": st.just("https://evil.example/"),
    },
)
STATUSES = st.sampled_from(
    [200, 200, 200, 201, 202, 204, 206, 301, 302, 307, 400, 401, 403, 404, 409, 412, 429, 500, 503]
)


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What answers each request of one kind, once or always; set by a test."""
    rule: dict[str, Any] = {}
    meet = Traffic.meet

    def met(self: Traffic, request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        if rule and rule["method"] == request.method and rule["part"].casefold() in str(request.url).casefold():
            rule["count"] = rule.get("count", 0) + 1
            if rule["always"] or rule["count"] == 1:
                if request.method == "PUT" and rule["effect"]:
                    handle()
                raw = HTTPResponse(
                    BytesIO(rule["body"]), rule["headers"], rule["status"], preload_content=False, decode_content=False
                )
                return HTTPAdapter().build_response(request, raw)
        return meet(self, request, handle)

    monkeypatch.setattr(Traffic, "meet", met)
    return rule


def assert_harmless(done: Run, words: str) -> None:
    assert "pallink has a defect" not in done.stderr, done.stderr
    assert done.code in KNOWN
    for text in (done.stdout, done.stderr):
        shown = text.replace("\n", "").replace("\t", "")
        raw = {each for each in shown if unicodedata.category(each) in UNPRINTABLE}
        assert not raw, (raw, text)
        assert not re.search(r"^\s*::", text, re.MULTILINE)
        assert "##vso[" not in text
        assert "##[" not in text
    if "-o json" in words and done.stdout:
        json.loads(done.stdout, parse_constant=pytest.fail)
    if "-o json" in words and "--debug" not in words and done.code:
        error = json.loads(done.stderr.splitlines()[-1], parse_constant=pytest.fail)
        assert error["exitCode"] == done.code


@pytest.mark.usefixtures("clock", "traffic")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=BODIES,
    headers=HEADERS,
    status=STATUSES,
    forever=st.booleans(),
    effect=st.booleans(),
    output=st.sampled_from(["-o table", "-o json", "-o yaml", "-o tsv", "-o json --debug"]),
)
def test_whatever_answers(
    desk: Desk,
    always: dict[str, Any],
    *,
    endpoint: str,
    body: bytes,
    headers: dict[str, str],
    status: int,
    forever: bool,
    effect: bool,
    output: str,
) -> None:
    desk.environment("client-secret")
    always.clear()
    desk.sandbox.reset()
    method, part, command = ENDPOINTS[endpoint]
    always.update(method=method, part=part, body=body, headers=headers, status=status, always=forever, effect=effect)
    words = f"{command} {output} --auth client-secret"
    done = desk.run(words)
    assert_harmless(done, words)
    assert always.get("count"), f"the request that was meant was not sent: {done.stderr}"
    if done.code == 3:
        # The word comes from the sandbox, not from what was invented.
        assert endpoint != "link" or not forever or b"ManagementPartnerNotFound" in body
    if endpoint == "create" and done.code == 0 and status != 401:
        always.clear()
        assert desk.run("show --auth client-secret").code == 0, "it said that the account is linked"


@pytest.mark.parametrize(
    "output", ["table", "json", "jsonl", "yaml", "tsv", "tsv --query partnerName", "yaml --query [partnerName]"]
)
@pytest.mark.parametrize("tty", [False, True])
def test_names_from_elsewhere_steer_nothing(in_sandbox: Pallink, traffic: Traffic, output: str, *, tty: bool) -> None:
    in_sandbox("link 719878")
    link = {
        "id": EVIL,
        "properties": {
            "partnerId": "719878",
            "partnerName": EVIL,
            "state": "Active",
            "version": 1,
            "createdTime": "2026-01-01T00:00:00.0000000Z",
        },
    }
    traffic.fail("GET", "/partners", answering(200, json_bytes(link)))
    traffic.fail("GET", "/tenants", evil_tenants)
    words = f"show -o {output}"
    done = in_sandbox(words, tty=tty)
    assert done.code == 0
    bare = Run(done.code, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout), re.sub(r"\x1b\[[0-9;]*m", "", done.stderr))
    assert_harmless(bare, words)
    assert "31m" in done.stdout, "the name is shown, with what is harmless in it"


def evil_tenants(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
    """The tenants as they are, under other names."""
    body = handle().json()
    for each in body["value"]:
        each["displayName"] = EVIL
    return answering(200, json_bytes(body))(request, handle)


@pytest.mark.parametrize("ci", [{}, {"GITHUB_ACTIONS": "true"}, {"TF_BUILD": "True"}])
def test_reports_carry_nothing_raw(
    in_sandbox: Pallink, traffic: Traffic, desk: Desk, monkeypatch: pytest.MonkeyPatch, ci: dict[str, str]
) -> None:
    summary, report = desk.folder / "summary.md", desk.folder / "junit.xml"
    for name, value in (ci | {"GITHUB_STEP_SUMMARY": str(summary)}).items():
        monkeypatch.setenv(name, value)
    error = {"error": {"code": EVIL, "message": EVIL}}
    traffic.fail("GET", "/partners", answering(400, json_bytes(error)))
    traffic.fail("GET", "/tenants", evil_tenants)
    done = in_sandbox("verify", "719878", "--junit", str(report))
    assert done.code == 1
    for text in (report.read_text("utf-8"), summary.read_text("utf-8") if summary.exists() else ""):
        assert not {each for each in text if each != "\n" and unicodedata.category(each) in UNPRINTABLE}
        assert "##vso[" not in text
    own = [line for line in done.stderr.splitlines() if line.startswith(("::", "##vso["))]
    assert all(line.startswith(("::error title=pallink", "::warning", "##vso[task.")) for line in own)
    for line in done.stderr.splitlines():
        assert line.count("##vso[") <= 1
        assert line in own or not line.lstrip().startswith("::")


def pages(nth: Any) -> Any:
    """Pages without an end; `nth` makes the address of the next one of the address and number of this one."""
    count = iter(range(10**9))

    def page(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        body = {"value": [], "nextLink": nth(str(request.url), next(count))}
        return answering(200, json_bytes(body))(request, handle)

    return page


NEXT_PAGES: dict[str, Callable[[str, int], str]] = {
    "itself": lambda url, _: url,
    "to and fro": lambda url, number: f"{url.partition('&page')[0]}&page={number % 2}",
    "ever new ones": lambda url, number: f"{url.partition('&page')[0]}&page={number}",
}


# By default those that end soon: reading all pages that are allowed takes long.
@pytest.mark.parametrize(
    ("nth", "part"),
    combinations(
        NEXT_PAGES,
        ["/subscriptions", "roleAssignments", "/tenants"],
        default=lambda nth, _part: nth != "ever new ones",
    ),
)
def test_pages_without_an_end_are_an_error(
    in_sandbox: Pallink, traffic: Traffic, monkeypatch: pytest.MonkeyPatch, nth: str, part: str
) -> None:
    fault, meet = pages(NEXT_PAGES[nth]), traffic.meet

    def endless(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        path = str(request.url).partition("?")[0]
        if path.endswith(part):
            return fault(request, handle)  # type: ignore[no-any-return]
        return meet(request, handle)

    monkeypatch.setattr(traffic, "meet", endless)
    done = in_sandbox("check")
    if part == "/tenants":
        assert done.code == 0, "the tenant's name is for people only"
    elif part == "/subscriptions":
        assert done.code == 1
        assert "endless list" in done.stderr
    else:
        assert done.code in (1, 7)
        assert "pallink has a defect" not in done.stderr


@pytest.mark.parametrize("ends", [10**30, -(10**30), 10**400])
def test_a_token_that_never_ends_is_no_defect(desk: Desk, traffic: Traffic, ends: int) -> None:
    desk.environment("client-secret")

    def forever(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        body = {**handle().json(), "expires_in": ends}
        return answering(200, json_bytes(body))(request, handle)

    traffic.fail("POST", "/token", forever)
    done = desk.run("show --auth client-secret")
    assert_harmless(done, "show")
    assert done.code in (1, 3, 4)


class Reset(BytesIO):
    """A body in the middle of which the connection is reset."""

    def read(self, *_: object) -> bytes:
        raise ConnectionResetError


def test_a_connection_that_is_reset_in_each_answer_is_no_answer_but_names_it(
    pallink: Pallink, traffic: Traffic
) -> None:
    def reset(request: requests.PreparedRequest, _handle: Handle) -> requests.Response:
        raw = HTTPResponse(Reset(), {"Content-Length": "100", **CORRELATION}, 200, preload_content=False)
        return HTTPAdapter().build_response(request, raw)

    for _ in range(10):
        traffic.fail("GET", "/partners", reset)
    failed = pallink("show", "--cloud", "sandbox")
    traffic.forget()
    assert failed.code == 7, failed.stderr
    assert "the connection broke before the response was complete" in failed.stderr
    assert "c0ffee" in failed.stderr
