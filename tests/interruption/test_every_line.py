"""A signal at every line of the worker from shortly before the write to the end, and at some of those before."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import requests

import pallink
from pallink.cli.supervisor import Execution
from pallink.concurrency import CancelScope
from pallink.output import Terminal
from tests.bench import OTHER, PARTNER, Asked, Bench, Send
from tests.interruption.oracle import stated_link, violations

SOURCE = Path(pallink.__file__).parent
WATCHED = {
    str(path)
    for pattern in ("session.py", "links/*.py", "cli/job.py", "cli/run.py", "cli/commands/*.py")
    for path in SOURCE.glob(pattern)
} | {str(SOURCE / "output" / name) for name in ("formats.py", "terminal.py")}

COMMANDS = {
    f"link {PARTNER}": (),
    f"update {PARTNER}": (OTHER,),
    "unlink --yes": (PARTNER,),
    f"link {PARTNER} -o json": (OTHER,),
}


@dataclass
class Tracer:
    """Sends a signal when the chosen line is about to run, and holds the worker there until the command has ended.

    Attributes:
        at: Which line, by its number among those of the worker that are watched; None: they are only counted.
        lines: How many there were.
        sent: How many signals were sent.
    """

    number: signal.Signals
    at: int | None = None
    lines: int = 0
    lines_before_the_write: int = 0
    sent: int = 0
    _worker: threading.Thread | None = None
    _is_abandoned: bool = False
    _handled: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def tracing(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        abandon = Execution._abandon

        def noted(execution: Execution, scope: CancelScope) -> bool:
            self._is_abandoned = abandon(execution, scope)
            self._handled.set()
            return self._is_abandoned

        run = Execution.run

        def ended(execution: Execution, command: Any) -> int:
            try:
                return run(execution, command)
            finally:
                # The worker goes on where it was left, as in a program that calls the command line.
                self._ended.set()

        with patch.context() as inner:
            inner.setattr(Execution, "_abandon", noted)
            inner.setattr(Execution, "run", ended)
            threading.settrace(self._enter)
            try:
                yield
            finally:
                threading.settrace(None)

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        if self._worker is None:
            self._worker = threading.current_thread()
        is_watched = frame.f_code.co_filename in WATCHED and threading.current_thread() is self._worker
        return self._line if is_watched else None

    def _line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                self.sent += 1
                signal.raise_signal(self.number)
                self._handled.wait()
            # What it is writing to stderr it may end: the report of the interruption waits for that.
            if self._is_abandoned and not _is_writing_stderr(frame):
                self._ended.wait()
        return self._line


def _is_writing_stderr(frame: FrameType | None) -> bool:
    """Return whether a line runs within `Terminal.write_stderr`."""
    while frame is not None and frame.f_code is not Terminal.write_stderr.__code__:
        frame = frame.f_back
    return frame is not None


def lost(asked: Asked, send: Send) -> requests.Response:
    """Let each write take effect, and lose its response."""
    answer = send()
    if asked[0] in {"PUT", "PATCH", "DELETE"}:
        raise requests.ConnectionError("lost")
    return answer


def plain(_asked: Asked, send: Send) -> requests.Response:
    return send()


@pytest.mark.skipif(sys.platform == "win32", reason="raise_signal of SIGTERM ends a process there")
# By default the write with the fewest lines around it.
@pytest.mark.parametrize(
    ("command", "happen"),
    [
        *(
            # By default a signal at every request stands for them: one of these takes as long as a thousand others.
            pytest.param(command, happen, marks=pytest.mark.exhaustive)
            for command, happen in (
                ("unlink --yes", plain),
                (f"link {PARTNER}", plain),
                (f"update {PARTNER}", plain),
                (f"link {PARTNER} -o json", plain),
                (f"link {PARTNER}", lost),
                ("unlink --yes", lost),
            )
        ),
    ],
)
def test_a_signal_at_every_line(bench: Bench, command: str, happen: Any) -> None:
    def run(at: int | None = None, number: signal.Signals = signal.SIGINT) -> tuple[Tracer, Any]:
        bench.prepare(*COMMANDS[command])
        tracer = Tracer(number, at)

        def noted(asked: Asked, send: Send) -> requests.Response:
            if asked[0] in {"PUT", "PATCH", "DELETE"}:
                tracer.lines_before_the_write = tracer.lines
            return happen(asked, send)  # type: ignore[no-any-return]

        with tracer.tracing(bench.patch):
            return tracer, bench.run(command, noted)

    run()  # The first one imports modules, which are lines too.
    counted, undisturbed = run()
    every = max(1, (counted.lines_before_the_write or counted.lines) - 20)
    order = []
    for at in (*range(1, every, 8), *range(every, counted.lines + 1)):
        tracer, ending = run(at, signal.SIGTERM if at % 2 else signal.SIGINT)
        assert tracer.sent == 1
        if ending.code == undisturbed.code:
            assert ending.stderr == undisturbed.stderr, "the command was over"
            order.append("over")
            continue
        assert list(violations(ending, is_at_a_request=False)) == [], at
        order.append(stated_link(ending))
    # What is known never goes back: first nothing was sent, then the outcome is unknown, then it is known.
    stages = ["unchanged", "unknown", "changed", "over"]
    assert order == sorted(order, key=stages.index), order
    if undisturbed.code == 0:
        assert set(order) >= {"unchanged", "unknown", "changed"}
