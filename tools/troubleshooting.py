"""Reads docs/troubleshooting.md, and prints what is missing in it: `python -m tools.troubleshooting`."""

import re
from functools import cache

from tools.program import ROOT, messages

PATH = ROOT / "docs" / "troubleshooting.md"

# What the command line's own library says, and what the sandbox's settings say, arrives in variables.
SAID_BY_VARIABLES = {"…"}


@cache
def entries() -> dict[str, str]:
    """Each entry by its words."""
    parts = re.split(r"^### `(.+)`$", PATH.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def has_entry(message: str) -> bool:
    """Whether an error that was printed is found by its words."""
    return any(_pattern(words).fullmatch(message) for words in entries())


@cache
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(".+".join(re.escape(part) for part in words.split("…")))


def missing() -> list[str]:
    """Stubs of the entries that are missing, to be filled in."""
    wanted = {each.text: each for each in messages() if each.text not in SAID_BY_VARIABLES}
    return [
        f"### `{text}`\n\nExit code {each.exit_code}. TODO ({each.where})\n"
        for text, each in wanted.items()
        if text not in entries()
    ]


if __name__ == "__main__":
    print("\n".join(missing()))
