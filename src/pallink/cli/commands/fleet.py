"""pallink fleet: link and check many accounts from one file."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pallink.cli.commands import fleet_apply, fleet_check, fleet_discover, fleet_plan, fleet_verify
from pallink.cli.fleet_arguments import FleetFile
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, FleetOptions, OutputOptions, command_with_options
from pallink.errors import UsageError
from pallink.output import Terminal, write_value
from pallink.output.rendering import render_table
from pallink.redact.text import one_line
from pallink.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pallink.fleet.entry import Entry
    from pallink.fleet.runs import RunSummary

app = new_app(help="Link and check many accounts from one file.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Link and check many accounts from one file."""


command_with_options(app, options=FleetOptions)(fleet_plan.plan)
command_with_options(app, options=FleetOptions)(fleet_apply.apply)
command_with_options(app, options=FleetOptions)(fleet_verify.verify)
command_with_options(app, options=FleetOptions)(fleet_check.check)
command_with_options(app, options=CommonOptions)(fleet_discover.discover)


@command_with_options(app, options=OutputOptions)
def validate(
    options: OutputOptions,
    file: FleetFile,
) -> None:
    """Check a fleet file without signing in, and list everything that is wrong with it.

    Sends nothing. With a problem: exit code 2.
    """
    from pallink.fleet.entry import ALL_TENANTS  # noqa: PLC0415 - help does without it
    from pallink.fleet.file import read_fleet  # noqa: PLC0415

    fleet = read_fleet(file)
    terminal = Terminal()
    tenants = {entry.tenant.casefold() for entry in fleet.entries} - {ALL_TENANTS}
    in_all = sum(entry.tenant == ALL_TENANTS for entry in fleet.entries)
    problems = [
        {"line": problem.line, "column": problem.column, "message": problem.message} for problem in fleet.problems
    ]
    value = {"file": str(file), "accounts": len(fleet.entries), "tenants": len(tenants), "problems": problems}

    def write_table() -> None:
        lines = [f"{file}:{problem.line}:{problem.column}: {problem.message}" for problem in fleet.problems]
        places = [f"{counted(len(fleet.entries) - in_all, 'account')} in {counted(len(tenants), 'tenant')}"]
        places += [f"{counted(in_all, 'account')} in all of its tenants"] if in_all else []
        lines = lines or [f"valid: {', '.join(places)}"]
        terminal.write("".join(f"{one_line(line)}\n" for line in lines))

    write_value(value, options.output, terminal, options.query, table=write_table)
    if problems:
        raise UsageError(
            f"the fleet file {file} has {counted(len(problems), 'problem')}",
            remedy="correct the file, and validate it again",
        )


@command_with_options(app, options=OutputOptions)
def runs(
    options: OutputOptions,
    run: Annotated[
        str | None,
        typer.Argument(help="A run to show: its ID, its folder, or last.", metavar="[RUN]", show_default=False),
    ] = None,
) -> None:
    """List the runs of fleet apply, or show what one of them did."""
    from pallink.fleet.plan_file import InvalidPlanError  # noqa: PLC0415 - help does without it
    from pallink.fleet.records import run_entries  # noqa: PLC0415
    from pallink.fleet.run_folder import JOURNAL, find_run  # noqa: PLC0415
    from pallink.fleet.runs import list_runs, read_run, unreadable_run  # noqa: PLC0415

    terminal = Terminal()
    if run is None:
        found = list_runs()
        write_value(
            [summary.as_dict() for summary in found],
            options.output,
            terminal,
            options.query,
            table=lambda: terminal.write(_render_runs(found)),
        )
        return
    folder = find_run(run)
    state = read_run(folder)
    try:
        results = run_entries(state)
    except InvalidPlanError as error:
        raise unreadable_run(folder, f"{JOURNAL}: {error}") from error
    totals = Counter(str(result["outcome"]) for _, result in results)
    write_value(
        {"run": state.run_id, "totals": dict(totals), "entries": [result for _, result in results]},
        options.output,
        terminal,
        options.query,
        table=lambda: terminal.write(render_table([_result_row(entry, result) for entry, result in results])),
    )


def _render_runs(runs: "Sequence[RunSummary]") -> str:
    rows = [
        {
            "run": summary.run_id,
            "status": str(summary.status),
            "done": "" if summary.entries is None else f"{summary.done} of {summary.entries}",
            "file": summary.file or summary.problem or "",
        }
        for summary in runs
    ]
    return render_table(rows) if rows else "there are no runs\n"


def _result_row(entry: "Entry", result: Mapping[str, Any]) -> dict[str, Any]:
    from pallink.fleet.result import Outcome  # noqa: PLC0415
    from pallink.output.fleet_table import partner_cell  # noqa: PLC0415

    tenant = result["tenantName"] or entry.tenant_name or entry.tenant_domain or entry.tenant
    return {
        "outcome": result["outcome"],
        "name": result["name"],
        "tenant": tenant,
        "partner": partner_cell(entry, Outcome(result["outcome"]), result),
        "error": result["error"].get("message") if isinstance(result["error"], dict) else None,
    }
