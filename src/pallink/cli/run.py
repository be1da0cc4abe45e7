"""The one place where errors become messages and exit codes."""

import logging
import os
import sys
import traceback
from collections.abc import Callable

import typer

from pallink.errors import CancelledError, PallinkError
from pallink.exit_codes import ExitCode
from pallink.output.terminal import Terminal
from pallink.plain_text import one_line


def run(job: Callable[[], None], *, verbose: bool, debug: bool) -> None:
    """Do a command's job and end with the right exit code.

    Raises:
        typer.Exit: the job failed; the message is on stderr.
    """
    terminal = Terminal()
    _log_to(terminal, verbose=verbose, debug=debug)
    try:
        job()
    except PallinkError as error:
        print_error(error, terminal)
        raise typer.Exit(error.exit_code) from error
    except (KeyboardInterrupt, typer.Abort) as interruption:
        print_error(CancelledError("interrupted", cause="nothing was written"), terminal)
        raise typer.Exit(ExitCode.INTERRUPTED) from interruption
    except BrokenPipeError as error:
        # Whoever read stdout has gone (`| head -1`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.ERROR) from error
    except (typer.Exit, typer.TyperException):
        raise
    except Exception as defect:
        _print_defect(defect, terminal)
        raise typer.Exit(ExitCode.ERROR) from defect


def print_error(error: PallinkError, terminal: Terminal) -> None:
    """Say what happened, why, and what to do next."""
    terminal.say("error", one_line(error.message), "red")
    if error.cause:
        terminal.say("cause", one_line(error.cause))
    if error.remedy or error.command:
        terminal.say("to fix", one_line(error.remedy or "run this command"))
    for command in (error.command or "").splitlines():
        print(f"    {one_line(command, 2000)}", file=terminal.stderr)
    if error.trace and str(error.trace):
        terminal.say("request", str(error.trace))


def _print_defect(defect: Exception, terminal: Terminal) -> None:
    print_error(
        PallinkError(
            f"pallink has a defect: {type(defect).__name__}: {one_line(str(defect), 200)}",
            cause="this should not happen, whatever Azure answers",
            remedy="look at the link before you go on, and report this with what PALLINK_TRACEBACK=1 prints",
        ),
        terminal,
    )
    if terminal.environ.get("PALLINK_TRACEBACK"):
        traceback.print_exception(defect, file=terminal.stderr)


def _log_to(terminal: Terminal, *, verbose: bool, debug: bool) -> None:
    """Send pallink's own log, and nobody else's, to stderr."""
    logger = logging.getLogger("pallink")
    logger.handlers.clear()
    logger.propagate = False
    if not (verbose or debug):
        logger.addHandler(logging.NullHandler())
        return
    handler = logging.StreamHandler(terminal.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
