"""The token endpoint of Entra ID, with one function per grant type (RFC 6749, 4)."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from pallink.sandbox import throttling
from pallink.sandbox.call import Call
from pallink.sandbox.entra import (
    challenges,
    client_authentication,
    device_codes,
    errors as entra_errors,
    guest_policies,
    refusals,
    tokens,
)
from pallink.sandbox.entra.directory import find_client, find_identity, find_resource, find_tenant
from pallink.sandbox.entra.refusals import CredentialType
from pallink.sandbox.entra.tokens import TokenType
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state import settings
from pallink.sandbox.state.store import State
from pallink.sandbox.state.world import Account, Tenant


@dataclass(frozen=True, slots=True)
class Grant:
    """The authorization of a user, as codes and refresh tokens carry it.

    Attributes:
        client_id: The client ID of the authorized client.
        person: The object ID of the user, in the home tenant.
        tenant_id: The tenant that the user signed in to.
        scope: The requested scope.
        nonce: The nonce for the ID token; None if there is none.
        has_mfa: Whether the user completed multifactor authentication.
        proved_in: The ID of the tenant whose sign-in page the user completed; None if there was no page.
    """

    client_id: str
    person: str
    tenant_id: str
    scope: str
    nonce: str | None
    has_mfa: bool = False
    proved_in: str | None = None


def new_code(call: Call, grant: Grant, *, redirect_uri: str, challenge: str | None) -> str:
    """Return an authorization code, which the same client can redeem once with the same redirect URI.

    Args:
        call: The request.
        grant: The authorization that the code stands for.
        redirect_uri: The redirect URI that the code is sent to.
        challenge: The code challenge (RFC 7636, method S256); None means that no verifier is needed.
    """
    claims = {
        "jti": str(uuid4()),
        "exp": call.timestamp + _seconds(tokens.CODE_LIFETIME),
        "redirect_uri": redirect_uri,
        "challenge": challenge,
        "grant": asdict(grant),
    }
    return tokens.sign(claims, call.state.signing_key, TokenType.CODE)


def issue_tokens(call: Call, tenant_name: str) -> Response:
    """Return the response to a token request.

    Raises:
        EntraError: The request is invalid or refused.
        ThrottledError: There were too many of the same application in the same tenant.
    """
    tenant = find_tenant(call.state.world, tenant_name)
    throttling.check_token_request(call, tenant)
    form = call.request.form
    if "grant_type" not in form:
        raise entra_errors.missing_parameter("grant_type")
    if form["grant_type"] not in _GRANTS:
        raise entra_errors.unsupported_grant(form["grant_type"])
    return json_response(200, _GRANTS[form["grant_type"]](call, tenant, form))


def access_token_lifetime(state: State, default: int) -> int:
    """Return the lifetime of an access token in seconds: that of the setting, or the default."""
    setting = state.setting(settings.TOKEN_LIFETIME)
    return default if setting == "usual" else int(setting)


def refresh_token_lifetime(state: State) -> timedelta:
    """Return how long a refresh token is valid that is not used: that of the setting, or 90 days."""
    setting = state.setting(settings.REFRESH_TOKEN_LIFETIME)
    return tokens.REFRESH_TOKEN_LIFETIME if setting == "usual" else timedelta(seconds=int(setting))


def _redeem_client_credentials(call: Call, tenant: Tenant | None, form: Mapping[str, str]) -> dict[str, Any]:
    if not tenant:
        raise entra_errors.tenant_not_specified()
    client_id = form.get("client_id", "")
    application = tenant.application(client_id)
    if not application:
        raise entra_errors.application_not_found(client_id, tenant.display_name)
    client_authentication.authenticate(call, tenant, application, form)
    has_assertion = "client_assertion" in form
    refusals.check(call, application, CredentialType.ASSERTION if has_assertion else CredentialType.SECRET)
    return _access_token(call, application, application.name, form.get("scope", ""))


def _redeem_authorization_code(call: Call, tenant: Tenant | None, form: Mapping[str, str]) -> dict[str, Any]:
    claims = _verified_claims(call, form, "code", TokenType.CODE)
    grant = Grant(**claims["grant"])
    if form.get("client_id", "").lower() != grant.client_id:
        raise entra_errors.invalid_grant("code")
    if form.get("redirect_uri") != claims["redirect_uri"]:
        raise entra_errors.redirect_mismatch(form.get("redirect_uri", ""))
    if call.timestamp >= claims["exp"]:
        raise entra_errors.expired_code()
    if claims["challenge"] and not hmac.compare_digest(
        _code_challenge(form.get("code_verifier", "")), claims["challenge"].encode()
    ):
        raise entra_errors.wrong_verifier()
    if not call.state.redeem(claims["jti"], expires_on=claims["exp"], now=call.timestamp):
        raise entra_errors.redeemed_code()
    return _user_tokens(call, tenant, grant, form)


def _redeem_refresh_token(call: Call, tenant: Tenant | None, form: Mapping[str, str]) -> dict[str, Any]:
    claims = _verified_claims(call, form, "refresh_token", TokenType.REFRESH)
    grant = Grant(**claims["grant"])
    if form.get("client_id", "").lower() != grant.client_id:
        raise entra_errors.invalid_grant("refresh_token")
    revocations = call.state.revocations(grant.person)
    if len(revocations) > claims["revocations"]:
        raise entra_errors.revoked_refresh_token(claims["iat"], revocations[-1])
    lifetime = refresh_token_lifetime(call.state)
    if call.timestamp >= claims["iat"] + _seconds(lifetime):
        raise entra_errors.expired_refresh_token(claims["iat"], lifetime)
    return _user_tokens(call, tenant, grant, form, CredentialType.REFRESH_TOKEN)


def _redeem_device_code(call: Call, tenant: Tenant | None, form: Mapping[str, str]) -> dict[str, Any]:
    code, user = device_codes.redeem(call, form)
    tenant_id = code.tenant_id or user.home_tenant_id
    grant = Grant(
        client_id=code.client_id,
        person=user.object_id,
        tenant_id=tenant_id,
        scope=code.scope,
        nonce=None,
        has_mfa=code.has_mfa,
        proved_in=tenant_id if code.has_mfa else None,
    )
    return _user_tokens(call, tenant, grant, form, CredentialType.INTERACTIVE)


_GRANTS: dict[str, Callable[[Call, Tenant | None, Mapping[str, str]], dict[str, Any]]] = {
    "client_credentials": _redeem_client_credentials,
    "authorization_code": _redeem_authorization_code,
    "refresh_token": _redeem_refresh_token,
    "urn:ietf:params:oauth:grant-type:device_code": _redeem_device_code,
}


def _user_tokens(
    call: Call,
    tenant: Tenant | None,
    grant: Grant,
    form: Mapping[str, str],
    credential: CredentialType | None = None,
) -> dict[str, Any]:
    """Return the tokens of a user, for the tenant of the request, or else for that of the sign-in.

    Args:
        call: The request.
        tenant: The tenant of the request; None if it leaves the tenant open.
        grant: The authorization of the user.
        form: The form of the request.
        credential: The credential that refusals apply to; None for an authorization code, where the authorize endpoint
            has checked them.
    """
    world = call.state.world
    origin = call.request.origin
    user = world.user(grant.person)
    tenant = tenant or world.tenant(grant.tenant_id)
    if not user or not tenant:  # Unreachable: the signature guarantees that both exist.
        raise entra_errors.invalid_grant(form["grant_type"])
    client = find_client(world, tenant, grant.client_id)
    if client.application:
        client_authentication.authenticate(call, tenant, client.application, form)
    account = find_identity(tenant, user, client, origin)
    if credential:
        refusals.check(call, account, credential, has_mfa=grant.has_mfa)
    guest_policies.check(call, tenant, account, proved_in=grant.proved_in)
    if challenges.wants_mfa(form.get("claims")) and not grant.has_mfa:
        raise refusals.error_for(50076, account, call)
    scope = form.get("scope") or grant.scope
    access_token = _access_token(call, account, grant.client_id, scope, has_mfa=grant.has_mfa)
    resource = find_resource(scope, origin)
    id_token = tokens.id_token_claims(
        account, origin=origin, client_id=grant.client_id, issued_on=call.timestamp, nonce=grant.nonce
    )
    # Each redemption issues another one; those before stay valid until they end, as Entra ID documents it.
    refresh_token = {
        "jti": str(uuid4()),
        "iat": call.timestamp,
        "revocations": len(call.state.revocations(grant.person)),  # So far: one more voids this token.
        "grant": asdict(replace(grant, tenant_id=tenant.id, scope=scope, nonce=None)),
    }
    return {
        **access_token,
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
        audience=find_resource(scope, call.request.origin),
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


def _verified_claims(call: Call, form: Mapping[str, str], field: str, token_type: TokenType) -> dict[str, Any]:
    if field not in form:
        raise entra_errors.missing_parameter(field)
    try:
        return tokens.verify(form[field], call.state.signing_key, token_type)
    except tokens.InvalidTokenError:
        raise entra_errors.invalid_grant(field) from None


def _code_challenge(verifier: str) -> bytes:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
