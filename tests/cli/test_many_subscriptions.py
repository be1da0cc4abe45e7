"""Many subscriptions: looked at side by side, with no request too many, and ended at once by Ctrl-C."""

import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import requests

from pallink.cli.progress import ProgressLine
from pallink.sandbox.http.adapter import SandboxAdapter
from tests import worlds
from tests.cli.test_settling import answering
from tests.exhaustive import combinations
from tests.harness import Clock, Pallink, Traffic
from tests.worlds import given, role, subscription

APPROVERS = "--account svc_approvers@contoso.com"
VISIBLE = 102  # Contoso Production, Contoso Development, and those that are generated.
WORKERS = 30

Handle = Callable[[], requests.Response]


@pytest.fixture
def grown(pallink: Pallink) -> None:
    assert pallink("sandbox grow 100").code == 0


class Gate:
    """Stands before the sandbox, and sees every request for role assignments on its way in and out."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.begun = 0
        self.inside = 0
        self.most = 0
        # Called with the request's number and URL before it is handled.
        self.hold: Callable[[int, str], None] = lambda _number, _url: None

    def arrive(self) -> int:
        with self.lock:
            self.begun += 1
            self.inside += 1
            self.most = max(self.most, self.inside)
            return self.begun

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    made = Gate()
    send = SandboxAdapter.send

    def gated(self: SandboxAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if "roleAssignments" not in str(request.url):
            return send(self, request, *args, **kwargs)
        number = made.arrive()
        try:
            made.hold(number, str(request.url))
            return send(self, request, *args, **kwargs)
        finally:
            made.leave()

    monkeypatch.setattr(SandboxAdapter, "send", gated)
    return made


def paths(traffic: Traffic) -> Counter[str]:
    """How often each kind of request was sent to Resource Manager."""
    kinds = Counter[str]()
    for _, path in traffic.sent:
        if "/oauth2/" not in path and "/discovery/" not in path and "openid" not in path:
            kinds[path.rpartition("/")[2].casefold() if "roleDefinitions" not in path else "roledefinition"] += 1
    return kinds


@pytest.mark.usefixtures("grown")
def test_check_takes_one_request_for_each_subscription_and_one_for_the_list(
    in_sandbox: Pallink, traffic: Traffic
) -> None:
    checked = in_sandbox(f"check {APPROVERS} -o json")
    assert (checked.code, checked.json["role"]) == (0, "reader")
    assert len(checked.json["subscriptions"]) == VISIBLE
    assert paths(traffic) == {"roleassignments": VISIBLE, "subscriptions": 1, "partners": 1, "tenants": 1}


@pytest.mark.usefixtures("grown")
def test_pages_are_followed(in_sandbox: Pallink, pallink: Pallink, traffic: Traffic) -> None:
    assert pallink("sandbox", "set", "page-size", "20").code == 0
    assert len(in_sandbox(f"check {APPROVERS} -o json").json["subscriptions"]) == VISIBLE
    assert paths(traffic)["subscriptions"] == 6


@pytest.mark.usefixtures("grown")
@pytest.mark.parametrize("command", ["link 719878", "verify 719878", "update 719878"])
def test_one_pass_is_enough(in_sandbox: Pallink, traffic: Traffic, command: str) -> None:
    in_sandbox(f"{command} {APPROVERS}")
    assert paths(traffic)["roleassignments"] == 1


def test_one_pass_ends_the_look_at_the_others(in_sandbox: Pallink, gate: Gate) -> None:
    """The third of sixty passes: nobody waits for those that were begun with it, and no other is begun."""
    count, passing = 60, 3
    released = threading.Event()
    worlds.build(
        subscriptions=[subscription(number, f"S{number}") for number in range(1, count + 1)],
        role_assignments=[given("Billing Reader", scope="/"), given("Reader", subscription=f"S{passing}")],
    )
    quick = tuple(f"/{subscription(number, '')['id']}/" for number in range(1, passing + 1))

    def hold(_number: int, url: str) -> None:
        if not any(each in url for each in quick):
            released.wait(timeout=60)

    gate.hold = hold
    try:
        done = in_sandbox("link 719878 -o json")
        begun = gate.begun
        assert not released.is_set()
    finally:
        released.set()
    assert (done.code, done.json["role"]) == (0, "reader")
    # What does not pass takes a second request, for what is inside the subscription.
    assert begun <= 2 * (passing - 1) + 1 + WORKERS


@pytest.mark.usefixtures("grown")
def test_only_the_named_ones_are_asked_about(in_sandbox: Pallink, traffic: Traffic) -> None:
    checked = in_sandbox(
        "check", "--account", "svc_approvers@contoso.com", "--subscription", "Generated 077", "-o", "json"
    )
    assert [each["name"] for each in checked.json["subscriptions"]] == ["Generated 077"]
    assert paths(traffic)["roleassignments"] == 1


@pytest.mark.usefixtures("grown")
def test_they_are_looked_at_side_by_side_and_never_more_than_the_bound(in_sandbox: Pallink, gate: Gate) -> None:
    together = threading.Barrier(WORKERS)

    def hold(number: int, _url: str) -> None:
        if number <= WORKERS:
            # Passes only when as many requests are under way at once.
            together.wait(timeout=60)

    gate.hold = hold
    assert in_sandbox(f"check {APPROVERS}").code == 0
    assert gate.most == WORKERS
    assert gate.begun == VISIBLE


def test_a_role_that_is_not_known_is_read_once(in_sandbox: Pallink, traffic: Traffic) -> None:
    worlds.build(
        subscriptions=[subscription(number, f"S{number}") for number in range(1, 31)],
        role_assignments=[given("Custom", scope="/"), given("Reader", subscription="S7")],
        custom_roles=[role("Custom", "*/read")],
    )
    checked = in_sandbox("check -o json")
    assert Counter(each["verdict"] for each in checked.json["subscriptions"]) == {"more-than-reader": 29, "reader": 1}
    assert paths(traffic) == {
        "roleassignments": 30,
        "roledefinition": 1,
        "subscriptions": 1,
        "partners": 1,
        "tenants": 1,
    }


def test_what_is_eligible_is_asked_only_when_nothing_passes(in_sandbox: Pallink, traffic: Traffic) -> None:
    in_sandbox("check")
    assert paths(traffic)["roleeligibilityscheduleinstances"] == 0
    in_sandbox("check --account newhire@contoso.com")
    assert paths(traffic)["roleeligibilityscheduleinstances"] == 1


def test_throttling_is_waited_out(in_sandbox: Pallink, traffic: Traffic, clock: Clock) -> None:
    traffic.fail("GET", "roleAssignments", answering(429, b"{}", Retry_After="7"))
    assert in_sandbox("check").code == 0
    assert clock.waits == [7.0]


# --- The progress line ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("grown")
def test_the_line_moves_and_is_gone_in_the_end(in_sandbox: Pallink) -> None:
    checked = in_sandbox(f"check {APPROVERS}", tty=True)
    drawn = [int(done) for done in re.findall(rf"(\d+) of {VISIBLE} subscriptions", checked.stderr)]
    assert drawn == sorted(set(drawn))
    assert (drawn[0], drawn[-1]) == (1, VISIBLE - 1)
    assert f"[{'#' * 12}{'-' * 12}]" in checked.stderr
    after = checked.stderr.rpartition(f"of {VISIBLE} subscriptions")[2]
    assert after.startswith("\r\x1b[K")
    assert "\x1b[K" not in checked.stdout


@pytest.mark.usefixtures("grown")
@pytest.mark.parametrize(
    "quiet", combinations(["", "--quiet", "--verbose", "--debug"], default=lambda quiet: quiet == "--quiet")
)
def test_no_line_where_nobody_looks_or_nobody_wants_it(in_sandbox: Pallink, quiet: str) -> None:
    checked = in_sandbox(f"check {APPROVERS} {quiet}", tty=bool(quiet))
    assert checked.code == 0
    assert "\x1b[K" not in checked.stderr


@pytest.mark.usefixtures("grown")
def test_no_line_on_a_dumb_terminal(in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in in_sandbox(f"check {APPROVERS}", tty=True).stderr


def test_no_line_for_a_few(in_sandbox: Pallink) -> None:
    assert "\x1b[K" not in in_sandbox(f"check {APPROVERS}", tty=True).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one thread")
@pytest.mark.usefixtures("grown", "clock")
def test_ctrl_c_in_the_middle_ends_at_once_with_a_clean_line(
    in_sandbox: Pallink, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, held = 50, 60
    released, drawn = threading.Event(), threading.Event()
    main = threading.main_thread().ident
    assert main is not None
    update = ProgressLine.update

    def watched(self: ProgressLine, done: int, total: int) -> None:
        update(self, done, total)
        if done == answered:
            drawn.set()

    def hold(number: int, _url: str) -> None:
        if number > answered:
            if number == held:
                assert drawn.wait(timeout=60)
                signal.pthread_kill(main, signal.SIGINT)
            # Azure does not answer: who waited for these requests would wait for ever.
            released.wait(timeout=60)

    monkeypatch.setattr(ProgressLine, "update", watched)
    gate.hold = hold
    try:
        checked = in_sandbox(f"check {APPROVERS}", tty=True)
        assert not released.is_set()
        begun = gate.begun
    finally:
        released.set()
    assert checked.code == 130
    assert checked.stdout == ""
    before, _, after = checked.stderr.rpartition("\r\x1b[K")
    assert before.endswith(f"{answered} of {VISIBLE} subscriptions")
    assert "error:" in after
    assert "interrupted" in after
    assert after.count("\n") == 2, "the error and its cause, each on a line of its own"
    assert begun <= answered + WORKERS
