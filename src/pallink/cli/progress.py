"""The progress line of a long check, on a terminal's stderr."""

import threading
from types import TracebackType
from typing import Self

from pallink.output.terminal import Terminal

# With fewer subscriptions the check is over before the line could be read.
_MIN_TOTAL = 10
_BAR_WIDTH = 24
_CLEAR = "\r\x1b[K"


class ProgressLine:
    """Draws `reading roles  [#####-----]  87 of 200 subscriptions`; nothing if stderr is not a terminal.

    Thread-safe. At the end of the `with` block the line is removed.

    Args:
        terminal: The streams to write to.
        shown: Whether to show the line at all.
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
        self.close()

    def close(self) -> None:
        """Take the line away, and draw none any more."""
        with self._lock:
            self._clear()
            self._shown = False

    def update(self, done: int, total: int) -> None:
        """Show how many subscriptions were read; once all were, remove the line."""
        with self._lock:
            if not self._shown or total < _MIN_TOTAL:
                return
            if done >= total:
                self._clear()
                return
            filled = _BAR_WIDTH * done // total
            line = f"reading roles  [{'#' * filled}{'-' * (_BAR_WIDTH - filled)}]  {done} of {total} subscriptions"
            if line != self._drawn:
                self._terminal.write_stderr(f"{_CLEAR}{line}")
                self._drawn = line

    def _clear(self) -> None:
        if self._drawn:
            self._terminal.write_stderr(_CLEAR)
            self._drawn = ""
