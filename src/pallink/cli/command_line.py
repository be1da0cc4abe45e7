"""What is understood of a command line before Typer parses it: options before the command, and `pallink help`. Pure."""

from collections.abc import Collection, Mapping, Sequence

# The groups, whose next word is a command.
GROUPS = frozenset({("role",), ("fleet",), ("sandbox",), ("sandbox", "fault")})

# What others call the commands: `az managementpartner`, `git` and the like.
SYNONYMS: Mapping[str, str] = {
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
}


def needs_rewriting(arguments: Sequence[str]) -> bool:
    """Return whether a command line may be one that `rewrite` changes; most are not, and cost nothing."""
    return arguments[:1] == ["help"] or any(word.startswith("-") for word in arguments[:2])


def rewrite(arguments: Sequence[str], commands: Collection[str], valued: Mapping[str, bool]) -> list[str]:
    """Return a command line with its options right behind the command, and `--help` in place of `help`.

    Args:
        arguments: The command line, without `pallink`.
        commands: The names of the commands and groups.
        valued: The common options, and whether each takes a value.
    """
    if arguments[:1] == ["help"]:
        return [*arguments[1:], "--help"]
    path: list[str] = []
    moved: list[str] = []
    position = 0
    while position < len(arguments) and arguments[position] != "--":
        word = arguments[position]
        if word.startswith("-"):
            # Behind a group only common options are known; before the first command any may stand.
            if path and word.partition("=")[0] not in valued:
                break
            moved += arguments[position : position + 1 + valued.get(word, False)]
            position += 1 + valued.get(word, False)
        elif path or word in commands:
            path.append(word)
            position += 1
            if tuple(path) not in GROUPS:
                break
        elif moved and moved[-1].startswith("-"):
            # The value of an option that is the command's own.
            moved.append(word)
            position += 1
        else:
            break
    if not path:
        return _without_common(arguments, valued)
    return [*path, *moved, *arguments[position:]]


def _without_common(arguments: Sequence[str], valued: Mapping[str, bool]) -> list[str]:
    """Return a command line without a command, for its help or error, less the common options that it begins with."""
    position = 0
    while position < len(arguments) and (word := arguments[position]).partition("=")[0] in valued:
        position += 1 + valued.get(word, False)
    return list(arguments[position:])
