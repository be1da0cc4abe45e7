"""Real processes and real signals, sent at a request that a fault of the sandbox holds."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from pallink.sandbox import Sandbox
from pallink.sandbox.faults import FaultKind, FaultRule
from pallink.sandbox.http.server import SandboxServer
from tests.bench import OTHER, PARTNER, Asked, Bench, Observation, Send, row
from tests.exhaustive import combinations
from tests.interruption.oracle import last_line, stated_link, violations
from tests.runner import read_outputs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="on Windows a process cannot handle SIGTERM")

ROOT = Path(__file__).parents[2]
PARTNERS = "*/providers/microsoft.managementpartner/partners*"
# Longer than a test would wait: a process that is not ended by its signal fails the test.
_FOR_EVER, _HANGS = 600.0, 60
_LOOK_INTERVAL = 0.02  # Seconds.


class Process:
    """A pallink in a process of its own, which tests wait for by what it does and not by a clock.

    `program` runs it in another way than `python -m pallink` does.
    """

    def __init__(self, home: Path, *words: str, program: tuple[str, ...] = (sys.executable, "-m", "pallink")) -> None:
        self.home = home
        self.before = row(home)
        self.popen = subprocess.Popen(
            [*program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ,
            # Out of the test runner's process group, and with no signal ignored.
            start_new_session=True,
            preexec_fn=_hears_signals,  # noqa: PLW1509 - nothing but signal handlers is touched
        )

    def wait_for_fault(self) -> None:
        """Wait until the sandbox holds the request that its fault is for."""
        sandbox = Sandbox(self.home)
        while sandbox.faults()[0].seen == 0:
            with suppress(subprocess.TimeoutExpired):  # Leaves the processor to it.
                self.popen.wait(_LOOK_INTERVAL)
                pytest.fail(f"it ended: {self.popen.communicate()}")

    def end(self, *how: signal.Signals) -> Observation:
        for number in how:
            self.popen.send_signal(number)
        _, stderr = self.popen.communicate(timeout=_HANGS)
        return Observation(self.popen.returncode, "", stderr, self.before, row(self.home))


def _hears_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def served(home: Path, patch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve the sandbox over HTTPS, and release the requests that it still holds in the end."""
    over = threading.Event()

    def wait(seconds: float) -> None:
        over.wait(seconds)

    with SandboxServer(Sandbox(home, wait=wait)) as server:
        patch.setenv("REQUESTS_CA_BUNDLE", str(server.authority))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.origin
        finally:
            over.set()
            server.stop()
            thread.join()


CASES: dict[str, tuple[str, tuple[str, ...], str, str]] = {
    "link": (f"link {PARTNER}", (), "PUT", "unknown"),
    "update": (f"update {PARTNER}", (OTHER,), "PATCH", "unknown"),
    "unlink": ("unlink --yes", (PARTNER,), "DELETE", "unknown"),
    "link, while it reads": (f"link {PARTNER}", (), "GET", "unchanged"),
    "show": ("show", (PARTNER,), "GET", "unchanged"),
}
HOW = {
    "SIGINT, embedded": (signal.SIGINT, "embedded"),
    "SIGTERM, embedded": (signal.SIGTERM, "embedded"),
    "SIGTERM, served": (signal.SIGTERM, "served"),
    "SIGHUP, embedded": (signal.SIGHUP, "embedded"),
}


# By default each signal and each place once, with a creation, a change, a removal and a read.
DEFAULT = {
    ("link", "SIGINT, embedded"),
    ("update", "SIGTERM, served"),
    ("unlink", "SIGHUP, embedded"),
    ("show", "SIGTERM, embedded"),
}


@pytest.mark.parametrize(("case", "how"), combinations(CASES, HOW, default=lambda case, how: (case, how) in DEFAULT))
def test_a_signal_while_a_request_is_held(bench: Bench, case: str, how: str) -> None:
    (command, history, method, link), (number, place) = CASES[case], HOW[how]
    bench.prepare(*history)
    Sandbox(bench.home).add_fault(
        FaultRule(kind=FaultKind.DELAY, method=method, path=PARTNERS, delay=_FOR_EVER, times=None)
    )
    words = [*command.split(), "--auth", "client-secret", "--debug", "--cloud"]
    if place == "embedded":
        process = Process(bench.home, *words, "sandbox")
        process.wait_for_fault()
        ending = process.end(number)
    else:
        with served(bench.home, bench.patch) as origin:
            bench.patch.setenv("AZURE_AUTHORITY_HOST", origin)
            process = Process(bench.home, *words, origin)
            process.wait_for_fault()
            ending = process.end(number)
    assert stated_link(ending) == link
    assert list(violations(ending, is_at_a_request=False)) == []
    if link == "unknown":
        Sandbox(bench.home).clear_faults()
        if place == "embedded":
            assert list(violations(ending, bench.pallink, is_at_a_request=False)) == []


def test_an_interruption_is_said_once_however_often_it_is_asked_for(bench: Bench) -> None:
    """As GitHub Actions does: SIGINT, and SIGTERM soon after; and as a user who keeps pressing Ctrl-C."""
    bench.prepare()
    Sandbox(bench.home).add_fault(FaultRule(kind=FaultKind.DELAY, method="PUT", delay=_FOR_EVER))
    process = Process(bench.home, "link", PARTNER, "--cloud", "sandbox", "-o", "json")
    process.wait_for_fault()
    ending = process.end(*[signal.SIGINT, signal.SIGTERM, signal.SIGINT] * 5)
    assert list(violations(ending, is_at_a_request=False)) == []
    assert json.loads(ending.stderr)["link"] == "unknown"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_step_of_the_action_that_is_cancelled(bench: Bench, tmp_path: Path, how: signal.Signals) -> None:
    """A runner signals the process of the step alone: pallink has to end with it, and the outputs are set."""
    bench.prepare()
    Sandbox(bench.home).add_fault(FaultRule(kind=FaultKind.DELAY, method="PUT", delay=_FOR_EVER))
    programs = tmp_path / "job" / "venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("pallink", "python"):
        # Not a link: Python finds its modules by the path that it is called by.
        script = f'#!/bin/sh\nexec "{Path(sys.executable).with_name(name)}" "$@"\n'
        (programs / name).write_text(script, encoding="utf-8")
        (programs / name).chmod(0o755)
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    (step,) = [step for step in action["runs"]["steps"] if step.get("id") == "run"]
    inputs = {"COMMAND": "link", "PARTNER_ID": PARTNER, "AUTH": "client-secret", "CLOUD": "sandbox"}
    for name, value in {
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "PALLINK_ACTION_HOME": str(tmp_path / "job"),
        **{f"INPUT_{name}": value for name, value in inputs.items()},
    }.items():
        bench.patch.setenv(name, value)
    process = Process(bench.home, program=("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]))
    process.wait_for_fault()
    # Waits for the end of stderr too, which pallink holds for as long as it runs.
    ending = process.end(how)
    assert (ending.code, stated_link(ending)) == (130, "unknown"), ending.stderr
    assert json.loads(ending.stderr.splitlines()[-1])["remedy"] == "run the action with command: show"
    assert read_outputs((tmp_path / "output").read_text("utf-8"))["exit-code"] == "130"


def test_sigterm_while_somebody_is_to_enter_a_device_code(bench: Bench) -> None:
    bench.prepare()
    Sandbox(bench.home).set("device-code-interval", "1")
    Sandbox(bench.home).add_fault(FaultRule(kind=FaultKind.DELAY, path="*/oauth2/v2.0/token", nth=10**6, delay=1))
    process = Process(bench.home, "login", "--allow-plain-text-cache", "--auth", "device-code", "--cloud", "sandbox")
    process.wait_for_fault()
    ending = process.end(signal.SIGTERM)
    assert "    pallink sandbox approve" in ending.stderr
    assert (ending.code, last_line(ending)) == (130, "    pallink whoami --all")
    assert list(violations(ending, is_at_a_request=False)) == []


# By default Ctrl-C, which is what a person at a browser presses.
@pytest.mark.parametrize(
    "how",
    combinations([signal.SIGINT, signal.SIGTERM], default=lambda how: how is signal.SIGINT),
    ids=lambda number: number.name,
)
def test_a_signal_while_a_browser_is_waited_for(bench: Bench, how: signal.Signals) -> None:
    bench.prepare()
    bench.patch.setenv("BROWSER", "true")  # the program of that name, which shows nothing
    with served(bench.home, bench.patch) as origin:
        process = Process(bench.home, "login", "--allow-plain-text-cache", "--auth", "browser", "--cloud", origin)
        assert process.popen.stderr is not None
        said = ""
        while "a browser opens" not in said:
            line = process.popen.stderr.readline()
            assert line, said
            said += line
        ending = process.end(how)
    assert (ending.code, last_line(ending)) == (130, "    pallink whoami --all")
    assert "Traceback" not in ending.stderr


_AT_IMPORT = """
import signal, sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == {module!r}:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.{how})

sys.meta_path.insert(0, Interrupting())
sys.argv = ["pallink", "show", "--cloud", "sandbox", "-o", {output!r}]
from pallink.__main__ import main
main()
"""


MODULES = ["typer", "pallink.cli.app", "pallink.sandbox", "azure.identity", "msal", "requests"]


# By default before pallink has begun, and late.
@pytest.mark.parametrize(
    ("module", "how", "output"),
    combinations(
        MODULES,
        ["SIGINT", "SIGTERM"],
        ["table", "json"],
        default=lambda module, how, output: (how, output) == ("SIGINT", "table") and module in {"typer", "requests"},
    ),
)
def test_a_signal_while_pallink_is_loaded(bench: Bench, module: str, how: str, output: str) -> None:
    """At the import of each of these modules, as in the first 300 ms."""
    bench.prepare()
    script = _AT_IMPORT.format(module=module, how=how, output=output)
    ending = Process(bench.home, program=(sys.executable, "-c", script)).end()
    assert list(violations(ending, is_at_a_request=False)) == []
    assert stated_link(ending) == "unchanged"


def test_an_ignored_signal_stays_ignored(bench: Bench) -> None:
    """As `nohup`, and a shell for what runs in its background, have it."""
    bench.prepare()
    script = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from pallink.cli.supervisor import Execution

def command():
    signal.raise_signal(signal.SIGINT)
    return 0

print("exit code", Execution(lambda: 130).run(command))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "exit code 0\n"


def test_the_handlers_of_a_program_that_calls_the_command_line_are_brought_back(bench: Bench) -> None:
    bench.prepare()
    seen: list[Any] = []

    def own(*_: object) -> None:
        seen.append(True)

    def terminated(_: Asked, send: Send) -> requests.Response:
        signal.raise_signal(signal.SIGTERM)
        return send()

    before = signal.signal(signal.SIGTERM, own)
    try:
        assert bench.run("whoami", terminated).code == 0
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
