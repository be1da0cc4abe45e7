"""The secrets of Key Vault that a fleet file refers to, through azure-keyvault-secrets.

They are read as the account that runs pallink, by a credential of its own: its tokens are for Key Vault alone, and go
to no other host than that of the secret.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from azure.core.credentials import AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import HttpResponseError

from pallink.account import is_guid
from pallink.azure.auth.authenticate import Authenticated, authenticate, choose_sign_in
from pallink.azure.connection import CloudConnection
from pallink.azure.errors import body_of, explain_errors
from pallink.azure.transport import GuardedTransport
from pallink.clouds import Cloud, https_origin
from pallink.deadline import Deadline
from pallink.errors import AccessDeniedError, PallinkError, ServiceError, SignInError, UnexpectedAnswerError, UsageError
from pallink.http.errors import trace_of
from pallink.http.policy import EgressPolicy, VaultEndpoint
from pallink.redact.secrets import register
from pallink.redact.text import one_clause
from pallink.settings import Settings
from pallink.signin.again import with_sign_in_command
from pallink.signin.prompter import NonInteractive, Prompter

if TYPE_CHECKING:
    from azure.keyvault.secrets import SecretClient

# Documented, and offered in every cloud; the library's default is the newest, which sovereign clouds get later.
_API_VERSION = "7.4"
_READ_RETRIES = 4
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404

_PATH = re.compile(r"/secrets/([0-9a-z-]{1,127})(?:/([0-9a-f]{32}))?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class SecretUrl:
    """The URL of a secret, taken apart.

    Attributes:
        vault: The vault's origin.
        name: The secret's name.
        version: The version; None: the current one.
    """

    vault: str
    name: str
    version: str | None

    @classmethod
    def parse(cls, url: str) -> "SecretUrl":
        """Take a URL apart.

        Raises:
            UsageError: It is not the URL of a secret. It is not shown: a secret may stand in the wrong place.
        """
        base, separator, path = url.partition("/secrets/")
        origin, match = https_origin(base), _PATH.fullmatch(separator + path)
        if origin is None or match is None or base.casefold() != origin:
            raise UsageError(
                "a keyvault: reference is not the URL of a secret",
                cause="it must be https://NAME.vault.azure.net/secrets/NAME or …/secrets/NAME/VERSION",
                remedy="copy the secret identifier from the vault's page in the portal",
            )
        return cls(origin, match[1], match[2])

    def __str__(self) -> str:
        """Return the secret in words."""
        version = f", version {self.version}" if self.version else ""
        return f"{self.name}{version} of {self.vault.removeprefix('https://')}"


class VaultReader:
    """Reads secrets as the account that runs pallink. Safe to call from several threads; signs in once.

    Each call works within the caller's deadline, and registers what it returns with the caller's secrets.

    Args:
        connection: The cloud, and the connections, which the caller closes.
        settings: Who runs pallink; not an account of the fleet.
        vault_auth: The sign-in method; None: as the settings say, else what the environment states.
        prompter: Who is asked where that is needed; None: nothing is asked.
    """

    def __init__(
        self,
        connection: CloudConnection,
        settings: Settings,
        *,
        vault_auth: str | None = None,
        prompter: Prompter | None = None,
    ) -> None:
        self._connection = connection
        self._settings = replace(settings, auth=vault_auth or settings.auth)
        self._prompter = prompter or NonInteractive()
        self._lock = threading.Lock()
        self._authenticated: Authenticated | None = None
        self._has_read = False
        self._failure: PallinkError | None = None
        self._transports: dict[str, GuardedTransport] = {}

    def read(self, url: str) -> str:
        """Return the value of a secret.

        Args:
            url: As in `https://NAME.vault.azure.net/secrets/NAME`, with `/VERSION` or without.

        Raises:
            UsageError: The URL is invalid or not of this cloud, or azure-keyvault-secrets is not installed; nothing
                was sent to the vault.
            SignInError: The sign-in failed, or the vault is in another tenant.
            AccessDeniedError: The account may not read the secret.
            PallinkError: The secret could not be read.
        """
        secret, client_class = SecretUrl.parse(url), _load_client()
        with self._locked():
            _check_host(self._connection.cloud, secret)
            authenticated = self._sign_in()
            # A client of its own, whose authentication policy no other thread changes. Making one takes no time.
            client = client_class(
                secret.vault,
                _VaultCredential(authenticated, secret.vault),  # type: ignore[arg-type]  # get_token is not called
                api_version=_API_VERSION,
                transport=self._transport(authenticated.cloud, secret.vault),
                permit_redirects=False,
                retry_total=_READ_RETRIES,
            )
            if not self._has_read:
                # The SDK completes its model classes on first use, without a lock: no other thread uses them now.
                value = _read(client, secret, authenticated)
                self._has_read = True
                return value
        return _read(client, secret, authenticated)

    def close(self) -> None:
        """Forget the account. The connections are the caller's."""
        self._authenticated = None
        self._transports.clear()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one thread at a time sign in and read first; the others wait, each within its own deadline."""
        deadline = Deadline.current()
        if not self._lock.acquire(timeout=max(deadline.left, 0)):
            raise deadline.exceeded("another account waits for the sign-in to Key Vault")
        try:
            yield
        finally:
            self._lock.release()

    def _sign_in(self) -> Authenticated:
        if self._failure is not None:
            raise self._failure.replace()
        if self._authenticated is None:
            connection, settings, sign_in = self._connection, self._settings, None
            try:
                sign_in = choose_sign_in(connection, settings, self._prompter)
                self._prompter.check_sign_in(sign_in)
                scope = f"https://{connection.cloud.vault_suffix}/.default"
                self._authenticated = authenticate(connection, settings, sign_in, self._prompter, scope=scope)
            except (SignInError, UsageError) as error:
                # It would fail for each secret alike.
                self._failure = (
                    with_sign_in_command(error, settings, sign_in) if isinstance(error, SignInError) else error
                )
                raise self._failure from error.__cause__
        return self._authenticated

    def _transport(self, cloud: Cloud, vault: str) -> GuardedTransport:
        if vault not in self._transports:
            pool = self._connection.pool
            if cloud.emulator is not None:
                cloud.emulator.mount(pool, vault)
            pool.check_environment(vault)
            endpoint = VaultEndpoint(vault, f"https://{cloud.vault_suffix}")
            self._transports[vault] = GuardedTransport(pool, EgressPolicy(cloud.resource_manager, service=endpoint))
        return self._transports[vault]


class _VaultCredential:
    """The runner's credential, as one vault's challenge may use it: for Key Vault, and in the vault's tenant."""

    def __init__(self, authenticated: Authenticated, vault: str) -> None:
        self._authenticated = authenticated
        self._vault = vault

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token for Key Vault.

        Raises:
            UnexpectedAnswerError: The challenge names another resource.
            SignInError: The vault is in another tenant than the account.
        """
        asked = {**(options or {})}
        tenant, account = str(asked.pop("tenant_id", "")), self._authenticated.account
        credential = self._authenticated.credential
        if scopes != (credential.scope,):
            raise _foreign_challenge(self._vault)
        if is_guid(tenant) and tenant.casefold() != account.tenant_id.casefold():
            raise SignInError(
                f"the key vault {self._vault} is in another tenant than the account that reads it",
                cause=f"the vault is in {tenant}, and {account.name} signed in to {account.tenant_id}",
                remedy="sign in with an account of the vault's tenant",
            )
        return credential.get_token_info(*scopes, options=TokenRequestOptions(**asked))  # type: ignore[typeddict-item]


def _load_client() -> "type[SecretClient]":
    try:
        from azure.keyvault.secrets import SecretClient  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            "secrets in Key Vault cannot be read: azure-keyvault-secrets is not installed",
            cause="it comes with the extra keyvault",
            remedy="install it",
            command="pip install 'pallink[keyvault]'",
        ) from error
    return SecretClient


def _check_host(cloud: Cloud, secret: SecretUrl) -> None:
    if cloud.vault_suffix is None:
        raise UsageError(
            f"secrets in Key Vault cannot be read: the cloud {cloud.name} names no domain of key vaults",
            cause="its metadata has no suffixes.keyVaultDns that belongs to it; nothing was sent",
            remedy="keep the secret in a variable or a file: env:NAME or file:PATH",
        )
    if not cloud.is_vault(secret.vault):
        raise UsageError(
            f"{secret.vault} is not a key vault of {cloud.name}",
            cause=f"its vaults are at NAME.{cloud.vault_suffix}; nothing was sent",
            remedy="correct the keyvault: reference, or --cloud",
        )


def _read(client: "SecretClient", secret: SecretUrl, authenticated: Authenticated) -> str:
    statuses: list[int] = []
    with explain_errors(f"reading the secret {secret}", secret.vault) as options:
        keep_last = options["raw_response_hook"]

        def keep(response: Any) -> None:
            statuses.append(response.http_response.status_code)
            keep_last(response)

        try:
            found = client.get_secret(secret.name, secret.version, raw_response_hook=keep)
        except HttpResponseError as error:
            refused = _explain_refusal(error, secret, authenticated)
            if refused is None:
                raise
            raise refused from error
        except ValueError as error:
            # Before there is a response, and of a 401, the library reads nothing but the challenge.
            if statuses and statuses[-1] != _UNAUTHORIZED:
                raise
            raise _foreign_challenge(secret.vault) from error
    if not isinstance(found.value, str) or not found.value:
        raise UnexpectedAnswerError(
            f"the secret {secret} has no value",
            cause="the vault returned it without a value",
            remedy="store a value in the secret, then try again",
        )
    register(found.value)
    return found.value


def _foreign_challenge(vault: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"{vault} asks for a token for another service than Key Vault",
        cause="the resource in its challenge is not the domain of the cloud's vaults; no token was sent",
        remedy="check the keyvault: reference, --cloud and the proxy",
    )


def _explain_refusal(error: HttpResponseError, secret: SecretUrl, authenticated: Authenticated) -> PallinkError | None:
    """Return the error for what the vault itself refuses; None for what is no matter of this secret."""
    response: Any = error.response
    failure = body_of(response).get("error")
    if not isinstance(failure, dict) or error.status_code not in (_FORBIDDEN, _NOT_FOUND):
        return None
    trace, reported = trace_of(response), one_clause(f"{failure.get('code')}: {failure.get('message')}")
    inner = failure.get("innererror") or failure.get("innerError")
    reason = inner.get("code") if isinstance(inner, dict) else None
    if error.status_code == _NOT_FOUND:
        return ServiceError(
            f"there is no secret {secret}",
            cause=f"the vault reports {reported}",
            remedy="correct the keyvault: reference, or create the secret",
            trace=trace,
        )
    if reason == "SecretDisabled":
        return ServiceError(
            f"the secret {secret} is disabled",
            cause=f"the vault reports {reported}",
            remedy="enable it, or refer to another version",
            trace=trace,
        )
    is_network = reason in ("ForbiddenByFirewall", "ForbiddenByConnection")
    name = authenticated.account.name
    return AccessDeniedError(
        f"{name} may not read the secret {secret}",
        cause=f"the vault reports {reported}",
        remedy="allow this network in the vault's firewall"
        if is_network
        else f"have the role Key Vault Secrets User on the vault assigned to {name}, or an access policy with Get",
        trace=trace,
    )
