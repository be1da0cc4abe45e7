"""The help: two examples of each command, where the documentation is, and lines that fit the terminal."""

import shlex
from typing import Any

import pytest
from typer.main import get_command

from pallink.cli.app import app
from pallink.cli.examples import EXAMPLES
from pallink.cli.help import DOCUMENTATION
from tests.cli.commands import COMMANDS
from tests.exhaustive import combinations
from tests.harness import Pallink
from tools.program import ROOT

GROUPS = ("", "role", "fleet", "sandbox", "sandbox fault")


def test_every_command_and_group_has_two_examples() -> None:
    assert set(EXAMPLES) == {*COMMANDS, *GROUPS}
    assert all(len(set(examples)) == 2 for examples in EXAMPLES.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_help_shows_the_examples_and_where_the_documentation_is(pallink: Pallink, name: str) -> None:
    shown = pallink(*name.split(), "--help").stdout
    assert shown.endswith(
        "\nExamples:\n" + "".join(f"  {example}\n" for example in EXAMPLES[name]) + "\n"
        f"Documentation: {DOCUMENTATION} in pallink's repository\n"
    )
    assert (ROOT / DOCUMENTATION).is_file()


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_command_lines_that_exist(name: str) -> None:
    for example in EXAMPLES[name]:
        program, *words = shlex.split(example)
        assert program == "pallink"
        command: Any = get_command(app)
        path = ""
        while hasattr(command, "commands"):
            path = f"{path} {words[0]}".strip()
            context = command.make_context("pallink", [words[0]], resilient_parsing=True)
            _, command, words = command.resolve_command(context, words)
        assert path == name or name in GROUPS
        with command.make_context(path, words):
            pass  # It would raise an error for an option or a value that there is not.


# By default the narrowest terminal, and the usual one for the command with the most options.
@pytest.mark.parametrize(
    ("name", "columns"),
    combinations(
        EXAMPLES, [40, 60, 80], default=lambda name, columns: columns == 40 or (name, columns) == ("link", 80)
    ),
)
def test_the_help_wraps_between_words(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, name: str, columns: int
) -> None:
    piped = pallink(*name.split(), "--help").stdout
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    shown = pallink(*name.split(), "--help", tty=True).stdout
    lines = [line for line in shown.splitlines() if not line.startswith("  pallink ")]
    assert max(map(len, lines)) < columns
    assert shown.split() == piped.split()
    for example in EXAMPLES[name]:
        assert f"\n  {example}\n" in shown


def test_a_narrow_help_has_descriptions_below_the_options(pallink: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    shown = pallink("whoami --help", tty=True).stdout
    assert "\n  --tenant ID|DOMAIN\n      The tenant to sign in to. [env\n      var: PALLINK_TENANT]\n" in shown


def test_the_help_is_as_wide_as_before_on_a_wide_terminal(pallink: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert max(map(len, pallink("link --help", tty=True).stdout.splitlines())) <= 120
    monkeypatch.setenv("NO_COLOR", "1")
    assert pallink("link --help", tty=True).stdout == pallink("link --help").stdout


@pytest.mark.parametrize("command", ["--help", "link --help", "sandbox --help", "sandbox", ""])
def test_the_help_is_coloured_on_a_terminal_only(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    words = command.split()
    plain = pallink(*words).stdout
    shown = pallink(*words, tty=True).stdout
    assert "\x1b[1mOptions:\x1b[0m" in shown
    assert "\x1b" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert pallink(*words).stdout == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in pallink(*words, tty=True).stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_arguments_are_in_capitals_and_defaults_without_a_fraction(pallink: Pallink, name: str) -> None:
    shown = pallink(*name.split(), "--help").stdout
    usage, _, _ = shown.partition("\n\n")
    arguments = usage.removeprefix(f"Usage: pallink {name}".rstrip())
    assert arguments == arguments.upper()
    assert ".0]" not in shown
