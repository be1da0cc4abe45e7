"""The journal of a run: nothing that was recorded is lost, and nothing else is taken for a record."""

import errno
import io
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from hypothesis import given, strategies as st

from pallink.errors import JournalError, PallinkError, UsageError
from pallink.fleet import run_folder
from pallink.fleet.journal import Journal
from pallink.fleet.run_folder import new_run_id, runs_folder
from pallink.fleet.run_state import DamagedJournalError, RunState, encode, replay
from pallink.fleet.runs import RunStatus, list_runs
from pallink.redact.secrets import Secrets
from tests.harness import full_disk

HEADER = {"file": "fleet.yaml", "entries": 2}
BEGUN = {
    "kind": "run",
    "version": 1,
    "time": "2026-11-26T20:45:12.000Z",
    "id": "20261126-204512-0000",
    "header": HEADER,
}
INTENT = {"kind": "intent", "entry": "a", "intent": {"partnerId": "719878"}}
OUTCOME = {"kind": "outcome", "entry": "a", "outcome": {"outcome": "created"}}

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="Windows has neither modes, FIFOs nor limits")

RECORDS = st.lists(
    st.tuples(st.sampled_from(["intent", "outcome"]), st.sampled_from("abc"), st.dictionaries(st.text(), st.text()))
)


@pytest.fixture(autouse=True)
def locks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folder, "_LOCK_TIMEOUT", 0)


def new_journal(second: int = 0, **named: Any) -> Journal:
    return Journal.create(HEADER, now=lambda: datetime(2026, 11, 26, 20, 45, second, tzinfo=UTC), **named)


def finish(journal: Journal, entry: str, outcome: str = "created") -> None:
    journal.intend(entry, {"partnerId": "719878"})
    journal.finish(entry, {"outcome": outcome})


def left_by_a_process(content: bytes, name: str = "20261126-204512-0000") -> Path:
    """Return the folder of a run whose journal has this content."""
    folder = runs_folder() / name
    folder.mkdir(mode=0o700, parents=True)
    (folder / "journal.jsonl").write_bytes(content)
    return folder


def path_of(journal: Journal) -> Path:
    return journal.folder / "journal.jsonl"


def replayed(journal: Journal) -> RunState:
    with path_of(journal).open("rb") as file:
        return replay(file)


def refused(kind: type[PallinkError], run: str | Path) -> PallinkError:
    with pytest.raises(kind) as caught:
        Journal.resume(run)
    assert caught.value.exit_code == (2 if kind is UsageError else 1)
    return caught.value


# What a journal says.


@given(RECORDS, st.data())
def test_any_prefix_says_what_was_completed_before_the_cut(
    records: list[tuple[str, str, dict[str, str]]], data: st.DataObject
) -> None:
    lines = [encode(BEGUN), *(encode({"kind": kind, "entry": entry, kind: body}) for kind, entry, body in records)]
    content = b"".join(lines)
    cut = data.draw(st.integers(0, len(content)))
    complete = content[:cut].count(b"\n")
    last = {entry: (kind, body) for kind, entry, body in records[: max(complete - 1, 0)]}
    assert replay(io.BytesIO(content[:cut])) == RunState(
        run_id="20261126-204512-0000" if complete else "",
        header=HEADER if complete else {},
        intents={entry: body for entry, (kind, body) in last.items() if kind == "intent"},
        outcomes={entry: body for entry, (kind, body) in last.items() if kind == "outcome"},
    )


def test_the_last_outcome_counts_and_a_new_intent_opens_the_entry_again() -> None:
    failed = {**OUTCOME, "outcome": {"outcome": "failed"}}
    state = replay([encode(record) for record in (BEGUN, INTENT, failed, OUTCOME)])
    assert (state.intents, state.outcomes) == ({}, {"a": {"outcome": "created"}})
    state = replay([encode(record) for record in (BEGUN, INTENT, OUTCOME, INTENT)])
    assert (state.intents, state.outcomes) == ({"a": {"partnerId": "719878"}}, {})


DAMAGED = {
    "half a line between others": ([encode(BEGUN), b'{"kind":"inte\n', encode(OUTCOME)], "line 2: not valid JSON"),
    "no JSON": ([encode(BEGUN), b"\0\0\0\n"], "line 2: not valid JSON"),
    "another encoding": ([encode(BEGUN), b'"\xff"\n'], "line 2: not valid JSON"),
    "too deep": ([encode(BEGUN), b"[" * 100_000 + b"\n"], "line 2: not valid JSON"),
    "a blank line": ([encode(BEGUN), b"\n"], "line 2: not valid JSON"),
    "another value": ([encode(BEGUN), b"[]\n"], "line 2: not a record"),
    "an unknown kind": ([encode(BEGUN), encode({"kind": "note"})], "line 2: unknown kind of record 'note'"),
    "no entry": (
        [encode(BEGUN), encode({"kind": "intent", "intent": {}})],
        "line 2: the record is incomplete or in the wrong place",
    ),
    "an outcome that is a text": (
        [encode(BEGUN), encode({**OUTCOME, "outcome": "created"})],
        "line 2: the record is incomplete or in the wrong place",
    ),
    "a second beginning": ([encode(BEGUN), encode(BEGUN)], "line 2: the record is incomplete or in the wrong place"),
    "no beginning": ([encode(INTENT)], "line 1: the record is incomplete or in the wrong place"),
    "another version": (
        [encode({**BEGUN, "version": 2})],
        "line 1: the journal has version 2, and this pallink reads version 1",
    ),
    "no version": (
        [encode({"kind": "run", "id": "a", "header": {}})],
        "line 1: the record is incomplete or in the wrong place",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_what_is_damaged_is_refused_with_its_line_and_listed(case: str) -> None:
    lines, problem = DAMAGED[case]
    with pytest.raises(DamagedJournalError) as caught:
        replay(lines)
    assert str(caught.value) == problem
    folder = left_by_a_process(b"".join(lines))
    error = refused(UsageError, folder.name)
    assert error.message == f"the run in {folder} cannot be resumed"
    assert error.cause == f"journal.jsonl, {problem}"
    assert (error.remedy, error.command) == ("start a new run, which reads the links first", None)
    (listed,) = list_runs()
    assert (listed.status, listed.problem, listed.totals) == (RunStatus.DAMAGED, problem, {})


@pytest.mark.parametrize("content", [b"", encode(BEGUN)[:-1]], ids=["nothing", "all but the line feed"])
def test_a_run_that_was_killed_as_it_began(content: bytes) -> None:
    folder = left_by_a_process(content)
    assert "line 1: incomplete, so nothing was sent" in str(refused(UsageError, folder).cause)
    assert list_runs()[0].status == RunStatus.DAMAGED


# Recording.


def test_what_is_recorded_can_be_resumed() -> None:
    with new_journal() as journal:
        journal.intend("a", {"partnerId": "719878"})
        assert replayed(journal).intents == {"a": {"partnerId": "719878"}}
        finish(journal, "b")
        recorded = replayed(journal)
    with Journal.resume(journal.run_id) as resumed:
        assert resumed.state == recorded
        assert (resumed.run_id, resumed.name, resumed.state.header) == (journal.run_id, journal.run_id, HEADER)
        resumed.finish("a", {"outcome": "unchanged"})
        assert (replayed(resumed).intents, set(replayed(resumed).outcomes)) == ({}, {"a", "b"})


def test_each_record_has_its_time_and_is_one_line_of_ascii() -> None:
    with new_journal() as journal:
        finish(journal, "anna\n\u2028\ud800é")
    lines = path_of(journal).read_bytes().decode("ascii").splitlines()
    assert [json.loads(line)["time"] for line in lines] == ["2026-11-26T20:45:00.000Z"] * 3


def test_many_threads_lose_nothing() -> None:
    def work(number: int) -> None:
        for entry in range(10):
            finish(journal, f"{number}-{entry}")

    with new_journal() as journal:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(replayed(journal).outcomes) == 160


def test_it_holds_no_secret() -> None:
    with new_journal() as journal, Secrets("Kx8~verysecret-indeed").active():
        journal.intend("a Kx8~verysecret-indeed", {"list": ["Kx8~verysecret-indeed"]})
        journal.finish("a", {"error": {"message": "Kx8~verysecret-indeed"}})
    with Secrets("Kx8~verysecret-indeed").active():
        folder = Journal.create({"file": "Kx8~verysecret-indeed.yaml"}).folder
    for path in (path_of(journal), folder / "journal.jsonl"):
        assert b"verysecret" not in path.read_bytes()
        assert b"[redacted]" in path.read_bytes()


def test_a_closed_journal_takes_no_record() -> None:
    journal = new_journal()
    journal.close()
    journal.close()
    with pytest.raises(ValueError, match="closed"):
        journal.intend("a", {})


def test_a_record_is_on_the_disk_before_the_call_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, int]] = []
    write, fsync = os.write, os.fsync

    def noted_write(descriptor: int, content: bytes) -> int:
        calls.append(("write", descriptor))
        return write(descriptor, content)

    def noted_fsync(descriptor: int) -> None:
        calls.append(("fsync", descriptor))
        fsync(descriptor)

    with new_journal() as journal:
        monkeypatch.setattr(os, "write", noted_write)
        monkeypatch.setattr(os, "fsync", noted_fsync)
        finish(journal, "a")
    assert [name for name, _ in calls] == ["write", "fsync"] * 2
    assert len({descriptor for _, descriptor in calls}) == 1


# A process that is killed, and a disk that is full.

RECORD = """
import os, signal, sys, threading
from pallink.fleet.journal import Journal

journal = Journal.create({"entries": 1000})
print(journal.run_id, flush=True)

def work(number):
    for entry in range(1000):
        journal.intend(f"{number}-{entry}", {"number": number})
        os.write(1, f"intent {number}-{entry}\\n".encode())
        journal.finish(f"{number}-{entry}", {"outcome": "created"})
        os.write(1, f"outcome {number}-{entry}\\n".encode())

threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
"""


@pytest.mark.parametrize("records", [1, 7, 40])
def test_nothing_is_lost_when_the_process_is_killed(records: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", RECORD], stdout=subprocess.PIPE)
    assert process.stdout
    run_id = process.stdout.readline().decode().strip()
    told = [process.stdout.readline() for _ in range(records)]
    process.kill()
    told += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    last = {entry: kind for kind, entry in (line.decode().split() for line in told if line.endswith(b"\n"))}
    with Journal.resume(run_id) as journal:
        recorded = dict.fromkeys(journal.state.intents, "intent") | dict.fromkeys(journal.state.outcomes, "outcome")
        # The process may have been killed after a record and before it said so.
        assert set(last) <= set(recorded)
        assert {entry for entry, kind in last.items() if kind == "outcome"} <= set(journal.state.outcomes)
        finish(journal, "one more")
        assert set(replayed(journal).outcomes) == {*journal.state.outcomes, "one more"}


DIE_WITHIN_A_LINE = """
import os, signal
from pallink.fleet.journal import Journal

write = os.write

def half(descriptor, content):
    if b"outcome" in content:
        write(descriptor, content[:len(content) // 2])
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    return write(descriptor, content)

os.write = half
journal = Journal.create({})
journal.intend("a", {"partnerId": "719878"})
journal.finish("a", {"outcome": "created"})
"""


def test_half_a_line_is_removed_before_the_next_record() -> None:
    assert subprocess.run([sys.executable, "-c", DIE_WITHIN_A_LINE], check=False).returncode != 0
    (listed,) = list_runs()
    path = listed.folder / "journal.jsonl"
    assert not path.read_bytes().endswith(b"\n")
    assert listed.status == RunStatus.UNFINISHED
    with Journal.resume("last") as journal:
        assert (journal.state.intents, journal.state.outcomes) == ({"a": {"partnerId": "719878"}}, {})
        journal.finish("a", {"outcome": "unchanged"})
    assert [json.loads(line)["kind"] for line in path.read_bytes().splitlines()] == ["run", "intent", "outcome"]


@POSIX_ONLY
def test_a_journal_that_was_removed_stops_the_run() -> None:
    with new_journal() as journal:
        path_of(journal).unlink()
        with pytest.raises(JournalError) as caught:
            finish(journal, "a")
    assert caught.value.message == "the run stops, because its journal was removed"
    assert caught.value.remedy == "start a new run, which reads the links first"
    assert caught.value.command is None


@POSIX_ONLY
@pytest.mark.parametrize("room", [0, 20], ids=["no room", "room for a part"])
def test_a_full_disk_stops_the_run_and_the_next_record_repairs_it(room: int) -> None:
    with new_journal() as journal:
        finish(journal, "a")
        before = replayed(journal).outcomes
        with full_disk(path_of(journal).stat().st_size + room), pytest.raises(JournalError) as caught:
            journal.finish("b", {"outcome": "created"})
        assert caught.value.exit_code == 1
        assert caught.value.message == "the run stops, because its journal cannot be written: file too large"
        assert str(path_of(journal)) in str(caught.value.cause)
        assert caught.value.command == f"pallink fleet apply --resume {journal.run_id}"
        assert caught.value.remedy == "free disk space, or fix what the error names, then resume the run"
        assert before == replayed(journal).outcomes
        finish(journal, "c")
        assert set(replayed(journal).outcomes) == {"a", "c"}


def test_a_record_that_could_not_be_flushed_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with new_journal() as journal:
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", fail)
            with pytest.raises(JournalError, match="no space left on device"):
                journal.intend("a", {})
        journal.intend("b", {})
        assert list(replayed(journal).intents) == ["b"]


@POSIX_ONLY
def test_a_disk_that_is_full_from_the_beginning_leaves_no_journal() -> None:
    folder = runs_folder() / "of-my-own"
    folder.mkdir(parents=True, mode=0o700)
    with full_disk(100), pytest.raises(JournalError, match="the journal cannot be used: file too large") as caught:
        new_journal(run_dir=folder)
    assert caught.value.exit_code == 1
    with new_journal(run_dir=folder) as journal:
        assert journal.name == str(folder)


# One process at a time.


@contextmanager
def held_by_another_process() -> Iterator[tuple[str, int]]:
    """Let another process hold a run in the block; yields the run's and the process's ID."""
    script = (
        "import sys; from pallink.fleet.journal import Journal; journal = Journal.create({'entries': 1});"
        "print(journal.run_id, flush=True); sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip(), process.pid


def test_a_run_that_is_in_use_is_refused_with_its_process() -> None:
    with held_by_another_process() as (run_id, pid):
        error = refused(UsageError, run_id)
        assert error.message == f"the run in {runs_folder() / run_id} is in use by process {pid}"
        assert error.remedy == "wait until that process ends, or end it"
        with pytest.raises(UsageError, match=f"in use by process {pid}"):
            new_journal(run_dir=runs_folder() / run_id)
        (listed,) = list_runs()
        assert (listed.status, listed.pid) == (RunStatus.RUNNING, pid)
        assert refused(UsageError, run_id).message == error.message, "to look does not take the lock away"
    with Journal.resume(run_id):
        assert list_runs()[0].pid == os.getpid()
    assert (list_runs()[0].status, list_runs()[0].pid) == (RunStatus.UNFINISHED, None)


def test_a_run_is_in_use_in_the_same_process_too() -> None:
    with new_journal() as journal:
        for _ in range(2):
            assert f"in use by process {os.getpid()}" in refused(UsageError, "last").message
        (journal.folder / "pid").write_text("?")
        assert "in use by another process" in refused(UsageError, "last").message


def test_a_lock_that_is_damaged() -> None:
    new_journal().close()
    folder = list_runs()[0].folder
    (folder / "lock").write_bytes(b"not a database, but long enough to be mistaken for one" * 50)
    error = refused(JournalError, "last")
    assert f"the run in {folder} cannot be locked: " in error.message
    assert "remove that file" in str(error.remedy)
    assert list_runs()[0].status == RunStatus.UNFINISHED


# Where runs are.


def test_ids_sort_by_the_time_of_the_start() -> None:
    times = [datetime(2026, 11, 26, 20, 45, 12, microsecond, tzinfo=UTC) for microsecond in (0, 16, 999_999)]
    assert [new_run_id(time) for time in times] == [f"20261126-204512-{part}" for part in ("0000", "0001", "ffff")]


def test_the_default_folder_is_in_the_user_s_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PALLINK_HOME")
    assert runs_folder() == platformdirs.user_state_path("pallink", appauthor=False) / "runs"


def test_the_last_run_is_the_newest() -> None:
    for second in (2, 3, 1):
        new_journal(second).close()
    (runs_folder() / "20261126-204559-0000").mkdir()
    with Journal.resume("last") as journal:
        assert journal.run_id == "20261126-204503-0000"


def test_a_run_in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with new_journal(run_dir=Path("my runs")) as journal:
        assert (journal.run_id, journal.name) == ("20261126-204500-0000", str(tmp_path / "my runs"))
    with pytest.raises(UsageError) as caught:
        new_journal(run_dir=Path("my runs"))
    assert caught.value.exit_code == 2
    assert caught.value.message == "my runs holds the journal of another run"
    assert caught.value.command == "pallink fleet apply --resume 'my runs'"
    with Journal.resume("my runs") as resumed:
        assert resumed.run_id == journal.run_id
    assert list_runs() == []


@pytest.mark.parametrize("run", ["20261126-204500-0000", "nowhere", ""])
def test_an_unknown_run(run: str) -> None:
    error = refused(UsageError, run)
    assert error.message == f"unknown run {run}"
    assert (error.remedy, error.command) == (
        "name one of these runs, or the folder of one",
        "pallink fleet runs",
    )
    assert not runs_folder().exists()


def test_no_run_to_resume() -> None:
    error = refused(UsageError, "last")
    assert error.message == "there is no run to resume"
    assert error.cause == f"{runs_folder()} holds none"
    assert (error.remedy, error.command) == ("start a run, or name the folder of one", None)


@POSIX_ONLY
@pytest.mark.parametrize("umask", [0, 0o077])
def test_nothing_can_be_read_by_other_users(umask: int) -> None:
    before = os.umask(umask)
    try:
        with new_journal() as journal:
            finish(journal, "a")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in journal.folder.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"journal.jsonl": 0o600, "lock": 0o600, "pid": 0o600}
    assert [stat.S_IMODE(path.stat().st_mode) for path in (journal.folder, runs_folder())] == [0o700, 0o700]


@POSIX_ONLY
@pytest.mark.parametrize("name", ["journal.jsonl", "."])
def test_what_another_user_can_change_is_refused(name: str) -> None:
    new_journal().close()
    path = list_runs()[0].folder / name
    path.chmod(0o777)
    error = refused(UsageError, "last")
    assert error.message == f"the run's folder cannot be used: {path} can be changed by other users"
    assert error.command == f"chmod go-w {path}"
    assert list_runs()[0].problem == f"{path} can be changed by other users"
    if name == ".":
        with pytest.raises(UsageError, match="can be changed by other users"):
            new_journal(run_dir=path)


@POSIX_ONLY
@pytest.mark.parametrize("kind", ["FIFO", "folder", "device"])
def test_what_is_no_file_is_refused_without_waiting(kind: str) -> None:
    path = left_by_a_process(b"") / "journal.jsonl"
    path.unlink()
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/null")
    error = refused(JournalError if kind == "folder" else UsageError, "last")
    assert ("is a directory" if kind == "folder" else "is not a regular file") in error.message
    assert list_runs()[0].status == RunStatus.DAMAGED
    with pytest.raises(UsageError, match="holds the journal of another run"):
        new_journal(run_dir=path.parent)


@POSIX_ONLY
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(JournalError, match="the journal cannot be used: permission denied") as caught:
        new_journal(run_dir=tmp_path / "run")
    tmp_path.chmod(0o700)
    assert "--run-dir" in str(caught.value.remedy)


# A list of the runs.


def test_runs_are_listed_from_the_newest_on() -> None:
    assert list_runs() == []
    with new_journal(1) as finished:
        finish(finished, "a")
        finish(finished, "b", "failed")
        finish(finished, "b", "unchanged")
    with new_journal(2) as unfinished:
        finish(unfinished, "a")
        unfinished.finish("b", {"outcome": "not-run"})
    with new_journal(3) as running:
        running.intend("a", {})
        listed = [run.as_dict() for run in list_runs()]
    common = {"file": "fleet.yaml", "entries": 2, "problem": None}
    assert listed == [
        {
            "run": "20261126-204503-0000",
            "folder": str(running.folder),
            "startedTime": "2026-11-26T20:45:03Z",
            "status": "running",
            "pid": os.getpid(),
            "done": 0,
            "totals": {},
            **common,
        },
        {
            "run": "20261126-204502-0000",
            "folder": str(unfinished.folder),
            "startedTime": "2026-11-26T20:45:02Z",
            "status": "unfinished",
            "pid": None,
            "done": 1,
            "totals": {"created": 1, "not-run": 1},
            **common,
        },
        {
            "run": "20261126-204501-0000",
            "folder": str(finished.folder),
            "startedTime": "2026-11-26T20:45:01Z",
            "status": "finished",
            "pid": None,
            "done": 2,
            "totals": {"created": 1, "unchanged": 1},
            **common,
        },
    ]


def test_a_header_that_says_nothing_is_no_error() -> None:
    left_by_a_process(encode({**BEGUN, "header": {"file": 1, "entries": "2"}}))
    (listed,) = list_runs()
    assert (listed.file, listed.entries, listed.status) == (None, None, RunStatus.UNFINISHED)
