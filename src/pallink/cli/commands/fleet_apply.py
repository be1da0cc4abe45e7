"""The command `pallink fleet apply`."""

import shlex
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pallink.cli.arguments import Yes
from pallink.cli.fleet_arguments import Concurrency, Csv, Exclude, Junit, Limit, Markdown, Replace, Select, VaultAuth
from pallink.cli.fleet_job import Selection, fleet_command, read_entries, run_all
from pallink.cli.fleet_reports import ReportFiles
from pallink.cli.fleet_results import Ending, FleetReport, fitted_table
from pallink.cli.job import can_ask, say_where, say_where_at_once, this_command, yes_is_required, yes_or_no
from pallink.cli.options import ConnectionOptions, FleetOptions
from pallink.cli.prompter import TerminalPrompter
from pallink.errors import CancelledError, UsageError
from pallink.output import Terminal

if TYPE_CHECKING:
    from pallink.fleet.fleet_run import FleetRun, RunOptions
    from pallink.fleet.plan_file import Plan
    from pallink.fleet.result import EntryResult


def apply(
    options: FleetOptions,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="The fleet file, or a plan (.json) that fleet plan wrote.", metavar="[FILE]", show_default=False
        ),
    ] = None,
    *,
    replace: Replace = False,
    yes: Yes = False,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            help="Resume an earlier run: its ID, its folder, or last.",
            show_default=False,
        ),
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option("--run-dir", metavar="DIR", help="Where to keep the journal of the run.", show_default=False),
    ] = None,
    select: Select = None,
    exclude: Exclude = None,
    limit: Limit = None,
    concurrency: Concurrency = 16,
    vault_auth: VaultAuth = None,
    junit: Junit = None,
    markdown: Markdown = None,
    csv: Csv = None,
) -> None:
    """Link, change or unlink the accounts of a fleet file, as it says.

    Shows the plan and prompts once; --yes skips the prompt. Each account is handled as pallink link and pallink unlink
    do. Each write is recorded in a journal first: a run that was interrupted can be resumed. A plan file is carried out
    without a prompt, and changes no link that is no longer what the plan saw.
    """
    from pallink.fleet.fleet_run import RunOptions, resume_apply  # noqa: PLC0415 - help does without it

    say_where_at_once(options)
    selection, files = Selection(select, exclude, limit), ReportFiles.parse(junit, markdown, csv)
    run_options = RunOptions(
        cloud=options.settings.cloud,
        timeout=options.timeout,
        concurrency=concurrency,
        replace=replace,
        vault_auth=vault_auth,
    )
    applies_plan_file = _is_plan_file(file)
    ending = Ending(
        again=this_command(),
        # A folder holds one run; and a plan does not know which accounts of its file were selected.
        with_replace=None if resume or run_dir or applies_plan_file else this_command("--replace"),
        applies_plan_file=applies_plan_file,
        title="fleet apply",
        files=files,
    )
    if resume is not None:
        _refuse_besides("--resume", file=file, run_dir=run_dir, replace=replace, selection=selection)
        _carry_out(resume_apply(resume, run_options), [], options, ending)
        return
    plan, earlier = _plan(file, options, run_options, selection, yes=yes)
    apply_plan(plan, earlier, options, run_options, ending, run_dir=run_dir)


def apply_plan(
    plan: "Plan",
    earlier: "list[EntryResult]",
    options: ConnectionOptions,
    run_options: "RunOptions",
    ending: Ending,
    *,
    run_dir: Path | None = None,
) -> None:
    """Carry a plan out, and show what came of it.

    Args:
        plan: What to carry out.
        earlier: The results of accounts that are not worked on, unchanged ones or refused.
        options: The command's options.
        run_options: How the fleet is run.
        ending: How the results are shown, but for what the journal decides.
        run_dir: The folder of the journal.
    """
    from pallink.fleet.fleet_run import begin_apply  # noqa: PLC0415 - help does without it
    from pallink.fleet.result import DONE  # noqa: PLC0415

    refused = [result for result in earlier if result.outcome not in DONE]
    if len(plan.entries) == len(refused):
        FleetReport(options, len(earlier), ending, earlier=earlier).end([])
        return
    run = begin_apply(plan, changed(run_options, replace=plan.replace), run_dir=run_dir, finished=refused)
    _carry_out(run, [result for result in earlier if result.outcome in DONE], options, ending)


def _plan(
    file: Path | None, options: FleetOptions, run_options: "RunOptions", selection: Selection, *, yes: bool
) -> "tuple[Plan, list[EntryResult]]":
    """Return the plan to carry out, and the results of accounts that are not worked on, unchanged ones or refused."""
    if file is None:
        raise UsageError(
            "missing argument FILE or option --resume",
            remedy="name a fleet file, or resume one of these runs",
            command="pallink fleet runs",
        )
    if _is_plan_file(file):
        _refuse_besides("a plan file", replace=run_options.replace, selection=selection)
        return _read_plan(file, run_options.cloud), []
    if yes:
        return _new_plan(file, options, run_options, selection), []
    return confirmed_plan(_new_plan(file, options, run_options, selection), options, run_options)


def _is_plan_file(file: Path | None) -> bool:
    return file is not None and file.suffix.casefold() == ".json"


def _carry_out(
    run: "FleetRun",
    unchanged: "list[EntryResult]",
    options: ConnectionOptions,
    ending: Ending,
) -> None:
    run.prompter = TerminalPrompter(options)
    options.report.cause, options.report.remedy = "the journal says what is done", "resume the run"
    ending_of_run = _ending_of(run, ending, options)
    options.report.command = ending_of_run.go_on
    report = FleetReport(options, len(run.pending), ending_of_run, earlier=unchanged)
    with run:
        results = run_all(run, options, report)
    # The journal may have been removed meanwhile.
    report.ending = _ending_of(run, ending, options)
    report.end(results, is_interrupted=run.is_stopped)


def _ending_of(run: "FleetRun", ending: Ending, options: ConnectionOptions) -> Ending:
    """Return the ending with what the run's journal decides."""
    journal = run.journal
    if journal is None:
        raise AssertionError("an apply keeps a journal")
    words = [*options.output_words, *ending.files.words]
    go_on = fleet_command(run.options, "apply", "--resume", journal.name, *words)
    # A folder that an option names holds this run: another one cannot begin in it.
    is_elsewhere = journal.name != journal.run_id and not journal.is_removed
    return changed(
        ending,
        again=go_on if is_elsewhere else ending.again,
        show_all=shlex.join(["pallink", "fleet", "runs", journal.name]),
        go_on=go_on,
        run_id=journal.run_id,
    )


def _refuse_besides(what: str, *, selection: Selection, **others: object) -> None:
    """Refuse options that contradict what an earlier run or a plan says already.

    Raises:
        UsageError: One of them is given.
    """
    given = {"select": selection.select, "exclude": selection.exclude, "limit": selection.limit, **others}
    for name, value in given.items():
        if value:
            option = "FILE" if name == "file" else "--" + name.replace("_", "-")
            raise UsageError(
                f"{option} cannot be combined with {what}",
                cause="which accounts, and what is done for them, was decided before",
                remedy=f"leave {option} out",
            )


def _new_plan(file: Path, options: ConnectionOptions, run_options: "RunOptions", selection: Selection) -> "Plan":
    from pallink.fleet.fleet_run import new_plan  # noqa: PLC0415

    return new_plan(read_entries(file, selection, run_options, options), run_options, source=file)


def _read_plan(file: Path, cloud: str) -> "Plan":
    """Return the plan in a file.

    Raises:
        UsageError: It cannot be read, or is no plan for this cloud.
    """
    from pallink.fleet.file import read_bytes  # noqa: PLC0415
    from pallink.fleet.plan_file import read_plan  # noqa: PLC0415

    return read_plan(file, read_bytes(file), cloud)


def confirmed_plan(
    empty: "Plan", options: ConnectionOptions, run_options: "RunOptions"
) -> "tuple[Plan, list[EntryResult]]":
    """Show what would be done, and ask.

    Args:
        empty: The plan before anything was read.
        options: The command's options.
        run_options: How the fleet is run.

    Returns:
        The plan for the accounts that differ from the file, and the results of the accounts with nothing to do, which
        are unchanged or refused.

    Raises:
        UsageError: No prompt is possible.
        CancelledError: It was not confirmed.
    """
    from pallink.fleet.fleet_run import FleetRun  # noqa: PLC0415
    from pallink.fleet.result import CHANGES, Outcome  # noqa: PLC0415
    from pallink.fleet.work import Mode  # noqa: PLC0415
    from pallink.output.fleet_table import totals_line  # noqa: PLC0415

    if not can_ask(options):
        raise yes_is_required(first="look at the plan with pallink fleet plan, then ")
    report = FleetReport(options, len(empty.entries), is_plan=True)
    with FleetRun(empty, Mode.PLAN, run_options) as run:
        results = run_all(run, options, report, prompts=False)
        planned = run.planned(results)
    if run.is_stopped:
        raise CancelledError("interrupted", cause="nothing was written")
    todo = {result.entry.key for result in results if result.outcome in {*CHANGES, Outcome.NEEDS_SIGN_IN}}
    earlier = [result for result in results if result.entry.key not in todo]
    if todo:
        terminal = Terminal()
        if options.output.has_error_objects:
            say_where(options)
        terminal.write_stderr(fitted_table(results, terminal, terminal.stderr, is_plan=True))
        if not yes_or_no("Apply this plan?", terminal):
            raise CancelledError("not confirmed: nothing was changed", cause=totals_line(results, is_plan=True))
    unchanged = {result.entry.key for result in earlier if result.outcome is Outcome.UNCHANGED}
    entries = tuple(entry for entry in planned.entries if entry.key not in unchanged)
    # One that needs a sign-in was not seen: it is read when the person has signed in.
    seen = {key: link for key, link in planned.seen.items() if link.was_read}
    return changed(planned, entries=entries, seen=seen), earlier
