"""Claims challenges: Resource Manager wants another token than the one shown, and says which."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from pallink.sandbox.arm.routes import ArmError
from pallink.sandbox.call import Call
from pallink.sandbox.state import settings

MFA_CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"p1"}}}'
"""What a client has to ask for where a second factor is missing."""

_REQUESTED = "xms_sandbox_challenge"  # The claim of a token that was asked for with claims of a challenge.
_WRITES = frozenset({"PUT", "PATCH", "DELETE", "POST"})


def wants_mfa(claims: str | None) -> bool:
    """Tells whether the `claims` of a request for a token ask for a second factor."""
    return "acrs" in _access_token_claims(claims)


def claims_of_token(claims: str | None, *, has_mfa: bool) -> dict[str, Any]:
    """Returns what a token says of the `claims` that it was asked for with.

    Client capabilities (`xms_cc`), which azure-identity sends in the same field, are no answer to a challenge.
    """
    requested = _access_token_claims(claims)
    answered = {_REQUESTED: True} if requested.keys() & {"acrs", "nbf"} else {}
    return {**answered, "acrs": ["p1"]} if "acrs" in requested and has_mfa else answered


def check(call: Call, token: Mapping[str, Any]) -> None:
    """Refuses a token that is not good enough, as the settings have it.

    Args:
        call: A request to Resource Manager.
        token: The claims of its token, which holds in every other respect.

    Raises:
        ArmError: With a claims challenge in `WWW-Authenticate`.
    """
    chosen = call.state.setting(settings.CLAIMS_CHALLENGE)
    if chosen == "always" or (chosen == "once" and _REQUESTED not in token):
        raise ArmError(
            401,
            "TokenCreatedWithOutdatedPolicies",
            "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: "
            "TokenCreatedWithOutdatedPolicies",
            _challenge(call, json.dumps({"access_token": {"nbf": {"essential": True, "value": str(call.timestamp)}}})),
        )
    status = call.state.setting(settings.MFA_FOR_WRITES)
    has_mfa = "mfa" in token.get("amr", ()) or "p1" in token.get("acrs", ())
    if status != "off" and call.request.method in _WRITES and token["idtyp"] == "user" and not has_mfa:
        operation = {"PUT": "Create", "DELETE": "Delete"}.get(call.request.method, "Update")
        raise ArmError(
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
