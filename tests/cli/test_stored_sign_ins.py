"""Stored sign-ins among other processes and users: concurrent commands, a full disk, folders that others can change."""

import json
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pallink import private_files
from pallink.signin import store as store_module
from pallink.signin.store import store_for
from tests.cli.people import APPROVERS, CONTOSO, INVOICES, Desk
from tests.exhaustive import combinations
from tests.harness import Run, Traffic, full_disk

KEPT = "--allow-plain-text-cache"
POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="Windows has access lists instead of modes")

pytestmark = pytest.mark.usefixtures("no_keyring")


def start(*words: str) -> "subprocess.Popen[str]":
    """Start another process of pallink, on a machine without a keyring."""
    environ = {name: value for name, value in os.environ.items() if name != "DBUS_SESSION_BUS_ADDRESS"}
    command = [sys.executable, "-m", "pallink", *words, "--cloud", "sandbox"]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_another(*words: str) -> Run:
    process = start(*words)
    stdout, stderr = process.communicate()
    return Run(process.returncode, stdout, stderr)


def meanwhile(*words: str) -> Callable[..., requests.Response]:
    """Return a fault that runs another process before the request is handled."""

    def fault(_request: requests.PreparedRequest, handle: Callable[[], requests.Response]) -> requests.Response:
        done = run_another(*words)
        assert done.code == 0, done.stderr
        return handle()

    return fault


def folder() -> Path:
    return store_for("sandbox").folder


def tokens() -> list[Path]:
    return list(folder().glob("*.tokens"))


def entries(desk: Desk) -> list[tuple[str, str]]:
    return [(entry["account"], entry["tenantId"]) for entry in json.loads(desk.run("whoami --all -o json").stdout)]


def test_no_token_is_left_by_a_command_that_renews_during_logout(desk: Desk, traffic: Traffic) -> None:
    desk.sandbox.set("token-lifetime", "60")
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    traffic.fail("POST", "/oauth2/v2.0/token", meanwhile("logout"))
    assert desk.run("link 719878 --yes").code == 0, "it had its token when the other one signed out"
    assert entries(desk) == []
    assert tokens() == []
    assert desk.run("whoami").code == 4


def test_logout_removes_what_a_killed_login_left(desk: Desk) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    for name in (f"{'a' * 32}.tokens", f"{'b' * 32}.tokens.x.tmp"):
        (folder() / name).write_text("tokens")
    assert desk.run("logout").code == 0
    assert [path.name for path in folder().iterdir() if path.stat().st_size] == []


def test_a_renewed_token_does_not_replace_that_of_a_new_sign_in(desk: Desk, traffic: Traffic) -> None:
    desk.sandbox.set("token-lifetime", "60")
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    traffic.fail("POST", "/oauth2/v2.0/token", meanwhile("login", "--account", INVOICES, KEPT))
    assert desk.run("show").code == 3
    (kept,) = tokens()
    (record,) = folder().glob("*.json")
    assert json.loads(record.read_text())["id"] == kept.stem
    assert desk.run("whoami -o json").json["stored"] is True


def test_a_sign_in_that_is_replaced_while_a_command_begins_is_no_expired_one(desk: Desk, traffic: Traffic) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    traffic.fail("GET", "openid-configuration", meanwhile("login", "--account", INVOICES, KEPT))
    shown = desk.run("whoami -o json --tenant contoso.onmicrosoft.com")
    assert (shown.code, shown.json["stored"]) == (0, True), shown.stderr


def test_a_sign_in_that_is_removed_while_a_command_begins(desk: Desk, traffic: Traffic) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    traffic.fail("GET", "openid-configuration", meanwhile("logout"))
    refused = desk.run("whoami --tenant contoso.onmicrosoft.com")
    assert refused.code == 4
    assert f"the stored sign-in of {INVOICES} has expired" in refused.stderr
    assert "cause: its tokens are gone" in refused.stderr


@pytest.mark.parametrize("count", combinations([3, 8], default=lambda count: count == 3))
def test_parallel_commands_on_one_sign_in_all_succeed(desk: Desk, count: int) -> None:
    desk.sandbox.set("token-lifetime", "60")  # Each renews.
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    running = [start("whoami", "-o", "json") for _ in range(count)]
    for process in running:
        stdout, stderr = process.communicate()
        assert (process.returncode, json.loads(stdout or "{}").get("stored")) == (0, True), stderr
    assert desk.run("whoami").code == 0


@pytest.mark.parametrize("count", combinations([2, 6], default=lambda count: count == 2))
def test_racing_logins_leave_one_sign_in(desk: Desk, count: int) -> None:
    running = [start("login", "--account", INVOICES, KEPT) for _ in range(count)]
    for process in running:
        _, stderr = process.communicate()
        assert process.returncode == 0, stderr
    assert entries(desk) == [(INVOICES, CONTOSO)]
    assert len(tokens()) == 1
    assert desk.run("whoami -o json").json["stored"] is True


def test_a_login_during_a_login_leaves_one_sign_in(desk: Desk, traffic: Traffic) -> None:
    traffic.fail("POST", "/oauth2/v2.0/token", meanwhile("login", "--account", INVOICES, KEPT))
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    assert entries(desk) == [(INVOICES, CONTOSO)]
    assert len(tokens()) == 1
    assert desk.run("link 719878 --yes").code == 0


HOLD_AND_DIE = """
import os, signal, sys
from pallink.signin.store import store_for
with store_for("sandbox").change():
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""


def test_a_lock_does_not_outlive_its_process(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_LOCK_TIMEOUT", 0)
    done = subprocess.run([sys.executable, "-c", HOLD_AND_DIE], check=False)
    assert done.returncode != 0
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0


def test_a_lock_that_another_process_holds_is_an_error_of_its_own(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.sandbox.set("token-lifetime", "60")
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    monkeypatch.setattr(store_module, "_LOCK_TIMEOUT", 0)
    with store_for("sandbox").change():
        for command in (f"login --account {APPROVERS} {KEPT}", "logout"):
            refused = desk.run(command)
            assert refused.code == 4
            assert "the stored sign-ins cannot be locked: database is locked" in refused.stderr
            assert f"another process is changing those in {folder()}" in refused.stderr
        assert desk.run("link 719878 --yes").code == 0, "a renewed token need not be kept"
    assert desk.run("logout").code == 0


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return the suffixes of the files of which no more can be written: the disk is full then."""
    full: list[str] = []
    write = private_files.write

    def write_while_there_is_room(path: Path, content: bytes) -> None:
        if path.suffix not in full:
            write(path, content)
            return
        with full_disk():
            write(path, content)

    monkeypatch.setattr(private_files, "write", write_while_there_is_room)
    yield full
    assert full, "no write failed"


@POSIX_ONLY
@pytest.mark.parametrize("suffix", [".tokens", ".json"])
def test_a_login_on_a_full_disk_keeps_the_earlier_one(desk: Desk, writes: list[str], suffix: str) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    before = {path.name: path.read_bytes() for path in folder().iterdir()}
    writes.append(suffix)
    for account in (INVOICES, APPROVERS):
        refused = desk.run(f"login --account {account} {KEPT}")
        assert refused.code == 4
        assert "the stored sign-ins cannot be written: " in refused.stderr
        assert {path.name: path.read_bytes() for path in folder().iterdir()} == before
    assert desk.run("whoami -o json").json["stored"] is True


@POSIX_ONLY
def test_a_renewal_on_a_full_disk_holds_nothing_up(desk: Desk, writes: list[str]) -> None:
    desk.sandbox.set("token-lifetime", "60")
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    before = {path.name: path.read_bytes() for path in folder().iterdir()}
    writes.append(".tokens")
    for _ in range(2):
        done = desk.run("link 719878 --yes --verbose")
        assert done.code == 0
        assert f"could not keep the renewed tokens of {INVOICES}" in done.stderr
    assert {path.name: path.read_bytes() for path in folder().iterdir()} == before


@POSIX_ONLY
@pytest.mark.parametrize("pattern", [".", "*.json", "*.tokens"])
@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_what_other_users_can_change_is_not_used(desk: Desk, traffic: Traffic, pattern: str, mode: int) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    (path,) = folder().glob(pattern) if pattern != "." else [folder()]
    path.chmod(mode)
    traffic.sent.clear()
    refused = desk.run("link 719878 --yes")
    assert refused.code == 4
    assert f"the stored sign-ins cannot be used: {path} can be changed by other users" in refused.stderr
    assert traffic.sent == []
    (command,) = (line.strip() for line in refused.stderr.splitlines() if line.startswith("    "))
    subprocess.run(shlex.split(command), check=True)
    assert desk.run("link 719878 --yes").code == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("pattern", [".", "*.json", "*.tokens"])
def test_what_belongs_to_another_user_is_not_used(desk: Desk, pattern: str) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    (path,) = folder().glob(pattern) if pattern != "." else [folder()]
    os.chown(path, 12345, 12345)
    for command in (
        "link 719878 --yes",
        *(["logout", f"login {KEPT}", "whoami --all"] if pattern != "*.tokens" else []),
    ):
        refused = desk.run(command)
        assert refused.code == 4
        assert f"{path} belongs to another user" in refused.stderr
        assert "PALLINK_HOME" in refused.stderr


@POSIX_ONLY
def test_everything_is_its_owners_under_any_umask(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PALLINK_SANDBOX_HOME", str(tmp_path / "new" / "sandbox"))
    desk.sandbox.set("token-lifetime", "60")
    before = os.umask(0)
    try:
        assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
        assert desk.run("whoami").code == 0
        kept = list(folder().iterdir())
        assert desk.run("logout").code == 0
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (*kept, *folder().iterdir()) if path.exists()}
    assert "signed-out" in modes
    assert set(modes.values()) == {0o600}
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder(), *list(folder().parents)[:2])] == [0o700] * 3


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "7", '{"AccessToken": 7}', "\xff"])
def test_damaged_tokens_are_gone(desk: Desk, content: str) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    (kept,) = tokens()
    kept.write_text(content, encoding="latin-1")
    refused = desk.run("show")
    assert refused.code == 4, refused.stderr
    assert f"pallink login {KEPT} --cloud sandbox --account {INVOICES}" in refused.stderr
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    assert desk.run("show").code == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auth", "later-method"),
        ("account", 5),
        ("tenant_id", None),
        ("tenant", 7),
        ("object_id", []),
        ("plain_text", 1),
    ],
)
def test_a_sign_in_that_this_version_cannot_have_stored_is_skipped(desk: Desk, name: str, value: object) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    (path,) = folder().glob("*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    assert "sandbox-user (stored)" not in desk.run("whoami").stdout
    assert INVOICES not in desk.run("whoami --all").stdout
    for command in (f"whoami --account {INVOICES}", f"logout --tenant {CONTOSO}", "logout --all"):
        assert desk.run(command).code == 0, command


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
@pytest.mark.parametrize("pattern", ["*.json", "*.tokens"])
def test_a_fifo_among_the_sign_ins_holds_nothing_up(desk: Desk, pattern: str) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    (path,) = folder().glob(pattern)
    path.unlink()
    os.mkfifo(path, 0o600)
    refused = desk.run("show")
    assert refused.code == 4
    assert f"{path} is not a regular file" in refused.stderr


def test_a_folder_that_cannot_be_written_is_an_error_before_the_prompt(desk: Desk, traffic: Traffic) -> None:
    folder().write_text("a file")
    refused = desk.run(f"login --account {INVOICES} {KEPT}")
    assert refused.code == 4
    assert "the stored sign-ins cannot be written: " in refused.stderr
    assert traffic.sent == []


class Keyring:
    """As msal-extensions' LibsecretPersistence: the content is elsewhere, and the file says when it changed."""

    items: dict[str, str]
    is_locked = False

    def __init__(self, path: Path) -> None:
        if self.is_locked:
            raise ValueError("no keyring")
        self._path = path
        self._agent = self

    def save(self, content: str) -> None:
        self.items[self._path.stem] = content
        self._path.touch()

    def load(self) -> str:
        if self._path.stem not in self.items:
            raise FileNotFoundError(2, "not there")
        return self.items[self._path.stem]

    def clear(self) -> None:
        del self.items[self._path.stem]


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> type[Keyring]:
    """A keyring for the tests, since few machines that run them have one."""
    from pallink.azure.auth import token_cache  # noqa: PLC0415 - only these tests

    monkeypatch.setattr(Keyring, "items", {}, raising=False)
    monkeypatch.setattr(token_cache, "_persistence", Keyring)
    return Keyring


def test_a_keyring_holds_one_item_for_each_sign_in(desk: Desk, keyring: Any) -> None:
    desk.sandbox.set("token-lifetime", "60")
    for account in (INVOICES, APPROVERS, INVOICES):
        assert desk.run(f"login --account {account}").code == 0
    assert len(keyring.items) == 2
    before = dict(keyring.items)
    assert desk.run(f"whoami --account {INVOICES} -o json").json["stored"] is True
    assert keyring.items != before, "the renewed token was not kept"
    assert desk.run("logout --all").code == 0
    assert keyring.items == {}
    assert [path.name for path in folder().iterdir() if path.suffix] == []


def test_a_keyring_that_is_locked_keeps_its_sign_ins(desk: Desk, keyring: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.run(f"login --account {INVOICES}").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(keyring, "is_locked", True)
        refused = desk.run("logout")
        assert refused.code == 4
        assert "the tokens of a stored sign-in cannot be removed" in refused.stderr
        # In its place one in a file; the item waits for the next command that can reach it.
        assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
        assert desk.run("whoami -o json").json["stored"] is True
        assert len(keyring.items) == 1
        assert desk.run("logout").code == 4
    assert desk.run("logout").code == 0
    assert keyring.items == {}
