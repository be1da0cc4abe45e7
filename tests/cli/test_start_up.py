"""Help, version and usage errors load nothing that they do not need; and help says what it should."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
from typer.main import get_command

import pallink as package
from pallink.cli.app import app
from pallink.cli.options import HEADING, NAMES, option_name
from pallink.exit_codes import ExitCode
from tests.exhaustive import combinations, joined
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

SCRIPT = """
import sys
from pallink.cli.app import main
code = main(sys.argv[1:])
print("loaded:", *sys.modules, file=sys.stderr)
print("code:", int(code), file=sys.stderr)
"""


def modules_loaded_by(arguments: str, code: int) -> set[str]:
    """Run a command line in a fresh interpreter, and return the names of all modules that it has then."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments.split()], capture_output=True, text=True, check=False
    )
    *_, loaded, last = done.stderr.splitlines()
    assert last == f"code: {code}", done.stderr
    return set(loaded.removeprefix("loaded: ").split())


def heavy_among(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules} & HEAVY


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_the_help_of_a_command_loads_nothing_heavy(command: str) -> None:
    assert not heavy_among(modules_loaded_by(f"{command} --help", 0))


# By default one command: the help of the others has loaded the same modules.
@pytest.mark.parametrize("command", combinations(EVERY_COMMAND, default=lambda command: command == "link"))
def test_a_wrong_command_line_loads_nothing_heavy(command: str) -> None:
    assert not heavy_among(modules_loaded_by(f"{command} --no-such-option", 2))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
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
    ],
)
def test_what_needs_no_azure_loads_nothing_heavy(arguments: str, code: int) -> None:
    assert not heavy_among(modules_loaded_by(arguments, code))


@pytest.mark.parametrize("arguments", ["--help", "--version"])
def test_help_and_version_load_no_command(arguments: str) -> None:
    loaded = modules_loaded_by(arguments, 0)
    assert not {each for each in loaded if each.startswith(("pallink.cli.commands.", "pallink.cli.commands.sandbox"))}


def test_a_command_is_loaded_alone() -> None:
    loaded = {each for each in modules_loaded_by("show --help", 0) if each.startswith("pallink.cli.commands.")}
    assert loaded == {"pallink.cli.commands.show"}


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


# By default every line in bash, and one in every shell: shells differ only in how they ask.
@pytest.mark.parametrize(
    ("completion", "shell"),
    combinations(
        COMPLETIONS, SHELLS, default=lambda completion, shell: shell == "bash" or completion == COMPLETIONS[0]
    ),
    ids=joined,
)
def test_completion_is_right_and_loads_nothing_heavy(
    monkeypatch: pytest.MonkeyPatch, completion: tuple[str, str], shell: str
) -> None:
    line, expected = completion
    monkeypatch.setenv("_PALLINK_COMPLETE", f"complete_{shell}")
    for name, value in SHELLS[shell](f"pallink {line}", line.rpartition(" ")[2]).items():
        monkeypatch.setenv(name, value)
    # Completion ends the process by itself: what was loaded is told on the way out.
    script = """
import atexit, sys
from pallink.cli.app import main
atexit.register(lambda: print("LOADED", *sys.modules))
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    offered, _, loaded = done.stdout.partition("LOADED")
    assert expected in offered, done.stderr
    assert not heavy_among(set(loaded.split()))


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
    for name in NAMES:
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
