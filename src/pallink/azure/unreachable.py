"""Why a request had no response: DNS, a closed port, TLS, the proxy, or a time-out.

The types in the chain of causes decide, and OpenSSL's own code for what went wrong. The texts of requests and urllib3,
which show a connection pool, are never repeated.
"""

import re
import socket
import ssl
from collections.abc import Iterable
from typing import TypeVar

import requests
import urllib3.exceptions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from pallink.errors import UnreachableError
from pallink.http.environment import NOT_TLS
from pallink.http.errors import chain_of, trace_of
from pallink.redact.text import one_line

E = TypeVar("E", bound=BaseException)
Explanation = tuple[str, str]
"""Cause and remedy."""

_NO_RESPONSE_ERRORS = (ServiceRequestError, ServiceResponseError, IncompleteReadError, requests.RequestException)
_TLS_ERRORS = (ssl.SSLError, urllib3.exceptions.SSLError, requests.exceptions.SSLError)
# The connection broke, as a plain one does.
_TLS_ENDS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)

# The whole text of http.client's error for a proxy that refuses to open a tunnel: it has no attribute for the status.
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")

_BROKEN = "the connection broke before the response was complete", "try again; check the network and the proxy"

# OpenSSL's reasons, as parts of their names, in the order in which they are tried.
_TLS_REASONS = (
    (
        "|".join((*NOT_TLS, "PACKET_LENGTH_TOO_LONG")),
        "what it sent is not TLS, as from a server for plain HTTP",
        "check the port in --cloud, and the proxy",
    ),
    (
        r"PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|INAPPROPRIATE_FALLBACK",
        "it supports no TLS version that this machine allows",
        "have TLS 1.2 or newer switched on at the server or the proxy",
    ),
    (
        r"CERTIFICATE_REQUIRED|ALERT_BAD_CERTIFICATE",
        "it requires a client certificate, which pallink never sends",
        "check --cloud, and whether a proxy in between requires it",
    ),
    (
        r"HANDSHAKE_FAILURE|NO_SHARED_CIPHER|INSUFFICIENT_SECURITY",
        "it refused TLS: no common cipher, or a client certificate is required",
        "check --cloud and the proxy",
    ),
    (r"UNRECOGNIZED_NAME", "it does not know this host name", "check --cloud"),
    (
        r"BAD_RECORD_MAC|DECRYPT|BAD_LENGTH|UNEXPECTED_MESSAGE",
        "the TLS connection was damaged on the way",
        "try again; check the network, the proxy and a virus scanner that inspects TLS",
    ),
)


def explain_no_response(error: BaseException, host: str) -> UnreachableError | None:
    """Return the error for a request without a response, or None if it had one."""
    chain = list(chain_of(error))
    if not any(isinstance(cause, _NO_RESPONSE_ERRORS) for cause in chain):
        return None
    has_response = isinstance(error, HttpResponseError) and error.response is not None
    if has_response and not isinstance(error, ClientAuthenticationError | IncompleteReadError):
        return None
    if _first(chain, urllib3.exceptions.ProxyError, requests.exceptions.ProxyError):
        cause, remedy = _explain_proxy(chain)
    else:
        cause, remedy = _explain_connection(chain) or _BROKEN
    # If only the body is missing, the headers are there.
    response = next((cause.response for cause in chain if isinstance(cause, requests.RequestException)), None)
    trace = None if response is None else trace_of(response)
    return UnreachableError(f"{host} cannot be reached", cause=cause, remedy=remedy, trace=trace)


def _first(chain: Iterable[BaseException], *kinds: type[E]) -> E | None:
    return next((cause for cause in chain if isinstance(cause, kinds)), None)


def _explain_connection(chain: list[BaseException]) -> Explanation | None:
    if _first(chain, *_TLS_ERRORS):
        return _explain_tls(chain)
    if _first(chain, socket.gaierror, urllib3.exceptions.NameResolutionError):
        return "its name cannot be resolved", "check the network, DNS and --cloud"
    if _first(chain, ConnectionRefusedError):
        return "it refuses the connection", "check --cloud, the proxy and the firewall"
    if _first(chain, requests.Timeout, TimeoutError, urllib3.exceptions.TimeoutError):
        return "it timed out", "try again, or raise --timeout"
    return None


def _explain_proxy(chain: list[BaseException]) -> Explanation:
    status = next(
        (match[1] for cause in chain if isinstance(cause, OSError) and (match := _TUNNEL.match(str(cause)))), None
    )
    match status:
        case None:
            known = _explain_connection(chain)
            cause = f"the proxy does not respond: {known[0]}" if known else "the proxy does not respond"
            return cause, "check HTTPS_PROXY and NO_PROXY"
        case "407":
            return (
                "the proxy requires a user name and a password (status 407)",
                "add them before the host in HTTPS_PROXY, percent-encoded: USER:PASSWORD@HOST",
            )
        case "403":
            return (
                "the proxy does not allow connections to it (status 403)",
                "have the proxy's administrator allow this host, or name it in NO_PROXY if it needs no proxy",
            )
        case _:
            return f"the proxy could not connect to it (status {status})", "check the network, the proxy and --cloud"


def _explain_certificate(error: ssl.SSLCertVerificationError) -> Explanation:
    """Return cause and remedy by OpenSSL's verification code (X509_V_ERR_...)."""
    message = one_line(getattr(error, "verify_message", None) or error.strerror or "verification failed", 160)
    match getattr(error, "verify_code", None):
        case 9 | 10 as code:
            state = "is not valid yet" if code == 9 else "has expired"  # noqa: PLR2004
            return (
                f"its certificate {state}, or this machine's clock is wrong ({message})",
                "check this machine's date and time first",
            )
        case 62:
            return (
                f"its certificate is for another host ({message})",
                "check --cloud, and whether the network asks for a sign-in first",
            )
        case _:
            return (
                f"its certificate is not trusted ({message})",
                "if a proxy inspects TLS, set REQUESTS_CA_BUNDLE to the file with its certificate authority",
            )


def _explain_tls(chain: list[BaseException]) -> Explanation:
    """Return cause and remedy by OpenSSL's reason, such as `WRONG_VERSION_NUMBER`."""
    if certificate := _first(chain, ssl.SSLCertVerificationError):
        return _explain_certificate(certificate)
    if _first(chain, *_TLS_ENDS):
        return _BROKEN
    tls = _first(chain, ssl.SSLError)
    name = (tls and tls.reason) or ""
    words = f" ({one_line(name.lower().replace('_', ' '), 80)})" if name else ""
    for pattern, cause, remedy in _TLS_REASONS:
        if re.search(pattern, name):
            return f"{cause}{words}", remedy
    return f"the TLS connection failed{words}", "check --cloud, the network and the proxy"
