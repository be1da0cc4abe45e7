"""Executes the entries of a fleet, many at a time and each with its own time, until all are done or it is stopped.

Threads, because azure-identity's interactive credentials have no asynchronous twin, over connections that all share.
A thread that waits between two requests, as `Retry-After` asks, leaves its place to another entry.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pallink.concurrency import OperationCancelledError, start_thread
from pallink.errors import NotRunError, PallinkError, UnreachableError
from pallink.fleet.breaker import Breaker
from pallink.fleet.entry import Entry
from pallink.fleet.result import EntryResult, Outcome, outcome_of_error, stated_fields
from pallink.fleet.task import Task
from pallink.unexpected import as_pallink_error
from pallink.words import counted

DEFAULT_CONCURRENCY = 16
MAX_CONCURRENCY = 64

SETTLE_SECONDS = 10.0
"""How long writes under way are given to settle once the run is stopped."""

INTERRUPTED = "the run was interrupted before this account was done"
"""The cause of an error for an account that a run did not come to."""

# Entries that wait between requests hold a thread, but no place.
_THREADS_PER_PLACE = 8
# Seconds. A shorter wait keeps its place.
_MIN_WAIT = 1.0
# Seconds between two looks at the tasks that may hang.
_TICK = 1.0
# Seconds. The task's own error for its deadline says more: it comes first, where nothing holds it up.
_GRACE = 2.0


class Executor:
    """Works on the entries of a fleet.

    Args:
        entries: The entries, in the order in which they are begun.
        work: Does the job for one entry, and returns its result; called in several threads.
        cloud: The cloud's name, for results of entries that were not begun.
        concurrency: How many entries are worked on at a time.
        timeout: Seconds for each entry.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        work: Callable[[Task], EntryResult],
        *,
        cloud: str,
        concurrency: int = DEFAULT_CONCURRENCY,
        timeout: float,
    ) -> None:
        self._pending = deque(entries)
        self._work = work
        self._cloud = cloud
        self._timeout = timeout
        self._places = threading.Semaphore(concurrency)
        self._max_threads = concurrency * _THREADS_PER_PLACE
        self._breaker = Breaker()
        self._tasks: set[Task] = set()
        self._events: queue.SimpleQueue[tuple[Task, EntryResult] | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._stop_lock = threading.Lock()

    def is_stopped(self) -> bool:
        """Return whether `stop` was called."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Begin no further entry, cancel those that have not begun to write, and let the others settle.

        Called in any thread. `results` then ends within `SETTLE_SECONDS`.
        """
        with self._stop_lock:
            is_first = not self._stopped.is_set()
            self._stopped.set()
            for task in self._tasks:
                task.cancel(grace=SETTLE_SECONDS)
        if is_first:
            # Those that waited settle at once, and not one after the other, while the time of each stands still.
            self._places.release(self._max_threads)
        self._events.put(None)

    def results(self) -> Iterator[EntryResult]:
        """Yield the result of each entry as it ends; one for every entry, in the end."""
        while self._pending or self._tasks:
            yield from self._begin()
            yield from self._end_overdue()
            if not self._tasks:
                continue
            try:
                event = self._events.get(timeout=_TICK)
            except queue.Empty:
                continue
            if event is not None and event[0].claim_end():
                yield self._ended(*event)

    def _begin(self) -> Iterator[EntryResult]:
        """Begin as many entries as there are places, and yield those that are not run."""
        while self._pending and len(self._tasks) < self._max_threads:
            if self.is_stopped():
                yield self._not_run(self._pending.popleft(), INTERRUPTED)
                continue
            if reason := self._breaker.reason_not_to_run(self._pending[0].tenant):
                yield self._not_run(self._pending.popleft(), reason)
                continue
            if not self._places.acquire(blocking=False):
                return
            task = Task(self._pending.popleft(), self._timeout, self._sleep)
            with self._stop_lock:
                self._tasks.add(task)
                if self.is_stopped():
                    task.cancel(grace=SETTLE_SECONDS)
            start_thread(lambda task=task: self._run(task))  # type: ignore[misc]  # mypy cannot infer a default

    def _run(self, task: Task) -> None:
        began = time.monotonic()
        try:
            with task.active():
                result = self._work(task)
        except OperationCancelledError:
            result = self._not_run(task.entry, INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - one entry must not end the run
            result = self._failed(task, as_pallink_error(error))
        if task.is_cancelled:
            # A library may have turned that into an error of its own.
            result = self._not_run(task.entry, INTERRUPTED)
        self._events.put((task, replace(result, seconds=time.monotonic() - began)))

    def _sleep(self, task: Task, seconds: float) -> None:
        """Wait between two requests of a task. It leaves its place to another entry while any of its threads waits.

        Raises:
            UnreachableError: The run is stopped, and the task's write would not settle in time.
        """
        if seconds < _MIN_WAIT:
            time.sleep(seconds)
            return
        with task.waiting_lock:
            if task.waiting == 0:
                self._places.release()
                self._events.put(None)
            task.waiting += 1
        try:
            self._wait(task, seconds)
        finally:
            with task.waiting_lock:
                task.waiting -= 1
                if task.waiting == 0:
                    # Until it is its turn again, its time does not count.
                    with task.deadline.paused():
                        self._places.acquire()

    def _wait(self, task: Task, seconds: float) -> None:
        ends = time.monotonic() + seconds
        if not self._stopped.wait(seconds) or not task.is_writing:
            return
        # Once the lock is free, the deadline is shortened.
        with self._stop_lock:
            left = ends - time.monotonic()
        if left >= task.deadline.left:
            raise UnreachableError(
                "the run was stopped before the write could be tried again",
                cause=f"the next try was due in {counted(left, 'second', '.0f')}",
                remedy="resume the run: it reads the link first",
            )
        time.sleep(max(left, 0))

    def _end_overdue(self) -> Iterator[EntryResult]:
        """Yield the result of each task whose thread hangs, as in a look-up of a name, and leave the thread behind."""
        for task in [task for task in self._tasks if task.deadline.left < -_GRACE]:
            if not task.claim_end():
                continue
            task.abandon()
            cause = "the network or the operating system did not return, as in a look-up of a name"
            error = task.deadline.exceeded(cause)
            yield self._ended(task, self._failed(task, error))

    def _ended(self, task: Task, result: EntryResult) -> EntryResult:
        with self._stop_lock:
            self._tasks.remove(task)
        self._places.release()
        self._breaker.record(result)
        return result

    def _failed(self, task: Task, error: PallinkError) -> EntryResult:
        change = task.written.known.change
        return EntryResult(
            entry=task.entry,
            outcome=outcome_of_error(error, task.entry, change),
            fields=stated_fields(task.entry, self._cloud),
            error=error,
            link=change,
        )

    def _not_run(self, entry: Entry, reason: str) -> EntryResult:
        return EntryResult(
            entry=entry,
            outcome=Outcome.NOT_RUN,
            fields=stated_fields(entry, self._cloud),
            error=NotRunError("not run", cause=reason, remedy="resume the run once the cause is fixed"),
        )
