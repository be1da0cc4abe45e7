"""The token endpoints for managed identities: of a virtual machine (IMDS), App Service and Azure Arc; Cloud Shell's.

None needs a credential: any process on the machine gets a token, on a machine with Azure Arc one that can read a file.
The machine has all managed identities of the world. Cloud Shell's endpoint is like them, but has the token of the user
who is signed in to the portal: the default account.
"""

import hmac
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from pallink.sandbox.call import Call
from pallink.sandbox.entra import grants, tokens
from pallink.sandbox.entra.directory import find_resource
from pallink.sandbox.entra.errors import EntraError
from pallink.sandbox.http.messages import Response, json_response, split_url
from pallink.sandbox.names import ORIGIN
from pallink.sandbox.state import settings
from pallink.sandbox.state.world import Account

IMDS_ORIGIN = "http://169.254.169.254"
"""The origin of a virtual machine's metadata service: link-local, and unencrypted."""

IDENTITY_PATH = "/msi/token"
"""The path of App Service's token endpoint."""

IDENTITY_HEADER = "sandbox-identity-header"
"""The value of App Service's `IDENTITY_HEADER` variable, which requests send as `X-IDENTITY-HEADER`."""

ARC_PATH = "/azure-arc/metadata/identity/oauth2/token"
"""The path of Azure Arc's token endpoint."""

ARC_KEY = "sandbox-azure-arc-key"
"""The content of the file that Azure Arc's endpoint names."""

ARC_KEY_FILE = "azure-arc.key"
"""The name of that file; the real one is in a folder of the agent."""

CLOUD_SHELL_PATH = "/cloud-shell/oauth2/token"
"""The path of Cloud Shell's token endpoint."""

_IMDS_PATH = "/metadata/identity/oauth2/token"
_ARC_API_VERSIONS = frozenset({"2019-11-01", "2020-06-01"})
_IMDS_API_VERSIONS = frozenset({"2018-02-01", "2019-08-01", "2021-02-01"})
_APP_SERVICE_API_VERSION = "2019-08-01"
_LIFETIME = 86400  # Seconds; a day.
_PORTAL = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"  # The client ID of the Azure portal.
# The query parameters that select a user-assigned identity.
_SELECTORS = ("client_id", "object_id", "principal_id", "mi_res_id", "msi_res_id")


class _TokenRequestError(Exception):
    """The error of a token request: HTTP status, error code, and the description as its text."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error


def owns(segments: tuple[str, ...]) -> bool:
    """Return whether a path is one of the token endpoints."""
    return "/" + "/".join(segments).lower() in {_IMDS_PATH, IDENTITY_PATH, ARC_PATH, CLOUD_SHELL_PATH}


def handle(call: Call) -> Response:
    """Return the response to a request for a token of the system-assigned or a user-assigned identity."""
    path = call.request.path.rstrip("/").lower()
    method = "POST" if path == CLOUD_SHELL_PATH else "GET"
    if call.request.method != method:
        return Response(405, {"Allow": method})
    try:
        return _ENDPOINTS.get(path, _imds)(call)
    except _TokenRequestError as error:
        return json_response(error.status, _error_document(path, error))


def _error_document(path: str, error: _TokenRequestError) -> dict[str, Any]:
    if path == IDENTITY_PATH:
        return {"statusCode": error.status, "message": str(error), "correlationId": str(uuid4())}
    if path == CLOUD_SHELL_PATH:
        return {"error": {"code": error.error, "message": str(error)}}
    return {"error": error.error, "error_description": str(error)}


def _imds(call: Call) -> Response:
    _check_metadata_header(call)
    if call.request.header("X-Forwarded-For"):  # A request that a proxy forwards is not the machine's own.
        raise _TokenRequestError(400, "bad_request_102", "Requests that were forwarded are refused")
    _check_version(call, _IMDS_API_VERSIONS)
    document = _token(call)
    return json_response(200, {**document, "expires_in": str(_lifetime(call)), "ext_expires_in": str(_lifetime(call))})


def _app_service(call: Call) -> Response:
    header = call.request.header("X-IDENTITY-HEADER") or ""
    if not hmac.compare_digest(header.encode(), IDENTITY_HEADER.encode()):
        raise _TokenRequestError(401, "unauthorized", "The X-IDENTITY-HEADER is missing, or another one.")
    _check_version(call, frozenset({_APP_SERVICE_API_VERSION}))
    return json_response(200, _token(call))


def _arc(call: Call) -> Response:
    """Return a token for a request with the content of the file that the response to one without it names."""
    _check_metadata_header(call)
    _check_version(call, _ARC_API_VERSIONS)
    scheme, _, key = (call.request.header("Authorization") or "").partition(" ")
    if scheme != "Basic" or not hmac.compare_digest(key.encode(), ARC_KEY.encode()):
        file = call.state.path.with_name(ARC_KEY_FILE)
        return json_response(
            401,
            {"error": "unauthorized_client", "error_description": "Missing Basic Authorization header"},
        ).with_headers({"WWW-Authenticate": f"Basic realm={file}"})
    return json_response(200, {**_token(call), "expires_in": str(_lifetime(call))})


def _cloud_shell(call: Call) -> Response:
    """Return a token of the user who is signed in to the portal, for `resource` in the form."""
    _check_metadata_header(call)
    world = call.state.world
    user = world.user(world.default_account)
    if user is None:
        raise _TokenRequestError(400, "UserNotFound", "No user is signed in to the portal.")
    resource = call.request.form.get("resource", "")
    audience, origin = _find_audience(resource, f"Audience {resource} is not a supported MSI token audience.")
    lifetime = grants.access_token_lifetime(call.state, int(tokens.ACCESS_TOKEN_LIFETIME.total_seconds()))
    claims = tokens.access_token_claims(
        user,
        origin=origin,
        audience=audience,
        client_id=_PORTAL,
        issued_on=call.timestamp,
        lifetime=lifetime,
        has_mfa=True,
    )
    return json_response(
        200, {**_token_document(call, claims, resource), "refresh_token": "", "expires_in": str(lifetime)}
    )


_ENDPOINTS: dict[str, Callable[[Call], Response]] = {
    IDENTITY_PATH: _app_service,
    ARC_PATH: _arc,
    CLOUD_SHELL_PATH: _cloud_shell,
}


def _check_metadata_header(call: Call) -> None:
    if (call.request.header("Metadata") or "").lower() != "true":
        raise _TokenRequestError(400, "bad_request_102", "Required metadata header not specified")


def _check_version(call: Call, known: frozenset[str]) -> None:
    version = call.request.query.get("api-version", "")
    if version not in known:
        raise _TokenRequestError(
            400, "invalid_request", f"The api-version '{version}' is not supported: {', '.join(sorted(known))} are."
        )


def _token(call: Call) -> dict[str, Any]:
    """Return the fields that the endpoints of managed identities have in common."""
    query = call.request.query
    resource = query.get("resource", "")
    if not resource:
        raise _TokenRequestError(400, "invalid_request", "Required query variable 'resource' is missing")
    account = _find_identity(call, query)
    audience, origin = _find_audience(
        resource,
        f"AADSTS500011: The resource principal named {resource} was not found in the tenant named {account.tenant_id}.",
    )
    claims = tokens.access_token_claims(
        account,
        origin=origin,
        audience=audience,
        client_id=account.name,
        issued_on=call.timestamp,
        lifetime=_lifetime(call),
    )
    return {**_token_document(call, claims, resource), "client_id": account.name}


def _token_document(call: Call, claims: Mapping[str, Any], resource: str) -> dict[str, Any]:
    """Return the fields that all endpoints have in common; numbers are strings."""
    return {
        "access_token": tokens.sign(claims, call.state.signing_key),
        "expires_on": str(claims["exp"]),
        "not_before": str(claims["nbf"]),
        "resource": resource,
        "token_type": "Bearer",
    }


def _find_audience(resource: str, message: str) -> tuple[str, str]:
    """Return the audience of a token for a resource, and the sandbox's origin; refuse another resource."""
    origin = _origin_of(resource)
    try:
        return find_resource(f"{resource}/.default", origin), origin
    except EntraError:
        raise _TokenRequestError(400, "invalid_resource", message) from None


def _find_identity(call: Call, query: Mapping[str, str]) -> Account:
    is_assigned = call.state.setting(settings.MANAGED_IDENTITY) == "assigned"
    identities = call.state.world.managed_identities if is_assigned else ()
    selectors = [query[name].lower() for name in _SELECTORS if name in query]
    for account in identities:
        names = {account.name, account.object_id, (account.resource_id or "").lower()}
        if names.issuperset(selectors) if selectors else account.is_system_assigned:
            return account
    raise _TokenRequestError(400, "invalid_request", "Identity not found")


def _lifetime(call: Call) -> int:
    return grants.access_token_lifetime(call.state, _LIFETIME)


def _origin_of(resource: str) -> str:
    """Return the sandbox's origin for a resource, since the request went to another: the resource itself on loopback.

    In process, it is `ORIGIN`.
    """
    parts = split_url(resource.replace("://vault.", "://", 1))
    if parts.scheme == "https" and parts.hostname in {"localhost", "127.0.0.1"}:
        return f"{parts.scheme}://{parts.netloc}"
    return ORIGIN
