"""The standard streams, and what they are capable of; tests replace them as a whole."""

import errno
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TextIO

from pallink.concurrency import CancelScope
from pallink.errors import OutputError
from pallink.os_errors import os_reason
from pallink.output.wrapping import split_words, wrap
from pallink.redact.secrets import redact
from pallink.waiting import clear_line

_COLOURS = {"red": "\x1b[1;31m", "yellow": "\x1b[1;33m", "cyan": "\x1b[36m"}
_RESET = "\x1b[0m"

# The errors of a pipe whose reader has exited, as in `| head -1`. On Windows it is EINVAL.
_BROKEN_PIPE = frozenset({errno.EPIPE, errno.EINVAL})

_STDERR = threading.Lock()


def _stream(name: str) -> TextIO:
    # None if the stream was closed before Python started (`2>&-`); print() would fall back to stdout.
    return getattr(sys, name) or io.StringIO()


@dataclass(frozen=True)
class Terminal:
    """The standard streams and the environment. Data goes to `stdout`, everything else to `stderr`.

    Attributes:
        stdin: Standard input.
        stdout: Standard output.
        stderr: Standard error.
        environ: The environment variables.
    """

    stdin: TextIO = field(default_factory=lambda: _stream("stdin"))
    stdout: TextIO = field(default_factory=lambda: _stream("stdout"))
    stderr: TextIO = field(default_factory=lambda: _stream("stderr"))
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def can_ask(self) -> bool:
        """Whether a prompt can be shown and answered: stdin and stderr are terminals."""
        return _is_terminal(self.stdin) and _is_terminal(self.stderr)

    def is_terminal(self, stream: TextIO) -> bool:
        """Return whether the stream is a terminal."""
        return _is_terminal(stream)

    def columns(self, stream: TextIO) -> int | None:
        """Return the width of a terminal; None if the stream is not a terminal, or its width is unknown."""
        return self._size(stream, "COLUMNS", lambda size: size.columns)

    def rows(self, stream: TextIO) -> int | None:
        """Return the height of a terminal; None if the stream is not a terminal, or its height is unknown."""
        return self._size(stream, "LINES", lambda size: size.lines)

    def _size(self, stream: TextIO, variable: str, side: Callable[[os.terminal_size], int]) -> int | None:
        if not _is_terminal(stream):
            return None
        with suppress(ValueError):
            if (given := int(self.environ.get(variable, ""))) > 0:
                return given
        with suppress(OSError, ValueError):  # a stream without a file, or a terminal that does not tell its size
            return side(os.get_terminal_size(stream.fileno())) or None
        return None

    def has_colour(self, stream: TextIO) -> bool:
        """Return whether to colour the stream; NO_COLOR, FORCE_COLOR and TERM=dumb decide, in this order."""
        if self.environ.get("NO_COLOR"):
            return False
        if self.environ.get("FORCE_COLOR"):
            return True
        return _is_terminal(stream) and self.environ.get("TERM") != "dumb"

    def can_show(self, text: str) -> bool:
        """Return whether stdout can encode every character of `text`."""
        try:
            text.encode(self.stdout.encoding or "ascii")
        except UnicodeEncodeError:
            return False
        return True

    @contextmanager
    def checked_stdout(self) -> Iterator[TextIO]:
        """Yield stdout, and flush it at the end.

        A broken pipe is ignored: the command still ends with its own exit code.

        Raises:
            OutputError: Writing failed, for example because the disk is full.
        """
        try:
            yield self.stdout
            self.stdout.flush()
        except OSError as error:
            _discard(self.stdout)
            if error.errno not in _BROKEN_PIPE:
                raise OutputError(
                    f"the result cannot be written to stdout: {os_reason(error)}",
                    cause="the command itself was carried out; only its result is lost",
                    remedy="make room, or send stdout elsewhere, and run the command again: what is done stays done",
                ) from error

    def write(self, text: str) -> None:
        """Write data to stdout.

        Raises:
            OutputError: Writing failed.
        """
        with self.checked_stdout() as stdout:
            stdout.write(text)

    def tell(self, line: str) -> None:
        """Write one line to stderr, with secrets redacted."""
        self.write_stderr(f"{redact(line)}\n")

    def write_stderr(self, text: str) -> None:
        """Write text to stderr in one piece; nothing for a command that was cancelled: how it ended has been said."""
        # A command is cancelled before its end is reported: a line that is being written then comes before that.
        with _STDERR:
            if not CancelScope.is_caller_cancelled():
                clear_line()
                self.draw(text)

    def draw(self, text: str) -> None:
        """Write text to stderr, without a look at the line that says what is waited for: for that line itself."""
        try:
            self.stderr.write(text)
            self.stderr.flush()
        except OSError:
            _discard(self.stderr)

    def say(self, label: str, text: str, colour: str | None = None, *, unbroken: str = "") -> None:
        """Write `label: text` to stderr as `tell_wrapped` does, the label in colour where stderr has any."""
        self.tell_wrapped(f"{label}: ", text, colour, unbroken=unbroken)

    def tell_wrapped(self, heading: str, text: str, colour: str | None = None, *, unbroken: str = "") -> None:
        """Write a text to stderr, with secrets redacted: on one line, or on a terminal wrapped between words.

        Args:
            heading: What the first line begins with; the others are indented by its length.
            text: The text.
            colour: The colour of the heading; None for none.
            unbroken: The part of the text that stays on one line, such as a command to paste.
        """
        columns = self.columns(self.stderr)
        words = split_words(redact(text), redact(unbroken))
        # The last column stays empty: consoles of Windows add an empty line after it.
        first, *others = (
            wrap(words, columns - 1, first=heading, indent=" " * len(heading))
            if columns
            else (f"{heading}{redact(text)}",)
        )
        if colour is not None and self.has_colour(self.stderr):
            shown = heading.rstrip()
            first = f"{_COLOURS[colour]}{shown}{_RESET}{first[len(shown) :]}"
        self.write_stderr("".join(f"{line}\n" for line in (first, *others)))


def _discard(stream: TextIO) -> None:
    """Discard what is still buffered: Python would report the error again when it flushes at exit."""
    with suppress(OSError, ValueError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, stream.fileno())
        os.close(devnull)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # No stream, or a closed one.
        return False
