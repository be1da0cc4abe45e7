"""The secrets of one session or command, and text without them.

A message from Azure, a proxy or a library may repeat what pallink sent: a client secret, a token, a password. So
secrets are registered before they are sent (`environment`, `secret_fields`), and text is redacted before it is printed,
logged or raised.

They are registered with the `Secrets` that are active in the current context. Threads that pallink starts inherit the
context; nothing else refers to the secrets, so they go when their session does.
"""

import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from pallink.context import activate

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

REDACTED = "[redacted]"
"""Stands in a text in place of a secret."""

MIN_LENGTH = 8
"""Characters. Anything shorter may be an ordinary word, and is not registered."""

# Characters. What is longer is no credential: no server takes headers of that length.
_MAX_LENGTH = 32 * 1024

# What no form escapes: such a secret has one form.
_UNESCAPED = re.compile(r"[\w.~-]*", re.ASCII)

# The characters that requests leaves as they are in a URL that it sends or reports.
_SAFE_IN_URL = "!#$%&'()*+,/:;=?@[]~"
_PERCENT = re.compile(r"%..")

# What is secret by its shape. Each pattern begins with fixed text and consumes what it looks at, so that it is linear
# even in a text made of nothing but beginnings.
#
# A JSON Web Token has a header and claims, which both begin with `{"`. A single such part may be a claims challenge.
_JWT = re.compile(r"eyJ[\w-]*+(\.eyJ[\w-]*+(?:\.[\w-]++)*+)?", re.ASCII)
_USERINFO = re.compile(r"://[^\s/\"<>]+@")
# "Basic" or "basic", and `user:password` in base64.
_BASIC = re.compile(r"asic ([A-Za-z0-9+/]{8,}={0,2})")


class Secrets:
    """What must not be shown. Safe to use from several threads.

    Nothing is forgotten as long as the object lives. Redaction takes time in proportion to the text and to the number
    of secrets.

    Args:
        secrets: The first ones, as for `add`.
    """

    def __init__(self, *secrets: str | None) -> None:
        # It needs no lock: it is only looked up, set, and copied, and each of these is atomic.
        self._forms: dict[str, tuple[str, ...]] = {}
        self.add(*secrets)

    def add(self, *secrets: str | None) -> None:
        """Register secrets. None, and one shorter than `MIN_LENGTH` without the space around it, is ignored."""
        for secret in secrets:
            stripped = secret.strip() if secret else ""
            if len(stripped) >= MIN_LENGTH and stripped not in self._forms:
                self._forms[stripped] = _forms_of(stripped)

    def active(self) -> "AbstractContextManager[Secrets]":
        """Make these the secrets of what is called in the block, and of the threads that are started there."""
        return activate(_active, self)

    def redact(self, text: str) -> str:
        """Return the text with `REDACTED` in place of each secret.

        A secret is recognised as it is, percent-encoded, and as JSON or Python's `repr` escape it. A JSON Web Token,
        the user name and password in a URL, and those of basic authentication are recognised by their shape.
        """
        if len(text) < MIN_LENGTH:
            return text
        spans = []
        for forms in list(self._forms.values()):
            for form in forms:
                start = text.find(form)
                while start >= 0:
                    spans.append((start, start + len(form)))
                    start = text.find(form, start + len(form))
        return _redact_shapes(_redact_spans(text, spans) if spans else text)

    def redact_start(self, text: str, limit: int) -> str:
        """Return the first `limit` characters of the text as `redact` shows it, in a time that only `limit` bounds.

        Of a longer text it may return less, if most of its beginning is secret.
        """
        # What begins in the first part and is no longer than the margin is redacted as a whole; the last margin may end
        # within a secret.
        if len(text) <= limit + 2 * _MAX_LENGTH:
            return self.redact(text)[:limit]
        margin = max((len(form) for forms in list(self._forms.values()) for form in forms), default=0)
        margin = max(margin, _MAX_LENGTH)
        return self.redact(text[: limit + 2 * margin])[:-margin][:limit]

    def redact_all(self, value: Any) -> Any:  # noqa: ANN401 - any value of plain JSON types
        """Return a value of plain JSON types with each text in it redacted; the names of members are left alone."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, dict):
            return {name: self.redact_all(member) for name, member in value.items()}
        if isinstance(value, list | tuple):
            return [self.redact_all(item) for item in value]
        return value


_active: ContextVar[Secrets | None] = ContextVar("pallink_secrets", default=None)


def active_secrets() -> Secrets:
    """Return the active secrets; new ones where none are active."""
    return _active.get() or Secrets()


def register(*secrets: str | None) -> None:
    """Add to the active secrets."""
    active_secrets().add(*secrets)


def redact(text: str) -> str:
    """Return the text without the active secrets; where none are active, without what is secret by its shape."""
    return active_secrets().redact(text)


def redact_start(text: str, limit: int) -> str:
    """Return the first `limit` characters of the text, redacted as by `redact`."""
    return active_secrets().redact_start(text, limit)


def redact_all(value: Any) -> Any:  # noqa: ANN401 - any value of plain JSON types
    """Return a value of plain JSON types, each text in it redacted."""
    return active_secrets().redact_all(value)


def _forms_of(secret: str) -> tuple[str, ...]:
    """Return the secret as a URL, a form, JSON, and a message that quotes it with `repr` spell it."""
    if _UNESCAPED.fullmatch(secret):
        return (secret,)
    import json  # noqa: PLC0415 - few secrets need them
    from urllib.parse import quote, quote_plus  # noqa: PLC0415

    raw = secret.encode("utf-8", "surrogatepass")
    encoded = {quote(raw, safe=""), quote(raw), quote(raw, safe=_SAFE_IN_URL), quote_plus(raw)}
    encoded |= {_PERCENT.sub(lambda match: match[0].lower(), form) for form in encoded}
    in_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    # The second one where the text around it holds quotation marks of the other kind.
    in_repr = {repr(secret)[1:-1], repr(secret)[1:-1].replace("'", r"\'")}
    return tuple({secret} | encoded | in_json | in_repr)


def _redact_spans(text: str, spans: list[tuple[int, int]]) -> str:
    """Return the text with `REDACTED` in place of the spans; those that overlap or touch are one."""
    kept, end = [], -1
    for start, stop in sorted(spans):
        if start > end:
            kept += [text[max(end, 0) : start], REDACTED]
        end = max(end, stop)
    return "".join((*kept, text[end:]))


def _redact_shapes(text: str) -> str:
    if "eyJ" in text:
        text = _JWT.sub(lambda match: REDACTED if match[1] else match[0], text)
    if "://" in text:
        text = _USERINFO.sub(f"://{REDACTED}@", text)
    if "asic " in text:
        text = _BASIC.sub(lambda match: f"asic {REDACTED}" if _is_user_and_password(match[1]) else match[0], text)
    return text


def _is_user_and_password(encoded: str) -> bool:
    """Tell `user:password` in base64 from an ordinary word after "basic"."""
    from base64 import b64decode  # noqa: PLC0415 - few texts need it

    try:
        return b":" in b64decode(encoded, validate=True)
    except ValueError:
        return False
