"""How far a long look is: one line on a terminal's stderr, drawn over itself and gone when it is over."""

import threading
from types import TracebackType
from typing import Self

from pallink.output.terminal import Terminal

# Below, it is over before anybody could read it.
_WORTH_SHOWING = 10
_WIDTH = 24
_CLEAR = "\r\x1b[K"


class ProgressLine:
    """Draws `reading roles  [#####-----]  87 of 200 subscriptions`; nothing where stderr is no terminal.

    Safe to be told from several threads; after the `with` block, however it ends, the line is gone and stays gone.

    Args:
        terminal: where.
        shown: whether to show it at all.
    """

    def __init__(self, terminal: Terminal, *, shown: bool = True) -> None:
        self._terminal = terminal
        self._shown = shown and terminal.is_terminal(terminal.stderr) and terminal.environ.get("TERM") != "dumb"
        self._lock = threading.Lock()
        self._drawn = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._clear()
            self._shown = False

    def update(self, done: int, total: int) -> None:
        """Show that so many of so many subscriptions were read; when they are as many, take the line away."""
        with self._lock:
            if not self._shown or total < _WORTH_SHOWING:
                return
            if done >= total:
                self._clear()
                return
            filled = _WIDTH * done // total
            line = f"reading roles  [{'#' * filled}{'-' * (_WIDTH - filled)}]  {done} of {total} subscriptions"
            if line != self._drawn:
                self._write(f"{_CLEAR}{line}")
                self._drawn = line

    def _clear(self) -> None:
        if self._drawn:
            self._write(_CLEAR)
            self._drawn = ""

    def _write(self, text: str) -> None:
        self._terminal.stderr.write(text)
        self._terminal.stderr.flush()
