"""Entra ID in miniature: who the tenants are, and the browser in which somebody has already signed in."""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from pallink.sandbox import device_codes, entra_errors, grants
from pallink.sandbox.call import Call
from pallink.sandbox.directory import find_client, find_identity, find_tenant, resource_of
from pallink.sandbox.entra_errors import EntraError
from pallink.sandbox.messages import Response, json_response, split_url

_NO_CACHE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def answer(call: Call) -> Response:
    """Answers whatever is not Resource Manager's.

    The path begins with a tenant (an ID, a domain, `organizations` or `common`), as at login.microsoftonline.com.
    """
    try:
        return _dispatch(call).with_headers({**_NO_CACHE, "x-ms-request-id": str(uuid4())})
    except EntraError as error:
        return error.response(call).with_headers({**_NO_CACHE, "x-ms-request-id": str(uuid4())})


def _dispatch(call: Call) -> Response:
    segments = call.request.segments
    tenant, *rest = segments or ("",)
    answer_it = _ROUTES.get((call.request.method, "/".join(rest).lower()))
    return answer_it(call, tenant) if answer_it else Response(404)


def _openid_configuration(call: Call, tenant_name: str) -> Response:
    found = find_tenant(call.state.world, tenant_name)
    origin = call.request.origin
    # Several tenants at once are one document: their name stays in its URLs, and the issuer is a template.
    tenant, issuer = (found.id, found.id) if found else (tenant_name.lower(), "{tenantid}")
    host = urlsplit(origin).netloc
    return json_response(
        200,
        {
            "token_endpoint": f"{origin}/{tenant}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "jwks_uri": f"{origin}/{tenant}/discovery/v2.0/keys",
            "response_modes_supported": ["query"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["HS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{origin}/{issuer}/v2.0",
            "request_uri_parameter_supported": False,
            "device_authorization_endpoint": f"{origin}/{tenant}/oauth2/v2.0/devicecode",
            "authorization_endpoint": f"{origin}/{tenant}/oauth2/v2.0/authorize",
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
    """Tells which login hosts belong together, and where the tenant that was asked about is described."""
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
    return json_response(200, {"keys": []})  # Tokens are signed with a key that nobody else is told.


def _authorize(call: Call, tenant_name: str) -> Response:
    """Signs in without asking: the account of the `login_hint`, or else the world's default one.

    Whatever is wrong is told to the program that asked, by the redirect, unless there is nowhere to redirect to.
    """
    query = call.request.query
    redirect_uri = query.get("redirect_uri")
    if not redirect_uri:
        raise entra_errors.missing_parameter("redirect_uri")
    is_plain = redirect_uri.isascii() and redirect_uri.isprintable()  # It becomes a header.
    if not is_plain or split_url(redirect_uri).scheme not in {"http", "https"}:
        raise EntraError(
            50011, f"The redirect URI '{redirect_uri}' specified in the request is not valid.", error="invalid_request"
        )
    try:
        result = {"code": _code(call, tenant_name, redirect_uri)}
    except EntraError as error:
        document = error.document(call)
        result = {name: document[name] for name in ("error", "error_description", "error_uri")}
    if "state" in query:
        result["state"] = query["state"]
    separator = "&" if urlsplit(redirect_uri).query else "?"
    return Response(302, {"Location": f"{redirect_uri}{separator}{urlencode(result)}"})


def _code(call: Call, tenant_name: str, redirect_uri: str) -> str:
    query = call.request.query
    world = call.state.world
    if query.get("response_type") != "code":
        raise entra_errors.unsupported_response_type(query.get("response_type", ""))
    resource_of(query.get("scope", ""), call.request.origin)
    hint = query.get("login_hint") or world.default_account
    person = world.person(hint)
    if not person:
        raise entra_errors.unknown_account(hint)
    tenant = find_tenant(world, tenant_name) or world.home_of(person)
    client = find_client(world, tenant, query.get("client_id", ""))
    find_identity(tenant, person, client, call.request.origin)
    grant = grants.Grant(
        client_id=client.id,
        person=person.object_id,
        tenant_id=tenant.id,
        scope=query["scope"],
        nonce=query.get("nonce"),
    )
    return grants.new_code(call, grant, redirect_uri=redirect_uri, challenge=query.get("code_challenge"))


_ROUTES: dict[tuple[str, str], Callable[[Call, str], Response]] = {
    ("GET", "v2.0/.well-known/openid-configuration"): _openid_configuration,
    ("GET", ".well-known/openid-configuration"): _openid_configuration,
    ("GET", "discovery/instance"): _instances,
    ("GET", "discovery/v2.0/keys"): _keys,
    ("GET", "discovery/keys"): _keys,
    ("GET", "oauth2/v2.0/authorize"): _authorize,
    ("POST", "oauth2/v2.0/devicecode"): device_codes.start,
    ("POST", "oauth2/v2.0/token"): grants.token,
}
