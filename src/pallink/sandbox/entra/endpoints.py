"""The endpoints of Entra ID: discovery and routing."""

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import uuid4

from pallink.sandbox.call import Call
from pallink.sandbox.entra import authorize, device_codes, grants, pages
from pallink.sandbox.entra.directory import find_tenant, list_users
from pallink.sandbox.entra.errors import EntraError
from pallink.sandbox.http.messages import Response, json_response, split_url
from pallink.sandbox.state import settings
from pallink.sandbox.throttling import ThrottledError

_AVAILABILITY = {"throttling": HTTPStatus.TOO_MANY_REQUESTS, "down": HTTPStatus.SERVICE_UNAVAILABLE}
_RETRY_AFTER = 10  # Seconds.
_NO_CACHE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def handle(call: Call) -> Response:
    """Return the response to a request to Entra ID.

    The path begins with a tenant (an ID, a domain, `organizations` or `common`), as at login.microsoftonline.com.
    """
    status = _AVAILABILITY.get(call.state.setting(settings.ENTRA_ID))
    if status is not None:
        return _unavailable(call, status)
    try:
        return _dispatch(call).with_headers({**_NO_CACHE, "x-ms-request-id": str(uuid4())})
    except ThrottledError as error:
        return _unavailable(call, HTTPStatus.TOO_MANY_REQUESTS, error.retry_after)
    except EntraError as error:
        return error.response(call).with_headers({**_NO_CACHE, "x-ms-request-id": str(uuid4())})


def _unavailable(call: Call, status: HTTPStatus, retry_after: int = _RETRY_AFTER) -> Response:
    """Return the response of a throttling or failing front end: HTML, not the JSON that clients expect."""
    headers = {**_NO_CACHE, "Content-Type": "text/html", "x-ms-request-id": str(uuid4())}
    correlation_id = call.request.header("client-request-id") or str(uuid4())
    retry = {"Retry-After": str(retry_after)} if status is HTTPStatus.TOO_MANY_REQUESTS else {}
    body = f"<html><body><h2>{status.phrase}</h2></body></html>".encode()
    return Response(status, {**headers, **retry, "client-request-id": correlation_id}, body)


def _dispatch(call: Call) -> Response:
    segments = call.request.segments
    tenant, *rest = segments or ("",)
    path = "/".join(rest).lower()
    if endpoint := _ROUTES.get((call.request.method, path)):
        return endpoint(call, tenant)
    methods = [method for method, route in _ROUTES if route == path]
    return Response(405, {"Allow": ", ".join(methods)}) if methods else Response(404)


def _openid_configuration(call: Call, tenant_name: str) -> Response:
    tenant = find_tenant(call.state.world, tenant_name)
    origin = call.request.origin
    # `common` and `organizations` have their own document: their name is in its URLs, and the issuer is a template.
    name, issuer = (tenant.id, tenant.id) if tenant else (tenant_name.lower(), "{tenantid}")
    host = urlsplit(origin).netloc
    return json_response(
        200,
        {
            "token_endpoint": f"{origin}/{name}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "jwks_uri": f"{origin}/{name}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["HS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{origin}/{issuer}/v2.0",
            "request_uri_parameter_supported": False,
            "device_authorization_endpoint": f"{origin}/{name}/oauth2/v2.0/devicecode",
            "authorization_endpoint": f"{origin}/{name}/oauth2/v2.0/authorize",
            "claims_supported": [
                "sub",
                "iss",
                "aud",
                "exp",
                "iat",
                "nonce",
                "preferred_username",
                "name",
                "tid",
                "ver",
            ],
            "tenant_region_scope": None,
            "cloud_instance_name": host,
            "cloud_graph_host_name": host,
            "msgraph_host": host,
        },
    )


def _instances(call: Call, _: str) -> Response:
    """Return the aliases of the login host, and the discovery document of the tenant in `authorization_endpoint`."""
    host = urlsplit(call.request.origin).netloc
    endpoint = split_url(call.request.query.get("authorization_endpoint", f"{call.request.origin}/common"))
    if endpoint.netloc != host:
        raise EntraError(50049, "Unknown or invalid instance.", error="invalid_instance")
    tenant = endpoint.path.strip("/").split("/")[0]
    return json_response(
        200,
        {
            "tenant_discovery_endpoint": f"{call.request.origin}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        },
    )


def _keys(_call: Call, _tenant_name: str) -> Response:
    return json_response(200, {"keys": []})  # Tokens are signed with a symmetric key, which is secret.


def _device_page(call: Call, tenant_name: str) -> Response:
    """Return the page for entering a device code, and process its form."""
    find_tenant(call.state.world, tenant_name)
    accounts = [(user.name, user.display_name) for user in list_users(call.state.world)]
    if call.request.method == "GET":
        return pages.render_device_code_form(call.request.path, accounts)
    form = call.request.form
    is_denied = form.get("answer") == "deny"
    try:
        name = device_codes.approve(call.state, form.get("code", ""), form.get("account"), deny=is_denied, now=call.now)
    except ValueError as error:
        message = f"{str(error)[:1].upper()}{str(error)[1:]}."
        return pages.render_device_code_form(call.request.path, accounts, message)
    return pages.render_confirmation(f"{name} {'declined' if is_denied else 'approved'} the sign-in.")


_ROUTES: dict[tuple[str, str], Callable[[Call, str], Response]] = {
    ("GET", "v2.0/.well-known/openid-configuration"): _openid_configuration,
    ("GET", ".well-known/openid-configuration"): _openid_configuration,
    ("GET", "discovery/instance"): _instances,
    ("GET", "discovery/v2.0/keys"): _keys,
    ("GET", "discovery/keys"): _keys,
    ("GET", "oauth2/v2.0/authorize"): authorize.authorize,
    ("GET", device_codes.PAGE): _device_page,
    ("POST", device_codes.PAGE): _device_page,
    ("POST", "oauth2/v2.0/devicecode"): device_codes.start,
    ("POST", "oauth2/v2.0/token"): grants.issue_tokens,
}
