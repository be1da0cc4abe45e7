"""Claims challenges: Resource Manager rejects a valid token, and names the claims that it requires."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from pallink.sandbox.call import Call
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.state import settings

MFA_CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"p1"}}}'
"""The claims that a client has to request for multifactor authentication (MFA)."""

_REQUESTED = "xms_sandbox_challenge"  # In tokens that were requested with the claims of a challenge.
_REASONS = {
    "policies": "TokenCreatedWithOutdatedPolicies",
    "revocation": "TokenIssuedBeforeRevocationTimestamp",
    "location": "LocationConditionEvaluationSatisfied",
}
_CLIENT_ADDRESS = "203.0.113.7"  # The address that a request seems to come from; reserved for documentation.
_WRITES = frozenset({"PUT", "PATCH", "DELETE", "POST"})


def wants_mfa(claims: str | None) -> bool:
    """Return whether the `claims` parameter of a token request requires MFA."""
    return "acrs" in _access_token_claims(claims)


def claims_of_token(claims: str | None, *, has_mfa: bool) -> dict[str, Any]:
    """Return the claims of a token that was requested with a `claims` parameter.

    Client capabilities (`xms_cc`), which azure-identity sends in the same parameter, come from no challenge.
    """
    requested = _access_token_claims(claims)
    granted = {_REQUESTED: True} if requested.keys() & {"acrs", "nbf"} else {}
    return {**granted, "acrs": ["p1"]} if "acrs" in requested and has_mfa else granted


def check(call: Call, token: Mapping[str, Any]) -> None:
    """Raise a claims challenge where the settings require one.

    Args:
        call: A request to Resource Manager.
        token: The claims of its token, which is valid.

    Raises:
        ApiError: The token is rejected, with the challenge in `WWW-Authenticate`.
    """
    frequency = call.state.setting(settings.CLAIMS_CHALLENGE)
    if frequency == "always" or (frequency == "once" and _REQUESTED not in token):
        reason = call.state.setting(settings.CHALLENGE_REASON)
        required: dict[str, Any] = {"nbf": {"essential": True, "value": str(call.timestamp)}}
        if reason == "location":
            required["xms_rp_ipaddr"] = {"value": _CLIENT_ADDRESS}
        raise ApiError(
            401,
            _REASONS[reason],
            "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: "
            + _REASONS[reason],
            _challenge(call, json.dumps({"access_token": required})),
        )
    status = call.state.setting(settings.MFA_FOR_WRITES)
    has_mfa = "mfa" in token.get("amr", ()) or "p1" in token.get("acrs", ())
    if status != "off" and call.request.method in _WRITES and token["idtyp"] == "user" and not has_mfa:
        operation = {"PUT": "Create", "DELETE": "Delete"}.get(call.request.method, "Update")
        raise ApiError(
            int(status),
            "RequestDisallowedByAzure",
            f"Resource '{call.request.segments[-1]}' was disallowed by Azure: Users must use MFA for {operation} "
            "operation. Users must authenticate with multi-factor authentication to create, update or delete Azure "
            "resources.",
            _challenge(call, MFA_CLAIMS),
        )


def _access_token_claims(claims: str | None) -> Mapping[str, Any]:
    try:
        document = json.loads(claims or "{}")
    except ValueError:
        return {}
    requested = document.get("access_token") if isinstance(document, dict) else None
    return requested if isinstance(requested, dict) else {}


def _challenge(call: Call, claims: str) -> dict[str, str]:
    encoded = b64encode(claims.encode()).decode()
    authority = f"{call.request.origin}/common/oauth2/authorize"
    return {
        "WWW-Authenticate": f'Bearer realm="", authorization_uri="{authority}", error="insufficient_claims", '
        f'claims="{encoded}"'
    }
