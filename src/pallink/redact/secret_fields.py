"""The secrets in a request, and in the response to a sign-in request or of a key vault.

Sources of the names: RFC 6749, RFC 7521 and RFC 8628 for OAuth's fields; for App Service's header, and for the
responses of CI systems, their own documentation.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

HEADERS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "secret", "x-identity-header", "x-ms-tokenboundauth"}
)
"""Request headers, in lower case, whose values are secrets."""

REQUEST_FIELDS = frozenset(
    {
        "assertion",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "device_code",
        "password",
        "refresh_token",
    }
)
"""Fields of a form or a query whose values are secrets."""

RESPONSE_FIELDS = frozenset({"access_token", "device_code", "id_token", "oidcToken", "refresh_token", "value"})
"""Members of the JSON object in the response to a sign-in request, or of a key vault, whose values are secrets."""


def secrets_of_request(request: Any) -> Iterator[str]:
    """Yield the secrets in a request's headers, query and form.

    Args:
        request: A request of azure-core, of either generation.
    """
    for name, value in request.headers.items():
        if name.lower() in HEADERS:
            scheme, _, credentials = str(value).partition(" ")
            yield credentials or scheme
    yield from _secrets_in_form(_query(request.url))
    data = getattr(request, "content", None) or getattr(request, "data", None)
    if isinstance(data, Mapping):
        yield from (str(data[name]) for name in REQUEST_FIELDS & data.keys())
    elif isinstance(data, str | bytes):
        yield from _secrets_in_form(data.decode("utf-8", "replace") if isinstance(data, bytes) else data)


def secrets_of_response(headers: Mapping[str, str], text: str) -> Iterator[str]:
    """Yield the secrets in the response to a sign-in request: in its JSON object, and in the URL it redirects to.

    A key vault's response holds the secret in its JSON object, too.
    """
    yield from _secrets_in_form(_query(headers.get("Location", "")))
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(body, dict):
        yield from (body[name] for name in RESPONSE_FIELDS & body.keys() if isinstance(body[name], str))


def _query(url: str) -> str:
    # urlsplit refuses some URLs.
    return url.partition("?")[2].partition("#")[0]


def _secrets_in_form(text: str) -> Iterator[str]:
    try:
        yield from (value for name, value in parse_qsl(text) if name in REQUEST_FIELDS)
    except ValueError:  # more fields than urllib parses
        return
