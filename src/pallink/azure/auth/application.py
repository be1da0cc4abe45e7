"""Credentials of applications: a secret, a certificate, or a federated token."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest
from azure.identity import (
    AzurePipelinesCredential,
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    WorkloadIdentityCredential,
)

from pallink.azure.auth.context import CredentialContext
from pallink.azure.auth.errors import explain_oidc
from pallink.clouds import https_origin
from pallink.errors import SignInError
from pallink.http.policy import TokenEndpoint
from pallink.os_errors import os_reason
from pallink.signin import SignIn, variables

_TRUE = frozenset({"1", "true"})

# The audience of GitHub's token, which differs by cloud.
_AUDIENCES = {
    "AzureUSGovernment": "api://AzureADTokenExchangeUSGov",
    "AzureChinaCloud": "api://AzureADTokenExchangeChina",
}
_DEFAULT_AUDIENCE = "api://AzureADTokenExchange"
_OK = 200
# azure-core's own number: the job has no other way to sign in.
_OIDC_RETRIES = 10


def client_secret(sign_in: SignIn, context: CredentialContext) -> Any:
    """Return a ClientSecretCredential."""
    return ClientSecretCredential(*_identity(sign_in), sign_in.inputs[variables.CLIENT_SECRET], **context.options)


def certificate(sign_in: SignIn, context: CredentialContext) -> Any:
    """Return a CertificateCredential.

    Raises:
        SignInError: The certificate cannot be used.
    """
    from pallink.azure.auth.certificate import (  # noqa: PLC0415 - only this method needs it
        CertificateSource,
        is_world_readable,
        parse_certificate,
        read_certificate,
    )

    path, password = sign_in.inputs[variables.CERTIFICATE_PATH], sign_in.inputs.get(variables.CERTIFICATE_PASSWORD)
    if sign_in.certificate is not None:
        source = CertificateSource(path, certificate="certificate", password="certificate-password")  # noqa: S106 - a key
        content = parse_certificate(sign_in.certificate, password, source)
    else:
        content = read_certificate(path, password)
        if is_world_readable(path):
            context.prompter.warn(
                f"the key in {path!r} can be read by every user of this machine: protect it with chmod 600"
            )
    return CertificateCredential(
        *_identity(sign_in),
        certificate_data=content,
        send_certificate_chain=sign_in.inputs.get(variables.SEND_CERTIFICATE_CHAIN, "").lower() in _TRUE,
        **context.options,
    )


def workload_identity(sign_in: SignIn, context: CredentialContext) -> Any:
    """Return a WorkloadIdentityCredential.

    Raises:
        SignInError: The token file is missing, not text, or empty.
    """
    path = sign_in.inputs[variables.FEDERATED_TOKEN_FILE]
    try:
        is_empty = not Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else "not a text file"
        raise SignInError(
            f"the federated token file {path!r} cannot be read: {reason}",
            cause=f"{variables.FEDERATED_TOKEN_FILE} names it",
            remedy="check that the token of the pod or the job is mounted there",
        ) from error
    if is_empty:
        raise SignInError(
            f"the federated token file {path!r} is empty",
            cause=f"{variables.FEDERATED_TOKEN_FILE} names it",
            remedy="check the program that writes the token; it may not have done so yet",
        )
    tenant, client_id = _identity(sign_in)
    return WorkloadIdentityCredential(tenant_id=tenant, client_id=client_id, token_file_path=path, **context.options)


def azure_pipelines(sign_in: SignIn, context: CredentialContext) -> Any:
    """Return an AzurePipelinesCredential."""
    tenant, client_id = _identity(sign_in)
    return AzurePipelinesCredential(
        tenant_id=tenant,
        client_id=client_id,
        service_connection_id=sign_in.inputs[variables.PIPELINES_CONNECTION_ID],
        system_access_token=sign_in.inputs[variables.PIPELINES_ACCESS_TOKEN],
        **context.options,
    )


def azure_pipelines_endpoint(sign_in: SignIn) -> TokenEndpoint:
    """Return where Azure Pipelines issues the job's token.

    Raises:
        SignInError: The URL is not https.
    """
    url, token = sign_in.inputs[variables.PIPELINES_REQUEST_URL], sign_in.inputs[variables.PIPELINES_ACCESS_TOKEN]
    return TokenEndpoint(_https(url, variables.PIPELINES_REQUEST_URL).rstrip("/"), "POST", bearer=token)


def github(sign_in: SignIn, context: CredentialContext) -> Any:
    """Return a ClientAssertionCredential that requests the job's token from GitHub at need: it lives for minutes."""
    url, token = sign_in.inputs[variables.GITHUB_REQUEST_URL], sign_in.inputs[variables.GITHUB_REQUEST_TOKEN]
    audience = _AUDIENCES.get(context.cloud.name, _DEFAULT_AUDIENCE)
    separator = "&" if "?" in url else "?"

    def assertion() -> str:
        request = HttpRequest(
            "GET",
            f"{url}{separator}audience={audience}",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        )
        try:
            response = context.transport.read(request, retries=_OIDC_RETRIES)
        except AzureError as error:
            raise explain_oidc(error, None, "GitHub Actions") from error
        value = _value(response.text()) if response.status_code == _OK else None
        if value is None:
            raise explain_oidc(None, response, "GitHub Actions")
        return value

    return ClientAssertionCredential(*_identity(sign_in), assertion, **context.options)


def github_endpoint(sign_in: SignIn) -> TokenEndpoint:
    """Return where GitHub Actions issues the job's token.

    Raises:
        SignInError: The URL is not https.
    """
    url, token = sign_in.inputs[variables.GITHUB_REQUEST_URL], sign_in.inputs[variables.GITHUB_REQUEST_TOKEN]
    return TokenEndpoint(_https(url, variables.GITHUB_REQUEST_URL), "GET", bearer=token)


def stored_application(sign_in: SignIn, context: CredentialContext, expired: Callable[[], SignInError]) -> Any:
    """Return a credential for the cached token of a stored sign-in. It cannot request another one.

    Args:
        sign_in: The sign-in.
        context: What the credential is created with.
        expired: Returns the error to raise when the cached token has expired.
    """

    def assertion() -> str:
        raise expired()

    return ClientAssertionCredential(*_identity(sign_in), assertion, **context.options)


def _value(text: str) -> str | None:
    try:
        value = json.loads(text)["value"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return value if isinstance(value, str) and value else None


def _identity(sign_in: SignIn) -> tuple[str, str]:
    """Return tenant and client ID."""
    return sign_in.tenant or "", sign_in.client_id or ""


def _https(url: str, variable: str) -> str:
    """Return a URL without its query, or refuse one that is not https."""
    base = url.partition("?")[0]
    if https_origin(base) is None:
        raise SignInError(
            f"{variable} is not an https:// URL",
            cause="the token that identifies the job would travel unencrypted",
            remedy=f"leave {variable} as the CI system sets it",
        )
    return base
