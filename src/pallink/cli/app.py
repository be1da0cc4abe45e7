"""The commands of pallink, and what stands before them on the command line."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

from pallink import __version__
from pallink.cli.command_line import CommandLine, needs_rewriting, split
from pallink.cli.lazy import LazyCommand, LazyGroup, new_app
from pallink.cli.supervisor import Execution
from pallink.exit_codes import ExitCode


class _Commands(LazyGroup):
    """Every command, in the order of the help."""

    further_help = {"Exit codes": [(f"{code:>3}", code.meaning) for code in ExitCode]}  # noqa: RUF012 - a ClassVar of Group
    lazy_commands = {  # noqa: RUF012 - a ClassVar of LazyGroup
        "link": LazyCommand("pallink.cli.commands.link", "Link the account to a partner."),
        "show": LazyCommand("pallink.cli.commands.show", "Show the account's link."),
        "update": LazyCommand("pallink.cli.commands.update", "Change an existing link to another partner."),
        "unlink": LazyCommand("pallink.cli.commands.unlink", "Remove the account's link."),
        "verify": LazyCommand("pallink.cli.commands.verify", "Fail unless the account is linked to this partner."),
        "check": LazyCommand("pallink.cli.commands.check", "Check whether the account is ready to be linked."),
        "login": LazyCommand("pallink.cli.commands.login", "Sign in, and keep the sign-in for later commands."),
        "logout": LazyCommand("pallink.cli.commands.logout", "Remove a stored sign-in, with all its tokens."),
        "whoami": LazyCommand("pallink.cli.commands.whoami", "Show which account signs in, and how."),
        "role": LazyCommand(
            "pallink.cli.commands.role", "Assign, remove and show an account's roles, as an administrator."
        ),
        "tenants": LazyCommand("pallink.cli.commands.tenants", "List the tenants of the signed-in account."),
        "fleet": LazyCommand("pallink.cli.commands.fleet", "Link and check many accounts from one file."),
        "sandbox": LazyCommand(
            "pallink.cli.commands.sandbox", "Show, set, reset and serve the embedded emulator of Azure."
        ),
    }

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Return the context of a command line, which may have options before the command; completion needs it too."""
        if not needs_rewriting(args) or args[0] in _OWN_OPTIONS:
            return super().make_context(info_name, args, parent, **extra)
        from pallink.cli.options import VALUED  # noqa: PLC0415 - most command lines do without it

        line = split(args, self.lazy_commands, VALUED)
        if line.is_without_command:
            # This one has the common options and hardly any other.
            command = self.load("whoami")
            if not extra.get("resilient_parsing"):
                self._refuse_options(line, command)
            elif VALUED.get(line.options[-1]):
                # Tab completes the value of this option, which the group does not have.
                return command.make_context(info_name, line.options, parent, **extra)
        return super().make_context(info_name, line.words, parent, **extra)

    def _refuse_options(self, line: CommandLine, command: Any) -> None:
        """Raise the first error in the options; if all are valid, the error for the missing command."""
        command.make_context(" ".join(["pallink", *line.path]), line.options).fail("Missing command")


_OWN_OPTIONS = frozenset({"--help", "-h", "--version", "-V", "--install-completion", "--show-completion"})

app = new_app(
    name="pallink",
    cls=_Commands,
    help="Link a service account to a Microsoft partner ID (Partner Admin Link), and prove that it is linked.",
    no_args_is_help=True,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    import platform  # noqa: PLC0415

    typer.echo(f"pallink {__version__}, Python {platform.python_version()}, {platform.system()}")
    raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del version  # the callback has dealt with it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Args:
        arguments: What stands after `pallink`; None takes them from the process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    return Execution(lambda: interrupted_before_the_command(given), given).run(lambda: run_command_line(given))


def interrupted_before_the_command(arguments: Sequence[str]) -> int:
    """Report an interruption before anything was done, and return the exit code."""
    from pallink.cli.interrupt_report import InterruptReport  # noqa: PLC0415 - only who is interrupted pays for it
    from pallink.cli.run import print_interruption  # noqa: PLC0415
    from pallink.cli.usage_errors import detect_output_format  # noqa: PLC0415
    from pallink.output import Terminal  # noqa: PLC0415

    nothing = InterruptReport(cause="nothing was written", knows_link=True)
    return print_interruption(nothing, Terminal(), detect_output_format(arguments, os.environ))


def run_command_line(arguments: list[str]) -> int:
    """Run one command line in this thread; see `pallink.cli.supervisor`."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            # A character that the encoding does not know is no reason to fail.
            reconfigure(errors="replace")
    if "_PALLINK_COMPLETE" in os.environ:
        _prepare_completion()
    command: Any = get_command(app)
    if "--install-completion" in arguments:
        from pallink.cli.install_completion import report_installation  # noqa: PLC0415 - once on a machine

        report_installation(command)
    try:
        code = command.main(args=arguments, prog_name="pallink", standalone_mode=False)
    except typer.TyperException as error:
        if not Execution.current().claim_end():
            return ExitCode.INTERRUPTED
        from pallink.cli.usage_errors import report_usage_error  # noqa: PLC0415 - only who is wrong pays for it

        return report_usage_error(error, arguments)
    except typer.Abort:
        return ExitCode.INTERRUPTED
    return int(code or 0)


def _prepare_completion() -> None:
    """Complete the names of accounts in bash, and keep Typer from loading rich to take markup out of plain helps.

    rich would cost 50 ms at each press of Tab. A later Typer may have other names for the two; tests say so.
    """
    from typer import _completion_classes  # noqa: PLC0415

    from pallink.cli.bash_completion import BashCompletion  # noqa: PLC0415

    _completion_classes._sanitize_help_text = lambda text: text  # noqa: SLF001
    _completion_classes.BashComplete = BashCompletion  # type: ignore[misc]
