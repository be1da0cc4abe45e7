"""The environment's proxy and certificates, checked before anything is sent.

requests and OpenSSL take them as they are: a mistyped variable would look like a server that cannot be reached, or like
a sign-in that failed.
"""

import os
import re
import shlex
import ssl
from pathlib import Path

import urllib3.exceptions
from urllib3.util import parse_url

from pallink.errors import UsageError
from pallink.http.errors import chain_of
from pallink.os_errors import os_reason

# In capitals first: on Windows both are one.
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

# As in `http//proxy:3128` and `http:/proxy:3128`.
_MISTYPED_SCHEME = re.compile(r"(https?)(?!://)[:/]+", re.IGNORECASE)

# OpenSSL's reasons for a server that speaks plain HTTP; the last one since OpenSSL 3.2.
NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"})


def check_proxy(url: str) -> None:
    """Make sure that the URL of a proxy is one that can be used.

    Raises:
        UsageError: It is not; the message names the variable and not the value, which may hold a password.
    """
    problem = _problem_of_proxy(url)
    if problem is None:
        return
    variable = _proxy_variable(url)
    remedy = f"set {variable} to http://HOST:PORT; percent-encode a user name and a password before HOST"
    if mistyped := _MISTYPED_SCHEME.match(url):
        problem = f"{mistyped[1]} has no :// after it"
        corrected = f"{mistyped[1]}://{url[mistyped.end() :]}"
        if _problem_of_proxy(corrected) is None and "@" not in corrected:
            remedy = f"set {variable} to {corrected}"
    raise UsageError(f"{variable} is not the URL of an HTTP proxy", cause=problem, remedy=remedy)


def check_proxy_failure(url: str, error: BaseException) -> None:
    """Raise where a proxy failed because its URL says https:// and it speaks plain HTTP. No request was sent.

    Raises:
        UsageError: It did.
    """
    is_plain = any(isinstance(cause, ssl.SSLError) and cause.reason in NOT_TLS for cause in chain_of(error))
    if is_plain and url.lower().startswith("https://"):
        variable = _proxy_variable(url)
        raise UsageError(
            f"{variable} begins with https://, and the proxy speaks plain HTTP",
            cause="https:// is for a proxy that itself speaks TLS; the connection through it is encrypted in any case",
            remedy=f"change {variable} to begin with http://",
        ) from error


def check_bundle(path: str, context: ssl.SSLContext) -> None:
    """Make sure that a file of certificate authorities can be read, and load it.

    Raises:
        UsageError: It cannot.
    """
    variable = _variable_with(path, _BUNDLE_VARIABLES, "the variable of the certificate authorities")
    try:
        if not Path(path).is_dir():
            context.load_verify_locations(path, None, None)
    except ssl.SSLError as error:
        raise _no_pem(variable, path) from error
    except OSError as error:
        raise _unreadable(variable, path, error) from error


def check_openssl_file() -> None:
    """Make sure that the file in SSL_CERT_FILE can be read: OpenSSL ignores one that cannot.

    Raises:
        UsageError: It cannot.
    """
    path = os.environ.get("SSL_CERT_FILE")
    try:
        if path and b"-----BEGIN " not in Path(path).read_bytes():
            raise _no_pem("SSL_CERT_FILE", path)
    except OSError as error:
        raise _unreadable("SSL_CERT_FILE", path or "", error) from error


def _problem_of_proxy(url: str) -> str | None:
    url = url if "://" in url else f"http://{url}"  # As requests reads it.
    scheme = url.partition("://")[0].lower()
    if scheme.startswith("socks"):
        return "SOCKS proxies are not supported"
    if scheme not in ("http", "https"):
        return "it begins with neither http:// nor https://"
    try:
        parts = parse_url(url)
    except urllib3.exceptions.LocationParseError:
        return "its host or its port is invalid"
    if not parts.host:
        return "it has no host"
    if parts.path not in (None, "", "/") or parts.query or parts.fragment:
        return "it has a path or a query after the host and the port"
    return None


def _proxy_variable(url: str) -> str:
    return _variable_with(url, _PROXY_VARIABLES, "the system's proxy setting")


def _variable_with(value: str, names: tuple[str, ...], default: str) -> str:
    return next((name for name in names if os.environ.get(name) == value), default)


def _unreadable(variable: str, path: str, error: OSError) -> UsageError:
    return UsageError(
        f"the file in {variable} cannot be read: {path!r}: {os_reason(error)}",
        cause="it names the certificate authorities to trust",
        remedy=f"correct {variable}, or unset it",
    )


def _no_pem(variable: str, path: str) -> UsageError:
    is_der = Path(path).read_bytes()[:1] == b"\x30"
    return UsageError(
        f"the file in {variable} is not a PEM file with certificates: {path!r}",
        cause="it is DER, the binary form" if is_der else "OpenSSL finds no certificate in it",
        remedy=f"convert it, and name the new file in {variable}" if is_der else f"correct {variable}, or unset it",
        command=shlex.join(["openssl", "x509", "-inform", "der", "-in", path, "-out", f"{path}.pem"])
        if is_der
        else None,
    )
