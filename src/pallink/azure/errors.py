"""Whatever azure-core, azure-identity, the SDK or requests raise -> an error of pallink.

The types alone do not tell: azure-identity reports a refused connection, a bad certificate, a time-out, a 503 and a
wrong secret all as ClientAuthenticationError without a status. So the chain of causes and the answer that was seen at
the transport decide, never a message's text.
"""

import base64
import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
import urllib3.exceptions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    DeserializationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from pallink.errors import (
    SIGN_IN_AGAIN,
    AccessDeniedError,
    MoreProofNeededError,
    PallinkError,
    PartnerIdRefusedError,
    RequestTrace,
    ServiceError,
    SignInError,
    UnexpectedAnswerError,
    UnreachableError,
)
from pallink.redact.text import one_line

# Statuses that say "not now": a timed-out request, throttling, and gateways that did not reach the service.
NOT_NOW = frozenset({408, 429, 502, 503, 504})
_NOT_FOUND = 404
_REFUSED = {401: SignInError, 403: AccessDeniedError}

_CLAIMS = re.compile(r'\bclaims="([A-Za-z0-9_+/=-]+)"')

_NOT_OFFERED = frozenset({"InvalidResourceNamespace", "InvalidResourceType", "NoRegisteredProviderFound"})

# What the SDK runs into where an answer is no object, or holds numbers where there should be names: it checks nothing.
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
_FAILED = 400
_NO_ANSWER = (ServiceRequestError, ServiceResponseError, IncompleteReadError, requests.RequestException)


@contextmanager
def asking(doing: str, host: str) -> Iterator[dict[str, Any]]:
    """Turn whatever the SDK raises in this block into an error of pallink.

    Args:
        doing: what is being done, as in "reading the link".
        host: the Resource Manager's origin, for the message.

    Yields:
        Options for the call of the SDK, so that an error can name the answer that it comes from.

    Raises:
        PallinkError: instead of what was raised.
    """
    answers: list[Any] = []
    try:
        # Only the last one: a listing may have any number of pages.
        yield {"raw_response_hook": lambda answer: answers.__setitem__(slice(None), [answer.http_response])}
    except (PallinkError, AzureError, *UNREADABLE) as error:
        found = explain(error, doing=doing, host=host)
        # An answer that was right has nothing to do with a connection that broke after it.
        if found.trace is None and answers and (_is_of_an_answer(found) or answers[-1].status_code >= _FAILED):
            found.trace = trace_of(answers[-1])
        if found is error:
            raise
        raise found from error


def _is_of_an_answer(error: PallinkError) -> bool:
    return isinstance(error, UnexpectedAnswerError)


def explain(error: Exception, *, doing: str, host: str) -> PallinkError:
    """The error for a failed request to Resource Manager.

    Args:
        error: what the SDK raised.
        doing: what was being done, as in "reading the link".
        host: the Resource Manager's origin, for the message.
    """
    known = own_error(error) or no_answer(error, host)
    if known is not None:
        return known
    response = getattr(error, "response", None)
    if response is None or isinstance(error, DecodeError | DeserializationError):
        return UnexpectedAnswerError(
            f"{doing} failed: the answer cannot be understood",
            cause=f"{one_line(type(error).__name__)}: a proxy may have answered instead of {host}",
            remedy="try again; if it stays so, run the command with --debug and look at the answer",
            trace=trace_of(response) if response is not None else None,
        )
    return _from_answer(response, doing, host, trace_of(response))


def code_of(error: BaseException) -> str | None:
    """The service's error code (`ManagementPartnerNotFound`, ...), or None where the answer has none."""
    response = getattr(error, "response", None)
    return _code_and_message(response)[0] if response is not None else None


def body_of(response: Any) -> Mapping[str, Any]:
    """The JSON object that an answer carries; empty where it carries none."""
    try:
        body = json.loads(response.text())
    except (ValueError, RecursionError, AzureError, requests.RequestException):
        return {}
    return body if isinstance(body, dict) else {}


def trace_of(response: Any) -> RequestTrace:
    """The identifiers of an answer, for Microsoft's support."""
    headers = response.headers

    def header(*names: str) -> str | None:
        return next((one_line(value, 100) for name in names if (value := headers.get(name))), None)

    return RequestTrace(
        correlation_id=header("x-ms-correlation-request-id", "client-request-id"),
        request_id=header("x-ms-request-id", "request-id"),
        time=header("Date"),
    )


def retry_after_of(response: Any) -> float | None:
    """Seconds that an answer asks to wait (`Retry-After` in seconds), or None."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None


def claims_challenge(response: Any) -> str | None:
    """What a refused request demands of the sign-in, as JSON; None where the answer is no claims challenge.

    The header is `WWW-Authenticate: Bearer ..., error="insufficient_claims", claims="..."`, base64url (Microsoft's
    description of continuous access evaluation and claims challenges).
    """
    match = _CLAIMS.search(response.headers.get("WWW-Authenticate") or "")
    if match is None:
        return None
    try:
        return base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)).decode("utf-8")
    except ValueError:
        return None


def _from_answer(response: Any, doing: str, host: str, trace: RequestTrace) -> PallinkError:
    status = response.status_code
    code, message = _code_and_message(response)
    said = f"{code}: {message}" if code else f"HTTP status {status}"
    if code == "PartnerIdInvalid":
        return PartnerIdRefusedError(
            f"{doing} failed: Azure refuses the partner ID ({said})",
            cause="it must be the location ID of the partner; the global (headquarters) ID is refused as invalid",
            remedy="take the location ID in Partner Center under Account settings, Identifiers",
            trace=trace,
        )
    if status in NOT_NOW:
        return not_now(response, host, trace)
    if status == _NOT_FOUND and code in _NOT_OFFERED:
        return ServiceError(
            f"{doing} failed: {host} does not offer Partner Admin Link ({said})",
            cause="the provider Microsoft.ManagementPartner is not known there; that is not the same as not linked",
            remedy="use the cloud in which the customer's tenant is",
            trace=trace,
        )
    if claims := claims_challenge(response):
        return MoreProofNeededError.for_request(doing, said, claims, trace)
    if status in _REFUSED:
        refused = _REFUSED[status]
        return refused(
            f"{doing} failed: Azure refuses the account ({said})",
            cause=None if code else f"it answered {status} and gave no reason",
            remedy=SIGN_IN_AGAIN
            if refused is SignInError
            else "check what the account is allowed to do in this tenant",
            trace=trace,
        )
    return ServiceError(
        f"{doing} failed: {said}",
        cause=f"{host} answered with status {status}",
        remedy="try again; if it stays so, give Microsoft's support the identifiers below",
        trace=trace,
    )


def not_now(response: Any, host: str, trace: RequestTrace) -> UnreachableError:
    """The error for an answer whose status is one of `NOT_NOW`, or 500 and above."""
    wait = retry_after_of(response)
    throttled = response.status_code == 429  # noqa: PLR2004
    return UnreachableError(
        f"{host} {'throttles this account' if throttled else 'is not available'}: status {response.status_code}",
        cause="it asks for fewer requests" if throttled else "the service, or a gateway before it, is not ready",
        remedy=f"try again in {wait:.0f} seconds" if wait else "try again later",
        trace=trace,
    )


def _code_and_message(response: Any) -> tuple[str | None, str]:
    body = body_of(response)
    error = body.get("error")
    inner = error if isinstance(error, dict) else body
    code, message = inner.get("code"), inner.get("message")
    return (one_line(code, 100) if isinstance(code, str) and code else None), one_line(
        str(message or "no reason given")
    )


def own_error(error: BaseException) -> PallinkError | None:
    """An error of pallink's own, raised by the transport below."""
    for each in chain_of(error):
        if isinstance(each, PallinkError):
            return each
    return None


def no_answer(error: BaseException, host: str) -> UnreachableError | None:
    """The error for a request that got no answer; None where it got one.

    Told apart are TLS interception, a certificate out of its time, the proxy, DNS, a closed port, a time-out.
    """
    chain = list(chain_of(error))
    if not any(isinstance(each, _NO_ANSWER) for each in chain):
        return None
    is_answered = isinstance(error, HttpResponseError) and error.response is not None
    if is_answered and not isinstance(error, ClientAuthenticationError | IncompleteReadError):
        return None

    def caused_by(*kinds: type[BaseException]) -> BaseException | None:
        return next((each for each in chain if isinstance(each, kinds)), None)

    tls = caused_by(ssl.SSLCertVerificationError) or caused_by(
        ssl.SSLError, urllib3.exceptions.SSLError, requests.exceptions.SSLError
    )
    if tls:
        cause, remedy = _tls_failure(tls)
    elif caused_by(urllib3.exceptions.ProxyError, requests.exceptions.ProxyError):
        cause, remedy = "the proxy does not answer", "check HTTPS_PROXY and NO_PROXY"
    elif caused_by(socket.gaierror, urllib3.exceptions.NameResolutionError):
        cause, remedy = "its name cannot be resolved", "check the network, DNS and the --cloud that you use"
    elif caused_by(ConnectionRefusedError):
        cause, remedy = "it refuses the connection", "check the --cloud that you use, the proxy and the firewall"
    elif caused_by(requests.Timeout, TimeoutError, urllib3.exceptions.TimeoutError):
        cause, remedy = "it did not answer in time", "try again, or give it more time with --timeout SECONDS"
    else:
        cause, remedy = "the connection broke before the answer was there", "try again; check the network and the proxy"
    # Where only the body did not arrive, the headers are known.
    headed = next((each.response for each in chain if isinstance(each, requests.RequestException)), None)
    trace = None if headed is None else trace_of(headed)
    return UnreachableError(f"{host} cannot be reached", cause=cause, remedy=remedy, trace=trace)


def _tls_failure(error: BaseException) -> tuple[str, str]:
    """Cause and remedy, by OpenSSL's number for what is wrong with the certificate (X509_V_ERR_...)."""
    said = one_line(str(error), 160)
    match getattr(error, "verify_code", None):
        case 9 | 10 as code:
            state = "is not valid yet" if code == 9 else "has expired"  # noqa: PLR2004
            return (
                f"its certificate {state}, or this machine's clock is wrong ({said})",
                "check this machine's date and time first",
            )
        case 62:
            return (
                f"its certificate is for another host ({said})",
                "check the --cloud that you use, and whether the network asks for a sign-in of its own first",
            )
        case _:
            return (
                f"its certificate is not trusted ({said})",
                "if a proxy inspects TLS here, set REQUESTS_CA_BUNDLE to the file with its certificate authority",
            )


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and all that it was raised from, those in its arguments included: requests nests urllib3's there."""
    seen: set[int] = set()
    pending = [error]
    while pending:
        current = pending.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = (getattr(current, "inner_exception", None), getattr(current, "reason", None))
        pending += [current.__cause__, current.__context__, *inner, *current.args]
