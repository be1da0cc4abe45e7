"""The guards of the shared transport: where a request may go, and which."""

from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
import requests
from azure.core.rest import HttpRequest
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from pallink.azure.egress import METADATA, rules_for
from pallink.azure.transport import GuardedTransport
from pallink.deadline import Deadline
from pallink.errors import RefusedRequestError, UnreachableError
from pallink.http.policy import EgressPolicy
from pallink.http.pool import new_pool
from tests.cli.test_settling import Fault, Handle, answering
from tests.harness import Pallink, Traffic

LOGIN = "https://login.example"
RESOURCE_MANAGER = "https://management.example"
PARTNERS = f"{RESOURCE_MANAGER}/providers/Microsoft.ManagementPartner/partners"
TOKEN = {"Authorization": "Bearer token"}


class Recorder(BaseAdapter):
    """Answers 200 to everything and notes what came through."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[str] = []
        self.timeouts: list[object] = []

    def send(self, request: requests.PreparedRequest, *_: object, **options: object) -> requests.Response:
        self.passed.append(f"{request.method} {request.url}")
        self.timeouts.append(options["timeout"])
        assert options["verify"] is True
        return HTTPAdapter().build_response(request, HTTPResponse(BytesIO(b"{}"), status=200, preload_content=False))

    def close(self) -> None:
        """Nothing is open."""


Guarded = Callable[..., tuple[GuardedTransport, Recorder]]


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    def make(*, writable: bool = False) -> tuple[GuardedTransport, Recorder]:
        pool, recorder = new_pool(), Recorder()
        pool.mount("https://", recorder)
        rules = rules_for(None, writable=writable)
        policy = EgressPolicy(RESOURCE_MANAGER, LOGIN, rules=rules, anonymous=METADATA)
        return GuardedTransport(pool, policy), recorder

    with Deadline(120, now=lambda: 0.0).active():
        yield make


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("GET", f"{LOGIN}/tenant/.well-known", {}),
        ("POST", f"{LOGIN}/tenant/token", {}),
        ("GET", f"{RESOURCE_MANAGER}/subscriptions", TOKEN),
        ("GET", f"{RESOURCE_MANAGER}:443/subscriptions", TOKEN),
        ("GET", f"{RESOURCE_MANAGER}/metadata/endpoints", {}),
    ],
)
def test_what_a_read_only_command_may_send(guarded: Guarded, method: str, url: str, headers: dict[str, str]) -> None:
    transport, recorder = guarded()
    transport.send(HttpRequest(method, url, headers=headers), connection_verify=False)
    assert len(recorder.passed) == 1


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("GET", "https://evil.example/", TOKEN),
        ("GET", "https://evil.example/", {}),
        ("GET", "http://management.example/", TOKEN),
        ("GET", "https://management.example.evil.example/", TOKEN),
        ("GET", "https://management.example@evil.example/", TOKEN),
        ("GET", "https://evil.example/?https://management.example", TOKEN),
        ("GET", f"{RESOURCE_MANAGER}:8443/", TOKEN),
        ("GET", f"{LOGIN}/", TOKEN),
        ("POST", f"{LOGIN}/", TOKEN),
        ("POST", f"{RESOURCE_MANAGER}/subscriptions/1/providers/Microsoft.ManagementPartner/register", TOKEN),
        ("POST", f"{RESOURCE_MANAGER}/", {}),
        ("PUT", f"{LOGIN}/", {}),
        *((method, f"{PARTNERS}/719878", TOKEN) for method in ("PUT", "PATCH", "DELETE")),
    ],
)
def test_what_a_read_only_command_may_not_send(
    guarded: Guarded, method: str, url: str, headers: dict[str, str]
) -> None:
    transport, recorder = guarded()
    with pytest.raises(RefusedRequestError) as refused:
        transport.send(HttpRequest(method, url, headers=headers))
    assert refused.value.cause
    assert "token" not in refused.value.message
    assert recorder.passed == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_writing_command_may_write_and_nothing_else(guarded: Guarded, method: str) -> None:
    transport, recorder = guarded(writable=True)
    transport.send(HttpRequest(method, f"{PARTNERS}/719878", headers=TOKEN))
    assert len(recorder.passed) == 1
    for refused in (HttpRequest("POST", f"{RESOURCE_MANAGER}/x", headers=TOKEN), HttpRequest(method, LOGIN)):
        with pytest.raises(RefusedRequestError):
            transport.send(refused)


def test_each_request_gets_a_part_of_the_time_that_is_left(guarded: Guarded) -> None:
    transport, recorder = guarded(writable=True)
    with Deadline(10, now=lambda: 0.0).active():
        transport.send(HttpRequest("GET", PARTNERS, headers=TOKEN))
        transport.send(HttpRequest("PUT", f"{PARTNERS}/719878", headers=TOKEN))
    assert recorder.timeouts == [(10, 10), (7, 7)], "after a lost answer there must be time to read"
    late, recorder = guarded()
    with Deadline(0, now=lambda: 0.0).active(), pytest.raises(UnreachableError):
        late.send(HttpRequest("GET", PARTNERS, headers=TOKEN))
    assert recorder.passed == []


def next_link(url: str) -> Fault:
    body = f'{{"value": [], "nextLink": "{url}"}}'.encode()
    return answering(200, body)


@pytest.mark.parametrize("path", ["/subscriptions", "roleAssignments"])
def test_a_next_link_to_another_host_gets_no_token(in_sandbox: Pallink, traffic: Traffic, path: str) -> None:
    traffic.fail("GET", path, next_link("https://evil.example/subscriptions?page=2"))
    refused = in_sandbox("check")
    assert refused.code == 1
    assert "refused to send GET https://evil.example/subscriptions" in refused.stderr
    assert traffic.writes() == []


def test_a_provider_is_never_registered_by_the_way(in_sandbox: Pallink, traffic: Traffic) -> None:
    body = b'{"error": {"code": "MissingSubscriptionRegistration", "message": "register it"}}'
    traffic.fail("GET", "/partners", answering(409, body))
    failed = in_sandbox("show")
    assert failed.code == 1
    assert {method for method, path in traffic.sent if "oauth2" not in path} == {"GET"}


def test_a_redirect_of_a_read_is_not_followed(in_sandbox: Pallink, traffic: Traffic) -> None:
    def redirect(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        return answering(307, b"", Location="https://evil.example/")(request, handle)

    traffic.fail("GET", "/partners", redirect)
    failed = in_sandbox("show")
    assert failed.code == 1
    assert "307" in failed.stderr
