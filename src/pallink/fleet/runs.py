"""The runs in the user's folder, as `pallink fleet runs` lists them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pallink import private_files
from pallink.errors import UsageError
from pallink.fleet.result import DONE
from pallink.fleet.run_folder import JOURNAL, is_in_use, owner, read_journal, run_folders, start_of
from pallink.fleet.run_state import DamagedJournalError, RunState
from pallink.os_errors import os_reason


class RunStatus(StrEnum):
    """How far a run got."""

    RUNNING = "running"
    FINISHED = "finished"
    UNFINISHED = "unfinished"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run. What a damaged journal does not tell is None or empty.

    Attributes:
        run_id: The run's ID.
        folder: The run's folder.
        is_running: Whether a process works on it now.
        pid: That process; None if there is none, or if it has not written its ID yet.
        file: The fleet file, as the journal's header names it (`file`).
        entries: How many entries the run has, by the header (`entries`).
        totals: How many of them have each outcome.
        problem: Why the journal cannot be read; None if it can.
    """

    run_id: str
    folder: Path
    is_running: bool
    pid: int | None = None
    file: str | None = None
    entries: int | None = None
    totals: Mapping[str, int] = field(default_factory=dict)
    problem: str | None = None

    @property
    def started(self) -> str:
        """The time at which the run began (ISO 8601, UTC)."""
        return start_of(self.run_id)

    @property
    def done(self) -> int:
        """How many entries are as the fleet file says."""
        return sum(count for outcome, count in self.totals.items() if outcome in DONE)

    @property
    def status(self) -> RunStatus:
        """`finished` once every entry is done; until then there is something to resume."""
        if self.is_running:
            return RunStatus.RUNNING
        if self.problem is not None:
            return RunStatus.DAMAGED
        is_finished = self.entries is not None and self.done >= self.entries
        return RunStatus.FINISHED if is_finished else RunStatus.UNFINISHED

    def as_dict(self) -> dict[str, object]:
        """Return one flat object, for programs."""
        return {
            "run": self.run_id,
            "folder": str(self.folder),
            "startedTime": self.started,
            "status": str(self.status),
            "pid": self.pid,
            "file": self.file,
            "entries": self.entries,
            "done": self.done,
            "totals": dict(self.totals),
            "problem": self.problem,
        }


def list_runs() -> list[RunSummary]:
    """Return the runs in the user's folder, the newest first. A damaged one is listed with its problem."""
    return [_summarise(folder) for folder in run_folders()]


def read_run(folder: Path) -> RunState:
    """Return what a run's journal says.

    Args:
        folder: The run's folder, from `find_run`.

    Raises:
        UsageError: The journal cannot be read.
    """
    state, problem = _read(folder)
    if problem is not None:
        raise unreadable_run(folder, problem)
    return state


def unreadable_run(folder: Path, cause: str) -> UsageError:
    """Return the error for a run whose journal cannot be read."""
    return UsageError(
        f"the run in {folder} cannot be read", cause=cause, remedy="name another one", command="pallink fleet runs"
    )


def _summarise(folder: Path) -> RunSummary:
    # In this order: a run that ends meanwhile is listed as running, and not as one that has stopped too early.
    is_running = is_in_use(folder)
    state, problem = _read(folder)
    file, entries = state.header.get("file"), state.header.get("entries")
    return RunSummary(
        run_id=folder.name,
        folder=folder,
        is_running=is_running,
        pid=owner(folder) if is_running else None,
        file=file if isinstance(file, str) else None,
        entries=entries if isinstance(entries, int) else None,
        totals=state.totals,
        problem=problem,
    )


def _read(folder: Path) -> tuple[RunState, str | None]:
    """Return what the journal says, and why it cannot be read."""
    try:
        descriptor = private_files.open_checked(folder / JOURNAL)
    except OSError as error:
        return RunState(), os_reason(error)
    try:
        return read_journal(descriptor)[0], None
    except (OSError, DamagedJournalError) as error:
        return RunState(), str(error)
    finally:
        os.close(descriptor)
