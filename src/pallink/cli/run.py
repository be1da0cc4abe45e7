"""The one place where errors become messages and exit codes."""

import logging
import traceback
from collections.abc import Callable

import typer

from pallink.advice import advise_in_ci
from pallink.cli.interrupt_report import InterruptReport
from pallink.cli.supervisor import Execution
from pallink.deadline import Deadline
from pallink.error_object import build_error_object
from pallink.errors import DefectError, PallinkError
from pallink.exit_codes import ExitCode
from pallink.output import OutputFormat, Terminal, render_json_line
from pallink.redact.secrets import active_secrets
from pallink.redact.text import one_line
from pallink.unexpected import as_pallink_error


def run(
    job: Callable[[], None],
    *,
    report: InterruptReport,
    output: OutputFormat = OutputFormat.TABLE,
    verbose: bool = False,
    debug: bool = False,
) -> None:
    """Run a command's job and end with the right exit code.

    Args:
        job: What to run.
        report: What to report when it is interrupted.
        output: The format of an error.
        verbose: Whether to log to stderr.
        debug: Whether to log requests too.

    Raises:
        typer.Exit: The job failed; the message is on stderr.
    """
    terminal = Terminal()
    execution = Execution.current()
    # The main thread prints these; it is not cancelled with the command, and has to redact its secrets all the same.
    secrets = active_secrets()

    def interrupted() -> int:
        with secrets.active():
            return print_interruption(report, terminal, output)

    def timed_out(deadline: Deadline) -> int:
        with secrets.active():
            return _print_timeout(deadline, report, terminal, output)

    execution.interrupted, execution.timed_out = interrupted, timed_out
    try:
        _log_to(terminal, verbose=verbose, debug=debug)
        job()
    except (KeyboardInterrupt, typer.Abort) as interruption:
        if execution.claim_end():
            print_interruption(report, terminal, output)
        raise typer.Exit(ExitCode.INTERRUPTED) from interruption
    except (typer.Exit, typer.TyperException):
        raise
    except Exception as raised:
        if not execution.claim_end():
            raise typer.Exit(ExitCode.INTERRUPTED) from raised
        error = as_pallink_error(raised)
        print_error(error, terminal, output, report)
        if isinstance(error, DefectError) and terminal.environ.get("PALLINK_TRACEBACK"):
            terminal.tell("".join(traceback.format_exception(raised)).rstrip("\n"))
        raise typer.Exit(error.exit_code) from raised
    execution.claim_end()


def end_line(terminal: Terminal, *, is_empty: bool) -> None:
    """End the line of a terminal that a prompt, or the echo of Ctrl-C, is on."""
    if terminal.is_terminal(terminal.stderr) and not is_empty:
        terminal.tell("")


def print_interruption(report: InterruptReport, terminal: Terminal, output: OutputFormat = OutputFormat.TABLE) -> int:
    """Report that the command was interrupted and what that leaves behind, and return the exit code."""
    end_line(terminal, is_empty=report.tidy())
    print_error(report.interrupted(), terminal, output, report, is_interruption=True)
    return ExitCode.INTERRUPTED


def _print_timeout(deadline: Deadline, report: InterruptReport, terminal: Terminal, output: OutputFormat) -> int:
    report.tidy()
    error = deadline.exceeded("the network or the operating system did not return, as in a look-up of a name")
    if report.cause is not None and not report.writes_link:
        error = error.with_cause(report.cause)
        error = error.replace(remedy=report.remedy or error.remedy, command=report.command)
    print_error(error.replace(warnings=report.warnings), terminal, output, report)
    return error.exit_code


def print_error(
    error: PallinkError,
    terminal: Terminal,
    output: OutputFormat = OutputFormat.TABLE,
    report: InterruptReport | None = None,
    *,
    is_interruption: bool = False,
) -> None:
    """Print what happened, why, and what to do next; for a program that reads objects, as one JSON object in a line.

    Args:
        error: What happened.
        terminal: Where to print.
        output: The output format, which says whether a program reads objects.
        report: What became of the link; None: no link was touched.
        is_interruption: Whether the command was interrupted; what became of the link then takes the place of a cause.
    """
    error = advise_in_ci(error, terminal.environ)
    report = report or InterruptReport(knows_link=True)
    if output.has_error_objects:
        text = render_json_line(build_error_object(error, report.link(error)), ascii_only=True)
        terminal.tell(text.rstrip("\n"))
        return
    last_line = report.last_line(error, is_interruption=is_interruption)
    for warning in error.warnings:
        terminal.say("warning", one_line(warning, 2000), "yellow")
    if is_interruption and last_line:
        terminal.say("error", one_line(error.message), "red")
    else:
        explain(error, terminal)
    if last_line:
        look = report.look() if report.look is not None else ""
        terminal.say("link", one_line(last_line, 2000), unbroken=look)


def explain(error: PallinkError, terminal: Terminal) -> None:
    """Print what happened, why, and what to do next, for people."""
    terminal.say("error", one_line(error.message), "red")
    for cause in error.causes:
        terminal.say("cause", one_line(cause))
    if error.remedy or error.command:
        terminal.say("hint", one_line(error.remedy or "run this command"))
    for command in (error.command or "").splitlines():
        terminal.tell(f"    {one_line(command, 2000)}")
    if error.trace and str(error.trace):
        terminal.say("request", str(error.trace))


def _log_to(terminal: Terminal, *, verbose: bool, debug: bool) -> None:
    """Send the log of pallink, and no other, to stderr."""
    logger = logging.getLogger("pallink")
    logger.handlers.clear()
    logger.propagate = False
    # Always set: the process may have run another command before.
    logger.setLevel(logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING)
    logger.addHandler(_LogHandler(terminal) if verbose or debug else logging.NullHandler())


class _LogHandler(logging.Handler):
    """Writes the log to a terminal's stderr."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, its traceback included where it has one."""
        try:
            self._terminal.tell(self.format(record))
        except Exception:  # noqa: BLE001 - as the handlers of the standard library do
            self.handleError(record)
