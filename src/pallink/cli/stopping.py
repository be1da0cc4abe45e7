"""What the first Ctrl-C does while a fleet runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pallink.cli.options import ConnectionOptions
from pallink.cli.progress import ProgressLine
from pallink.cli.run import end_line
from pallink.cli.supervisor import Execution
from pallink.output.terminal import Terminal

if TYPE_CHECKING:
    from pallink.fleet.fleet_run import FleetRun
    from pallink.fleet.role_run import RoleRun


@contextmanager
def stopping(run: "FleetRun | RoleRun", line: ProgressLine, options: ConnectionOptions) -> Iterator[None]:
    """Let an interruption end the run, and not the command, which then says what was done."""
    execution, terminal = Execution.current(), Terminal()

    def stop() -> None:
        end_line(terminal, is_empty=line.clear())
        if not options.quiet and not options.output.has_error_objects:
            terminal.say("stopping", "finishing the writes in progress; press Ctrl-C again to exit at once", "yellow")
        run.stop()

    execution.stop = stop
    try:
        yield
    finally:
        execution.stop = None
