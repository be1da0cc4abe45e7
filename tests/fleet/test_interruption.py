"""Ctrl-C while a fleet is worked on: what is under way is settled, and nothing else is begun."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from pallink.cli import supervisor, tenant_sign_in
from pallink.fleet.fleet_run import FleetRun
from pallink.sandbox.state.guest_policies import GuestPolicy
from tests.cli.people import Desk
from tests.cli.test_settling import Handle
from tests.fleet.files import SEED, last_error, outcomes, totals, write_fleet
from tests.harness import Pallink, Traffic, join_threads

# Longer than a test would wait: what never comes fails the test.
_HANGS = 30.0


@pytest.fixture
def interrupting(monkeypatch: pytest.MonkeyPatch) -> Callable[[requests.PreparedRequest, Handle], requests.Response]:
    """Return a fault that interrupts the run, and goes on once that has been noticed."""
    stopped, stop = threading.Event(), FleetRun.stop

    def watched(run: FleetRun) -> None:
        stop(run)
        stopped.set()

    monkeypatch.setattr(FleetRun, "stop", watched)

    def interrupt(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        del request
        signal.raise_signal(signal.SIGINT)
        assert stopped.wait(_HANGS)
        return handle()

    return interrupt


Interrupt = Callable[[requests.PreparedRequest, Handle], requests.Response]
posix_only = pytest.mark.skipif(os.name != "posix", reason="raise_signal ends a process on Windows")


@posix_only
def test_an_interruption_settles_the_write_under_way(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, interrupting: Interrupt
) -> None:
    file = write_fleet(tmp_path, *SEED)
    traffic.fail("PUT", "partners", interrupting)
    options = f"-o json -q --junit {tmp_path / 'report.xml'}"
    ended = in_sandbox(f"fleet apply {file} --yes --concurrency 1 {options}")
    assert ended.code == 130
    assert list(outcomes(ended).values()) == ["created", "not-run", "not-run"]
    error = last_error(ended)
    assert (error["message"], error["cause"]) == ("interrupted", "1 of 3 accounts are done")
    command = f"pallink fleet apply --resume {ended.json['run']} {options} --cloud sandbox --concurrency 1"
    assert (error["remedy"], error["command"]) == ("resume the run", command)
    assert traffic.writes() == ["PUT"]
    again = in_sandbox(*command.split()[1:-4])
    assert totals(again) == {"created": 3}
    assert (tmp_path / "report.xml").read_text().count("<testcase") == 3
    assert traffic.writes() == ["PUT"] * 3


@posix_only
def test_an_interruption_on_a_terminal_begins_a_line_of_its_own(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, interrupting: Interrupt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the ^C that the terminal echoes."""
    monkeypatch.setenv("NO_COLOR", "1")
    traffic.fail("PUT", "partners", interrupting)
    ended = in_sandbox(f"fleet apply {write_fleet(tmp_path, *SEED)} --yes --concurrency 1", tty=True)
    assert ended.code == 130
    assert "\n\nstopping: " in ended.stderr


@posix_only
@pytest.mark.parametrize("command", ["apply --yes", "verify", "plan"])
def test_an_interruption_while_links_are_read(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, interrupting: Interrupt, command: str
) -> None:
    file = write_fleet(tmp_path, *SEED)
    traffic.fail("GET", "partners", interrupting)
    ended = in_sandbox(f"fleet {command} {file} --concurrency 1")
    assert ended.code == 130
    assert "not-run" in ended.stdout or command == "plan"
    assert "error: interrupted" in ended.stderr
    assert traffic.writes() == []
    if command == "apply --yes":
        assert "hint: resume the run\n    pallink fleet apply --resume 2" in ended.stderr
    else:
        assert ended.stderr.endswith(f"    pallink fleet {command} {file} --concurrency 1 --cloud sandbox\n")


@posix_only
def test_an_interruption_of_the_plan_writes_nothing(
    pallink: Pallink, in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, interrupting: Interrupt
) -> None:
    traffic.fail("GET", "partners", interrupting)
    ended = in_sandbox(f"fleet apply {write_fleet(tmp_path, *SEED)}", tty=True, stdin="y\n")
    assert ended.code == 130
    assert "nothing was written" in ended.stderr
    assert "Apply this plan?" not in ended.stderr
    assert traffic.writes() == []
    assert pallink("fleet runs").stdout == "there are no runs\n"


@pytest.fixture
def end_of_prompt(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Press Ctrl-C where a sign-in to a tenant is asked for, which hangs, as a read of a terminal does, until this."""
    released = threading.Event()

    def ask(*_: object) -> bool:
        if not released.is_set():
            signal.raise_signal(signal.SIGINT)
            released.wait(_HANGS)
        return True

    monkeypatch.setattr(tenant_sign_in, "is_skipped", ask)
    yield released
    released.set()


@posix_only
@pytest.mark.parametrize("output", ["json", "jsonl", "table"])
def test_an_interruption_at_a_prompt_shows_what_was_done(
    served_consultant: Desk, end_of_prompt: threading.Event, output: str
) -> None:
    desk = served_consultant
    desk.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example", "tenant-0003.example"])
    ended = desk.run(f"link 719878 --all-tenants --yes -o {output}", tty=True)
    assert ended.code == 130
    if output == "table":
        assert ended.stdout.endswith("\n5 tenants: 3 created, 2 needs-sign-in\n")
        assert "cause: 3 of 5 tenants are done\n" in ended.stderr
        assert "hint: resume the run\n    pallink fleet apply --resume 2" in ended.stderr
        return
    lines = [json.loads(line) for line in ended.stdout.splitlines()] if output == "jsonl" else ended.json["entries"]
    assert sorted(entry["outcome"] for entry in lines) == ["created"] * 3 + ["needs-sign-in"] * 2
    error = json.loads(ended.stderr.splitlines()[-1])
    assert (error["message"], error["cause"]) == ("interrupted", "3 of 5 tenants are done")
    # The journal is locked as long as a process works on the run.
    end_of_prompt.set()
    join_threads()
    desk.sandbox.set_guest_policy(GuestPolicy.NONE, ["tenant-0001.example", "tenant-0003.example"])
    resumed = desk.pallink(*str(error["command"]).split()[1:], "-o", "json")
    assert (resumed.code, totals(resumed)) == (0, {"created": 5})


@posix_only
@pytest.mark.usefixtures("end_of_prompt")
def test_an_interruption_at_a_prompt_of_a_comparison(served_consultant: Desk) -> None:
    served_consultant.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    ended = served_consultant.run("show --all-tenants", tty=True)
    assert ended.code == 130
    assert ended.stdout.endswith("\n5 tenants: 4 unchanged, 1 needs-sign-in\n")
    assert "cause: 4 of 5 tenants are done\ncause: nothing was written\n" in ended.stderr


@posix_only
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_second_interruption_leaves_at_once_and_shows_what_was_done(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """A write that was under way may have been sent: a resumed run reads the link first."""
    monkeypatch.setattr(supervisor, "_REPEATED", 0.0)
    stopped, released, stop = threading.Event(), threading.Event(), FleetRun.stop

    def watched(run: FleetRun) -> None:
        stop(run)
        stopped.set()

    monkeypatch.setattr(FleetRun, "stop", watched)

    def hang(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        del request
        signal.raise_signal(signal.SIGINT)
        assert stopped.wait(_HANGS)
        signal.raise_signal(signal.SIGINT)
        released.wait(_HANGS)
        return handle()

    traffic.fail(method, "partners", hang)
    ended = in_sandbox(f"fleet apply {write_fleet(tmp_path, *SEED)} --yes --concurrency 1 -o json")
    released.set()
    assert ended.code == 130
    assert list(outcomes(ended).values()) == ["not-run" if method == "GET" else "unknown", "not-run", "not-run"]
    error = last_error(ended)
    assert (error["message"], error["cause"]) == ("interrupted", "0 of 3 accounts are done")
    assert str(error["command"]).startswith(f"pallink fleet apply --resume {ended.json['run']}")
