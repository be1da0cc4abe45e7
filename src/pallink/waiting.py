"""What a job waits for at the moment, so that a terminal can say so."""

from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Protocol

from pallink.context import activate


class Watcher(Protocol):
    """Is told what a job waits for."""

    def waiting_for(self, name: str) -> AbstractContextManager[None]:
        """Watch a wait as long as the block lasts."""

    def clear(self) -> bool:
        """Take away what is shown, since something else is written. Return whether there was anything."""


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


def watched_by(watcher: Watcher) -> AbstractContextManager[Watcher]:
    """Tell this watcher of the waits in the block, and in the threads that are started there."""
    return activate(_watcher, watcher)


def waiting_for(name: str) -> AbstractContextManager[None]:
    """Tell the watcher, if there is one, what the block waits for, such as `Entra ID`."""
    watcher = _watcher.get()
    return nullcontext() if watcher is None else watcher.waiting_for(name)


def clear_line() -> None:
    """Let the watcher, if there is one, take its line away."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher.clear()
