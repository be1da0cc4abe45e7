"""What the journal of a run says: pure.

A journal is a file of JSON objects, one a line. Lines are only added:

    {"kind": "run", "version": 1, "time": …, "id": …, "header": {…}}    the first line
    {"kind": "intent", "time": …, "entry": …, "intent": {…}}            a write is about to be sent
    {"kind": "outcome", "time": …, "entry": …, "outcome": {…}}          what became of an entry

A line counts once its line feed is written: a process that is killed, or a full disk, leaves at most half a line.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

VERSION = 1
"""Of the journal's format. A journal of another version is refused."""


class DamagedJournalError(ValueError):
    """A line that is no record of this version. It says which."""


@dataclass
class RunState:
    """What has been recorded of a run so far. An entry is in `intents` or in `outcomes`, never in both.

    Attributes:
        run_id: The run's ID; empty if not even the first line was completed, so that nothing was sent.
        header: What the run was begun with.
        intents: The last intent of each entry that has no later outcome: its write may have been sent.
        outcomes: The last outcome of each entry that has no later intent.
    """

    run_id: str = ""
    header: Mapping[str, Any] = field(default_factory=dict)
    intents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    outcomes: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def totals(self) -> Mapping[str, int]:
        """How many entries have each outcome, the most frequent first."""
        return dict(Counter(str(outcome.get("outcome")) for outcome in self.outcomes.values()).most_common())

    def add(self, record: object) -> None:
        """Take in one record, decoded.

        Raises:
            ValueError: It is no record of this version, or it cannot follow those before it.
        """
        match record:
            case {"kind": "run", "version": version} if version != VERSION:
                raise ValueError(f"the journal has version {version}, and this pallink reads version {VERSION}")
            case {"kind": "run", "version": _, "id": str(run_id), "header": dict(header)} if run_id and not self.run_id:
                self.run_id, self.header = run_id, header
            case {"kind": "intent", "entry": str(entry), "intent": dict(intent)} if self.run_id:
                self.outcomes.pop(entry, None)
                self.intents[entry] = intent
            case {"kind": "outcome", "entry": str(entry), "outcome": dict(outcome)} if self.run_id:
                self.intents.pop(entry, None)
                self.outcomes[entry] = outcome
            case {"kind": "run" | "intent" | "outcome"}:
                raise ValueError("the record is incomplete or in the wrong place")
            case {"kind": kind}:
                raise ValueError(f"unknown kind of record {kind!r}")
            case _:
                raise ValueError("not a record")


def replay(lines: Iterable[bytes]) -> RunState:
    """Return what the lines of a journal say, each with its line feed. A last line without one is dropped.

    Raises:
        DamagedJournalError: Another line is damaged, or the journal is of another version.
    """
    state = RunState()
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            break
        try:
            state.add(_decode(line))
        except ValueError as error:
            raise DamagedJournalError(f"line {number}: {error}") from error
    return state


def encode(record: Mapping[str, Any]) -> bytes:
    """Return a record as a line. Its characters are ASCII, so that no line feed or lone surrogate is in the way."""
    return json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"


def _decode(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError("not valid JSON") from error
