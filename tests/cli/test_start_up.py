"""Help, version and usage errors load nothing that they do not need; and help says what it should."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from typer.main import get_command

from pallink.cli.app import app
from pallink.cli.options import HEADING, NAMES, option_name
from pallink.exit_codes import ExitCode
from tests.harness import Pallink

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

SCRIPT = f"""
import sys
from pallink.cli.app import main
code = main(sys.argv[1:])
loaded = sorted({{name.partition(".")[0] for name in sys.modules}} & {HEAVY!r})
print("loaded:", *loaded, file=sys.stderr)
print("code:", int(code), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("--help", 0),
        ("--version", 0),
        ("", 2),
        ("link --help", 0),
        ("sandbox --help", 0),
        ("sandbox reset --help", 0),
        ("link", 2),
        ("link abc", 2),
        ("lnk", 2),
        ("--cloud sandbox link", 2),
        ("show --cloud http://x", 2),
    ],
)
def test_what_needs_no_azure_loads_none(arguments: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments.split()], capture_output=True, text=True, check=False
    )
    assert "loaded:\n" in done.stderr, done.stderr
    assert f"code: {code}\n" in done.stderr


# How each shell asks: the line so far, and the word that is being typed.
SHELLS: dict[str, Callable[[str, str], dict[str, str]]] = {
    "bash": lambda line, _: {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)},
    "zsh": lambda line, _: {"_TYPER_COMPLETE_ARGS": line},
    "fish": lambda line, _: {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    "powershell": lambda line, word: {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_WORD_TO_COMPLETE": word},
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ver", "verify"),
        ("sandbox res", "reset"),
        ("verify --jun", "--junit"),
        ("show --quer", "--query"),
        ("show --cloud AzureUS", "AzureUSGovernment"),
        ("show -o jsonl", "jsonl"),
        ("link --role-check req", "require"),
        ("link --auth client-s", "client-secret"),
        ("sandbox set prov", "provider"),
        ("sandbox set provider abs", "absent"),
    ],
)
def test_completion_is_right_and_loads_nothing_heavy(
    monkeypatch: pytest.MonkeyPatch, shell: str, line: str, expected: str
) -> None:
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
    assert not {name.partition(".")[0] for name in loaded.split()} & HEAVY


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


def test_every_command_and_option_has_help() -> None:
    command = get_command(app)
    pending = [("pallink", command)]
    while pending:
        name, each = pending.pop()
        assert each.help, name
        pending += list(getattr(each, "commands", {}).items())
        for parameter in each.params:
            assert getattr(parameter, "help", None), (name, parameter.name)


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
