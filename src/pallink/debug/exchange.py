"""A request, and an answer, as lines to read: without secrets, and with nothing that a terminal would obey. Pure."""

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pallink.redact.debug import Redactor
from pallink.redact.text import printable

_MAX_LETTERS = 8_000
_MAX_LINES = 200
_MAX_LINE = 500
_MAX_VALUES = 1_000
_MAX_PAGE_BYTES = 50_000

# Whatever is not closed goes to the end: no part of it may be seen. html.parser takes minutes on pages made for that.
_UNSEEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*(?:>|\Z|(?=<))")

Headers = Iterable[tuple[str, str]]


def request_lines(
    redactor: Redactor, *, method: str, url: str, headers: Headers, body: bytes, is_sign_in: bool
) -> Iterator[str]:
    """The lines of a request.

    Args:
        redactor: cuts the secrets out.
        method: as in GET.
        url: as it is sent.
        headers: as they are sent.
        body: as it is sent; empty where there is none.
        is_sign_in: whether it belongs to the sign-in: then only what is known to be harmless is shown.
    """
    pairs = list(headers)
    # First, for what it holds may stand in the address too.
    shown = list(redactor.headers(pairs))
    yield _clean(f"> {method} {redactor.url(url)}")
    yield from _header_lines(shown)
    yield from _body_lines(redactor, body, _kind(pairs), is_sign_in=is_sign_in)


def response_lines(
    redactor: Redactor, *, status: int, milliseconds: int, headers: Headers, body: bytes, is_sign_in: bool
) -> Iterator[str]:
    """The lines of an answer; arguments as for a request."""
    pairs = list(headers)
    shown = list(redactor.headers(pairs))
    yield f"< {status} after {milliseconds} ms"
    yield from _header_lines(shown)
    yield from _body_lines(redactor, body, _kind(pairs), is_sign_in=is_sign_in)


def _kind(headers: Headers) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "").lower()


def _header_lines(headers: Headers) -> Iterator[str]:
    for name, value in headers:
        yield _clean(f"  {name}: {value}")


def _body_lines(redactor: Redactor, body: bytes, kind: str, *, is_sign_in: bool) -> Iterator[str]:
    if not body:
        return
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        yield f"  ({len(body)} bytes that are no text)"
        return
    if "x-www-form-urlencoded" in kind:
        yield from _limited(f"{name}={value}" for name, value in redactor.form(text))
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        yield from _limited(redactor.text(_visible(text)).splitlines())
        return
    shown = redactor.json(_beginning(value, [_MAX_VALUES]), is_sign_in=is_sign_in)
    yield from _limited(json.dumps(shown, indent=2, ensure_ascii=False).splitlines())


def _limited(lines: Iterable[str]) -> Iterator[str]:
    """The first lines, and how many were left out. What is left out had its secrets cut before."""
    letters = left_out = 0
    for number, line in enumerate(lines):
        letters += len(line)
        if number >= _MAX_LINES or letters > _MAX_LETTERS:
            left_out += 1
        else:
            yield _clean(f"  {line}")
    if left_out:
        yield f"  ({left_out} more lines)"


def _clean(line: str) -> str:
    shown = printable(line)
    return shown if len(shown) <= _MAX_LINE else f"{shown[: _MAX_LINE - 3]}..."


def _beginning(value: Any, left: list[int]) -> Any:  # noqa: ANN401 - any JSON
    """The first values of a large one: more is not shown, and so needs no looking through."""
    if isinstance(value, dict):
        return {name: _beginning(each, left) for name, each in value.items() if _is_left(left)}
    if isinstance(value, list):
        return [_beginning(each, left) for each in value if _is_left(left)]
    return value


def _is_left(left: list[int]) -> bool:
    left[0] -= 1
    return left[0] >= 0


def _visible(text: str) -> str:
    """What a person would see of a page: no tags, no scripts, no values of hidden fields."""
    if not text.lstrip().startswith("<"):
        return text
    seen = html.unescape(_TAG.sub("\n", _UNSEEN.sub("\n", text[:_MAX_PAGE_BYTES])))
    return "\n".join(line for each in seen.splitlines() if (line := " ".join(each.split())))
