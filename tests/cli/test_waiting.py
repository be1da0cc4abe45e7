"""The line that says what a command waits for: after a second, on a terminal only, and gone in the end."""

import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import requests

from pallink.cli import job, progress
from pallink.cli.progress import ProgressLine
from pallink.concurrency import CancelScope
from pallink.output import Terminal
from pallink.output.wrapping import count_columns
from pallink.waiting import waiting_for, watched_by
from tests.cli.people import INVOICES, Desk
from tests.harness import Clock, Pallink, Stream, Traffic

CLEAR = "\r\x1b[K"
MIN_WAIT = progress._MIN_WAIT


@pytest.fixture(autouse=True)
def as_for_people(pallink: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the line appear when it does for people, which other tests prevent."""
    del pallink
    monkeypatch.setattr(progress, "_MIN_WAIT", MIN_WAIT)


class Screen:
    """A terminal with a progress line and a clock, whose watching thread is not started."""

    def __init__(self, *, tty: bool = True, term: str = "xterm", columns: str = "") -> None:
        self.clock = Clock()
        self.stderr = Stream(tty=tty)
        self.terminal = Terminal(stderr=self.stderr, environ={"TERM": term, "COLUMNS": columns})
        self.line = ProgressLine(self.terminal, now=lambda: self.clock.now)

    def after(self, seconds: float) -> str:
        """Let time pass, and return all that was written until then."""
        self.clock.now += seconds
        self.line.tick()
        return self.stderr.text


def test_the_line_appears_after_a_second_and_goes_with_the_wait() -> None:
    screen = Screen()
    with watched_by(screen.line), waiting_for("Entra ID"):
        assert screen.after(0.9) == ""
        assert screen.after(0.1) == f"{CLEAR}waiting for Entra ID ..."
        assert screen.after(5) == f"{CLEAR}waiting for Entra ID ..."
    assert screen.after(0) == f"{CLEAR}waiting for Entra ID ...{CLEAR}"


def test_the_wait_that_has_lasted_longest_is_shown() -> None:
    screen = Screen()
    with screen.line.waiting_for("first"):
        screen.after(0.5)
        with screen.line.waiting_for("second"):
            assert screen.after(0.6) == f"{CLEAR}waiting for first ..."
            assert screen.after(1).count("waiting") == 1
        assert screen.after(0).count(CLEAR) == 1
    assert screen.after(0).endswith(f"first ...{CLEAR}")


def test_nothing_is_shown_for_a_request_that_nothing_waits_for() -> None:
    screen, scope = Screen(), CancelScope()
    with scope.active(), screen.line.waiting_for("Azure Resource Manager"):
        scope.cancel()
        assert screen.after(2) == ""


def test_other_output_takes_the_line_away() -> None:
    screen = Screen()
    with watched_by(screen.line), waiting_for("Entra ID"):
        screen.after(1)
        screen.terminal.say("warning", "the token expires soon")
        assert screen.stderr.text.endswith(f"Entra ID ...{CLEAR}warning: the token expires soon\n")
        assert screen.after(0).endswith(f"{CLEAR}waiting for Entra ID ...")


def test_the_bar_and_the_line_take_turns() -> None:
    screen = Screen()
    with screen.line.waiting_for("Azure Resource Manager"):
        screen.after(1)
        screen.line.update(5, 20)
        assert screen.after(1).endswith("5 of 20 subscriptions")
        screen.line.update(20, 20)
        assert screen.stderr.text.endswith(f"subscriptions{CLEAR}")
        assert screen.after(0).endswith(f"{CLEAR}waiting for Azure Resource Manager ...")


def test_progress_is_due_after_a_second() -> None:
    screen = Screen()
    assert not screen.line.is_due
    screen.after(MIN_WAIT)
    assert screen.line.is_due


@pytest.mark.parametrize("name", ["the role on subscription Contoso Production to take effect", "契約書" * 20])
def test_a_line_is_never_wider_than_the_terminal(name: str) -> None:
    screen = Screen(columns="40")
    with screen.line.waiting_for(name):
        shown = screen.after(1)
        assert 37 < count_columns(shown.removeprefix(CLEAR)) < 40
        assert f"{CLEAR}waiting for {name}".startswith(shown)
        screen.line.update(5, 20)
        screen.line.show(f"3 of 20 accounts: {name}")
        lines = screen.stderr.text.split(CLEAR)
        assert lines[2].startswith("reading roles")
        assert lines[3].startswith("3 of 20 accounts")
        assert max(map(count_columns, lines)) < 40


def test_a_closed_line_stays_away_though_the_command_was_cancelled() -> None:
    screen, scope = Screen(), CancelScope()
    with scope.active(), screen.line.waiting_for("Entra ID"):
        screen.after(1)
        scope.cancel()
        screen.line.close()
        assert screen.after(1) == f"{CLEAR}waiting for Entra ID ...{CLEAR}"


@pytest.mark.parametrize("screen", [Screen(tty=False), Screen(term="dumb")], ids=["pipe", "dumb"])
def test_no_line_where_it_could_not_be_removed(screen: Screen) -> None:
    with screen.line.waiting_for("Entra ID"):
        assert screen.after(2) == ""


# --- The whole command ------------------------------------------------------------------------------------------------


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> Callable[..., requests.Response]:
    """Return a fault that responds once the line was drawn, a second later by the clock of the line."""
    clock, drawn = Clock(), threading.Event()
    monkeypatch.setattr(job, "ProgressLine", partial(ProgressLine, now=lambda: clock.now))
    draw = Terminal.draw

    def watched(self: Terminal, text: str) -> None:
        draw(self, text)
        if "waiting for" in text:
            drawn.set()

    def respond(_request: Any, handle: Callable[[], requests.Response]) -> requests.Response:
        clock.now += 1
        assert drawn.wait(timeout=60)
        return handle()

    monkeypatch.setattr(Terminal, "draw", watched)
    return respond


@pytest.mark.parametrize(
    ("command", "method", "path", "name"),
    [
        ("whoami", "POST", "/token", "Entra ID"),
        ("login --allow-plain-text-cache", "POST", "/token", "Entra ID"),
        ("check", "GET", "partners", "Azure Resource Manager"),
        ("link 719878 --yes", "PUT", "partners", "Azure Resource Manager"),
    ],
)
def test_a_terminal_says_what_is_waited_for(
    in_sandbox: Pallink,
    traffic: Traffic,
    slowly: Callable[..., requests.Response],
    *,
    command: str,
    method: str,
    path: str,
    name: str,
) -> None:
    traffic.fail(method, path, slowly)
    done = in_sandbox(command, tty=True)
    assert done.code == 0, done.stderr
    before, line, after = done.stderr.rpartition(f"waiting for {name} ...")
    assert before.endswith(CLEAR)
    assert line
    assert after.startswith(CLEAR)
    assert "waiting" not in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes that a file's reader waits for")
def test_the_azure_cli_is_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.az(INVOICES)
    said = desk.folder / "az-says.txt"
    response = said.read_text()
    said.unlink()
    os.mkfifo(said)  # az prints nothing before something is written to it
    seconds, draw = itertools.count(), Terminal.draw
    monkeypatch.setattr(job, "ProgressLine", partial(ProgressLine, now=lambda: float(next(seconds))))

    def watched(self: Terminal, text: str) -> None:
        draw(self, text)
        if "waiting for the Azure CLI ..." in text:
            threading.Thread(target=said.write_text, args=(response,), daemon=True).start()

    monkeypatch.setattr(Terminal, "draw", watched)
    done = desk.run("whoami --auth azure-cli", tty=True)
    assert done.code == 0, done.stderr
    assert f"waiting for the Azure CLI ...{CLEAR}" in done.stderr


@pytest.mark.parametrize(
    ("command", "tty"),
    [("whoami", False), ("whoami --quiet", True), ("whoami --verbose", True), ("whoami -o json", True)],
)
def test_no_line_where_none_is_wanted(
    in_sandbox: Pallink, traffic: Traffic, monkeypatch: pytest.MonkeyPatch, command: str, tty: bool
) -> None:
    clock = Clock()
    monkeypatch.setattr(job, "ProgressLine", partial(ProgressLine, now=lambda: clock.now))

    def respond(_request: Any, handle: Callable[[], requests.Response]) -> requests.Response:
        clock.now += 10
        return handle()

    traffic.fail("POST", "/token", respond)
    done = in_sandbox(command, tty=tty)
    assert done.code == 0, done.stderr
    assert "waiting" not in done.stderr
    assert CLEAR not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one thread")
def test_ctrl_c_takes_the_line_away(
    in_sandbox: Pallink, traffic: Traffic, slowly: Callable[..., requests.Response]
) -> None:
    main = threading.main_thread().ident
    assert main is not None
    released = threading.Event()

    def respond(request: Any, handle: Callable[[], requests.Response]) -> requests.Response:
        response = slowly(request, handle)
        signal.pthread_kill(main, signal.SIGINT)
        released.wait(timeout=60)
        return response

    traffic.fail("POST", "/token", respond)
    try:
        done = in_sandbox("whoami", tty=True)
    finally:
        released.set()
    assert done.code == 130
    assert f"waiting for Entra ID ...{CLEAR}" in done.stderr
    assert done.stderr.rpartition(CLEAR)[2].startswith("\x1b[1;31merror:\x1b[0m interrupted\n")
