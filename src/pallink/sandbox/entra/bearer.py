"""Authentication by bearer token, with Resource Manager's errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pallink.sandbox.call import Call
from pallink.sandbox.entra import tokens
from pallink.sandbox.entra.directory import RESOURCE_MANAGER
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.state.world import Account, Tenant


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller.

    Attributes:
        tenant: The tenant of the token.
        account: The account of the token, in that tenant.
        claims: The claims of the token.
    """

    tenant: Tenant
    account: Account
    claims: Mapping[str, Any]


def authenticate(call: Call, resource: str = RESOURCE_MANAGER) -> Caller:
    """Return the caller that the bearer token identifies.

    Args:
        call: The request.
        resource: An audience that counts as well as the origin of the request.

    Raises:
        ApiError: The token is missing, invalid, expired, or for another audience.
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
    allowed = (f"{call.request.origin}/", call.request.origin, f"{resource}/", resource)
    if claims["aud"] not in allowed:
        audiences = ",".join(f"'{audience}'" for audience in allowed)
        raise _unauthorized(
            call,
            "InvalidAuthenticationTokenAudience",
            f"The access token has been obtained for wrong audience or resource '{claims['aud']}'. It should exactly "
            f"match with one of the allowed audiences {audiences}.",
        )
    if call.timestamp >= claims["exp"]:
        raise expired_token(call, datetime.fromtimestamp(claims["exp"], UTC))
    tenant = call.state.world.tenant(claims["tid"])
    account = tenant and tenant.account(claims["oid"])
    if not tenant or not account:
        raise _unauthorized(call, "InvalidAuthenticationToken", "The access token is invalid.")
    return Caller(tenant, account, claims)


def expired_token(call: Call, expired_on: datetime) -> ApiError:
    """Return the error for an expired token."""
    return _unauthorized(
        call,
        "ExpiredAuthenticationToken",
        f"The access token expiry UTC time '{_american(expired_on)}' is earlier than current UTC time "
        f"'{_american(call.now)}'.",
    )


def _american(time: datetime) -> str:
    """Return a time in the format that Resource Manager uses in this message."""
    return f"{time.month}/{time.day}/{time.year} {time.hour % 12 or 12}:{time:%M:%S %p}"


def _unauthorized(call: Call, code: str, message: str) -> ApiError:
    authority = f"{call.request.origin}/common"
    challenge = f'Bearer authorization_uri="{authority}", error="invalid_token", error_description="{message}"'
    return ApiError(401, code, message, {"WWW-Authenticate": challenge})
