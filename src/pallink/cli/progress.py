"""The line on a terminal's stderr that says how far a long check is, or what a command waits for."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pallink.concurrency import CancelScope, start_thread
from pallink.output.terminal import Terminal
from pallink.output.wrapping import cut

# With fewer subscriptions the check is over before the line could be read.
_MIN_TOTAL = 10
_BAR_WIDTH = 24
_CLEAR = "\r\x1b[K"
# Seconds. What takes less is over before the line could be read.
_MIN_WAIT = 1.0
_TICK = 0.2


@dataclass(frozen=True, eq=False)
class _Wait:
    name: str
    since: float
    scope: CancelScope | None

    @property
    def is_cancelled(self) -> bool:
        """Whether nothing waits for it any more, though the request is under way."""
        return self.scope is not None and self.scope.is_cancelled


def bar(done: int, total: int) -> str:
    """Return a bar of 24 characters between brackets."""
    filled = _BAR_WIDTH * done // total
    return f"[{'#' * filled}{'-' * (_BAR_WIDTH - filled)}]"


class ProgressLine:
    """Draws `reading roles  [#####-----]  87 of 200 subscriptions`, or after a second `waiting for Entra ID ...`.

    Nothing if stderr is not a terminal. Thread-safe. At the end of the `with` block the line is removed.

    Args:
        terminal: The streams to write to.
        shown: Whether to show the line at all.
        now: A monotonic clock in seconds.
    """

    def __init__(self, terminal: Terminal, *, shown: bool = True, now: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal
        self._shown = shown and terminal.is_terminal(terminal.stderr) and terminal.environ.get("TERM") != "dumb"
        self._now = now
        self._since = now()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._drawn = ""
        self._drawn_wait: _Wait | None = None
        self._waits: list[_Wait] = []

    def __enter__(self) -> Self:
        if self._shown:
            start_thread(self._watch)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_due(self) -> bool:
        """Whether the block takes longer than a line needs to be read."""
        return self._now() - self._since >= _MIN_WAIT

    def close(self) -> bool:
        """Take the line away, and draw none any more. Return whether there was one."""
        self._closed.set()
        with self._lock:
            self._shown, was_drawn = False, bool(self._drawn)
            self._clear()
            return was_drawn

    def clear(self) -> bool:
        """Take the line away until there is something new to draw. Return whether there was one."""
        with self._lock:
            was_drawn = bool(self._drawn)
            self._clear()
            return was_drawn

    def update(self, done: int, total: int) -> None:
        """Show how many subscriptions were read; once all were, remove the line."""
        with self._lock:
            if total < _MIN_TOTAL:
                return
            if done >= total:
                self._clear()
                return
            self._draw(f"reading roles  {bar(done, total)}  {done:,} of {total:,} subscriptions")

    def show(self, line: str) -> None:
        """Show a line until another one takes its place."""
        with self._lock:
            self._draw(line)

    @contextmanager
    def waiting_for(self, name: str) -> Iterator[None]:
        """Say what the block waits for, if it takes longer than a second."""
        wait = _Wait(name, self._now(), CancelScope.current())
        with self._lock:
            self._waits.append(wait)
        try:
            yield
        finally:
            with self._lock:
                self._waits.remove(wait)
                if self._drawn_wait is wait:
                    self._clear()

    def tick(self) -> None:
        """Draw the wait that has lasted longest, if nothing else is drawn."""
        with self._lock:
            if self._drawn:
                return
            begun = self._now() - _MIN_WAIT
            wait = next((wait for wait in self._waits if wait.since <= begun and not wait.is_cancelled), None)
            if wait is not None:
                self._draw(f"waiting for {wait.name} ...", wait)

    def _watch(self) -> None:
        while not self._closed.wait(_TICK):
            self.tick()

    def _draw(self, line: str, wait: _Wait | None = None) -> None:
        # A line that wraps could not be removed: its first part would stay.
        columns = self._terminal.columns(self._terminal.stderr)
        line = cut(line, columns - 1) if columns else line
        if self._shown and line != self._drawn:
            self._terminal.draw(f"{_CLEAR}{line}")
            self._drawn, self._drawn_wait = line, wait

    def _clear(self) -> None:
        if self._drawn:
            self._terminal.draw(_CLEAR)
            self._drawn, self._drawn_wait = "", None
