"""The commands of pallink, and what stands before them on the command line."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

from pallink.cli import sandbox
from pallink.cli.commands import check, link, login, logout, show, unlink, update, verify, whoami
from pallink.cli.options import NAMES, CommonOptions, command_with_options, option_name
from pallink.cli.run import print_error
from pallink.errors import UsageError
from pallink.exit_codes import ExitCode
from pallink.output import OutputFormat, Terminal

_EXIT_CODES = "\n".join(["\b", "Exit codes:", *(f"  {code:>3}  {code.meaning}" for code in ExitCode)])

# What scripts for other tools pass as options: here each has a variable, those of azure-identity.
_SECRETS = {
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

app = typer.Typer(
    name="pallink",
    help="Link a service account to a Microsoft partner ID (Partner Admin Link), and prove that it is linked.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    # Without rich, help is quick and carries no ANSI codes where GITHUB_ACTIONS or FORCE_COLOR is set.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    import platform  # noqa: PLC0415
    from importlib.metadata import version  # noqa: PLC0415

    typer.echo(f"pallink {version('pallink')}, Python {platform.python_version()}, {platform.system()}")
    raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del version  # the callback has dealt with it


for _command in (
    link.link,
    show.show,
    update.update,
    unlink.unlink,
    verify.verify,
    check.check,
    login.login,
    logout.logout,
    whoami.whoami,
):
    command_with_options(app, options=CommonOptions)(_command)
app.add_typer(sandbox.app, name="sandbox")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Args:
        arguments: what stands after `pallink`; None takes them from the process.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            # A character that the encoding does not know is no reason to fail.
            reconfigure(errors="replace")
    if "_PALLINK_COMPLETE" in os.environ:
        _complete_without_rich()
    command: Any = get_command(app)
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = command.main(args=given, prog_name="pallink", standalone_mode=False)
    except typer.TyperException as error:
        return _usage_error(error, output_asked_for(given, os.environ))
    except typer.Abort:
        return ExitCode.INTERRUPTED
    return int(code or 0)


def _complete_without_rich() -> None:
    """Keep Typer from loading rich (50 ms at each press of Tab) to take markup out of helps that have none.

    Where a later Typer has no such function any more, nothing is lost but the time; a test says so.
    """
    from typer import _completion_classes  # noqa: PLC0415

    _completion_classes._sanitize_help_text = lambda text: text  # noqa: SLF001


def output_asked_for(arguments: Sequence[str], environ: Mapping[str, str]) -> OutputFormat:
    """The output format of a command line that could not be parsed: whoever asked for objects gets errors so too."""
    found = environ.get("PALLINK_OUTPUT", "")
    for index, each in enumerate(arguments):
        following = arguments[index + 1] if index + 1 < len(arguments) else ""
        if each in ("-o", "--output"):
            found = following
        elif each.startswith("--output="):
            found = each.removeprefix("--output=")
        elif each.startswith("-o") and not each.startswith("--"):
            found = each.removeprefix("-o")
    return OutputFormat(found) if found in set(OutputFormat) else OutputFormat.TABLE


def _usage_error(error: Any, output: OutputFormat) -> int:
    """Say what is wrong with the command line; the help where nothing was asked at all."""
    terminal = Terminal()
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        terminal.write(f"{message}\n")
        return ExitCode.USAGE
    if type(error).__name__ == "MissingParameter" and error.param is not None:
        message = f"missing {error.param.param_type_name} {error.param.name.upper()}"
    path = context.command_path if context is not None else "pallink"
    option = getattr(error, "option_name", "")
    if option in _SECRETS:
        variable = _SECRETS[option]
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


__all__ = ["app", "main", "option_name"]
