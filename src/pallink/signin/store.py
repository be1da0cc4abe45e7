"""The stored sign-ins: one small JSON file for each account in a tenant and cloud, in the user's data folder.

The tokens are not in these files but in a token cache beside them, which has the sign-in's ID as its name. A sign-in
takes effect when its file is moved into place, also that of an earlier one of the same account.
"""

import hashlib
import json
import logging
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_type_hints

import platformdirs

from pallink import private_files
from pallink.account import AccountKind
from pallink.clouds import CLOUDS
from pallink.errors import SignInError
from pallink.os_errors import os_reason
from pallink.private_files import UnsafeFileError
from pallink.signin import SignInMethod, StoredSignIn

log = logging.getLogger("pallink")

_VERSION = 2
_ID = re.compile(r"[0-9a-f]{32}")
# Seconds. The lock is held while a few files are written.
_LOCK_TIMEOUT = 10.0


class SignInStore:
    """Store sign-ins in a folder. Several processes can use it at the same time.

    Reading needs no lock: no file is changed in place.

    Attributes:
        folder: The folder of the files. It is created when it is needed.
        is_emulated: Whether it is an emulator's, whose users sign in without a prompt.
    """

    def __init__(self, folder: Path, *, is_emulated: bool = False) -> None:
        self.folder = folder
        self.is_emulated = is_emulated
        self._signed_out = folder / "signed-out"

    def all(self) -> tuple[StoredSignIn, ...]:
        """Return every sign-in that can be read. Damaged files are skipped and logged.

        Raises:
            SignInError: Another user can change the folder or a file.
        """
        try:
            private_files.check(self.folder)
            paths = sorted(self.folder.glob("*.json"))
            return tuple(stored for path in paths if (stored := _read(path)) is not None)
        except UnsafeFileError as error:
            raise unsafe(error) from error
        except OSError:
            return ()

    def current(self, stored: StoredSignIn) -> StoredSignIn | None:
        """Return what is stored now for the same account, tenant and cloud; None after a sign-out.

        Raises:
            SignInError: Another user can change the folder or the file.
        """
        try:
            return _read(self._path(stored))
        except UnsafeFileError as error:
            raise unsafe(error) from error

    @staticmethod
    def new_id() -> str:
        """Return a new, unique ID."""
        return secrets.token_hex(16)

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the store's lock for changes to its files, and create the folder where it is missing.

        The operating system releases the lock when the process ends, even if it was killed. Files that an interrupted
        change left behind are removed.

        Raises:
            SignInError: A file cannot be written, also in the block, another user can change the folder, or another
                process holds the lock.
        """
        import sqlite3  # noqa: PLC0415 - few commands change anything

        lock = self.folder / "lock"
        try:
            private_files.make_folder(self.folder)
            lock.touch(mode=0o600)
            # SQLite locks a file on every operating system. It writes nothing to this one.
            with closing(sqlite3.connect(lock, timeout=_LOCK_TIMEOUT, isolation_level=None)) as connection:
                connection.execute("BEGIN EXCLUSIVE")
                for left_over in self.folder.glob("*.tmp"):
                    left_over.unlink(missing_ok=True)
                yield
        except UnsafeFileError as error:
            raise unsafe(error) from error
        except sqlite3.Error as error:
            raise SignInError(
                f"the stored sign-ins cannot be locked: {error}",
                cause=f"another process is changing those in {self.folder}, or has been stopped while it did",
                remedy="end that process, and try again",
            ) from error
        except OSError as error:
            raise SignInError(
                f"the stored sign-ins cannot be written: {os_reason(error)}",
                cause=f"they are in {self.folder}",
                remedy="make the folder writable, or set PALLINK_HOME to another one",
            ) from error

    def save(self, stored: StoredSignIn) -> None:
        """Store a sign-in, in place of an earlier one of the same account, tenant and cloud. Callers hold the lock.

        Raises:
            OSError: The folder cannot be written.
        """
        document = {"version": _VERSION, **asdict(stored)}
        private_files.write(self._path(stored), json.dumps(document, indent=2).encode())
        self.mark_signed_in()

    def remove(self, stored: StoredSignIn) -> None:
        """Remove a sign-in. One that is gone already is not an error. Callers hold the lock.

        Raises:
            OSError: The folder cannot be written.
        """
        self._path(stored).unlink(missing_ok=True)

    @property
    def is_signed_out(self) -> bool:
        """Whether the last change was to sign out, and no sign-in was stored since."""
        return self._signed_out.exists()

    def mark_signed_out(self) -> None:
        """Record that the user signed out. Without it the sandbox, which needs no password, would sign in again.

        Raises:
            OSError: The folder cannot be written.
        """
        self._signed_out.touch(mode=0o600)

    def mark_signed_in(self) -> None:
        """Let the sandbox's users sign in by themselves again; harmless where they do.

        Raises:
            OSError: The folder cannot be written.
        """
        self._signed_out.unlink(missing_ok=True)

    def _path(self, stored: StoredSignIn) -> Path:
        # One name for each account, tenant and cloud: two logins cannot store it twice.
        name = hashlib.sha256("\n".join(stored.key).encode()).hexdigest()[:32]
        return self.folder / f"{name}.json"


def store_for(cloud: str) -> SignInStore:
    """Return the store of a cloud: an emulator has its own, beside its files; all other clouds share one.

    `PALLINK_HOME` sets the folder of the shared one. The default is the user's data folder.
    """
    known = CLOUDS.get(cloud)
    if known is not None and known.emulator is not None:
        return SignInStore(known.emulator.home() / "sign-ins", is_emulated=True)
    home = os.environ.get("PALLINK_HOME")
    return SignInStore((Path(home) if home else platformdirs.user_data_path("pallink", appauthor=False)) / "sign-ins")


def all_stores() -> list[SignInStore]:
    """Return every store: the one of real clouds, and one for each emulator."""
    return [store_for(""), *(store_for(cloud.name) for cloud in CLOUDS.values() if cloud.emulator is not None)]


def unsafe(error: UnsafeFileError) -> SignInError:
    """Return the error for a folder or file of stored sign-ins that another user can change."""
    return SignInError(
        f"the stored sign-ins cannot be used: {error}",
        cause="another user could sign you in to an account of their choice",
        remedy="let no other user change it, or set PALLINK_HOME to another folder",
        command=error.command,
    )


def _read(path: Path) -> StoredSignIn | None:
    """Return the sign-in in a file, or None if it is missing or damaged.

    Raises:
        UnsafeFileError: Another user can change the file.
    """
    try:
        document: dict[str, Any] = json.loads(private_files.read(path))
        if document.pop("version") != _VERSION or not _ID.fullmatch(document["id"]):
            raise ValueError("not a sign-in of this version")  # noqa: TRY301 - logged with the other reasons below
        return _checked(StoredSignIn(**{**document, "kind": AccountKind(document["kind"])}))
    except UnsafeFileError:
        raise
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        log.info("skipping the stored sign-in %s: %s", path, error)
        return None


def _checked(stored: StoredSignIn) -> StoredSignIn:
    """Return a sign-in that this version could have stored.

    Raises:
        ValueError: The method is unknown, as that of a later version.
        TypeError: A value is of another type.
    """
    SignInMethod(stored.auth)
    for name, kind in get_type_hints(StoredSignIn).items():
        if not isinstance(getattr(stored, name), kind):
            raise TypeError(f"{name} is of another type")
    return stored
