"""What Entra ID's sign-in errors mean, in plain words, and what to do about them. Pure.

The codes are documented at learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pallink.errors import RequestTrace, SignInError
from pallink.redact.text import one_line

_CODE = re.compile(r"AADSTS(\d+)")
# What Entra ID appends to its sentences; pallink shows these on a line of their own.
_TAIL = re.compile(r"\s*(Trace ID|Correlation ID|Timestamp):.*", re.DOTALL)
_MAX_LENGTH = 4000
_IN_TAIL = {
    "correlation_id": re.compile(r"Correlation ID:\s*([0-9a-fA-F-]{36})"),
    "trace_id": re.compile(r"Trace ID:\s*([0-9a-fA-F-]{36})"),
    "timestamp": re.compile(r"Timestamp:\s*([0-9-]{10} [0-9:]{8}Z)"),
}


class Explanation(NamedTuple):
    """Why a sign-in failed and what to do next."""

    cause: str
    remedy: str


_MFA = Explanation(
    "the tenant demands multifactor authentication, and this sign-in did not have it",
    "sign in with --auth browser or device-code and confirm it there; what runs unattended needs an application",
)
_CONDITIONAL_ACCESS = Explanation(
    "a conditional access policy of the tenant blocks this sign-in, by its place, its device or its method",
    "try --auth browser where a device code is blocked; else ask the tenant's administrator, who finds the policy in"
    " the sign-in log by the correlation ID",
)
_SIGN_IN_AGAIN = Explanation(
    "the stored sign-in has expired or was revoked",
    "sign in again with pallink login",
)
_NO_FEDERATION = Explanation(
    "the application has no federated credential that fits the token's issuer, subject and audience",
    "compare them with the application's federated credentials in Entra ID: they must be the same to the letter, and"
    " the subject names repository and branch or environment, or the service connection",
)
_ASSERTION_TIME = Explanation(
    "the token that proves the application is outside its time: it has expired, or this machine's clock is wrong",
    "check this machine's clock; then try again with a fresh token",
)

EXPLANATIONS: Mapping[str, Explanation] = {
    "50034": Explanation(
        "the tenant knows no such account", "check the spelling of the account, and that --tenant is its tenant"
    ),
    "50053": Explanation(
        "the account is locked after too many failed sign-ins, or the sign-in came from a blocked address",
        "wait some minutes, or have an administrator unlock the account",
    ),
    "50055": Explanation(
        "the account's password has expired", "sign in once in a browser as this account and set a new password"
    ),
    "50057": Explanation("the account is disabled", "have an administrator of the tenant enable the account"),
    "50076": _MFA,
    "50079": Explanation(
        "the tenant demands multifactor authentication, and the account has not been set up for it",
        "sign in once in a browser as this account and set it up, at https://aka.ms/mfasetup",
    ),
    "50105": Explanation(
        "the account is not assigned to the application that it signs in through",
        "have an administrator assign it under Enterprise applications, or name another application with --client-id",
    ),
    "50126": Explanation(
        "the user name or the password is wrong", "try again; the password is that of the account's own tenant"
    ),
    "50158": Explanation(
        "the tenant demands a further proof from an external service",
        "sign in with --auth browser, where it can be given",
    ),
    "53000": Explanation(
        "a conditional access policy demands a managed device, and this one is not",
        "sign in from a device that the tenant manages, with --auth browser",
    ),
    "53003": _CONDITIONAL_ACCESS,
    "65001": Explanation(
        "nobody in the tenant has consented to the application that signs in",
        "have an administrator consent to it, or name another application with --client-id",
    ),
    "70043": _SIGN_IN_AGAIN,
    "700082": _SIGN_IN_AGAIN,
    "700016": Explanation(
        "the tenant knows no application with this client ID",
        "check AZURE_CLIENT_ID and AZURE_TENANT_ID; the application may not be installed in this tenant",
    ),
    "700024": _ASSERTION_TIME,
    "500133": _ASSERTION_TIME,
    "7000215": Explanation(
        "the client secret is wrong",
        "set AZURE_CLIENT_SECRET to the secret's value, which the portal shows once; the secret's ID is something else",
    ),
    "7000222": Explanation(
        "the client secret has expired", "create a new secret for the application and set AZURE_CLIENT_SECRET to it"
    ),
    "700213": _NO_FEDERATION,
    "70021": _NO_FEDERATION,
    "700211": _NO_FEDERATION,
    "700212": _NO_FEDERATION,
    "90002": Explanation("there is no such tenant", "check AZURE_TENANT_ID or --tenant, and that --cloud is its cloud"),
    "900023": Explanation(
        "the tenant's name is none that a tenant can have",
        "give --tenant the tenant's ID (a GUID) or one of its domains",
    ),
    "90072": Explanation(
        "the account belongs to another tenant and has not been invited to this one as a guest",
        "have an administrator invite it, or sign in to its own tenant with --tenant",
    ),
    "50020": Explanation(
        "the account belongs to another tenant and is no guest of this one",
        "sign in to the account's own tenant with --tenant, or have an administrator invite it",
    ),
    "700027": Explanation(
        "the certificate is not registered with the application, or has expired",
        "upload its public part in Entra ID under the application's Certificates & secrets",
    ),
    "7000112": Explanation(
        "the application is disabled in this tenant", "have an administrator enable it under Enterprise applications"
    ),
}

CLOCK_CODES = frozenset({"700024", "500133"})
"""Codes that a wrong clock brings about."""


def sign_in_failed(answer: Mapping[str, object], *, trace: RequestTrace | None = None) -> SignInError:
    """The error for what Entra ID answered to a token request.

    Args:
        answer: the JSON body: `error`, `error_description`, `trace_id`, `correlation_id`, `timestamp`.
        trace: identifiers from elsewhere, where the body has none.
    """
    description = _description(answer)
    text = one_line(_TAIL.sub("", description))
    code = code_in(answer)
    explanation = EXPLANATIONS.get(code) if code else None
    own_trace = RequestTrace(*(_text(answer, name, description) for name in _IN_TAIL))
    cause, remedy = explanation or _without_code(answer)
    return SignInError(
        f"the sign-in failed: {text or 'Entra ID gave no reason'}",
        cause=cause,
        remedy=remedy,
        trace=own_trace if str(own_trace) else trace,
    )


def code_in(answer: Mapping[str, object]) -> str | None:
    """The digits behind AADSTS, as `700016`; None where the answer names no code."""
    match = _CODE.search(_description(answer))
    return match[1] if match else None


def _description(answer: Mapping[str, object]) -> str:
    """The sentence of an answer, with its tail, and no more than that of one who answers with megabytes."""
    return str(answer.get("error_description") or answer.get("error") or "")[:_MAX_LENGTH]


def _without_code(answer: Mapping[str, object]) -> tuple[str | None, str]:
    """Cause and remedy by OAuth's own word, for the answers to a device code that carry no code that is known."""
    match answer.get("error"):
        case "authorization_declined" | "access_denied":
            return "somebody declined it", "try again, and accept it"
        case "expired_token" | "code_expired":
            return "nobody entered the code in time", "try again"
    return None, "check the account, the tenant and what you sign in with"


def _text(answer: Mapping[str, object], name: str, description: str) -> str | None:
    value = answer.get(name)
    if isinstance(value, str):
        return one_line(value)
    match = _IN_TAIL[name].search(description)
    return match[1] if match else None
