"""Secrets that this process knows, cut out of all that it says.

A service can put anything into its answer: the token that it was shown, the form with the client secret. So whatever is
presented or received is told to `known` (the variables of the environment by `pallink.signin.secrets_in`, what passes
the transport by `pallink.redact.secret_fields`), and `pallink.redact.text`, the results, the log and a traceback show
nothing before `cut` has seen it.
"""

import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any

CUT = "[cut]"
"""What stands where a secret stood."""

# Shorter, it is no secret worth the name, and the words of a sentence would vanish with it.
_MIN_LENGTH = 8
# From this length on nobody made it up as a word or a sentence: each piece of it is a secret too.
_LONG = 32
_PIECE = 16
_STEP = 8

# A process that runs for days gets a token every hour.
_MAX_SECRETS = 512

# Two parts of a JSON Web Token, whosever it is, and the third where it is there.
_JWT = re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?", re.ASCII)

# The user name and the password in a URL, whosever they are.
_USERINFO = re.compile(r"(?<=://)[^\s/@]+(?=@)")

# What may stand within a secret that was broken into lines, or written with two bytes for each character.
_GAP = re.compile(
    r"(?:\\[fnrtv]|\\u00[01][0-9a-f]|[\s\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff])+"
)


class KnownSecrets:
    """What must not be shown. Safe to use from several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secrets: dict[str, None] = {}
        self._forms: tuple[str, tuple[str, ...]] | None = None

    def add(self, *secrets: str | None) -> None:
        """Know further secrets; the oldest are forgotten when there are hundreds. What is too short is passed over."""
        found = [each.strip() for each in secrets if each and len(each.strip()) >= _MIN_LENGTH]
        with self._lock:
            is_known = all(each in self._secrets for each in found)
            for each in found:
                # The one that was met last is forgotten last.
                self._secrets.pop(each, None)
                self._secrets[each] = None
            while len(self._secrets) > _MAX_SECRETS:
                del self._secrets[next(iter(self._secrets))]
            if not is_known:
                self._forms = None

    def clear(self) -> None:
        """Know none."""
        with self._lock:
            self._secrets.clear()
            self._forms = None

    def cut(self, text: str) -> str:
        """The text without the secrets: as they are, percent-encoded, in base64, escaped, or broken into lines.

        Of a long one each piece of some twenty characters is cut out as well: answers, and messages, are truncated.
        """
        if len(text) < _MIN_LENGTH:
            return text
        text = _USERINFO.sub(CUT, _JWT.sub(CUT, text))
        if not self._secrets:
            return text
        squeezed, places = _squeezed(text)
        spans = sorted(self._spans(squeezed))
        if not spans:
            return text
        kept, end = [], 0
        for start, stop in spans:
            first, last = places(start), places(stop - 1) + 1
            if first >= end:
                kept += [text[end:first], CUT]
            end = max(end, last)
        return "".join((*kept, text[end:]))

    def cut_all(self, value: Any) -> Any:  # noqa: ANN401 - any value of plain JSON types
        """A value of plain JSON types, each text in it cut."""
        if isinstance(value, str):
            return self.cut(value)
        if isinstance(value, dict):
            return {name: self.cut_all(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.cut_all(each) for each in value]
        return value

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        haystack, short = self._all_forms()
        for form in short:
            at = text.find(form)
            while at >= 0:
                yield at, at + len(form)
                at = text.find(form, at + 1)
        start = 0
        while haystack and start + _PIECE <= len(text):
            found = haystack.find(text[start : start + _PIECE])
            if found < 0:
                start += _STEP
                continue
            span = _extended(text, start, haystack, found)
            yield span
            start = span[1]

    def _all_forms(self) -> tuple[str, tuple[str, ...]]:
        """The forms of long secrets, one a line, and those of short ones. Made when something is shown, and kept."""
        with self._lock:
            if self._forms is None:
                forms = {_squeezed(form)[0]: None for each in self._secrets for form in _forms_of(each)}
                long = "\n".join(each for each in forms if len(each) >= _LONG)
                self._forms = long, tuple(each for each in forms if _MIN_LENGTH <= len(each) < _LONG)
            return self._forms


known = KnownSecrets()
"""Those of this process."""


def cut(text: str) -> str:
    """The text without the secrets of this process."""
    return known.cut(text)


def _extended(text: str, start: int, haystack: str, found: int) -> tuple[int, int]:
    """How far the two agree to both sides of a piece that they have in common."""
    stop, other = start + _PIECE, found + _PIECE
    while stop < len(text) and other < len(haystack) and text[stop] == haystack[other]:
        stop, other = stop + 1, other + 1
    while start > 0 and found > 0 and text[start - 1] == haystack[found - 1]:
        start, found = start - 1, found - 1
    return start, stop


def _squeezed(text: str) -> tuple[str, Callable[[int], int]]:
    """The text without its gaps, and a function from places in it to places in the text."""
    kept, starts, lengths, end = [], [], [0], 0
    for match in _GAP.finditer(text):
        kept.append(text[end : match.start()])
        starts.append(match.start() - lengths[-1])
        lengths.append(lengths[-1] + len(match[0]))
        end = match.end()
    kept.append(text[end:])
    return "".join(kept), lambda place: place + lengths[bisect_right(starts, place)]


def _forms_of(secret: str) -> Iterator[str]:
    """The secret as it may be written: those that escape its characters, and base64 wherever in a text it begins."""
    from base64 import b64encode, urlsafe_b64encode  # noqa: PLC0415 - only where there is a secret
    from html import escape  # noqa: PLC0415
    from json import dumps  # noqa: PLC0415
    from urllib.parse import quote, quote_plus  # noqa: PLC0415

    yield secret
    percent = quote(secret, safe="")
    yield percent
    yield re.sub("%..", lambda match: match[0].lower(), percent)
    yield quote(secret)
    yield quote_plus(secret)
    yield from (dumps(secret)[1:-1], dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1], escape(secret))
    raw = secret.encode("utf-8", "surrogatepass")
    for before in range(3):
        padded = bytes(before) + raw
        # Characters that share bits with what stands before or after depend on that, and are not the secret's alone.
        first, last = -(-before * 8 // 6), len(padded) * 8 // 6
        yield b64encode(padded).decode()[first:last]
        yield urlsafe_b64encode(padded).decode()[first:last]
