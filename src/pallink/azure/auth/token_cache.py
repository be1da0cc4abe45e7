"""The token caches of stored sign-ins: azure-identity's own, one for each sign-in, encrypted by the operating system.

azure-identity opens them, but has no interface to test whether it could, to read the account of one, or to remove one.
This module alone calls its private loader for that.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from azure.identity import TokenCachePersistenceOptions
from azure.identity._constants import CACHE_CAE_SUFFIX, CACHE_NON_CAE_SUFFIX
from azure.identity._persistent_cache import _get_persistence, _load_persistent_cache
from msal import TokenCache  # type: ignore[import-untyped]

from pallink.errors import SignInError

# azure-identity keeps tokens with continuous access evaluation (CAE) in a cache of their own.
_SUFFIXES = (CACHE_NON_CAE_SUFFIX, CACHE_CAE_SUFFIX)


def options(name: str, *, plain_text: bool) -> TokenCachePersistenceOptions:
    """Return a credential's options for a cache.

    Args:
        name: The name of the cache.
        plain_text: Whether it may be a file of mode 0600 if encryption is not available.
    """
    return TokenCachePersistenceOptions(name=name, allow_unencrypted_storage=plain_text)


def can_encrypt(name: str) -> bool:
    """Return whether this machine can encrypt tokens. On Linux that needs libsecret and an unlocked keyring."""
    try:
        _persistence(name, _SUFFIXES[0], plain_text=False)
    except Exception:  # noqa: BLE001 - any exception of the operating system's libraries means no
        return False
    return True


def account_in(name: str, *, plain_text: bool) -> tuple[str, str] | None:
    """Return home account ID and user name of the user in a cache, or None for an application."""
    cache: Any = _load_persistent_cache(options(name, plain_text=plain_text))
    for account in cache.search(TokenCache.CredentialType.ACCOUNT):
        return account["home_account_id"], account["username"]
    return None


def remove(name: str, *, plain_text: bool) -> None:
    """Remove a cache with its tokens.

    Raises:
        SignInError: The cache cannot be reached: its tokens are still there.
    """
    for suffix in _SUFFIXES:
        try:
            persistence = _persistence(name, suffix, plain_text=plain_text)
            location = Path(persistence.get_location())
            if location.exists():
                # Not every system can remove a keychain entry, but all can empty it.
                persistence.save("{}")
                agent = getattr(persistence, "_agent", None)
                if agent is not None:
                    agent.clear()
                location.unlink(missing_ok=True)
            location.with_name(location.name + ".lockfile").unlink(missing_ok=True)
        except Exception as error:
            raise SignInError(
                "the tokens of a stored sign-in cannot be removed",
                cause="the operating system's keyring cannot be reached from here, as in a remote session",
                remedy="run the command where the sign-in was made",
                command="pallink logout --all",
            ) from error


def names_with(prefix: str) -> Iterator[str]:
    """Yield the names of the caches that begin with `prefix`, including those of interrupted sign-ins."""
    for path in sorted(_folder().glob(f"{prefix}*")):
        for suffix in _SUFFIXES:
            if path.name.endswith(suffix):
                yield path.name.removesuffix(suffix)


def _persistence(name: str, suffix: str, *, plain_text: bool) -> Any:
    return _get_persistence(allow_unencrypted=plain_text, account_name="MSALCache", cache_name=name + suffix)


def _folder() -> Path:
    """Return the folder of azure-identity's caches, or of the files that represent them."""
    if sys.platform.startswith("win") and "LOCALAPPDATA" in os.environ:
        return Path(os.environ["LOCALAPPDATA"]) / ".IdentityService"
    return Path("~/.IdentityService").expanduser()
