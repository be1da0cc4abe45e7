"""Help, version and usage errors load nothing that they do not need; and help says what it should."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from itertools import product
from typing import Any

import pytest
from typer.main import get_command

import pallink as package
from pallink.cli.app import app
from pallink.cli.options import HEADING, NAMES, option_name
from pallink.exit_codes import ExitCode
from tests.harness import Pallink
from tools.program import commands

HEAVY = {
    "azure",
    "cryptography",
    "jmespath",
    "jwt",
    "msal",
    "pydantic",
    "requests",
    "rich",
    "truststore",
    "urllib3",
    "yaml",
}
COMMANDS = ("link", "show", "update", "unlink", "verify", "check", "whoami")

EVERY_COMMAND = commands()

PROGRAM = """
import json, sys
from pallink.cli.app import main
ends = [(int(main(line.split())), [*sys.modules]) for line in json.loads(sys.argv[1])]
print(json.dumps(ends), file=sys.stderr)
"""


def ends_of(*lines: str) -> list[tuple[int, set[str]]]:
    """Run command lines one after another in one fresh interpreter.

    Returns:
        The exit code of each, and the names of all modules that the interpreter has then.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(lines)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [(code, set(modules)) for code, modules in json.loads(done.stderr.splitlines()[-1])]


def heavy_among(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules} & HEAVY


LIGHT = [
    *((f"{command} --help", 0) for command in EVERY_COMMAND),
    *((f"{command} --no-such-option", 2) for command in EVERY_COMMAND),
    ("", 2),
    ("sandbox --help", 0),
    ("sandbox fault --help", 0),
    ("sandbox", 2),
    ("link", 2),
    ("link abc", 2),
    ("lnk", 2),
    ("--cloud sandbox link", 2),
    ("show --cloud http://x", 2),
    ("whoami --all -o json", 0),
    ("login --tenant no_tenant", 2),
    ("login --client-secret x", 2),
]


# By default all in one process, where what any of them loads would stay, and none in one of its own.
@pytest.mark.parametrize(
    "lines",
    [LIGHT, *(pytest.param([line], marks=pytest.mark.exhaustive) for line in LIGHT)],
    ids=lambda lines: lines[0][0] if len(lines) == 1 else "all",
)
def test_what_needs_no_azure_loads_nothing_heavy(lines: list[tuple[str, int]]) -> None:
    for (line, expected), (code, modules) in zip(lines, ends_of(*(line for line, _ in lines)), strict=True):
        assert (code, heavy_among(modules)) == (expected, set()), line


@pytest.mark.parametrize("arguments", ["--help", "--version"])
def test_help_and_version_load_no_command(arguments: str) -> None:
    ((code, modules),) = ends_of(arguments)
    assert code == 0
    assert not {name for name in modules if name.startswith("pallink.cli.commands.")}


def test_a_command_is_loaded_alone() -> None:
    ((_, modules),) = ends_of("show --help")
    assert {name for name in modules if name.startswith("pallink.cli.commands.")} == {"pallink.cli.commands.show"}


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    group: Any = get_command(app)
    for name, listed in group.commands.items():
        whole = group.load(name)
        assert listed.get_short_help_str(1000) == whole.get_short_help_str(1000), name
        assert listed.hidden == whole.hidden, name


def test_the_version_is_that_of_the_installed_package(pallink: Pallink) -> None:
    assert package.__version__ == version("pallink")
    assert pallink("--version").stdout.startswith(f"pallink {package.__version__}, ")


def test_the_version_is_shown_whatever_command_follows(pallink: Pallink) -> None:
    assert pallink("--version show").stdout == pallink("--version").stdout


# How each shell asks: the line so far, and the word that is being typed.
SHELLS: dict[str, Callable[[str, str], dict[str, str]]] = {
    "bash": lambda line, _: {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)},
    "zsh": lambda line, _: {"_TYPER_COMPLETE_ARGS": line},
    "fish": lambda line, _: {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    "powershell": lambda line, word: {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_WORD_TO_COMPLETE": word},
}


COMPLETIONS = [
    ("ver", "verify"),
    ("sandbox res", "reset"),
    ("verify --jun", "--junit"),
    ("show --quer", "--query"),
    ("show --cloud AzureUS", "AzureUSGovernment"),
    ("show -o jsonl", "jsonl"),
    ("link --role-check req", "require"),
    ("link --auth client-s", "client-secret"),
    ("link --cloud sandbox --account inv", "invoices@contoso.com"),
    ("show --account inv", ""),
    ("sandbox set prov", "provider"),
    ("sandbox set provider abs", "absent"),
]


COMPLETING = """
import io, json, os, sys
from contextlib import redirect_stdout, suppress
from pallink.cli.app import main
offers = []
for variables in json.loads(sys.argv[1]):
    os.environ.update(variables)
    with redirect_stdout(io.StringIO()) as offered, suppress(SystemExit):
        main()
    offers.append((offered.getvalue(), [*sys.modules]))
print(json.dumps(offers))
"""
CASES = list(product(COMPLETIONS, SHELLS))


# By default all in one process, where what any of them loads would stay, and none in one of its own.
@pytest.mark.parametrize(
    "cases",
    [CASES, *(pytest.param([case], marks=pytest.mark.exhaustive) for case in CASES)],
    ids=lambda cases: f"{cases[0][0][0]}-{cases[0][1]}" if len(cases) == 1 else "all",
)
def test_completion_is_right_and_loads_nothing_heavy(cases: list[tuple[tuple[str, str], str]]) -> None:
    asked = [
        {"_PALLINK_COMPLETE": f"complete_{shell}", **SHELLS[shell](f"pallink {line}", line.rpartition(" ")[2])}
        for (line, _), shell in cases
    ]
    done = subprocess.run(
        [sys.executable, "-c", COMPLETING, json.dumps(asked)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for case, (offered, modules) in zip(cases, json.loads(done.stdout), strict=True):
        (_, expected), _ = case
        assert expected in offered, case
        assert not heavy_among(set(modules)), case


@pytest.mark.parametrize("shell", SHELLS)
def test_there_is_a_completion_script_for_each_shell(monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("_PALLINK_COMPLETE", f"source_{shell}")
    done = subprocess.run([sys.executable, "-m", "pallink"], capture_output=True, text=True, check=False)
    assert "_PALLINK_COMPLETE" in done.stdout, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_lists_the_common_options_under_a_heading_of_their_own(pallink: Pallink, command: str) -> None:
    shown = pallink(f"{command} --help")
    assert shown.code == 0
    own, common = shown.stdout.split(f"{HEADING}:")
    repeats_tenant = "--all-tenants" in own
    # It stands beside --all-tenants there.
    assert ("  --tenant ID|DOMAIN" in own) == repeats_tenant
    for name in NAMES - {"tenant"} if repeats_tenant else NAMES:
        assert option_name(name) in common
        assert option_name(name) not in own
        variable = f"PALLINK_{name.upper()}"
        assert variable in "".join(common.split())


def test_yes_has_no_variable(pallink: Pallink) -> None:
    assert "PALLINK_YES" not in pallink("unlink --help").stdout


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_every_command_and_option_has_help(name: str) -> None:
    assert EVERY_COMMAND[name].help
    for parameter in EVERY_COMMAND[name].params:
        assert getattr(parameter, "help", None), parameter.name


def test_the_exit_codes_stand_in_the_help(pallink: Pallink) -> None:
    shown = pallink("--help").stdout
    for code in ExitCode:
        assert f"{code:>3}  {code.meaning}" in shown


def test_the_version_names_python_and_the_platform(pallink: Pallink) -> None:
    shown = pallink("--version")
    assert shown.code == 0
    assert shown.stdout.startswith("pallink 0.")
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in shown.stdout


def test_python_dash_m_runs_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "pallink", "show", "--cloud", "x"], capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: unknown cloud 'x'")
