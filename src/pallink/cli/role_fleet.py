"""`pallink role assign --fleet`: a role for the accounts of a fleet file, assigned by one administrator."""

from pathlib import Path
from typing import TYPE_CHECKING

from pallink.cli.fleet_job import Selection, read_entries
from pallink.cli.fleet_results import Ending, FleetReport, explain_failures, fitted_table
from pallink.cli.job import can_ask, progress, say_where, this_command, yes_is_required, yes_or_no
from pallink.cli.options import AdministratorOptions, ConnectionOptions
from pallink.cli.role_job import describe_role, role_session, tell_proposal
from pallink.cli.stopping import stopping
from pallink.errors import AccountsFailedError, CancelledError, PallinkError, UnreachableError, UsageError
from pallink.output.terminal import Terminal
from pallink.roles.definitions import READER
from pallink.roles.grant import WantedRole
from pallink.roles.scopes import WantedScopes
from pallink.settings import Settings
from pallink.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pallink.fleet.entry import Entry
    from pallink.fleet.role_run import RoleEntryResult, RoleRun
    from pallink.role_session import RoleSession
    from pallink.roles.grant import Grant

# How many other tenants the error has a command for.
_MAX_COMMANDS = 5
_WAIT_AGAIN = "run the command again: it changes nothing, and waits again"


def needing_role(entries: "Sequence[Entry]", file: Path, options: ConnectionOptions) -> "tuple[Entry, ...]":
    """Return the entries whose accounts need Reader, and say how many do not.

    Raises:
        UsageError: There is none.
    """
    needing = tuple(entry for entry in entries if entry.needs_role)
    if not needing:
        raise UsageError(
            f"no selected account of {file} needs the Reader role",
            cause="their state is unlinked, or their role-check is skip",
            remedy="select other accounts, or correct the fleet file",
        )
    left_out = len(entries) - len(needing)
    if left_out and not options.quiet and not options.output.has_error_objects:
        need = "needs" if left_out == 1 else "need"
        left_out_accounts = f"{counted(left_out, 'account')} {need} no role"
        Terminal().say("note", f"{left_out_accounts}: state is unlinked, or role-check is skip", "cyan")
    return needing


def assign_to_fleet(
    options: AdministratorOptions,
    file: Path,
    selection: Selection,
    wanted: WantedScopes,
    role: WantedRole,
    *,
    allow_write_role: bool,
    dry_run: bool,
    yes: bool,
    wait: bool,
) -> None:
    """Assign a role to the accounts of a fleet file that do not have it: plan all, ask once, then write."""
    from pallink.fleet.role_run import RoleRun, wanted_scopes  # noqa: PLC0415 - one account needs none
    from pallink.output.role_table import role_cell  # noqa: PLC0415

    if not dry_run and not yes and not can_ask(options):
        raise yes_is_required(first="see with --dry-run what would be done, then ")
    entries = needing_role(read_entries(file, selection, None, options), file, options)
    wanted_scopes(entries, wanted)
    accounts = [entry.identifier for entry in entries]
    ending = Ending(again=this_command(), show_all=this_command("-o", "tsv"))
    report = FleetReport(options, len(entries), ending, is_plan=dry_run, cell=role_cell)
    with role_session(options, "role assign", accounts=accounts, writable=not dry_run, yes=yes) as opened:
        run = RoleRun(opened, entries, wanted, role, allow_write_role=allow_write_role)
        with progress(options) as line:
            results = []
            for planned in run.plan():
                if dry_run:
                    report.add(planned, line)
                results.append(planned)
        if not dry_run:
            if not yes:
                _confirm(opened, results, options)
            results = _carry_out(run, opened, results, report, options, wait=wait)
    report.write(results)
    explain_failures(results, options)
    if run.is_stopped:
        raise _interrupted(results)
    # What is in another tenant is in none of the scopes that were named.
    words = ["--fleet", str(file), "--role", role.name] if role.id != READER.id else ["--fleet", str(file)]
    words += ["--subscription", "SUBSCRIPTION"] if wanted else []
    elsewhere = _commands_elsewhere(results, options.settings.cloud, *words)
    error = _verdict(results, dry_run=dry_run, elsewhere=elsewhere)
    if error is not None:
        raise error
    if options.output.has_error_objects:
        say_where(options)


def _carry_out(
    run: "RoleRun",
    session: "RoleSession",
    planned: "list[RoleEntryResult]",
    report: FleetReport,
    options: AdministratorOptions,
    *,
    wait: bool,
) -> "list[RoleEntryResult]":
    """Write what was planned, and wait for it.

    The first Ctrl-C begins no further write and lets the one in progress finish; a second one exits at once.
    """
    results: list[RoleEntryResult] = []
    session.on_write = _reporter(options, results)
    with progress(options) as line:
        with stopping(run, line, options):
            for result in run.assign(planned):
                results.append(result)
                report.add(result, line, is_final=not wait)
        return _waited(run, results, report, options) if wait and not run.is_stopped else results


def _waited(
    run: "RoleRun", results: "list[RoleEntryResult]", report: FleetReport, options: AdministratorOptions
) -> "list[RoleEntryResult]":
    """Return the results after the wait for what was written; an interruption shows them as they were before."""

    def interrupted() -> CancelledError:
        return report.interrupted(results).with_cause("what was written takes effect by itself")

    options.report.so_far = interrupted
    try:
        return run.wait(results)
    finally:
        options.report.so_far = None


def _reporter(options: AdministratorOptions, results: "list[RoleEntryResult]") -> "Callable[[Grant | None], None]":
    """Return what keeps the report of an interruption up to date, which is what a second Ctrl-C leaves behind."""

    def on_write(grant: "Grant | None") -> None:
        report = options.report
        report.cause = f"accounts that were done before: {len(results)}"
        if grant is not None:
            report.cause += f"; a write was in progress: a role assignment may or may not be {grant.action}"
        report.remedy = "run the command again: what is done already stays as it is"

    return on_write


def _confirm(session: "RoleSession", planned: "Sequence[RoleEntryResult]", options: ConnectionOptions) -> None:
    """Show what would be done, and ask.

    Raises:
        CancelledError: It was not confirmed.
    """
    from pallink.output.fleet_table import totals_line  # noqa: PLC0415 - one account needs none
    from pallink.output.role_table import role_cell  # noqa: PLC0415

    proposals = [result.proposal for result in planned if result.proposal is not None and result.proposal.changes]
    if not proposals:
        return
    terminal, first = Terminal(), proposals[0]
    if options.output.has_error_objects:
        say_where(options)
    tell_proposal(first, [("role", describe_role(first.role))], terminal)
    terminal.write_stderr("\n" + fitted_table(planned, terminal, terminal.stderr, is_plan=True, cell=role_cell))
    accounts = "this account" if len(proposals) == 1 else f"these {len(proposals):,} accounts"
    with session.deadline.paused():
        if not yes_or_no(f"Assign this role to {accounts}?", terminal):
            raise CancelledError("not confirmed: nothing was changed", cause=totals_line(planned, is_plan=True))


def _verdict(results: "Sequence[RoleEntryResult]", *, dry_run: bool, elsewhere: str) -> PallinkError | None:
    """Return the error that the results amount to; None if all accounts have the role.

    Args:
        results: The results.
        dry_run: Whether they say what would be done.
        elsewhere: The commands for the accounts of other tenants, one a line; empty if there is none.
    """
    from pallink.fleet.result import DONE, Outcome  # noqa: PLC0415 - one account needs none

    total = counted(len(results), "account")
    failed = [result for result in results if result.outcome not in DONE]
    if failed:
        is_elsewhere = all(result.outcome is Outcome.NEEDS_SIGN_IN for result in failed)
        remedy = "correct the error of each account, then run again: accounts that are done stay as they are"
        if elsewhere:
            there = "for other tenants sign in as an administrator there"
            remedy = there if is_elsewhere else f"{remedy}; {there}"
        return AccountsFailedError(
            f"the role {'could not be' if dry_run else 'was not'} assigned to {len(failed):,} of {total}",
            remedy=remedy,
            command=elsewhere or this_command(),
        )
    unseen = [result.error for result in results if result.error is not None]
    if unseen:
        return AccountsFailedError(
            f"could not determine for {len(unseen):,} of {total} whether the role has taken effect",
            cause=f"it is assigned, but {unseen[0].message}",
            remedy=_WAIT_AGAIN,
            command=this_command(),
        )
    from pallink.role_result import late_error  # noqa: PLC0415 - loaded by now

    late = [result for result in results if result.result is not None and late_error(result.result)]
    if late:
        return UnreachableError(
            f"the role has not taken effect for {len(late):,} of {total}",
            cause="it is assigned, but Azure does not list it among their roles yet",
            remedy=_WAIT_AGAIN,
            command=this_command(),
        )
    return None


def _interrupted(results: "Sequence[RoleEntryResult]") -> CancelledError:
    from pallink.fleet.result import DONE  # noqa: PLC0415 - one account needs none

    done = sum(result.outcome in DONE for result in results)
    return CancelledError(
        "interrupted",
        cause=f"{done:,} of {counted(len(results), 'account')} are done",
        remedy="run the command again: what is done already stays as it is",
        command=this_command(),
    )


def _commands_elsewhere(results: "Sequence[RoleEntryResult]", cloud: str, *words: str) -> str:
    """Return the command for each other tenant whose accounts were left out, one a line."""
    from pallink.fleet.entry import ALL_TENANTS  # noqa: PLC0415 - one account needs none
    from pallink.fleet.result import Outcome  # noqa: PLC0415

    tenants = dict.fromkeys(result.entry.tenant for result in results if result.outcome is Outcome.NEEDS_SIGN_IN)
    tenants.pop(ALL_TENANTS, None)
    commands = [
        Settings(cloud, tenant=tenant).command("role", "assign", *words, "--select", f"tenant={tenant}")
        for tenant in tenants
    ]
    return "\n".join(commands[:_MAX_COMMANDS])
