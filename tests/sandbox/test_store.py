"""The file: made when it is needed, shared by many processes, and never replaced behind somebody's back."""

import os
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from pallink.sandbox import Request, Sandbox, SandboxStateError, home
from tests.exhaustive import combinations
from tests.sandbox.client import Client, document


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The sandbox's file, once it has been used."""
    client = Client(tmp_path)
    client.caller().partners("PUT", "719878")
    return tmp_path / "sandbox.sqlite3"


def problem_of(folder: Path) -> str:
    """Returns what every way into the sandbox says about its file."""
    sandbox = Sandbox(folder)
    messages = set()
    for use in (
        lambda: sandbox.handle(Request("GET", "https://sandbox.invalid/")),
        sandbox.describe,
        lambda: sandbox.set("provider", "absent"),
    ):
        with pytest.raises(SandboxStateError) as caught:
            use()
        assert caught.value.path == folder / "sandbox.sqlite3"
        messages.add(str(caught.value))
    (message,) = messages
    assert message.startswith(f"the sandbox's file {folder / 'sandbox.sqlite3'} ")
    assert not message.endswith(".")
    return message


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PALLINK_SANDBOX_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("PALLINK_SANDBOX_HOME")
    assert home().parts[-2:] == ("pallink", "sandbox")


def test_the_folder_is_made_at_the_first_use(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet"
    sandbox = Sandbox(folder)
    assert not folder.exists()
    assert sandbox.describe().path.parent == folder
    assert [each.name for each in folder.iterdir()] == ["sandbox.sqlite3"]


def test_state_is_kept_from_one_sandbox_to_the_next(tmp_path: Path) -> None:
    first, second = Client(tmp_path), Client(tmp_path)
    caller = first.caller()
    caller.partners("PUT", "719878")
    first.sandbox.set("version-type", "string")

    token = second.caller()  # Another session of the same account.

    assert document(token.partners("GET"))["properties"]["version"] == "1"


def test_an_empty_file_is_seeded(tmp_path: Path) -> None:
    (tmp_path / "sandbox.sqlite3").touch()
    assert Sandbox(tmp_path).describe().tenants


@pytest.mark.parametrize("content", [b"hi", b"not a database at all " * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_corrupt_file_is_reported_and_left_alone(file: Path, content: bytes) -> None:
    file.write_bytes(content)

    assert "is corrupt" in problem_of(file.parent)
    assert file.read_bytes() == content


def test_a_file_that_lost_its_end_is_reported_and_reset(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])
    problem_of(file.parent)

    Sandbox(file.parent).reset()

    assert Sandbox(file.parent).describe().links == ()


@pytest.mark.parametrize("statement", ["DELETE FROM world", "UPDATE world SET document = '{}'", "DROP TABLE link"])
def test_a_file_that_was_tampered_with_is_reported(file: Path, statement: str) -> None:
    change(file, statement)
    sandbox = Sandbox(file.parent)
    with pytest.raises(SandboxStateError):
        sandbox.describe()
    sandbox.reset()
    assert sandbox.describe().links == ()


def test_a_setting_that_cannot_be_is_reported(file: Path) -> None:
    change(file, "INSERT INTO setting VALUES ('provider', 'perhaps')")
    with pytest.raises(SandboxStateError, match="invalid value 'perhaps' for provider"):
        Sandbox(file.parent).describe()


def test_a_file_of_another_version_is_reported_and_left_alone(file: Path) -> None:
    change(file, "PRAGMA user_version = 99")
    content = file.read_bytes()

    assert "was made by another version: it has schema 99" in problem_of(file.parent)
    assert file.read_bytes() == content
    Sandbox(file.parent).reset()
    assert Sandbox(file.parent).describe().tenants


def test_somebody_elses_database_is_reported(tmp_path: Path) -> None:
    change(tmp_path / "sandbox.sqlite3", "CREATE TABLE diary (entry TEXT)")
    assert "was made by another version" in problem_of(tmp_path)


def change(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


@pytest.mark.skipif(os.name != "posix", reason="Windows has access lists instead of modes")
def test_what_other_users_can_change_is_reported(file: Path) -> None:
    for path, mode in ((file.parent, 0o777), (file.parent, 0o775), (file, 0o620), (file, 0o602)):
        usual = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode)
        assert f"cannot be used: {path} can be changed by other users" in problem_of(file.parent)
        with pytest.raises(SandboxStateError, match="can be changed by other users"):
            Sandbox(file.parent).reset()
        path.chmod(usual)
    assert Sandbox(file.parent).describe().links


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file to another user")
def test_what_belongs_to_another_user_is_reported(file: Path) -> None:
    for path in (file, file.parent):
        os.chown(path, 12345, 12345)
        assert f"cannot be used: {path} belongs to another user" in problem_of(file.parent)
        os.chown(path, 0, 0)


@pytest.mark.skipif(os.name != "posix", reason="Windows has access lists instead of modes")
def test_the_file_is_its_owners_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = Sandbox(tmp_path / "a" / "b").describe().path
        Sandbox(tmp_path / "a" / "b").environment("certificate")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(kept.stat().st_mode) for kept in path.parent.iterdir()} == {0o600}
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]


def test_a_home_that_is_a_file_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.write_text("mine")

    assert "cannot be created" in problem_of(folder)
    with pytest.raises(SandboxStateError, match="cannot be created"):
        Sandbox(folder).reset()
    assert folder.read_text() == "mine"


def test_a_folder_in_the_place_of_the_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "sandbox.sqlite3").mkdir()
    assert "cannot be opened" in problem_of(tmp_path)
    with pytest.raises(SandboxStateError, match="cannot be opened"):
        Sandbox(tmp_path).reset()


def test_a_database_that_cannot_be_written_can_be_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # True of root as well, whom no permission stops: every connection is opened for reading only.
    sandbox, caller = Sandbox(file.parent), Client(file.parent).caller()
    connect = sqlite3.connect

    def connect_for_reading(path: Path, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(f"{path.as_uri()}?mode=ro", uri=True, **options)  # type: ignore[call-overload]
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_for_reading)
    assert sandbox.describe().links[0].version == 1
    assert caller.partners("GET").status == 200
    for write in (lambda: caller.partners("PATCH", "719878"), lambda: sandbox.set("provider", "absent"), sandbox.reset):
        with pytest.raises(SandboxStateError, match="cannot be written"):
            write()


def test_reset_starts_over(file: Path) -> None:
    sandbox = Sandbox(file.parent)
    sandbox.set("provider", "absent")
    assert sandbox.describe().links

    sandbox.reset()

    described = sandbox.describe()
    assert described.links == ()
    assert [each.value for each in described.settings] == [each.allowed[0] for each in described.settings]


def test_reset_replaces_a_corrupt_file_and_deletes_nothing_else(file: Path) -> None:
    file.write_bytes(b"not a database")
    for suffix in ("-journal", "-wal", "-shm"):
        file.with_name(file.name + suffix).write_bytes(b"not a database either")
    beside = {file.with_name("notes.txt"), file.with_name("sandbox.sqlite3.backup")}
    for each in beside:
        each.write_text("mine")

    Sandbox(file.parent).reset()

    assert Sandbox(file.parent).describe().links == ()
    assert set(file.parent.iterdir()) == {file, *beside}
    assert {each.read_text() for each in beside} == {"mine"}


def test_a_request_that_fails_within_changes_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(file.parent)
    caller = client.caller()
    before = document(caller.partners("GET"))

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr("pallink.sandbox.arm.management_partner._success", fail)
        with pytest.raises(ZeroDivisionError):
            caller.partners("PATCH", "6183402")

    assert document(caller.partners("GET")) == before


USE_THE_SANDBOX = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from tests.sandbox.client import Client, document
client = Client(Path(sys.argv[1]))
caller = client.caller()
for _ in range(5):
    assert caller.partners("PUT", "719878").status in {200, 409}
    document(caller.partners("PATCH", "6183402"))
"""


@pytest.mark.parametrize("count", combinations([4, 12], default=lambda count: count == 4))
def test_many_processes_at_once_first_use_included(tmp_path: Path, count: int) -> None:
    repository = Path(__file__).parents[2]
    command = [sys.executable, "-c", USE_THE_SANDBOX, str(tmp_path / "home"), str(repository), str(repository / "src")]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(count)
    ]
    outputs = [process.communicate()[0] for process in processes]

    assert [process.returncode for process in processes] == [0] * count, outputs
    (link,) = Sandbox(tmp_path / "home").describe().links
    assert link.version == 1 + count * 5  # One PUT took effect, and no PATCH was lost.


def test_many_threads_at_once(tmp_path: Path) -> None:
    client = Client(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        callers = list(pool.map(lambda _: client.caller(), range(8)))
        statuses = list(pool.map(lambda caller: caller.partners("PUT", "719878").status, callers))
    assert sorted(statuses) == [200] + [409] * 7
