"""The oracle of the hunt: which bytes must be nowhere, in whatever form, and where they are found.

A plain search for bytes. It knows nothing of what pallink redacts.
"""

import html
import json
import secrets
import string
import urllib.parse
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field

# What is hunted of a long secret: each piece of 20 bytes that begins at a multiple of 5 in it, looked for at each
# multiple of 4 of a place. As 4 and 5 have no divisor in common, no run of 40 bytes slips through.
_PIECE = 20
_STEP_OF_SECRETS = 5
_STEP_OF_PLACES = 4
_LONG = 80


def canary(kind: str) -> str:
    """A secret of which there is no other: with characters that forms, JSON, XML and shells write in another way."""
    # With no hyphen, as in the name of an option, and no digit: what only looks like a credential is redacted in the
    # output of --debug, which must not be what saves a registered secret.
    letters = "".join(secrets.choice(string.ascii_letters) for _ in range(32))
    return f"{kind.replace('-', '_')}~{letters}+/'&%<é"


def forms_of(secret: str) -> dict[str, bytes]:
    """How a secret may be written."""
    raw = secret.encode()
    forms = {
        "raw": raw,
        "latin-1": secret.encode("latin-1", "replace"),
        "UTF-16": secret.encode("utf-16-le"),
        "percent": urllib.parse.quote(secret, safe="").encode(),
        "form": urllib.parse.quote_plus(secret).encode(),
        "JSON": json.dumps(secret)[1:-1].encode(),
        "repr": repr(secret)[1:-1].encode(),
        "bytes": repr(raw)[2:-1].encode(),
        "XML": html.escape(secret).encode(),
        "XML, ASCII": secret.encode("ascii", "xmlcharrefreplace"),
        "hexadecimal": raw.hex().encode(),
        "backwards": secret[::-1].encode(),
    }
    for offset in range(3):
        padded = bytes(offset) + raw
        first, last = -(-offset * 8 // 6), len(padded) * 8 // 6
        forms[f"base64 from {offset}"] = b64encode(padded)[first:last]
        forms[f"base64url from {offset}"] = urlsafe_b64encode(padded)[first:last]
    return forms


def parts_of(secret: str) -> Iterator[str]:
    """The secret; of a JSON Web Token its claims and its signature. Its header is the same for everybody."""
    if secret.startswith("eyJ") and secret.count(".") == 2:
        yield from secret.split(".")[1:]
    else:
        yield secret


@dataclass
class Hunt:
    """What is hunted for, and how far the hunt is.

    Attributes:
        kinds: each secret with its kind, as `access token`.
        places: how many streams and files were looked at.
        finds: what was found where, one line each.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    places: int = 0
    finds: list[str] = field(default_factory=list)
    _pieces: dict[bytes, set[tuple[str, str]]] = field(default_factory=dict)
    _whole: dict[bytes, set[tuple[str, str]]] = field(default_factory=dict)
    _forms: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, kind: str, secret: str) -> None:
        """Hunt for this too."""
        if secret in self.kinds:
            return
        self.kinds[secret] = kind
        for part in parts_of(secret):
            for form, data in forms_of(part).items():
                self._forms.append((kind, data))
                if len(data) < _PIECE + _STEP_OF_PLACES:
                    self._whole.setdefault(data, set()).add((kind, form))
                step = _STEP_OF_SECRETS if len(data) >= _LONG else 1
                for start in range(0, len(data) - _PIECE + 1, step):
                    self._pieces.setdefault(data[start : start + _PIECE], set()).add((kind, form))

    def in_bytes(self, data: bytes, allowed: frozenset[str] = frozenset()) -> set[tuple[str, str]]:
        """Kind and form of what is in there, broken into lines or not; of what is long a piece is enough.

        A piece that secrets of several kinds have in common (the claims of two tokens are alike) is no find where one
        of them is allowed.
        """
        found = set()
        without_breaks = data.replace(b"\\n", b"").translate(None, b" \t\r\n\0")
        for haystack in (data,) if without_breaks == data else (data, without_breaks):
            hits = [(whole, what) for whole, what in self._whole.items() if whole in haystack]
            hits += [
                (piece, self._pieces[piece])
                for start in range(0, len(haystack) - _PIECE + 1, _STEP_OF_PLACES)
                if (piece := haystack[start : start + _PIECE]) in self._pieces
            ]
            found |= {min(what) for piece, what in hits if not self._is_part_of(piece, allowed)}
        return found

    def _is_part_of(self, piece: bytes, kinds: frozenset[str]) -> bool:
        return bool(kinds) and any(kind in kinds and piece in data for kind, data in self._forms)

    def look(self, place: str, data: str | bytes, *, allowed: frozenset[str] = frozenset()) -> None:
        """Look at one place.

        Args:
            place: what it is called in a find.
            data: what is there.
            allowed: the kinds that belong there.
        """
        self.places += 1
        raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        self.finds += [f"{kind} ({form}) in {place}" for kind, form in sorted(self.in_bytes(raw, allowed))]
