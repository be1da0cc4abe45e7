"""`kill -9` at each call of `login`, a renewal, `logout` and `link` that changes a file: the next command works.

A call is what Python's audit hooks see of a file below the test's folder, and each statement that writes to an SQLite
file. What SQLite does within a statement is its own to keep whole.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pallink.signin import store as store_module
from pallink.signin.store import store_for
from tests.cli.people import CONTOSO, INVOICES, Desk
from tests.exhaustive import combinations, joined

KILLED = """
import os, signal, sqlite3, sys
folder, last = os.path.realpath(sys.argv[1]), int(sys.argv[2])
calls = 0
EVENTS = {"open", "sqlite3.connect", *(f"os.{name}" for name in "mkdir rename remove rmdir utime chmod".split())}

def count():
    global calls
    calls += 1
    if calls == last:
        os.kill(os.getpid(), signal.SIGKILL)

def watch(event, arguments):
    if event not in EVENTS:
        return
    place = arguments[0]
    # A number is a file that was opened by os.open just before.
    if isinstance(place, int) or os.path.realpath(os.fsdecode(place)).startswith(folder):
        count()

class Connection(sqlite3.Connection):
    def execute(self, statement, *parameters):
        if not statement.startswith(("SELECT", "PRAGMA user_version")):
            count()
        return super().execute(statement, *parameters)

connect = sqlite3.connect
sqlite3.connect = lambda *positional, **named: connect(*positional, factory=Connection, **named)
from pallink.__main__ import main
import pallink.api, pallink.azure.client, pallink.azure.auth.login
sys.addaudithook(watch)
sys.argv = ["pallink", *sys.argv[3:], "--cloud", "sandbox"]

def leave(code, leave=os._exit):
    # A process with threads that are still on their way out does not end by sys.exit.
    print(f"calls: {calls}", file=sys.stderr, flush=True)
    leave(code)

os._exit = leave
try:
    main()
finally:
    print(f"calls: {calls}", file=sys.stderr)
"""
KEPT = "--allow-plain-text-cache"
LOGIN = f"login --account {INVOICES} {KEPT}"

pytestmark = [
    pytest.mark.usefixtures("no_keyring"),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no kill -9"),
]


@dataclass(frozen=True)
class Scenario:
    """A command that is killed.

    Attributes:
        command: The command.
        calls: How many calls it has at most: some more than on Linux with Python 3.11.
        before: What is run before it.
        after: Looks at what is left.
    """

    command: str
    calls: int
    before: tuple[str, ...]
    after: Callable[[Desk], None]


def entries(desk: Desk) -> list[tuple[str, str]]:
    return [(entry["account"], entry["tenantId"]) for entry in json.loads(desk.run("whoami --all -o json").stdout)]


def is_signed_in(desk: Desk) -> None:
    assert entries(desk) == [(INVOICES, CONTOSO)]
    shown = desk.run("whoami -o json --no-input")
    assert (shown.code, shown.json["account"], shown.json["stored"]) == (0, INVOICES, True), shown.stderr


def may_be_signed_in(desk: Desk) -> None:
    if entries(desk):
        is_signed_in(desk)
    assert desk.run(LOGIN).code == 0
    is_signed_in(desk)


def may_be_signed_out(desk: Desk) -> None:
    shown = desk.run("whoami --no-input")
    assert shown.code in (0, 4)
    if shown.code == 4:
        assert "not signed in" in shown.stderr or "has expired" in shown.stderr


def may_be_linked(desk: Desk) -> None:
    shown = desk.run("show -o json")
    assert shown.code in (0, 3), shown.stderr
    linked = desk.run("link 719878 --yes -o json")
    assert (linked.code, linked.json["partnerId"], linked.json["version"]) == (0, "719878", 1), linked.stderr
    assert linked.json["action"] == ("unchanged" if shown.code == 0 else "created")
    is_signed_in(desk)


SCENARIOS = {
    "login": Scenario(LOGIN, 30, (), may_be_signed_in),
    "second login": Scenario(LOGIN, 30, (LOGIN,), is_signed_in),
    "renewal": Scenario("whoami", 36, (LOGIN,), is_signed_in),
    "logout": Scenario("logout", 15, (LOGIN,), may_be_signed_out),
    "link": Scenario("link 719878 --yes", 110, (LOGIN,), may_be_linked),
}
# What first stores a sign-in, what removes it, and a renewal for a write; among the writes to them, or in the middle.
REPRESENTATIVES = {("login", 21), ("logout", 7), ("link", 47)}
EVERY = [(name, last) for name, scenario in SCENARIOS.items() for last in range(1, scenario.calls + 1)]


def kill(desk: Desk, command: str, last: int) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process that is killed before its last call."""
    environ = {name: value for name, value in os.environ.items() if name != "DBUS_SESSION_BUS_ADDRESS"}
    words = [sys.executable, "-c", KILLED, str(desk.folder), str(last), *command.split()]
    return subprocess.run(words, env=environ, capture_output=True, text=True, check=False)


def prepare(desk: Desk, scenario: Scenario) -> None:
    desk.sandbox.set("token-lifetime", "60")  # Each command renews its token.
    for command in scenario.before:
        assert desk.run(command).code == 0


@pytest.mark.parametrize("point", combinations(EVERY, default=lambda point: point in REPRESENTATIVES), ids=joined)
def test_the_next_command_works(desk: Desk, monkeypatch: pytest.MonkeyPatch, point: tuple[str, int]) -> None:
    name, last = point
    scenario = SCENARIOS[name]
    prepare(desk, scenario)
    killed = kill(desk, scenario.command, last)
    # The last few numbers may be beyond its end.
    expected = {-signal.SIGKILL} if last <= scenario.calls // 2 else {-signal.SIGKILL, 0}
    assert killed.returncode in expected, killed.stderr
    monkeypatch.setattr(store_module, "_LOCK_TIMEOUT", 0)  # Nothing is waited for.
    scenario.after(desk)
    assert desk.run("logout").code == 0
    assert entries(desk) == []
    assert [path for path in store_for("sandbox").folder.iterdir() if path.stat().st_size] == []


# The numbers matter to the exhaustive tests above.
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_call_is_tried(desk: Desk, name: str) -> None:
    scenario = SCENARIOS[name]
    prepare(desk, scenario)
    done = kill(desk, scenario.command, 0)
    assert done.returncode == 0, done.stderr
    calls = int(done.stderr.splitlines()[-1].removeprefix("calls: "))
    assert scenario.calls // 2 < calls <= scenario.calls
