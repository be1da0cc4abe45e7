"""The authorize endpoint: the browser in which a person signs in, or in which somebody has already done so."""

from collections.abc import Mapping
from urllib.parse import urlencode

from pallink.sandbox.call import Call
from pallink.sandbox.entra import challenges, errors as entra_errors, grants, pages, refusals
from pallink.sandbox.entra.directory import find_client, find_identity, find_tenant, resource_of
from pallink.sandbox.entra.errors import EntraError
from pallink.sandbox.entra.refusals import Proof
from pallink.sandbox.http.messages import Response, split_url
from pallink.sandbox.state import settings
from pallink.sandbox.state.world import Account, Tenant

_PAGE_PROMPTS = frozenset({"select_account", "login", "consent"})
_CHOSEN = "sandbox_account"  # The parameter that the links of the page add.
_NOBODY = "-"  # Its value where the person gave up.


def authorize(call: Call, tenant_name: str) -> Response:
    """Signs a person in and gives the program a code, by a redirect or by a form that the browser posts.

    A `prompt` that asks for a page gets one, with the accounts to choose from. Without, or with `prompt=none`, the
    account of the `login_hint`, or else the world's default one, is signed in already.

    Raises:
        EntraError: There is nowhere to send an answer to. Whatever else is wrong is told to the program, as an answer.
    """
    query = call.request.query
    redirect_uri = query.get("redirect_uri")
    if not redirect_uri:
        raise entra_errors.missing_parameter("redirect_uri")
    is_plain = redirect_uri.isascii() and redirect_uri.isprintable()  # It becomes a header.
    if not is_plain or split_url(redirect_uri).scheme not in {"http", "https"}:
        raise entra_errors.invalid_redirect(redirect_uri)
    mode = query.get("response_mode", "query")
    if mode not in _ANSWERS:
        raise entra_errors.unsupported_response_mode(mode)
    try:
        tenant = _check(call, tenant_name)
        if _wants_page(call):
            return _page(call, tenant)
        result = {"code": _code(call, tenant, redirect_uri)}
    except EntraError as error:
        document = error.document(call)
        result = {name: document[name] for name in ("error", "error_description", "error_uri")}
    if "state" in query:
        result["state"] = query["state"]
    return _ANSWERS[mode](redirect_uri, result)


def _check(call: Call, tenant_name: str) -> Tenant | None:
    """Returns the tenant, if one is named; makes sure that the request as such is in order."""
    query = call.request.query
    if query.get("response_type") != "code":
        raise entra_errors.unsupported_response_type(query.get("response_type", ""))
    resource_of(query.get("scope", ""), call.request.origin)
    return find_tenant(call.state.world, tenant_name)


def _wants_page(call: Call) -> bool:
    query = call.request.query
    prompts = query.get("prompt", "").lower().split()
    is_shown = call.state.setting(settings.SIGN_IN_PAGE) == "shown"
    return is_shown and _CHOSEN not in query and not _PAGE_PROMPTS.isdisjoint(prompts)


def _page(call: Call, tenant: Tenant | None) -> Response:
    """Returns the page with the people who can sign in; whom the program hints at comes first."""
    query = call.request.query
    world = call.state.world
    people = [
        account
        for each in world.tenants
        for account in each.accounts
        if account.is_person and account.tenant_id == account.home_tenant_id
        if tenant is None or tenant.identity_of(account)
    ]
    hint = query.get("login_hint", "").lower()
    people.sort(key=lambda each: hint not in {each.name, each.object_id})

    def link(chosen: str) -> str:
        return f"{call.request.path}?{urlencode({**query, _CHOSEN: chosen})}"

    client = find_client(world, tenant or world.tenants[0], query.get("client_id", ""))
    return pages.choose_account(
        program=client.display_name,
        tenant=tenant.display_name if tenant else None,
        accounts=[(each.name, each.display_name, link(each.name)) for each in people],
        cancel=link(_NOBODY),
    )


def _code(call: Call, tenant: Tenant | None, redirect_uri: str) -> str:
    query = call.request.query
    world = call.state.world
    chosen = query.get(_CHOSEN)
    if chosen == _NOBODY:
        raise entra_errors.cancelled()
    person = _person(call, chosen or query.get("login_hint") or world.default_account)
    tenant = tenant or world.home_of(person)
    client = find_client(world, tenant, query.get("client_id", ""))
    account = find_identity(tenant, person, client, call.request.origin)
    # Whoever chose an account on the page is there to give a second factor too.
    has_mfa = chosen is not None
    refusals.check(call, account, Proof.PERSON, has_mfa=has_mfa)
    if challenges.wants_mfa(query.get("claims")) and not has_mfa:
        raise refusals.refusal(50076, account, call)
    grant = grants.Grant(
        client_id=client.id,
        person=person.object_id,
        tenant_id=tenant.id,
        scope=query["scope"],
        nonce=query.get("nonce"),
        has_mfa=has_mfa,
    )
    return grants.new_code(call, grant, redirect_uri=redirect_uri, challenge=query.get("code_challenge"))


def _person(call: Call, hint: str) -> Account:
    person = call.state.world.person(hint)
    if not person:
        raise entra_errors.unknown_account(hint)
    return person


def _by_query(redirect_uri: str, result: Mapping[str, str]) -> Response:
    separator = "&" if split_url(redirect_uri).query else "?"
    return Response(302, {"Location": f"{redirect_uri}{separator}{urlencode(result)}"})


def _by_fragment(redirect_uri: str, result: Mapping[str, str]) -> Response:
    return Response(302, {"Location": f"{redirect_uri}#{urlencode(result)}"})


_ANSWERS = {"query": _by_query, "fragment": _by_fragment, "form_post": pages.post}
