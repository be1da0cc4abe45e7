"""Format a request, and a response, for `--debug`: without secrets and without control characters. Pure."""

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pallink.redact.debug import debug_form, debug_headers, debug_json, debug_text, debug_url
from pallink.redact.secrets import redact_start
from pallink.redact.text import printable
from pallink.words import counted

_MAX_CHARACTERS = 8_000
_MAX_LINES = 200
_MAX_LINE_LENGTH = 500
_MAX_PAGE_BYTES = 50_000

# An element without an end tag extends to the end of the page, so that no part of it is shown. html.parser can be made
# to take minutes.
_INVISIBLE = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*(?:>|\Z|(?=<))")

Headers = Iterable[tuple[str, str]]


def format_request(*, method: str, url: str, headers: Headers, body: bytes, is_sign_in: bool) -> Iterator[str]:
    """Yield the lines for a request.

    Args:
        method: The HTTP method.
        url: The URL.
        headers: The names and values of the headers.
        body: The body; empty if there is none.
        is_sign_in: Whether the request is part of the sign-in. Then only values on an allow-list are shown.
    """
    pairs = list(headers)
    yield _clean(f"> {method} {debug_url(url)}")
    yield from _format_headers(debug_headers(pairs))
    yield from _format_body(body, _content_type(pairs), is_sign_in=is_sign_in)


def format_response(
    *, status: int, milliseconds: int, headers: Headers, body: bytes, is_sign_in: bool
) -> Iterator[str]:
    """Yield the lines for a response.

    Args:
        status: The HTTP status.
        milliseconds: How long the response took.
        headers: The names and values of the headers.
        body: The body; empty if there is none.
        is_sign_in: Whether the response is part of the sign-in. Then only values on an allow-list are shown.
    """
    pairs = list(headers)
    yield f"< {status} after {milliseconds} ms"
    yield from _format_headers(debug_headers(pairs))
    yield from _format_body(body, _content_type(pairs), is_sign_in=is_sign_in)


def _content_type(headers: Headers) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "").lower()


def _format_headers(headers: Headers) -> Iterator[str]:
    for name, value in headers:
        yield _clean(f"  {name}: {value}")


def _format_body(body: bytes, content_type: str, *, is_sign_in: bool) -> Iterator[str]:
    if not body:
        return
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        yield f"  ({len(body)} bytes of binary data)"
        return
    if "x-www-form-urlencoded" in content_type:
        yield from _limit(f"{name}={value}" for name, value in debug_form(text))
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        # Redacted before too: what looks like a tag may be part of a secret, and what looks like text an encoded one.
        yield from _limit(debug_text(_extract_visible_text(redact_start(text, _MAX_PAGE_BYTES))).splitlines())
        return
    shown = debug_json(_truncate(value, _Budget()), is_sign_in=is_sign_in)
    yield from _limit(json.dumps(shown, indent=2, ensure_ascii=False).splitlines())


def _limit(lines: Iterable[str]) -> Iterator[str]:
    """Yield the first lines, indented, and the number of those left out."""
    characters = left_out = 0
    for number, line in enumerate(lines):
        characters += len(line)
        if number >= _MAX_LINES or characters > _MAX_CHARACTERS:
            left_out += 1
        else:
            yield _clean(f"  {line}")
    if left_out:
        yield f"  ({counted(left_out, 'more line')})"


def _clean(line: str) -> str:
    shown = printable(line[: _MAX_LINE_LENGTH + 1])
    return shown if len(shown) <= _MAX_LINE_LENGTH else f"{shown[: _MAX_LINE_LENGTH - 3]}..."


@dataclass
class _Budget:
    """How much of a JSON value is looked at: what is left out could not be shown anyway."""

    values: int = 1_000
    characters: int = 8 * _MAX_CHARACTERS

    def admits(self, name: str = "") -> bool:
        """Count a member, and tell whether there was room for it."""
        self.values -= 1
        self.characters -= len(name)
        return min(self.values, self.characters) >= 0


def _truncate(value: Any, budget: _Budget) -> Any:  # noqa: ANN401 - any JSON
    """Return the value with as many members as the budget admits, and without texts that are too long to be shown."""
    if isinstance(value, dict):
        return {name: _truncate(member, budget) for name, member in value.items() if budget.admits(name)}
    if isinstance(value, list):
        return [_truncate(member, budget) for member in value if budget.admits()]
    if isinstance(value, str) and len(value) > _MAX_CHARACTERS:
        return f"({len(value)} characters)"
    if isinstance(value, str):
        budget.characters -= len(value)
    return value


def _extract_visible_text(text: str) -> str:
    """Return the text that a browser would show for a page: no tags, scripts or hidden fields."""
    if not text.lstrip().startswith("<"):
        return text
    visible = html.unescape(_TAG.sub("\n", _INVISIBLE.sub("\n", text)))
    lines = (" ".join(line.split()) for line in visible.splitlines())
    return "\n".join(line for line in lines if line)
