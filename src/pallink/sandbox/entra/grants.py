"""Entra ID's token endpoint: what is shown (a secret, a code, a refresh token), and the tokens that it is changed for.

A new way to sign in is a function of its own in `_GRANTS`.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from pallink.sandbox.call import Call
from pallink.sandbox.entra import (
    challenges,
    client_authentication as client_proof,
    device_codes,
    errors as entra_errors,
    refusals,
    tokens,
)
from pallink.sandbox.entra.directory import find_client, find_identity, find_tenant, resource_of
from pallink.sandbox.entra.refusals import Proof
from pallink.sandbox.entra.tokens import TokenType
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state import settings
from pallink.sandbox.state.store import State
from pallink.sandbox.state.world import Account, Tenant


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person has agreed to, as codes and refresh tokens carry it.

    Attributes:
        client_id: The program that may ask for tokens.
        person: Object ID, at home, of the account that signed in.
        tenant_id: Where it signed in.
        scope: What was asked for.
        nonce: What the ID token is to repeat.
        has_mfa: Whether the person gave a second factor.
    """

    client_id: str
    person: str
    tenant_id: str
    scope: str
    nonce: str | None
    has_mfa: bool = False


def new_code(call: Call, grant: Grant, *, redirect_uri: str, challenge: str | None) -> str:
    """Returns an authorization code, good for one use by the same program with the same redirect URI.

    Args:
        call: The request.
        grant: What the code stands for.
        redirect_uri: Where the code is sent.
        challenge: The SHA-256 of a verifier that has to be shown with the code (RFC 7636); None: none has to.
    """
    claims = {
        "jti": str(uuid4()),
        "exp": call.timestamp + _seconds(tokens.CODE_LIFETIME),
        "redirect_uri": redirect_uri,
        "challenge": challenge,
        "grant": asdict(grant),
    }
    return tokens.sign(claims, call.state.signing_key, TokenType.CODE)


def token(call: Call, tenant_name: str) -> Response:
    """Answers a request for tokens.

    Raises:
        EntraError: It is refused.
    """
    tenant = find_tenant(call.state.world, tenant_name)
    form = call.request.form
    if "grant_type" not in form:
        raise entra_errors.missing_parameter("grant_type")
    if form["grant_type"] not in _GRANTS:
        raise entra_errors.unsupported_grant(form["grant_type"])
    return json_response(200, _GRANTS[form["grant_type"]](call, tenant, form))


def access_token_lifetime(state: State, usual: int) -> int:
    """Returns how long an access token is good for, in seconds: `usual`, unless the setting says otherwise."""
    chosen = state.setting(settings.TOKEN_LIFETIME)
    return usual if chosen == "usual" else int(chosen)


def _by_client_credentials(call: Call, tenant: Tenant | None, form: Mapping[str, str]) -> dict[str, Any]:
    if not tenant:
        raise entra_errors.tenant_not_told()
    client_id = form.get("client_id", "")
    application = tenant.application(client_id)
    if not application:
        raise entra_errors.application_not_found(client_id, tenant.display_name)
    client_proof.check(call, tenant, application, form)
    refusals.check(call, application, Proof.ASSERTION if "client_assertion" in form else Proof.SECRET)
    return _access_token(call, application, application.name, form.get("scope", ""))


def _by_code(call: Call, tenant: Tenant | None, form: Mapping[str, str]) -> dict[str, Any]:
    claims = _claims(call, form, "code", TokenType.CODE)
    grant = Grant(**claims["grant"])
    if form.get("client_id", "").lower() != grant.client_id:
        raise entra_errors.invalid_code("code")
    if form.get("redirect_uri") != claims["redirect_uri"]:
        raise entra_errors.redirect_mismatch(form.get("redirect_uri", ""))
    if call.timestamp >= claims["exp"]:
        raise entra_errors.expired_code()
    if claims["challenge"] and not hmac.compare_digest(
        _challenge(form.get("code_verifier", "")), claims["challenge"].encode()
    ):
        raise entra_errors.wrong_verifier()
    if not call.state.redeem(claims["jti"], expires_on=claims["exp"], now=call.timestamp):
        raise entra_errors.redeemed_code()
    return _user_tokens(call, tenant, grant, form)


def _by_refresh_token(call: Call, tenant: Tenant | None, form: Mapping[str, str]) -> dict[str, Any]:
    claims = _claims(call, form, "refresh_token", TokenType.REFRESH)
    grant = Grant(**claims["grant"])
    if form.get("client_id", "").lower() != grant.client_id:
        raise entra_errors.invalid_code("refresh_token")
    if call.timestamp >= claims["exp"]:
        raise entra_errors.expired_refresh_token()
    return _user_tokens(call, tenant, grant, form, Proof.REFRESH_TOKEN)


def _by_device_code(call: Call, tenant: Tenant | None, form: Mapping[str, str]) -> dict[str, Any]:
    code, person = device_codes.redeem(call, form)
    grant = Grant(
        client_id=code.client_id,
        person=person.object_id,
        tenant_id=code.tenant_id or person.home_tenant_id,
        scope=code.scope,
        nonce=None,
        has_mfa=code.has_mfa,
    )
    return _user_tokens(call, tenant, grant, form, Proof.PERSON)


_GRANTS: dict[str, Callable[[Call, Tenant | None, Mapping[str, str]], dict[str, Any]]] = {
    "client_credentials": _by_client_credentials,
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
    "urn:ietf:params:oauth:grant-type:device_code": _by_device_code,
}


def _user_tokens(
    call: Call, tenant: Tenant | None, grant: Grant, form: Mapping[str, str], proof: Proof | None = None
) -> dict[str, Any]:
    """Returns a person's tokens, for the tenant that the request names, or else for the one that was signed in to.

    Whoever shows a code has met the refusals already, in the browser: there is no `proof` left to give.
    """
    world = call.state.world
    origin = call.request.origin
    person = world.person(grant.person)
    tenant = tenant or world.tenant(grant.tenant_id)
    if not person or not tenant:  # Cannot be: the signature says that both are of this world.
        raise entra_errors.invalid_code(form["grant_type"])
    client = find_client(world, tenant, grant.client_id)
    if client.application:
        client_proof.check(call, tenant, client.application, form)
    account = find_identity(tenant, person, client, origin)
    if proof:
        refusals.check(call, account, proof, has_mfa=grant.has_mfa)
    if challenges.wants_mfa(form.get("claims")) and not grant.has_mfa:
        raise refusals.refusal(50076, account, call)
    scope = form.get("scope") or grant.scope
    answer = _access_token(call, account, grant.client_id, scope, has_mfa=grant.has_mfa)
    resource = resource_of(scope, origin)
    id_token = tokens.id_token_claims(
        account, origin=origin, client_id=grant.client_id, issued_on=call.timestamp, nonce=grant.nonce
    )
    refresh_token = {
        "exp": call.timestamp + _seconds(tokens.REFRESH_TOKEN_LIFETIME),
        "grant": asdict(replace(grant, tenant_id=tenant.id, scope=scope, nonce=None)),
    }
    return {
        **answer,
        "scope": f"{resource}/user_impersonation {resource}/.default",
        "refresh_token": tokens.sign(refresh_token, call.state.signing_key, TokenType.REFRESH),
        "id_token": tokens.sign(id_token, call.state.signing_key),
        "client_info": tokens.client_info(account),
    }


def _access_token(call: Call, account: Account, client_id: str, scope: str, *, has_mfa: bool = False) -> dict[str, Any]:
    lifetime = access_token_lifetime(call.state, _seconds(tokens.ACCESS_TOKEN_LIFETIME))
    claims = tokens.access_token_claims(
        account,
        origin=call.request.origin,
        audience=resource_of(scope, call.request.origin),
        client_id=client_id,
        issued_on=call.timestamp,
        lifetime=lifetime,
        has_mfa=has_mfa,
    )
    claims |= challenges.claims_of_token(call.request.form.get("claims"), has_mfa=has_mfa)
    return {
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": tokens.sign(claims, call.state.signing_key),
    }


def _claims(call: Call, form: Mapping[str, str], field: str, token_type: TokenType) -> dict[str, Any]:
    if field not in form:
        raise entra_errors.missing_parameter(field)
    try:
        return tokens.verify(form[field], call.state.signing_key, token_type)
    except tokens.InvalidTokenError:
        raise entra_errors.invalid_code(field) from None


def _challenge(verifier: str) -> bytes:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
