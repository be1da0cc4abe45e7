"""Print stubs for the entries that docs/reference/troubleshooting.md lacks: `python -m tools.troubleshooting`."""

import re
from functools import cache

from tools.program import ROOT, messages

PATH = ROOT / "docs" / "reference" / "troubleshooting.md"

# Messages that the source passes as a variable: those of Typer and of the sandbox's settings.
SAID_BY_VARIABLES = {"…"}


@cache
def entries() -> dict[str, str]:
    """Return the text of every entry by its message."""
    parts = re.split(r"^### `(.+)`$", PATH.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def has_entry(message: str) -> bool:
    """Return whether there is an entry for an error message as it was printed."""
    return any(_pattern(heading).fullmatch(message) for heading in entries())


@cache
def _pattern(heading: str) -> re.Pattern[str]:
    return re.compile(".+".join(re.escape(part) for part in heading.split("…")))


def missing() -> list[str]:
    """Return a stub for every missing entry."""
    wanted = {message.text: message for message in messages() if message.text not in SAID_BY_VARIABLES}
    return [
        f"### `{text}`\n\nExit code {message.exit_code}. TODO ({message.where})\n"
        for text, message in wanted.items()
        if text not in entries()
    ]


if __name__ == "__main__":
    print("\n".join(missing()))
