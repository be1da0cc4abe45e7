"""Ctrl-C and `--timeout` at every request of the commands that write roles: what they say of them has to be so."""

import json
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from pallink.cli.supervisor import Execution
from pallink.concurrency import CancelScope
from pallink.deadline import Deadline
from pallink.fleet.role_run import RoleRun
from pallink.output import Terminal
from pallink.sandbox import Sandbox
from pallink.sandbox.faults import FaultKind, FaultRule
from pallink.sandbox.state.store import Store
from tests.bench import Asked, Bench, Observation, Send
from tests.cli.people import Desk
from tests.cli.test_settling import Handle
from tests.exhaustive import combinations
from tests.fleet.files import SEED, last_error, outcomes, totals, write_fleet
from tests.harness import Pallink, Traffic
from tests.interruption.test_processes import Process
from tests.sandbox.client import CONTOSO, ONBOARDING

NEW_HIRE = "0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3"
SCOPES = ("738477cd-6b20-448f-9a34-9d5592cff509", "0e3bd0a4-6f3c-4bd5-a8a5-5d0f53a30f1b")
WORDS = f"--to newhire@contoso.com --yes --subscription {SCOPES[0]} --subscription {SCOPES[1]}"
COMMANDS = {
    "assign": f"role assign {WORDS}",
    "remove": f"role remove {WORDS}",
    "assign, as a dry run": f"role assign {WORDS} --dry-run",
    "show": "role show --to newhire@contoso.com",
}
# Longer than a test would wait: a process that is not ended by its signal fails the test.
_FOR_EVER, _HANGS = 600.0, 30.0
_LOOK_INTERVAL = 0.1  # Seconds.

posix_only = pytest.mark.skipif(os.name != "posix", reason="raise_signal ends a process on Windows")


def prepare(bench: Bench, name: str) -> None:
    """Make the application an owner; before a removal, let it assign what is removed."""
    bench.prepare()
    Sandbox(bench.home).assign(principal_id=ONBOARDING, role="Owner", scope="/")
    if name == "remove":
        assert bench.run(COMMANDS["assign"]).code == 0


def assigned(bench: Bench) -> int:
    """Return how many role assignments the account has."""
    with Store(bench.home).transaction() as state:
        tenant = state.world.tenant(CONTOSO)
        assert tenant is not None
        return sum(assignment.principal_id == NEW_HIRE for assignment in tenant.role_assignments)


def written(ended: Observation) -> int:
    """Return how many writes were at least about to be sent."""
    return sum(method in {"PUT", "DELETE"} for method, _ in ended.requested)


def false_claims(bench: Bench, ended: Observation, before: int) -> list[str]:
    """Return what an interrupted command says that is not so."""
    after, error = assigned(bench), json.loads(ended.stderr)
    cause, changes = error["cause"], abs(after - before)
    if (ended.code, error["code"], error["message"]) != (130, "Cancelled", "interrupted"):
        return [f"not said in words: {ended.stderr}"]
    match cause.partition(":")[0]:
        case "nothing was written":
            return [] if (changes, written(ended)) == (0, 0) else [f"{cause}, but {changes} were"]
        case "done so far":
            said = cause.count(" on subscription ")
            return [] if said == changes == written(ended) else [f"{cause}, but {changes} were"]
        case "a write was in progress":
            is_told = error["command"].startswith("pallink role show --to newhire@contoso.com --cloud sandbox")
            is_one = written(ended) - 1 <= changes <= written(ended)
            return [] if is_told and is_one else [f"{cause}, and {changes} of {written(ended)} were"]
    return [f"an unknown cause: {cause}"]


@pytest.mark.parametrize(
    ("name", "when"),
    combinations(COMMANDS, ["before", "after"], default=lambda name, when: (name, when) == ("assign", "after")),
)
def test_what_is_said_is_true(bench: Bench, name: str, when: str) -> None:
    prepare(bench, name)
    line = f"{COMMANDS[name]} -o json"
    undisturbed = bench.run(line)
    assert undisturbed.code == 0, undisturbed.stderr
    for asked, count in Counter(undisturbed.requested).items():
        for number in range(1, count + 1):
            prepare(bench, name)
            before = assigned(bench)
            seen: list[Asked] = []

            def interrupt(
                now: Asked, send: Send, seen: list[Asked] = seen, at: tuple[Asked, int] = (asked, number)
            ) -> requests.Response:
                seen.append(now)
                if (now, seen.count(now)) != at:
                    return send()
                if when == "after":
                    send()
                raise KeyboardInterrupt

            ended = bench.run(line, interrupt)
            assert false_claims(bench, ended, before) == [], (asked, number)


@pytest.mark.parametrize("name", ["assign", "remove"])
def test_what_was_written_before_is_said(bench: Bench, name: str) -> None:
    prepare(bench, name)
    writes: list[Asked] = []

    def interrupt(now: Asked, send: Send) -> requests.Response:
        writes.extend([now] if now[0] in {"PUT", "DELETE"} else [])
        if len(writes) == 2:
            raise KeyboardInterrupt
        return send()

    error = json.loads(bench.run(f"{COMMANDS[name]} -o json", interrupt).stderr)
    verb = {"assign": "created", "remove": "deleted"}[name]
    assert error["cause"] == (
        "a write was in progress: the role assignment may or may not be "
        f"{verb} on subscription Contoso Finance ({SCOPES[1]}); "
        f"done before: {verb} on subscription Contoso Production ({SCOPES[0]})"
    )
    assert error["remedy"] == "run the command again: what is done already stays as it is"
    prepared = bench.run(f"{COMMANDS[name]} -o json")
    assert [row["action"] for row in prepared.result["assignments"]] == ["unchanged", verb]


# --- Real signals, and time -------------------------------------------------------------------------------------------


@posix_only
@pytest.mark.parametrize("name", combinations(["assign", "remove"], default=lambda name: name == "assign"))
def test_a_signal_while_a_write_is_held(bench: Bench, name: str) -> None:
    prepare(bench, name)
    method = {"assign": "PUT", "remove": "DELETE"}[name]
    Sandbox(bench.home).add_fault(
        FaultRule(kind=FaultKind.DELAY, method=method, path="*/roleassignments/*", delay=_FOR_EVER)
    )
    command = f"{COMMANDS[name]} --auth client-secret --cloud sandbox -o json"
    process = Process(bench.home, *command.split())
    process.wait_for_fault()
    # As a user who keeps pressing Ctrl-C: it is said once.
    ended = process.end(*[signal.SIGINT, signal.SIGTERM] * 3)
    assert ended.code == 130
    error = json.loads(ended.stderr)
    assert error["cause"].startswith("a write was in progress: the role assignment may or may not be")
    Sandbox(bench.home).clear_faults()
    assert bench.run(f"{COMMANDS[name]} -o json").code == 0


@pytest.fixture
def abandoned(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return an event that is set once the main thread has left the command where it is."""
    is_set, abandon = threading.Event(), Execution._abandon

    def watched(execution: Execution, scope: CancelScope) -> bool:
        is_abandoned = abandon(execution, scope)
        is_set.set()
        return is_abandoned

    monkeypatch.setattr(Execution, "_abandon", watched)
    return is_set


def test_a_time_out_while_a_write_hangs(bench: Bench, abandoned: threading.Event) -> None:
    """The thread that sends it does not return: the main thread says what became of the write."""
    prepare(bench, "assign")

    def hang(now: Asked, send: Send) -> requests.Response:
        if now[0] == "PUT":
            Deadline.current().shorten(0)
            assert abandoned.wait(_HANGS)
        return send()

    ended = bench.run(f"{COMMANDS['assign']} -o json", hang)
    error = json.loads(ended.stderr)
    assert (ended.code, error["code"]) == (7, "Unreachable")
    assert "a write was in progress: the role assignment may or may not be created" in error["cause"]
    assert error["command"].startswith("pallink role show --to newhire@contoso.com")


# --- A fleet ----------------------------------------------------------------------------------------------------------

Interrupt = Callable[[requests.PreparedRequest, Handle], requests.Response]


@pytest.fixture
def interrupting(monkeypatch: pytest.MonkeyPatch) -> Interrupt:
    """Return a fault that interrupts the run, and goes on once that has been noticed."""
    stopped, stop = threading.Event(), RoleRun.stop

    def watched(run: RoleRun) -> None:
        stop(run)
        stopped.set()

    monkeypatch.setattr(RoleRun, "stop", watched)

    def interrupt(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        del request
        signal.raise_signal(signal.SIGINT)
        assert stopped.wait(_HANGS)
        return handle()

    return interrupt


@posix_only
def test_the_first_interruption_of_a_fleet_settles_the_write_under_way(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, interrupting: Interrupt
) -> None:
    file = write_fleet(tmp_path, *SEED, defaults="subscription: Contoso Development")
    traffic.fail("PUT", "roleAssignments", interrupting)
    words = ("role", "assign", "--fleet", file, "--account", "owner@contoso.com", "--yes", "-o", "json")
    ended = in_sandbox(*words)
    assert ended.code == 130
    assert list(outcomes(ended).values()) == ["created", "not-run", "not-run"]
    assert (last_error(ended)["message"], last_error(ended)["cause"]) == ("interrupted", "1 of 3 accounts are done")
    assert [method for method, _ in traffic.sent].count("PUT") == 1
    again = in_sandbox(*words)
    assert (again.code, totals(again)) == (0, {"created": 2, "unchanged": 1})


@posix_only
@pytest.mark.parametrize("job", ["role_job", "role_fleet"])
def test_an_interrupted_question_ends_its_line(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abandoned: threading.Event, job: str
) -> None:
    def interrupted(question: str, terminal: Terminal) -> bool:
        terminal.write_stderr(f"{question} [y/N]: ")
        signal.raise_signal(signal.SIGINT)
        assert abandoned.wait(_HANGS)
        return False

    monkeypatch.setattr(f"pallink.cli.{job}.yes_or_no", interrupted)
    file = write_fleet(tmp_path, *SEED, defaults="subscription: Contoso Development")
    account = {
        "role_job": ["--to", "newhire@contoso.com", "--subscription", SCOPES[0]],
        "role_fleet": ["--fleet", file],
    }[job]
    ended = in_sandbox("role", "assign", *account, "--account", "owner@contoso.com", tty=True)
    assert ended.code == 130
    lines = ended.stderr.splitlines()
    assert lines[-3].endswith("[y/N]: ")
    assert lines[-1] == "cause: nothing was written"


@posix_only
def test_an_interruption_of_the_wait_shows_what_was_written(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, abandoned: threading.Event
) -> None:
    def created_then_interrupted(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        del request
        traffic.fail("GET", "roleAssignments", interrupt)
        return handle()

    def interrupt(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        del request
        signal.raise_signal(signal.SIGINT)
        assert abandoned.wait(_HANGS)
        return handle()

    file = write_fleet(tmp_path, SEED[0], "account: ghost@contoso.com", defaults="subscription: Contoso Development")
    traffic.fail("PUT", "roleAssignments", created_then_interrupted)
    words = ("role", "assign", "--fleet", file, "--account", "owner@contoso.com", "--yes", "--wait", "-o", "json")
    ended = in_sandbox(*words)
    assert (ended.code, list(outcomes(ended).values())) == (130, ["created", "failed"])
    assert last_error(ended)["cause"] == "1 of 2 accounts are done; what was written takes effect by itself"


@posix_only
def test_an_interruption_before_a_fleet_writes(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    def interrupt(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        del request, handle
        raise KeyboardInterrupt

    file = write_fleet(tmp_path, *SEED, defaults="subscription: Contoso Development")
    traffic.fail("GET", "approvers", interrupt)
    ended = in_sandbox("role", "assign", "--fleet", file, "--account", "owner@contoso.com", "--yes")
    assert (ended.code, ended.stdout) == (130, "")
    assert ended.stderr.splitlines()[-2:] == ["error: interrupted", "cause: nothing was written"]
    assert not [method for method, _ in traffic.sent if method == "PUT"]


@posix_only
def test_the_second_interruption_of_a_fleet_leaves_at_once_and_says_what_is_unknown(
    bench: Bench, tmp_path: Path
) -> None:
    prepare(bench, "assign")
    Sandbox(bench.home).add_fault(
        FaultRule(kind=FaultKind.DELAY, method="PUT", path="*/roleassignments/*", delay=_FOR_EVER)
    )
    file = write_fleet(tmp_path, *SEED, defaults="subscription: Contoso Development")
    command = ["role", "assign", "--fleet", file, "--yes", "--auth", "client-secret", "--cloud", "sandbox"]
    process = Process(bench.home, *command)
    process.wait_for_fault()
    process.popen.send_signal(signal.SIGINT)
    with process.popen as popen:
        assert popen.stderr is not None
        assert any("stopping: finishing the writes in progress" in line for line in popen.stderr)
        # One that follows at once is the same request.
        while popen.poll() is None:
            popen.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                popen.wait(_LOOK_INTERVAL)
        said = popen.stderr.read()
    assert popen.returncode == 130
    assert "cause: accounts that were done before: 0 cause: a write was in progress" in " ".join(said.split())


@posix_only
def test_an_interrupted_choice_of_a_sign_in_ends_its_line(
    desk: Desk, no_keyring: None, monkeypatch: pytest.MonkeyPatch, abandoned: threading.Event
) -> None:
    del no_keyring

    def interrupted(question: str, **_: object) -> str:
        Terminal().write_stderr(f"{question}: ")
        signal.raise_signal(signal.SIGINT)
        assert abandoned.wait(_HANGS)
        return ""

    for account in ("invoices@contoso.com", "owner@contoso.com"):
        assert desk.run(f"login --account {account} --allow-plain-text-cache").code == 0
    monkeypatch.setattr("typer.prompt", interrupted)
    ended = desk.run("show", tty=True)
    assert ended.code == 130
    assert ended.stderr.splitlines()[-3].endswith("Which sign-in? [1-2]: ")
