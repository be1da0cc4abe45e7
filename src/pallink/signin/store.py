"""The stored sign-ins: one small JSON file for each, in the user's data folder.

The tokens are not in these files but in azure-identity's token cache, under the name that `cache_name` returns.
"""

import hashlib
import json
import logging
import os
import re
import secrets
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import platformdirs

from pallink.account import AccountKind
from pallink.clouds import CLOUDS
from pallink.errors import SignInError
from pallink.signin import StoredSignIn

log = logging.getLogger("pallink")

_VERSION = 1
_ID = re.compile(r"[0-9a-f]{32}")
_PREFIX_DIGITS = 8


class SignInStore:
    """Store sign-ins in a folder. Several processes can use it at the same time: no file is changed in place.

    Args:
        folder: The folder of the files. It is created when it is needed.
        is_emulated: Whether it is an emulator's, whose users sign in without a prompt.
    """

    def __init__(self, folder: Path, *, is_emulated: bool = False) -> None:
        self.is_emulated = is_emulated
        self._folder = folder
        self._signed_out = folder / "signed-out"
        # Token caches are in one place for all folders; the prefix of an ID identifies the folder.
        self.prefix = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:_PREFIX_DIGITS]

    def all(self) -> tuple[StoredSignIn, ...]:
        """Return every sign-in that can be read. Damaged files are skipped and logged."""
        try:
            paths = sorted(self._folder.glob("*.json"))
        except OSError:
            return ()
        return tuple(stored for path in paths if (stored := _read(path)) is not None)

    def new_id(self) -> str:
        """Return a new, unique ID."""
        return self.prefix + secrets.token_hex((32 - _PREFIX_DIGITS) // 2)

    def save(self, stored: StoredSignIn) -> None:
        """Store a sign-in.

        Raises:
            SignInError: The folder cannot be written.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # mkstemp creates the file for its owner alone. Moving it into place is atomic.
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"version": _VERSION, **asdict(stored)}, file, indent=2)
            Path(name).replace(self._path(stored))
            self._signed_out.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def remove(self, stored: StoredSignIn) -> None:
        """Remove a sign-in. One that is gone already is not an error.

        Raises:
            SignInError: The folder cannot be written.
        """
        try:
            self._path(stored).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    @property
    def is_signed_out(self) -> bool:
        """Whether the last change was to sign out, and no sign-in was stored since."""
        return self._signed_out.exists()

    def mark_signed_out(self) -> None:
        """Record that the user signed out. Without it the sandbox, which needs no password, would sign in again.

        Raises:
            SignInError: The folder cannot be written.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._signed_out.touch()
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def _path(self, stored: StoredSignIn) -> Path:
        return self._folder / f"{stored.id}.json"


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


def cache_name(identifier: str) -> str:
    """Return the name of a sign-in's token cache. Each has its own, which can be removed without touching others."""
    return f"pallink-{identifier}"


def _read(path: Path) -> StoredSignIn | None:
    try:
        document: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if document.pop("version") != _VERSION or document["id"] != path.stem or not _ID.fullmatch(path.stem):
            raise ValueError("not a sign-in of this version")  # noqa: TRY301 - logged with the other reasons below
        stored = StoredSignIn(**{**document, "kind": AccountKind(document["kind"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        log.info("skipping the stored sign-in %s: %s", path, error)
        return None
    return stored


def _unwritable(folder: Path, error: OSError) -> SignInError:
    return SignInError(
        f"the stored sign-ins cannot be written: {error.strerror or error}",
        cause=f"they are in {folder}",
        remedy="make the folder writable, or set PALLINK_HOME to another one",
    )
