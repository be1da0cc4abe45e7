"""What is understood of a command line before Typer parses it: options before the command, and `pallink help`. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

# The groups, whose next word is a command.
GROUPS = frozenset({("role",), ("fleet",), ("sandbox",), ("sandbox", "fault")})

# What others call the commands of pallink and of its groups: `az managementpartner`, `git` and the like. A synonym may
# include an option, whose value is the next word.
SYNONYMS: Mapping[tuple[str, ...], Mapping[str, str]] = {
    (): {
        "add": "link",
        "create": "link",
        "set": "link",
        "delete": "unlink",
        "remove": "unlink",
        "rm": "unlink",
        "get": "show",
        "list": "show",
        "ls": "show",
        "status": "show",
        "change": "update",
        "replace": "update",
        "test": "verify",
        "validate": "verify",
        "doctor": "check",
        "signin": "login",
        "sign-in": "login",
        "signout": "logout",
        "sign-out": "logout",
        "who": "whoami",
        "me": "whoami",
        "version": "--version",
    },
    ("role",): {
        "add": "assign",
        "create": "assign",
        "grant": "assign",
        "delete": "remove",
        "rm": "remove",
        "revoke": "remove",
        "get": "show",
        "list": "show",
        "ls": "show",
        "status": "show",
    },
    ("fleet",): {
        "status": "runs",
        "list": "runs",
        "ls": "runs",
        "show": "runs",
        "history": "runs",
        "diff": "plan",
        "link": "apply",
        "run": "apply",
        "resume": "apply --resume",
        "test": "verify",
        "lint": "validate",
    },
    ("sandbox",): {
        "status": "show",
        "get": "show",
        "list": "show",
        "ls": "show",
        "clear": "reset",
        "start": "serve",
        "run": "serve",
    },
    ("sandbox", "fault"): {
        "create": "add",
        "set": "add",
        "get": "list",
        "ls": "list",
        "show": "list",
        "status": "list",
        "delete": "clear",
        "remove": "clear",
        "rm": "clear",
        "reset": "clear",
    },
}


class CommandLine(NamedTuple):
    """The parts of a command line.

    Attributes:
        path: The words that name the command or group; none if the command line begins with neither.
        options: The options that stand before the command, with their values.
        rest: Everything else.
    """

    path: list[str]
    options: list[str]
    rest: list[str]

    @property
    def names_command(self) -> bool:
        """Whether a command is named, and not only a group."""
        return bool(self.path) and tuple(self.path) not in GROUPS

    @property
    def is_without_command(self) -> bool:
        """Whether there are options only, and no command that they could be meant for."""
        return bool(self.options) and not self.rest and not self.names_command

    @property
    def words(self) -> list[str]:
        """The words with the options right behind the command; a group takes none of them."""
        return [*self.path, *(self.options if self.names_command else ()), *self.rest]


def needs_rewriting(arguments: Sequence[str]) -> bool:
    """Return whether the words of a command line may be in another order; most are not, and cost nothing."""
    return "help" in arguments[:3] or any(word.startswith("-") for word in arguments[:2])


def split(arguments: Sequence[str], commands: Collection[str], valued: Mapping[str, bool]) -> CommandLine:
    """Return the parts of a command line, with `--help` at its end in place of `help` before the command.

    Args:
        arguments: The command line, without `pallink`.
        commands: The names of the commands and groups.
        valued: The common options, and whether each takes a value.
    """
    path: list[str] = []
    options: list[str] = []
    position = 0
    while position < len(arguments) and arguments[position] != "--":
        word = arguments[position]
        if word.startswith("-"):
            # Behind a group only common options are known; before the first command any may stand.
            if path and word.partition("=")[0] not in valued:
                break
            options += arguments[position : position + 1 + valued.get(word, False)]
            position += 1 + valued.get(word, False)
        elif word == "help":
            # `help help` too is for help on the same.
            named = [word for word in arguments[position + 1 :] if word != "help"]
            return CommandLine(path, [], [*named, "--help"])
        elif path or word in commands:
            path.append(word)
            position += 1
            if tuple(path) not in GROUPS:
                break
        elif options and options[-1].startswith("-"):
            # The value of an option that is the command's own.
            options.append(word)
            position += 1
        else:
            break
    if not path:
        position = _count_common(arguments, valued)
        options = list(arguments[:position])
    return CommandLine(path, options, list(arguments[position:]))


def _count_common(arguments: Sequence[str], valued: Mapping[str, bool]) -> int:
    """Return how many words of a command line without a command are common options that it begins with."""
    position = 0
    while position < len(arguments) and (word := arguments[position]).partition("=")[0] in valued:
        position += 1 + valued.get(word, False)
    return position


def find_unknown_command(
    name: str, arguments: Sequence[str], commands: Collection[str], valued: Mapping[str, bool]
) -> int | None:
    """Return the position of an unknown command, skipping option values with the same text.

    Args:
        name: The unknown command.
        arguments: The command line, without `pallink`.
        commands: The names of the commands and groups.
        valued: The common options, and whether each takes a value.

    Returns:
        None if the word is not there.
    """
    line = split(arguments, commands, valued)
    # The last word of a path may be no command of its group.
    first = len(arguments) - len(line.rest) - bool(line.path)
    return next((position for position in range(first, len(arguments)) if arguments[position] == name), None)
