"""Credentials of applications: a secret, a certificate, or a token that somebody else vouches with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError
from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import RetryPolicy
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
from pallink.azure.transport import ExtraHost
from pallink.clouds import https_origin
from pallink.errors import SignInError
from pallink.signin import SignIn, methods as names

_TRUE = frozenset({"1", "true"})

# Whom GitHub's token is for: each cloud's Entra ID has a name of its own for it.
_AUDIENCES = {
    "AzureUSGovernment": "api://AzureADTokenExchangeUSGov",
    "AzureChinaCloud": "api://AzureADTokenExchangeChina",
}
_AUDIENCE = "api://AzureADTokenExchange"
_OK = 200


def client_secret(sign_in: SignIn, context: CredentialContext) -> Any:
    """ClientSecretCredential."""
    return ClientSecretCredential(*_who(sign_in), sign_in.inputs[names.SECRET], **context.options)


def certificate(sign_in: SignIn, context: CredentialContext) -> Any:
    """CertificateCredential.

    Raises:
        SignInError: the file cannot be used.
    """
    from pallink.azure.auth.certificate import is_open_to_all, read_certificate  # noqa: PLC0415 - no other method reads one

    path, password = sign_in.inputs[names.CERTIFICATE], sign_in.inputs.get(names.CERTIFICATE_PASSWORD)
    content = read_certificate(path, password)
    if is_open_to_all(path):
        context.person.warn(f"the key in {path!r} can be read by every user of this machine: protect it with chmod 600")
    is_encrypted = b"-----BEGIN" not in content or b"ENCRYPTED" in content
    return CertificateCredential(
        *_who(sign_in),
        certificate_data=content,
        password=password if is_encrypted else None,
        send_certificate_chain=sign_in.inputs.get(names.CERTIFICATE_CHAIN, "").lower() in _TRUE,
        **context.options,
    )


def workload_identity(sign_in: SignIn, context: CredentialContext) -> Any:
    """WorkloadIdentityCredential.

    Raises:
        SignInError: the token file is missing or empty.
    """
    path = sign_in.inputs[names.TOKEN_FILE]
    try:
        is_empty = not Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is no text"
        raise SignInError(
            f"the federated token file {path!r} cannot be read: {said}",
            cause=f"{names.TOKEN_FILE} names it",
            remedy="check that the pod, or the job, has its token mounted there",
        ) from error
    if is_empty:
        raise SignInError(
            f"the federated token file {path!r} is empty",
            cause=f"{names.TOKEN_FILE} names it",
            remedy="check what writes the token; it may not have done so yet",
        )
    tenant, client_id = _who(sign_in)
    return WorkloadIdentityCredential(tenant_id=tenant, client_id=client_id, token_file_path=path, **context.options)


def azure_pipelines(sign_in: SignIn, context: CredentialContext) -> Any:
    """AzurePipelinesCredential.

    Raises:
        SignInError: the address to ask for the job's token is not https.
    """
    url, token = sign_in.inputs[names.PIPELINES_URL], sign_in.inputs[names.PIPELINES_TOKEN]
    context.transport.allow_also(ExtraHost(_https(url, names.PIPELINES_URL).rstrip("/"), "POST", bearer=token))
    tenant, client_id = _who(sign_in)
    return AzurePipelinesCredential(
        tenant_id=tenant,
        client_id=client_id,
        service_connection_id=sign_in.inputs[names.PIPELINES_CONNECTION],
        system_access_token=token,
        **context.options,
    )


def github(sign_in: SignIn, context: CredentialContext) -> Any:
    """ClientAssertionCredential over the token that GitHub issues to the job; it lives minutes: asked for at need.

    Raises:
        SignInError: the address to ask for the job's token is not https.
    """
    url, token = sign_in.inputs[names.GITHUB_URL], sign_in.inputs[names.GITHUB_TOKEN]
    context.transport.allow_also(ExtraHost(_https(url, names.GITHUB_URL), "GET", bearer=token))
    audience = _AUDIENCES.get(context.cloud.name, _AUDIENCE)
    separator = "&" if "?" in url else "?"
    pipeline: Any = Pipeline(context.transport, [RetryPolicy()])

    def assertion() -> str:
        request = HttpRequest(
            "GET",
            f"{url}{separator}audience={audience}",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        )
        try:
            response = pipeline.run(request).http_response
            response.read()
        except AzureError as error:
            raise explain_oidc(error, None, "GitHub Actions") from error
        value = _value(response.text()) if response.status_code == _OK else None
        if value is None:
            raise explain_oidc(None, response, "GitHub Actions")
        return value

    return ClientAssertionCredential(*_who(sign_in), assertion, **context.options)


def kept_application(sign_in: SignIn, context: CredentialContext, expired: Callable[[], SignInError]) -> Any:
    """A credential for the token that an application's `login` left in the cache; it can get no other one."""

    def no_proof() -> str:
        raise expired()

    return ClientAssertionCredential(*_who(sign_in), no_proof, **context.options)


def _value(text: str) -> str | None:
    try:
        value = json.loads(text)["value"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return value if isinstance(value, str) and value else None


def _who(sign_in: SignIn) -> tuple[str, str]:
    return sign_in.tenant or "", sign_in.client_id or ""


def _https(url: str, variable: str) -> str:
    base = url.partition("?")[0]
    if https_origin(base) is None:
        raise SignInError(
            f"{variable} is no https:// URL",
            cause="the token that identifies the job would travel unencrypted",
            remedy=f"let the CI system set {variable}: nobody else has to",
        )
    return base
