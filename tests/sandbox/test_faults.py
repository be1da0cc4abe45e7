"""Faults: each kind as a client meets it, in process and over HTTPS, and whom a rule is for."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import requests

from pallink.sandbox import ORIGIN, Sandbox
from pallink.sandbox.faults import Fault, FaultKind, FaultRule
from pallink.sandbox.http.adapter import SandboxAdapter
from pallink.sandbox.names import FAULTS
from tests.sandbox.client import PARTNERS, Client, document, error_of
from tests.sandbox.test_server import serving

LINK = f"{PARTNERS}/719878?api-version=2018-02-01"
Sender = Callable[..., requests.Response]
Door = Callable[[Client, pytest.MonkeyPatch], Any]


@contextmanager
def in_process(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, requests.Session]]:
    del monkeypatch
    with requests.Session() as session:
        session.mount(ORIGIN, SandboxAdapter(client.sandbox))
        yield ORIGIN, session


@contextmanager
def over_https(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, requests.Session]]:
    with serving(client.sandbox) as server, requests.Session() as session:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.authority))
        yield server.origin, session


@pytest.fixture(params=[in_process, over_https], ids=["in process", "over HTTPS"])
def send(client: Client, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Sender]:
    """Sends a request on behalf of the default account, through one door and the other."""
    token = client.caller().token
    with request.param(client, monkeypatch) as (origin, session):
        # A token for the sandbox in process would be for another audience than the served one's.
        token = client.tokens(origin=origin)["access_token"]

        def sent(method: str, path: str = LINK, **more: Any) -> requests.Response:
            headers = {"Authorization": f"Bearer {token}"}
            answer: requests.Response = session.request(
                method, f"{origin}{path}", headers=headers, allow_redirects=False, **more
            )
            return answer

        yield sent


def is_linked(client: Client) -> bool:
    return any(link.state == "Active" for link in client.sandbox.describe().links)


def test_a_status_with_a_body_and_headers(client: Client, send: Sender) -> None:
    headers = (("Retry-After", "5"), ("X-Proxy", "no"))
    client.sandbox.add_fault(FaultRule(kind=FaultKind.STATUS, status=503, body="no", headers=headers))
    answer = send("PUT")
    assert (answer.status_code, answer.text) == (503, "no")
    assert (answer.headers["Retry-After"], answer.headers["X-Proxy"]) == ("5", "no")
    assert answer.headers["x-ms-correlation-request-id"]
    assert not is_linked(client)
    assert send("PUT").status_code == 200


def test_a_status_without_a_body_is_an_error_like_azures(client: Client, send: Sender) -> None:
    client.sandbox.add_fault(FaultRule(kind=FaultKind.STATUS, status=429))
    assert send("GET").json()["error"]["code"] == "TooManyRequests"


def test_a_status_that_nobody_knows(client: Client, send: Sender) -> None:
    client.sandbox.add_fault(FaultRule(kind=FaultKind.STATUS, status=599))
    assert send("GET").status_code == 599
    client.sandbox.add_fault(FaultRule(kind=FaultKind.STATUS, status=204))
    assert (send("GET").status_code, send("PUT").status_code) == (204, 200)


@pytest.mark.parametrize("takes_effect", [False, True])
def test_a_connection_that_is_closed(client: Client, send: Sender, *, takes_effect: bool) -> None:
    client.sandbox.add_fault(FaultRule(kind=FaultKind.CLOSED, takes_effect=takes_effect))
    with pytest.raises(requests.ConnectionError):
        send("PUT")
    assert is_linked(client) is takes_effect


def test_an_answer_that_breaks_off(client: Client, send: Sender) -> None:
    client.sandbox.add_fault(FaultRule(kind=FaultKind.TRUNCATED))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        send("PUT")
    assert is_linked(client)


@pytest.mark.parametrize("takes_effect", [False, True])
def test_json_of_another_shape(client: Client, send: Sender, *, takes_effect: bool) -> None:
    client.sandbox.add_fault(FaultRule(kind=FaultKind.WRONG_JSON, takes_effect=takes_effect))
    answer = send("PUT")
    assert answer.status_code == 200
    assert "partnerId" not in answer.text
    assert answer.json()
    assert is_linked(client) is takes_effect


def test_the_page_of_a_proxy(client: Client, send: Sender) -> None:
    client.sandbox.add_fault(FaultRule(kind=FaultKind.HTML))
    answer = send("PUT")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert "x-ms-request-id" not in answer.headers
    assert not is_linked(client)


def test_a_redirect(client: Client, send: Sender) -> None:
    client.sandbox.add_fault(FaultRule(kind=FaultKind.REDIRECT))
    client.sandbox.add_fault(FaultRule(kind=FaultKind.REDIRECT, location="https://attacker.invalid/x", nth=2))
    assert [send("PUT").headers["Location"] for _ in range(2)] == [
        "https://elsewhere.invalid/",
        "https://attacker.invalid/x",
    ]
    assert not is_linked(client)


def test_a_token_that_has_expired(client: Client, send: Sender) -> None:
    client.sandbox.add_fault(FaultRule(kind=FaultKind.EXPIRED_TOKEN))
    assert send("GET", "/common/discovery/v2.0/keys").status_code == 200, "no token is needed for that"
    answer = send("PUT")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "ExpiredAuthenticationToken")
    assert "WWW-Authenticate" in answer.headers
    assert not is_linked(client)


def test_a_stale_read(client: Client, send: Sender) -> None:
    client.sandbox.add_fault(FaultRule(kind=FaultKind.STALE, times=3))
    assert send("PUT").status_code == 200
    assert send("GET").status_code == 404, "before the first write there was no link"
    other = LINK.replace("719878", "6183402")
    assert send("PATCH", other).status_code == 200
    assert send("GET", LINK.replace("/719878", "")).json()["name"] == "719878"
    assert send("DELETE", other).status_code == 200
    assert send("GET", other).json()["properties"]["state"] == "Active"
    assert send("GET", other).status_code == 404


def test_a_delay_that_the_client_waits_for(tmp_path: Path) -> None:
    waits: list[float] = []
    sandbox = Sandbox(tmp_path, wait=waits.append)
    sandbox.add_fault(FaultRule(kind=FaultKind.DELAY, delay=7, times=2))
    with requests.Session() as session:
        session.mount(ORIGIN, SandboxAdapter(sandbox))
        assert session.get(f"{ORIGIN}/common/discovery/keys", timeout=10).status_code == 200
        assert waits == [7]
        with pytest.raises(requests.ReadTimeout):
            session.get(f"{ORIGIN}/common/discovery/keys", timeout=(10, 5))
    assert waits == [7, 5], "no longer than the client has patience"


def test_a_delay_over_https(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    client.sandbox.wait = waits.append
    client.sandbox.add_fault(FaultRule(kind=FaultKind.CLOSED, delay=2))
    with over_https(client, monkeypatch) as (origin, session):
        with pytest.raises(requests.ConnectionError):
            session.get(f"{origin}/common/discovery/keys")
        assert session.get(f"{origin}/common/discovery/keys").status_code == 200
    assert waits == [2]


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        ({}, [1]),
        ({"times": 2}, [1, 2]),
        ({"times": None}, [1, 2, 3, 4, 5, 6]),
        ({"nth": 3}, [3]),
        ({"nth": 2, "times": 2}, [2, 3]),
        ({"nth": 5, "times": None}, [5, 6]),
        ({"method": "PUT"}, []),
        ({"method": "GET"}, [1]),
        ({"path": "*/PARTNERS/*"}, [2]),
        ({"path": "*/partners*", "nth": 2}, [2]),
        ({"path": "/subscriptions"}, [3]),
        ({"path": "subscriptions"}, []),
    ],
)
def test_whom_a_rule_is_for(client: Client, rule: dict[str, Any], met: list[int]) -> None:
    client.sandbox.add_fault(FaultRule(kind=FaultKind.STATUS, status=418, **rule))
    paths = [PARTNERS, f"{PARTNERS}/719878", "/subscriptions", "/tenants", "/x", "/y"]
    answers = [client.send("GET", path).status for path in paths]
    assert [number for number, status in enumerate(answers, 1) if status == 418] == met


def test_the_first_rule_that_is_due_decides_and_all_that_fit_count(client: Client) -> None:
    for status in (500, 502):
        client.sandbox.add_fault(FaultRule(kind=FaultKind.STATUS, status=status))
    client.sandbox.add_fault(FaultRule(kind=FaultKind.STATUS, status=503, nth=2, times=2))
    assert [client.send("GET", "/x").status for _ in range(4)] == [500, 503, 503, 404]
    assert [fault.seen for fault in client.sandbox.faults()] == [4, 4, 4]


def test_rules_are_kept_until_they_are_cleared(client: Client, tmp_path: Path) -> None:
    rule = FaultRule(
        kind=FaultKind.STATUS,
        method="PUT",
        path="*/partners/*",
        nth=2,
        times=None,
        takes_effect=True,
        delay=1.5,
        status=500,
        body="é",
        headers=(("A", "b"),),
    )
    first, second = client.sandbox.add_fault(rule), client.sandbox.add_fault(FaultRule(kind=FaultKind.HTML))
    assert Sandbox(tmp_path / "home").faults() == (first, second) == (Fault(1, rule, 0), Fault(2, second.rule, 0))
    assert client.sandbox.clear_faults(1) == 1
    with pytest.raises(ValueError, match="unknown fault 1"):
        client.sandbox.clear_faults(1)
    assert client.sandbox.faults() == (second,)
    client.sandbox.add_fault(rule)
    assert client.sandbox.clear_faults() == 2
    assert client.sandbox.clear_faults() == 0
    client.sandbox.add_fault(rule)
    client.sandbox.reset()
    assert client.sandbox.faults() == ()


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"kind": "status"}, "status needs a status"),
        ({"kind": "status", "status": 199}, "from 200 to 599"),
        ({"kind": "status", "status": 600}, "from 200 to 599"),
        ({"kind": "html", "status": 500}, "html takes no status"),
        ({"kind": "html", "body": ""}, "html takes no status"),
        ({"kind": "html", "headers": (("A", "b"),)}, "html takes no status"),
        ({"kind": "closed", "location": "https://x.invalid"}, "closed takes no location"),
        ({"kind": "delay"}, "delay needs a delay"),
        ({"kind": "closed", "delay": -1}, "0 to 600 seconds"),
        ({"kind": "closed", "delay": 601}, "0 to 600 seconds"),
        ({"kind": "closed", "delay": float("nan")}, "0 to 600 seconds"),
        ({"kind": "closed", "nth": 0}, "nth must be at least 1"),
        ({"kind": "closed", "times": 0}, "times must be at least 1"),
        ({"kind": "truncated", "takes_effect": True}, "takes-effect is not supported"),
        ({"kind": "delay", "delay": 1, "takes_effect": True}, "takes-effect is not supported"),
        ({"kind": "stale", "takes_effect": True}, "takes-effect is not supported"),
        ({"kind": "expired-token", "takes_effect": True}, "takes-effect is not supported"),
        ({"kind": "status", "status": 500, "headers": (("A", "b\r\nC: d"),)}, "one line"),
        ({"kind": "status", "status": 500, "headers": (("A B", "c"),)}, "one line"),
        ({"kind": "status", "status": 500, "headers": (("", "c"),)}, "one line"),
        ({"kind": "redirect", "location": "https://x.invalid\r\nA: b"}, "one line"),
    ],
)
def test_rules_that_cannot_be(rule: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        FaultRule(**{**rule, "kind": FaultKind(rule["kind"])})


def test_every_kind_is_explained() -> None:
    assert [str(kind) for kind in FaultKind] == list(FAULTS)
    assert all(kind.explanation == FAULTS[str(kind)] for kind in FaultKind)


def test_rules_in_words() -> None:
    rule = FaultRule(kind=FaultKind.STATUS, status=503, method="PUT", nth=2, times=3, takes_effect=True, delay=0.5)
    assert str(rule) == "status 503 for PUT *, which takes effect, after 0.5 s, from request 2 on, 3 times"
    assert str(FaultRule(kind=FaultKind.STALE, times=None, path="/x")) == "stale for any method /x, always"
    assert json.dumps(asdict(rule))


def test_what_goes_wrong_before_a_sign_in(client: Client) -> None:
    client.sandbox.add_fault(FaultRule(kind=FaultKind.STATUS, status=500, path="*/token"))
    answer = client.application_token()
    assert (answer.status, error_of(answer)[1]) == (500, "InternalServerError")
    assert "x-ms-correlation-request-id" not in answer.headers, "Entra ID has others"
    assert document(client.application_token())["access_token"]
