"""A chosen sign-in -> a credential of azure-identity -> one account and its token."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from azure.core.credentials import AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest
from azure.identity import AuthorizationCodeCredential, ClientSecretCredential

from pallink.account import Account, account_from_token
from pallink.azure.failures import explain_sign_in
from pallink.azure.transport import GuardedTransport
from pallink.clouds import BUILT_IN, Cloud
from pallink.entra_errors import sign_in_failed
from pallink.errors import WrongAccountError
from pallink.plain_text import one_line
from pallink.sign_in import SignIn, SignInMethod

# Seconds before its end at which a token is no longer used.
_RENEW_BEFORE = 300

_FOUND = 302
# What Microsoft's own command-line programs use to receive an authorization code.
_REDIRECT_URI = "http://localhost"
# The Azure CLI's application, which is also azure-identity's default for users.
_CLIENT_PROGRAM = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


class SignedIn:
    """The credential for both SDK clients: one account, whose token is asked for once and renewed when it runs out.

    Raises a `PallinkError` where azure-identity raises its own, and refuses a renewed token of somebody else.
    """

    def __init__(self, credential: Any, cloud: Cloud, transport: GuardedTransport) -> None:
        self._credential = credential
        self._cloud = cloud
        self._transport = transport
        self._lock = threading.Lock()
        self._token: AccessTokenInfo | None = None
        self._account: Account | None = None

    @property
    def account(self) -> Account:
        """Who signed in; signs in when nobody has yet."""
        self.get_token_info(self._cloud.scope)
        if self._account is None:
            raise AssertionError("a token without an account")
        return self._account

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
            token: AccessTokenInfo = self._credential.get_token_info(*scopes, options=options or {})
        except (AzureError, ValueError) as error:
            answer = self._transport.last_login_answer
            raise explain_sign_in(error, answer, login=self._cloud.login) from error
        account = account_from_token(token.token)
        if self._account is not None and (account.object_id, account.tenant_id) != (
            self._account.object_id,
            self._account.tenant_id,
        ):
            raise WrongAccountError(
                f"the sign-in changed from {self._account.name} to {account.name} in the middle of the command",
                cause="the renewed token belongs to another account; nothing was read or written with it",
                remedy="sign in again",
            )
        self._token, self._account = token, account
        return token


def credential_for(sign_in: SignIn, cloud: Cloud, transport: GuardedTransport) -> Any:
    """The credential of azure-identity for a chosen sign-in; it has signed nobody in yet.

    Raises:
        PallinkError: the sign-in cannot even begin.
    """
    return _BUILDERS[sign_in.method](sign_in, cloud, transport)


def _options(cloud: Cloud, transport: GuardedTransport) -> dict[str, Any]:
    return {
        "authority": cloud.login,
        "transport": transport,
        # Instance discovery asks login.microsoftonline.com whether a host is one of Microsoft's; it knows no others.
        "disable_instance_discovery": cloud.name not in BUILT_IN,
        "permit_redirects": False,
    }


def _client_secret(sign_in: SignIn, cloud: Cloud, transport: GuardedTransport) -> Any:
    return ClientSecretCredential(
        sign_in.tenant or "", sign_in.client_id or "", sign_in.secret or "", **_options(cloud, transport)
    )


def _sandbox_user(sign_in: SignIn, cloud: Cloud, transport: GuardedTransport) -> Any:
    """A user of the sandbox, for whom its Entra ID answers the browser's request without a prompt."""
    tenant = sign_in.tenant or "organizations"
    state = secrets.token_urlsafe(16)
    query = {
        "client_id": _CLIENT_PROGRAM,
        "response_type": "code",
        "redirect_uri": _REDIRECT_URI,
        "scope": f"{cloud.scope} openid profile offline_access",
        "prompt": "none",
        "state": state,
    }
    if sign_in.login_hint:
        query["login_hint"] = sign_in.login_hint
    request = HttpRequest("GET", f"{cloud.login}/{tenant}/oauth2/v2.0/authorize?{urlencode(query)}")
    try:
        response = transport.send(request)
    except (AzureError, ValueError) as error:
        raise explain_sign_in(error, None, login=cloud.login) from error
    answer = parse_qs(urlsplit(response.headers.get("Location", "")).query)
    code = answer.get("code")
    if response.status_code != _FOUND or code is None:
        said = {name: values[0] for name, values in answer.items()}
        if "error" in said:
            raise sign_in_failed(said)
        raise explain_sign_in(ValueError(one_line(response.text())), response, login=cloud.login)
    if answer.get("state") != [state]:
        raise sign_in_failed({"error_description": "the answer does not belong to this sign-in"})
    return AuthorizationCodeCredential(tenant, _CLIENT_PROGRAM, code[0], _REDIRECT_URI, **_options(cloud, transport))


_BUILDERS: Mapping[SignInMethod, Callable[[SignIn, Cloud, GuardedTransport], Any]] = {
    SignInMethod.CLIENT_SECRET: _client_secret,
    SignInMethod.SANDBOX_USER: _sandbox_user,
}
