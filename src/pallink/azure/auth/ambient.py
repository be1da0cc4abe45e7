"""Credentials of sessions that pallink did not start: the Azure CLI's, and a machine's managed identity."""

import os
import shutil
import sys
from typing import Any
from urllib.parse import urlsplit

from azure.identity import AzureCliCredential, ManagedIdentityCredential

from pallink.azure.auth.context import CredentialContext
from pallink.azure.transport import ExtraHost
from pallink.errors import SignInError
from pallink.signin import SignIn

_IMDS_PATH = "/metadata/identity/oauth2/token"
IMDS = f"http://169.254.169.254{_IMDS_PATH}"

_AZ_SECONDS = 60
_IMDS_RETRIES = 2


def azure_cli(sign_in: SignIn, context: CredentialContext) -> Any:
    """AzureCliCredential: it starts `az`, which sends its own requests.

    Raises:
        SignInError: there is no `az`.
    """
    if not any(shutil.which(name) for name in (("az.cmd", "az") if sys.platform == "win32" else ("az",))):
        raise SignInError(
            "cannot sign in with the Azure CLI's session: there is no az",
            cause="no program of that name is on the PATH",
            remedy="install the Azure CLI, or use another method with --auth",
        )
    return AzureCliCredential(
        tenant_id=sign_in.tenant or "", process_timeout=max(1, int(context.deadline.share(_AZ_SECONDS)))
    )


def managed_identity(sign_in: SignIn, context: CredentialContext) -> Any:
    """ManagedIdentityCredential, by the address of the host's own service or by that of virtual machines.

    Raises:
        SignInError: this host offers managed identities in a way that is not supported here.
    """
    address = os.environ.get("IDENTITY_ENDPOINT")
    other = [
        name
        for name in ("IMDS_ENDPOINT", "IDENTITY_SERVER_THUMBPRINT", "MSI_ENDPOINT")
        if os.environ.get(name) and not (name == "MSI_ENDPOINT" and address)
    ]
    if other or (address and not os.environ.get("IDENTITY_HEADER")):
        raise SignInError(
            "cannot sign in with a managed identity on this host",
            cause=f"{(other or ['IDENTITY_ENDPOINT'])[0]} is set: of its kind only virtual machines, AKS, App Service,"
            " Functions and Container Apps are supported",
            remedy="use another method with --auth",
        )
    instead = os.environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    if address is None and instead:
        address = f"{instead.rstrip('/')}{_IMDS_PATH}"
    context.transport.allow_also(ExtraHost(_own_service(address) if address else IMDS, "GET"))
    return ManagedIdentityCredential(
        client_id=sign_in.client_id,
        transport=context.transport,
        retry_total=_IMDS_RETRIES,
        retry_status=_IMDS_RETRIES,
        # With the variables of a federated token around it would take that one instead, unasked.
        _exclude_workload_identity_credential=True,
    )


def _own_service(address: str) -> str:
    """An address that the host names for its token service, which is on the machine itself, or reached by https.

    Raises:
        SignInError: it is neither.
    """
    parts = urlsplit(address)
    is_near = parts.hostname in ("localhost", "127.0.0.1", "::1") or (parts.hostname or "").startswith("169.254.")
    if parts.scheme == "https" or (parts.scheme == "http" and is_near):
        return address.partition("?")[0]
    raise SignInError(
        f"the managed identity's address {parts.hostname or '(none)'} is not on this machine",
        cause="IDENTITY_ENDPOINT or AZURE_POD_IDENTITY_AUTHORITY_HOST names it, and the token would travel unencrypted",
        remedy="let the host set it: nobody else has to",
    )
