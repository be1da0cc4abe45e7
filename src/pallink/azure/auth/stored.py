"""The credential of a stored sign-in: its cached tokens, renewed and kept."""

import logging
from dataclasses import replace
from typing import Any

from azure.core.credentials import AccessTokenInfo

from pallink.azure.auth import application, token_cache, user
from pallink.azure.auth.context import CredentialContext
from pallink.errors import SIGN_IN_AGAIN, NewSignIn, SignInError
from pallink.private_files import UnsafeFileError
from pallink.signin import SignIn, StoredSignIn, sign_in_from_stored
from pallink.signin.store import SignInStore, store_for, unsafe

log = logging.getLogger("pallink")


class StoredCredential:
    """Use the cached tokens of a stored sign-in, and keep those that azure-identity renews.

    Raises:
        SignInError: The tokens cannot be read, or are gone.
    """

    def __init__(self, sign_in: SignIn, stored: StoredSignIn, context: CredentialContext) -> None:
        self._store = store_for(stored.cloud)
        self._stored, self._cache = _read(self._store, stored)
        context = replace(context, cache=self._cache)
        if self._stored.home_account_id is None:
            why = "an application's token lives for about an hour, and what it was proved with is not kept"
            current = sign_in_from_stored(self._stored, sign_in.reason)
            self._credential = application.stored_application(current, context, lambda: expired(stored, why))
        else:
            self._credential = user.stored_user(self._stored, sign_in.tenant or stored.tenant_id, context)

    def get_token_info(self, *scopes: str, options: Any) -> AccessTokenInfo:
        """Return a token as azure-identity's credentials do."""
        token: AccessTokenInfo = self._credential.get_token_info(*scopes, options=options)
        if self._cache.has_state_changed:
            self._keep()
        return token

    def _keep(self) -> None:
        """Keep the renewed tokens, unless the account signed out or in again meanwhile. The command works without."""
        try:
            with self._store.change():
                current = self._store.current(self._stored)
                if current is not None and current.id == self._stored.id:
                    token_cache.save(
                        self._store.folder, self._stored.id, self._cache, plain_text=self._stored.plain_text
                    )
        except Exception as error:  # noqa: BLE001 - the operating system's keyring raises exceptions of its own
            log.info("could not keep the renewed tokens of %s: %s", self._stored, error)


def _read(store: SignInStore, stored: StoredSignIn) -> tuple[StoredSignIn, Any]:
    """Return a stored sign-in and its token cache, or those of a new sign-in that has just taken its place."""
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


def expired(stored: StoredSignIn, why: str) -> SignInError:
    """Return the error for a stored sign-in that has expired."""
    return SignInError(
        f"the stored sign-in of {stored.account} has expired",
        cause=why,
        remedy=SIGN_IN_AGAIN,
        new_sign_in=NewSignIn.SAME,
    )
