"""The authorize endpoint of the authorization code flow (RFC 6749, 4.1)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from pallink.sandbox.call import Call
from pallink.sandbox.entra import challenges, errors as entra_errors, grants, guest_policies, pages, refusals
from pallink.sandbox.entra.directory import find_client, find_identity, find_resource, find_tenant, list_users
from pallink.sandbox.entra.errors import EntraError
from pallink.sandbox.entra.refusals import CredentialType
from pallink.sandbox.http.messages import Response, split_url
from pallink.sandbox.state import settings
from pallink.sandbox.state.world import Account, Tenant

_PAGE_PROMPTS = frozenset({"select_account", "login", "consent"})
_ACCOUNT_PARAMETER = "sandbox_account"  # Added by the links of the account picker.
_CANCELLED = "-"  # Its value in the Cancel link.


def authorize(call: Call, tenant_name: str) -> Response:
    """Sign a user in, and return the response that brings an authorization code to the client.

    A `prompt` of `select_account`, `login` or `consent` shows the account picker. Otherwise the account of the
    `login_hint`, or the default account, counts as signed in already.

    Raises:
        EntraError: The redirect URI or the response mode is invalid. Every other error goes to the redirect URI.
    """
    query = call.request.query
    redirect_uri = query.get("redirect_uri")
    if not redirect_uri:
        raise entra_errors.missing_parameter("redirect_uri")
    is_plain = redirect_uri.isascii() and redirect_uri.isprintable()  # It goes into a header.
    if not is_plain or split_url(redirect_uri).scheme not in {"http", "https"}:
        raise entra_errors.invalid_redirect(redirect_uri)
    mode = query.get("response_mode", "query")
    if mode not in _RESPONSE_MODES:
        raise entra_errors.unsupported_response_mode(mode)
    try:
        tenant = _validate(call, tenant_name)
        if _needs_account_picker(call):
            return _account_picker(call, tenant)
        result = {"code": _sign_in(call, tenant, redirect_uri)}
    except EntraError as error:
        document = error.document(call)
        result = {name: document[name] for name in ("error", "error_description", "error_uri")}
        if document.get("suberror") == "consent_required":
            # This endpoint knows no suberrors (OpenID Connect Core, 3.1.2.6).
            result["error"] = "consent_required"
    if "state" in query:
        result["state"] = query["state"]
    return _RESPONSE_MODES[mode](redirect_uri, result)


def _validate(call: Call, tenant_name: str) -> Tenant | None:
    """Validate the request, and return its tenant; None if it leaves the tenant open."""
    query = call.request.query
    if query.get("response_type") != "code":
        raise entra_errors.unsupported_response_type(query.get("response_type", ""))
    find_resource(query.get("scope", ""), call.request.origin)
    return find_tenant(call.state.world, tenant_name)


def _needs_account_picker(call: Call) -> bool:
    query = call.request.query
    prompts = query.get("prompt", "").lower().split()
    is_enabled = call.state.setting(settings.SIGN_IN_PAGE) == "shown"
    return is_enabled and _ACCOUNT_PARAMETER not in query and not _PAGE_PROMPTS.isdisjoint(prompts)


def _account_picker(call: Call, tenant: Tenant | None) -> Response:
    """Return the page with the users who can sign in, the hinted one first."""
    query = call.request.query
    world = call.state.world
    users = list_users(world, tenant, query.get("login_hint", ""))

    def link(account_name: str) -> str:
        return f"{call.request.path}?{urlencode({**query, _ACCOUNT_PARAMETER: account_name})}"

    client = find_client(world, tenant or world.tenants[0], query.get("client_id", ""))
    return pages.render_account_picker(
        client=client.display_name,
        tenant=tenant.display_name if tenant else None,
        accounts=[(user.name, user.display_name, link(user.name)) for user in users],
        cancel=link(_CANCELLED),
    )


def _sign_in(call: Call, tenant: Tenant | None, redirect_uri: str) -> str:
    """Sign in the chosen, hinted or default account, and return an authorization code."""
    query = call.request.query
    world = call.state.world
    account_name = query.get(_ACCOUNT_PARAMETER)
    if account_name == _CANCELLED:
        raise entra_errors.cancelled()
    user = _find_user(call, account_name or query.get("login_hint") or world.default_account)
    tenant = tenant or world.home_tenant(user)
    client = find_client(world, tenant, query.get("client_id", ""))
    account = find_identity(tenant, user, client, call.request.origin)
    # A user who chose an account on the page can also complete multifactor authentication.
    has_mfa = account_name is not None
    refusals.check(call, account, CredentialType.INTERACTIVE, has_mfa=has_mfa)
    proved_in = tenant.id if has_mfa else None
    guest_policies.check(call, tenant, account, proved_in=proved_in)
    if challenges.wants_mfa(query.get("claims")) and not has_mfa:
        raise refusals.error_for(50076, account, call)
    grant = grants.Grant(
        client_id=client.id,
        person=user.object_id,
        tenant_id=tenant.id,
        scope=query["scope"],
        nonce=query.get("nonce"),
        has_mfa=has_mfa,
        proved_in=proved_in,
    )
    return grants.new_code(call, grant, redirect_uri=redirect_uri, challenge=query.get("code_challenge"))


def _find_user(call: Call, name: str) -> Account:
    user = call.state.world.user(name)
    if not user:
        raise entra_errors.unknown_account(name)
    return user


def _redirect_with_query(redirect_uri: str, result: Mapping[str, str]) -> Response:
    separator = "&" if split_url(redirect_uri).query else "?"
    return Response(302, {"Location": f"{redirect_uri}{separator}{urlencode(result)}"})


def _redirect_with_fragment(redirect_uri: str, result: Mapping[str, str]) -> Response:
    return Response(302, {"Location": f"{redirect_uri}#{urlencode(result)}"})


_RESPONSE_MODES = {
    "query": _redirect_with_query,
    "fragment": _redirect_with_fragment,
    "form_post": pages.render_form_post,
}
