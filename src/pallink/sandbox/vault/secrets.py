"""The data plane of Key Vault: GET of one secret, with the challenge that tells a client how to sign in.

A vault is at `NAME.vault.HOST`, where `HOST` is that of the sandbox's other services.

Sources: Microsoft's documentation ("Authentication, requests and responses", "REST API error codes", the reference of
Get Secret), and the traffic that Microsoft's own test suites recorded.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import uuid4

from pallink.sandbox.call import Call
from pallink.sandbox.entra import tokens
from pallink.sandbox.entra.directory import KEY_VAULT, vault_resource
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.http.messages import Request, Response, json_response
from pallink.sandbox.state import access, settings
from pallink.sandbox.state.vaults import Secret, Vault
from pallink.sandbox.state.world import Account, Tenant

_HOST = re.compile(r"([a-z0-9-]+)\.vault\.(.+)", re.IGNORECASE)
_API_VERSIONS = frozenset({"2016-10-01", "2025-07-01", "2026-04-01", *(f"7.{number}" for number in range(7))})
_LATEST_API_VERSION = "2026-04-01"
_SECRET_PATH_LENGTHS = frozenset({2, 3})
_RETRY_AFTER = "10"  # Seconds.
_CREATED = 1767225600  # 2026-01-01, in seconds since the epoch.


@dataclass(frozen=True, slots=True)
class _Place:
    """What a request is for.

    Attributes:
        call: The request.
        name: The name of the vault, from the host.
        login: The origin of the sandbox's other services.
        tenant: The vault's tenant.
        vault: The vault.
    """

    call: Call
    name: str
    login: str
    tenant: Tenant
    vault: Vault


def owns(request: Request) -> bool:
    """Return whether a request is for a vault: its host alone decides."""
    return _HOST.fullmatch(urlsplit(request.url).netloc) is not None


def handle(call: Call) -> Response:
    """Return the response to a request to a vault."""
    try:
        response = _respond(call)
    except ApiError as error:
        response = error.response()
    return response.with_headers(_headers(call))


def _headers(call: Call) -> dict[str, str]:
    client_request_id = call.request.header("x-ms-client-request-id")
    return {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "x-ms-keyvault-region": "sandbox",
        "x-ms-request-id": str(uuid4()),
        **({"x-ms-client-request-id": client_request_id} if client_request_id else {}),
        "X-Content-Type-Options": "nosniff",
        "Date": format_datetime(call.now, usegmt=True),
    }


def _respond(call: Call) -> Response:
    place = _find_place(call)
    if call.state.setting(settings.KEY_VAULT) == "throttling":
        raise ApiError(
            HTTPStatus.TOO_MANY_REQUESTS,
            "Throttled",
            "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached",
            {"Retry-After": _RETRY_AFTER},
        )
    account = _authenticate(place)
    segments = call.request.segments
    _check_api_version(call.request.query.get("api-version"))
    if segments[:1] != ("secrets",) or len(segments) not in _SECRET_PATH_LENGTHS:
        raise ApiError(404, "NotFound", f"The sandbox's vaults have nothing at '{call.request.path}'.")
    if call.request.method != "GET":
        raise ApiError(405, "MethodNotAllowed", "The sandbox's secrets can only be read.", {"Allow": "GET"})
    return _get_secret(place, account, *segments[1:])


def _find_place(call: Call) -> _Place:
    parts = urlsplit(call.request.url)
    match = _HOST.fullmatch(parts.netloc)
    assert match is not None  # noqa: S101 - `owns` checks it.
    name, login = match[1].lower(), f"{parts.scheme}://{match[2]}"
    for tenant in call.state.world.tenants:
        for vault in tenant.vaults:
            if vault.name == name:
                return _Place(call, name, login, tenant, vault)
    # In Azure the name of its host does not resolve.
    raise ApiError(404, "VaultNotFound", f"The sandbox has no key vault named '{name}'.")


def _authenticate(place: _Place) -> Account:
    """Return the caller that the bearer token identifies.

    Raises:
        ApiError: The token is missing, invalid, expired, or for another audience or tenant.
    """
    call = place.call
    scheme, _, token = (call.request.header("Authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized(place, "AKV10000: Request is missing a Bearer or PoP token.")
    try:
        claims = tokens.verify(token.strip(), call.state.signing_key)
    except tokens.InvalidTokenError:
        raise _unauthorized(place, "The token cannot be validated.") from None
    allowed = {audience for known in (KEY_VAULT, vault_resource(place.login)) for audience in (known, f"{known}/")}
    if claims["aud"] not in allowed:
        expected = vault_resource(place.login)
        raise _unauthorized(place, f"AKV10022: Invalid audience. Expected {expected}, found: {claims['aud']}.")
    if call.timestamp >= claims["exp"]:
        raise _unauthorized(place, "The token has expired.")
    if claims["tid"] != place.tenant.id:
        expected = f"{place.login}/{place.tenant.id}/"
        raise _unauthorized(place, f"AKV10032: Invalid issuer. Expected {expected}, found {claims['iss']}.")
    account = place.tenant.account(claims["oid"])
    if account is None:
        raise _unauthorized(place, "The token cannot be validated.")
    return account


def _unauthorized(place: _Place, message: str) -> ApiError:
    """Return the error with the challenge: where to sign in, and for which resource."""
    challenge = f'Bearer authorization="{place.login}/{place.tenant.id}", resource="{vault_resource(place.login)}"'
    return ApiError(401, "Unauthorized", message, {"WWW-Authenticate": challenge})


def _check_api_version(version: str | None) -> None:
    if not version:
        raise ApiError(400, "BadParameter", "api-version must be specified")
    if version not in _API_VERSIONS:
        raise ApiError(
            400,
            "BadParameter",
            f"The specified version ({version}) is not recognized. Consider using the latest supported version "
            f"({_LATEST_API_VERSION}).",
        )


def _get_secret(place: _Place, account: Account, name: str, version: str | None = None) -> Response:
    if place.vault.readers.isdisjoint(access.principals(place.tenant, account.object_id)):
        return _forbidden(
            "Caller is not authorized to perform action on resource.\r\n"
            "If role assignments, deny assignments or role definitions were changed recently, please observe "
            f"propagation time.\r\nCaller: appid={account.name};oid={account.object_id};"
            f"iss={place.login}/{place.tenant.id}/\r\n"
            f"Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nResource: '{place.name}/secrets/{name}'"
            f"\r\nAssignment: (not found)\r\nDecisionReason: 'DeniedWithNoValidRBAC'\r\nVault: {place.name}\r\n",
            "ForbiddenByRbac",
        )
    secret = place.vault.secret(name, version)
    if secret is None:
        raise ApiError(
            404,
            "SecretNotFound",
            f"A secret with (name/id) {name}{f'/{version}' if version else ''} was not found in this key vault. If you "
            "recently deleted this secret you may be able to recover it using the correct recovery command.",
        )
    if not secret.is_enabled:
        return _forbidden("Operation get is not allowed on a disabled secret.", "SecretDisabled")
    return json_response(200, _bundle(f"{place.call.request.origin}/secrets", secret))


def _forbidden(message: str, inner: str) -> Response:
    return json_response(403, {"error": {"code": "Forbidden", "message": message, "innererror": {"code": inner}}})


def _bundle(url: str, secret: Secret) -> Mapping[str, object]:
    return {
        "value": secret.value,
        "id": f"{url}/{secret.name}/{secret.version}",
        "attributes": {
            "enabled": True,
            "created": _CREATED,
            "updated": _CREATED,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        },
        "tags": {},
    }
