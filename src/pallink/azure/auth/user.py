"""Credentials of users: a device code, a stored sign-in, and the sandbox's users."""

import secrets
import time
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from azure.core.credentials import AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest
from azure.identity import (
    AuthenticationRecord,
    AuthorizationCodeCredential,
    DeviceCodeCredential,
)
from msal import TokenCache  # type: ignore[import-untyped]

from pallink.azure.auth.context import CredentialContext
from pallink.azure.auth.errors import explain_sign_in
from pallink.redact.text import one_line
from pallink.signin import SignIn, StoredSignIn
from pallink.signin.entra_errors import sign_in_error
from pallink.signin.methods import USERS_CLIENT_ID
from pallink.signin.prompter import MAX_MINUTES, device_code_message

_FOUND = 302
# Seconds. msal renews a token that expires sooner.
_RENEWED_BEFORE = 300
# Where Microsoft's own command-line programs receive an authorization code.
_REDIRECT_URI = "http://localhost"


def device_code(sign_in: SignIn, context: CredentialContext) -> Any:
    """Return a DeviceCodeCredential. It takes no hint: the message names the account instead."""

    def show(url: str, code: str, expires_on: datetime) -> None:
        code, emulator = one_line(code), context.cloud.emulator
        message = device_code_message(one_line(url), code, expires_on, sign_in.login_hint, emulator)
        context.prompter.show_device_code(message, code)

    return DeviceCodeCredential(
        sign_in.client_id or USERS_CLIENT_ID,
        tenant_id=sign_in.tenant,
        prompt_callback=show,
        timeout=MAX_MINUTES * 60,
        **context.options,
    )


def stored_user(stored: StoredSignIn, tenant_id: str, context: CredentialContext) -> Any:
    """Return a credential for the cached tokens of a stored sign-in. It renews them, and never prompts.

    Args:
        stored: The stored sign-in.
        tenant_id: The tenant that the token is for; another one than the stored one needs a refresh token.
        context: What to build the credential with.
    """
    record = AuthenticationRecord(
        tenant_id=stored.tenant_id,
        client_id=stored.client_id,
        # A refresh token goes to the chosen cloud's login host, not to one that a file names.
        authority=context.cloud.login,
        home_account_id=stored.home_account_id or "",
        username=stored.username or "",
    )
    options = {name: value for name, value in context.options.items() if name != "authority"}

    def in_tenant(tenant: str) -> DeviceCodeCredential:
        return DeviceCodeCredential(
            authentication_record=record, tenant_id=tenant, disable_automatic_authentication=True, **options
        )

    if tenant_id != stored.tenant_id or stored.authority_tenant == tenant_id:
        return in_tenant(tenant_id)
    return _StoredUser(stored, context.cache, first=in_tenant(stored.authority_tenant), later=in_tenant(tenant_id))


class _StoredUser:
    """A user who signed in without naming a tenant, in the tenant where that led.

    The first token is in the cache under `organizations`, as that sign-in named its tenant. Renewed there, it would be
    for the tenant in which the user's refresh token was last redeemed, which may be one where the user is a guest.
    """

    def __init__(
        self, stored: StoredSignIn, cache: Any, *, first: DeviceCodeCredential, later: DeviceCodeCredential
    ) -> None:
        self._query = {"home_account_id": stored.home_account_id, "realm": stored.authority_tenant}
        self._cache = cache
        self._first = first
        self._later = later

    def get_token_info(self, *scopes: str, options: TokenRequestOptions) -> AccessTokenInfo:
        """Return a token as azure-identity's credentials do."""
        cached = list(
            self._cache.search(TokenCache.CredentialType.ACCESS_TOKEN, target=list(scopes), query=self._query)
        )
        is_valid = any(int(token["expires_on"]) - time.time() > _RENEWED_BEFORE for token in cached)
        credential = self._first if is_valid and not options.get("claims") else self._later
        return credential.get_token_info(*scopes, options=options)


def sandbox_user(sign_in: SignIn, context: CredentialContext) -> Any:
    """Return a credential for a user of the sandbox. Its Entra ID issues authorization codes without a prompt."""
    return _SandboxUser(sign_in, context)


class _SandboxUser:
    """A user of the sandbox, with an authorization code for each scope: a code is redeemed once."""

    def __init__(self, sign_in: SignIn, context: CredentialContext) -> None:
        self._sign_in = sign_in
        self._context = context
        self._credentials: dict[tuple[str, ...], AuthorizationCodeCredential] = {}

    def get_token_info(self, *scopes: str, options: Any) -> AccessTokenInfo:
        """Return a token as azure-identity's credentials do.

        Raises:
            PallinkError: The sandbox refused the sign-in.
        """
        if scopes not in self._credentials:
            tenant, code = self._sign_in.tenant or "organizations", self._request_code(scopes)
            self._credentials[scopes] = AuthorizationCodeCredential(
                tenant, USERS_CLIENT_ID, code, _REDIRECT_URI, **self._context.options
            )
        token: AccessTokenInfo = self._credentials[scopes].get_token_info(*scopes, options=options)
        return token

    def _request_code(self, scopes: tuple[str, ...]) -> str:
        sign_in, context = self._sign_in, self._context
        tenant = sign_in.tenant or "organizations"
        state = secrets.token_urlsafe(16)
        query = {
            "client_id": USERS_CLIENT_ID,
            "response_type": "code",
            "redirect_uri": _REDIRECT_URI,
            "scope": " ".join((*scopes, "openid", "profile", "offline_access")),
            "prompt": "none",
            "state": state,
        }
        if sign_in.login_hint:
            query["login_hint"] = sign_in.login_hint
        login = context.cloud.login
        request = HttpRequest("GET", f"{login}/{tenant}/oauth2/v2.0/authorize?{urlencode(query)}")
        try:
            response = context.transport.send(request)
        except (AzureError, ValueError) as error:
            raise explain_sign_in(error, context.transport.last_sign_in, login=login) from error
        parameters = parse_qs(urlsplit(response.headers.get("Location", "")).query)
        redirect = {name: values[0] for name, values in parameters.items()}
        code: str | None = redirect.get("code")
        if response.status_code != _FOUND or code is None:
            if "error" in redirect:
                raise sign_in_error(redirect)
            reason = one_line(response.text()) or f"status {response.status_code} without a reason"
            raise explain_sign_in(ValueError(reason), context.transport.last_sign_in, login=login)
        if parameters.get("state") != [state]:
            raise sign_in_error({"error_description": "the response does not belong to this sign-in"})
        return code
