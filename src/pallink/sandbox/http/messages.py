"""The sandbox's side of HTTP: one request in, one response out, whichever door they pass."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrives.

    Attributes:
        method: In capitals.
        url: Absolute. Its scheme, host and port are the origin that every URL in the answer is made from.
        headers: Names in any case.
        body: As sent; empty where there is none.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def origin(self) -> str:
        """Scheme, host and port: `https://localhost:8443`."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def path(self) -> str:
        """The path as sent, without the query."""
        return urlsplit(self.url).path

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's parts, decoded. Empty ones are dropped: Azure minds neither a double nor a trailing slash."""
        return tuple(unquote(part) for part in self.path.split("/") if part)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, names in lower case, as Resource Manager compares them."""
        return {name.lower(): value for name, value in parse_qsl(urlsplit(self.url).query, keep_blank_values=True)}

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form in the body; bytes that are no text become replacement characters."""
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """Returns the value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


class Delivery(Enum):
    """How much of a response arrives."""

    WHOLE = auto()
    TRUNCATED = auto()
    """The half of its body; then the connection is closed."""
    CLOSED = auto()
    """Nothing: the connection is closed."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response to send.

    Attributes:
        status: The HTTP status.
        headers: Everything but `Content-Length`, which is the body's.
        body: Bytes; empty where there is none.
        delay: Seconds until it is sent.
        delivery: How much of it is sent.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    delivery: Delivery = Delivery.WHOLE

    @property
    def sent_body(self) -> bytes:
        """What is sent of the body; `Content-Length` names the length of all of it."""
        return self.body[: len(self.body) // 2] if self.delivery is Delivery.TRUNCATED else self.body

    def with_headers(self, headers: Mapping[str, str]) -> "Response":
        """Returns the same response with more headers; those that it already has prevail."""
        return replace(self, headers={**headers, **self.headers})


def split_url(text: str) -> SplitResult:
    """Returns the parts of what somebody sent as a URL; of what is none at all, the parts of an empty one."""
    try:
        return urlsplit(text)
    except ValueError:
        return urlsplit("")


def json_response(status: int, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Returns a response whose body is a JSON object."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, body)
