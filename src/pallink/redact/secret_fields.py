"""Which parts of a request and of an answer are secrets: what pallink presents, and what it is given.

Names of OAuth's fields: RFC 6749, RFC 7521, RFC 8628; of App Service's header, and of the answers of CI systems: their
own documentation.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "secret",
        "x-identity-header",
        "x-ms-tokenboundauth",
    }
)
"""Headers, in lower case, whose values are secrets."""

REQUEST_FIELDS = frozenset(
    {
        "client_secret",
        "client_assertion",
        "assertion",
        "password",
        "code",
        "code_verifier",
        "device_code",
        "refresh_token",
    }
)
"""Fields of a sign-in's form, or of a URL's query, whose values are secrets."""

RESPONSE_FIELDS = frozenset({"access_token", "refresh_token", "id_token", "device_code", "oidcToken", "value"})
"""Fields of the JSON object of an answer to a sign-in's request whose values are secrets."""


def secrets_of_request(request: Any) -> Iterator[str]:
    """What a request presents: in its headers, in its query, in its form."""
    for name, value in request.headers.items():
        if name.lower() in HEADERS:
            scheme, _, token = str(value).partition(" ")
            yield token or scheme
    yield from _in_form(urlsplit(request.url).query)
    data = getattr(request, "content", None) or getattr(request, "data", None)
    if isinstance(data, Mapping):
        yield from (str(data[name]) for name in REQUEST_FIELDS & data.keys())
    elif isinstance(data, str | bytes):
        yield from _in_form(data.decode("utf-8", "replace") if isinstance(data, bytes) else data)


def secrets_of_response(headers: Mapping[str, str], text: str) -> Iterator[str]:
    """What an answer to a sign-in's request gives: in its JSON object, in the URL that it redirects to."""
    yield from _in_form(urlsplit(headers.get("Location", "")).query)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(body, dict):
        yield from (body[name] for name in RESPONSE_FIELDS & body.keys() if isinstance(body[name], str))


def _in_form(text: str) -> Iterator[str]:
    try:
        yield from (value for name, value in parse_qsl(text) if name in REQUEST_FIELDS)
    except ValueError:  # more fields than Python takes
        return
