"""Ctrl-C, the signals that ask a process to end, and `--timeout`: handled at one point.

The command runs in a worker thread; the main thread waits for it, for a signal, or for the deadline. So neither a name
look-up nor a call of the operating system that hangs can hold up an interruption, and nothing is ever raised in the
middle of a command.
"""

import contextvars
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pallink.concurrency import CancelScope
    from pallink.deadline import Deadline

# SIGTERM is what CI systems and containers end a job with, SIGHUP a terminal that is closed, SIGBREAK both on Windows.
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

# Seconds. On Windows no signal ends a wait, and on every system the deadline is made by the worker, later.
_SLICE = 0.1
# The worker's own error for a deadline says more: it comes first, where nothing holds it up.
_GRACE = 0.5
# A second signal after this leaves at once, even where the report of the first is held up.
_REPEATED = 0.5

INTERRUPTED = 130


class Execution:
    """One command line while it runs, as its two threads share it.

    Attributes:
        interrupted: Reports an interruption and returns the exit code. Set by the worker once it knows its options.
        timed_out: The same for a deadline that passed while the worker hung.
        stop: Ends a command that ends on request, as a server does; None, and for a second signal: it is left where it
            is.
        is_abandoned: Whether the worker was left where it was.
        arguments: The command line, without `pallink`.
        variable_options: The cloud and sign-in options that variables set, with their values.
    """

    _current: ClassVar[contextvars.ContextVar["Execution | None"]] = contextvars.ContextVar("execution", default=None)

    def __init__(self, interrupted: Callable[[], int], arguments: Sequence[str] = ()) -> None:
        self.interrupted = interrupted
        self.arguments = tuple(arguments)
        self.variable_options: Sequence[tuple[str, str]] = ()
        self.timed_out: Callable[[Deadline], int] | None = None
        self.stop: Callable[[], None] | None = None
        self.is_abandoned = False
        self._events: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._deadline: Deadline | None = None
        self._lock = threading.Lock()
        self._is_over = False
        self._worker: threading.Thread | None = None
        self._signals = 0
        self._signalled_at = 0.0
        self._is_stopping = False
        self._outcome: int | BaseException = INTERRUPTED

    @classmethod
    def current(cls) -> "Execution":
        """Return the execution that this thread works for."""
        execution = cls._current.get()
        if execution is None:
            raise AssertionError("commands run within an execution only")
        return execution

    def claim_end(self) -> bool:
        """Whether the caller is the one thread that reports how the command ended: the first one to ask."""
        with self._lock:
            is_first, self._is_over = not self._is_over, True
            return is_first

    def run(self, command: Callable[[], int]) -> int:
        """Run a command in a worker thread, and return its exit code or that of what ended it."""
        from pallink.concurrency import CancelScope, start_thread  # noqa: PLC0415 - after the handlers are set
        from pallink.context import activate  # noqa: PLC0415

        scope = CancelScope()
        with self._handlers(), activate(self._current, self):
            self._worker = start_thread(lambda: self._work(command, scope))
            return self._wait(scope)

    def has_threads(self) -> bool:
        """Return whether threads of the command are left; the worker itself, which is on its way out, is waited for."""
        from pallink.concurrency import THREAD_NAME  # noqa: PLC0415 - loaded by now

        if self._worker is not None:
            self._worker.join(_GRACE)
        return any(thread.name == THREAD_NAME for thread in threading.enumerate())

    @contextmanager
    def watching(self, deadline: "Deadline") -> Iterator[None]:
        """End the block when its deadline passes and the worker hangs. What follows it, as output, may take longer."""
        self._deadline = deadline
        try:
            yield
        finally:
            self._deadline = None

    def _work(self, command: Callable[[], int], scope: "CancelScope") -> None:
        try:
            with scope.active():
                self._outcome = command()
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self._outcome = error
        self._events.put(None)

    def _wait(self, scope: "CancelScope") -> int:
        while True:
            try:
                number = self._events.get(timeout=_SLICE)
            except queue.Empty:
                deadline, report = self._deadline, self.timed_out
                if deadline is None or report is None or deadline.left > -_GRACE or not self._abandon(scope):
                    continue
                return report(deadline)
            if number is None:
                if isinstance(self._outcome, BaseException):
                    raise self._outcome
                return self._outcome
            if self.stop is not None and not self._is_stopping:
                self._is_stopping = True
                self.stop()
            elif self._abandon(scope):
                return self.interrupted()

    def _abandon(self, scope: "CancelScope") -> bool:
        """Leave the worker where it is, unless it reports already how the command ended."""
        if not self.claim_end():
            return False
        self.is_abandoned = True
        # Before the report: what is not on its way by now is never sent.
        scope.cancel()
        return True

    @contextmanager
    def _handlers(self) -> Iterator[None]:
        """Handle the signals, except those that are ignored (nohup) or that another library handles."""
        before = {}
        if threading.current_thread() is threading.main_thread():
            for name in _SIGNALS:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                    before[number] = signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, _frame: object) -> None:
        # One that follows at once is the same request: CI systems and shells send several.
        if self._signals and time.monotonic() - self._signalled_at <= _REPEATED:
            return
        # The next one leaves at once; where the first asked the command to stop, the second is still reported.
        if self._signals > self._is_stopping:
            leave(INTERRUPTED)
            return
        self._signals += 1
        self._signalled_at = time.monotonic()
        # A put is the one thing that may safely interrupt a get.
        self._events.put(number)


def leave(code: int) -> None:
    """End the process now: what still hangs in a thread, or writes a log, is not waited for."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # no such stream, or nothing reads it
            stream.flush()
    os._exit(code)
