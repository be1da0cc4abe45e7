"""Signed tokens: JSON Web Tokens with HS256, by the standard library alone.

Codes and refresh tokens are signed as well, with another `typ`: what they stand for is in them, so that the database
has to remember only which codes were used.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pallink.sandbox.state.world import Account, AccountKind

CODE_LIFETIME = timedelta(minutes=10)
ACCESS_TOKEN_LIFETIME = timedelta(seconds=3599)  # What Entra ID gives to applications.
REFRESH_TOKEN_LIFETIME = timedelta(days=90)


class TokenType(StrEnum):
    """What a token is, in its header: none passes for another."""

    JWT = "JWT"
    CODE = "code"
    REFRESH = "refresh"
    DEVICE = "device"


class InvalidTokenError(Exception):
    """No token of that type, or not signed with that key."""


def sign(claims: Mapping[str, Any], key: bytes, token_type: TokenType = TokenType.JWT) -> str:
    """Returns a token with these claims."""
    signed = f"{_encode_json({'typ': token_type, 'alg': 'HS256'})}.{_encode_json(claims)}"
    return f"{signed}.{_encode(_signature(signed, key))}"


def verify(token: str, key: bytes, token_type: TokenType = TokenType.JWT) -> dict[str, Any]:
    """Returns the claims of a token. When it expires is for the caller to judge.

    Raises:
        InvalidTokenError: It is none, of another type, or signed with another key.
    """
    signed, _, signature = token.rpartition(".")
    header, _, claims = signed.partition(".")
    try:
        if not hmac.compare_digest(_decode(signature), _signature(signed, key)):
            raise InvalidTokenError("The signature does not match.")
        if json.loads(_decode(header))["typ"] != token_type:
            raise InvalidTokenError("The token is of another type.")
        decoded: dict[str, Any] = json.loads(_decode(claims))
    except ValueError as error:
        raise InvalidTokenError("This is no token.") from error
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
    """Returns the claims of an access token for Resource Manager, in the shape of version 1.0, which that still gets.

    Args:
        account: Who signs in.
        origin: Where the token is issued.
        audience: The resource, as the scope named it.
        client_id: The program that asks.
        issued_on: Seconds since the epoch.
        lifetime: Seconds.
        has_mfa: Whether a person has given a second factor.
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
        "ver": "1.0",
    }
    if account.kind is AccountKind.MANAGED_IDENTITY:
        proof = {"appidacr": "2", "idtyp": "app", "sub": account.object_id}
        return {**claims, **proof, "xms_mirid": account.resource_id}
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
    """Returns the claims of an ID token, version 2.0; the arguments are those of `access_token_claims`."""
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
        "ver": "2.0",
    }
    return {**claims, "nonce": nonce} if nonce else claims


def client_info(account: Account) -> str:
    """Returns the field that tells a client whose tokens these are: the account's identifiers at home."""
    return _encode_json({"uid": account.home_object_id, "utid": account.home_tenant_id})


def _pairwise_subject(account: Account, audience: str) -> str:
    """Returns a subject that is another one for each audience, as Entra ID's is."""
    return _encode(hashlib.sha256(f"{account.tenant_id} {account.object_id} {audience}".encode()).digest())


def _signature(signed: str, key: bytes) -> bytes:
    return hmac.digest(key, signed.encode(), "sha256")


def _encode_json(document: Mapping[str, Any]) -> str:
    return _encode(json.dumps(document, separators=(",", ":")).encode())


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
