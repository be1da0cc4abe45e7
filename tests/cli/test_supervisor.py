"""The thread that waits for a command: signals, a deadline that passes, and what hangs."""

import io
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from pallink.cli import supervisor
from pallink.cli.supervisor import Execution
from pallink.concurrency import CancelScope, OperationCancelledError
from pallink.deadline import Deadline
from pallink.output import terminal as terminal_module
from pallink.output.terminal import Terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="raise_signal of SIGTERM ends a process on Windows")


@pytest.fixture
def hanging() -> Iterator[Callable[[], int]]:
    """A command that sends a signal and then hangs, as in a look-up of a name."""
    released = threading.Event()

    def command() -> int:
        signal.raise_signal(signal.SIGINT)
        released.wait()
        return 0

    yield command
    released.set()


def test_a_command_ends_with_its_own_code() -> None:
    assert Execution(lambda: 130).run(lambda: 5) == 5


def test_what_a_command_raises_is_raised() -> None:
    def command() -> int:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        Execution(lambda: 130).run(command)


def test_a_signal_ends_a_command_that_hangs(hanging: Callable[[], int]) -> None:
    execution = Execution(lambda: 130)
    assert execution.run(hanging) == 130
    assert execution.is_abandoned


def test_a_deadline_ends_a_command_that_hangs() -> None:
    released = threading.Event()
    execution = Execution(lambda: 130)

    def command() -> int:
        execution.timed_out = lambda deadline: 7 if deadline.seconds == 5 else 1
        with execution.watching(Deadline(5, now=iter([0.0, *[6.0] * 1000]).__next__)):
            released.wait()
        return 0

    assert execution.run(command) == 7
    assert execution.is_abandoned
    released.set()


def test_a_deadline_does_not_end_what_follows_the_job() -> None:
    """A pager may take longer to read the result than the job to find it."""
    execution = Execution(lambda: 130)
    deadline = Deadline(5, now=iter([0.0, *[6.0] * 1000]).__next__)

    def command() -> int:
        execution.timed_out = lambda _deadline: 7
        with execution.watching(deadline):
            pass
        polled.wait()
        return 0

    polled = threading.Event()
    get = execution._events.get

    class Events:
        """Has the waiting thread look at the deadline before the command goes on."""

        put = execution._events.put

        def get(self, timeout: float) -> int | None:
            try:
                return get(timeout=timeout)
            except queue.Empty:
                polled.set()
                raise

    execution._events = Events()  # type: ignore[assignment]
    assert execution.run(command) == 0
    assert not execution.is_abandoned


def test_a_signal_while_the_command_reports_its_end_does_not_count() -> None:
    def command() -> int:
        assert Execution.current().claim_end()
        signal.raise_signal(signal.SIGINT)
        return 3

    execution = Execution(lambda: 130)
    assert execution.run(command) == 3
    assert not execution.is_abandoned


def test_a_server_is_asked_to_stop_and_waited_for() -> None:
    stopped = threading.Event()

    def command() -> int:
        Execution.current().stop = stopped.set
        signal.raise_signal(signal.SIGTERM)
        stopped.wait()
        return 0

    execution = Execution(lambda: 130)
    assert execution.run(command) == 0
    assert not execution.is_abandoned


@pytest.mark.parametrize(("seconds", "left"), [(0.1, []), (1.0, [130])], ids=["the same one", "another one"])
def test_a_second_signal_leaves_at_once(
    monkeypatch: pytest.MonkeyPatch, hanging: Callable[[], int], seconds: float, left: list[int]
) -> None:
    now, leaves = [0.0], list[int]()
    monkeypatch.setattr("pallink.cli.supervisor.time.monotonic", lambda: now[0])
    monkeypatch.setattr(supervisor, "leave", leaves.append)

    def report() -> int:
        now[0] = seconds
        signal.raise_signal(signal.SIGINT)
        return 130

    assert Execution(report).run(hanging) == 130
    assert leaves == left


def test_a_second_signal_is_reported_where_the_first_asked_the_command_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_REPEATED", 0.0)
    stopped, released = threading.Event(), threading.Event()

    def command() -> int:
        Execution.current().stop = stopped.set
        signal.raise_signal(signal.SIGINT)
        stopped.wait()
        signal.raise_signal(signal.SIGINT)
        released.wait()
        return 0

    execution = Execution(lambda: 130)
    assert execution.run(command) == 130
    assert execution.is_abandoned
    released.set()


def test_nothing_is_sent_for_a_command_that_was_abandoned() -> None:
    released, ended = threading.Event(), threading.Event()
    outcome: list[BaseException] = []

    def command() -> int:
        signal.raise_signal(signal.SIGINT)
        released.wait()
        try:
            CancelScope.check()
        except OperationCancelledError as error:
            outcome.append(error)
        ended.set()
        return 0

    assert Execution(lambda: 130).run(command) == 130
    released.set()
    ended.wait()
    assert len(outcome) == 1


def test_a_command_that_was_abandoned_says_nothing_more(capsys: pytest.CaptureFixture[str]) -> None:
    reported, ended = threading.Event(), threading.Event()

    def command() -> int:
        terminal = Terminal()
        signal.raise_signal(signal.SIGINT)
        reported.wait()
        terminal.tell("a notice")
        Terminal().say("warning", "a later one")
        ended.set()
        return 0

    def report() -> int:
        Terminal().say("error", "interrupted")
        reported.set()
        ended.wait()
        return 130

    assert Execution(report).run(command) == 130
    assert capsys.readouterr() == ("", "error: interrupted\n")


def test_a_line_that_is_being_written_comes_before_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    writing, go_on = threading.Event(), threading.Event()

    class SlowStream(io.StringIO):
        def write(self, text: str) -> int:
            if text == "a request\n":
                writing.set()
                go_on.wait()
            return super().write(text)

    class Lock:
        """Lets the line under way be written once the last one waits for it."""

        def __init__(self) -> None:
            self._lock = threading.Lock()

        def __enter__(self) -> None:
            if writing.is_set():
                go_on.set()
            self._lock.acquire()

        def __exit__(self, *_: object) -> None:
            self._lock.release()

    monkeypatch.setattr(terminal_module, "_STDERR", Lock())
    stderr = SlowStream()

    def command() -> int:
        Terminal(stderr=stderr).tell("a request")
        return 0

    def interrupt() -> None:
        writing.wait()
        signal.raise_signal(signal.SIGINT)

    def report() -> int:
        Terminal(stderr=stderr).say("error", "interrupted")
        return 130

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    assert Execution(report).run(command) == 130
    interrupter.join()
    assert stderr.getvalue() == "a request\nerror: interrupted\n"
