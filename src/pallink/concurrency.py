"""Runs calls concurrently in daemon threads, and cancels them together.

Threads, because azure-identity's browser and device-code credentials have no asynchronous twin; daemon threads, because
a name look-up that hangs must keep neither Ctrl-C nor the end of the process waiting.
"""

import contextvars
import queue
import threading
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pallink.context import activate

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pallink.errors import PallinkError

THREAD_NAME = "pallink"
"""The name of every thread that pallink starts."""

T = TypeVar("T")
R = TypeVar("R")


class OperationCancelledError(Exception):
    """The scope that this thread works for was cancelled: nothing more may be sent for it."""


class CancelScope:
    """What was started together and is cancelled together. A scope inside another one is cancelled with it."""

    _active: contextvars.ContextVar["CancelScope | None"] = contextvars.ContextVar("scope", default=None)

    def __init__(self) -> None:
        self._outer = self._active.get()
        self._cancelled = threading.Event()

    @property
    def is_cancelled(self) -> bool:
        """Whether this scope, or one around it, was cancelled."""
        return self._cancelled.is_set() or (self._outer is not None and self._outer.is_cancelled)

    def cancel(self) -> None:
        """Let nothing further be started or sent. What was sent is not waited for."""
        self._cancelled.set()

    def active(self) -> "AbstractContextManager[CancelScope]":
        """Make this the scope of what is called in the block, and of the threads that are started there."""
        return activate(self._active, self)

    @classmethod
    def current(cls) -> "CancelScope | None":
        """Return the scope that the caller works in; None outside of any."""
        return cls._active.get()

    @classmethod
    def is_caller_cancelled(cls) -> bool:
        """Whether the scope of the caller was cancelled."""
        scope = cls._active.get()
        return scope is not None and scope.is_cancelled

    @classmethod
    def check(cls) -> None:
        """Raise where the scope of the caller was cancelled.

        Raises:
            OperationCancelledError: It was.
        """
        if cls.is_caller_cancelled():
            raise OperationCancelledError


def start_thread(work: Callable[[], None]) -> threading.Thread:
    """Start a daemon thread with the caller's context variables: its deadline, its cancel scope, its secrets."""
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name=THREAD_NAME, daemon=True)
    thread.start()
    return thread


def gather(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls concurrently and return, in their order, what each returned or the `PallinkError` that it raised.

    Raises:
        Exception: A call raised something else, which is a defect.
    """
    outcomes: list[Any] = [None] * len(calls)
    for index, outcome in as_completed(lambda call: call(), calls, workers=len(calls)):
        outcomes[index] = outcome
    return outcomes


def as_completed(
    job: Callable[[T], R], items: Sequence[T], *, workers: int
) -> "Generator[tuple[int, R | PallinkError]]":
    """Run a job on each item concurrently, and yield position and outcome as they come.

    Close the generator to cancel the rest: no further item is started, and those under way send nothing more.

    Args:
        job: May raise a `PallinkError`, which is an outcome too.
        items: What to run it on.
        workers: How many to run at a time, at most.

    Raises:
        OperationCancelledError: The scope around it was cancelled.
        Exception: The job raised something else, which is a defect.
    """
    from pallink.errors import PallinkError  # noqa: PLC0415 - help needs a thread, and no errors

    scope = CancelScope()
    pending: queue.SimpleQueue[tuple[int, T]] = queue.SimpleQueue()
    outcomes: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    for numbered in enumerate(items):
        pending.put(numbered)

    def work() -> None:
        while True:
            try:
                index, item = pending.get_nowait()
            except queue.Empty:
                return
            try:
                scope.check()
                outcome: Any = job(item)
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                outcome = error
            outcomes.put((index, outcome))

    try:
        with scope.active():
            for _ in range(min(workers, len(items))):
                start_thread(work)
        for _ in items:
            index, outcome = outcomes.get()
            if isinstance(outcome, BaseException) and not isinstance(outcome, PallinkError):
                raise outcome
            yield index, outcome
    finally:
        scope.cancel()


def errors_in(outcomes: Sequence[Any]) -> "list[PallinkError]":
    """Return the errors among what `gather` returned."""
    from pallink.errors import PallinkError  # noqa: PLC0415

    return [outcome for outcome in outcomes if isinstance(outcome, PallinkError)]
