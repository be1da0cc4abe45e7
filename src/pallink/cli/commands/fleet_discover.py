"""The command `pallink fleet discover`."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pallink.cli.arguments import PartnerId
from pallink.cli.fleet_arguments import ExcludeTenant
from pallink.cli.job import say_where, session
from pallink.cli.options import CommonOptions
from pallink.errors import OutputError, UsageError
from pallink.links.model import parse_partner_id
from pallink.os_errors import os_reason
from pallink.output import Terminal, write_value
from pallink.redact.text import one_line
from pallink.signin.methods import SignInMethod
from pallink.signin.tenants import check_covers_tenants
from pallink.tenants import Tenant
from pallink.words import counted


def discover(
    options: CommonOptions,
    partner_id: PartnerId,
    file: Annotated[Path, typer.Argument(help="The file to write: .yaml or .yml.", metavar="FILE", show_default=False)],
    *,
    exclude_tenant: ExcludeTenant = None,
) -> None:
    """Write a fleet file with an entry for each tenant of the signed-in account.

    Replaces no file. To follow the tenants of the account without a list, write tenants: all into a fleet file instead.
    """
    from pallink.fleet.tenants import choose_tenants  # noqa: PLC0415 - help does without it

    parse_partner_id(partner_id)
    _check_new(file)
    with session(options, "tenants", is_for_all_tenants=True) as opened:
        check_covers_tenants(opened.sign_in, options.settings, os.environ)
        tenants = choose_tenants(opened.tenants(), options.settings, exclude=exclude_tenant or ())
        account, method = opened.account.name, opened.sign_in.method
    _write(file, render_fleet(account, tenants, partner_id, auth=method if method is SignInMethod.AZURE_CLI else None))
    terminal = Terminal()
    value = {"file": str(file), "account": account, "tenants": len(tenants)}
    write_value(value, options.output, terminal, options.query, table=lambda: None)
    if options.output.has_error_objects:
        say_where(options)
    elif not options.quiet:
        terminal.say("fleet", one_line(f"{account} in {counted(len(tenants), 'tenant')}: {file}", 2000))


def render_fleet(account: str, tenants: Sequence[Tenant], partner_id: str, *, auth: SignInMethod | None = None) -> str:
    """Return a fleet file in YAML: one account in some tenants.

    Args:
        account: The name that the account signs in with.
        tenants: The tenants.
        partner_id: The partner to link to.
        auth: The method of each entry; None: a stored sign-in.
    """
    lines = ["version: 1", f"defaults: {{partner: {json.dumps(partner_id)}}}", "accounts:"]
    for tenant in tenants:
        fields = {
            "name": tenant.label,
            "account": account,
            "tenant": tenant.id,
            **({"auth": auth.value} if auth else {}),
        }
        # A JSON string is YAML too. A name goes into a comment, on one line.
        entry = ", ".join(f"{key}: {json.dumps(text)}" for key, text in fields.items())
        lines.append(f"  - {{{entry}}}" + (f"  # {one_line(tenant.name, 100)}" if tenant.name else ""))
    return "".join(f"{line}\n" for line in lines)


def _check_new(file: Path) -> None:
    """Refuse a file that exists, or that would not be read as YAML.

    Raises:
        UsageError: It is one of these.
    """
    if file.suffix.casefold() not in (".yaml", ".yml"):
        raise UsageError(
            f"cannot write a fleet to {file}", cause="its name must end with .yaml or .yml", remedy="rename the file"
        )
    if file.exists():
        raise UsageError(
            f"{file} exists already", cause="pallink fleet discover replaces no file", remedy="choose another name"
        )


def _write(file: Path, text: str) -> None:
    """Write the fleet file.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except (OSError, ValueError) as error:
        raise OutputError(
            f"the fleet file cannot be written to {file}: {os_reason(error)}",
            remedy="check the path and its permissions",
        ) from error
