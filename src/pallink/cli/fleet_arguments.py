"""Arguments and options that several fleet commands share."""

from pathlib import Path
from typing import Annotated

import typer

from pallink.signin import OFFERED_METHODS

FleetFile = Annotated[
    Path, typer.Argument(help="The fleet file: .yaml, .yml or .csv.", metavar="FILE", show_default=False)
]

Select = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        metavar="FIELD=VALUE",
        help="Only accounts with name=, tag= or tenant=VALUE; * stands for any text; can be repeated.",
        show_default=False,
    ),
]

Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="FIELD=VALUE",
        help="Leave out these accounts; same syntax as --select; can be repeated.",
        show_default=False,
    ),
]

Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, help="Only the first N accounts.", show_default=False)
]

Concurrency = Annotated[
    int,
    typer.Option(
        "--concurrency",
        metavar="N",
        envvar="PALLINK_CONCURRENCY",
        help="How many accounts or tenants to work on at a time.",
    ),
]

VaultAuth = Annotated[
    str | None,
    typer.Option(
        "--vault-auth",
        metavar="METHOD",
        envvar="PALLINK_VAULT_AUTH",
        autocompletion=lambda: list(OFFERED_METHODS),
        help="How to sign in to Key Vault for secrets; without it, as the environment states.",
        show_default=False,
    ),
]

Replace = Annotated[bool, typer.Option("--replace", help="Change links that are another partner's.")]

Junit = Annotated[
    str | None,
    typer.Option("--junit", metavar="FILE", help="Also write a JUnit report, which CI systems show as tests."),
]

Markdown = Annotated[str | None, typer.Option("--markdown", metavar="FILE", help="Also write a Markdown summary.")]

Csv = Annotated[str | None, typer.Option("--csv", metavar="FILE", help="Also write all results as CSV.")]

ExcludeTenant = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude-tenant",
        metavar="ID|DOMAIN",
        help="Leave out this tenant; can be repeated.",
        show_default=False,
    ),
]
