"""What the fleet commands share: reading the file, and running it with progress, prompts and Ctrl-C."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pallink.cli.job import can_ask, progress
from pallink.cli.options import ConnectionOptions
from pallink.cli.progress import ProgressLine
from pallink.cli.prompter import TerminalPrompter
from pallink.cli.stopping import stopping
from pallink.errors import CancelledError, UsageError
from pallink.output import Terminal
from pallink.settings import DEFAULT_CLOUD, DEFAULT_TIMEOUT
from pallink.words import counted

if TYPE_CHECKING:
    from pallink.fleet.entry import Entry
    from pallink.fleet.fleet_run import FleetRun, RunOptions
    from pallink.fleet.result import EntryResult
    from pallink.fleet.work import Key


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


def read_entries(
    file: Path, selection: Selection, run_options: "RunOptions | None", options: ConnectionOptions
) -> "tuple[Entry, ...]":
    """Return the entries of a fleet file that a command is for, one for each tenant where it says all tenants.

    For all tenants of an account it signs in; on a terminal with a prompt, where no sign-in is stored. Without
    `run_options` such entries stay as they are.

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
        others = f"it has {counted(more, 'more problem')}; nothing was sent"
        raise UsageError(
            f"invalid fleet file {file}:{first.line}:{first.column}: {first.message}",
            cause=others if more else "nothing was sent",
            remedy="correct the fleet file, and check it",
            command=shlex.join(["pallink", "fleet", "validate", str(file)]),
        )
    entries = fleet.entries
    if run_options is not None and any(entry.tenant == ALL_TENANTS for entry in entries):
        from pallink.fleet.expansion import with_all_tenants  # noqa: PLC0415

        entries = with_all_tenants(entries, run_options, TerminalPrompter(options) if can_ask(options) else None)
    return select_entries(entries, selection.select or (), selection.exclude or (), selection.limit)


class Listener(Protocol):
    """Is told of the results of a run while they come."""

    def add(self, result: "EntryResult", line: ProgressLine, *, is_awaited: bool = False) -> None:
        """Show one result, and how far the run is; `is_awaited` if a person has just signed in for it."""

    def stream(self, *results: "EntryResult") -> None:
        """Show results that an earlier process finished."""

    def interrupted(self, results: "Sequence[EntryResult]") -> CancelledError:
        """Show the results of a run that is left as it is, and return the error for that."""


def run_all(
    run: "FleetRun", options: ConnectionOptions, report: Listener, *, prompts: bool = True
) -> "list[EntryResult]":
    """Run a fleet and return its results in the order of the file.

    The first Ctrl-C begins no further account and lets writes settle; a second one, or one while a sign-in is asked
    for, leaves the run as it is, and shows that.

    Args:
        run: The run.
        options: The command's options.
        report: Shows the results as they come.
        prompts: Whether accounts that need a sign-in are asked for at the end, one at a time, on a terminal.
    """
    from pallink.cli.tenant_sign_in import prompted_results  # noqa: PLC0415 - few need it
    from pallink.fleet.result import Outcome, count_entries, count_results  # noqa: PLC0415

    prompts = prompts and can_ask(options)
    results = {result.entry.key: result for result in run.finished}
    report.stream(*run.finished)
    with progress(options) as line, _reporting(run, results, options, report):
        with stopping(run, line, options), line.waiting_for(count_entries(run.pending)):
            for result in run.results():
                # On a terminal those that need a sign-in are tried again.
                if result.outcome is not Outcome.NEEDS_SIGN_IN or not prompts:
                    report.add(result, line)
                results[result.entry.key] = result
        ordered = [results[entry.key] for entry in run.plan.entries if entry.key in results]
        waiting = [result for result in ordered if result.outcome is Outcome.NEEDS_SIGN_IN]
        if prompts and waiting and not run.is_stopped:
            if len(waiting) < len(ordered) and not options.quiet:
                line.clear()
                need = "needs" if len(waiting) == 1 else "need"
                Terminal().say("note", f"{len(waiting):,} of {count_results(ordered)} {need} a sign-in, one at a time")
            for result in prompted_results(run, waiting, line, options):
                report.add(result, line, is_awaited=True)
                results[result.entry.key] = result
    return [results[entry.key] for entry in run.plan.entries if entry.key in results]


@contextmanager
def _reporting(
    run: "FleetRun", results: "Mapping[Key, EntryResult]", options: ConnectionOptions, report: Listener
) -> Iterator[None]:
    """Let an interruption of the command show what the run has done so far."""

    def interrupted() -> CancelledError:
        # A copy: the thread that works on the run may add to them.
        return report.interrupted(run.results_so_far(dict(results)))

    options.report.so_far = interrupted
    try:
        yield
    finally:
        options.report.so_far = None


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
