"""Generate the README's picture from a real run: `python -m tools.pictures`."""

import io
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from html import unescape
from unittest import mock

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from pallink.cli.app import main
from tools.program import ROOT

PATH = ROOT / "docs" / "pictures" / "first-run.svg"

SHOWN = (
    "pallink link 719878 --cloud sandbox --yes",
    "pallink verify 719878 --cloud sandbox",
    "pallink link 6183402 --cloud sandbox --yes",
)
_WIDTH = 100


class _Terminal(io.StringIO):
    """A stream in memory that reports to be a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Return True."""
        return True


def transcript(lines: Sequence[str] = SHOWN) -> str:
    """Return what a terminal shows for these lines, run in turn in a new sandbox, ANSI codes included."""
    screen = _Terminal()
    with _fresh(screen):
        for line in lines:
            screen.write(f"\x1b[1m$ {line}\x1b[0m\n")
            main(line.split()[1:])
    return screen.getvalue()


def picture(text: str) -> str:
    """Return the transcript as SVG, without external fonts."""
    console = Console(width=_WIDTH, file=io.StringIO(), record=True, force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(text))
    svg = console.export_svg(title="pallink", theme=MONOKAI, unique_id="pallink")
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def words_in(svg: str) -> list[str]:
    """Return the words that a picture shows, in order, since the drawing itself depends on the version of rich."""
    return unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", svg, flags=re.DOTALL))).split()


@contextmanager
def _fresh(screen: _Terminal) -> Iterator[None]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PALLINK_", "CI"))}
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "TF_BUILD"):
        kept.pop(name, None)
    with tempfile.TemporaryDirectory() as home:
        kept |= {"PALLINK_SANDBOX_HOME": home, "TERM": "xterm-256color", "COLUMNS": str(_WIDTH)}
        with mock.patch.dict(os.environ, kept, clear=True), redirect_stdout(screen), redirect_stderr(screen):
            yield


if __name__ == "__main__":
    PATH.write_text(picture(transcript()), "utf-8")
