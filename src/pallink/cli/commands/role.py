"""pallink role: the roles of an account, as an administrator assigns, removes and sees them."""

from pathlib import Path
from typing import Annotated

import typer

from pallink.cli.arguments import DryRun, Yes
from pallink.cli.completion import complete_account
from pallink.cli.fleet_arguments import Exclude, Limit, Select
from pallink.cli.fleet_job import Selection
from pallink.cli.lazy import new_app
from pallink.cli.options import AdministratorOptions, command_with_options
from pallink.cli.role_fleet import assign_to_fleet
from pallink.cli.role_job import require_scope, role_confirmation, role_session, scopes_of, show_roles
from pallink.errors import UsageError
from pallink.output import Terminal
from pallink.roles.grant import WantedRole, split_assignment_id
from pallink.settings import check_account

app = new_app(help="Assign, remove and show an account's roles, as an administrator.", no_args_is_help=True)

_TO = typer.Option(
    "--to",
    metavar="UPN|OBJECT_ID|CLIENT_ID",
    autocompletion=complete_account,
    help="The account that the role is for. Names and client IDs are looked up in Microsoft Graph.",
    show_default=False,
)
_FLEET = typer.Option(
    "--fleet",
    metavar="FILE",
    help="The accounts of a fleet file, instead of --to, each on its own subscriptions where no option names a scope.",
    show_default=False,
)
To = Annotated[str, _TO]
OptionalTo = Annotated[str | None, _TO]
Role = Annotated[
    str, typer.Option("--role", metavar="NAME|ID", help="The role: its name, or the ID of its definition.")
]
Subscription = Annotated[
    list[str] | None,
    typer.Option("--subscription", metavar="ID|NAME", help="A subscription; can be repeated.", show_default=False),
]
ResourceGroup = Annotated[
    list[str] | None,
    typer.Option(
        "--resource-group",
        "-g",
        metavar="NAME",
        help="A resource group of the one --subscription, instead of all of it; can be repeated.",
        show_default=False,
    ),
]
ManagementGroup = Annotated[
    list[str] | None,
    typer.Option(
        "--management-group", metavar="NAME", help="A management group, by its ID; can be repeated.", show_default=False
    ),
]
ScopeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help="The path of any of these, as in /subscriptions/ID; can be repeated.",
        show_default=False,
    ),
]


@app.callback()
def _group() -> None:
    """Assign, remove and show an account's roles, as an administrator."""


@command_with_options(app, options=AdministratorOptions)
def assign(
    options: AdministratorOptions,
    *,
    to: OptionalTo = None,
    fleet: Annotated[Path | None, _FLEET] = None,
    select: Select = None,
    exclude: Exclude = None,
    limit: Limit = None,
    role: Role = "Reader",
    subscription: Subscription = None,
    resource_group: ResourceGroup = None,
    management_group: ManagementGroup = None,
    scope: ScopeOption = None,
    allow_write_role: Annotated[
        bool, typer.Option("--allow-write-role", help="Assign a role that allows more than reading.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Annotated[
        bool | None,
        typer.Option(
            "--wait/--no-wait",
            help="Wait until the role takes effect, at most ten minutes. Default: only on a terminal.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Assign a role to an account, unless it has it there.

    Sign in as an administrator (Owner, User Access Administrator or Role Based Access Control Administrator on the
    scope), not as the account that gets the role. The role is assigned directly to the account, even if the account
    already has it through inheritance or a group. Prompts for confirmation on a terminal; elsewhere it needs --yes.

    With --fleet, pallink looks up all accounts of the administrator's tenant first and prompts once for all of them;
    --timeout counts for each. With any that failed or is in another tenant: exit code 8.
    """
    wanted, wanted_role = scopes_of(subscription, resource_group, management_group, scope), WantedRole.parse(role)
    terminal = Terminal()
    waits = terminal.is_terminal(terminal.stderr) if wait is None else wait
    selection = Selection(select, exclude, limit)
    _check_accounts(to, fleet, selection)
    if to is None:
        assign_to_fleet(
            options,
            fleet or Path(),
            selection,
            wanted,
            wanted_role,
            allow_write_role=allow_write_role,
            dry_run=dry_run,
            yes=yes,
            wait=waits,
        )
        return
    require_scope(wanted)
    confirm = None if dry_run else role_confirmation(options, yes=yes)
    with role_session(options, "role assign", accounts=[to], writable=not dry_run, yes=yes) as opened:
        result = opened.assign(
            to,
            wanted,
            wanted_role,
            allow_write_role=allow_write_role,
            dry_run=dry_run,
            wait=waits,
            confirm=confirm,
        )
    show_roles(result, options)
    from pallink.role_result import late_error  # noqa: PLC0415 - loaded by now

    if error := late_error(result):
        raise error


def _check_accounts(to: str | None, fleet: Path | None, selection: Selection) -> None:
    """Refuse a command line that does not say once whose role is meant.

    Raises:
        UsageError: Neither or both of --to and --fleet, a selection without --fleet, or --to is not an account.
    """
    if to is None and fleet is None:
        raise UsageError(
            "missing option --to or --fleet",
            cause="pallink does not choose the account that gets a role",
            remedy="name the account with --to, or a fleet file with --fleet",
        )
    if to is not None and fleet is not None:
        raise UsageError(
            "--fleet cannot be combined with --to",
            cause="one names the accounts of a file, the other a single account",
            remedy="leave out one of them; --select chooses accounts of the file",
        )
    if fleet is None and selection.words:
        raise UsageError(
            f"{selection.words[0]} requires --fleet",
            cause="it chooses accounts of a fleet file",
            remedy=f"add --fleet, or leave {selection.words[0]} out",
        )
    if to is not None:
        check_account(to, "--to")


@command_with_options(app, options=AdministratorOptions)
def remove(
    options: AdministratorOptions,
    *,
    to: OptionalTo = None,
    role: Role = "Reader",
    subscription: Subscription = None,
    resource_group: ResourceGroup = None,
    management_group: ManagementGroup = None,
    scope: ScopeOption = None,
    assignment_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="ID",
            help="Remove the role assignment with this ID, as pallink role show prints it, instead.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Remove a role from an account.

    Removes the account's own assignments of this role at just these scopes, or the one with the ID, and never what it
    inherits or holds through a group. Not assigned: unchanged. Prompts for confirmation on a terminal; elsewhere it
    needs --yes.
    """
    wanted, wanted_role = scopes_of(subscription, resource_group, management_group, scope), WantedRole.parse(role)
    if assignment_id is not None:
        split_assignment_id(assignment_id)
        if to is not None or wanted:
            raise UsageError(
                "--id cannot be combined with --to or a scope",
                cause="the ID alone says which role assignment is meant",
                remedy="leave out either --id or the others",
            )
    elif to is None:
        raise UsageError(
            "missing option --to or --id",
            cause="pallink does not choose the role assignment to remove",
            remedy="name the account with --to, or the role assignment with --id",
        )
    else:
        check_account(to, "--to")
        require_scope(wanted)
    confirm = None if dry_run else role_confirmation(options, yes=yes)
    accounts = [] if to is None else [to]
    with role_session(options, "role remove", accounts=accounts, writable=not dry_run, yes=yes) as opened:
        if to is None:
            result = opened.remove_by_id(str(assignment_id), dry_run=dry_run, confirm=confirm)
        else:
            result = opened.remove(to, wanted, wanted_role, dry_run=dry_run, confirm=confirm)
    show_roles(result, options)


@command_with_options(app, options=AdministratorOptions)
def show(
    options: AdministratorOptions,
    to: To,
    *,
    subscription: Subscription = None,
    resource_group: ResourceGroup = None,
    management_group: ManagementGroup = None,
    scope: ScopeOption = None,
) -> None:
    """List the role assignments of an account: its own, inherited ones, and those of its groups.

    Without a scope, on all subscriptions that the administrator sees, and inside them. Writes nothing.
    """
    check_account(to, "--to")
    wanted = scopes_of(subscription, resource_group, management_group, scope)
    with role_session(options, "role show", accounts=[to]) as opened:
        result = opened.show(to, wanted)
    show_roles(result, options)
