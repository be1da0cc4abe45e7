"""Credentials of sessions that pallink did not start: the Azure CLI's, and a managed identity."""

import os
import shutil
import sys
from enum import Enum, auto
from typing import Any
from urllib.parse import urlsplit

from azure.identity import AzureCliCredential, ManagedIdentityCredential
from msal.managed_identity import AZURE_ARC, get_managed_identity_source  # type: ignore[import-untyped]

from pallink.azure.auth.context import CredentialContext
from pallink.deadline import Deadline
from pallink.errors import SignInError
from pallink.http.policy import TokenEndpoint, is_token_service
from pallink.redact.secrets import REDACTED, redact
from pallink.signin import SignIn

_IMDS_PATH = "/metadata/identity/oauth2/token"
IMDS = f"http://169.254.169.254{_IMDS_PATH}"
# The agent of Azure Arc listens here, where no variable says otherwise.
_ARC = f"http://localhost:40342{_IMDS_PATH}"
_HOST_VARIABLES = (
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
)

_MAX_AZ_SECONDS = 60
_IMDS_RETRIES = 2


def azure_cli(sign_in: SignIn, _context: CredentialContext) -> Any:
    """Return an AzureCliCredential. It runs `az`, which sends its own requests.

    Raises:
        SignInError: `az` is not installed.
    """
    programs = ("az.cmd", "az") if sys.platform == "win32" else ("az",)
    if not any(shutil.which(program) for program in programs):
        raise SignInError(
            "cannot sign in with the Azure CLI's session: az is not installed",
            cause="there is no az on the PATH",
            remedy="install the Azure CLI, or use another method with --auth",
        )
    return AzureCliCredential(
        tenant_id=sign_in.tenant or "", process_timeout=max(1, int(Deadline.current().share(_MAX_AZ_SECONDS)))
    )


class Host(Enum):
    """What kind of host issues the tokens, which decides the protocol."""

    VIRTUAL_MACHINE = auto()
    APP_SERVICE = auto()
    ARC = auto()
    CLOUD_SHELL = auto()


def managed_identity(sign_in: SignIn, context: CredentialContext) -> Any:
    """Return a ManagedIdentityCredential for the host's own token service, or for that of virtual machines.

    Raises:
        SignInError: A user-assigned identity is named in Azure Cloud Shell, which has only the user who is signed in.
    """
    if sign_in.client_id is not None and _detect_host() is Host.CLOUD_SHELL:
        raise SignInError(
            "cannot sign in with a managed identity: Azure Cloud Shell has none",
            cause="it gives the token of the user who is signed in, and a client ID names an identity",
            remedy="leave out --client-id, and unset AZURE_CLIENT_ID",
        )
    return ManagedIdentityCredential(
        client_id=sign_in.client_id,
        transport=context.transport,
        retry_total=_IMDS_RETRIES,
        retry_status=_IMDS_RETRIES,
        # Otherwise it would use a federated token instead, if its variables are set.
        _exclude_workload_identity_credential=True,
    )


def managed_identity_endpoint(_sign_in: SignIn) -> TokenEndpoint:
    """Return where this host issues tokens for managed identities, or Azure Cloud Shell that of the signed-in user.

    Raises:
        SignInError: pallink does not support the managed identities of this host, or the address is elsewhere.
    """
    match _detect_host():
        case Host.CLOUD_SHELL:
            return TokenEndpoint(_token_service(os.environ["MSI_ENDPOINT"]), "POST")
        case Host.ARC:
            return TokenEndpoint(_token_service(os.environ.get("IDENTITY_ENDPOINT") or _ARC), "GET", has_challenge=True)
        case Host.APP_SERVICE:
            return TokenEndpoint(_token_service(os.environ["IDENTITY_ENDPOINT"]), "GET")
        case Host.VIRTUAL_MACHINE:
            authority = os.environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")
            url = f"{authority.rstrip('/')}{_IMDS_PATH}" if authority else None
            return TokenEndpoint(_token_service(url) if url else IMDS, "GET")


def _detect_host() -> Host:
    """Return the kind of this host, as azure-identity finds it by the variables that the host sets.

    Raises:
        SignInError: pallink does not support the managed identities of this host.
    """
    is_set = {name for name in _HOST_VARIABLES if os.environ.get(name)}
    if "IDENTITY_ENDPOINT" in is_set:
        if "IDENTITY_SERVER_THUMBPRINT" in is_set:
            raise _unsupported_host("IDENTITY_SERVER_THUMBPRINT")
        if "IDENTITY_HEADER" in is_set:
            return Host.APP_SERVICE
        if "IMDS_ENDPOINT" not in is_set:
            raise _unsupported_host("IDENTITY_ENDPOINT")
        return Host.ARC
    if "MSI_ENDPOINT" in is_set:
        if "MSI_SECRET" in is_set:
            raise _unsupported_host("MSI_SECRET")
        return Host.CLOUD_SHELL
    if is_set & {"IMDS_ENDPOINT", "IDENTITY_SERVER_THUMBPRINT"}:
        raise _unsupported_host(min(is_set))
    # Without variables msal recognises a machine with the agent of Azure Arc by its program.
    return Host.ARC if get_managed_identity_source() is AZURE_ARC else Host.VIRTUAL_MACHINE


def _unsupported_host(variable: str) -> SignInError:
    return SignInError(
        "cannot sign in with a managed identity on this host",
        cause=f"{variable} is set, which belongs to a host that pallink does not support",
        remedy="use another method with --auth",
    )


def _token_service(url: str) -> str:
    """Return the URL of the host's token service, without its query.

    Raises:
        SignInError: The URL is neither on this machine nor https, or is invalid.
    """
    base = url.partition("?")[0]
    if is_token_service(base):
        return base
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    # In lower case a secret is not recognised as one.
    host = host if redact(url) == url else REDACTED
    raise SignInError(
        f"the managed identity's address {host or '(none)'} is not on this machine",
        cause="the token would travel unencrypted",
        remedy="leave IDENTITY_ENDPOINT, MSI_ENDPOINT and AZURE_POD_IDENTITY_AUTHORITY_HOST as the host sets them",
    )
