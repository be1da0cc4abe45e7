"""The streams, and what may be done with them: decided once, and replaced as a whole in tests."""

import errno
import io
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TextIO

from pallink.errors import OutputError
from pallink.redact.secrets import cut

_COLOURS = {"red": "\x1b[1;31m", "yellow": "\x1b[1;33m", "cyan": "\x1b[36m"}
_RESET = "\x1b[0m"

# What a stream answers whose reader has gone, as in `| head -1`. Windows says EINVAL.
_NOBODY_READS = frozenset({errno.EPIPE, errno.EINVAL})


def _stream(name: str) -> TextIO:
    # Python has None for a stream that was closed before it started (`2>&-`), and prints to stdout instead.
    return getattr(sys, name) or io.StringIO()


@dataclass(frozen=True)
class Terminal:
    """Standard streams and the environment.

    Data goes to `stdout`, everything else to `stderr`.
    """

    stdin: TextIO = field(default_factory=lambda: _stream("stdin"))
    stdout: TextIO = field(default_factory=lambda: _stream("stdout"))
    stderr: TextIO = field(default_factory=lambda: _stream("stderr"))
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

    @contextmanager
    def writing(self) -> Iterator[TextIO]:
        """Stdout, to be written to; it is flushed at the end.

        That nobody reads it any more is no error: the command goes on to its own exit code.

        Raises:
            OutputError: it cannot be written to, as on a full disk.
        """
        try:
            yield self.stdout
            self.stdout.flush()
        except OSError as error:
            _discard(self.stdout)
            if error.errno not in _NOBODY_READS:
                raise OutputError(
                    f"the result cannot be written to stdout: {error.strerror or error}",
                    cause="the command itself was carried out; only its result is lost",
                    remedy="make room, or send stdout elsewhere, and run the command again: what is done stays done",
                ) from error

    def write(self, text: str) -> None:
        """Write data to stdout; raises as `writing` does."""
        with self.writing() as stdout:
            stdout.write(text)

    def tell(self, line: str) -> None:
        """Write one line to stderr as it is, without secrets."""
        try:
            print(cut(line), file=self.stderr, flush=True)
        except OSError:
            _discard(self.stderr)

    def say(self, label: str, text: str, colour: str | None = None) -> None:
        """Write one message to stderr: `label: text`."""
        shown = f"{label}:"
        if colour is not None and self.has_colour(self.stderr):
            shown = f"{_COLOURS[colour]}{shown}{_RESET}"
        self.tell(f"{shown} {text}")


def _discard(stream: TextIO) -> None:
    """Let what is still to be written vanish: Python would complain once more when it flushes at exit."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # no stream at all, or a closed one
        return False
