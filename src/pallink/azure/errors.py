"""Turns exceptions of azure-core, azure-identity, the SDK and requests into errors of pallink.

The exception's type is not enough: azure-identity reports a refused connection, a bad certificate, a time-out, a 503
and a wrong secret alike as ClientAuthenticationError without a status. The chain of causes and the response that the
transport saw decide, never a message's text.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.core.exceptions import (
    AzureError,
    DecodeError,
    DeserializationError,
)

from pallink.azure.unreachable import explain_no_response
from pallink.errors import (
    SIGN_IN_AGAIN,
    AccessDeniedError,
    NewSignIn,
    PallinkError,
    PartnerIdRefusedError,
    RequestTrace,
    ServiceError,
    SignInError,
    UnexpectedAnswerError,
    UnreachableError,
)
from pallink.http.errors import chain_of, trace_of
from pallink.redact.text import one_clause, one_line
from pallink.signin.claims import more_proof_needed
from pallink.words import counted

# A timed-out request, throttling, and gateways that did not reach the service.
UNAVAILABLE_STATUSES = frozenset({408, 429, 502, 503, 504})
_UNAUTHORIZED, _FORBIDDEN, _CONFLICT = 401, 403, 409
_MIN_SERVER_ERROR = 500
# Of the sentence with which the partner API refuses a principal without an account in the tenant; its code is unknown.
_CSP_PARTNER = "if you are a csp partner"

_CLAIMS = re.compile(r'\bclaims="([A-Za-z0-9_+/=-]+)"')

_UNKNOWN_PROVIDER_CODES = frozenset({"InvalidResourceNamespace", "InvalidResourceType", "NoRegisteredProviderFound"})

# What the SDK raises for a body of another shape than it expects: it validates nothing.
PARSING_ERRORS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
_MIN_ERROR_STATUS = 400


@contextmanager
def explain_errors(doing: str, host: str) -> Iterator[dict[str, Any]]:
    """Turn what the SDK raises in this block into an error of pallink.

    Args:
        doing: The operation, as in "reading the link".
        host: The Resource Manager's origin, for the message.

    Yields:
        Keyword arguments for the SDK's call. They let an error name the response that it comes from.

    Raises:
        PallinkError: In place of the SDK's exception.
    """
    responses: list[Any] = []

    def keep_last(response: Any) -> None:
        # Only the last one: a list may have any number of pages.
        responses[:] = [response.http_response]

    try:
        yield {"raw_response_hook": keep_last}
    except (PallinkError, AzureError, *PARSING_ERRORS) as error:
        explained = explain_error(error, doing=doing, host=host)
        # A good response has nothing to do with a connection that broke after it.
        if (
            explained.trace is None
            and responses
            and (isinstance(explained, UnexpectedAnswerError) or responses[-1].status_code >= _MIN_ERROR_STATUS)
        ):
            explained = explained.replace(trace=trace_of(responses[-1]))
        raise explained from (explained.__cause__ if isinstance(error, PallinkError) else error)


def explain_error(error: Exception, *, doing: str, host: str) -> PallinkError:
    """Return the error for a failed request to Resource Manager.

    Args:
        error: What the SDK raised.
        doing: The operation, as in "reading the link".
        host: The Resource Manager's origin, for the message.
    """
    known = find_pallink_error(error) or explain_no_response(error, host)
    if known is not None:
        return known
    response = getattr(error, "response", None)
    if response is None or isinstance(error, DecodeError | DeserializationError):
        return UnexpectedAnswerError(
            f"{doing} failed: invalid response",
            cause=f"{one_line(type(error).__name__)}: a proxy may have responded instead of {host}",
            remedy="try again; if it persists, run again with --debug to see the response",
            trace=trace_of(response) if response is not None else None,
        )
    return _explain_status(response, doing, host, trace_of(response))


def code_of(error: BaseException) -> str | None:
    """Return the service's error code, such as `ManagementPartnerNotFound`, or None if the response has none."""
    response = getattr(error, "response", None)
    return _code_and_message(response)[0] if response is not None else None


def body_of(response: Any) -> Mapping[str, Any]:
    """Return the JSON object of a response, empty if it has none."""
    try:
        body = json.loads(response.text())
    except (ValueError, RecursionError, AzureError, requests.RequestException):
        return {}
    return body if isinstance(body, dict) else {}


def retry_after_of(response: Any) -> float | None:
    """Return the seconds in a response's `Retry-After`, or None if it has none or a date."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None


def claims_challenge(response: Any) -> str | None:
    """Return the claims (JSON) that a response asks the sign-in for, or None if it is not a claims challenge.

    They are in the header `WWW-Authenticate: Bearer ..., error="insufficient_claims", claims="..."`, as base64url
    (Microsoft's documentation of claims challenges and continuous access evaluation).
    """
    match = _CLAIMS.search(response.headers.get("WWW-Authenticate") or "")
    if match is None:
        return None
    try:
        return base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)).decode("utf-8")
    except ValueError:
        return None


def _explain_status(response: Any, doing: str, host: str, trace: RequestTrace) -> PallinkError:
    status = response.status_code
    code, message = _code_and_message(response)
    reported = f"{code}: {message}" if code else f"HTTP status {status}"
    known = _explain_partner_id(response, code, message, trace) or _explain_by_code(code, message, doing, host, trace)
    if known is not None:
        return known
    if status in UNAVAILABLE_STATUSES:
        return explain_unavailable(response, host, trace)
    if claims := claims_challenge(response):
        return more_proof_needed(doing, reported, claims, trace)
    no_reason = None if code else f"{host} returned status {status} without a reason"
    if status == _UNAUTHORIZED:
        return SignInError(
            f"{doing} failed: Azure refuses the account ({reported})",
            cause=no_reason,
            remedy=SIGN_IN_AGAIN,
            trace=trace,
            new_sign_in=NewSignIn.SAME,
        )
    if status == _FORBIDDEN:
        return AccessDeniedError(
            f"{doing} failed: Azure refuses the account ({reported})",
            cause=no_reason,
            remedy="check what the account is allowed to do in this tenant",
            trace=trace,
        )
    if status >= _MIN_SERVER_ERROR or status == _CONFLICT:
        remedy = "try again; if it persists, give Microsoft support the identifiers below"
    elif code:
        remedy = "do not retry; if the reason is unclear, give Microsoft support the identifiers below"
    else:
        remedy = "check --cloud and the proxy, and run again with --debug to see the response"
    return ServiceError(
        f"{doing} failed: {reported}", cause=f"{host} returned status {status}", remedy=remedy, trace=trace
    )


def _explain_partner_id(
    response: Any, code: str | None, message: str, trace: RequestTrace
) -> PartnerIdRefusedError | None:
    if code != "PartnerIdInvalid":
        return None
    partner_id = one_line(urlsplit(response.request.url).path.rpartition("/")[2])
    return PartnerIdRefusedError(
        f"partner {partner_id} was rejected by the service: {message.rstrip('.')}",
        cause="no partner location has this ID",
        remedy="use the location ID from Partner Center, not the global (HQ) ID",
        trace=trace,
    )


def _explain_by_code(code: str | None, message: str, doing: str, host: str, trace: RequestTrace) -> PallinkError | None:
    """Return the error for what the service itself refuses for good, where its reason is known."""
    reported = f"{code}: {message}"
    if code and _CSP_PARTNER in message.casefold():
        return AccessDeniedError(
            f"{doing} failed: Azure refuses the account ({reported})",
            cause="it has no account of its own in this tenant, as a CSP partner that acts for the customer",
            remedy="have the customer invite you as a guest, or use an application in the customer's tenant",
            trace=trace,
        )
    if code in _UNKNOWN_PROVIDER_CODES:
        return ServiceError(
            f"{doing} failed: {host} does not offer Partner Admin Link ({reported})",
            cause="the provider Microsoft.ManagementPartner is unknown there, which is not the same as not linked",
            remedy="use the cloud of the customer's tenant with --cloud",
            trace=trace,
        )
    return None


def explain_unavailable(response: Any, host: str, trace: RequestTrace) -> UnreachableError:
    """Return the error for a status of `UNAVAILABLE_STATUSES`, or of 500 and above."""
    wait = retry_after_of(response)
    is_throttled = response.status_code == 429  # noqa: PLR2004
    return UnreachableError(
        f"{host} {'throttles this account' if is_throttled else 'is not available'}: status {response.status_code}",
        cause="too many requests" if is_throttled else "the service, or a gateway before it, is not ready",
        remedy=f"try again in {counted(wait, 'second', '.0f')}" if wait else "try again later",
        trace=trace,
    )


def _code_and_message(response: Any) -> tuple[str | None, str]:
    body = body_of(response)
    error = body.get("error")
    inner = error if isinstance(error, dict) else body
    code, message = inner.get("code"), inner.get("message")
    return (one_line(code, 100) if isinstance(code, str) and code else None), one_clause(
        str(message or "no reason given")
    )


def find_pallink_error(error: BaseException) -> PallinkError | None:
    """Return the error of pallink in a chain, raised by the transport below the SDK, or None."""
    return next((cause for cause in chain_of(error) if isinstance(cause, PallinkError)), None)
