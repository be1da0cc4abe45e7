"""A command's job in many tenants of one account: a fleet without a file, with the same plan, journal and outputs."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pallink.cli.fleet_job import run_all
from pallink.cli.fleet_reports import NO_FILES, ReportFiles
from pallink.cli.fleet_results import Ending, Finding, FleetReport, how_to_get_reader
from pallink.cli.job import can_ask, session, this_command, yes_is_required
from pallink.cli.prompter import TerminalPrompter
from pallink.cli.tenants_options import TenantsOptions
from pallink.errors import FleetDiffersError
from pallink.settings import RoleCheck
from pallink.signin.tenants import check_covers_tenants
from pallink.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pallink.fleet.entry import Entry
    from pallink.fleet.fleet_run import RunOptions
    from pallink.fleet.result import EntryResult
    from pallink.fleet.work import Mode
    from pallink.output.fleet_table import Cell


# As many tenants have a command on the screen; the objects have all of them.
_MAX_COMMANDS = 10


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


def write_in_tenants(options: TenantsOptions, wanted: Wanted, *, yes: bool, dry_run: bool) -> None:
    """Link or unlink the account in each tenant, as `fleet apply` does; as a dry run show what would be done."""
    from pallink.cli.commands.fleet_apply import apply_plan, confirmed_plan  # noqa: PLC0415 - one tenant needs none
    from pallink.fleet.fleet_run import new_plan  # noqa: PLC0415
    from pallink.fleet.work import Mode  # noqa: PLC0415

    if dry_run:
        # What it shows was asked for, and is no finding.
        _read(options, wanted, Mode.PLAN, lambda _different, _results: None, prompts=False)
        return
    if not yes and not can_ask(options):
        raise yes_is_required(first="see with --dry-run what would be done, then ")
    job = _prepare(options, wanted)
    command = "unlink" if wanted.is_unlinked else "link"
    plan = new_plan(job.entries, job.run_options, source=f"pallink {command} {_scope(options)}")
    plan, earlier = (plan, []) if yes else confirmed_plan(plan, options, job.run_options)
    ending = Ending(
        again=this_command(),
        with_replace=this_command("--replace"),
        title=f"{command} {_scope(options)}",
        way_out=_way_out(options),
        warnings=job.warnings,
    )
    apply_plan(plan, earlier, options, job.run_options, ending)


def verify_in_tenants(options: TenantsOptions, wanted: Wanted, *, junit: Path | None = None) -> None:
    """Compare the account's link in each tenant, as `fleet verify` does."""
    from pallink.fleet.work import Mode  # noqa: PLC0415 - one tenant needs none

    link = options.settings.command("link", wanted.partner_id or "PARTNER_ID", *options.tenant_words)

    def finding(different: int, results: "Sequence[EntryResult]") -> FleetDiffersError:
        return FleetDiffersError(
            f"the account is not linked as expected in {_share(different, results)}",
            remedy="link the account there, with --replace where it has another partner",
            command=link,
        )

    _read(options, wanted, Mode.VERIFY, finding, files=ReportFiles(junit))


def read_in_tenants(options: TenantsOptions, wanted: Wanted) -> None:
    """Show the account's link in each tenant. A tenant without a link is not an error."""
    from pallink.fleet.work import Mode  # noqa: PLC0415 - one tenant needs none

    _read(options, wanted, Mode.SHOW, lambda _different, _results: None)


def check_in_tenants(options: TenantsOptions, wanted: Wanted) -> None:
    """Check the Reader role in each tenant, and show the link there."""
    from pallink.fleet.work import Mode  # noqa: PLC0415 - one tenant needs none

    def finding(different: int, results: "Sequence[EntryResult]") -> FleetDiffersError:
        lacking = [result for result in results if result.error is not None]
        commands = [result.error.command for result in results if result.error and result.error.command]
        return FleetDiffersError(
            f"Reader is missing in {_share(different, results)}",
            remedy=how_to_get_reader(lacking, "have an administrator of each tenant assign Reader"),
            command="\n".join(commands[:_MAX_COMMANDS]),
        )

    _read(options, wanted, Mode.CHECK, finding, cell=_role_and_link)


def _role_and_link(result: "EntryResult") -> str:
    """Return the cell of the table that `check` has: the role, and the partner."""
    partner = result.fields.get("partnerId")
    role = result.fields.get("role")
    return f"{role}, {f'linked to {partner}' if partner else 'not linked'}" if role else ""


def _read(
    options: TenantsOptions,
    wanted: Wanted,
    mode: "Mode",
    finding: Finding,
    *,
    files: ReportFiles = NO_FILES,
    cell: "Cell | None" = None,
    prompts: bool = True,
) -> None:
    from pallink.fleet.fleet_run import FleetRun, new_plan  # noqa: PLC0415 - one tenant needs none
    from pallink.fleet.work import Mode  # noqa: PLC0415

    job = _prepare(options, wanted)
    title = f"{mode} {_scope(options)}"
    ending = Ending(
        again=this_command(),
        show_all=this_command("-o", "tsv"),
        way_out=_way_out(options),
        finding=finding,
        title=title,
        files=files,
        warnings=job.warnings,
    )
    report = FleetReport(options, len(job.entries), ending, is_plan=mode is Mode.PLAN, cell=cell)
    plan = new_plan(job.entries, job.run_options, source=f"pallink {title}")
    with FleetRun(plan, mode, job.run_options, TerminalPrompter(options)) as run:
        results = run_all(run, options, report, prompts=prompts)
    report.end(results, is_interrupted=run.is_stopped)


def _scope(options: TenantsOptions) -> str:
    """Return which tenants a command is about, in short."""
    return "--all-tenants" if options.all_tenants else f"in {len(options.named_tenants)} tenants"


def _way_out(options: TenantsOptions) -> str | None:
    """Return what to do about a tenant that will not let the account in."""
    return "leave the tenant out with --exclude-tenant" if options.all_tenants else None


def _share(different: int, results: "Sequence[EntryResult]") -> str:
    """Return how many tenants differ, of how many."""
    return f"{different:,} of {counted(len(results), 'tenant')}"


class _Job(NamedTuple):
    entries: "tuple[Entry, ...]"
    run_options: "RunOptions"
    warnings: tuple[str, ...]


def _prepare(options: TenantsOptions, wanted: Wanted) -> _Job:
    """Return an entry for each tenant that is named, or for all of the account, and how they are run."""
    from pallink.fleet.entry import Entry, LinkState  # noqa: PLC0415 - one tenant needs none
    from pallink.fleet.expansion import resolve_tenants  # noqa: PLC0415
    from pallink.fleet.fleet_run import RunOptions  # noqa: PLC0415
    from pallink.fleet.tenants import choose_tenants, describe_delegated, entries_in  # noqa: PLC0415

    # Of many links none is *the* link of this command.
    options.report.knows_link = False
    run_options = RunOptions(
        cloud=options.settings.cloud, timeout=options.timeout, concurrency=options.concurrency, replace=wanted.replace
    )
    with session(options, "tenants", is_for_all_tenants=True, sign_ins=run_options.sign_ins) as opened:
        check_covers_tenants(opened.sign_in, options.settings, os.environ)
        listed = opened.tenants() if options.all_tenants else ()
        account, method = opened.account, opened.sign_in.method
    if options.all_tenants:
        tenants = choose_tenants(listed, options.settings, exclude=options.exclude_tenant or ())
    else:
        tenants = resolve_tenants(options.named_tenants, run_options)
    template = Entry(
        name=account.name,
        account=account.name,
        tenant="",
        client_id=options.client_id,
        # A run that is resumed signs in as this one did.
        auth=method if options.settings.auth is not None else None,
        partner_id=wanted.partner_id,
        state=LinkState.UNLINKED if wanted.is_unlinked else LinkState.LINKED,
        role_check=wanted.role_check,
        subscriptions=wanted.subscriptions,
        home_account_id=account.likely_home_account_id,
        line=0,
    )
    return _Job(entries_in(tenants, template), run_options, describe_delegated(listed))
