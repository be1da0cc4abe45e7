"""The command `pallink fleet plan`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pallink import private_files
from pallink.cli.fleet_arguments import Concurrency, Exclude, FleetFile, Limit, Replace, Select, VaultAuth
from pallink.cli.fleet_job import Selection, fleet_command, read_entries, run_all
from pallink.cli.fleet_results import Ending, FleetReport, fleet_differs
from pallink.cli.job import say_where_at_once, this_command
from pallink.cli.options import FleetOptions
from pallink.cli.prompter import TerminalPrompter
from pallink.errors import OutputError, UsageError
from pallink.os_errors import os_reason


def plan(
    options: FleetOptions,
    file: FleetFile,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Write the plan to a .json file, for fleet apply.", show_default=False
        ),
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with code 9 if an apply would change or refuse anything.")
    ] = False,
    replace: Replace = False,
    select: Select = None,
    exclude: Exclude = None,
    limit: Limit = None,
    concurrency: Concurrency = 16,
    vault_auth: VaultAuth = None,
) -> None:
    """Show what fleet apply would do. Writes no link.

    Signs each account in, checks the Reader role, and reads the link: + create, ~ replace, - remove, = unchanged,
    ! needs a person (a sign-in, or --replace), ? could not be read.
    """
    from pallink.fleet.fleet_run import FleetRun, RunOptions, new_plan  # noqa: PLC0415 - help does without it
    from pallink.fleet.work import Mode  # noqa: PLC0415

    say_where_at_once(options)
    if out is not None and out.suffix.casefold() != ".json":
        raise UsageError(
            f"--out {out} does not end with .json",
            cause="that is how fleet apply tells a plan from a fleet file",
            remedy="name another file",
        )
    selection = Selection(select, exclude, limit)
    run_options = RunOptions(
        cloud=options.settings.cloud,
        timeout=options.timeout,
        concurrency=concurrency,
        replace=replace,
        vault_auth=vault_auth,
    )
    entries = read_entries(file, selection, run_options, options)
    what = [str(out)] if out is not None else [str(file), *(["--replace"] if replace else []), *selection.words]
    # A plan file says itself whether links are replaced: then the plan is made again.
    replacing = (
        this_command("--replace")
        if out is not None
        else fleet_command(run_options, "apply", str(file), "--replace", *selection.words)
    )
    differs = fleet_differs(fleet_command(run_options, "apply", *what), replacing)
    ending = Ending(
        again=this_command(),
        show_all=this_command("-o", "tsv"),
        finding=differs if detailed_exitcode else lambda _different, _results: None,
    )
    report = FleetReport(options, len(entries), ending, is_plan=True)
    empty = new_plan(entries, run_options, source=file)
    with FleetRun(empty, Mode.PLAN, run_options, TerminalPrompter(options)) as run:
        results = run_all(run, options, report)
    if out is not None:
        _write(out, run.planned(results).as_dict())
    report.end(results, is_interrupted=run.is_stopped)


def _write(path: Path, plan: object) -> None:
    """Write a plan for its owner alone.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        private_files.write(path, f"{json.dumps(plan, indent=1)}\n".encode())
    except OSError as error:
        raise OutputError(
            f"the plan cannot be written to {path}: {os_reason(error)}",
            cause="the links were read, and nothing was changed",
            remedy="name a file in a folder that you can write to with --out",
        ) from error
