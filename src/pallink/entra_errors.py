"""What Entra ID's sign-in errors mean, in plain words, and what to do about them. Pure.

The codes are documented at learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pallink.errors import RequestTrace, SignInError
from pallink.plain_text import one_line

_CODE = re.compile(r"AADSTS(\d+)")
# What Entra ID appends to its sentences; pallink shows these on a line of their own.
_TAIL = re.compile(r"\s*(Trace ID|Correlation ID|Timestamp):.*", re.DOTALL)


class Explanation(NamedTuple):
    """Why a sign-in failed and what to do next."""

    cause: str
    remedy: str


EXPLANATIONS: Mapping[str, Explanation] = {
    "50034": Explanation(
        "the tenant knows no such account", "check the spelling of the account, and that --tenant is its tenant"
    ),
    "50020": Explanation(
        "the account belongs to another tenant and is no guest of this one",
        "sign in to the account's own tenant with --tenant, or have an administrator invite it",
    ),
    "700016": Explanation(
        "the tenant knows no application with this client ID",
        "check AZURE_CLIENT_ID and AZURE_TENANT_ID; the application may not be installed in this tenant",
    ),
    "7000215": Explanation(
        "the client secret is wrong",
        "set AZURE_CLIENT_SECRET to the secret's value, which the portal shows once; the secret's ID is something else",
    ),
    "7000222": Explanation(
        "the client secret has expired", "create a new secret for the application and set AZURE_CLIENT_SECRET to it"
    ),
    "90002": Explanation("there is no such tenant", "check AZURE_TENANT_ID or --tenant"),
}


def sign_in_failed(answer: Mapping[str, object], *, trace: RequestTrace | None = None) -> SignInError:
    """The error for what Entra ID answered to a token request.

    Args:
        answer: the JSON body: `error`, `error_description`, `trace_id`, `correlation_id`, `timestamp`.
        trace: identifiers from elsewhere, where the body has none.
    """
    description = str(answer.get("error_description") or answer.get("error") or "")
    text = one_line(_TAIL.sub("", description))
    match = _CODE.search(description)
    explanation = EXPLANATIONS.get(match[1]) if match else None
    own_trace = RequestTrace(*(_text(answer, name) for name in ("correlation_id", "trace_id", "timestamp")))
    return SignInError(
        f"the sign-in failed: {text or 'Entra ID gave no reason'}",
        cause=explanation.cause if explanation else None,
        remedy=explanation.remedy if explanation else "check the account, the tenant and what you sign in with",
        trace=own_trace if str(own_trace) else trace,
    )


def _text(answer: Mapping[str, object], name: str) -> str | None:
    value = answer.get(name)
    return one_line(value) if isinstance(value, str) else None
