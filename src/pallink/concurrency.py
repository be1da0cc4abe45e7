"""Runs what waits for the network in threads: side by side, and apart from whoever may be interrupted."""

import contextvars
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

from pallink.errors import PallinkError

THREAD_NAME = "pallink"
"""What the threads are called, so that a debugger or a test knows whose they are."""

T = TypeVar("T")
R = TypeVar("R")


class _Wait:
    """Somebody who waits for threads, and what these have under way; begun in another's thread, it ends with that."""

    def __init__(self) -> None:
        self._outer = _wait.get()
        self._lock = threading.Lock()
        self._under_way: dict[object, Callable[[], None]] = {}
        self._is_over = False

    @property
    def is_over(self) -> bool:
        return self._is_over or (self._outer is not None and self._outer.is_over)

    def end(self) -> None:
        self._is_over = True

    def abandon(self) -> None:
        self.end()
        with self._lock:
            under_way = list(self._under_way.values())
        for abandon in under_way:
            abandon()

    @contextmanager
    def abandons(self, abandon: Callable[[], None]) -> Iterator[None]:
        key = object()
        with self._lock:
            self._under_way[key] = abandon
        try:
            yield
        finally:
            with self._lock:
                del self._under_way[key]

    def in_a_thread(self, work: Callable[[], None]) -> None:
        # With the caller's context, so that whoever traces requests knows whose they are.
        context = contextvars.copy_context()
        context.run(_wait.set, self)
        threading.Thread(target=context.run, args=(work,), name=THREAD_NAME, daemon=True).start()


_wait: contextvars.ContextVar[_Wait | None] = contextvars.ContextVar("wait", default=None)


def nobody_waits() -> bool:
    """Whether the wait is over for which this thread works: whatever it would begin now is not wanted any more."""
    wait = _wait.get()
    return wait is not None and wait.is_over


def abandoned_with_the_wait(abandon: Callable[[], None]) -> AbstractContextManager[None]:
    """Have `abandon` called if meanwhile an exception, as Ctrl-C is one, ends the wait for which this thread works.

    What comes too late for that is told by `nobody_waits`.
    """
    wait = _wait.get()
    return nullcontext() if wait is None else wait.abandons(abandon)


def gather(*calls: Callable[[], Any]) -> list[Any]:
    """Run each call in a thread of its own and return, in their order, what each returned or which error it raised.

    Only a `PallinkError` is returned; any other exception is a defect and is raised here. The threads are daemons: one
    that waits for the network keeps neither Ctrl-C nor the end of the program waiting.
    """
    outcomes: list[Any] = [None] * len(calls)
    for index, outcome in as_completed(lambda call: call(), calls, workers=len(calls)):
        outcomes[index] = outcome
    return outcomes


def run_detached(call: Callable[[], T]) -> T:
    """Do a call in a daemon thread, and return or raise what it does.

    Ctrl-C ends the wait for it at once, on every system: a look-up of a name, and on Windows each wait for the network,
    cannot be interrupted itself. The call is left to itself then, and its requests are abandoned (`request_deadline`).
    """
    ((_, outcome),) = as_completed(lambda each: each(), [call], workers=1)
    if isinstance(outcome, PallinkError):
        raise outcome
    return outcome


def as_completed(
    job: Callable[[T], R], items: Sequence[T], *, workers: int, stop: threading.Event | None = None
) -> Generator[tuple[int, R | PallinkError]]:
    """Do a job on each item in so many daemon threads, and yield the position and the outcome of each that is done.

    Whoever has seen enough closes it: then no further item is begun, nor a further request for those under way, which
    are not waited for. Where an exception ends it, as Ctrl-C does, what is under way is abandoned.

    Args:
        job: may raise a `PallinkError`, which is an outcome too; any other exception is a defect and is raised here.
        items: what to do it on.
        workers: how many at once, at most.
        stop: once set, by whoever else, nothing further is begun or yielded.
    """
    wait = _Wait()
    waiting: queue.SimpleQueue[tuple[int, T]] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    for numbered in enumerate(items):
        waiting.put(numbered)

    def is_enough() -> bool:
        return wait.is_over or (stop is not None and stop.is_set())

    with abandoned_with_the_wait(wait.abandon):
        try:
            for _ in range(min(workers, len(items))):
                wait.in_a_thread(lambda: _work(job, waiting, answers, is_enough))
            for _ in items:
                answer = _next(answers, is_enough)
                if answer is None:
                    return
                _raise_a_defect(answer[1])
                yield answer
        except GeneratorExit:
            raise
        except BaseException:
            wait.abandon()
            raise
        finally:
            wait.end()


def errors_in(outcomes: Sequence[Any]) -> list[PallinkError]:
    """The errors among what `gather` returned."""
    return [outcome for outcome in outcomes if isinstance(outcome, PallinkError)]


def _raise_a_defect(outcome: object) -> None:
    if isinstance(outcome, BaseException) and not isinstance(outcome, PallinkError):
        raise outcome


def _work(
    job: Callable[[T], R],
    waiting: "queue.SimpleQueue[tuple[int, T]]",
    answers: "queue.SimpleQueue[tuple[int, Any]]",
    is_enough: Callable[[], bool],
) -> None:
    while not is_enough():
        try:
            index, item = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            answers.put((index, job(item)))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            answers.put((index, error))


def _next(answers: "queue.SimpleQueue[tuple[int, Any]]", is_enough: Callable[[], bool]) -> tuple[int, Any] | None:
    # On Windows a wait without a time-out cannot be interrupted by Ctrl-C.
    while True:
        try:
            return answers.get(timeout=0.2)
        except queue.Empty:
            if is_enough():
                return None
