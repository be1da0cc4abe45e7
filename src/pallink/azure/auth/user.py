"""Credentials of people: the browser, a device code, a sign-in that was kept, and the sandbox's users."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest
from azure.identity import (
    AuthenticationRecord,
    AuthorizationCodeCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
)

from pallink.azure.auth.context import CredentialContext
from pallink.azure.auth.errors import explain_sign_in
from pallink.redact.text import one_line
from pallink.signin import SignIn, StoredSignIn
from pallink.signin.entra_errors import sign_in_failed
from pallink.signin.prompter import browser_message, device_code_message

_FOUND = 302
# What Microsoft's own command-line programs use to receive an authorization code.
_REDIRECT_URI = "http://localhost"
# The Azure CLI's application, which is also azure-identity's default for users.
CLIENT_PROGRAM = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


def browser(sign_in: SignIn, context: CredentialContext) -> Any:
    """InteractiveBrowserCredential."""
    return _AnnouncedBrowser(
        lambda: context.person.show_browser(browser_message(sign_in.login_hint)),
        tenant_id=sign_in.tenant,
        client_id=sign_in.client_id or CLIENT_PROGRAM,
        login_hint=sign_in.login_hint,
        **context.options,
    )


def device_code(sign_in: SignIn, context: CredentialContext) -> Any:
    """DeviceCodeCredential. It takes no hint: the person is told who is wanted."""

    def show(url: str, code: str, expires_on: datetime) -> None:
        place = None if context.cloud.is_sandbox else one_line(url)
        code = one_line(code)
        context.person.show_device_code(device_code_message(place, code, expires_on, sign_in.login_hint), code)

    return DeviceCodeCredential(
        sign_in.client_id or CLIENT_PROGRAM, tenant_id=sign_in.tenant, prompt_callback=show, **context.options
    )


def kept_user(stored: StoredSignIn, context: CredentialContext) -> Any:
    """A credential for what `login` left in the cache: it uses and renews those tokens, and asks nobody."""
    record = AuthenticationRecord(
        tenant_id=stored.tenant_id,
        client_id=stored.client_id,
        # Where to send a refresh token is for the chosen cloud to say, not for a file.
        authority=context.cloud.login,
        home_account_id=stored.home_account_id or "",
        username=stored.username or "",
    )
    options = {name: value for name, value in context.options.items() if name != "authority"}
    return DeviceCodeCredential(
        authentication_record=record,
        tenant_id=stored.authority_tenant,
        disable_automatic_authentication=True,
        **options,
    )


def sandbox_user(sign_in: SignIn, context: CredentialContext) -> Any:
    """A user of the sandbox, for whom its Entra ID answers the browser's request without a prompt."""
    tenant = sign_in.tenant or "organizations"
    state = secrets.token_urlsafe(16)
    query = {
        "client_id": CLIENT_PROGRAM,
        "response_type": "code",
        "redirect_uri": _REDIRECT_URI,
        "scope": f"{context.cloud.scope} openid profile offline_access",
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
        raise explain_sign_in(error, context.transport.seen, login=login) from error
    answer = parse_qs(urlsplit(response.headers.get("Location", "")).query)
    code = answer.get("code")
    if response.status_code != _FOUND or code is None:
        told = {name: values[0] for name, values in answer.items()}
        if "error" in told:
            raise sign_in_failed(told)
        said = one_line(response.text()) or f"status {response.status_code} and no word"
        raise explain_sign_in(ValueError(said), context.transport.seen, login=login)
    if answer.get("state") != [state]:
        raise sign_in_failed({"error_description": "the answer does not belong to this sign-in"})
    return AuthorizationCodeCredential(tenant, CLIENT_PROGRAM, code[0], _REDIRECT_URI, **context.options)


class _AnnouncedBrowser(InteractiveBrowserCredential):
    """The browser, announced just before it opens: not where a cached token makes it needless."""

    def __init__(self, announce: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._announce = announce

    def _request_token(self, *scopes: str, **options: Any) -> Any:
        self._announce()
        return super()._request_token(*scopes, **options)
