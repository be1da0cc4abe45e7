"""Claims challenges: what Azure requires of a new sign-in, in words. Pure.

Sources: learn.microsoft.com/entra/identity-platform/claims-challenge (the format, and `acrs`), and
learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation (`nbf`, `xms_rp_ipaddr`, and
the codes in the message).
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from pallink.errors import SIGN_IN_AGAIN, MoreProofNeededError, NewSignIn, RequestTrace
from pallink.redact.text import one_line
from pallink.signin.entra_codes import COMPLETE_MFA, DO_WHAT_THE_PAGE_ASKS, USE_THE_BROWSER, Explanation

_MAX_VALUE = 100
# The authentication contexts of a tenant are c1 to c99; Azure's own requirement of multifactor authentication is p1.
_CONTEXT = re.compile(r"c[0-9]{1,2}")
_MFA_METHODS = frozenset({"mfa", "ngcmfa"})


def more_proof_needed(
    operation: str, message: str, claims: str, trace: RequestTrace | None = None
) -> MoreProofNeededError:
    """Return the error for a claims challenge, with what the challenge says as its cause.

    Args:
        operation: What the request was for, such as `reading the link`.
        message: The message in the response.
        claims: The claims challenge, as JSON.
        trace: The identifiers of the request.
    """
    cause, remedy, new_sign_in = explain_claims(claims, message)
    error = MoreProofNeededError(
        f"{operation} failed: Azure requires a new sign-in ({message})",
        cause=cause,
        remedy=remedy,
        trace=trace,
        new_sign_in=new_sign_in,
    )
    return error.replace(claims=claims)


def explain_claims(claims: str, message: str = "") -> Explanation:
    """Return what a claims challenge requires, and what to do.

    Args:
        claims: The claims challenge, as JSON.
        message: The message of the response, which may have a code of continuous access evaluation.
    """
    required = _access_token_claims(claims)
    if "xms_rp_ipaddr" in required or "LocationCondition" in message:
        address = "".join(f" ({value})" for value in _values(required, "xms_rp_ipaddr"))
        return Explanation(
            f"the request came from another network address{address} than the tenant allows for this sign-in",
            "sign in through the same network as the request: a VPN or a proxy may use two addresses",
            NewSignIn.SAME,
        )
    if explanation := _explain_strength(required):
        return explanation
    if "nbf" in required:
        return Explanation(_explain_age(message), SIGN_IN_AGAIN, NewSignIn.SAME)
    names = ", ".join(one_line(name, _MAX_VALUE) for name in required) or "none that pallink can read"
    return Explanation(f"the tenant requires further claims of the sign-in: {names}", SIGN_IN_AGAIN, NewSignIn.SAME)


def _explain_strength(required: Mapping[str, Any]) -> Explanation | None:
    """Return what a stronger sign-in has to have, or None if the challenge requires none."""
    contexts = [value for value in _values(required, "acrs") if _CONTEXT.fullmatch(value)]
    if contexts:
        cause = f"the tenant requires the authentication context {', '.join(contexts)} (conditional access) for this"
        return Explanation(cause, DO_WHAT_THE_PAGE_ASKS, NewSignIn.SAME)
    if "acrs" in required or _MFA_METHODS.intersection(_values(required, "amr")):
        cause = "for this the tenant requires multifactor authentication, and the sign-in did not have it"
        return Explanation(cause, COMPLETE_MFA, NewSignIn.SAME)
    if "deviceid" in required:
        cause = "the tenant requires a sign-in that identifies the device"
        return Explanation(cause, USE_THE_BROWSER, NewSignIn.BROWSER)
    if "capolids" in required:
        cause = "a conditional access policy of the tenant requires more of the sign-in"
        return Explanation(cause, DO_WHAT_THE_PAGE_ASKS, NewSignIn.SAME)
    return None


def _explain_age(message: str) -> str:
    """Return why Azure requires a token that is newer than the one it was sent."""
    if "TokenCreatedWithOutdatedPolicies" in message:
        return "the tenant's conditional access policies have changed since this sign-in"
    if "RevocationTimestamp" in message:
        return "the session was revoked: the password was changed, or the account's sessions were ended"
    return "the session was revoked, or the account or a policy of the tenant has changed since this sign-in"


def _access_token_claims(claims: str) -> Mapping[str, Any]:
    try:
        document = json.loads(claims)
    except (ValueError, RecursionError):
        return {}
    required = document.get("access_token") if isinstance(document, dict) else None
    return required if isinstance(required, dict) else {}


def _values(required: Mapping[str, Any], name: str) -> list[str]:
    """Return the values that a claim must have: its `value`, or its `values`."""
    claim = required.get(name)
    if not isinstance(claim, dict):
        return []
    values = claim.get("values")
    found = values if isinstance(values, list) else [claim.get("value")]
    return [one_line(value, _MAX_VALUE) for value in found if isinstance(value, str)]
