"""Signed tokens: JSON Web Tokens (RFC 7519) with HS256, made with the standard library alone.

Codes and refresh tokens are signed too, with another `typ`, and carry their content, so that the database only has to
record which codes were redeemed.
"""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pallink.sandbox.state.world import Account, AccountKind

CODE_LIFETIME = timedelta(minutes=10)
ACCESS_TOKEN_LIFETIME = timedelta(seconds=3599)  # As Entra ID issues them to applications.
REFRESH_TOKEN_LIFETIME = timedelta(days=90)


class TokenType(StrEnum):
    """The `typ` in a token's header, so that no type passes for another."""

    JWT = "JWT"
    CODE = "code"
    REFRESH = "refresh"
    DEVICE = "device"


class InvalidTokenError(Exception):
    """The token is malformed, of another type, or signed with another key."""


def sign(claims: Mapping[str, Any], key: bytes, token_type: TokenType = TokenType.JWT) -> str:
    """Return a token with claims."""
    signing_input = f"{_encode_json({'typ': token_type, 'alg': 'HS256'})}.{_encode_json(claims)}"
    return f"{signing_input}.{_encode(_signature(signing_input, key))}"


def verify(token: str, key: bytes, token_type: TokenType = TokenType.JWT) -> dict[str, Any]:
    """Return the claims of a token, without checking its expiry.

    Raises:
        InvalidTokenError: The token is malformed, of another type, or signed with another key.
    """
    signing_input, _, signature = token.rpartition(".")
    header, _, claims = signing_input.partition(".")
    try:
        if not hmac.compare_digest(_decode(signature), _signature(signing_input, key)):
            raise InvalidTokenError("The signature does not match.")
        if json.loads(_decode(header))["typ"] != token_type:
            raise InvalidTokenError("The token is of another type.")
        decoded: dict[str, Any] = json.loads(_decode(claims))
    except ValueError as error:
        raise InvalidTokenError("The token is malformed.") from error
    return decoded


def access_token_claims(
    account: Account,
    *,
    origin: str,
    audience: str,
    client_id: str,
    issued_on: int,
    lifetime: int,
    has_mfa: bool = False,
) -> dict[str, Any]:
    """Return the claims of an access token in version 1.0, which Resource Manager still gets.

    Args:
        account: The account that signs in.
        origin: The origin of the token endpoint.
        audience: The resource, as the scope names it.
        client_id: The client ID of the client.
        issued_on: The time of issue, in seconds since the epoch.
        lifetime: The lifetime in seconds.
        has_mfa: Whether the user completed multifactor authentication.
    """
    claims = {
        "aud": audience,
        "iss": f"{origin}/{account.tenant_id}/",
        "iat": issued_on,
        "nbf": issued_on,
        "exp": issued_on + lifetime,
        "appid": client_id,
        "idp": f"{origin}/{account.home_tenant_id}/",
        "oid": account.object_id,
        "tid": account.tenant_id,
        "uti": _token_id(),
        "ver": "1.0",
    }
    if account.kind is AccountKind.MANAGED_IDENTITY:
        return {
            **claims,
            "appidacr": "2",
            "idtyp": "app",
            "sub": account.object_id,
            "xms_mirid": account.resource_id,
        }
    if account.kind is AccountKind.SERVICE_PRINCIPAL:
        return {**claims, "appidacr": "1", "idtyp": "app", "sub": account.object_id}
    claims |= {
        "acr": "1",
        "amr": ["pwd", "mfa"] if has_mfa else ["pwd"],
        "appidacr": "0",
        "idtyp": "user",
        "name": account.display_name,
        "scp": "user_impersonation",
        "sub": _pairwise_subject(account, audience),
        "unique_name": account.name,
    }
    if account.kind is AccountKind.GUEST:
        return {**claims, "email": account.name}
    return {**claims, "upn": account.name}


def id_token_claims(
    account: Account, *, origin: str, client_id: str, issued_on: int, nonce: str | None
) -> dict[str, Any]:
    """Return the claims of an ID token, version 2.0.

    Args:
        account: The account that signs in.
        origin: The origin of the token endpoint.
        client_id: The client ID of the client, which is the audience.
        issued_on: The time of issue, in seconds since the epoch.
        nonce: The nonce of the authorize request; None if there is none.
    """
    claims = {
        "aud": client_id,
        "iss": f"{origin}/{account.tenant_id}/v2.0",
        "iat": issued_on,
        "nbf": issued_on,
        "exp": issued_on + int(ACCESS_TOKEN_LIFETIME.total_seconds()),
        "name": account.display_name,
        "oid": account.object_id,
        "preferred_username": account.name,
        "sub": _pairwise_subject(account, client_id),
        "tid": account.tenant_id,
        "uti": _token_id(),
        "ver": "2.0",
    }
    return {**claims, "nonce": nonce} if nonce else claims


def client_info(account: Account) -> str:
    """Return the `client_info` field of a token response: the account's IDs in its home tenant."""
    return _encode_json({"uid": account.home_object_id, "utid": account.home_tenant_id})


def _token_id() -> str:
    """Return an identifier of 22 characters, as Entra ID puts into every token: no two tokens are the same."""
    return _encode(secrets.token_bytes(16))


def _pairwise_subject(account: Account, audience: str) -> str:
    """Return a subject that differs between audiences, as Entra ID's does."""
    return _encode(hashlib.sha256(f"{account.tenant_id} {account.object_id} {audience}".encode()).digest())


def _signature(signing_input: str, key: bytes) -> bytes:
    return hmac.digest(key, signing_input.encode(), "sha256")


def _encode_json(document: Mapping[str, Any]) -> str:
    return _encode(json.dumps(document, separators=(",", ":")).encode())


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
