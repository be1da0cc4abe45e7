"""The journal of one run: what it is about to write, and what became of it.

A record is on the disk before the call that adds it returns. So a run that was killed at any moment can be resumed: an
entry with an outcome is done, and the write of one with only an intent may have been sent, which the service knows.
"""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pallink import private_files
from pallink.errors import JournalError, UsageError
from pallink.fleet.run_folder import JOURNAL, explained, find_run, locked, new_run_id, read_journal, runs_folder
from pallink.fleet.run_state import VERSION, DamagedJournalError, RunState, encode
from pallink.os_errors import os_reason
from pallink.redact.secrets import redact_all
from pallink.settings import DEFAULT_CLOUD, Settings

START_NEW_RUN = "start a new run, which reads the links first"
"""What to do about a run that cannot go on. There is no command for it: a journal does not name the selection."""

Clock = Callable[[], datetime]
"""Returns the current time, in UTC."""


def utc_now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)


class Journal:
    """Records a run. Safe to use from several threads; one process at a time has it open.

    Texts are redacted with the secrets that are active where a record is added.

    Attributes:
        folder: The run's folder.
        state: What the journal said when it was opened.
    """

    def __init__(
        self,
        folder: Path,
        descriptor: int,
        state: RunState,
        *,
        size: int,
        resources: ExitStack,
        now: Clock,
    ) -> None:
        """Use `create` or `resume`.

        Args:
            folder: The run's folder.
            descriptor: The journal, open for appending.
            state: What the journal says.
            size: The size of the journal's complete lines (bytes).
            resources: What is closed with the journal: its lock and the descriptor.
            now: Returns the time of a record.
        """
        self.folder = folder
        self.state = state
        self._descriptor = descriptor
        self._size = size
        # Whether there may be half a line behind the complete ones, left by a killed process or a full disk.
        self._may_be_cut = True
        self._resources = resources
        self._is_closed = False
        self._now = now
        self._mutex = threading.Lock()

    @classmethod
    def create(cls, header: Mapping[str, Any], *, run_dir: Path | None = None, now: Clock = utc_now) -> Self:
        """Begin a run.

        Args:
            header: What it takes to resume the run, of plain JSON types. `list_runs` shows `file`, the name of the
                fleet file, and `entries`, their number.
            run_dir: The run's folder; by default a new one in the user's state folder.
            now: Returns the current time.

        Raises:
            UsageError: The folder holds a journal, another process is beginning a run in it, or another user can
                change it.
            JournalError: The journal cannot be written.
        """
        run_id = new_run_id(now())
        folder = runs_folder() / run_id if run_dir is None else run_dir
        with explained(folder), ExitStack() as resources:
            private_files.make_folder(folder)
            resources.enter_context(locked(folder))
            descriptor = _create_file(folder, header)
            resources.callback(os.close, descriptor)
            journal = cls(folder, descriptor, RunState(run_id, header), size=0, resources=resources.pop_all(), now=now)
            try:
                journal._append("run", {"version": VERSION, "id": run_id, "header": redact_all(dict(header))})
            except BaseException:
                # Nothing is in it, and the next run may have the folder.
                journal.close()
                (folder / JOURNAL).unlink(missing_ok=True)
                raise
            _flush_folder(folder)
            _flush_folder(folder.parent)
            return journal

    @classmethod
    def resume(cls, run: str | Path, *, now: Clock = utc_now) -> Self:
        """Go on with a run that no process works on.

        Args:
            run: Its ID, `last` for the newest one, or its folder.
            now: Returns the current time.

        Raises:
            UsageError: There is no such run, a process works on it, its journal is damaged or of another version, or
                another user can change it.
            JournalError: The journal cannot be opened.
        """
        folder = find_run(run)
        with explained(folder), ExitStack() as resources:
            private_files.check(folder)
            resources.enter_context(locked(folder))
            descriptor = private_files.open_checked(folder / JOURNAL, os.O_RDWR | os.O_APPEND)
            resources.callback(os.close, descriptor)
            try:
                state, size = read_journal(descriptor)
            except DamagedJournalError as error:
                raise UsageError(
                    f"the run in {folder} cannot be resumed",
                    cause=f"{JOURNAL}, {error}",
                    remedy=START_NEW_RUN,
                ) from error
            return cls(folder, descriptor, state, size=size, resources=resources.pop_all(), now=now)

    @property
    def run_id(self) -> str:
        """The run's ID."""
        return self.state.run_id

    @property
    def name(self) -> str:
        """What `resume` takes from any working directory: the ID, or the folder of a run that is elsewhere."""
        return self.run_id if self.folder == runs_folder() / self.run_id else str(self.folder.absolute())

    @property
    def is_removed(self) -> bool:
        """Whether there is no such file any more. What is open can still be written to, and is of no use."""
        return not (self.folder / JOURNAL).exists()

    def intend(self, entry: str, intent: Mapping[str, Any]) -> None:
        """Record that a write is about to be sent. Send it only if this returns.

        Args:
            entry: What tells the entry apart in this run.
            intent: What is about to be written, of plain JSON types.

        Raises:
            JournalError: The record is not on the disk.
        """
        self._record("intent", {"entry": entry, "intent": dict(intent)})

    def finish(self, entry: str, outcome: Mapping[str, Any]) -> None:
        """Record what became of an entry, in place of an earlier outcome.

        Args:
            entry: What tells the entry apart in this run.
            outcome: Its result, of plain JSON types. `list_runs` counts its `outcome`.

        Raises:
            JournalError: The record is not on the disk.
        """
        self._record("outcome", {"entry": entry, "outcome": dict(outcome)})

    def close(self) -> None:
        """Release the run, after a record under way. It can be called twice."""
        with self._mutex:
            self._is_closed = True
            self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _record(self, kind: str, members: dict[str, Any]) -> None:
        if self.is_removed:
            raise JournalError(
                "the run stops, because its journal was removed",
                cause=f"pallink sends no write that is not recorded in {self.folder / JOURNAL}",
                remedy=START_NEW_RUN,
            )
        try:
            self._append(kind, redact_all(members))
        except OSError as error:
            raise JournalError(
                f"the run stops, because its journal cannot be written: {os_reason(error)}",
                cause=f"pallink sends no write that is not recorded in {self.folder / JOURNAL}",
                remedy="free disk space, or fix what the error names, then resume the run",
                command=_resume_command(self.name, self.state.header),
            ) from error

    def _append(self, kind: str, members: dict[str, Any]) -> None:
        time = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = encode({"kind": kind, "time": time, **members})
        with self._mutex:
            if self._is_closed:
                # Its descriptor may be that of another file by now.
                raise ValueError("the journal is closed")
            self._write(line)

    def _write(self, line: bytes) -> None:
        """Append a line and flush it to disk, in place of half a line that an earlier attempt left.

        The half line is removed, and no new line begun behind it: half a line between others would look like damage.
        A whole line that could not be flushed is removed as well, because its caller was told so.

        Each line is flushed by itself. On an ordinary disk that makes several hundred records a second, more than a
        run adds.
        """
        if self._may_be_cut:
            os.ftruncate(self._descriptor, self._size)
        self._may_be_cut = True
        written = os.write(self._descriptor, line)
        while written < len(line):
            # The disk is full, and this says so.
            written += os.write(self._descriptor, line[written:])
        os.fsync(self._descriptor)
        self._size += len(line)
        self._may_be_cut = False


def _resume_command(name: str, header: Mapping[str, Any]) -> str:
    """Return the command that goes on with a run in the cloud of its plan."""
    cloud = header.get("plan", {}).get("cloud", DEFAULT_CLOUD)
    return Settings(cloud).command("fleet", "apply", "--resume", name)


def _create_file(folder: Path, header: Mapping[str, Any]) -> int:
    """Return a new, empty journal's descriptor.

    Args:
        folder: The run's folder.
        header: What the run is begun with.

    Raises:
        UsageError: There is one already.
        OSError: It cannot be created.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
    try:
        return os.open(folder / JOURNAL, flags, 0o600)
    except FileExistsError as error:
        raise UsageError(
            f"{folder} holds the journal of another run",
            cause="each run has a folder of its own",
            remedy="name another folder with --run-dir, or resume that run",
            command=_resume_command(str(folder), header),
        ) from error


def _flush_folder(folder: Path) -> None:
    """Flush the names of a folder's files to disk, where the operating system and the file system can."""
    if os.name != "posix":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
