"""How much time is left for one job."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from pallink.context import activate
from pallink.errors import RequestTrace, UnreachableError
from pallink.waiting import waiting_for
from pallink.words import counted

# What every operating system's locks can wait: 30 days. More, as infinity, counts as this.
_MAX_SECONDS = 30 * 24 * 3600.0


class Deadline:
    """Counts down the seconds of `--timeout`, retries and waits included.

    Attributes:
        on_wait: Called with seconds and cause before each wait; `--debug` sets it.

    Args:
        seconds: How long the job may take.
        now: A monotonic clock in seconds.
        sleep: Waits for a number of seconds.
    """

    _active: ContextVar["Deadline | None"] = ContextVar("deadline", default=None)

    def __init__(
        self,
        seconds: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.seconds = seconds
        self._now = now
        self._sleep = sleep
        self._end = now() + min(seconds, _MAX_SECONDS)
        self._paused_with: float | None = None
        self.on_wait: Callable[[float, str], None] = lambda _seconds, _cause: None

    @classmethod
    def current(cls) -> "Deadline":
        """Return the deadline of the job that this thread works for."""
        deadline = cls._active.get()
        if deadline is None:
            raise AssertionError("requests are sent within a job only")
        return deadline

    def active(self) -> "AbstractContextManager[Deadline]":
        """Make this the deadline of what is called in the block, and of the threads that are started there."""
        return activate(self._active, self)

    @property
    def left(self) -> float:
        """Seconds that are left; 0 or less when the time is up."""
        return self._end - self._now() if self._paused_with is None else self._paused_with

    def restart(self) -> None:
        """Begin with all of the seconds again, as for the next account of a fleet."""
        self._end = self._now() + min(self.seconds, _MAX_SECONDS)

    def shorten(self, seconds: float) -> None:
        """Leave at most so many seconds."""
        self._end = min(self._end, self._now() + seconds)
        if self._paused_with is not None:
            self._paused_with = min(self._paused_with, seconds)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock during a prompt: how long a person takes does not count."""
        self._paused_with = self.left
        try:
            yield
        finally:
            self._end = self._now() + self._paused_with
            self._paused_with = None

    def share(self, limit: float, part: float = 1.0) -> float:
        """Return the time-out of one request, in seconds: at most `limit`, and at most that part of what is left.

        Raises:
            UnreachableError: The time is up.
        """
        left = self.left
        if left <= 0:
            raise self.exceeded("there was no response in time")
        return min(limit, left * part)

    def wait(self, seconds: float, *, cause: str, trace: RequestTrace | None = None) -> None:
        """Wait, or give up at once when the wait would outlast what is left.

        Args:
            seconds: How long to wait.
            cause: Why, for the error.
            trace: The response that asked for the wait.

        Raises:
            UnreachableError: There is not that much time left.
        """
        if seconds >= self.left:
            raise self.exceeded(f"{cause}, with {counted(max(self.left, 0), 'second', '.0f')} left", trace)
        if seconds > 0:
            self.on_wait(seconds, cause)
            with waiting_for("the next try"):
                self._sleep(seconds)

    def exceeded(self, cause: str, trace: RequestTrace | None = None) -> UnreachableError:
        """Return the error for a job that took too long."""
        return UnreachableError(
            f"not finished within {counted(self.seconds, 'second', 'g')}",
            cause=cause,
            remedy="try again, or raise --timeout",
            trace=trace,
        )
