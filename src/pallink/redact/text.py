"""Text from elsewhere that is safe to print: it holds no secret, and controls neither a terminal nor a CI system."""

import re
import unicodedata

from pallink.redact.secrets import redact_start

# Control characters, format characters (bidirectional overrides among them), surrogates, line and paragraph separators.
UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}

_START_OF_LINE = re.compile(r"^([^\S\n]*)::", re.MULTILINE)


def one_line(text: str, limit: int = 500) -> str:
    """Return the first line of the text, redacted, printable, and at most `limit` characters long.

    The text may be megabytes long: only its beginning is looked at.
    """
    lines = redact_start(text.strip(), limit + 1).splitlines()
    shown = printable(lines[0].rstrip() if len(lines) > 1 else lines[0]) if lines else ""
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def one_clause(text: str, limit: int = 500) -> str:
    """Return the first line as `one_line` does, without a full stop at its end: the text becomes part of a message."""
    shown = one_line(text, limit)
    return shown if shown.endswith("..") else shown.removesuffix(".")


def printable(text: str) -> str:
    """Return the text on one line, with `?` for each character that controls a terminal, and without CI commands."""
    if not text.isprintable():  # Nearly every text is, and each character of the others is looked up.
        text = "".join("?" if unicodedata.category(character) in UNPRINTABLE else character for character in text)
    return without_commands(text)


def without_commands(text: str) -> str:
    """Return the text with the workflow commands of Azure Pipelines (`##vso[`) and GitHub Actions (`::`) disarmed."""
    text = text.replace("##vso[", "## vso[").replace("##[", "## [")
    return _START_OF_LINE.sub(r"\1: :", text)
