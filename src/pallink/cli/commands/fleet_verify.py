"""The command `pallink fleet verify`."""

from pallink.cli.fleet_arguments import Concurrency, Csv, Exclude, FleetFile, Junit, Limit, Markdown, Select, VaultAuth
from pallink.cli.fleet_job import (
    FleetReport,
    Selection,
    explain_failures,
    finish,
    fleet_command,
    read_entries,
    run_all,
    verdict,
)
from pallink.cli.fleet_reports import ReportFiles, publish_fleet
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
    selection = Selection(select, exclude, limit)
    run_options = RunOptions(
        cloud=options.settings.cloud, timeout=options.timeout, concurrency=concurrency, vault_auth=vault_auth
    )
    entries = read_entries(file, selection, run_options, options)
    report = FleetReport(options, len(entries))
    plan = new_plan(entries, run_options, source=file)
    with FleetRun(plan, Mode.VERIFY, run_options, TerminalPrompter(options)) as run:
        results = run_all(run, options, report)
    warnings = publish_fleet(results, "fleet verify", ReportFiles(junit, markdown, csv), options)
    report.write(results, show_all=this_command("-o", "tsv"))
    explain_failures(results, options)
    go_on = fleet_command(run_options, "apply", str(file), *selection.words)
    error = verdict(results, is_comparison=True, interrupted=run.is_stopped, go_on=go_on, again=this_command())
    finish(error, warnings, options)
