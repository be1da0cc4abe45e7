"""Runs what waits for the network in threads: side by side, and apart from whoever may be interrupted."""

import contextvars
import queue
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

from pallink.errors import PallinkError

THREAD_NAME = "pallink"
"""What the threads are called, so that a debugger or a test knows whose they are."""

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(*calls: Callable[[], Any]) -> list[Any]:
    """Run each call in a thread of its own and return, in their order, what each returned or which error it raised.

    Only a `PallinkError` is returned; any other exception is a defect and is raised here. The threads are daemons: one
    that waits for the network keeps neither Ctrl-C nor the end of the program waiting.
    """
    outcomes: list[Any] = [None] * len(calls)
    for index, outcome in as_they_come(lambda call: call(), calls, workers=len(calls)):
        outcomes[index] = outcome
    return outcomes


def apart(call: Callable[[], T]) -> T:
    """Do a call in a daemon thread, and return or raise what it does.

    Ctrl-C ends the wait for it at once, on every system: a look-up of a name, and on Windows each wait for the network,
    cannot be interrupted itself. The call goes on by itself then.
    """
    ((_, outcome),) = as_they_come(lambda each: each(), [call], workers=1)
    if isinstance(outcome, PallinkError):
        raise outcome
    return outcome


def as_they_come(
    job: Callable[[T], R], items: Sequence[T], *, workers: int, stop: threading.Event | None = None
) -> Generator[tuple[int, R | PallinkError]]:
    """Do a job on each item in so many daemon threads, and yield the position and the outcome of each that is done.

    Whoever has seen enough closes it: then no further item is begun, and those under way are not waited for.

    Args:
        job: may raise a `PallinkError`, which is an outcome too; any other exception is a defect and is raised here.
        items: what to do it on.
        workers: how many at once, at most.
        stop: once set, by whoever else, nothing further is begun or yielded.
    """
    waiting: queue.SimpleQueue[tuple[int, T]] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    enough = threading.Event()
    for numbered in enumerate(items):
        waiting.put(numbered)

    def work() -> None:
        while not enough.is_set() and not (stop is not None and stop.is_set()):
            try:
                index, item = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                answers.put((index, job(item)))
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                answers.put((index, error))

    for _ in range(min(workers, len(items))):
        # With the caller's context, so that whoever traces requests knows whose they are.
        threading.Thread(target=contextvars.copy_context().run, args=(work,), name=THREAD_NAME, daemon=True).start()
    try:
        for _ in items:
            answer = _next(answers, stop)
            if answer is None:
                return
            if isinstance(answer[1], BaseException) and not isinstance(answer[1], PallinkError):
                raise answer[1]
            yield answer
    finally:
        enough.set()


def errors_in(outcomes: Sequence[Any]) -> list[PallinkError]:
    """The errors among what `side_by_side` returned."""
    return [outcome for outcome in outcomes if isinstance(outcome, PallinkError)]


def _next(answers: "queue.SimpleQueue[tuple[int, Any]]", stop: threading.Event | None) -> tuple[int, Any] | None:
    # On Windows a wait without a time-out cannot be interrupted by Ctrl-C.
    while True:
        try:
            return answers.get(timeout=0.2)
        except queue.Empty:
            if stop is not None and stop.is_set():
                return None
