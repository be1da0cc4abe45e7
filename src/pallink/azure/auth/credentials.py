"""A chosen sign-in -> a credential of azure-identity -> one account and its token."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any

from azure.core.credentials import AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import AzureError
from azure.identity import AuthenticationRequiredError

from pallink.account import Account, account_changed, account_from_token, expiry_from_token
from pallink.azure.auth import ambient, application, browser, user
from pallink.azure.auth.context import CredentialContext
from pallink.azure.auth.errors import explain_challenge, explain_sign_in
from pallink.azure.auth.sign_ins import expired
from pallink.azure.auth.stored import stored_credential
from pallink.azure.auth.token_cache import home_account_id_of
from pallink.azure.errors import PARSING_ERRORS
from pallink.deadline import Deadline
from pallink.errors import (
    SEE_RESPONSES,
    PallinkError,
    SignInError,
    UnexpectedAnswerError,
    UnreachableError,
    WrongAccountError,
)
from pallink.http.policy import TokenEndpoint
from pallink.redact.secrets import register
from pallink.signin import SignIn, SignInMethod, StoredSignIn
from pallink.waiting import waiting_for

# Seconds before its expiry at which a token is renewed.
_RENEW_BEFORE = 300
# The end of the year 9999, the last that Python's datetime knows.
_MAX_EXPIRY = 253_402_300_799


class AccountCredential:
    """The credential for the SDK's clients: one account, whose token is requested once and renewed when it expires.

    It raises a `PallinkError` where azure-identity raises its own, and refuses a renewed token of another account.

    Attributes:
        scope: What every token is for.

    Args:
        sign_in: Who, and how.
        context: What to build the credential with.
        scope: What every token is for; None: Resource Manager.

    Raises:
        PallinkError: The sign-in cannot even begin.
    """

    def __init__(self, sign_in: SignIn, context: CredentialContext, scope: str | None = None) -> None:
        self.scope = scope or context.cloud.scope
        self._sign_in = sign_in
        if sign_in.stored is None:
            self._context = context
            self._credential = _BUILDERS[sign_in.method](sign_in, context)
        else:
            stored, cache = context.sign_ins.open(sign_in.stored)
            self._context = replace(context, cache=cache)
            self._credential = stored_credential(sign_in, stored, self._context)
        self._lock = threading.Lock()
        self._token: AccessTokenInfo | None = None
        self._account: Account | None = None

    def for_scope(self, scope: str) -> "AccountCredential":
        """Return a credential of the same account and sign-in whose tokens are for another scope.

        It refuses a token of another account than this one's, where that is known.
        """
        other = copy(self)
        other.scope = scope
        other._lock, other._token = threading.Lock(), None  # noqa: SLF001 - of the same class
        return other

    @property
    def account(self) -> Account:
        """The account; signs in where that has not happened yet."""
        self.get_token_info(self.scope)
        if self._account is None:
            raise AssertionError("a token without an account")
        return self._account

    @property
    def expires_on(self) -> datetime | None:
        """When the token expires (UTC), by its own claim."""
        return None if self._token is None else expiry_from_token(self._token.token)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token, as azure-core's policies request it.

        Raises:
            PallinkError: The sign-in failed.
        """
        if scopes != (self.scope,):
            raise AssertionError(f"a token for {scopes} with a credential for {self.scope}")
        claims = (options or {}).get("claims")
        with self._lock:
            token = self._token
            if token is None or claims or token.expires_on - time.time() < _RENEW_BEFORE:
                token = self._request(scopes, options)
            return token

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        """Part of azure-core's protocol; its policies prefer `get_token_info`."""
        raise NotImplementedError("azure-core calls get_token_info")

    def _request(self, scopes: tuple[str, ...], options: TokenRequestOptions | None) -> AccessTokenInfo:
        claims = (options or {}).get("claims")
        if claims and self._sign_in.method is SignInMethod.AZURE_CLI:
            # `az` passes claims on at its own sign-in only.
            raise explain_challenge(claims)
        is_cli = self._sign_in.method is SignInMethod.AZURE_CLI
        try:
            with self._clock(), waiting_for("the Azure CLI") if is_cli else nullcontext():
                token: AccessTokenInfo = self._credential.get_token_info(*scopes, options=options or {})
        except (AzureError, OSError, *PARSING_ERRORS) as error:
            found = self._explained(error)
            is_refused = isinstance(found, SignInError) and not isinstance(found, WrongAccountError)
            # Who has just signed in in person is told why that failed, and not that a person has to.
            is_in_person = self._token is None and self._sign_in.is_prompted
            raise (explain_challenge(claims, found) if claims and is_refused and not is_in_person else found) from error
        register(token.token)
        if not 0 <= token.expires_on <= _MAX_EXPIRY:
            raise UnexpectedAnswerError(
                "the token has no valid expiry",
                cause="expires_in in the response is not a number of seconds",
                remedy=SEE_RESPONSES,
            )
        account = self._account_of(token)
        if name := self._changed_from(account):
            raise account_changed(name, account)
        self._token, self._account = token, account
        return token

    def _account_of(self, token: AccessTokenInfo) -> Account:
        account, cache = account_from_token(token.token), self._context.cache
        home = home_account_id_of(cache, token.token) if cache is not None else None
        return replace(account, home_account_id=home) if home else account

    def _changed_from(self, account: Account) -> str | None:
        """Return the name of the account that the token should have been for; None if it is for that one."""
        before, stored = self._account, self._sign_in.stored
        if before is None and stored is None:
            return None
        if before is None and stored is not None and self._sign_in.tenant != stored.tenant_id:
            # A user has another object ID in each tenant, but one home account.
            is_same = account.has_home_account(stored.home_account_id or "")
            if is_same is None:
                is_same = any(map(stored.matches_identifier, account.names))
            return None if is_same else stored.account
        expected = before or stored
        if expected is None or (account.object_id, account.tenant_id) == (expected.object_id, expected.tenant_id):
            return None
        return expected.account if isinstance(expected, StoredSignIn) else expected.name

    def _clock(self) -> AbstractContextManager[None]:
        """Stop the clock for a person who signs in."""
        return Deadline.current().paused() if self._sign_in.is_prompted else nullcontext()

    def _explained(self, error: Exception) -> PallinkError:
        sign_in, stored = self._sign_in, self._sign_in.stored
        context = self._context
        found = explain_sign_in(error, context.transport.last_sign_in, login=context.cloud.login, method=sign_in.method)
        is_silent = isinstance(error, AuthenticationRequiredError) and error.response is None
        if stored is not None and is_silent and not isinstance(found, UnreachableError):
            return expired(stored, "its tokens are gone, or too old to be renewed")
        if stored is not None and type(found) is SignInError and found.trace is None and found.new_sign_in is None:
            # Not from Entra ID: msal could not use what it found in the cache.
            return expired(stored, f"its tokens cannot be used ({found.message})")
        return found


def token_endpoint_for(sign_in: SignIn) -> TokenEndpoint | None:
    """Return the address that a sign-in needs beside the login host, where it needs one.

    Raises:
        SignInError: It is not one that a token may be sent to.
    """
    endpoint = _TOKEN_ENDPOINTS.get(sign_in.method)
    return None if endpoint is None or sign_in.stored is not None else endpoint(sign_in)


_BUILDERS: Mapping[SignInMethod, Callable[[SignIn, CredentialContext], Any]] = {
    SignInMethod.BROWSER: browser.browser,
    SignInMethod.DEVICE_CODE: user.device_code,
    SignInMethod.CLIENT_SECRET: application.client_secret,
    SignInMethod.CERTIFICATE: application.certificate,
    SignInMethod.WORKLOAD_IDENTITY: application.workload_identity,
    SignInMethod.GITHUB: application.github,
    SignInMethod.AZURE_PIPELINES: application.azure_pipelines,
    SignInMethod.MANAGED_IDENTITY: ambient.managed_identity,
    SignInMethod.AZURE_CLI: ambient.azure_cli,
    SignInMethod.SANDBOX_USER: user.sandbox_user,
}

_TOKEN_ENDPOINTS: Mapping[SignInMethod, Callable[[SignIn], TokenEndpoint]] = {
    SignInMethod.GITHUB: application.github_endpoint,
    SignInMethod.AZURE_PIPELINES: application.azure_pipelines_endpoint,
    SignInMethod.MANAGED_IDENTITY: ambient.managed_identity_endpoint,
}
