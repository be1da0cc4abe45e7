"""What a fleet command shows of its run: each result as it comes, all of them at the end, and what they amount to."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from pallink.cli.fleet_reports import NO_FILES, ReportFiles, publish_fleet
from pallink.cli.job import say_where
from pallink.cli.options import ConnectionOptions
from pallink.cli.progress import ProgressLine, bar
from pallink.cli.run import explain
from pallink.concurrency import CancelScope
from pallink.errors import (
    AccountsFailedError,
    CancelledError,
    FleetDiffersError,
    LinkedElsewhereError,
    OutputError,
    PallinkError,
)
from pallink.output import OutputFormat, Terminal, render_json_line, write_value
from pallink.redact.secrets import redact_all
from pallink.redact.text import one_line

if TYPE_CHECKING:
    from pallink.fleet.entry import Entry
    from pallink.fleet.result import EntryResult, Outcome
    from pallink.output.fleet_table import Cell

# Lines of the screen that a table leaves free.
_FREE_LINES = 6
_MIN_ROWS = 10
# How many accounts are explained; the table has a line for each.
_MAX_EXPLAINED = 5

Finding = Callable[[int, "Sequence[EntryResult]"], PallinkError | None]
"""Returns the error for links that differ, from how many do and all results; None if it is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the results of a run are shown and judged at its end.

    Attributes:
        again: The command that tries again what failed.
        with_replace: The command of a new run that changes other partners' links too; None if there is none.
        applies_plan_file: Whether the run applies a plan file.
        way_out: What to do about an error that cannot be corrected, as in `leave the account out`.
        show_all: The command that shows all accounts, where the screen has no room for them.
        finding: What links that differ amount to; None for an apply, which fails where it leaves one.
        go_on: The command that goes on with an interrupted apply.
        run_id: The run's ID; None if it has no journal.
        title: What reports for CI call the command, as in `fleet verify`; None: none are written.
        files: The reports that options name.
        warnings: What a person should know of the run as a whole.
    """

    again: str
    with_replace: str | None = None
    applies_plan_file: bool = False
    way_out: str | None = None
    show_all: str = ""
    finding: Finding | None = None
    go_on: str | None = None
    run_id: str | None = None
    title: str | None = None
    files: ReportFiles = NO_FILES
    warnings: tuple[str, ...] = ()


class FleetReport:
    """Shows the results of a run while they come, and at its end.

    Attributes:
        ending: How they are shown at the end; None: they are those of a plan that is shown elsewhere.

    Args:
        options: How to show them.
        total: How many accounts there are.
        ending: How they are shown at the end.
        is_plan: Whether the results say what would be done.
        cell: What the table shows of each account; None: its partner.
        earlier: The results of accounts that this run does not work on.
    """

    def __init__(
        self,
        options: ConnectionOptions,
        total: int,
        ending: Ending | None = None,
        *,
        is_plan: bool = False,
        cell: "Cell | None" = None,
        earlier: "Sequence[EntryResult]" = (),
    ) -> None:
        self.ending = ending
        self._options = options
        self._total = total
        self._is_plan = is_plan
        self._cell = cell
        self._earlier = earlier
        # Whether each result is written to stdout as it comes.
        self._streams = options.output is OutputFormat.JSONL and options.query is None and ending is not None
        self._streamed: set[tuple[str, str]] = set()
        self._stream_error: OutputError | None = None
        self._terminal = Terminal()
        self._began = time.monotonic()
        self._done = 0
        self._failed = 0
        # One line an account, where no bar is drawn and no program reads objects.
        is_plain = not self._terminal.is_terminal(self._terminal.stderr)
        self._has_lines = is_plain and not options.quiet and not options.output.has_error_objects
        self.stream(*earlier)

    def add(
        self, result: "EntryResult", line: ProgressLine, *, is_awaited: bool = False, is_final: bool = True
    ) -> None:
        """Show one result, and how far the run is.

        Args:
            result: The result.
            line: Shows how far the run is.
            is_awaited: Whether a person has just signed in for it.
            is_final: Whether it stays as it is; else it is written to stdout later, by `write`.
        """
        from pallink.output.fleet_table import entry_line  # noqa: PLC0415

        self._done += 1
        self._failed += result.error is not None
        if is_final:
            self.stream(result)
        if self._has_lines or (is_awaited and not self._options.quiet):
            self._terminal.tell(one_line(entry_line(result, is_plan=self._is_plan, cell=self._cell), 2000))
        if line.is_due:
            line.show(self._progress())

    def stream(self, *results: "EntryResult") -> None:
        """Write results to stdout at once, where the format is a line for each.

        A full disk does not end the run, which may be in the middle of a write: the end of the run reports it.
        """
        if not self._streams or self._stream_error is not None or CancelScope.is_caller_cancelled():
            return
        try:
            for result in results:
                self._streamed.add(result.entry.key)
                self._terminal.write(render_json_line(result.as_dict(), ascii_only=True))
        except OutputError as error:
            self._stream_error = error

    def end(self, results: "Sequence[EntryResult]", *, is_interrupted: bool = False) -> None:
        """Show all results at the end of the run, and raise what they amount to.

        Raises:
            PallinkError: Some accounts failed or differ, the run was interrupted, or the results cannot be written.
        """
        ending, options = self._known_ending, self._options
        results = [*self._earlier, *results]
        unwritten = publish_fleet(results, ending.title, ending.files, options) if ending.title is not None else ()
        self.write(results, (*ending.warnings, *unwritten))
        explain_failures(results, options)
        warnings = unwritten if options.quiet else (*ending.warnings, *unwritten)
        error = verdict(results, ending, is_interrupted=is_interrupted)
        if error is not None:
            raise error.replace(warnings=(*error.warnings, *warnings))
        if options.output.has_error_objects:
            say_where(options)
        for warning in warnings:
            self._terminal.say("warning", one_line(warning, 2000), "yellow")

    def interrupted(self, results: "Sequence[EntryResult]") -> CancelledError:
        """Show the results of a run that is left as it is, and return the error for that.

        Called in another thread than the one that works on the run, which says nothing any more.
        """
        if self.ending is None:
            return CancelledError("interrupted", cause="nothing was written")
        results = [*self._earlier, *results]
        error = _interruption(results, self.ending)
        try:
            self.write(results)
        except OutputError as unwritten:
            return error.replace(warnings=(unwritten.message,))
        return error

    @property
    def _known_ending(self) -> Ending:
        if self.ending is None:
            raise AssertionError("the results of a preview are shown by who made it")
        return self.ending

    def _progress(self) -> str:
        seconds = max(time.monotonic() - self._began, 0.001)
        rate = self._done / seconds
        left = (self._total - self._done) / rate
        need = "needs" if self._failed == 1 else "need"
        pace = f", {rate:.0f}/s" if rate >= 1 else ""
        return (
            f"{bar(self._done, self._total)}  {self._done:,} of {self._total:,} done,"
            f" {self._failed:,} {need} attention{pace}, {left:.0f} s left"
        )

    def write(self, results: "Sequence[EntryResult]", warnings: Sequence[str] = ()) -> None:
        """Write all results to stdout.

        Raises:
            OutputError: They cannot be written, or could not while the run went on.
        """
        from pallink.fleet.result import count_outcomes  # noqa: PLC0415

        options, terminal, ending = self._options, self._terminal, self._known_ending
        if self._streams:
            self.stream(*(result for result in results if result.entry.key not in self._streamed))
        if self._stream_error is not None:
            raise self._stream_error
        if self._streams:
            return
        if options.output is OutputFormat.TABLE and options.query is None:
            max_rows = _max_rows(terminal, terminal.stdout)
            table = fitted_table(results, terminal, terminal.stdout, is_plan=self._is_plan, cell=self._cell)
            terminal.write(table)
            if max_rows is not None and len(results) > max_rows and ending.show_all and not options.quiet:
                terminal.say("note", f"all accounts are shown by {ending.show_all}", unbroken=ending.show_all)
            return
        entries = [result.as_dict() for result in results]
        if options.output is OutputFormat.TSV and options.query is None:
            messages = (result.error and result.error.message for result in results)
            entries = [entry | {"error": message} for entry, message in zip(entries, messages, strict=True)]
            write_value(entries, options.output, terminal, options.query)
            return
        value = {
            "run": ending.run_id,
            "totals": count_outcomes(results),
            "warnings": redact_all(list(warnings)),
            "entries": entries,
        }
        write_value(value, options.output, terminal, options.query)


def fleet_differs(command: str, replacing: str) -> Finding:
    """Return what a fleet amounts to that differs from its file.

    Args:
        command: The command that lets the links follow the file.
        replacing: The command that changes other partners' links too.
    """
    from pallink.fleet.result import count_results  # noqa: PLC0415

    def finding(different: int, results: "Sequence[EntryResult]") -> FleetDiffersError:
        elsewhere = sum(_is_another_partners(result) for result in results)
        remedy, line = "apply the file", command
        if elsewhere == different:
            remedy, line = "if the file is right, add --replace, which changes another partner's link", replacing
        elif elsewhere:
            remedy = "apply the file; another partner's link needs --replace too"
        return FleetDiffersError(
            f"the fleet differs from its file: {different:,} of {count_results(results)}", remedy=remedy, command=line
        )

    return finding


def activates_reader(result: "EntryResult") -> bool:
    """Return whether the account of a result has to activate Reader, and no administrator has to assign it."""
    from pallink.roles import Verdict  # noqa: PLC0415

    return result.fields.get("role") == Verdict.ELIGIBLE


def how_to_get_reader(lacking: "Sequence[EntryResult]", assign: str) -> str:
    """Return what to do about accounts without Reader.

    Args:
        lacking: Their results.
        assign: What to do where an administrator has to assign it.
    """
    activates = list(map(activates_reader, lacking))
    if all(activates):
        return "activate Reader where the account is eligible for it"
    return f"{assign}, or activate it where the account is eligible for it" if any(activates) else assign


def _is_another_partners(result: "EntryResult") -> bool:
    error = result.error
    return isinstance(error, LinkedElsewhereError) and error.linked_partner_id != error.wanted_partner_id


def fitted_table(
    results: "Sequence[EntryResult]", terminal: Terminal, stream: TextIO, *, is_plan: bool, cell: "Cell | None" = None
) -> str:
    """Return the table as it fits a stream: on a terminal cut to the screen, elsewhere whole."""
    from pallink.output.fleet_table import render_results  # noqa: PLC0415

    return render_results(
        results, is_plan=is_plan, max_rows=_max_rows(terminal, stream), columns=terminal.columns(stream), cell=cell
    )


def explain_failures(results: "Sequence[EntryResult]", options: ConnectionOptions) -> None:
    """Say on stderr why the first accounts are not as wanted, and what to do about each.

    With a table, which has a line for each account, only those that failed are explained, and none if `--quiet`.
    """
    from pallink.fleet.result import ATTENTION, DONE, Outcome  # noqa: PLC0415

    has_table = options.output is OutputFormat.TABLE and options.query is None
    if options.output.has_error_objects or (has_table and options.quiet):
        return
    explained = {*DONE, Outcome.NOT_RUN, *([Outcome.DIFFERS] if has_table else [])}
    unexplained = [
        (result.entry, result.error)
        for result in sorted(results, key=lambda result: ATTENTION.index(result.outcome))
        if result.error is not None and result.outcome not in explained
    ]
    terminal = Terminal()
    for entry, error in unexplained[:_MAX_EXPLAINED]:
        terminal.say("account", describe(entry), "cyan")
        explain(error, terminal)
    if len(unexplained) > _MAX_EXPLAINED and not has_table:
        terminal.say("note", f"and {len(unexplained) - _MAX_EXPLAINED:,} more")


def verdict(results: "Sequence[EntryResult]", ending: Ending, *, is_interrupted: bool = False) -> PallinkError | None:
    """Return the error that a fleet's results amount to; None if all accounts are as wanted."""
    from pallink.fleet.result import Outcome, count_results  # noqa: PLC0415

    if is_interrupted:
        return _interruption(results, ending)
    failed = _failed(results, ending)
    correct = f"correct each error, or {ending.way_out}" if ending.way_out else "correct each error"
    if failed and ending.finding is not None:
        return AccountsFailedError(
            f"could not check {len(failed):,} of {count_results(results)}",
            remedy=f"{correct}, then run again",
            command=ending.again,
        )
    if failed:
        remedy, command = _way_on([result.outcome for result in failed], ending, correct)
        return AccountsFailedError(
            f"could not complete {len(failed):,} of {count_results(results)}", remedy=remedy, command=command
        )
    different = sum(result.outcome is not Outcome.UNCHANGED for result in results)
    return ending.finding(different, results) if ending.finding is not None and different else None


def _way_on(outcomes: "Sequence[Outcome]", ending: Ending, correct: str) -> tuple[str, str | None]:
    """Return what to do after an apply that left accounts undone, and the command for it."""
    from pallink.fleet.result import Outcome  # noqa: PLC0415

    # What a plan, or a run that is resumed, replaces was decided before: it takes a new one.
    if Outcome.NEEDS_REPLACE in outcomes:
        new = "make the plan again" if ending.applies_plan_file else "start a new run"
        remedy, command = f"{new} with --replace to change other partners' links", ending.with_replace
        is_all = set(outcomes) == {Outcome.NEEDS_REPLACE}
    elif Outcome.STALE in outcomes and ending.applies_plan_file:
        remedy, command = "make the plan again", None
        is_all = set(outcomes) == {Outcome.STALE}
    else:
        return f"{correct}, then run again", ending.again
    return remedy if is_all else f"{correct}, and {remedy}", command


def _interruption(results: "Sequence[EntryResult]", ending: Ending) -> CancelledError:
    from pallink.fleet.result import count_results  # noqa: PLC0415

    done = f"{len(results) - len(_failed(results, ending)):,} of {count_results(results)} are done"
    if ending.finding is not None:
        return CancelledError("interrupted", cause=f"{done}; nothing was written", command=ending.again)
    return CancelledError("interrupted", cause=done, remedy=ending.go_on and "resume the run", command=ending.go_on)


def _failed(results: "Sequence[EntryResult]", ending: Ending) -> "list[EntryResult]":
    """Return the results of accounts that are not done; where links are compared, of those that could not be."""
    from pallink.fleet.result import COMPARED, DONE  # noqa: PLC0415

    done = DONE if ending.finding is None else COMPARED
    return [result for result in results if result.outcome not in done]


def describe(entry: "Entry") -> str:
    """Return who an entry is about, and where, on one line."""
    domain = entry.tenant_domain or entry.tenant
    return one_line(
        f"{entry.name} in {entry.tenant_name} ({domain})" if entry.tenant_name else f"{entry.name} in {domain}"
    )


def _max_rows(terminal: Terminal, stream: TextIO) -> int | None:
    rows = terminal.rows(stream)
    return max(rows - _FREE_LINES, _MIN_ROWS) if rows else None
