"""Every command, in every format, wherever it may run: no ANSI where none belongs, and data that parses."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from pallink.output import OutputFormat
from tests.cli.commands import COMMANDS, words_for
from tests.exhaustive import combinations
from tests.harness import Pallink

pytestmark = pytest.mark.usefixtures("serve_ends")

ESCAPE = "\x1b"


@dataclass(frozen=True)
class Place:
    """Where a command runs."""

    tty: bool = False
    encoding: str = "utf-8"
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def has_colour(self) -> bool:
        return self.tty and not {"NO_COLOR", "TERM"} & set(self.environ)


PLACES = {
    "terminal": Place(tty=True),
    "pipe": Place(),
    "NO_COLOR": Place(tty=True, environ={"NO_COLOR": "1"}),
    "GITHUB_ACTIONS": Place(environ={"GITHUB_ACTIONS": "true", "CI": "true"}),
    "TF_BUILD": Place(environ={"TF_BUILD": "True"}),
    "TERM=dumb": Place(tty=True, environ={"TERM": "dumb"}),
    "40 columns": Place(tty=True, environ={"COLUMNS": "40", "NO_COLOR": "1"}),
    "cp1252": Place(encoding="cp1252"),
}


def nothing(text: str) -> None:
    assert text == ""


def json_lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def tab_separated(text: str) -> list[list[str]]:
    rows = [line.split("\t") for line in text.splitlines()]
    # A list of nothing has no row: there has been no run of a fleet.
    assert len({len(row) for row in rows}) == min(len(rows), 1), "rows of different length"
    return rows


PARSERS: dict[OutputFormat, Callable[[str], Any]] = {
    OutputFormat.TABLE: str.splitlines,
    OutputFormat.JSON: json.loads,
    OutputFormat.JSONL: json_lines,
    OutputFormat.YAML: yaml.safe_load,
    OutputFormat.TSV: tab_separated,
    OutputFormat.NONE: nothing,
}


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Place]:
    """Makes this process run in one of the places."""

    def set_up(name: str) -> Place:
        for variable, value in PLACES[name].environ.items():
            monkeypatch.setenv(variable, value)
        if name == "GITHUB_ACTIONS":
            monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
        if name == "TF_BUILD":
            monkeypatch.setenv("AGENT_TEMPDIRECTORY", str(tmp_path))
        return PLACES[name]

    return set_up


def is_default(name: str, output: OutputFormat, place: str) -> bool:
    """Return whether it is a table in 40 columns without colour, or a table or JSON everywhere, of `link`.

    tests/cli/test_formats.py tries every format, and JSON of every command through a pipe.
    """
    if output is OutputFormat.TABLE:
        return name == "link" or place == "40 columns"
    if output is OutputFormat.JSON:
        return name == "link" or (name, place) == ("verify", "pipe")
    return name == "link" and place in {"terminal", "pipe"}


@pytest.mark.usefixtures("linked")
@pytest.mark.parametrize(("name", "output", "place"), combinations(COMMANDS, OutputFormat, PLACES, default=is_default))
def test_every_command_in_every_format_everywhere(
    pallink: Pallink, enter: Callable[[str], Place], *, name: str, output: OutputFormat, place: str
) -> None:
    where = enter(place)
    yes = ["--yes"] if name in ("link", "update") else []
    done = pallink(*words_for(name), *yes, "-o", output, tty=where.tty, encoding=where.encoding)
    assert done.code == 0, done.stderr
    PARSERS[output](done.stdout)
    if output is not OutputFormat.TABLE or not where.has_colour:
        assert ESCAPE not in done.stdout
    if not where.has_colour:
        assert ESCAPE not in done.stderr
    if place == "40 columns" and output is OutputFormat.TABLE and "sandbox" not in name:
        assert max(map(len, done.stdout.splitlines()), default=0) <= 40


@pytest.mark.parametrize(
    ("output", "place"),
    combinations(OutputFormat, PLACES, default=lambda output, place: is_default("verify", output, place)),
)
def test_an_error_in_every_format_everywhere(
    pallink: Pallink, enter: Callable[[str], Place], output: OutputFormat, place: str
) -> None:
    where = enter(place)
    words = "verify 6183402 --cloud sandbox --account newhire@contoso.com -o"
    failed = pallink(*words.split(), output, tty=where.tty, encoding=where.encoding)
    assert failed.code == 3
    PARSERS[output](failed.stdout)
    if not where.has_colour:
        assert ESCAPE not in failed.stdout + failed.stderr
    if output.has_error_objects:
        assert json.loads(failed.stderr.splitlines()[-1])["code"] == "NotLinked"
    elif place == "40 columns":
        # A command to paste stays on one line.
        assert max(len(line) for line in failed.stderr.splitlines() if not line.startswith("    pallink ")) < 40


def run(line: str, **environ: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        ["bash", "-c", line.replace("pallink", f"'{sys.executable}' -m pallink")],  # noqa: S607
        capture_output=True,
        check=False,
        env={**os.environ, **environ},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of bash")
# By default a table, which is written line by line, and of which stderr goes the same way.
@pytest.mark.parametrize(
    ("output", "redirection"),
    combinations(
        OutputFormat,
        ["", "2>&1"],
        default=lambda output, redirection: (output, redirection) == ("table", "2>&1"),
    ),
)
def test_a_reader_that_has_gone_does_not_change_the_verdict(output: str, redirection: str) -> None:
    # `exec <&-` closes the pipe before pallink can have written.
    done = run(f"pallink verify 719878 --cloud sandbox -o {output} {redirection} | exec <&-; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")  # noqa: PTH110
# By default the format of programs, which read the exit code.
@pytest.mark.parametrize("output", combinations(["table", "json"], default=lambda output: output == "json"))
def test_a_full_disk_is_said_and_does_not_change_the_verdict(output: str) -> None:
    done = run(f"pallink whoami --cloud sandbox -o {output} >/dev/full")
    assert done.returncode == 1
    assert b"the result cannot be written to stdout: no space left on device" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    verdict = run(f"pallink verify 719878 --cloud sandbox -o {output} >/dev/full")
    assert verdict.returncode == 3
    assert b"no space left on device" in verdict.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="redirections of bash")
def test_streams_that_are_closed() -> None:
    assert run("pallink whoami --cloud sandbox >&-").returncode == 0
    done = run("pallink verify 719878 --cloud sandbox -o json 2>&-")
    assert done.returncode == 3
    assert json.loads(done.stdout)["matches"] is False


@pytest.mark.skipif(sys.platform == "win32", reason="locales of POSIX")
@pytest.mark.parametrize(
    "encoding", combinations(["ascii", "cp1252", "latin-1"], default=lambda encoding: encoding == "cp1252")
)
def test_an_encoding_without_arrows_gets_plain_words(encoding: str) -> None:
    done = run("pallink link 719878 --cloud sandbox", PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert b"link     none -> 719878 (Mekorma)" in done.stdout
