"""Resource Manager: authenticates a request, checks its api-version, and dispatches it to a provider."""

from datetime import timedelta
from email.utils import format_datetime
from uuid import uuid4

from pallink.sandbox import throttling
from pallink.sandbox.arm import authorization, management_partner, subscriptions
from pallink.sandbox.arm.routes import ArmCall, Route, provider_of
from pallink.sandbox.call import Call
from pallink.sandbox.entra import bearer, challenges
from pallink.sandbox.entra.bearer import Caller
from pallink.sandbox.entra.directory import vault_resource
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state import access, settings
from pallink.sandbox.state.world import Tenant
from pallink.sandbox.throttling import ThrottledError

_ROUTES = (*subscriptions.ROUTES, *authorization.ROUTES, *management_partner.ROUTES)
_NAMESPACES = frozenset({"microsoft.authorization", "microsoft.managementpartner", "microsoft.resources"})
_FIRST_SEGMENTS = frozenset({"metadata", "providers", "subscriptions", "tenants"})
_METADATA_API_VERSION = "2022-09-01"


def owns(segments: tuple[str, ...]) -> bool:
    """Return whether a path is Resource Manager's; Entra ID's paths begin with a tenant instead."""
    return bool(segments) and segments[0].lower() in _FIRST_SEGMENTS


def handle(call: Call) -> Response:
    """Return the response to a request to Resource Manager."""
    try:
        response = _dispatch(call)
    except ApiError as error:
        response = error.response()
    return response.with_headers(headers(call))


def headers(call: Call) -> dict[str, str]:
    """Return the headers of every response of Resource Manager."""
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
        raise ApiError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if tuple(map(str.lower, segments)) == ("metadata", "endpoints"):
        return _metadata(call, version)
    caller = bearer.authenticate(call)
    _check_limit(call, caller)
    challenges.check(call, caller.claims)
    _check_namespace(call, segments)
    for route in _ROUTES:
        parameters = route.match(segments)
        if parameters is not None:
            try:
                tenant = _tenant_in_effect(call, caller)
                response = _call_route(route, version, ArmCall(call, tenant, caller.account, parameters))
            except ApiError as error:
                response = error.response()
            return response.with_headers(route.headers)
    raise _not_found(call, segments, version)


def _tenant_in_effect(call: Call, caller: Caller) -> Tenant:
    """Return the caller's tenant without the role assignments that have not taken effect yet."""
    delay = int(call.state.setting(settings.ROLE_PROPAGATION))
    return access.in_effect(caller.tenant, created_by=call.timestamp - delay) if delay else caller.tenant


def _call_route(route: Route, version: str, call: ArmCall) -> Response:
    request = call.call.request
    if version not in route.api_versions:
        raise _unsupported_version(route, request.segments, version)
    if request.method not in route.methods:
        raise ApiError(
            405,
            "MethodNotAllowed",
            f"The HTTP method '{request.method}' is not supported on the resource '{request.url}'.",
            {"Allow": ", ".join(route.methods)},
        )
    return route.methods[request.method](call)


def _metadata(call: Call, version: str) -> Response:
    """Return the cloud metadata, a single object as of 2022-09-01.

    Its only audience is the sandbox, so that no client sends a token for Azure here.
    """
    if version != _METADATA_API_VERSION:
        raise _invalid_version(version, (_METADATA_API_VERSION,))
    if call.request.method != "GET":
        raise ApiError(405, "MethodNotAllowed", f"The HTTP method '{call.request.method}' is not supported.")
    origin = call.request.origin
    vaults = vault_resource(origin).partition("://")[2]
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
            "suffixes": {"keyVaultDns": vaults},
            "resourceManager": origin,
            "microsoftGraphResourceId": f"{origin}/",
        },
    )


def expired_token(call: Call) -> Response:
    """Return the response to a token that has just expired."""
    return bearer.expired_token(call, call.now - timedelta(seconds=1)).response().with_headers(headers(call))


def _check_limit(call: Call, caller: Caller) -> None:
    try:
        throttling.check_resource_request(call, caller.tenant.id, caller.account.object_id)
    except ThrottledError as error:
        raise ApiError(
            429,
            "TenantRequestsThrottled",
            f"The account '{caller.account.object_id}' has sent too many requests to the tenant '{caller.tenant.id}'. "
            f"Retry after {error.retry_after} seconds.",
            {"Retry-After": str(error.retry_after)},
        ) from error


def _check_namespace(call: Call, segments: tuple[str, ...]) -> None:
    provider = provider_of(segments)
    if provider is None:
        return
    namespace, _ = provider
    absent = call.state.setting(settings.PROVIDER) == "absent"
    known = _NAMESPACES - {management_partner.NAMESPACE.lower()} if absent else _NAMESPACES
    if namespace.lower() not in known:
        raise ApiError(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")


def _not_found(call: Call, segments: tuple[str, ...], version: str) -> ApiError:
    provider = provider_of(segments)
    if provider is None:
        return ApiError(404, "NotFound", f"No resource was found at '{call.request.path}'.")
    namespace, resource_type = provider
    return ApiError(
        404,
        "InvalidResourceType",
        f"The resource type '{resource_type}' could not be found in the namespace '{namespace}' for api version "
        f"'{version}'.",
    )


def _unsupported_version(route: Route, segments: tuple[str, ...], version: str) -> ApiError:
    provider = provider_of(segments)
    if provider is None:
        return _invalid_version(version, route.api_versions)
    return ApiError(
        400,
        "NoRegisteredProviderFound",
        f"No registered resource provider found for location '' and API version '{version}' for type '{provider[1]}'. "
        f"The supported api-versions are '{', '.join(route.api_versions)}'. The supported locations are ''.",
    )


def _invalid_version(version: str, supported: tuple[str, ...]) -> ApiError:
    return ApiError(
        400,
        "InvalidApiVersionParameter",
        f"The api-version '{version}' is invalid. The supported versions are '{','.join(supported)}'.",
    )
