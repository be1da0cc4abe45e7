"""What is true of a command that was interrupted, by the sandbox's own file and by what reached it."""

import json
import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.harness import Pallink


@dataclass(frozen=True)
class Row:
    """The link as the file has it: the partner ID while it is active, and the number of writes so far."""

    partner_id: str | None = None
    version: int = 0


def row(home: Path) -> Row:
    """The link of the one account that a test uses."""
    with closing(sqlite3.connect(home / "sandbox.sqlite3", timeout=60)) as connection:
        found = connection.execute("SELECT partner_id, state, version FROM link ORDER BY version DESC LIMIT 1")
        for partner_id, state, version in found:
            return Row(partner_id if state == "Active" else None, version)
    return Row()


@dataclass(frozen=True)
class Ending:
    """How a command ended that was interrupted.

    Attributes:
        before: the link before the command.
        after: the link when the service had handled all that was sent.
        has_written: whether a write was on its way at all.
    """

    code: int
    stderr: str
    before: Row
    after: Row
    has_written: bool

    @property
    def last_line(self) -> str:
        return self.stderr.splitlines()[-1]

    @property
    def link(self) -> str:
        """What the last line says of the link, in the words of an error object."""
        if self.last_line.startswith("{"):
            return str(json.loads(self.last_line)["link"])
        if self.last_line in {"link: not changed", "cause: nothing was written", "    pallink whoami --all"}:
            return "unchanged"
        return "changed" if self.last_line.startswith("link: changed: ") else "unknown"

    @property
    def command(self) -> str:
        """The command to look with."""
        if self.last_line.startswith("{"):
            return str(json.loads(self.last_line)["command"])
        match = re.fullmatch(
            r"link: may or may not have been changed, look at it with: (pallink show .*)", self.last_line
        )
        assert match, self.last_line
        return match[1]

    def violations(self, pallink: Pallink | None = None, *, at_a_request: bool = True) -> Iterator[str]:
        """What is not as it should be.

        Args:
            pallink: runs the command to look with.
            at_a_request: whether it was interrupted at a request: what is not sent then cannot be in doubt.
        """
        if self.code != 130:
            yield f"exit code {self.code}: {self.stderr}"
        if "Traceback" in self.stderr or self.stderr.count("interrupted") != 1:
            yield f"not said just once, and in words: {self.stderr}"
        match self.link:
            case "unchanged" if self.after != self.before:
                yield f"says that nothing was changed, but {self.before} became {self.after}"
            case "changed":
                yield from self._changed()
            case "unknown":
                if at_a_request and not self.has_written:
                    yield "does not know, though nothing was sent"
                looked = pallink(*shlex.split(self.command)[1:]) if pallink is not None else None
                if looked is not None and looked.code != (3 if self.after.partner_id is None else 0):
                    yield f"{self.command} ends with {looked.code}"

    def _changed(self) -> Iterator[str]:
        if self.after.version != self.before.version + 1:
            yield f"says changed, but {self.before} became {self.after}"
        told = re.search(r"changed: (?:created, now|updated from \d+ \(.*\) to) (\d+) \(", self.last_line)
        removed = re.search(r"changed: (\d+) \(.*\) was removed", self.last_line)
        if (told and told[1]) != self.after.partner_id or (removed and removed[1] != self.before.partner_id):
            yield f"{self.last_line!r}, but {self.before} became {self.after}"
        if not told and not removed:
            yield f"does not say how it was changed: {self.last_line}"
