"""The command `pallink fleet verify`."""

from pallink.cli.fleet_arguments import Concurrency, Csv, Exclude, FleetFile, Junit, Limit, Markdown, Select, VaultAuth
from pallink.cli.fleet_job import Selection, fleet_command, read_entries, run_all
from pallink.cli.fleet_reports import ReportFiles
from pallink.cli.fleet_results import Ending, FleetReport, fleet_differs
from pallink.cli.job import say_where_at_once, this_command
from pallink.cli.options import FleetOptions
from pallink.cli.prompter import TerminalPrompter


def verify(
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
    """Fail unless each account is linked as the fleet file says. Writes no link.

    Exit code 9: all accounts were checked, and some differ from the file. 8: some could not be checked.
    """
    from pallink.fleet.fleet_run import FleetRun, RunOptions, new_plan  # noqa: PLC0415 - help does without it
    from pallink.fleet.work import Mode  # noqa: PLC0415

    say_where_at_once(options)
    selection, files = Selection(select, exclude, limit), ReportFiles.parse(junit, markdown, csv)
    run_options = RunOptions(
        cloud=options.settings.cloud, timeout=options.timeout, concurrency=concurrency, vault_auth=vault_auth
    )
    entries = read_entries(file, selection, run_options, options)
    ending = Ending(
        again=this_command(),
        show_all=this_command("-o", "tsv"),
        finding=fleet_differs(
            fleet_command(run_options, "apply", str(file), *selection.words),
            fleet_command(run_options, "apply", str(file), "--replace", *selection.words),
        ),
        title="fleet verify",
        files=files,
    )
    report = FleetReport(options, len(entries), ending)
    plan = new_plan(entries, run_options, source=file)
    with FleetRun(plan, Mode.VERIFY, run_options, TerminalPrompter(options)) as run:
        results = run_all(run, options, report)
    report.end(results, is_interrupted=run.is_stopped)
