"""What an administrator does in Azure, done to the sandbox.

The commands assign, activate, grow, guest-policy and revoke-sessions of `pallink sandbox`.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from pallink import sandbox as embedded
from pallink.cli.commands import sandbox_fleet
from pallink.cli.completion import complete_sandbox_user
from pallink.cli.options import OutputOptions
from pallink.errors import UsageError
from pallink.output import Terminal, write_value
from pallink.sandbox.state.guest_policies import GuestPolicy
from pallink.words import counted

_MAX_GENERATED = 20_000
_MAX_TENANTS = 1_000

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
    *,
    count: Annotated[
        int | None,
        typer.Argument(
            metavar="COUNT",
            min=0,
            max=_MAX_GENERATED,
            help="How many subscriptions, on which svc_approvers@contoso.com and owner@contoso.com hold a role.",
            show_default=False,
        ),
    ] = None,
    applications: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=0,
            max=_MAX_GENERATED,
            help="How many applications, app-0001 and so on, each with a client secret.",
            show_default=False,
        ),
    ] = None,
    accounts: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=0,
            max=_MAX_GENERATED,
            help="How many users, user-0001@... and so on.",
            show_default=False,
        ),
    ] = None,
    tenants: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=0,
            max=_MAX_TENANTS,
            help="How many tenants, tenant-0001.example and so on, which share the applications and users; "
            "without any, contoso.onmicrosoft.com has them all.",
            show_default=False,
        ),
    ] = None,
    guest: Annotated[
        str | None,
        typer.Option(
            "--guest",
            metavar="UPN",
            help="The user of another tenant who is a guest, and Reader, in every generated tenant.",
            show_default=False,
        ),
    ] = None,
    fleet_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a fleet file (.yaml, .yml or .csv) of all generated applications and users, and their secrets "
            "to a folder beside it.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Generate subscriptions, applications, users and tenants.

    What is not named stays as it is; 0 removes it. Each application and user is Reader on a subscription of its tenant.
    Names, IDs and secrets follow a pattern, so that a script can compute them; docs/reference/sandbox.md has it.
    """
    numbers = {"subscriptions": count, "applications": applications, "accounts": accounts, "tenants": tenants}
    if fleet_file is None and guest is None and all(number is None for number in numbers.values()):
        raise UsageError(
            "nothing to generate",
            cause="COUNT, --applications, --accounts, --tenants, --guest and --fleet-file are all missing",
            remedy="name how many of them there should be",
            command="pallink sandbox grow --applications 10 --tenants 3",
        )
    if fleet_file is not None:
        sandbox_fleet.check_fleet_file(fleet_file)

    def change() -> str:
        sandbox = embedded.Sandbox(embedded.home())
        generated = sandbox.grow(**numbers, guest=guest)
        sentence = "generated: " + ", ".join(
            counted(number, name.removesuffix("s")) for name, number in asdict(generated).items()
        )
        if present := sandbox.generated_guest():
            sentence += f"; {present} is a guest of the tenants"
        if fleet_file is None:
            return sentence
        sandbox_fleet.write_fleet(fleet_file, sandbox.generated_accounts())
        return f"{sentence}; wrote {fleet_file}"

    _run(change, options)


def guest_policy(
    options: OutputOptions,
    policy: Annotated[
        GuestPolicy,
        typer.Argument(metavar="POLICY", help=f"One of {', '.join(GuestPolicy)}.", show_default=False),
    ],
    tenants: Annotated[
        list[str], typer.Argument(metavar="TENANT...", help="The ID or a domain of each tenant.", show_default=False)
    ],
) -> None:
    """Choose what tenants require of their guests, as a conditional access policy does in Entra ID.

    mfa, terms-of-use and consent refuse a guest until the guest signs in to this tenant in person; the others refuse
    every sign-in.
    """

    def change() -> str:
        embedded.Sandbox(embedded.home()).set_guest_policy(policy, tenants)
        return f"guest policy {policy} in {', '.join(tenants)}"

    _run(change, options)


def revoke_sessions(
    options: OutputOptions,
    account: Annotated[
        str,
        typer.Argument(
            metavar="ACCOUNT",
            help="The user's UPN, or an object ID.",
            show_default=False,
            autocompletion=complete_sandbox_user,
        ),
    ],
) -> None:
    """Revoke a user's sessions in all tenants, as "Revoke sessions" does in Entra ID.

    The user's refresh tokens are refused with AADSTS50173 from then on. Access tokens stay valid until they expire.
    """

    def change() -> str:
        name = embedded.Sandbox(embedded.home()).revoke_sessions(account)
        return f"revoked the sessions of {name}"

    _run(change, options)


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
