"""One entry of a fleet while it is under way: its time, and whether it may still begin to write."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from pallink.concurrency import CancelScope, OperationCancelledError
from pallink.deadline import Deadline
from pallink.fleet.entry import Entry
from pallink.links.record import WriteRecord


class Task:
    """One entry while it is under way. A thread works on it; the thread of the run watches and may end it.

    Attributes:
        entry: The entry.
        deadline: The time that it has.
        written: What is known of its write.
        waiting: How many of its threads wait between two requests.
        waiting_lock: Is held to change that.

    Args:
        entry: The entry.
        seconds: How long it may take.
        sleep: Waits for a number of seconds.
    """

    def __init__(self, entry: Entry, seconds: float, sleep: Callable[["Task", float], None]) -> None:
        self.entry = entry
        self.deadline = Deadline(seconds, sleep=lambda duration: sleep(self, duration))
        self.written = WriteRecord()
        self.waiting = 0
        self.waiting_lock = threading.Lock()
        self._scope = CancelScope()
        self._lock = threading.Lock()
        self._is_writing = False
        self._is_ended = False

    def active(self) -> AbstractContextManager[CancelScope]:
        """Let what is called in the block belong to this task."""
        return self._scope.active()

    def begin_write(self) -> None:
        """Begin to write, from which on the task is not cancelled but given time to settle.

        Raises:
            OperationCancelledError: It was cancelled: nothing may be sent.
        """
        with self._lock:
            if self._scope.is_cancelled:
                raise OperationCancelledError
            self._is_writing = True

    @property
    def is_cancelled(self) -> bool:
        """Whether it was ended before it had begun to write: what its thread then fails with tells nothing."""
        return self._scope.is_cancelled and not self._is_writing

    @property
    def is_writing(self) -> bool:
        """Whether it has begun to write."""
        return self._is_writing

    def cancel(self, *, grace: float) -> None:
        """End it: at once if it has not begun to write, else within some seconds."""
        with self._lock:
            if self._is_writing:
                self.deadline.shorten(grace)
            else:
                self._scope.cancel()

    def abandon(self) -> None:
        """Send nothing more for it."""
        self._scope.cancel()

    def claim_end(self) -> bool:
        """Return whether the caller is the one thread that reports how the task ended: the first one to ask."""
        with self._lock:
            is_first, self._is_ended = not self._is_ended, True
            return is_first
