"""HTTP requests and responses, independent of the transport."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """A request as received.

    Attributes:
        method: The HTTP method, in capitals.
        url: The absolute URL. The URLs in the response have its scheme, host and port.
        headers: The headers, with names in any case.
        body: The body; empty if there is none.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def origin(self) -> str:
        """The scheme, host and port: `https://localhost:8443`."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def path(self) -> str:
        """The path as sent, without the query."""
        return urlsplit(self.url).path

    @property
    def segments(self) -> tuple[str, ...]:
        """The decoded segments of the path. Empty ones are dropped: Azure accepts double and trailing slashes."""
        return tuple(unquote(part) for part in self.path.split("/") if part)

    @property
    def query(self) -> dict[str, str]:
        """The query parameters, with names in lower case: Resource Manager ignores their case."""
        return {name.lower(): value for name, value in parse_qsl(urlsplit(self.url).query, keep_blank_values=True)}

    @property
    def form(self) -> dict[str, str]:
        """The form fields of the body; invalid UTF-8 becomes replacement characters."""
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """Return the value of a header, ignoring the case of its name."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


class Delivery(Enum):
    """How much of a response is sent."""

    WHOLE = auto()
    TRUNCATED = auto()
    """Half of the body; then the connection is closed."""
    CLOSED = auto()
    """Nothing: the connection is closed."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response to send.

    Attributes:
        status: The HTTP status.
        headers: The headers, without `Content-Length`.
        body: The body; empty if there is none.
        delay: Seconds before it is sent.
        delivery: How much of it is sent.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    delivery: Delivery = Delivery.WHOLE

    @property
    def sent_body(self) -> bytes:
        """The part of the body that is sent; `Content-Length` is the length of the whole."""
        return self.body[: len(self.body) // 2] if self.delivery is Delivery.TRUNCATED else self.body

    def with_headers(self, headers: Mapping[str, str]) -> "Response":
        """Return the response with more headers; those that it already has take precedence."""
        return replace(self, headers={**headers, **self.headers})


def split_url(text: str) -> SplitResult:
    """Return the parts of a URL; an invalid one has empty parts."""
    try:
        return urlsplit(text)
    except ValueError:
        return urlsplit("")


def json_response(status: int, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Return a response whose body is a JSON object."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, body)
