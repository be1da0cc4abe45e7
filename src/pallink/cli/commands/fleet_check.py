"""The command `pallink fleet check`."""

from pathlib import Path
from typing import TYPE_CHECKING

from pallink.cli.fleet_arguments import Concurrency, Csv, Exclude, FleetFile, Junit, Limit, Markdown, Select, VaultAuth
from pallink.cli.fleet_job import Selection, read_entries, run_all
from pallink.cli.fleet_reports import ReportFiles
from pallink.cli.fleet_results import Ending, FleetReport, activates_reader, how_to_get_reader
from pallink.cli.job import say_where_at_once, this_command
from pallink.cli.options import FleetOptions
from pallink.cli.prompter import TerminalPrompter
from pallink.cli.role_fleet import needing_role
from pallink.errors import AccountsFailedError, FleetDiffersError, SubscriptionNotFoundError
from pallink.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pallink.fleet.result import EntryResult

# With more accounts than this, one command for all of them is plainer.
_MAX_COMMANDS = 10
_ASSIGN = "have an administrator assign Reader where it is missing"


def check(
    options: FleetOptions,
    file: FleetFile,
    *,
    select: Select = None,
    exclude: Exclude = None,
    limit: Limit = None,
    concurrency: Concurrency = 16,
    vault_auth: VaultAuth = None,
    junit: Junit = None,
    markdown: Markdown = None,
    csv: Csv = None,
) -> None:
    """Fail unless each account that is to be linked holds Reader, and print what assigns it. Writes nothing.

    Exit code 9: all accounts were checked, and some lack Reader. 8: some could not be checked. An entry whose state is
    unlinked, or whose role-check is skip, needs no role.
    """
    from pallink.fleet.fleet_run import FleetRun, RunOptions, new_plan  # noqa: PLC0415 - help does without it
    from pallink.fleet.result import count_results  # noqa: PLC0415
    from pallink.fleet.work import Mode  # noqa: PLC0415

    say_where_at_once(options)
    selection, files = Selection(select, exclude, limit), ReportFiles.parse(junit, markdown, csv)
    run_options = RunOptions(
        cloud=options.settings.cloud, timeout=options.timeout, concurrency=concurrency, vault_auth=vault_auth
    )

    def finding(lacking: int, results: "Sequence[EntryResult]") -> FleetDiffersError:
        remedy, commands = _advice(_lacking(results), file, selection, options)
        return FleetDiffersError(
            f"the Reader role is missing for {lacking:,} of {count_results(results)}", remedy=remedy, command=commands
        )

    entries = needing_role(read_entries(file, selection, run_options, options), file, options)
    ending = Ending(
        again=this_command(),
        show_all=this_command("-o", "tsv"),
        finding=finding,
        title="fleet check",
        files=files,
    )
    report = FleetReport(options, len(entries), ending, cell=_role_of)
    plan = new_plan(entries, run_options, source=file)
    with FleetRun(plan, Mode.CHECK, run_options, TerminalPrompter(options)) as run:
        results = run_all(run, options, report)
    try:
        report.end(results, is_interrupted=run.is_stopped)
    except AccountsFailedError as error:
        lacking = _lacking(results)
        if not lacking:
            raise
        remedy, commands = _advice(lacking, file, selection, options)
        raise error.replace(remedy=f"correct the other errors, and {remedy}", command=commands) from None


def _role_of(result: "EntryResult") -> str:
    return str(result.fields.get("role") or "")


def _lacking(results: "Sequence[EntryResult]") -> "list[EntryResult]":
    """Return the results of accounts without Reader; an account that has no role in a subscription does not see it."""
    from pallink.fleet.result import Outcome  # noqa: PLC0415 - help does without it

    return [
        result
        for result in results
        if result.outcome is Outcome.DIFFERS or isinstance(result.error, SubscriptionNotFoundError)
    ]


def _advice(
    lacking: "Sequence[EntryResult]", file: Path, selection: Selection, options: FleetOptions
) -> tuple[str, str | None]:
    """Return the remedy and the commands for accounts without Reader, one a line; None if many have to activate it."""
    remedy = how_to_get_reader(lacking, _ASSIGN)
    commands = [result.error.command for result in lacking if result.error is not None and result.error.command]
    if len(commands) <= _MAX_COMMANDS:
        return remedy, "\n".join(commands)
    if all(map(activates_reader, lacking)):
        # Each account activates its own role: the results have the commands.
        return remedy, None
    words = ["--fleet", str(file), *selection.words]
    if not all(result.entry.subscriptions for result in lacking):
        words += ["--subscription", "SUBSCRIPTION"]
    return remedy, Settings(options.settings.cloud).command("role", "assign", *words)
