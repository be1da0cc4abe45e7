"""How large a response may be, and how its headers are made safe, before any library reads it.

The other end (a proxy, a captive portal, the host of a mistyped `--cloud`) is not trusted with this machine's memory,
nor with the parsers of the libraries above: they would read a body whole, and decode it by its own headers.
"""

import math
import re
import time
from collections.abc import Iterator, MutableMapping
from email.utils import mktime_tz, parsedate_tz

import requests
import urllib3.exceptions

MAX_BODY_BYTES = 4 * 1024 * 1024
"""The longest body that is known, a list of 1,000 subscriptions, has less than a tenth of this."""

MAX_HEADERS = 100
MAX_HEADER_BYTES = 64 * 1024

_CHUNK_BYTES = 64 * 1024
_MAX_RETRY_AFTER = 1_000_000
_ERROR = 400

_JSON = re.compile(r"application/json|text/json|application/[a-z0-9.+-]+\+json", re.ASCII)
_TEXT = frozenset({"text/html", "text/plain"})
_WAITS = ("retry-after", "retry-after-ms", "x-ms-retry-after-ms")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class UnusableResponse(Exception):  # noqa: N818 - no error yet: the caller decides what comes of it
    """A response that no library may read; its text says why.

    Attributes:
        response: The response, its body unread; None if it did not come as far.
    """

    response: requests.Response | None = None


def read_response(response: requests.Response) -> None:
    """Read the body of a streamed response into it, within the limits, and normalize its headers.

    Where the status already says that the request failed, the status counts, and a body that cannot be used is dropped.

    Raises:
        UnusableResponse: The body is too long, compressed, or not UTF-8, or there are too many headers.
        requests.RequestException: The connection broke, or the time was up, before the body was whole.
    """
    try:
        check_headers(response.headers)
        body = _body(response)
    except BaseException:
        response.close()
        raise
    # What `requests` does itself at the end of its own reading, which has no limit.
    response._content = body  # noqa: SLF001
    response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
    # Else it would guess, which takes minutes on a body made for that.
    response.encoding = "utf-8"
    normalize_headers(response.headers)


def _body(response: requests.Response) -> bytes:
    try:
        return _usable_body(response)
    except UnusableResponse:
        if response.status_code < _ERROR:
            raise
        response.close()
        return b""


def _usable_body(response: requests.Response) -> bytes:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnusableResponse("it is compressed, which was not requested")
    body = bytearray()
    for chunk in _chunks(response):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise UnusableResponse(f"it is longer than {MAX_BODY_BYTES // 1024 // 1024} MB")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise UnusableResponse("it is not UTF-8") from None
    return bytes(body.removeprefix(_BYTE_ORDER_MARK))


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it comes. What goes wrong is raised as `requests` itself would raise it."""
    raw = response.raw
    raw.enforce_content_length = True
    try:
        while chunk := raw.read(_CHUNK_BYTES, decode_content=False):
            yield chunk
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout(error) from error
    except urllib3.exceptions.ProtocolError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error
    except urllib3.exceptions.SSLError as error:
        raise requests.exceptions.SSLError(error) from error


def check_headers(headers: MutableMapping[str, str]) -> None:
    """Raise where there are too many headers.

    Raises:
        UnusableResponse: There are.
    """
    size = sum(len(name) + len(value) for name, value in headers.items())
    if len(headers) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise UnusableResponse("it has too many headers, or too long ones")


def normalize_headers(headers: MutableMapping[str, str]) -> None:
    """Leave only what the libraries above can read: they take a header at its word.

    A wait becomes a number of seconds, or is dropped; a media type that they would parse other than as JSON becomes
    plain text; a character set is dropped, for the body is UTF-8.
    """
    for name in _WAITS:
        if name in headers:
            wait = retry_after_seconds(headers[name]) if name == "retry-after" else _number(headers[name])
            if wait is None:
                del headers[name]
            else:
                headers[name] = f"{wait:g}" if wait < _MAX_RETRY_AFTER else str(_MAX_RETRY_AFTER)
    if "Content-Type" in headers:
        kind = headers["Content-Type"].partition(";")[0].strip().lower()
        headers["Content-Type"] = kind if _JSON.fullmatch(kind) or kind in _TEXT else "text/plain"


def retry_after_seconds(value: str, now: float | None = None) -> float | None:
    """Return the seconds that a `Retry-After` asks for, a number or a date (RFC 9110); None if it is neither.

    Args:
        value: The header's value.
        now: Unix time, to which a date is relative; None stands for the present.
    """
    number = _number(value)
    if number is not None:
        return number
    try:
        date = parsedate_tz(value)
        return None if date is None else max(0.0, mktime_tz(date) - (time.time() if now is None else now))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None
