"""Errors in the command line."""

from collections.abc import Mapping, Sequence
from typing import Any

from pallink.cli.options import NAMES
from pallink.cli.run import print_error
from pallink.errors import UsageError
from pallink.exit_codes import ExitCode
from pallink.output import OutputFormat, Terminal
from pallink.redact.environment import environment_secrets
from pallink.redact.secrets import Secrets

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
    output = detect_output_format(arguments, terminal.environ)
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        terminal.write(f"{message}\n")
        return ExitCode.USAGE
    if type(error).__name__ == "MissingParameter" and error.param is not None:
        message = f"missing {error.param.param_type_name} {error.param.name.upper()}"
    path = context.command_path if context is not None else "pallink"
    option = getattr(error, "option_name", "")
    if option in _SECRET_OPTIONS:
        variable = _SECRET_OPTIONS[option]
        refused = UsageError(
            f"there is no option {option}: a secret never passes through the command line",
            cause="others on this machine, and the shell's history, could read it there",
            remedy=f"set {variable} in the environment",
        )
        print_error(refused, terminal)
        return ExitCode.USAGE
    before_the_command = context is not None and context.parent is None
    if before_the_command and option.lstrip("-").replace("-", "_") in NAMES | {"o", "q"}:
        refused = UsageError(
            f"{option} stands before the command",
            cause="options stand after the command, as with az",
            remedy="move it behind the command",
            command=f"pallink COMMAND {option} ...",
        )
    elif option[1:].isdigit():
        refused = UsageError(
            f"{option!r} is not a partner ID: it has 5 to 10 digits and nothing else, as in 719878",
            remedy="take the location ID of the partner",
        )
    else:
        refused = UsageError(message[:1].lower() + message[1:], remedy="see the help", command=f"{path} --help")
    print_error(refused, terminal, output)
    return ExitCode.USAGE
