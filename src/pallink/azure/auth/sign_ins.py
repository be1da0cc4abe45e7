"""The sign-ins of one run, and their token caches, which its sessions share."""

import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pallink.account import Account
from pallink.errors import SIGN_IN_AGAIN, NewSignIn, SignInError
from pallink.private_files import UnsafeFileError
from pallink.settings import Settings
from pallink.signin import SignIn, StoredSignIn
from pallink.signin.store import SignInStore, store_for, unsafe

if TYPE_CHECKING:
    from pallink.azure.auth.token_cache import AccountTokenCache

log = logging.getLogger("pallink")


class RunSignIns:
    """The sign-ins that the sessions of one run share. Thread-safe.

    Each sign-in has a token cache of its own. That of a stored sign-in is read once, and kept once, at the end of the
    run. That of a new sign-in is in memory, and gone with the run.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[str, tuple[StoredSignIn, AccountTokenCache]] = {}
        self._new: dict[tuple[str, str, str], tuple[StoredSignIn, AccountTokenCache]] = {}

    def known(self, cloud: str, account: str | None = None) -> tuple[StoredSignIn, ...]:
        """Return the sign-ins that are stored, or were made in this run by the account that is named.

        One that was made in this run comes in place of a stored one of the same account in the same tenant.

        Args:
            cloud: The cloud's name or URL.
            account: The UPN or object ID of an account; None: only stored ones.

        Raises:
            SignInError: Another user can change the folder or a file.
        """
        with self._lock:
            new = {key: sign_in for key, (sign_in, _) in self._new.items() if _is_of(sign_in, cloud, account)}
        return (*new.values(), *(stored for stored in store_for(cloud).all() if stored.key not in new))

    def add(self, sign_in: StoredSignIn, cache: "AccountTokenCache") -> None:
        """Let the further sessions of this run use a new sign-in.

        Args:
            sign_in: The sign-in, whose tokens are in memory only.
            cache: Its tokens, and those of no other account.
        """
        with self._lock:
            self._new[sign_in.key] = sign_in, cache

    def open(self, sign_in: StoredSignIn) -> tuple[StoredSignIn, "AccountTokenCache"]:
        """Return a sign-in and its token cache, or those of a stored one that has just taken its place.

        Raises:
            SignInError: The tokens cannot be read, or are gone.
        """
        with self._lock:
            if sign_in.is_in_memory:
                return self._new[sign_in.key]
            if sign_in.id not in self._read:
                found = _read(store_for(sign_in.cloud), sign_in)
                self._read[sign_in.id] = self._read.setdefault(found[0].id, found)
            return self._read[sign_in.id]

    def keep(self) -> None:
        """Keep the tokens that were renewed, unless the account signed out or in again meanwhile."""
        with self._lock:
            opened = list(self._read.values())
        for stored, cache in opened:
            if cache.has_state_changed:
                _keep(store_for(stored.cloud), stored, cache)


def record_of(
    account: Account,
    sign_in: SignIn,
    settings: Settings,
    user: tuple[str, str] | None,
    *,
    identifier: str = "",
    plain_text: bool = False,
) -> StoredSignIn:
    """Return the record of a sign-in that was made now, with which its tokens can be used again.

    Args:
        account: The account that signed in.
        sign_in: How.
        settings: The options of the run.
        user: Home account ID and user name in the token cache; None for an application.
        identifier: The ID of the token cache; empty for one that is in memory only.
        plain_text: Whether the tokens may be in a file that is not encrypted.
    """
    return StoredSignIn(
        id=identifier,
        cloud=settings.cloud,
        auth=sign_in.method.value,
        account=account.name,
        kind=account.kind,
        object_id=account.object_id,
        tenant_id=account.tenant_id,
        client_id=account.client_id or sign_in.client_id or "",
        home_account_id=user[0] if user else None,
        username=user[1] if user else None,
        tenant=settings.tenant,
        authority_tenant=sign_in.tenant or "organizations",
        plain_text=plain_text,
        signed_in_on=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    )


def expired(sign_in: StoredSignIn, why: str) -> SignInError:
    """Return the error for a sign-in that has expired."""
    return SignInError(
        f"the {'' if sign_in.is_in_memory else 'stored '}sign-in of {sign_in.account} has expired",
        cause=why,
        remedy=SIGN_IN_AGAIN,
        new_sign_in=NewSignIn.SAME,
    )


def _is_of(sign_in: StoredSignIn, cloud: str, account: str | None) -> bool:
    return account is not None and sign_in.cloud == cloud and sign_in.matches_identifier(account)


def _read(store: SignInStore, stored: StoredSignIn) -> tuple[StoredSignIn, "AccountTokenCache"]:
    """Return a stored sign-in and its token cache, or those of a new sign-in that has just taken its place."""
    from pallink.azure.auth import token_cache  # noqa: PLC0415 - msal costs 100 ms to import

    while True:
        try:
            cache = token_cache.load(store.folder, stored.id, plain_text=stored.plain_text)
        except UnsafeFileError as error:
            raise unsafe(error) from error
        except Exception as error:
            raise SignInError(
                f"the stored sign-in of {stored.account} cannot be read",
                cause=f"its tokens are in {store.folder}: {error}"
                if stored.plain_text
                else "its tokens are encrypted, and the keyring cannot be reached, as in a remote session",
                remedy="run the command where the sign-in was made, or sign in again",
                new_sign_in=NewSignIn.SAME,
            ) from error
        if cache is not None:
            return stored, cache
        current = store.current(stored)
        if current is None or current.id == stored.id:
            raise expired(stored, "its tokens are gone")
        stored = current


def _keep(store: SignInStore, stored: StoredSignIn, cache: "AccountTokenCache") -> None:
    """Keep a sign-in's renewed tokens, unless the account signed out or in again. The command works without."""
    from pallink.azure.auth import token_cache  # noqa: PLC0415 - msal costs 100 ms to import

    try:
        with store.change():
            current = store.current(stored)
            if current is not None and current.id == stored.id:
                token_cache.save(store.folder, stored.id, cache, plain_text=stored.plain_text)
    except Exception as error:  # noqa: BLE001 - the operating system's keyring raises exceptions of its own
        log.info("could not keep the renewed tokens of %s: %s", stored, error)
