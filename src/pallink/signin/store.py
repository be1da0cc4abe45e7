"""Which sign-ins `pallink login` kept: one small file for each, in the user's data folder. No token is in them.

The tokens are in azure-identity's own cache, under the name that `cache_name` gives.
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
from pallink.clouds import SANDBOX
from pallink.errors import SignInError
from pallink.signin import StoredSignIn

log = logging.getLogger("pallink")

_VERSION = 1
_ID = re.compile(r"[0-9a-f]{32}")
_OWNER_DIGITS = 8


class SignInStore:
    """The sign-ins in one folder. Safe to use from several processes at once: no file is ever changed in place.

    Args:
        folder: where the files are, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._signed_out = folder / "signed-out"
        # Two folders share one token cache of the operating system; an ID tells whose each entry is.
        self.prefix = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:_OWNER_DIGITS]

    def all(self) -> tuple[StoredSignIn, ...]:
        """Every sign-in that can be read. A broken file is passed over: nobody can sign in with it anyway."""
        try:
            paths = sorted(self._folder.glob("*.json"))
        except OSError:
            return ()
        return tuple(found for path in paths if (found := _read(path)) is not None)

    def new_id(self) -> str:
        """An ID that nobody else uses."""
        return self.prefix + secrets.token_hex((32 - _OWNER_DIGITS) // 2)

    def save(self, stored: StoredSignIn) -> None:
        """Keep a sign-in.

        Raises:
            SignInError: the folder cannot be written.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # mkstemp makes a file that only its owner can read. Moved into place, nobody ever sees half of it.
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"version": _VERSION, **asdict(stored)}, file, indent=2)
            Path(name).replace(self._path(stored))
            self._signed_out.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def remove(self, stored: StoredSignIn) -> None:
        """Forget a sign-in. That it is gone already is no error."""
        try:
            self._path(stored).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    @property
    def signed_out(self) -> bool:
        """Whether somebody signed out and nobody has signed in since."""
        return self._signed_out.exists()

    def sign_out(self) -> None:
        """Remember that somebody signed out: in the sandbox, where everybody may sign in, it would not show."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._signed_out.touch()
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def _path(self, stored: StoredSignIn) -> Path:
        return self._folder / f"{stored.id}.json"


def store_for(cloud: str) -> SignInStore:
    """The sign-ins of the sandbox, beside its world, or those of all other clouds.

    `PALLINK_HOME` says where the latter are; without it they are in the user's data folder.
    """
    if cloud == SANDBOX:
        from pallink import sandbox  # noqa: PLC0415

        return SignInStore(sandbox.home() / "sign-ins")
    home = os.environ.get("PALLINK_HOME")
    return SignInStore((Path(home) if home else platformdirs.user_data_path("pallink", appauthor=False)) / "sign-ins")


def cache_name(identifier: str) -> str:
    """The name of the token cache of one sign-in: its own, so that it can be removed without touching any other's."""
    return f"pallink-{identifier}"


def _read(path: Path) -> StoredSignIn | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if found.pop("version") != _VERSION or found["id"] != path.stem or not _ID.fullmatch(path.stem):
            raise ValueError("not a sign-in of this version")  # noqa: TRY301 - one place says that it is of no use
        stored = StoredSignIn(**{**found, "kind": AccountKind(found["kind"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        log.info("the stored sign-in %s is of no use: %s", path, error)
        return None
    return stored


def _unwritable(folder: Path, error: OSError) -> SignInError:
    return SignInError(
        f"the stored sign-ins cannot be written: {error.strerror or error}",
        cause=f"they are in {folder}",
        remedy="make the folder writable, or name another one with the variable PALLINK_HOME",
    )
