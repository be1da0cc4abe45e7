"""Ctrl-C while a fleet is worked on: what is under way is settled, and nothing else is begun."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from pallink.fleet.fleet_run import FleetRun
from tests.cli.test_settling import Handle
from tests.fleet.files import SEED, last_error, outcomes, totals, write_fleet
from tests.harness import Pallink, Traffic

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
    ended = in_sandbox(f"fleet apply {file} --yes --concurrency 1 -o json")
    assert ended.code == 130
    assert list(outcomes(ended).values()) == ["created", "not-run", "not-run"]
    error = last_error(ended)
    assert (error["message"], error["cause"]) == ("interrupted", "1 of 3 accounts are done")
    command = f"pallink fleet apply --resume {ended.json['run']} --cloud sandbox --concurrency 1"
    assert error["command"] == command
    assert traffic.writes() == ["PUT"]
    again = in_sandbox(*command.split()[1:-4], "-o", "json")
    assert totals(again) == {"created": 3}
    assert traffic.writes() == ["PUT"] * 3


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
        assert "    pallink fleet apply --resume 2" in ended.stderr
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
