"""pallink sandbox assign, activate and grow: what an administrator does in Azure, done to the sandbox."""

from collections.abc import Callable
from typing import Annotated, Literal

import typer

from pallink import sandbox as embedded
from pallink.cli.options import OutputOptions
from pallink.errors import UsageError
from pallink.output import Terminal, write_value

_MAX_SUBSCRIPTIONS = 20_000

_ObjectId = Annotated[
    str,
    typer.Option(
        "--assignee-object-id", metavar="ID", help="The object ID of the account or group.", show_default=False
    ),
]
_Role = Annotated[str, typer.Option("--role", metavar="NAME|GUID", help="The role's name or GUID.")]


def assign(
    options: OutputOptions,
    *,
    assignee_object_id: _ObjectId,
    assignee_principal_type: Annotated[
        Literal["User", "Group", "ServicePrincipal"] | None,
        typer.Option(help="The kind of principal; not needed in the sandbox.", show_default=False),
    ] = None,
    role: _Role = "Reader",
    scope: Annotated[
        str | None,
        typer.Option(
            metavar="SCOPE",
            help="The scope, as in /subscriptions/ID; by default the first enabled subscription.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Assign a role to an account or a group, as az role assignment create does in Azure."""
    del assignee_principal_type

    def change() -> str:
        assignment = embedded.Sandbox(embedded.home()).assign(principal_id=assignee_object_id, role=role, scope=scope)
        return f"{assignee_object_id} holds {role} at {assignment.scope}"

    _run(change, options)


def activate(
    options: OutputOptions,
    *,
    assignee_object_id: _ObjectId,
    role: _Role = "Reader",
    scope: Annotated[
        str,
        typer.Option(
            metavar="SCOPE", help="The scope of the eligibility, as in /subscriptions/ID.", show_default=False
        ),
    ],
) -> None:
    """Activate a role that an account is eligible for, as Privileged Identity Management does in Azure."""

    def change() -> str:
        assignment = embedded.Sandbox(embedded.home()).activate(account_id=assignee_object_id, role=role, scope=scope)
        return f"{assignee_object_id} has activated {role} at {assignment.scope}"

    _run(change, options)


def grow(
    options: OutputOptions,
    count: Annotated[
        int,
        typer.Argument(
            metavar="COUNT", min=0, max=_MAX_SUBSCRIPTIONS, help="How many; 0 removes them.", show_default=False
        ),
    ],
) -> None:
    """Generate subscriptions, on which svc_approvers@contoso.com and owner@contoso.com hold a role."""
    _run(
        lambda: (
            f"there are {embedded.Sandbox(embedded.home()).grow(count)} subscriptions now, {count} of them generated"
        ),
        options,
    )


def _run(change: Callable[[], str], options: OutputOptions) -> None:
    """Make a change, and report the sentence that it returns."""
    try:
        sentence = change()
    except ValueError as error:
        text = str(error).rstrip(".")
        raise UsageError(
            text[:1].lower() + text[1:], remedy="list the accounts and scopes", command="pallink sandbox show"
        ) from error
    terminal = Terminal()
    write_value({"changed": sentence}, options.output, terminal, options.query, table=lambda: None)
    if not options.quiet:
        terminal.say("sandbox", sentence)
