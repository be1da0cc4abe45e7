"""The token caches of stored sign-ins: azure-identity's own, one for each sign-in, encrypted by the operating system.

azure-identity opens them but has no way to ask whether it could, who is in one, or to remove one. So its own loader is
called here, and nowhere else.
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

# One for tokens that can be revoked at once (continuous access evaluation), and one for all others.
_SUFFIXES = (CACHE_NON_CAE_SUFFIX, CACHE_CAE_SUFFIX)


def options(name: str, *, plain_text: bool) -> TokenCachePersistenceOptions:
    """The cache of this name, for a credential; `plain_text` lets it be a 0600 file where encryption is impossible."""
    return TokenCachePersistenceOptions(name=name, allow_unencrypted_storage=plain_text)


def can_encrypt(name: str) -> bool:
    """Whether this machine can keep tokens encrypted. On Linux that takes libsecret and an unlocked keyring."""
    try:
        _persistence(name, _SUFFIXES[0], plain_text=False)
    except Exception:  # noqa: BLE001 - whatever the operating system's libraries raise, it means no
        return False
    return True


def account_in(name: str, *, plain_text: bool) -> tuple[str, str] | None:
    """Home account ID and user name of the one user in a cache; None where there is none, as for an application."""
    cache: Any = _load_persistent_cache(options(name, plain_text=plain_text))
    for found in cache.search(TokenCache.CredentialType.ACCOUNT):
        return found["home_account_id"], found["username"]
    return None


def remove(name: str, *, plain_text: bool) -> None:
    """Remove a cache with all that is in it.

    Raises:
        SignInError: it cannot be reached, so that its tokens would stay where they are.
    """
    for suffix in _SUFFIXES:
        try:
            persistence = _persistence(name, suffix, plain_text=plain_text)
            location = Path(persistence.get_location())
            if location.exists():
                # A keychain entry cannot be removed on every system, but it can be emptied on all of them.
                persistence.save("{}")
                agent = getattr(persistence, "_agent", None)
                if agent is not None:
                    agent.clear()
                location.unlink(missing_ok=True)
            location.with_name(location.name + ".lockfile").unlink(missing_ok=True)
        except Exception as error:
            raise SignInError(
                "the tokens of a stored sign-in cannot be removed",
                cause="the operating system's store of secrets cannot be reached from here, as in a remote session",
                remedy="run the command where the sign-in was made",
                command="pallink logout --all",
            ) from error


def names_with(prefix: str) -> Iterator[str]:
    """The names of caches that begin with `prefix`: those whose sign-in was interrupted have nobody else who knows."""
    for path in sorted(_folder().glob(f"{prefix}*")):
        for suffix in _SUFFIXES:
            if path.name.endswith(suffix):
                yield path.name.removesuffix(suffix)


def _persistence(name: str, suffix: str, *, plain_text: bool) -> Any:
    return _get_persistence(allow_unencrypted=plain_text, account_name="MSALCache", cache_name=name + suffix)


def _folder() -> Path:
    """Where azure-identity puts its caches, or the files that stand for them."""
    if sys.platform.startswith("win") and "LOCALAPPDATA" in os.environ:
        return Path(os.environ["LOCALAPPDATA"]) / ".IdentityService"
    return Path("~/.IdentityService").expanduser()
