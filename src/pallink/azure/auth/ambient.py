"""Credentials of sessions that pallink did not start: the Azure CLI's, and a managed identity."""

import os
import shutil
import sys
from typing import Any
from urllib.parse import urlsplit

from azure.identity import AzureCliCredential, ManagedIdentityCredential

from pallink.azure.auth.context import CredentialContext
from pallink.deadline import Deadline
from pallink.errors import SignInError
from pallink.http.policy import TokenEndpoint, is_token_service
from pallink.redact.secrets import REDACTED, redact
from pallink.signin import SignIn

_IMDS_PATH = "/metadata/identity/oauth2/token"
IMDS = f"http://169.254.169.254{_IMDS_PATH}"

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


def managed_identity(sign_in: SignIn, context: CredentialContext) -> Any:
    """Return a ManagedIdentityCredential for the host's own token service, or for that of virtual machines."""
    return ManagedIdentityCredential(
        client_id=sign_in.client_id,
        transport=context.transport,
        retry_total=_IMDS_RETRIES,
        retry_status=_IMDS_RETRIES,
        # Otherwise it would use a federated token instead, if its variables are set.
        _exclude_workload_identity_credential=True,
    )


def managed_identity_endpoint(_sign_in: SignIn) -> TokenEndpoint:
    """Return where this host issues tokens for managed identities.

    Raises:
        SignInError: pallink does not support the managed identities of this host, or the address is elsewhere.
    """
    url = os.environ.get("IDENTITY_ENDPOINT")
    unsupported = [
        name
        for name in ("IMDS_ENDPOINT", "IDENTITY_SERVER_THUMBPRINT", "MSI_ENDPOINT")
        if os.environ.get(name) and not (name == "MSI_ENDPOINT" and url)
    ]
    if unsupported or (url and not os.environ.get("IDENTITY_HEADER")):
        raise SignInError(
            "cannot sign in with a managed identity on this host",
            cause=f"{(unsupported or ['IDENTITY_ENDPOINT'])[0]} is set: pallink supports managed identities of virtual"
            " machines, AKS, App Service, Functions and Container Apps only",
            remedy="use another method with --auth",
        )
    authority = os.environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    if url is None and authority:
        url = f"{authority.rstrip('/')}{_IMDS_PATH}"
    return TokenEndpoint(_token_service(url) if url else IMDS, "GET")


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
        cause="IDENTITY_ENDPOINT or AZURE_POD_IDENTITY_AUTHORITY_HOST names it, and the token would travel unencrypted",
        remedy="leave these variables as the host sets them",
    )
