"""Ctrl-C, and the signals that ask a program to end, while the command line runs."""

import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Self

# SIGTERM is what CI systems and containers end a job with, SIGHUP a terminal that is closed, SIGBREAK both on Windows.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class Interrupts(threading.local):
    """Lets each of those signals raise KeyboardInterrupt, until the command is over; each thread has its own.

    A handler that somebody else has set, and a signal that is ignored (nohup), are left alone.

    Attributes:
        over: the command is over but for what it says: that is not interrupted any more. To be set by an assignment
            that stands first in its block: Python handles signals in calls and loops, so that none comes before it.
        happened: whether there was such a signal.
    """

    def __init__(self) -> None:
        self.over = False
        self.happened = False
        self._before: dict[int, object] | None = None

    def begin(self) -> None:
        """Set the handlers; `end` brings back what was there before."""
        self.over = self.happened = False
        self._before = {}
        if threading.current_thread() is not threading.main_thread():
            return  # where Python handles no signals
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                self._before[number] = signal.signal(number, self._raise)

    def end(self) -> None:
        """Bring back the handlers that were there before."""
        for number, handler in (self._before or {}).items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # signal.signal returned it
        self._before = None

    def __enter__(self) -> Self:
        """As `begin`, unless that was done before."""
        self._is_outermost = self._before is None
        if self._is_outermost:
            self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_outermost:
            self.end()

    def _raise(self, *_: object) -> None:
        if not self.over:
            self.happened = True
            raise KeyboardInterrupt


INTERRUPTS = Interrupts()


def leave(code: int) -> None:
    """End the process now: what still waits for the network in a thread, or writes a log, is not waited for."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # no such stream, or nobody reads it
            stream.flush()
    os._exit(code)
