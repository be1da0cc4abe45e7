"""The token caches of stored sign-ins: one for each, beside its file, encrypted by the operating system.

azure-identity works on a cache in memory, which pallink reads before and keeps afterwards. The persistence that comes
with azure-identity writes files in place, and waits for the lock files of processes that were killed.
"""

import errno
import json
import logging
import sys
import tempfile
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from msal import SerializableTokenCache, TokenCache  # type: ignore[import-untyped]

from pallink import private_files
from pallink.account import account_changed, account_from_token
from pallink.errors import SignInError

log = logging.getLogger("pallink")

_PLAIN_TEXT = ".tokens"
# On Windows the encrypted tokens, elsewhere an empty file that says that the keyring has some.
_ENCRYPTED = ".encrypted"


class AccountTokenCache(SerializableTokenCache):  # type: ignore[misc]  # msal has no types
    """A token cache of one account: it takes in no token of another one.

    msal would put the refresh token of a response in place of the one that was sent, for whichever account it is.
    """

    def add(self, event: Mapping[str, Any], **options: Any) -> None:
        """Take in the tokens of a response.

        Raises:
            WrongAccountError: They are those of another account than before.
        """
        owner, response = user_in(self), event.get("response", {})
        found = _home_account_id(response.get("client_info"))
        if owner is not None and found is not None and found != owner[0]:
            raise account_changed(owner[1], account_from_token(response.get("access_token", "")))
        super().add(event, **options)


def can_encrypt() -> bool:
    """Return whether this machine can encrypt tokens. On Linux that needs libsecret and an unlocked keyring."""
    try:
        # msal-extensions creates the folder, which a sign-in that fails should not.
        with tempfile.TemporaryDirectory() as folder:
            _persistence(Path(folder) / f"any{_ENCRYPTED}")
    except Exception:  # noqa: BLE001 - any exception of the operating system's libraries means no
        return False
    return True


def load(folder: Path, identifier: str, *, plain_text: bool) -> AccountTokenCache | None:
    """Return a sign-in's cache; None if it is gone or damaged.

    Raises:
        OSError: It cannot be read, or another user can change it.
        Exception: Any other of the operating system's keyring.
    """
    path = _path(folder, identifier, plain_text=plain_text)
    try:
        content = private_files.read(path).decode(errors="replace") if plain_text else _persistence(path).load()
    except OSError as error:
        # msal-extensions' PersistenceNotFound is no FileNotFoundError.
        if error.errno == errno.ENOENT:
            return None
        raise
    cache = AccountTokenCache()
    try:
        cache.deserialize(content)
        # msal takes any JSON, and fails at the first search in what is not an object.
        list(cache.search(TokenCache.CredentialType.ACCOUNT))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        log.info("the tokens in %s are damaged: %s", path, error)
        return None
    return cache


def save(folder: Path, identifier: str, cache: Any, *, plain_text: bool) -> None:
    """Keep a sign-in's cache. Callers hold the lock of the folder's store.

    Raises:
        OSError: It cannot be written.
    """
    path = _path(folder, identifier, plain_text=plain_text)
    content = cache.serialize()
    if plain_text:
        private_files.write(path, content.encode())
        return
    try:
        if sys.platform == "win32":
            draft = path.with_suffix(".tmp")
            _persistence(draft).save(content)
            private_files.replace(draft, path)
        else:
            # First the file by which the keyring's entry is found and removed.
            path.touch(mode=0o600)
            _persistence(path).save(content)
    except OSError:
        raise
    except Exception as error:  # those of the operating system's keyring
        raise OSError(str(error)) from error


def remove(folder: Path, identifier: str) -> None:
    """Remove a sign-in's cache with its tokens. Callers hold the lock of the folder's store.

    Raises:
        SignInError: The keyring cannot be reached: its tokens are still there.
        OSError: A file cannot be removed.
    """
    _path(folder, identifier, plain_text=True).unlink(missing_ok=True)
    path = _path(folder, identifier, plain_text=False)
    if not path.exists():
        return
    try:
        persistence = _persistence(path)
        # Not every system can remove a keychain entry, but all can empty it.
        persistence.save("{}")
        agent = getattr(persistence, "_agent", None)
        if agent is not None:
            agent.clear()
    except Exception as error:
        raise SignInError(
            "the tokens of a stored sign-in cannot be removed",
            cause="the operating system's keyring cannot be reached, as in a remote session",
            remedy="run the command where the sign-in was made",
            command="pallink logout --all",
        ) from error
    path.unlink(missing_ok=True)


def remove_orphans(folder: Path, identifiers: Collection[str]) -> None:
    """Remove the caches of all but these sign-ins: those of interrupted and replaced ones. Callers hold the lock.

    Raises:
        SignInError: The keyring cannot be reached: its tokens are still there.
        OSError: A file cannot be removed.
    """
    found = {path.stem for suffix in (_PLAIN_TEXT, _ENCRYPTED) for path in folder.glob(f"*{suffix}")}
    for identifier in sorted(found.difference(identifiers)):
        remove(folder, identifier)


def user_in(cache: Any) -> tuple[str, str] | None:
    """Return home account ID and user name of the user in a cache, or None for an application."""
    for account in cache.search(TokenCache.CredentialType.ACCOUNT):
        return account["home_account_id"], account["username"]
    return None


def home_account_id_of(cache: Any, token: str) -> str | None:
    """Return the home account ID of the user whose access token this is, by the cache; None if it does not say."""
    entries = list(cache.search(TokenCache.CredentialType.ACCESS_TOKEN))
    return next((entry.get("home_account_id") for entry in entries if entry.get("secret") == token), None)


def _home_account_id(client_info: object) -> str | None:
    """Return the home account ID in the `client_info` of a response; None if it has none."""
    try:
        text = str(client_info)
        info = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return f"{info['uid']}.{info['utid']}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _path(folder: Path, identifier: str, *, plain_text: bool) -> Path:
    return folder / f"{identifier}{_PLAIN_TEXT if plain_text else _ENCRYPTED}"


def _persistence(path: Path) -> Any:
    """Return the way to the encrypted content of a file, or that of the keyring's entry that the file stands for.

    Raises:
        Exception: The operating system cannot encrypt.
    """
    import msal_extensions  # type: ignore[import-untyped]  # noqa: PLC0415 - only where sign-ins are stored

    if sys.platform == "win32":
        return msal_extensions.FilePersistenceWithDataProtection(str(path))
    if sys.platform == "darwin":
        return msal_extensions.KeychainPersistence(str(path), "pallink", path.stem)
    return msal_extensions.LibsecretPersistence(str(path), "pallink", {"sign-in": path.stem}, label="pallink")
