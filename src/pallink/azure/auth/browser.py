"""The credential of a user who signs in with the browser.

azure-identity neither shows the address that it opens, nor bounds the wait: a browser that connects and sends nothing,
as some do in advance, holds up its server for as long as it likes. So its credential and server are derived from here.
"""

import time
from collections.abc import Callable
from typing import Any

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, InteractiveBrowserCredential
from azure.identity._internal import AuthCodeRedirectServer
from azure.identity._internal.auth_code_redirect_handler import AuthCodeRedirectHandler

from pallink.azure.auth.context import CredentialContext
from pallink.errors import SignInError
from pallink.redact.text import one_line
from pallink.signin import SignIn
from pallink.signin.entra_errors import sign_in_error
from pallink.signin.methods import USERS_CLIENT_ID
from pallink.signin.prompter import MAX_MINUTES, browser_hints, browser_message

_MAX_SECONDS = MAX_MINUTES * 60
# For each read of a request of the browser.
_READ_TIMEOUT = 5.0
_MAX_URL = 4000


def browser(sign_in: SignIn, context: CredentialContext) -> Any:
    """Return an InteractiveBrowserCredential."""

    def announce(url: str) -> None:
        hints = browser_hints(
            one_line(url, _MAX_URL),
            context.account_command,
            context.device_code_command,
            is_browser_named=context.settings.auth is not None,
        )
        context.prompter.show_browser(browser_message(sign_in.login_hint), hints)

    return _BrowserCredential(
        announce,
        context.device_code_command,
        tenant_id=sign_in.tenant,
        client_id=sign_in.client_id or USERS_CLIENT_ID,
        login_hint=sign_in.login_hint,
        timeout=_MAX_SECONDS,
        **context.options,
    )


class _BrowserCredential(InteractiveBrowserCredential):
    """Announce the address right before the browser opens, and explain why no one came back from it."""

    def __init__(self, announce: Callable[[str], None], device_code_command: str, **options: Any) -> None:
        super().__init__(**options)
        self._announce = announce
        self._device_code_command = device_code_command
        self._server: _RedirectServer | None = None
        self._server_class = self._new_server

    def _new_server(self, hostname: str, port: int, timeout: int) -> "_RedirectServer":
        self._server = _RedirectServer(hostname, port, timeout)
        return self._server

    def _get_app(self, **options: Any) -> Any:
        return _AnnouncingApplication(super()._get_app(**options), self._announce)

    def _request_token(self, *scopes: str, **options: Any) -> Any:
        try:
            result = super()._request_token(*scopes, **options)
        except CredentialUnavailableError as error:
            raise SignInError(
                "cannot sign in with the browser: it could not be opened",
                cause=one_line(str(error)),
                remedy="use a device code, which works in any browser",
                command=self._device_code_command,
            ) from error
        except ClientAuthenticationError as error:
            if error.response is not None or error.__cause__ is not None:
                raise
            raise SignInError(
                f"the sign-in in the browser was not completed within {MAX_MINUTES} minutes",
                cause="no browser appeared, or the sign-in in it was not completed",
                remedy="try again, or use a device code, which works in any browser",
                command=self._device_code_command,
            ) from error
        finally:
            if self._server is not None:
                self._server.server_close()
        if "error" in result and self._client.get_error_response(result) is None:
            # It came back with the browser, and not as a response to a request.
            raise sign_in_error(result)
        return result


class _AnnouncingApplication:
    """msal's application, which announces the address of a new sign-in."""

    def __init__(self, application: Any, announce: Callable[[str], None]) -> None:
        self._application = application
        self._announce = announce

    def __getattr__(self, name: str) -> Any:
        return getattr(self._application, name)

    def initiate_auth_code_flow(self, *args: Any, **options: Any) -> Any:
        flow = self._application.initiate_auth_code_flow(*args, **options)
        if "auth_uri" in flow:
            self._announce(flow["auth_uri"])
        return flow


class _RedirectHandler(AuthCodeRedirectHandler):
    timeout = _READ_TIMEOUT


class _RedirectServer(AuthCodeRedirectServer):
    """Wait for the browser until a fixed time. Connections that bring no response do not extend it."""

    def __init__(self, hostname: str, port: int, timeout: int) -> None:
        super().__init__(hostname, port, timeout)
        self.RequestHandlerClass = _RedirectHandler
        self._end = time.monotonic() + timeout

    def handle_request(self) -> None:
        self.timeout = max(self._end - time.monotonic(), 0)
        super().handle_request()
