"""Arguments and options that several commands share."""

from typing import Annotated

import typer

from pallink.settings import RoleCheck

PartnerId = Annotated[
    str,
    typer.Argument(metavar="PARTNER_ID", help="The partner's location ID: digits, as in 719878.", show_default=False),
]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and write nothing.")]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation prompt.")]

RoleCheckOption = Annotated[
    RoleCheck,
    typer.Option(
        "--role-check",
        envvar="PALLINK_ROLE_CHECK",
        case_sensitive=False,
        help="Treat a missing Reader role as an error or a warning, or skip the check.",
    ),
]

Subscriptions = Annotated[
    list[str] | None,
    typer.Option(
        "--subscription",
        metavar="ID|NAME",
        help="A subscription on which Reader is required; can be repeated. Without it, any one is enough.",
        show_default=False,
    ),
]
