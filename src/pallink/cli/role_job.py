"""What the commands of `pallink role` share: signing in the administrator, confirming, showing the result."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pallink.cli.job import (
    can_ask,
    progress,
    prompter_for,
    say_where,
    say_where_at_once,
    this_command,
    with_this_command,
    yes_is_required,
    yes_or_no,
)
from pallink.cli.options import AdministratorOptions
from pallink.cli.supervisor import Execution
from pallink.deadline import Deadline
from pallink.errors import PallinkError, UsageError
from pallink.links.model import Action
from pallink.output import write_value
from pallink.output.terminal import Terminal
from pallink.redact.secrets import redact_all
from pallink.redact.text import one_line
from pallink.roles.scopes import WantedScopes

if TYPE_CHECKING:
    from pallink.role_result import ConfirmRoles, RoleProposal, RoleResult
    from pallink.role_session import RoleSession
    from pallink.roles.grant import AssignableRole, Grant

_LABEL_WIDTH = 13


@contextmanager
def role_session(
    options: AdministratorOptions,
    command: str,
    *,
    accounts: Sequence[str] = (),
    writable: bool = False,
    yes: bool = False,
) -> Iterator["RoleSession"]:
    """Sign in the administrator, as the options say, for one command.

    Args:
        options: The options.
        command: The command, as in `role assign`.
        accounts: The accounts that the roles are for, none of which is the administrator unless an option says so.
        writable: Whether the command writes.
        yes: The value of `--yes`.
    """
    from pallink.role_session import open_role_session  # noqa: PLC0415 - help does without it

    say_where_at_once(options)
    deadline = Deadline(options.timeout)
    try:
        with (
            Execution.current().watching(deadline),
            progress(options),
            open_role_session(
                options.settings,
                command=command,
                writable=writable,
                excluded=accounts,
                prompter=prompter_for(options, writable=writable, yes=yes),
                deadline=deadline,
            ) as opened,
        ):
            opened.on_write = _reporter(options, accounts[0] if accounts else None)
            yield opened
    except PallinkError as error:
        raise with_this_command(error) from error.__cause__


def _reporter(options: AdministratorOptions, to: str | None) -> "Callable[[Grant | None], None]":
    """Return what keeps the report of an interruption up to date."""
    report = options.report
    done: list[str] = []

    def on_write(grant: "Grant | None") -> None:
        if grant is not None:
            write, before = f"{grant.action} on {grant.scope}", f"; done before: {', '.join(done)}" if done else ""
            report.cause = f"a write was in progress: the role assignment may or may not be {write}{before}"
            done.append(write)
            report.remedy = "run the command again: what is done already stays as it is"
            report.command = options.settings.command("role", "show", "--to", to) if to else None
        else:
            report.cause, report.remedy, report.command = f"done so far: {', '.join(done)}", None, None

    return on_write


def scopes_of(
    subscription: Sequence[str] | None,
    resource_group: Sequence[str] | None,
    management_group: Sequence[str] | None,
    scope: Sequence[str] | None,
) -> WantedScopes:
    """Return the scopes that the options name.

    Raises:
        UsageError: One of them is invalid.
    """
    options = (subscription, resource_group, management_group, scope)
    return WantedScopes(*(tuple(values or ()) for values in options))


def require_scope(wanted: WantedScopes) -> WantedScopes:
    """Return the scopes, if there are any.

    Raises:
        UsageError: No option names one.
    """
    if wanted:
        return wanted
    raise UsageError(
        "missing scope: --subscription, --resource-group, --management-group or --scope is required",
        cause="pallink does not choose the scope of a role assignment",
        remedy="name the subscription that the account works on, as in",
        command=this_command("--subscription", "NAME"),
    )


def role_confirmation(options: AdministratorOptions, *, yes: bool) -> "ConfirmRoles | None":
    """Return how to confirm a change of roles; None with `--yes`.

    Raises:
        UsageError: A confirmation is needed and no prompt is possible.
    """
    if yes:
        return None
    if not can_ask(options):
        raise yes_is_required(why="pallink changes roles only after a confirmation, and ")
    terminal = Terminal()

    def ask(proposal: "RoleProposal") -> bool:
        if options.output.has_error_objects:
            say_where(options)
        return _ask(proposal, terminal)

    return ask


def _ask(proposal: "RoleProposal", terminal: Terminal) -> bool:
    role = ("role", describe_role(proposal.role))
    scopes = [("scope", str(grant.scope)) for grant in proposal.changes]
    tell_proposal(proposal, [("account", str(proposal.principal)), role, *scopes], terminal)
    removes = any(grant.action is Action.DELETED for grant in proposal.changes)
    return yes_or_no("Remove this role from the account?" if removes else "Assign this role to the account?", terminal)


def tell_proposal(proposal: "RoleProposal", rows: Sequence[tuple[str, str]], terminal: Terminal) -> None:
    """Say on stderr who is about to change what in which tenant."""
    administrator = proposal.administrator
    tenant = f"{proposal.tenant_name} ({administrator.tenant_id})" if proposal.tenant_name else administrator.tenant_id
    for label, text in (
        ("administrator", f"{administrator.name} ({administrator.kind})"),
        ("tenant", tenant),
        *rows,
    ):
        terminal.tell_wrapped(f"  {label:<{_LABEL_WIDTH}} ", one_line(text))


def describe_role(role: "AssignableRole") -> str:
    """Return a role and what it allows, in words."""
    allows = f"allows {', '.join(role.writes)}" if role.writes else "changes no resource"
    return f"{role.name}: {allows}"


def show_roles(result: "RoleResult", options: AdministratorOptions) -> None:
    """Write the roles of an account to stdout."""
    terminal = Terminal()

    def write_table() -> None:
        from pallink.output.role_table import role_rows  # noqa: PLC0415 - help does without it
        from pallink.output.table import write_rows  # noqa: PLC0415

        write_rows(role_rows(result), terminal)

    write_value(redact_all(result.as_dict()), options.output, terminal, options.query, table=write_table)
    if options.output.has_error_objects:
        say_where(options)
    for warning in () if options.quiet else result.warnings:
        terminal.say("warning", one_line(warning), "yellow")
