"""Managed identities: what a virtual machine (IMDS) and App Service ask for tokens, each by its own protocol.

Neither wants a proof: whoever runs on the machine gets the token. The world's managed identities are all on this one.
"""

import hmac
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from pallink.sandbox.call import Call
from pallink.sandbox.entra import grants, tokens
from pallink.sandbox.entra.directory import resource_of
from pallink.sandbox.entra.errors import EntraError
from pallink.sandbox.http.messages import Response, json_response, split_url
from pallink.sandbox.names import ORIGIN
from pallink.sandbox.state import settings
from pallink.sandbox.state.world import Account, AccountKind

IMDS_ORIGIN = "http://169.254.169.254"
"""Where a virtual machine finds its metadata service; link-local, and not encrypted."""

IDENTITY_PATH = "/msi/token"
"""Where an App Service finds its own."""

IDENTITY_HEADER = "sandbox-identity-header"
"""What App Service puts into the environment, and wants to see in the request's `X-IDENTITY-HEADER`."""

_IMDS_PATH = "/metadata/identity/oauth2/token"
_IMDS_API_VERSIONS = frozenset({"2018-02-01", "2019-08-01", "2021-02-01"})
_APP_SERVICE_API_VERSION = "2019-08-01"
_LIFETIME = 86400  # Seconds: a managed identity's token is good for a day.
# Each names a user-assigned identity in its own way.
_SELECTORS = ("client_id", "object_id", "principal_id", "mi_res_id", "msi_res_id")


class _RefusedError(Exception):
    """A refusal: `status`, `error` and, as its text, the description."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error


def owns(segments: tuple[str, ...]) -> bool:
    """Tells whether a path is one of these."""
    return "/" + "/".join(segments).lower() in {_IMDS_PATH, IDENTITY_PATH}


def answer(call: Call) -> Response:
    """Answers whoever asks for a token of the machine's identity, or of one of its user-assigned ones."""
    if call.request.method != "GET":
        return Response(405, {"Allow": "GET"})
    is_app_service = call.request.path.rstrip("/").lower() == IDENTITY_PATH
    try:
        return _app_service(call) if is_app_service else _imds(call)
    except _RefusedError as refused:
        if is_app_service:
            document: dict[str, Any] = {"statusCode": refused.status, "message": str(refused)}
            return json_response(refused.status, {**document, "correlationId": str(uuid4())})
        return json_response(refused.status, {"error": refused.error, "error_description": str(refused)})


def _imds(call: Call) -> Response:
    if (call.request.header("Metadata") or "").lower() != "true":
        raise _RefusedError(400, "bad_request_102", "Required metadata header not specified")
    if call.request.header("X-Forwarded-For"):  # A proxy's request is not the machine's own.
        raise _RefusedError(400, "bad_request_102", "Requests that were forwarded are refused")
    _check_version(call, _IMDS_API_VERSIONS)
    document = _token(call)
    return json_response(200, {**document, "expires_in": str(_lifetime(call)), "ext_expires_in": str(_lifetime(call))})


def _app_service(call: Call) -> Response:
    shown = call.request.header("X-IDENTITY-HEADER") or ""
    if not hmac.compare_digest(shown.encode(), IDENTITY_HEADER.encode()):
        raise _RefusedError(401, "unauthorized", "The X-IDENTITY-HEADER is missing, or another one.")
    _check_version(call, frozenset({_APP_SERVICE_API_VERSION}))
    return json_response(200, _token(call))


def _check_version(call: Call, known: frozenset[str]) -> None:
    version = call.request.query.get("api-version", "")
    if version not in known:
        raise _RefusedError(
            400, "invalid_request", f"The api-version '{version}' is not supported: {', '.join(sorted(known))} are."
        )


def _token(call: Call) -> dict[str, Any]:
    """Returns what both protocols answer with; numbers are strings in it."""
    query = call.request.query
    resource = query.get("resource", "")
    if not resource:
        raise _RefusedError(400, "invalid_request", "Required query variable 'resource' is missing")
    account = _identity(call, query)
    origin = _origin_of(resource)
    try:
        audience = resource_of(f"{resource}/.default", origin)
    except EntraError:
        raise _RefusedError(
            400,
            "invalid_resource",
            f"AADSTS500011: The resource principal named {resource} was not found in the tenant named "
            f"{account.tenant_id}.",
        ) from None
    claims = tokens.access_token_claims(
        account,
        origin=origin,
        audience=audience,
        client_id=account.name,
        issued_on=call.timestamp,
        lifetime=_lifetime(call),
    )
    return {
        "access_token": tokens.sign(claims, call.state.signing_key),
        "client_id": account.name,
        "expires_on": str(claims["exp"]),
        "not_before": str(claims["nbf"]),
        "resource": resource,
        "token_type": "Bearer",
    }


def _identity(call: Call, query: Mapping[str, str]) -> Account:
    identities = [
        account
        for tenant in call.state.world.tenants
        for account in tenant.accounts
        if account.kind is AccountKind.MANAGED_IDENTITY
    ]
    if call.state.setting(settings.MANAGED_IDENTITY) == "none":
        identities = []
    wanted = [query[name].lower() for name in _SELECTORS if name in query]
    for account in identities:
        names = {account.name, account.object_id, (account.resource_id or "").lower()}
        if names.issuperset(wanted) if wanted else account.is_system_assigned:
            return account
    raise _RefusedError(400, "invalid_request", "Identity not found")


def _lifetime(call: Call) -> int:
    return grants.access_token_lifetime(call.state, _LIFETIME)


def _origin_of(resource: str) -> str:
    """Returns the sandbox's origin that a resource is, since the request went to another one; in process by default."""
    parts = split_url(resource)
    if parts.scheme == "https" and parts.hostname in {"localhost", "127.0.0.1"}:
        return f"{parts.scheme}://{parts.netloc}"
    return ORIGIN
