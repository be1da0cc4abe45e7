"""Entra ID's sign-in errors, explained: the cause of each, and what to do. Pure.

The codes are documented at learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pallink.errors import RequestTrace, SignInError
from pallink.redact.text import one_line

_CODE = re.compile(r"AADSTS(\d+)")
# Entra ID appends these to its sentences; pallink shows them on a line of their own.
_TAIL = re.compile(r"(Trace ID|Correlation ID|Timestamp):.*", re.DOTALL)
_MAX_DESCRIPTION = 4000
_IN_TAIL = {
    "correlation_id": re.compile(r"Correlation ID:\s*([0-9a-fA-F-]{36})"),
    "trace_id": re.compile(r"Trace ID:\s*([0-9a-fA-F-]{36})"),
    "timestamp": re.compile(r"Timestamp:\s*([0-9-]{10} [0-9:]{8}Z)"),
}


class Explanation(NamedTuple):
    """Why a sign-in failed, and what to do.

    Attributes:
        cause: The cause.
        remedy: What to do.
    """

    cause: str
    remedy: str


_MFA = Explanation(
    "the tenant requires multifactor authentication, and this sign-in did not have it",
    "sign in with --auth browser or device-code and confirm it there; an unattended job needs an application",
)
_CONDITIONAL_ACCESS = Explanation(
    "a conditional access policy of the tenant blocks this sign-in because of its location, device or method",
    "use --auth browser where device codes are blocked; otherwise ask the tenant's administrator, who finds the policy"
    " in the sign-in log by the correlation ID",
)
_SIGN_IN_AGAIN = Explanation(
    "the stored sign-in has expired or was revoked",
    "sign in again with pallink login",
)
_NO_FEDERATION = Explanation(
    "the application has no federated credential with the token's issuer, subject and audience",
    "compare them with the application's federated credentials in Entra ID: they must match exactly, and the subject"
    " names the repository with its branch or environment, or the service connection",
)
_ASSERTION_TIME = Explanation(
    "the application's assertion is not valid now: it has expired, or this machine's clock is wrong",
    "check this machine's clock, then try again with a new token",
)

EXPLANATIONS: Mapping[str, Explanation] = {
    "50034": Explanation(
        "the account does not exist in this tenant", "check the account's name, and that --tenant is its tenant"
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
        "the tenant requires multifactor authentication, and the account is not set up for it",
        "sign in once in a browser as this account and set it up, at https://aka.ms/mfasetup",
    ),
    "50105": Explanation(
        "the account is not assigned to the application that it signs in through",
        "have an administrator assign it under Enterprise applications, or use another application with --client-id",
    ),
    "50126": Explanation(
        "the user name or the password is wrong", "try again with the password of the account's home tenant"
    ),
    "50158": Explanation(
        "the tenant requires an external authentication provider",
        "sign in with --auth browser",
    ),
    "53000": Explanation(
        "a conditional access policy requires a managed device, and this device is not managed",
        "sign in with --auth browser from a device that the tenant manages",
    ),
    "53003": _CONDITIONAL_ACCESS,
    "65001": Explanation(
        "no user or administrator of the tenant has consented to the application",
        "have an administrator consent to it, or use another application with --client-id",
    ),
    "70043": _SIGN_IN_AGAIN,
    "700082": _SIGN_IN_AGAIN,
    "700016": Explanation(
        "no application with this client ID exists in this tenant",
        "check AZURE_CLIENT_ID and AZURE_TENANT_ID; the application may not be installed in this tenant",
    ),
    "700024": _ASSERTION_TIME,
    "500133": _ASSERTION_TIME,
    "7000215": Explanation(
        "the client secret is wrong",
        "set AZURE_CLIENT_SECRET to the secret's value, which the portal shows once, not to the secret's ID",
    ),
    "7000222": Explanation(
        "the client secret has expired", "create a new secret for the application and set AZURE_CLIENT_SECRET to it"
    ),
    "700213": _NO_FEDERATION,
    "70021": _NO_FEDERATION,
    "700211": _NO_FEDERATION,
    "700212": _NO_FEDERATION,
    "90002": Explanation(
        "the tenant does not exist", "check AZURE_TENANT_ID or --tenant, and that --cloud is its cloud"
    ),
    "900023": Explanation(
        "the tenant's name is invalid",
        "set --tenant to the tenant's ID (a GUID) or one of its domains",
    ),
    "90072": Explanation(
        "the account belongs to another tenant and has not been invited to this one as a guest",
        "have an administrator invite it, or sign in to its own tenant with --tenant",
    ),
    "50020": Explanation(
        "the account belongs to another tenant and is not a guest of this one",
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
"""The codes that a wrong clock causes."""


def sign_in_error(body: Mapping[str, object], *, trace: RequestTrace | None = None) -> SignInError:
    """Return the error for a token request that Entra ID refused.

    Args:
        body: The JSON body of the response: `error`, `error_description`, `trace_id`, `correlation_id`, `timestamp`.
        trace: The identifiers to use if the body has none.
    """
    description = _description(body)
    text = one_line(_TAIL.sub("", description))
    code = aadsts_code(body)
    explanation = EXPLANATIONS.get(code) if code else None
    own_trace = RequestTrace(*(_identifier(body, name, description) for name in _IN_TAIL))
    cause, remedy = explanation or _explain_oauth_error(body)
    return SignInError(
        f"the sign-in failed: {text or 'Entra ID gave no reason'}",
        cause=cause,
        remedy=remedy,
        trace=own_trace if str(own_trace) else trace,
    )


def aadsts_code(body: Mapping[str, object]) -> str | None:
    """Return the digits after AADSTS, such as `700016`, or None if the body has no code."""
    match = _CODE.search(_description(body))
    return match[1] if match else None


def _description(body: Mapping[str, object]) -> str:
    """Return the sentence of a body, with its tail. It is cut: the server may not be Entra ID."""
    return str(body.get("error_description") or body.get("error") or "")[:_MAX_DESCRIPTION]


def _explain_oauth_error(body: Mapping[str, object]) -> tuple[str | None, str]:
    """Return cause and remedy by OAuth's `error`, for device code responses without a known AADSTS code."""
    match body.get("error"):
        case "authorization_declined" | "access_denied":
            return "the sign-in was declined", "try again, and approve it"
        case "expired_token" | "code_expired":
            return "the code expired before it was entered", "try again"
    return None, "check the account, the tenant and the credential"


def _identifier(body: Mapping[str, object], name: str, description: str) -> str | None:
    value = body.get(name)
    if isinstance(value, str):
        return one_line(value)
    match = _IN_TAIL[name].search(description)
    return match[1] if match else None
