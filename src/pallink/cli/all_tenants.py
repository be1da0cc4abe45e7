"""A command's job in all tenants of one account: a fleet without a file, with the same plan, journal and outputs."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pallink.cli.fleet_job import FleetReport, explain_failures, finish, run_all, verdict
from pallink.cli.fleet_reports import ReportFiles, publish_fleet
from pallink.cli.job import can_ask, session, this_command, yes_is_required
from pallink.cli.options import CommonOptions
from pallink.cli.prompter import TerminalPrompter
from pallink.errors import FleetDiffersError, UsageError
from pallink.settings import RoleCheck
from pallink.signin.methods import SignInMethod
from pallink.signin.tenants import check_covers_tenants

if TYPE_CHECKING:
    from pallink.fleet.entry import Entry
    from pallink.fleet.fleet_run import RunOptions
    from pallink.fleet.result import EntryResult
    from pallink.fleet.work import Mode

AllTenants = Annotated[
    bool,
    typer.Option("--all-tenants", help="Do it in every tenant that the user is in, with one sign-in, many at a time."),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of the account's link in each tenant, as an entry of a fleet file says it.

    Attributes:
        partner_id: The partner; None if the command names none.
        is_unlinked: Whether the link is to be removed.
        role_check: What a missing Reader role means.
        subscriptions: Those on which Reader must be held.
        replace: Whether another partner's link is changed.
    """

    partner_id: str | None = None
    is_unlinked: bool = False
    role_check: RoleCheck = RoleCheck.REQUIRE
    subscriptions: tuple[str, ...] = ()
    replace: bool = False


def check_tenant_options(options: CommonOptions, *, all_tenants: bool, exclude_tenant: Sequence[str] | None) -> None:
    """Refuse options about tenants that contradict each other.

    Raises:
        UsageError: --exclude-tenant without --all-tenants, or --tenant with it.
    """
    if exclude_tenant and not all_tenants:
        raise UsageError(
            "--exclude-tenant is for --all-tenants",
            cause="without it the command is about one tenant",
            remedy="add --all-tenants, or leave --exclude-tenant out",
        )
    if all_tenants and options.tenant is not None:
        raise UsageError(
            "--tenant contradicts --all-tenants",
            cause="one names a tenant, the other means all of them",
            remedy="leave one of them out; PALLINK_TENANT sets --tenant too",
        )


def write_in_all_tenants(
    options: CommonOptions, wanted: Wanted, exclude: Sequence[str] | None, *, yes: bool, dry_run: bool
) -> None:
    """Link or unlink the account in each tenant, as `fleet apply` does; as a dry run show what would be done."""
    from pallink.cli.commands.fleet_apply import apply_plan, confirmed_plan  # noqa: PLC0415 - one tenant needs none
    from pallink.fleet.fleet_run import new_plan  # noqa: PLC0415
    from pallink.fleet.work import Mode  # noqa: PLC0415

    if dry_run:
        _read(options, wanted, exclude, Mode.PLAN)
        return
    if not yes and not can_ask(options):
        raise yes_is_required(first="see with --dry-run what would be done, then ")
    entries, run_options = _prepare(options, wanted, exclude)
    command = "unlink" if wanted.is_unlinked else "link"
    plan = new_plan(entries, run_options, source=Path(f"pallink {command} --all-tenants"))
    if yes:
        apply_plan(plan, [], options, run_options)
    else:
        planned, earlier = confirmed_plan(plan, options, run_options)
        apply_plan(planned, earlier, options, run_options)


def verify_in_all_tenants(
    options: CommonOptions, wanted: Wanted, exclude: Sequence[str] | None, *, junit: Path | None = None
) -> None:
    """Compare the account's link in each tenant, as `fleet verify` does."""
    from pallink.fleet.work import Mode  # noqa: PLC0415 - one tenant needs none

    _read(options, wanted, exclude, Mode.VERIFY, files=ReportFiles(junit))


def read_in_all_tenants(options: CommonOptions, wanted: Wanted, exclude: Sequence[str] | None) -> None:
    """Show the account's link in each tenant. A tenant without a link is not an error."""
    from pallink.fleet.work import Mode  # noqa: PLC0415 - one tenant needs none

    _read(options, wanted, exclude, Mode.SHOW)


def check_in_all_tenants(options: CommonOptions, wanted: Wanted, exclude: Sequence[str] | None) -> None:
    """Check the Reader role in each tenant, and show the link there."""
    from pallink.fleet.work import Mode  # noqa: PLC0415 - one tenant needs none

    _read(options, wanted, exclude, Mode.CHECK)


def _read(
    options: CommonOptions,
    wanted: Wanted,
    exclude: Sequence[str] | None,
    mode: "Mode",
    *,
    files: ReportFiles = ReportFiles(),  # noqa: B008 - it is immutable
) -> None:
    from pallink.fleet.fleet_run import FleetRun, new_plan  # noqa: PLC0415 - one tenant needs none
    from pallink.fleet.work import Mode  # noqa: PLC0415

    entries, run_options = _prepare(options, wanted, exclude)
    report = FleetReport(options, len(entries), is_plan=mode is Mode.PLAN)
    with FleetRun(new_plan(entries, run_options, source=Path()), mode, run_options, TerminalPrompter(options)) as run:
        results = run_all(run, options, report)
    warnings = publish_fleet(results, f"{mode} --all-tenants", files, options)
    report.write(results, show_all=this_command("-o", "tsv"))
    explain_failures(results, options)
    error = verdict(results, is_comparison=True, interrupted=run.is_stopped, again=this_command())
    if isinstance(error, FleetDiffersError):
        # A plan that was asked for has no finding.
        error = None if mode is Mode.PLAN else _finding(mode, results, options, wanted)
    finish(error, warnings, options)


def _finding(
    mode: "Mode", results: "Sequence[EntryResult]", options: CommonOptions, wanted: Wanted
) -> FleetDiffersError:
    """Return the error for tenants in which the account is not as wanted."""
    from pallink.fleet.result import Outcome  # noqa: PLC0415 - one tenant needs none
    from pallink.fleet.work import Mode  # noqa: PLC0415

    different = [result for result in results if result.outcome is not Outcome.UNCHANGED]
    is_about_link = mode is Mode.VERIFY
    link = options.settings.command("link", wanted.partner_id or "PARTNER_ID", "--all-tenants")
    return FleetDiffersError(
        f"the account is not as wanted in {len(different)} of {len(results)} tenants",
        remedy="link it there; another partner's link needs --replace too"
        if is_about_link
        else "assign Reader to the account there, then check again",
        command=link if is_about_link else None,
    )


def _prepare(
    options: CommonOptions, wanted: Wanted, exclude: Sequence[str] | None
) -> "tuple[tuple[Entry, ...], RunOptions]":
    """Return an entry for each tenant of the account, and how they are run."""
    from pallink.fleet.entry import Entry, LinkState  # noqa: PLC0415 - one tenant needs none
    from pallink.fleet.fleet_run import RunOptions  # noqa: PLC0415
    from pallink.fleet.tenants import choose_tenants, entries_in  # noqa: PLC0415

    # Of many links none is *the* link of this command.
    options.report.knows_link = False
    run_options = RunOptions(cloud=options.settings.cloud, timeout=options.timeout, replace=wanted.replace)
    with session(options, "tenants", is_for_all_tenants=True, sign_ins=run_options.sign_ins) as opened:
        check_covers_tenants(opened.sign_in, options.settings, os.environ)
        tenants = choose_tenants(opened.tenants(), exclude=exclude or ())
        account, method = opened.account, opened.sign_in.method
    template = Entry(
        name=account.name,
        account=account.name,
        tenant="",
        client_id=options.client_id,
        auth=method if method is SignInMethod.AZURE_CLI else None,
        partner_id=wanted.partner_id,
        state=LinkState.UNLINKED if wanted.is_unlinked else LinkState.LINKED,
        role_check=wanted.role_check,
        subscriptions=wanted.subscriptions,
        home_account_id=account.likely_home_account_id,
        line=1,
    )
    return entries_in(tenants, template), run_options
