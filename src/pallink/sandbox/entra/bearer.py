"""Whose bearer token a request carries, and why one is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pallink.sandbox.arm.routes import ArmError
from pallink.sandbox.call import Call
from pallink.sandbox.entra import tokens
from pallink.sandbox.entra.directory import RESOURCE_MANAGER
from pallink.sandbox.state.world import Account, Tenant


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: an account in a tenant, and the claims of its token."""

    tenant: Tenant
    account: Account
    claims: Mapping[str, Any]


def authenticate(call: Call) -> Caller:
    """Returns who calls, by the bearer token.

    Raises:
        ArmError: There is none, or it is forged, expired or for somebody else.
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
    allowed = (f"{call.request.origin}/", call.request.origin, f"{RESOURCE_MANAGER}/", RESOURCE_MANAGER)
    if claims["aud"] not in allowed:
        audiences = ",".join(f"'{each}'" for each in allowed)
        raise _unauthorized(
            call,
            "InvalidAuthenticationTokenAudience",
            f"The access token has been obtained for wrong audience or resource '{claims['aud']}'. It should exactly "
            f"match with one of the allowed audiences {audiences}.",
        )
    if call.timestamp >= claims["exp"]:
        raise expired(call, datetime.fromtimestamp(claims["exp"], UTC))
    tenant = call.state.world.tenant(claims["tid"])
    account = tenant and tenant.account(claims["oid"])
    if not tenant or not account:
        raise _unauthorized(call, "InvalidAuthenticationToken", "The access token is invalid.")
    return Caller(tenant, account, claims)


def expired(call: Call, expired_on: datetime) -> ArmError:
    """Returns the refusal of a token that is too old."""
    return _unauthorized(
        call,
        "ExpiredAuthenticationToken",
        f"The access token expiry UTC time '{_american(expired_on)}' is earlier than current UTC time "
        f"'{_american(call.now)}'.",
    )


def _american(time: datetime) -> str:
    """Returns a time as Resource Manager writes it into this one message."""
    return f"{time.month}/{time.day}/{time.year} {time.hour % 12 or 12}:{time:%M:%S %p}"


def _unauthorized(call: Call, code: str, message: str) -> ArmError:
    authority = f"{call.request.origin}/common"
    challenge = f'Bearer authorization_uri="{authority}", error="invalid_token", error_description="{message}"'
    return ArmError(401, code, message, {"WWW-Authenticate": challenge})
