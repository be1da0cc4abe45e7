"""What the transport lets pass beside the login host and Resource Manager: one address, one method, one token."""

from typing import Any

import pytest
import requests
from azure.core.exceptions import ServiceRequestError
from azure.core.rest import HttpRequest
from requests.adapters import HTTPAdapter

from pallink.azure.transport import ExtraHost, GuardedTransport
from pallink.deadline import Deadline
from pallink.errors import RefusedRequestError, UnreachableError
from pallink.http.pool import new_session

LOGIN, RESOURCE_MANAGER = "https://login.example", "https://management.example"
OIDC = "https://ci.example/token"
IMDS = "http://169.254.169.254/metadata/identity/oauth2/token"
BEARER = {"Authorization": "Bearer job-token"}
ARM = {"Authorization": "Bearer arm-token"}


class Sent(Exception):  # noqa: N818 - no error: the request passed
    """A request that the guards let pass."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What got past the guards; nothing leaves the machine."""
    seen: list[Any] = []

    def send(self: HTTPAdapter, request: Any, **rest: Any) -> Any:
        del self
        seen.append((request, rest))
        raise Sent

    monkeypatch.setattr(HTTPAdapter, "send", send)
    return seen


def transport(extra: ExtraHost) -> GuardedTransport:
    made = GuardedTransport(Deadline(10), new_session(), writable=True)
    made.allow(login=LOGIN, resource_manager=RESOURCE_MANAGER)
    made.allow_also(extra)
    return made


GITHUB = ExtraHost(OIDC, "GET", bearer="job-token")
MACHINE = ExtraHost(IMDS, "GET")


@pytest.mark.parametrize(
    ("extra", "method", "url", "headers"),
    [
        (GITHUB, "GET", f"{OIDC}?audience=x", BEARER),
        (MACHINE, "GET", f"{IMDS}?resource=x", {"Metadata": "true"}),
        (GITHUB, "GET", f"{RESOURCE_MANAGER}/subscriptions", ARM),
        (GITHUB, "POST", f"{LOGIN}/t/oauth2/v2.0/token", {}),
    ],
)
def test_what_belongs_there_passes(
    sent: list[Any], *, extra: ExtraHost, method: str, url: str, headers: dict[str, str]
) -> None:
    with pytest.raises(Sent):
        transport(extra).send(HttpRequest(method, url, headers=headers))
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("extra", "method", "url", "headers"),
    [
        (GITHUB, "GET", OIDC, ARM),
        (GITHUB, "GET", OIDC, {}),
        (GITHUB, "POST", OIDC, BEARER),
        (GITHUB, "GET", "https://ci.example/other", BEARER),
        (GITHUB, "GET", "https://ci.example:8443/token", BEARER),
        (GITHUB, "GET", "http://ci.example/token", BEARER),
        (GITHUB, "GET", "https://evil.example/token", BEARER),
        (GITHUB, "GET", f"{RESOURCE_MANAGER}/subscriptions", BEARER),
        (GITHUB, "GET", f"{LOGIN}/t", BEARER),
        (GITHUB, "GET", IMDS, {}),
        (MACHINE, "GET", IMDS, ARM),
        (MACHINE, "POST", IMDS, {}),
        (MACHINE, "GET", "http://169.254.169.254/metadata/instance", {}),
        (MACHINE, "GET", "http://169.254.169.254.evil.example/metadata/identity/oauth2/token", {}),
        (MACHINE, "GET", "https://169.254.169.254/metadata/identity/oauth2/token", {}),
        (MACHINE, "GET", OIDC, {}),
        (MACHINE, "GET", "http://management.example/", ARM),
    ],
)
def test_nothing_else_passes(
    sent: list[Any], *, extra: ExtraHost, method: str, url: str, headers: dict[str, str]
) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        transport(extra).send(HttpRequest(method, url, headers=headers))
    assert sent == []
    assert "token" not in str(refused.value).replace("/token", "")


def test_an_address_of_the_machine_itself_is_not_asked_by_a_proxy(
    sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    with pytest.raises(Sent):
        transport(MACHINE).send(HttpRequest("GET", IMDS))
    ((_, rest),) = sent
    assert not {name for name in rest["proxies"] if name != "no_proxy"}
    assert rest["timeout"][0] == 2.0


def test_no_token_is_shown() -> None:
    assert "job-token" not in repr(GITHUB)


@pytest.mark.parametrize(
    ("first_takes", "tries"), [(10.0, 1), (9.5, 2)], ids=["nothing is left for another", "the next one is cut off"]
)
def test_why_there_was_no_answer_outlasts_the_time(
    monkeypatch: pytest.MonkeyPatch, first_takes: float, tries: int
) -> None:
    now = 0.0
    failures = [(requests.exceptions.ProxyError("no"), first_takes), (requests.ConnectTimeout("late"), 0.4)]
    tried = 0

    def send(self: HTTPAdapter, request: Any, **rest: Any) -> Any:
        nonlocal now, tried
        del self, request, rest
        error, takes = failures[tried]
        now += takes
        tried += 1
        raise error

    monkeypatch.setattr(HTTPAdapter, "send", send)
    made = GuardedTransport(Deadline(10, now=lambda: now), new_session(), writable=False)
    made.allow(login=LOGIN, resource_manager=RESOURCE_MANAGER)
    request = HttpRequest("GET", f"{LOGIN}/t")
    with pytest.raises(ServiceRequestError) as first:
        made.send(request)
    with pytest.raises(ServiceRequestError):
        made.send(request)
    with pytest.raises(ServiceRequestError) as given_up:
        made.sleep(1.6)
    assert given_up.value is first.value
    assert tried == tries


def test_the_failure_of_another_request_says_nothing_of_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def send(self: HTTPAdapter, request: Any, **rest: Any) -> Any:
        nonlocal now
        del self, request, rest
        now = 10.0
        raise requests.ConnectionError

    monkeypatch.setattr(HTTPAdapter, "send", send)
    made = GuardedTransport(Deadline(10, now=lambda: now), new_session(), writable=False)
    made.allow(login=LOGIN, resource_manager=RESOURCE_MANAGER)
    with pytest.raises(ServiceRequestError):
        made.send(HttpRequest("GET", f"{LOGIN}/t"))
    with pytest.raises(UnreachableError, match="not finished within 10 seconds"):
        made.send(HttpRequest("GET", f"{LOGIN}/t"))
