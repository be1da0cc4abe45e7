"""The streams, and what may be done with them: decided once, and replaced as a whole in tests."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

_COLOURS = {"red": "\x1b[1;31m", "yellow": "\x1b[1;33m", "cyan": "\x1b[36m"}
_RESET = "\x1b[0m"


@dataclass(frozen=True)
class Terminal:
    """Standard streams and the environment.

    Data goes to `stdout`, everything else to `stderr`.
    """

    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def can_ask(self) -> bool:
        """Whether somebody can read a question and answer it."""
        return _is_terminal(self.stdin) and _is_terminal(self.stderr)

    def is_terminal(self, stream: TextIO) -> bool:
        """Whether a person looks at this stream."""
        return _is_terminal(stream)

    def has_colour(self, stream: TextIO) -> bool:
        """Whether this stream takes colour (NO_COLOR, FORCE_COLOR and TERM=dumb are honoured, in this order)."""
        if self.environ.get("NO_COLOR"):
            return False
        if self.environ.get("FORCE_COLOR"):
            return True
        return _is_terminal(stream) and self.environ.get("TERM") != "dumb"

    def can_show(self, text: str) -> bool:
        """Whether stdout's encoding knows every character of `text`."""
        try:
            text.encode(self.stdout.encoding or "ascii")
        except UnicodeEncodeError:
            return False
        return True

    def say(self, label: str, text: str, colour: str | None = None) -> None:
        """Write one message to stderr: `label: text`."""
        shown = f"{label}:"
        if colour is not None and self.has_colour(self.stderr):
            shown = f"{_COLOURS[colour]}{shown}{_RESET}"
        print(f"{shown} {text}", file=self.stderr)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # no stream at all, or a closed one
        return False
