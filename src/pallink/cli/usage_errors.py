"""Errors in the command line."""

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pallink.cli.command_line import SYNONYMS, find_unknown_command
from pallink.cli.options import VALUED
from pallink.cli.run import print_error
from pallink.errors import UsageError
from pallink.exit_codes import ExitCode
from pallink.links.model import invalid_partner_id, is_partner_id
from pallink.output import OutputFormat, Terminal
from pallink.redact.environment import environment_secrets
from pallink.redact.secrets import Secrets

_NUMBER_TYPE = re.compile(r"valid (float|int(eger)?)( range)?")
# Typer adds the commands that are spelled most alike.
_NO_SUCH_COMMAND = re.compile(r"No such command '(.*?)'(?:\. Did you mean (.*)\?)?")

# Options of other tools that carry a secret, with the variable that takes its place (those of azure-identity).
_SECRET_OPTIONS = {
    "--client-secret": "AZURE_CLIENT_SECRET",
    "--secret": "AZURE_CLIENT_SECRET",
    "--password": "AZURE_CLIENT_SECRET, or AZURE_CLIENT_CERTIFICATE_PASSWORD for a certificate's file,",
    "-p": "AZURE_CLIENT_SECRET, or AZURE_CLIENT_CERTIFICATE_PASSWORD for a certificate's file,",
    "--client-certificate-password": "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "--certificate-password": "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "--client-certificate": "AZURE_CLIENT_CERTIFICATE_PATH",
    "--certificate": "AZURE_CLIENT_CERTIFICATE_PATH",
    "--federated-token": "AZURE_FEDERATED_TOKEN_FILE to a file that holds it, and",
    "--token": "AZURE_FEDERATED_TOKEN_FILE to a file that holds it, and",
}


def detect_output_format(arguments: Sequence[str], environ: Mapping[str, str]) -> OutputFormat:
    """Return the output format of a command line that could not be parsed, which applies to the error as well."""
    output = environ.get("PALLINK_OUTPUT", "")
    for index, argument in enumerate(arguments):
        following = arguments[index + 1] if index + 1 < len(arguments) else ""
        if argument in ("-o", "--output"):
            output = following
        elif argument.startswith("--output="):
            output = argument.removeprefix("--output=")
        elif argument.startswith("-o") and not argument.startswith("--"):
            output = argument.removeprefix("-o")
    output = output.lower()
    return OutputFormat(output) if output in set(OutputFormat) else OutputFormat.TABLE


def report_usage_error(error: Any, arguments: Sequence[str]) -> int:
    """Print what is wrong with the command line; for a group without a command, print its help.

    Args:
        error: The exception that Typer raised.
        arguments: The command line, without `pallink`.

    Returns:
        The exit code.
    """
    terminal = Terminal()
    with Secrets(*environment_secrets(terminal.environ)).active():
        return _report(error, arguments, terminal)


def _report(error: Any, arguments: Sequence[str], terminal: Terminal) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        terminal.write(f"{error.format_message().rstrip('.')}\n")
        return ExitCode.USAGE
    print_error(_explain(error, arguments), terminal, detect_output_format(arguments, terminal.environ))
    return ExitCode.USAGE


def _explain(error: Any, arguments: Sequence[str]) -> UsageError:
    """Return what is wrong in pallink's words, with the help of the command that it is about."""
    context = getattr(error, "ctx", None)
    # Checked first, because other errors may show the value.
    secret = next((name for name in map(_option_of, arguments) if name in _SECRET_OPTIONS), None)
    option = secret or str(getattr(error, "option_name", None) or "")
    if option in _SECRET_OPTIONS:
        variable = _SECRET_OPTIONS[option]
        return UsageError(
            f"there is no option {option}: a secret never passes through the command line",
            cause="other users of this machine could read it, and the shell's history would keep it",
            remedy=f"set {variable} in the environment",
        )
    if option.lstrip("-")[:1].isdigit():
        return _number_with_hyphen(option, context, arguments)
    message = _message(error, context, option)
    path = context.command_path if context is not None else "pallink"
    unknown = _NO_SUCH_COMMAND.fullmatch(message)
    if unknown is not None:
        return _unknown_command(unknown[1], re.findall(r"'(.*?)'", unknown[2] or ""), context, arguments)
    return UsageError(message[:1].lower() + message[1:], remedy="see the help", command=f"{path} --help")


def _message(error: Any, context: Any, option: str) -> str:
    message: str = error.format_message().rstrip(".")
    kind = type(error).__name__
    if kind == "BadParameter" and error.param is not None and context is not None:
        return f"invalid value for {_source(error.param, context)}: {_plain(error.message)}"
    if kind == "NoSuchOption":
        return f"no such option {option}{_suggestion(error.possibilities or ())}"
    if kind == "MissingParameter" and error.param is not None:
        return f"missing {error.param.param_type_name} {_name(error.param, context)}"
    if kind == "BadOptionUsage" and message.endswith("requires an argument"):
        parameter = next((found for found in context.command.params if option in found.opts), None) if context else None
        return f"{message}: {_name(parameter, context, option)}" if parameter is not None else message
    return message


def _suggestion(names: Sequence[str]) -> str:
    """Return the end of a message with the names that could have been meant; empty without any."""
    if not names:
        return ""
    *others, last = names
    return f": did you mean {', '.join(others)} or {last}?" if others else f": did you mean {last}?"


def _source(parameter: Any, context: Any) -> str:
    """Return the option, the argument or the environment variable that a value comes from."""
    source = context.get_parameter_source(parameter.name)
    if source is not None and source.name == "ENVIRONMENT":
        return str(parameter.envvar)
    return str(parameter.name).upper() if parameter.param_type_name == "argument" else str(parameter.opts[0])


def _plain(reason: str) -> str:
    """Return Typer's reason without a full stop, quotes around the choices, and the names of Python's types."""
    given, separator, choices = reason.rstrip(".").partition(" is not one of ")
    return _NUMBER_TYPE.sub("valid number", given) + separator + choices.replace("'", "")


def _option_of(word: str) -> str:
    # `-ojson` is `-o json`.
    return word[:2] if VALUED.get(word[:2]) else word.partition("=")[0]


def _has_only(options: Collection[str], arguments: Sequence[str]) -> bool:
    """Return whether a command line has no option but these: the value of an unknown one may be a secret."""
    return all(_option_of(word) in options for word in arguments if word.startswith("-") and len(word) > 1)


def _options_of(command: Any) -> set[str]:
    return {"--", "-h", "--help", *VALUED, *(option for parameter in command.params for option in parameter.opts)}


def _unknown_command(name: str, similar: Sequence[str], context: Any, arguments: Sequence[str]) -> UsageError:
    """Return the error for an unknown command, with the corrected command line if one command is close.

    Args:
        name: What was given.
        similar: The commands that are spelled most alike.
        context: Typer's context of the group.
        arguments: The command line, without `pallink`.
    """
    path = context.command_path
    synonym = SYNONYMS[tuple(path.split()[1:])].get(name)
    suggested = [synonym] if synonym is not None else similar
    message = f"no such command {name!r}{_suggestion(suggested)}"
    commands = context.find_root().command.list_commands(context)
    position = find_unknown_command(name, arguments, commands, VALUED)
    if len(suggested) != 1 or position is None:
        return UsageError(message, remedy="see the help", command=f"{path} --help")
    (named, *option), rest = suggested[0].split(), arguments[position + 1 :]
    command = context.command.get_command(context, named)
    lacks_value = option and (not rest or rest[0].startswith("-"))
    if command is not None and (lacks_value or not _has_only(_options_of(command), arguments)):
        return UsageError(message, remedy="see the help", command=f"{path} {named} --help")
    return UsageError(message, command=shlex.join(["pallink", *arguments[:position], named, *option, *rest]))


def _name(parameter: Any, context: Any, option: str | None = None) -> str:
    """Return a parameter as the help writes it: `PARTNER_ID`, `--role ROLE`."""
    metavar = parameter.make_metavar(context)
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper()
    return f"{option or parameter.opts[0]} {metavar}"


def _number_with_hyphen(option: str, context: Any, arguments: Sequence[str]) -> UsageError:
    """Return the error for a number that begins with a hyphen, and so was taken for an option."""
    # Typer reads `-719878` as a row of short options, and names the first one.
    given = next((word for word in arguments if word.startswith(option)), option)
    parameters = [] if context is None else [item for item in context.command.params if item.opts[0][:1] != "-"]
    if not parameters:
        path = context.command_path if context is not None else "pallink"
        return UsageError(f"no such option {given}", remedy="see the help", command=f"{path} --help")
    name = _name(parameters[0], context)
    if name != "PARTNER_ID":
        return UsageError(
            f"invalid value for {name}: {given!r} begins with a hyphen",
            remedy="see the help",
            command=f"{context.command_path} --help",
        )
    error, digits = invalid_partner_id(given), given.lstrip("-")
    others = [word for word in arguments if word != given]
    if not is_partner_id(digits) or not _has_only(_options_of(context.command), others):
        return error
    # The same ID may stand there a second time, without the hyphen.
    corrected = [digits if word == given else word for word in arguments if word != digits]
    return error.replace(command=shlex.join(["pallink", *corrected]))
