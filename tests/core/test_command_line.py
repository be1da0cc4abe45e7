"""What is understood of a command line before it is parsed."""

import pytest

from pallink.cli.command_line import GROUPS, SYNONYMS, needs_rewriting, split
from pallink.cli.options import NAMES, VALUED
from tools.program import commands

COMMANDS = {name.partition(" ")[0] for name in commands()}


def rewritten(line: str) -> str:
    words = line.split()
    return " ".join(split(words, COMMANDS, VALUED).words if needs_rewriting(words) else words)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ""),
        ("show", "show"),
        ("link 719878 --cloud sandbox", "link 719878 --cloud sandbox"),
        ("--cloud sandbox show", "show --cloud sandbox"),
        ("--cloud sandbox link 719878", "link --cloud sandbox 719878"),
        ("--cloud=sandbox -q -ojson link 719878 --replace", "link --cloud=sandbox -q -ojson 719878 --replace"),
        ("-o json --no-input --timeout 5 verify 1 -- x", "verify -o json --no-input --timeout 5 1 -- x"),
        # A value that is the name of a command.
        ("--account show --tenant link unlink", "unlink --account show --tenant link"),
        # The options of the command itself.
        ("--dry-run link 719878", "link --dry-run 719878"),
        ("--role-check warn --subscription First link 719878", "link --role-check warn --subscription First 719878"),
        # Groups.
        ("-o json sandbox show", "sandbox show -o json"),
        ("sandbox -o json show", "sandbox show -o json"),
        ("-q sandbox -o json fault --query x list", "sandbox fault list -q -o json --query x"),
        ("sandbox --help", "sandbox --help"),
        ("sandbox fault --help", "sandbox fault --help"),
        # Not a command.
        ("--cloud sandbox", ""),
        ("--cloud", ""),
        ("--cloud sandbox --help", "--help"),
        ("--cloud sandbox status", "status"),
        ("--no-such", "--no-such"),
        ("-5", "-5"),
        ("lnk --cloud sandbox", "lnk --cloud sandbox"),
        ("-- --cloud link", "-- --cloud link"),
        # Help.
        ("help", "--help"),
        ("help help", "--help"),
        ("help link", "link --help"),
        ("help sandbox set", "sandbox set --help"),
        ("help fleet apply", "fleet apply --help"),
        ("fleet help apply", "fleet apply --help"),
        ("sandbox help", "sandbox --help"),
        ("sandbox fault help add", "sandbox fault add --help"),
        ("--cloud sandbox help link", "link --help"),
        ("-o json sandbox help", "sandbox --help"),
        ("--account help show", "show --account help"),
        ("sandbox -o json --help", "sandbox --help"),
    ],
)
def test_options_and_help(line: str, expected: str) -> None:
    assert rewritten(line) == expected


@pytest.mark.parametrize("line", ["show", "link 719878 --cloud sandbox", "sandbox show -o json", ""])
def test_most_command_lines_are_left_alone(line: str) -> None:
    assert not needs_rewriting(line.split())


def test_the_groups_are_those_of_the_program() -> None:
    assert {tuple(name.split()[:-1]) for name in commands() if " " in name} == GROUPS


@pytest.mark.parametrize("group", [(), *sorted(GROUPS)])
def test_synonyms_name_commands_and_are_none(group: tuple[str, ...]) -> None:
    depth = len(group)
    names = {name.split()[depth] for name in commands() if tuple(name.split()[:depth]) == group}
    assert {synonym.split()[0] for synonym in SYNONYMS[group].values()} - {"--version"} <= names
    assert not names & set(SYNONYMS[group])


def test_every_common_option_is_known_with_its_value() -> None:
    common = [parameter for parameter in commands()["whoami"].params if parameter.name in NAMES]
    options = {option: parameter for parameter in common for option in parameter.opts}
    assert {option: not parameter.is_flag for option, parameter in options.items()} == VALUED
