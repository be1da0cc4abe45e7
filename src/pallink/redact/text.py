"""Text from elsewhere, made safe to show: it must not steer a terminal, and not hold a secret of this process."""

import re
import unicodedata

from pallink.redact.secrets import cut

# Control characters, format characters (bidirectional overrides among them), surrogates, line and paragraph separators.
UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}

_LOOKED_AT = 20_000
_HALF_A_SECRET = 2_000

_AT_THE_BEGINNING = re.compile(r"^(\s*)::", re.MULTILINE)


def one_line(text: str, limit: int = 500) -> str:
    """The first line of `text`, at most `limit` long.

    Secrets are cut out, and everything that a terminal would obey is made visible as `?`.
    """
    # Before the text is shortened: half a secret is one too. Of megabytes only so much is looked at, and what stands at
    # the end of that, where a secret may have lost its other half, is not shown.
    stripped = text.strip()
    looked_at = stripped[:_LOOKED_AT]
    stripped = cut(looked_at) if len(looked_at) == len(stripped) else cut(looked_at)[:-_HALF_A_SECRET]
    stripped = stripped.strip()
    first = stripped.splitlines()[0].rstrip() if stripped else ""
    shown = printable(first[: limit + 1])
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def printable(text: str) -> str:
    """`text` with everything that a terminal, or the log of a CI system, would obey made harmless; line breaks too."""
    return without_commands("".join("?" if unicodedata.category(each) in UNPRINTABLE else each for each in text))


def without_commands(text: str) -> str:
    """`text` without what CI systems take for a command: Azure's anywhere in a line, GitHub's at its beginning."""
    text = text.replace("##vso[", "## vso[").replace("##[", "## [")
    return _AT_THE_BEGINNING.sub(r"\1: :", text)
