"""The folder of a run: where it is, which process holds it, and reading the journal in it.

It holds the journal (`journal.jsonl`), a lock, and the ID of the process that holds the lock (`pid`).
"""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

import platformdirs

from pallink import private_files
from pallink.errors import JournalError, UsageError
from pallink.fleet.run_state import DamagedJournalError, RunState, replay
from pallink.os_errors import os_reason
from pallink.private_files import UnsafeFileError

JOURNAL = "journal.jsonl"
LAST = "last"
"""Names the newest run."""

_LOCK = "lock"
_PID = "pid"
_RUN_ID = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-[0-9a-f]{4}", re.ASCII)
# Seconds. Looking whether a run is in use holds the lock for a moment.
_LOCK_TIMEOUT = 1.0


def runs_folder() -> Path:
    """Return the folder of all runs, in that of `PALLINK_HOME` or by default in the user's state folder."""
    home = os.environ.get("PALLINK_HOME")
    return (Path(home) if home else platformdirs.user_state_path("pallink", appauthor=False)) / "runs"


def run_folders() -> list[Path]:
    """Return the folder of each run in `runs_folder`, the newest first."""
    try:
        children = list(runs_folder().iterdir())
    except OSError:
        return []
    folders = (folder for folder in children if _RUN_ID.fullmatch(folder.name) and _has_journal(folder))
    return sorted(folders, reverse=True)


def new_run_id(now: datetime) -> str:
    """Return the ID of a run that begins now (UTC): its second, and its 65536th of it. IDs sort by time."""
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond * 0x10000 // 1_000_000:04x}"


def start_of(run_id: str) -> str:
    """Return the time at which a run began (ISO 8601, UTC), which its ID tells."""
    return _RUN_ID.sub(r"\1-\2-\3T\4:\5:\6Z", run_id)


def find_run(run: str | Path) -> Path:
    """Return the folder of a run.

    Args:
        run: Its ID, `last` for the newest one, or its folder.

    Raises:
        UsageError: There is no such run.
    """
    if run == LAST:
        newest = next(iter(run_folders()), None)
        if newest is None:
            raise UsageError(
                "there is no run to resume",
                cause=f"{runs_folder()} holds none",
                remedy="start a run, or name the folder of one",
            )
        return newest
    folder = runs_folder() / run if isinstance(run, str) and _RUN_ID.fullmatch(run) else Path(run)
    if not _has_journal(folder):
        raise UsageError(
            f"unknown run {run}",
            cause=f"there is no journal in {folder}",
            remedy="name one of these runs, or the folder of one",
            command="pallink fleet runs",
        )
    return folder


def read_journal(descriptor: int) -> tuple[RunState, int]:
    """Return what a journal says, and the size of its complete lines (bytes).

    Raises:
        DamagedJournalError: It is damaged, of another version, or not even its first line is complete.
        OSError: It cannot be read.
    """
    with open(descriptor, "rb", closefd=False) as file:
        lines = file.readlines()
    state = replay(lines)
    if not state.run_id:
        raise DamagedJournalError("line 1: incomplete, so nothing was sent")
    return state, sum(len(line) for line in lines if line.endswith(b"\n"))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's lock in the block. The operating system releases it if the process is killed.

    Raises:
        UsageError: Another process holds the lock, or this one already does.
        JournalError: The file system does not lock.
        OSError: A file cannot be created.
    """
    (folder / _LOCK).touch(mode=0o600)
    try:
        connection = _try_lock(folder, _LOCK_TIMEOUT)
    except sqlite3.Error as error:
        raise JournalError(
            f"the run in {folder} cannot be locked: {error}",
            cause="the file named lock is damaged, or its file system has no locks",
            remedy="remove that file, or name another folder with --run-dir",
        ) from error
    if connection is None:
        pid = owner(folder)
        process = "another process" if pid is None else f"process {pid}"
        raise UsageError(
            f"the run in {folder} is in use by {process}",
            cause="one process at a time can work on a run",
            remedy="wait until that process ends, or end it",
        )
    pid_file = folder / _PID
    with closing(connection):
        private_files.write(pid_file, str(os.getpid()).encode())
        try:
            yield
        finally:
            # On Windows it cannot be removed while another process reads it. It counts only while the lock is held.
            with suppress(OSError):
                pid_file.unlink()


def is_in_use(folder: Path) -> bool:
    """Whether a process works on a run, this one included."""
    if not (folder / _LOCK).exists():
        return False
    try:
        connection = _try_lock(folder, timeout=0)
    except sqlite3.Error:
        return False
    if connection is not None:
        connection.close()
    return connection is None


def owner(folder: Path) -> int | None:
    """Return the ID of the process that works on a run that is in use; None if it has not written it yet."""
    try:
        return int(private_files.read(folder / _PID))
    except (OSError, ValueError):
        return None


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what the operating system says of a run's folder into an error of pallink's.

    Raises:
        UsageError: Another user can change the folder or a file in it.
        JournalError: The folder or a file in it cannot be used.
    """
    try:
        yield
    except UnsafeFileError as error:
        raise UsageError(
            f"the run's folder cannot be used: {error}",
            cause="another user could change what the run has recorded",
            remedy="let no other user change it, or name another folder with --run-dir",
            command=error.command,
        ) from error
    except OSError as error:
        raise JournalError(
            f"the journal cannot be used: {os_reason(error)}",
            cause=f"it is {folder / JOURNAL}",
            remedy="check the folder and the space on its disk, or name another one with --run-dir",
        ) from error


def _has_journal(folder: Path) -> bool:
    return os.path.lexists(folder / JOURNAL)


def _try_lock(folder: Path, timeout: float) -> sqlite3.Connection | None:
    """Return a connection that holds the lock until it is closed; None if another one holds it.

    SQLite locks a file on every operating system, and writes nothing to this one. No other code may open the file:
    POSIX releases a process's locks on a file when the process closes any descriptor of it, for which SQLite alone
    makes allowance.

    Raises:
        sqlite3.Error: It cannot be locked for another reason.
    """
    connection = sqlite3.connect(folder / _LOCK, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        # Else SQLite creates a file of its own beside it, which a full disk does not allow.
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        connection.close()
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return None
        raise
    return connection
