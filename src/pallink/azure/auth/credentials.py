"""A chosen sign-in -> a credential of azure-identity -> one account and its token."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any

from azure.core.credentials import AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import AzureError
from azure.identity import AuthenticationRequiredError

from pallink.account import Account, account_from_token, expiry_from_token
from pallink.azure.auth import (
    ambient as session_credentials,
    application as application_credentials,
    token_cache as token_store,
    user as user_credentials,
)
from pallink.azure.auth.context import CredentialContext
from pallink.azure.auth.errors import explain_sign_in
from pallink.azure.errors import PARSING_ERRORS
from pallink.errors import (
    MoreProofNeededError,
    PallinkError,
    SignInError,
    UnexpectedAnswerError,
    UnreachableError,
    WrongAccountError,
)
from pallink.redact.secrets import known
from pallink.settings import Settings
from pallink.signin import SignIn, SignInMethod, StoredSignIn
from pallink.signin.store import cache_name

# Seconds before its end at which a token is no longer used.
_RENEW_BEFORE = 300
# Of the year 9999: what is later is no time that Python knows.
_LAST_SECOND = 253_402_300_799


class SignedIn:
    """The credential for both SDK clients: one account, whose token is asked for once and renewed when it runs out.

    Raises a `PallinkError` where azure-identity raises its own, and refuses a renewed token of somebody else.

    Args:
        sign_in: who, and how.
        means: what to sign in with.

    Raises:
        PallinkError: the sign-in cannot even begin.
    """

    def __init__(self, sign_in: SignIn, context: CredentialContext) -> None:
        self._sign_in = sign_in
        self._means = context
        self._credential = credential_for(sign_in, context)
        self._lock = threading.Lock()
        self._token: AccessTokenInfo | None = None
        self._account: Account | None = None

    @property
    def account(self) -> Account:
        """Who signed in; signs in when nobody has yet."""
        self.get_token_info(self._means.cloud.scope)
        if self._account is None:
            raise AssertionError("a token without an account")
        return self._account

    @property
    def expires_on(self) -> datetime | None:
        """When the token ends (UTC), as it says itself."""
        return None if self._token is None else expiry_from_token(self._token.token)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """A token for Resource Manager, as azure-core's policies ask for it."""
        claims = (options or {}).get("claims")
        with self._lock:
            token = self._token
            if token is None or claims or token.expires_on - time.time() < _RENEW_BEFORE:
                token = self._request(scopes, options)
            return token

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        """Part of azure-core's protocol; its policies prefer `get_token_info`."""
        raise NotImplementedError("get_token_info is what azure-core asks for")

    def _request(self, scopes: tuple[str, ...], options: TokenRequestOptions | None) -> AccessTokenInfo:
        try:
            with self._clock():
                token: AccessTokenInfo = self._credential.get_token_info(*scopes, options=options or {})
        except (AzureError, OSError, *PARSING_ERRORS) as error:
            raise self._explained(error) from error
        known.add(token.token)
        if not 0 <= token.expires_on <= _LAST_SECOND:
            raise UnexpectedAnswerError(
                "the sign-in returned a token that ends at no time", cause="expires_in is no number of seconds"
            )
        account = account_from_token(token.token)
        before = self._account or self._sign_in.stored
        if before is not None and (account.object_id, account.tenant_id) != (before.object_id, before.tenant_id):
            name = before.account if isinstance(before, StoredSignIn) else before.name
            raise WrongAccountError(
                f"the sign-in changed from {name} to {account.name}",
                cause="the token belongs to another account than before; nothing was read or written with it",
                remedy="sign in again",
            )
        self._token, self._account = token, account
        return token

    def _clock(self) -> AbstractContextManager[None]:
        """How long a person takes to sign in is not the command's time."""
        is_person = self._sign_in.method in (SignInMethod.BROWSER, SignInMethod.DEVICE_CODE)
        return self._means.deadline.stopped() if is_person and self._sign_in.stored is None else nullcontext()

    def _explained(self, error: Exception) -> PallinkError:
        sign_in = self._sign_in
        found = explain_sign_in(error, self._means.transport.seen, login=self._means.cloud.login, method=sign_in.method)
        if sign_in.stored is None or isinstance(found, UnreachableError | WrongAccountError):
            return found
        stored = sign_in.stored
        if isinstance(found, MoreProofNeededError):
            found.command = login_command(stored, found.encoded)
        elif isinstance(error, AuthenticationRequiredError) and error.response is None:
            return expired(stored, "its tokens are gone, or too old to be renewed")
        elif isinstance(found, SignInError):
            found.command = login_command(stored)
        return found


def credential_for(sign_in: SignIn, context: CredentialContext) -> Any:
    """The credential of azure-identity for a chosen sign-in; it has signed nobody in yet.

    Raises:
        PallinkError: the sign-in cannot even begin.
    """
    stored = sign_in.stored
    if stored is None:
        return _BUILDERS[sign_in.method](sign_in, context)
    name = cache_name(stored.id)
    if not stored.plain_text and not token_store.can_encrypt(name):
        raise SignInError(
            f"the stored sign-in of {stored.account} cannot be read",
            cause="its tokens are encrypted, and the keyring cannot be reached from here, as in a remote session",
            remedy="run the command where the sign-in was made, or sign in again",
            command=login_command(stored),
        )
    context = replace(context, keep=token_store.options(name, plain_text=stored.plain_text))
    if stored.home_account_id is None:
        why = "an application's token lives for about an hour, and what it was proved with is not kept"
        return application_credentials.stored_application(sign_in, context, lambda: expired(stored, why))
    return user_credentials.stored_user(stored, context)


def expired(stored: StoredSignIn, why: str) -> SignInError:
    """The error for a stored sign-in that is of no use any more."""
    return SignInError(
        f"the stored sign-in of {stored.account} has expired",
        cause=why,
        remedy="sign in again",
        command=login_command(stored),
    )


def login_command(stored: StoredSignIn, claims: str | None = None) -> str:
    """The command that signs the same account in again; `claims` is what to ask for, in base64."""
    words = ["login", "--auth", stored.auth] if stored.auth != SignInMethod.SANDBOX_USER else ["login"]
    if claims:
        words += ["--claims", claims]
    if stored.plain_text:
        words.append("--allow-plain-text-cache")
    return Settings(cloud=stored.cloud, account=stored.account, tenant=stored.tenant_id).command(*words)


_BUILDERS: Mapping[SignInMethod, Callable[[SignIn, CredentialContext], Any]] = {
    SignInMethod.BROWSER: user_credentials.browser,
    SignInMethod.DEVICE_CODE: user_credentials.device_code,
    SignInMethod.CLIENT_SECRET: application_credentials.client_secret,
    SignInMethod.CERTIFICATE: application_credentials.certificate,
    SignInMethod.WORKLOAD_IDENTITY: application_credentials.workload_identity,
    SignInMethod.GITHUB: application_credentials.github,
    SignInMethod.AZURE_PIPELINES: application_credentials.azure_pipelines,
    SignInMethod.MANAGED_IDENTITY: session_credentials.managed_identity,
    SignInMethod.AZURE_CLI: session_credentials.azure_cli,
    SignInMethod.SANDBOX_USER: user_credentials.sandbox_user,
}
