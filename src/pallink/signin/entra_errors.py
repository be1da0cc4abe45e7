"""Errors for the token requests that Entra ID refused, explained by their codes. Pure."""

import re
from collections.abc import Mapping

from pallink.errors import MoreProofNeededError, RequestTrace, SignInError
from pallink.redact.text import one_clause, one_line
from pallink.signin.entra_codes import BLOCKED_CODES, Explanation, explanation_of

_CODE = re.compile(r"AADSTS([0-9]{1,12})(?![0-9])")
# Entra ID appends these to its sentences; pallink shows them on a line of their own.
_TAIL = re.compile(r"(Trace ID|Correlation ID|Timestamp):.*", re.DOTALL)
_MAX_DESCRIPTION = 4000
# Source: OpenID Connect Core, 3.1.2.6.
_PROMPT_ERRORS = frozenset({"interaction_required", "consent_required"})
# Source: the suberrors that MSAL's UiRequiredExceptionClassification lets a client prompt for.
_PROMPT_SUBERRORS = frozenset({"basic_action", "additional_action", "consent_required", "user_password_expired"})
_IN_TAIL = {
    "correlation_id": re.compile(r"Correlation ID:\s*([0-9a-fA-F-]{36})"),
    "trace_id": re.compile(r"Trace ID:\s*([0-9a-fA-F-]{36})"),
    "timestamp": re.compile(r"Timestamp:\s*([0-9-]{10} [0-9:]{8}Z)"),
}


def sign_in_error(body: Mapping[str, object], *, trace: RequestTrace | None = None) -> SignInError:
    """Return the error for a token request that Entra ID refused.

    Args:
        body: The JSON body of the response: `error`, `error_description`, `trace_id`, `correlation_id`, `timestamp`.
        trace: The identifiers to use if the body has none.
    """
    description = _description(body)
    text = one_clause(_TAIL.sub("", description))
    code = aadsts_code(body)
    cause, remedy, new_sign_in = explanation_of(code) if code else _explain_oauth_error(body)
    own_trace = RequestTrace(*(_identifier(body, name, description) for name in _IN_TAIL))
    error = SignInError(
        f"the sign-in failed: {text or 'Entra ID gave no reason'}",
        cause=cause,
        remedy=remedy,
        trace=own_trace if str(own_trace) else trace,
        new_sign_in=new_sign_in,
    )
    error = error.replace(prompt_helps=_prompt_helps(body, code), entra_code=code)
    claims = body.get("claims")
    if (new_sign_in or error.prompt_helps) and isinstance(claims, str) and claims:
        # With them the next sign-in has what this one lacked.
        challenge = MoreProofNeededError(
            error.message, cause=cause, remedy=remedy, trace=error.trace, new_sign_in=new_sign_in
        )
        return challenge.replace(claims=claims[:_MAX_DESCRIPTION], prompt_helps=error.prompt_helps, entra_code=code)
    return error


def _prompt_helps(body: Mapping[str, object], code: str | None) -> bool | None:
    """Return whether a prompt may help, by OAuth's `error` and `suberror`; None if they do not say."""
    suberror = body.get("suberror")
    if suberror == "message_only" or code in BLOCKED_CODES:
        return False
    return True if str(body.get("error")) in _PROMPT_ERRORS or str(suberror) in _PROMPT_SUBERRORS else None


def aadsts_code(body: Mapping[str, object]) -> str | None:
    """Return the digits after AADSTS, such as `700016`, or None if the body has no code."""
    match = _CODE.search(_description(body))
    return match[1] if match else None


def _description(body: Mapping[str, object]) -> str:
    """Return the sentence of a body, with its tail. It is cut: the server may not be Entra ID."""
    return str(body.get("error_description") or body.get("error") or "")[:_MAX_DESCRIPTION]


def _explain_oauth_error(body: Mapping[str, object]) -> Explanation:
    """Return the explanation of OAuth's `error`, for responses without an AADSTS code."""
    match body.get("error"):
        case "authorization_declined" | "access_denied":
            return Explanation("the sign-in was declined", "try again, and approve it")
        case "expired_token" | "code_expired":
            return Explanation("the code expired before it was entered", "try again")
    return Explanation("the response has no error code of Entra ID", "check the account, the tenant and the credential")


def _identifier(body: Mapping[str, object], name: str, description: str) -> str | None:
    value = body.get(name)
    if isinstance(value, str):
        return one_line(value)
    match = _IN_TAIL[name].search(description)
    return match[1] if match else None
