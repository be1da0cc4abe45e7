"""The one place where errors become messages and exit codes."""

import logging
import traceback
from collections.abc import Callable

import typer

from pallink.errors import CancelledError, DefectError, PallinkError, unusable_sandbox
from pallink.exit_codes import ExitCode
from pallink.output import OutputFormat, Terminal, error_object, json_line
from pallink.plain_text import one_line
from pallink.redaction import cut
from pallink.sandbox.errors import SandboxStateError


def run(
    job: Callable[[], None],
    *,
    output: OutputFormat = OutputFormat.TABLE,
    verbose: bool = False,
    debug: bool = False,
) -> None:
    """Do a command's job and end with the right exit code.

    Args:
        job: what to do.
        output: in which format an error is reported.
        verbose: log what is done.
        debug: log each request too.

    Raises:
        typer.Exit: the job failed; the message is on stderr.
    """
    terminal = Terminal()
    _log_to(terminal, verbose=verbose, debug=debug)
    try:
        job()
    except (KeyboardInterrupt, typer.Abort) as interruption:
        print_error(CancelledError("interrupted", cause="nothing was written"), terminal, output)
        raise typer.Exit(ExitCode.INTERRUPTED) from interruption
    except (typer.Exit, typer.TyperException):
        raise
    except Exception as raised:
        error = as_pallink_error(raised)
        print_error(error, terminal, output)
        if isinstance(error, DefectError) and terminal.environ.get("PALLINK_TRACEBACK"):
            terminal.tell("".join(traceback.format_exception(raised)).rstrip("\n"))
        raise typer.Exit(error.exit_code) from raised


def print_error(error: PallinkError, terminal: Terminal, output: OutputFormat = OutputFormat.TABLE) -> None:
    """Say what happened, why, and what to do next; where a program reads objects, as one JSON object in one line."""
    if output.has_error_objects:
        text = json_line(error_object(error), ascii_only=True)
        terminal.tell(text.rstrip("\n"))
        return
    for warning in error.warnings:
        terminal.say("warning", one_line(warning), "yellow")
    terminal.say("error", one_line(error.message), "red")
    if error.cause:
        terminal.say("cause", one_line(error.cause))
    if error.remedy or error.command:
        terminal.say("to fix", one_line(error.remedy or "run this command"))
    for command in (error.command or "").splitlines():
        terminal.tell(f"    {one_line(command, 2000)}")
    if error.trace and str(error.trace):
        terminal.say("request", str(error.trace))


def as_pallink_error(error: Exception) -> PallinkError:
    """The error itself, what is wrong with the sandbox's file, or what is said of an exception that nobody foresaw."""
    if isinstance(error, PallinkError):
        return error
    if isinstance(error, SandboxStateError):
        return unusable_sandbox(str(error), error.path)
    return DefectError(
        f"pallink has a defect: {type(error).__name__}: {one_line(str(error), 200)}",
        cause="this should not happen, whatever Azure answers",
        remedy="look at the link before you go on, and report this with what PALLINK_TRACEBACK=1 prints",
    )


class _WithoutSecrets(logging.Formatter):
    """A line of the log as it may be shown."""

    def format(self, record: logging.LogRecord) -> str:
        """Cut, whatever the record's message or exception hold."""
        return cut(super().format(record))


def _log_to(terminal: Terminal, *, verbose: bool, debug: bool) -> None:
    """Send pallink's own log, and nobody else's, to stderr."""
    logger = logging.getLogger("pallink")
    logger.handlers.clear()
    logger.propagate = False
    if not (verbose or debug):
        logger.addHandler(logging.NullHandler())
        return
    handler = logging.StreamHandler(terminal.stderr)
    handler.setFormatter(_WithoutSecrets("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
