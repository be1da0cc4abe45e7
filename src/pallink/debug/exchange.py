"""A request, and an answer, as lines to read: without secrets, and with nothing that a terminal would obey. Pure."""

import json
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser

from pallink.debug.redaction import Redactor
from pallink.plain_text import printable

_MOST_LETTERS = 8_000
_MOST_LINES = 200
_LONGEST_LINE = 500

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


def answer_lines(
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
    shown = json.dumps(redactor.json(value, is_sign_in=is_sign_in), indent=2, ensure_ascii=False)
    yield from _limited(shown.splitlines())


def _limited(lines: Iterable[str]) -> Iterator[str]:
    """The first lines, and how many were left out. What is left out had its secrets cut before."""
    letters = left_out = 0
    for number, line in enumerate(lines):
        letters += len(line)
        if number >= _MOST_LINES or letters > _MOST_LETTERS:
            left_out += 1
        else:
            yield _clean(f"  {line}")
    if left_out:
        yield f"  ({left_out} more lines)"


def _clean(line: str) -> str:
    shown = printable(line)
    return shown if len(shown) <= _LONGEST_LINE else f"{shown[: _LONGEST_LINE - 3]}..."


def _visible(text: str) -> str:
    """What a person would see of a page: no tags, no scripts, no values of hidden fields."""
    if not text.lstrip().startswith("<"):
        return text
    page = _Page()
    page.feed(text)
    page.close()
    return "\n".join(line for each in page.seen if (line := " ".join(each.split())))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.seen.append(data)
