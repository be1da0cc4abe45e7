"""Text from elsewhere, made safe to show: a name or a message of a service must not steer a terminal. Pure."""

import unicodedata

# Control characters, format characters (bidirectional overrides among them), surrogates, line and paragraph separators.
UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def one_line(text: str, limit: int = 500) -> str:
    """The first line of `text` with everything that a terminal would obey made visible as `?`, at most `limit` long."""
    stripped = text.strip()
    first = stripped.splitlines()[0].rstrip() if stripped else ""
    shown = "".join("?" if unicodedata.category(each) in UNPRINTABLE else each for each in first[: limit + 1])
    # CI systems obey these wherever they stand in a line.
    shown = shown.replace("##vso[", "## vso[").replace("##[", "## [")
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."
