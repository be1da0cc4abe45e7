"""What the fleet commands share: reading the file, running it with progress, and showing what came of it."""

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TextIO

from pallink.cli.job import can_ask, notice, progress, say_where
from pallink.cli.options import ConnectionOptions
from pallink.cli.progress import ProgressLine, bar
from pallink.cli.run import explain
from pallink.cli.supervisor import Execution
from pallink.errors import (
    AccountsFailedError,
    CancelledError,
    FleetDiffersError,
    MoreProofNeededError,
    OutputError,
    PallinkError,
    UsageError,
)
from pallink.links.record import LinkChange
from pallink.output import OutputFormat, Terminal, render_json_line, write_value
from pallink.redact.text import one_line
from pallink.settings import DEFAULT_CLOUD, DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from pallink.fleet.entry import Entry
    from pallink.fleet.fleet_run import FleetRun, RunOptions
    from pallink.fleet.result import EntryResult
    from pallink.fleet.role_run import RoleRun
    from pallink.output.fleet_table import Cell

# Lines of the screen that a table leaves free.
_FREE_LINES = 6
_MIN_ROWS = 10
# With fewer accounts the run is over before the bar could be read.
_MIN_TOTAL = 10
_TRUST = (
    "a tenant whose cross-tenant access settings trust the multifactor authentication of your own tenant needs no such"
    " sign-in"
)
# How many failed accounts are explained; the table has a line for each.
_MAX_EXPLAINED = 5


class Selection(NamedTuple):
    """Which entries of a fleet file a command is for."""

    select: Sequence[str] | None = None
    exclude: Sequence[str] | None = None
    limit: int | None = None

    @property
    def words(self) -> list[str]:
        """The options on the command line."""
        words = [word for text in self.select or () for word in ("--select", text)]
        words += [word for text in self.exclude or () for word in ("--exclude", text)]
        return words if self.limit is None else [*words, "--limit", str(self.limit)]


def read_entries(file: Path, selection: Selection, run_options: "RunOptions | None") -> "tuple[Entry, ...]":
    """Return the entries of a fleet file that a command is for, one for each tenant where it says all tenants.

    Without `run_options`, with which the accounts sign in to read their tenants, those entries stay as they are.

    Raises:
        UsageError: The file has a problem, or no entry is selected.
        PallinkError: The tenants of an account could not be read.
    """
    from pallink.fleet.entry import ALL_TENANTS  # noqa: PLC0415 - help does without it
    from pallink.fleet.file import read_fleet  # noqa: PLC0415
    from pallink.fleet.selection import select_entries  # noqa: PLC0415

    fleet = read_fleet(file)
    if fleet.problems:
        first, more = fleet.problems[0], len(fleet.problems) - 1
        others = f"it has {more} more problem{'s' if more > 1 else ''}; nothing was sent"
        raise UsageError(
            f"invalid fleet file {file}:{first.line}:{first.column}: {first.message}",
            cause=others if more else "nothing was sent",
            remedy="correct the fleet file, and check it",
            command=shlex.join(["pallink", "fleet", "validate", str(file)]),
        )
    entries = fleet.entries
    if run_options is not None and any(entry.tenant == ALL_TENANTS for entry in entries):
        from pallink.fleet.expansion import with_all_tenants  # noqa: PLC0415

        entries = with_all_tenants(entries, run_options)
    return select_entries(entries, selection.select or (), selection.exclude or (), selection.limit)


class FleetReport:
    """Shows the results of a run while they come, and at its end.

    Args:
        options: How to show them.
        total: How many accounts there are.
        is_plan: Whether the results say what would be done.
        is_preview: Whether they are those of a plan that is confirmed before it is carried out, and no output.
        cell: What the table shows of each account; None: its partner.
    """

    def __init__(
        self,
        options: ConnectionOptions,
        total: int,
        *,
        is_plan: bool = False,
        is_preview: bool = False,
        cell: "Cell | None" = None,
    ) -> None:
        self._options = options
        self._total = total
        self._is_plan = is_plan
        self._cell = cell
        # Whether each result is written to stdout as it comes.
        self._streams = options.output is OutputFormat.JSONL and options.query is None and not is_preview
        self._stream_error: OutputError | None = None
        self._terminal = Terminal()
        self._began = time.monotonic()
        self._done = 0
        self._failed = 0
        # One line an account, where no bar is drawn and no program reads objects.
        is_plain = not self._terminal.is_terminal(self._terminal.stderr)
        self._has_lines = is_plain and not options.quiet and not options.output.has_error_objects

    def add(self, result: "EntryResult", line: ProgressLine) -> None:
        """Show one result, and how far the run is."""
        from pallink.output.fleet_table import entry_line  # noqa: PLC0415

        self._done += 1
        self._failed += result.error is not None
        self.stream(result)
        if self._has_lines:
            self._terminal.tell(one_line(entry_line(result, is_plan=self._is_plan, cell=self._cell), 2000))
        if self._total >= _MIN_TOTAL:
            line.show(self._progress())

    def stream(self, *results: "EntryResult") -> None:
        """Write results to stdout at once, where the format is a line for each.

        A full disk does not end the run, which may be in the middle of a write: `write` reports it.
        """
        if not self._streams or self._stream_error is not None:
            return
        try:
            for result in results:
                self._terminal.write(render_json_line(result.as_dict(), ascii_only=True))
        except OutputError as error:
            self._stream_error = error

    def _progress(self) -> str:
        seconds = max(time.monotonic() - self._began, 0.001)
        rate = self._done / seconds
        left = (self._total - self._done) / rate
        return (
            f"{bar(self._done, self._total)}  {self._done:,} of {self._total:,} accounts,"
            f" {self._failed:,} need attention, {rate:.0f}/s, {left:.0f} s left"
        )

    def write(self, results: "Sequence[EntryResult]", *, run_id: str | None = None, show_all: str = "") -> None:
        """Write all results to stdout.

        Args:
            results: The results, in the order of the file.
            run_id: The run's ID; None if it has no journal.
            show_all: The command that shows all accounts, where the screen has no room for them.

        Raises:
            OutputError: They cannot be written, or could not while the run went on.
        """
        from pallink.fleet.result import count_outcomes  # noqa: PLC0415

        options, terminal = self._options, self._terminal
        if self._stream_error is not None:
            raise self._stream_error
        if self._streams:
            return
        if options.output is OutputFormat.TABLE and options.query is None:
            max_rows = _max_rows(terminal, terminal.stdout)
            table = fitted_table(results, terminal, terminal.stdout, is_plan=self._is_plan, cell=self._cell)
            terminal.write(table)
            if max_rows is not None and len(results) > max_rows and show_all and not options.quiet:
                terminal.say("note", f"all accounts are shown by {show_all}", unbroken=show_all)
            return
        entries = [result.as_dict() for result in results]
        value: object = {"run": run_id, "totals": count_outcomes(results), "entries": entries}
        if options.output is OutputFormat.TSV and options.query is None:
            messages = (result.error and result.error.message for result in results)
            value = [entry | {"error": message} for entry, message in zip(entries, messages, strict=True)]
        write_value(value, options.output, terminal, options.query)


def fitted_table(
    results: "Sequence[EntryResult]", terminal: Terminal, stream: TextIO, *, is_plan: bool, cell: "Cell | None" = None
) -> str:
    """Return the table as it fits a stream: on a terminal cut to the screen, elsewhere whole."""
    from pallink.output.fleet_table import render_results  # noqa: PLC0415

    return render_results(
        results, is_plan=is_plan, max_rows=_max_rows(terminal, stream), columns=terminal.columns(stream), cell=cell
    )


def _max_rows(terminal: Terminal, stream: TextIO) -> int | None:
    rows = terminal.rows(stream)
    return max(rows - _FREE_LINES, _MIN_ROWS) if rows else None


class Listener(Protocol):
    """Is told of the results of a run while they come."""

    def add(self, result: "EntryResult", line: ProgressLine) -> None:
        """Show one result, and how far the run is."""

    def stream(self, *results: "EntryResult") -> None:
        """Show results that an earlier process finished."""


def run_all(
    run: "FleetRun", options: ConnectionOptions, report: Listener, *, prompts: bool = True
) -> "list[EntryResult]":
    """Run a fleet and return its results in the order of the file.

    The first Ctrl-C begins no further account and lets writes settle; a second one leaves at once.

    Args:
        run: The run.
        options: The command's options.
        report: Shows the results as they come.
        prompts: Whether accounts that need a sign-in are asked for at the end, one at a time, on a terminal.
    """
    from pallink.fleet.result import Outcome  # noqa: PLC0415

    prompts = prompts and can_ask(options)
    results = {result.entry.key: result for result in run.finished}
    report.stream(*run.finished)
    with progress(options) as line:
        with stopping(run, line, options):
            for result in run.results():
                # On a terminal those that need a sign-in are tried again.
                if result.outcome is not Outcome.NEEDS_SIGN_IN or not prompts:
                    report.add(result, line)
                results[result.entry.key] = result
        ordered = [results[entry.key] for entry in run.plan.entries if entry.key in results]
        waiting = [result for result in ordered if result.outcome is Outcome.NEEDS_SIGN_IN]
        if prompts and not run.is_stopped:
            for result in _with_prompts(run, waiting, line, options):
                report.add(result, line)
                results[result.entry.key] = result
    return [results[entry.key] for entry in run.plan.entries if entry.key in results]


def _with_prompts(
    run: "FleetRun", waiting: "Sequence[EntryResult]", line: ProgressLine, options: ConnectionOptions
) -> "Iterator[EntryResult]":
    """Yield the result of each account after a sign-in in person, one at a time; of one that is skipped, as it was."""
    from pallink.cli.tenant_sign_in import find_stored, is_skipped, sign_in_to_tenant  # noqa: PLC0415 - few need it
    from pallink.fleet.result import outcome_of_error  # noqa: PLC0415

    terminal = Terminal()
    for number, result in enumerate(waiting, 1):
        entry, error = result.entry, result.error
        line.clear()
        terminal.say("account", f"{_described(entry)} ({number} of {len(waiting)})", "cyan")
        # Its refresh token was refused: it would be again.
        stored = find_stored(entry, options.settings.cloud)
        if stored is not None:
            if is_skipped(error, terminal):
                yield result
                continue
            failure = sign_in_to_tenant(entry, stored, error, options)
            if failure is not None:
                outcome = outcome_of_error(failure, entry, LinkChange.UNCHANGED)
                yield changed(result, outcome=outcome, error=failure)
                continue
        yield from run.results_with_prompts([entry])
    if any(isinstance(result.error, MoreProofNeededError) and result.entry.tenant_domain for result in waiting):
        terminal.say("note", _TRUST)


@contextmanager
def stopping(run: "FleetRun | RoleRun", line: ProgressLine, options: ConnectionOptions) -> Iterator[None]:
    """Let an interruption end the run, and not the command, which then says what was done."""
    execution, terminal = Execution.current(), Terminal()

    def stop() -> None:
        if not options.quiet and not options.output.has_error_objects:
            line.clear()
            terminal.say("stopping", "writes under way are settled; press Ctrl-C again to leave at once", "yellow")
        run.stop()

    execution.stop = stop
    try:
        yield
    finally:
        execution.stop = None


def fleet_command(options: "RunOptions", *words: str) -> str:
    """Return a fleet command with the options of this run, ready to paste."""
    from pallink.fleet.executor import DEFAULT_CONCURRENCY  # noqa: PLC0415

    given = {
        "--cloud": options.cloud if options.cloud != DEFAULT_CLOUD else None,
        "--timeout": f"{options.timeout:g}" if options.timeout != DEFAULT_TIMEOUT else None,
        "--concurrency": str(options.concurrency) if options.concurrency != DEFAULT_CONCURRENCY else None,
        "--vault-auth": options.vault_auth,
    }
    more = [word for name, value in given.items() if value is not None for word in (name, value)]
    return shlex.join(["pallink", "fleet", *words, *more])


def explain_failures(results: "Sequence[EntryResult]", options: ConnectionOptions) -> None:
    """Say on stderr why the first accounts failed, and what to do about each."""
    from pallink.fleet.result import COMPARED, Outcome  # noqa: PLC0415

    if options.quiet or options.output.has_error_objects:
        return
    failed = [result for result in results if result.outcome not in {*COMPARED, Outcome.NOT_RUN}]
    terminal = Terminal()
    for result in failed[:_MAX_EXPLAINED]:
        if result.error is not None:
            terminal.say("account", _described(result.entry), "cyan")
            explain(result.error, terminal)


def verdict(
    results: "Sequence[EntryResult]",
    *,
    is_comparison: bool,
    interrupted: bool,
    go_on: str | None = None,
    again: str | None = None,
) -> PallinkError | None:
    """Return the error that a fleet's results amount to; None if all accounts are as the file says.

    Args:
        results: The results.
        is_comparison: Whether a link that differs from the file is a finding, and not a failure.
        interrupted: Whether the run was interrupted.
        go_on: The command that goes on with an interrupted run; of a comparison, the one that lets the links follow the
            file.
        again: The command that tries again what failed.
    """
    from pallink.fleet.result import COMPARED, DONE, Outcome  # noqa: PLC0415

    total = _accounts(len(results))
    failed = [result for result in results if result.outcome not in (COMPARED if is_comparison else DONE)]
    different = [result for result in results if result.outcome is not Outcome.UNCHANGED]
    if interrupted:
        done = f"{len(results) - len(failed):,} of {total} are done"
        if is_comparison:
            return CancelledError("interrupted", cause=f"{done}; nothing was written", command=again)
        return CancelledError("interrupted", cause=done, remedy=go_on and "go on with", command=go_on)
    if failed and is_comparison:
        return AccountsFailedError(
            f"could not check {len(failed):,} of {total}", remedy="correct the error of each account, then run again"
        )
    if failed:
        if any(result.outcome is Outcome.NEEDS_REPLACE for result in failed):
            remedy = "correct the error of each account, add --replace to change other partners' links, and run again"
        else:
            remedy = "correct the error of each account, then run again: accounts that are done stay as they are"
        return AccountsFailedError(
            f"apply failed for {len(failed):,} of {total}",
            remedy=remedy,
            command=again,
        )
    if is_comparison and different:
        return FleetDiffersError(
            f"the fleet differs from its file: {len(different):,} of {total}",
            remedy="apply the file; to change another partner's link, add --replace",
            command=go_on,
        )
    return None


def finish(error: PallinkError | None, warnings: Sequence[str], options: ConnectionOptions) -> None:
    """Raise what the results amount to, with the warnings; else print those, and for programs where this was."""
    if error is not None:
        raise error.replace(warnings=(*error.warnings, *warnings, *notice(options)))
    if options.output.has_error_objects:
        say_where(options)
    for warning in warnings:
        Terminal().say("warning", one_line(warning), "yellow")


def _described(entry: "Entry") -> str:
    return one_line(f"{entry.name} in {entry.tenant_domain or entry.tenant}")


def _accounts(number: int) -> str:
    return f"{number:,} account{'' if number == 1 else 's'}"
