"""How much time is left for the whole command."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pallink.errors import RequestTrace, UnreachableError


class Deadline:
    """Counts down the seconds of `--timeout`, retries and waits included.

    Args:
        seconds: how long the whole command may take.
        now: a monotonic clock in seconds.
        sleep: waits for a number of seconds.
    """

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
        self._end = now() + seconds
        self._stopped_at: float | None = None
        # Told of each wait and its cause; replaced by whoever writes them down.
        self.on_wait: Callable[[float, str], None] = lambda _seconds, _cause: None

    @property
    def left(self) -> float:
        """Seconds that are left; 0 or less when the time is up."""
        return self._end - self._now() if self._stopped_at is None else self._stopped_at

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the clock while somebody signs in: how long a person takes is not the command's time."""
        self._stopped_at = self.left
        try:
            yield
        finally:
            self._end = self._now() + self._stopped_at
            self._stopped_at = None

    def share(self, most: float, part: float = 1.0) -> float:
        """The time-out of one request: at most `most` seconds, and at most that part of what is left.

        Raises:
            UnreachableError: the time is up.
        """
        left = self.left
        if left <= 0:
            raise self.exceeded("no request was answered in time")
        return min(most, left * part)

    def wait(self, seconds: float, *, cause: str, trace: RequestTrace | None = None) -> None:
        """Wait, or give up at once when the wait would outlast what is left.

        Args:
            seconds: how long to wait.
            cause: why, for the error.
            trace: the answer that asked for the wait.

        Raises:
            UnreachableError: there is not that much time left.
        """
        if seconds >= self.left:
            raise self.exceeded(f"{cause}, and {max(self.left, 0):.0f} seconds are left", trace)
        if seconds > 0:
            self.on_wait(seconds, cause)
            self._sleep(seconds)

    def exceeded(self, cause: str, trace: RequestTrace | None = None) -> UnreachableError:
        """The error for a command that took too long."""
        return UnreachableError(
            f"not finished within {self.seconds:g} seconds",
            cause=cause,
            remedy="try again later, or give it more time with --timeout SECONDS",
            trace=trace,
        )
