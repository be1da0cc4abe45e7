"""A signal at every line from shortly before the write to the end, and at some of those before; once and twice."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import requests

import pallink
from tests.bench import OTHER, PARTNER, Asked, Bench, Send
from tests.interruption.oracle import stated_link, violations

SOURCE = Path(pallink.__file__).parent
WATCHED = {
    str(path)
    for pattern in ("session.py", "links/*.py", "cli/job.py", "cli/run.py", "cli/commands/*.py")
    for path in SOURCE.glob(pattern)
} | {str(SOURCE / "output" / name) for name in ("formats.py", "terminal.py")}

# Python handles no signal between the begin of a handler and this assignment; a trace function can stand there.
_NO_SIGNAL_HERE = ("INTERRUPTS.over = True", "except (KeyboardInterrupt, typer.Abort)")

COMMANDS = {
    f"link {PARTNER}": (),
    f"update {PARTNER}": (OTHER,),
    "unlink --yes": (PARTNER,),
    f"link {PARTNER} -o json": (OTHER,),
}


@dataclass
class Tracer:
    """Sends a signal when the chosen lines are about to run, counted in the main thread and in what is watched.

    Attributes:
        at: which lines, by their number; none of them: they are only counted.
        lines: how many there were.
    """

    number: signal.Signals
    at: set[int] = field(default_factory=set)
    lines: int = 0
    lines_before_the_write: int = 0
    sent: int = 0

    @contextmanager
    def tracing(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._line if frame.f_code.co_filename in WATCHED else None

    def _line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line" and not _source(frame).startswith(_NO_SIGNAL_HERE):
            self.lines += 1
            if self.lines in self.at:
                self.sent += 1
                # Where it raises, Python traces no further: whoever wants a second one begins anew.
                try:
                    signal.raise_signal(self.number)
                except KeyboardInterrupt:
                    sys.settrace(self._enter)
                    raise
        return self._line


def _source(frame: FrameType) -> str:
    return _lines(frame.f_code.co_filename)[frame.f_lineno - 1].strip()


_CACHE: dict[str, list[str]] = {}


def _lines(path: str) -> list[str]:
    return _CACHE.setdefault(path, Path(path).read_text("utf-8").splitlines())


def lost(asked: Asked, send: Send) -> requests.Response:
    """Each write takes effect and loses its answer."""
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
        pytest.param("unlink --yes", plain),
        *(
            pytest.param(command, happen, marks=pytest.mark.exhaustive)
            for command, happen in (
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
    def run(*at: int, number: signal.Signals = signal.SIGINT) -> tuple[Tracer, Any]:
        bench.prepare(*COMMANDS[command])
        tracer = Tracer(number, set(at))

        def noted(asked: Asked, send: Send) -> requests.Response:
            if asked[0] in {"PUT", "PATCH", "DELETE"}:
                tracer.lines_before_the_write = tracer.lines
            return happen(asked, send)  # type: ignore[no-any-return]

        with tracer.tracing():
            ending = bench.run(command, noted)
        return tracer, ending

    run()  # The first one imports modules, which are lines too.
    counted, undisturbed = run()
    every = max(1, (counted.lines_before_the_write or counted.lines) - 20)
    order = []
    for at in (*range(1, every, 8), *range(every, counted.lines + 1)):
        tracer, ending = run(at, number=signal.SIGTERM if at % 2 else signal.SIGINT)
        assert tracer.sent == 1
        if ending.code == undisturbed.code:
            assert ending.stderr == undisturbed.stderr, "the command was over"
            order.append("over")
            continue
        assert list(violations(ending, is_at_a_request=False)) == [], at
        order.append(stated_link(ending))
    # What is known never goes back: first nothing was sent, then nobody knows, then it is known.
    stages = ["unchanged", "unknown", "changed", "over"]
    assert order == sorted(order, key=stages.index), order
    if undisturbed.code == 0:
        assert set(order) >= {"unchanged", "unknown", "changed"}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_second_signal_at_every_line_after_the_first(bench: Bench) -> None:
    def run(*at: int) -> tuple[Tracer, Any]:
        bench.prepare()
        tracer = Tracer(signal.SIGINT)

        def interrupted_while_it_is_sent(asked: Asked, send: Send) -> requests.Response:
            if asked[0] == "PUT":
                tracer.lines, tracer.at = 0, set(at)
                raise KeyboardInterrupt
            return send()

        with tracer.tracing():
            ending = bench.run(f"link {PARTNER}", interrupted_while_it_is_sent)
        return tracer, ending

    counted, _ = run()
    for at in range(1, counted.lines + 1):
        tracer, ending = run(at)
        assert list(violations(ending, is_at_a_request=False)) == [], at
        assert stated_link(ending) == "unknown", (at, ending)
        assert tracer.sent == 1
