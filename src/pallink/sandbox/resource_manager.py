"""Azure Resource Manager in miniature: who calls, with which api-version, and which provider answers."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import uuid4

from pallink.sandbox import authorization, challenges, management_partner, settings, subscriptions, tokens
from pallink.sandbox.arm import ArmCall, ArmError, Route, provider_of
from pallink.sandbox.call import Call
from pallink.sandbox.directory import RESOURCE_MANAGER
from pallink.sandbox.messages import Response, json_response
from pallink.sandbox.world import Account, Tenant

_ROUTES = (*subscriptions.ROUTES, *authorization.ROUTES, *management_partner.ROUTES)
_NAMESPACES = frozenset({"microsoft.authorization", "microsoft.managementpartner", "microsoft.resources"})
_FIRST_SEGMENTS = frozenset({"metadata", "providers", "subscriptions", "tenants"})
_METADATA_API_VERSION = "2022-09-01"


def owns(segments: tuple[str, ...]) -> bool:
    """Tells whether a path is Resource Manager's: no tenant is called like the first segments of its paths."""
    return bool(segments) and segments[0].lower() in _FIRST_SEGMENTS


def answer(call: Call) -> Response:
    """Answers a request to Resource Manager."""
    try:
        response = _dispatch(call)
    except ArmError as error:
        response = error.response()
    return response.with_headers(headers(call))


def headers(call: Call) -> dict[str, str]:
    """Returns the headers that every answer of Resource Manager carries."""
    request_id = str(uuid4())
    correlation_id = call.request.header("x-ms-correlation-request-id") or request_id
    return {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "x-ms-request-id": request_id,
        "x-ms-correlation-request-id": correlation_id,
        "x-ms-routing-request-id": f"SANDBOX:{call.now:%Y%m%dT%H%M%SZ}:{request_id}",
        "X-Content-Type-Options": "nosniff",
        "Date": format_datetime(call.now, usegmt=True),
    }


def _dispatch(call: Call) -> Response:
    segments = call.request.segments
    version = call.request.query.get("api-version")
    if not version:
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if tuple(map(str.lower, segments)) == ("metadata", "endpoints"):
        return _metadata(call, version)
    tenant, account = _authenticate(call)
    _check_namespace(call, segments)
    for route in _ROUTES:
        parameters = route.match(segments)
        if parameters is not None:
            try:
                response = _call_route(route, version, ArmCall(call, tenant, account, parameters))
            except ArmError as error:
                response = error.response()
            return response.with_headers(route.headers)
    raise _not_found(call, segments, version)


def _call_route(route: Route, version: str, call: ArmCall) -> Response:
    request = call.call.request
    if version not in route.api_versions:
        raise _unsupported_version(route, request.segments, version)
    if request.method not in route.methods:
        raise ArmError(
            405,
            "MethodNotAllowed",
            f"The HTTP method '{request.method}' is not supported on the resource '{request.url}'.",
            {"Allow": ", ".join(route.methods)},
        )
    return route.methods[request.method](call)


def _metadata(call: Call, version: str) -> Response:
    """Describes this cloud to whoever asks, as a cloud does: one object, since 2022-09-01.

    The only audience is the sandbox itself, so that no token for the real Azure is ever sent here on its account.
    """
    if version != _METADATA_API_VERSION:
        raise _invalid_version(version, (_METADATA_API_VERSION,))
    if call.request.method != "GET":
        raise ArmError(405, "MethodNotAllowed", f"The HTTP method '{call.request.method}' is not supported.")
    origin = call.request.origin
    return json_response(
        200,
        {
            "portal": origin,
            "authentication": {
                "loginEndpoint": origin,
                "audiences": [f"{origin}/", origin],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "name": "Sandbox",
            "suffixes": {},
            "resourceManager": origin,
        },
    )


def _authenticate(call: Call) -> tuple[Tenant, Account]:
    """Returns the tenant and the account of the bearer token.

    Raises:
        ArmError: There is none, or it is forged, expired or for somebody else.
    """
    scheme, _, token = (call.request.header("Authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized(
            call, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
        )
    try:
        claims = tokens.verify(token.strip(), call.state.signing_key)
    except tokens.InvalidTokenError:
        raise _unauthorized(call, "InvalidAuthenticationToken", "The access token is invalid.") from None
    allowed = (f"{call.request.origin}/", call.request.origin, f"{RESOURCE_MANAGER}/", RESOURCE_MANAGER)
    if claims["aud"] not in allowed:
        audiences = ",".join(f"'{each}'" for each in allowed)
        raise _unauthorized(
            call,
            "InvalidAuthenticationTokenAudience",
            f"The access token has been obtained for wrong audience or resource '{claims['aud']}'. It should exactly "
            f"match with one of the allowed audiences {audiences}.",
        )
    if call.timestamp >= claims["exp"]:
        raise _expired(call, datetime.fromtimestamp(claims["exp"], UTC))
    tenant = call.state.world.tenant(claims["tid"])
    account = tenant and tenant.account(claims["oid"])
    if not tenant or not account:
        raise _unauthorized(call, "InvalidAuthenticationToken", "The access token is invalid.")
    challenges.check(call, claims)
    return tenant, account


def expired_token(call: Call) -> Response:
    """Returns the answer to a token that has just expired."""
    return _expired(call, call.now - timedelta(seconds=1)).response().with_headers(headers(call))


def _expired(call: Call, expired_on: datetime) -> ArmError:
    return _unauthorized(
        call,
        "ExpiredAuthenticationToken",
        f"The access token expiry UTC time '{_american(expired_on)}' is earlier than current UTC time "
        f"'{_american(call.now)}'.",
    )


def _american(time: datetime) -> str:
    """Returns a time as Resource Manager writes it into this one message."""
    return f"{time.month}/{time.day}/{time.year} {time.hour % 12 or 12}:{time:%M:%S %p}"


def _unauthorized(call: Call, code: str, message: str) -> ArmError:
    authority = f"{call.request.origin}/common"
    challenge = f'Bearer authorization_uri="{authority}", error="invalid_token", error_description="{message}"'
    return ArmError(401, code, message, {"WWW-Authenticate": challenge})


def _check_namespace(call: Call, segments: tuple[str, ...]) -> None:
    provider = provider_of(segments)
    if provider is None:
        return
    namespace, _ = provider
    absent = call.state.setting(settings.PROVIDER) == "absent"
    known = _NAMESPACES - {management_partner.NAMESPACE.lower()} if absent else _NAMESPACES
    if namespace.lower() not in known:
        raise ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")


def _not_found(call: Call, segments: tuple[str, ...], version: str) -> ArmError:
    provider = provider_of(segments)
    if provider is None:
        return ArmError(404, "NotFound", f"No resource was found at '{call.request.path}'.")
    namespace, resource_type = provider
    return ArmError(
        404,
        "InvalidResourceType",
        f"The resource type '{resource_type}' could not be found in the namespace '{namespace}' for api version "
        f"'{version}'.",
    )


def _unsupported_version(route: Route, segments: tuple[str, ...], version: str) -> ArmError:
    provider = provider_of(segments)
    if provider is None:
        return _invalid_version(version, route.api_versions)
    return ArmError(
        400,
        "NoRegisteredProviderFound",
        f"No registered resource provider found for location '' and API version '{version}' for type '{provider[1]}'. "
        f"The supported api-versions are '{', '.join(route.api_versions)}'. The supported locations are ''.",
    )


def _invalid_version(version: str, supported: tuple[str, ...]) -> ArmError:
    return ArmError(
        400,
        "InvalidApiVersionParameter",
        f"The api-version '{version}' is invalid. The supported versions are '{','.join(supported)}'.",
    )
