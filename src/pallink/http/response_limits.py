"""What an answer may be before anything reads it: so long, so deep, in UTF-8, with headers that can be relied on.

Whoever answers (a proxy, a captive portal, somebody's `--cloud`) is not trusted with this machine's memory, nor with
the parsers of the libraries above: they would read a body whole, unpack it whole, and decode it by its own headers.
"""

import math
import re
import time
import zlib
from collections.abc import Iterable, Iterator, MutableMapping
from email.utils import mktime_tz, parsedate_tz

import requests
import urllib3.exceptions

from pallink.redact.text import one_line

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Of one body, packed and unpacked. The longest that is known, a list of 1,000 subscriptions, has less than a tenth."""

MAX_HEADERS = 100
MAX_HEADER_BYTES = 64 * 1024
MAX_JSON_DEPTH = 64
"""How far JSON may be nested. Resource Manager's answers go to 8; Python's own limit ends the program that meets it."""

_CHUNK_BYTES = 64 * 1024
_MAX_MEMBERS = 1_000
_MEMBER = b"\x1f"  # How each begins.
_DAMAGED = "its compressed body is damaged"
_MAX_RETRY_AFTER = 1_000_000
_ERROR = 400

_JSON = re.compile(r"application/json|text/json|application/[a-z0-9.+-]+\+json", re.ASCII)
_TEXT = frozenset({"text/html", "text/plain"})
# A string of JSON, closed or not, or a bracket outside of one.
_BRACKETS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_OPENING, _CLOSING = frozenset(b"[{"), frozenset(b"]}")
_WAITS = ("retry-after", "retry-after-ms", "x-ms-retry-after-ms")
# zlib's own code for "gzip or zlib, see for yourself".
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class UnusableResponse(Exception):  # noqa: N818 - no error yet: who asked decides what comes of it
    """An answer that nothing above may read; its text says why.

    Attributes:
        response: the answer, its body unread; None where it did not come as far.
    """

    response: requests.Response | None = None


def read_body(response: requests.Response) -> None:
    """Read the body of a streamed answer into it, within the limits, and make its headers fit to be relied on.

    Where the status already says that the request failed, that counts, and a body that cannot be used is dropped.

    Raises:
        UnusableAnswer: it is too long, damaged or nested too deep, or is not UTF-8, or its headers are too many.
        requests.RequestException: the connection broke before the body was whole.
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


def _body(response: requests.Response) -> bytes:
    try:
        return checked(b"".join(unpacked(_chunks(response), response.headers.get("Content-Encoding", ""))))
    except UnusableResponse:
        if response.status_code < _ERROR:
            raise
        # What else would come is not worth the wait.
        response.close()
        return b""


def check_headers(headers: MutableMapping[str, str]) -> None:
    """Whether they are few enough.

    Raises:
        UnusableAnswer: they are not.
    """
    size = sum(len(name) + len(value) for name, value in headers.items())
    if len(headers) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise UnusableResponse("it has too many headers, or too long ones")


def normalize_headers(headers: MutableMapping[str, str]) -> None:
    """Leave only what the libraries above can read: they take a header at its word.

    A wait becomes a number of seconds, or goes; a media type that they would parse other than as JSON becomes plain
    text; a character set goes, for the body is UTF-8.
    """
    for name in _WAITS:
        if name in headers:
            wait = seconds_of(headers[name]) if name == "retry-after" else _number(headers[name])
            if wait is None:
                del headers[name]
            else:
                headers[name] = f"{wait:g}" if wait < _MAX_RETRY_AFTER else str(_MAX_RETRY_AFTER)
    if "Content-Type" in headers:
        kind = headers["Content-Type"].partition(";")[0].strip().lower()
        headers["Content-Type"] = kind if _JSON.fullmatch(kind) or kind in _TEXT else "text/plain"


def seconds_of(wait: str, now: float | None = None) -> float | None:
    """Seconds that a `Retry-After` asks to wait, which is a number or a date (RFC 9110); None where it is neither.

    Args:
        wait: the header's value.
        now: Unix time, to which a date is relative; None stands for the present.
    """
    number = _number(wait)
    if number is not None:
        return number
    try:
        date = parsedate_tz(wait)
        return None if date is None else max(0.0, mktime_tz(date) - (time.time() if now is None else now))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def checked(body: bytes) -> bytes:
    """The body without its byte order mark, if it is UTF-8 and not nested too deep.

    Raises:
        UnusableAnswer: it is not.
    """
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise UnusableResponse("it is not UTF-8") from None
    body = body.removeprefix(b"\xef\xbb\xbf")
    if depth(body) > MAX_JSON_DEPTH:
        raise UnusableResponse(f"it is nested more than {MAX_JSON_DEPTH} deep")
    return body


def depth(body: bytes) -> int:
    """How deep JSON is nested. Of what has too few brackets to be deep, only how many it has."""
    opening = body.count(b"[") + body.count(b"{")
    if opening <= MAX_JSON_DEPTH:
        return opening
    deepest = level = 0
    for match in _BRACKETS.finditer(body):
        mark = body[match.start()]
        if mark in _OPENING:
            level += 1
            deepest = max(deepest, level)
        elif mark in _CLOSING:
            level -= 1
    return deepest


def unpacked(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The body as it was before it was packed, in pieces; never more than is wanted is unpacked.

    Args:
        chunks: as they came.
        encoding: the `Content-Encoding`; pallink asks for gzip, and takes deflate.

    Raises:
        UnusableAnswer: it is longer than `MAX_BODY_BYTES`, damaged, or packed otherwise.
    """
    name = encoding.strip().lower()
    if name not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise UnusableResponse(f"it is packed in a way that was not asked for ({one_line(name, 40)})")
    unpacker = None if name in ("", "identity") else _Unpacker(in_members=name != "deflate")
    left, came = MAX_BODY_BYTES, 0
    for chunk in chunks:
        came += len(chunk)
        rest = chunk
        while rest and left >= 0 and came <= MAX_BODY_BYTES:
            piece, rest = (rest, b"") if unpacker is None else unpacker.unpack(rest, left + 1)
            left -= len(piece)
            yield piece
        if left < 0 or came > MAX_BODY_BYTES:
            raise UnusableResponse(f"it is longer than {MAX_BODY_BYTES // 1024 // 1024} MB")
    if unpacker is not None and came and not unpacker.is_complete:
        raise UnusableResponse(_DAMAGED)


class _Unpacker:
    """Unpacks gzip, which may have several members (RFC 1952, 2.2), and deflate; what follows them is ignored."""

    def __init__(self, *, in_members: bool) -> None:
        self._packer = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._members_left = _MAX_MEMBERS if in_members else 0

    @property
    def is_complete(self) -> bool:
        return self._packer.eof

    def unpack(self, packed: bytes, most: int) -> tuple[bytes, bytes]:
        """At most so many bytes, and what is still packed."""
        if self._packer.eof:
            if not (self._members_left and packed.startswith(_MEMBER)):
                self._members_left = 0
                return b"", b""
            self._members_left -= 1
            if not self._members_left:
                raise UnusableResponse(_DAMAGED)
            self._packer = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            piece = self._packer.decompress(packed, most)
        except zlib.error:
            raise UnusableResponse(_DAMAGED) from None
        return piece, self._packer.unused_data if self._packer.eof else self._packer.unconsumed_tail


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """The body as it comes, not unpacked. What goes wrong is raised as `requests` itself would raise it."""
    raw = response.raw
    raw.enforce_content_length = True
    try:
        # Not by its `stream`, which goes on for ever where what is said to be packed is not.
        while piece := raw.read(_CHUNK_BYTES, decode_content=False):
            yield piece
    except urllib3.exceptions.ProtocolError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.ConnectionError(error) from error
    except urllib3.exceptions.SSLError as error:
        raise requests.exceptions.SSLError(error) from error
