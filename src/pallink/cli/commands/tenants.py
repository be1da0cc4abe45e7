"""The command `pallink tenants`."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from pallink.account import Account
from pallink.azure.auth.sign_ins import RunSignIns
from pallink.cli.fleet_arguments import Concurrency
from pallink.cli.fleet_job import run_all
from pallink.cli.fleet_results import explain_failures
from pallink.cli.job import say_where, session, this_command
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.cli.progress import ProgressLine, bar
from pallink.errors import AccountsFailedError, CancelledError
from pallink.output import Terminal, write_value
from pallink.output.tenants_table import render_tenants, tenant_as_dict
from pallink.redact.secrets import redact_all
from pallink.redact.text import one_line
from pallink.signin.methods import SignIn, SignInMethod
from pallink.signin.tenants import check_covers_tenants
from pallink.tenants import Tenant
from pallink.words import counted

if TYPE_CHECKING:
    from pallink.fleet.result import EntryResult

app = new_app()


@command_with_options(app, options=CommonOptions)
def tenants(
    options: CommonOptions,
    *,
    links: Annotated[
        bool, typer.Option("--links", help="Sign in to each tenant without a prompt, and read the link there.")
    ] = False,
    concurrency: Concurrency = 16,
) -> None:
    """List the tenants of the signed-in account.

    Lists its home tenant and those where it is a guest, as Resource Manager reports them. An application and a managed
    identity are in one tenant. With --links, a tenant whose link could not be read: exit code 8. --timeout then counts
    for each tenant. A sign-in as a guest (--tenant) tells nothing of other tenants: without --links, the account there
    is unknown.
    """
    sign_ins = RunSignIns()
    with session(options, "tenants", is_for_all_tenants=True, sign_ins=sign_ins) as opened:
        found, account, sign_in = opened.tenants(), opened.account, opened.sign_in
        if links:
            check_covers_tenants(sign_in, options.settings, os.environ)
    is_interrupted, results = False, dict[str, "EntryResult"]()
    if links:
        is_interrupted, results = _read_links(
            options, found, account, sign_in, sign_ins=sign_ins, concurrency=concurrency
        )
    terminal = Terminal()
    write_value(
        redact_all([tenant_as_dict(tenant, account, results.get(tenant.id)) for tenant in found]),
        options.output,
        terminal,
        options.query,
        table=lambda: terminal.write(
            render_tenants(found, results if links else None, terminal.columns(terminal.stdout))
        ),
    )
    _say_notes(options, found, account, sign_in)
    explain_failures(list(results.values()), options)
    failed = [result for result in results.values() if result.error is not None]
    if is_interrupted:
        raise _interruption()
    if failed:
        raise AccountsFailedError(
            f"could not read the link in {len(failed):,} of {counted(len(results), 'tenant')}",
            remedy="correct each error, then run again",
            command=this_command(),
        )
    if options.output.has_error_objects:
        say_where(options)


def _read_links(
    options: CommonOptions,
    found: Sequence[Tenant],
    account: Account,
    sign_in: SignIn,
    *,
    sign_ins: RunSignIns,
    concurrency: int,
) -> "tuple[bool, dict[str, EntryResult]]":
    """Return whether the run was interrupted, and the result for each tenant by its ID."""
    from pallink.fleet.entry import Entry  # noqa: PLC0415 - the list of tenants does without it
    from pallink.fleet.fleet_run import FleetRun, RunOptions, new_plan  # noqa: PLC0415
    from pallink.fleet.tenants import choose_tenants, entries_in  # noqa: PLC0415
    from pallink.fleet.work import Mode  # noqa: PLC0415

    auth = sign_in.method if sign_in.method is SignInMethod.AZURE_CLI else None
    template = Entry(
        name=account.name,
        account=account.name,
        tenant="",
        client_id=options.client_id,
        auth=auth,
        home_account_id=account.likely_home_account_id,
        line=0,
    )
    entries = entries_in(choose_tenants(found, options.settings), template)
    run_options = RunOptions(
        cloud=options.settings.cloud, timeout=options.timeout, concurrency=concurrency, sign_ins=sign_ins
    )
    with FleetRun(new_plan(entries, run_options, source="pallink tenants --links"), Mode.SHOW, run_options) as run:
        results = run_all(run, options, _Progress(len(entries)), prompts=False)
    return run.is_stopped, {result.entry.tenant: result for result in results}


class _Progress:
    """Says how many tenants were read."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def add(self, _result: "EntryResult", line: ProgressLine, *, is_awaited: bool = False) -> None:  # noqa: ARG002
        """Count a tenant."""
        self._done += 1
        share = f"{self._done:,} of {counted(self._total, 'tenant')}"
        line.show(f"{bar(self._done, self._total)}  read the link in {share}")

    def stream(self, *_results: "EntryResult") -> None:
        """Do nothing: no earlier process read links."""

    def interrupted(self, _results: "Sequence[EntryResult]") -> CancelledError:
        """Return the error alone: the list of tenants is written once it is complete."""
        return _interruption()


def _interruption() -> CancelledError:
    return CancelledError("interrupted", cause="not all links were read; nothing was written")


def _say_notes(options: CommonOptions, found: Sequence[Tenant], account: Account, sign_in: SignIn) -> None:
    """Say what the list does not: where the link of a delegated tenant is, and why an application has one tenant."""
    if options.quiet or options.output.has_error_objects:
        return
    notes = []
    delegated = [tenant.label for tenant in found if tenant.is_delegated]
    if delegated:
        notes.append(
            f"delegated through Azure Lighthouse: {', '.join(delegated)}; the link in the managing tenant counts there"
        )
    if sign_in.method is SignInMethod.MANAGED_IDENTITY:
        notes.append("a managed identity, and Azure Cloud Shell, sign in to one tenant only")
    elif not account.kind.is_user:
        notes.append("an application signs in to each tenant with a credential of its own; this one is of one tenant")
    for note in notes:
        Terminal().say("note", one_line(note, 2000))
