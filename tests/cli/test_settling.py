"""A write that failed, timed out or lost its answer is settled by reading again."""

from collections.abc import Callable
from io import BytesIO
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
import requests
from _pytest.mark import ParameterSet
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from pallink.azure.auth.credentials import AccountCredential
from pallink.azure.links import ManagementPartner
from pallink.errors import SignInError
from pallink.links.model import Step
from pallink.sandbox import Request, Sandbox, home
from tests.harness import Clock, Pallink, Traffic

Handle = Callable[[], requests.Response]
Fault = Callable[[requests.PreparedRequest, Handle], requests.Response]


def lost_before(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
    """The connection breaks before the service has handled the request."""
    del request, handle
    raise requests.ConnectionError(ProtocolError("Connection aborted."))


def lost_after(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
    """The connection breaks after the request took effect."""
    del request
    handle()
    raise requests.ConnectionError(ProtocolError("Connection aborted."))


def timed_out_after(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
    """The request takes effect, its answer comes too late."""
    del request
    handle()
    raise requests.ReadTimeout("read timed out")


def answering(
    status: int, body: bytes = b"", *, effect: bool = False, kind: str = "application/json", **headers: str
) -> Fault:
    """The service, or something before it, answers this; with `effect` the request was carried out all the same."""

    def fault(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        if effect:
            handle()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = HTTPResponse(
            BytesIO(body),
            {"Content-Type": kind, "x-ms-correlation-request-id": "c0ffee", **named},
            status,
            preload_content=False,
        )
        return HTTPAdapter().build_response(request, raw)

    return fault


TOOK_EFFECT = {
    "connection lost": lost_after,
    "timed out": timed_out_after,
    "500": answering(500, b"{}", effect=True),
    "503": answering(503, b"", effect=True),
    "truncated": answering(200, b'{"id": "/prov', effect=True),
    "html": answering(200, b"<html>", effect=True, kind="text/html"),
    "204": answering(204, b"", effect=True),
}
DID_NOTHING = {
    "connection lost": lost_before,
    "500": answering(500, b"{}"),
    "429": answering(429, b"{}", Retry_After="7"),
    "502": answering(502, b"<html>", kind="text/html"),
    "504": answering(504, b""),
}


class Write(NamedTuple):
    """A command that writes, and what becomes of the link."""

    command: str
    method: str
    action: str
    partner_id: str | None

    def prepare(self, in_sandbox: Pallink) -> None:
        if self.method != "PUT":
            assert in_sandbox("link 719878").code == 0


WRITES = [
    pytest.param(Write("link 719878", "PUT", "created", "719878"), id="PUT"),
    pytest.param(Write("update 6183402", "PATCH", "updated", "6183402"), id="PATCH"),
    pytest.param(Write("unlink --yes", "DELETE", "deleted", None), id="DELETE"),
]


def every_write(faults: dict[str, Fault]) -> list[ParameterSet]:
    """Return every write with every fault as parameters of a test."""
    return [
        pytest.param(
            *write.values,
            fault,
            id=f"{write.id}-{name}",
            marks=() if write.id == "PUT" or name == "connection lost" else pytest.mark.exhaustive,
        )
        for write in WRITES
        for name, fault in faults.items()
    ]


# By default every fault of a creation, and a lost response of the other writes.
@pytest.mark.parametrize(("write", "fault"), every_write(TOOK_EFFECT))
def test_a_write_that_took_effect_is_done_and_not_sent_again(
    in_sandbox: Pallink, traffic: Traffic, clock: Clock, fault: Fault, write: Write
) -> None:
    write.prepare(in_sandbox)
    traffic.fail(write.method, "/partners/", fault)
    done = in_sandbox(f"{write.command} -o json")
    assert done.code == 0, done.stderr
    assert (done.json["action"], done.json["partnerId"]) == (write.action, write.partner_id)
    assert traffic.writes().count(write.method) == 1
    assert clock.waits == []


# The same by default.
@pytest.mark.parametrize(("write", "fault"), every_write(DID_NOTHING))
def test_a_write_that_did_nothing_is_sent_again_after_reading(
    in_sandbox: Pallink, traffic: Traffic, clock: Clock, fault: Fault, write: Write
) -> None:
    write.prepare(in_sandbox)
    start = len(traffic.of_partners())
    traffic.fail(write.method, "/partners/", fault)
    done = in_sandbox(f"{write.command} -o json")
    assert done.code == 0, done.stderr
    assert (done.json["action"], done.json["partnerId"]) == (write.action, write.partner_id)
    sent = traffic.of_partners()[start:]
    # Read at once, since the write may have taken effect, and once more after the wait, right before the next try.
    assert sent[:5] == ["GET", write.method, "GET", "GET", write.method]
    assert clock.waits in ([1.0], [7.0])


def test_a_write_that_never_succeeds_ends_with_the_time_and_says_that_nothing_changed(
    in_sandbox: Pallink, traffic: Traffic, clock: Clock
) -> None:
    for _ in range(6):
        traffic.fail("PUT", "/partners/", answering(500, b'{"error": {"code": "Oops", "message": "no"}}'))
    failed = in_sandbox("link 719878 --timeout 40")
    assert failed.code == 1
    assert "Oops: no" in failed.stderr
    assert "reading again showed that nothing was changed" in failed.stderr
    assert "correlation ID c0ffee" in failed.stderr
    assert sum(clock.waits) <= 40
    assert in_sandbox("show").code == 3


def test_a_wait_that_outlasts_the_time_is_not_begun(in_sandbox: Pallink, traffic: Traffic, clock: Clock) -> None:
    traffic.fail("PUT", "/partners/", answering(429, b"{}", Retry_After="3600"))
    failed = in_sandbox("link 719878")
    assert failed.code == 7
    assert "throttles" in failed.stderr
    assert clock.waits == []


def test_a_read_that_is_throttled_beyond_the_time(in_sandbox: Pallink, traffic: Traffic, clock: Clock) -> None:
    traffic.fail("GET", "/partners", answering(429, b"{}", Retry_After="3600"))
    failed = in_sandbox("show")
    assert failed.code == 7
    assert "not finished within 120 seconds" in failed.stderr
    assert clock.waits == []


def test_a_write_whose_outcome_nobody_knows_says_so(in_sandbox: Pallink, traffic: Traffic, clock: Clock) -> None:
    del clock
    traffic.fail("PUT", "/partners/", lost_after_then_no_reads(traffic))
    failed = in_sandbox("link 719878")
    assert failed.code == 7
    assert "may or may not have been created" in failed.stderr
    assert "pallink show --cloud sandbox" in failed.stderr


def lost_after_then_no_reads(traffic: Traffic) -> Fault:
    def fault(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        traffic.fail("GET", "/partners", answering(403, b"{}"))
        return lost_after(request, handle)

    return fault


@pytest.mark.parametrize(
    "already_linked", ["409 PartnerIdAlreadyLinked", "409 Conflict", "400 PartnerIdAlreadyLinked", "400 Conflict"]
)
@pytest.mark.parametrize("other", ["719878", "6183402"])
def test_somebody_else_links_the_account_in_between(
    in_sandbox: Pallink, pallink: Pallink, traffic: Traffic, already_linked: str, other: str
) -> None:
    pallink("sandbox", "set", "already-linked", already_linked)

    def link_elsewhere(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        path = str(request.url).replace("719878", other)
        Sandbox(home()).handle(Request("PUT", path, dict(request.headers)))
        return handle()

    traffic.fail("PUT", "/partners/", link_elsewhere)
    done = in_sandbox("link 719878 -o json")
    if other == "719878":
        assert (done.code, done.json["action"]) == (0, "unchanged")
    else:
        assert done.code == 5
        assert "linked to a different partner: 6183402" in done.stderr
    assert traffic.writes() == ["PUT"]


def test_somebody_elses_write_in_between_is_reported(in_sandbox: Pallink, traffic: Traffic) -> None:
    in_sandbox("link 719878")

    def write_twice(_request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        handle()
        return handle()

    traffic.fail("PATCH", "/partners/", write_twice)
    done = in_sandbox("update 6183402")
    assert done.code == 0
    assert "warning: the link went from version 1 to 3 in one write" in done.stderr


def test_a_removal_is_done_although_another_process_links_the_account_again(
    in_sandbox: Pallink, traffic: Traffic
) -> None:
    in_sandbox("link 719878")

    def link_again(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        response = handle()
        Sandbox(home()).handle(Request("PUT", str(request.url), dict(request.headers)))
        return response

    traffic.fail("DELETE", "/partners/", link_again)
    done = in_sandbox("unlink --yes")
    assert done.code == 0, done.stderr
    assert "another process linked the account to 719878" in done.stderr
    assert "that link was not changed" in done.stderr
    assert traffic.writes() == ["PUT", "DELETE"]
    assert in_sandbox("show").code == 0


def test_an_answer_about_another_account_is_not_believed(in_sandbox: Pallink, traffic: Traffic) -> None:
    body = b"""{"id": "/providers/microsoft.managementpartner/partners/719878", "properties": {"partnerId": "719878",
        "tenantId": "8fe81352-b317-4e31-9d5b-b42cafcd167c", "objectId": "00000000-0000-0000-0000-000000000001",
        "version": 1, "state": "Active"}}"""
    traffic.fail("PUT", "/partners/", answering(200, body))
    failed = in_sandbox("link 719878")
    assert failed.code == 1
    assert "the link of another account" in failed.stderr


def test_an_answer_with_another_partner_is_not_believed(in_sandbox: Pallink, traffic: Traffic) -> None:
    traffic.fail("PUT", "/partners/", answering(200, b'{"properties": {"partnerId": "6183402", "state": "Active"}}'))
    failed = in_sandbox("link 719878")
    assert failed.code == 1
    assert "returned 6183402" in failed.stderr


@pytest.mark.parametrize("write", WRITES)
def test_a_redirected_write_is_not_followed_and_settled_by_reading(
    in_sandbox: Pallink, traffic: Traffic, clock: Clock, write: Write
) -> None:
    write.prepare(in_sandbox)
    for _ in range(99):
        traffic.fail(write.method, "/partners/", answering(302, b"", Location="https://evil.example/"))
    failed = in_sandbox(write.command)
    traffic.forget()
    assert failed.code == 1
    assert "302" in failed.stderr
    assert "reading again showed that nothing was changed" in failed.stderr
    assert sum(clock.waits) <= 120
    sent = traffic.of_partners()
    assert all(after == "GET" for before, after in pairwise(sent) if before == write.method)


UNREADABLE = [
    (answering(404, b"{}"), 1),
    (answering(404, b'{"error": {"code": "InvalidResourceNamespace", "message": "unknown"}}'), 1),
    (answering(404, b"<html>not found</html>", kind="text/html"), 1),
    (answering(400, b'{"error": {"code": "ManagementPartnerNotFound", "message": "not linked"}}'), 1),
    (answering(401, b'{"error": {"code": "ExpiredAuthenticationToken", "message": "expired"}}'), 4),
    (answering(403, b'{"error": {"code": "AuthorizationFailed", "message": "no"}}'), 6),
    (answering(302, b"", Location="https://evil.example/"), 1),
    (answering(200, b"<html>", kind="text/html"), 1),
    (answering(200, b"{}"), 1),
]
READERS = ["verify 719878", "show", "link 719878", "update 719878", "check", "unlink --yes"]


# By default every response to the command whose exit code tells whether there is a link, and one to every command.
@pytest.mark.parametrize(
    ("command", "fault", "code"),
    [
        pytest.param(
            command,
            fault,
            code,
            marks=() if command == READERS[0] or fault is UNREADABLE[0][0] else pytest.mark.exhaustive,
        )
        for command in READERS
        for fault, code in UNREADABLE
    ],
)
def test_an_error_is_never_not_linked(
    in_sandbox: Pallink, traffic: Traffic, fault: Fault, code: int, command: str
) -> None:
    traffic.fail("GET", "/partners", fault)
    failed = in_sandbox(command)
    assert failed.code == code, failed.stderr
    assert "error: not linked" not in failed.stderr
    assert traffic.writes() == []


@pytest.mark.parametrize("write", WRITES)
def test_a_token_that_cannot_be_renewed_before_a_write_is_no_lost_answer(
    in_sandbox: Pallink, traffic: Traffic, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    """Nothing was sent: that is said as what it is, and nobody is told to look."""
    write.prepare(in_sandbox)
    before = traffic.writes()

    def gone(*_: object, **_options: object) -> Any:
        raise SignInError("the sign-in has expired") from ClientAuthenticationError("no token")

    send = ManagementPartner.send

    def without_token(self: ManagementPartner, step: Step) -> Any:
        monkeypatch.setattr(AccountCredential, "get_token_info", gone)
        # azure-core keeps a token of its own, until that runs out.
        monkeypatch.setattr(BearerTokenCredentialPolicy, "_need_new_token", True)
        return send(self, step)

    monkeypatch.setattr(ManagementPartner, "send", without_token)
    failed = in_sandbox(f"{write.command} -o json")
    assert failed.code == 4, failed.stderr
    assert '"link": "unchanged"' in failed.stderr
    assert "may or may not" not in failed.stderr
    assert traffic.writes() == before


@pytest.mark.parametrize("write", WRITES)
def test_of_a_write_that_timed_out_nobody_says_that_nothing_was_changed(
    in_sandbox: Pallink, traffic: Traffic, clock: Clock, write: Write
) -> None:
    """Azure has been seen to take 15 seconds: it may carry it out after it was read."""
    write.prepare(in_sandbox)

    def late(_request: requests.PreparedRequest, _handle: Handle) -> requests.Response:
        clock.wait(14)
        raise requests.ReadTimeout("read timed out")

    traffic.fail(write.method, "/partners/", late)
    failed = in_sandbox(f"{write.command} -o json --timeout 14.5")
    assert failed.code == 7, failed.stderr
    assert "Azure did not respond in time" in failed.stderr
    assert '"link": "unknown"' in failed.stderr
    assert "pallink show --cloud sandbox" in failed.stderr
