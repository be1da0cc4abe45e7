"""The command `pallink unlink`."""

from typing import TYPE_CHECKING, Annotated

import typer

from pallink.cli.arguments import DryRun, Yes
from pallink.cli.job import confirmation, session
from pallink.cli.lazy import new_app
from pallink.cli.many_tenants import Wanted, write_in_tenants
from pallink.cli.options import command_with_options
from pallink.cli.reporting import run_and_report
from pallink.cli.tenants_options import TenantsOptions
from pallink.links.model import UnlinkGoal, parse_partner_id
from pallink.settings import RoleCheck

if TYPE_CHECKING:
    from pallink.result import WriteResult

app = new_app()


@command_with_options(app, options=TenantsOptions)
def unlink(
    options: TenantsOptions,
    partner_id: Annotated[
        str | None,
        typer.Argument(metavar="PARTNER_ID", help="Remove the link only if it is this partner's.", show_default=False),
    ] = None,
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Remove the account's link.

    Prompts for confirmation on a terminal; elsewhere it needs --yes. Not linked: unchanged.
    With --all-tenants, or several --tenant, it does so in each of these tenants, shows the plan first, and keeps a
    journal.
    """
    if options.is_about_many:
        partner = None if partner_id is None else parse_partner_id(partner_id)
        wanted = Wanted(partner, is_unlinked=True, role_check=RoleCheck.SKIP)
        write_in_tenants(options, wanted, yes=yes, dry_run=dry_run)
        return

    def write() -> "WriteResult":
        goal = UnlinkGoal(None if partner_id is None else parse_partner_id(partner_id))
        confirm = None if dry_run else confirmation(options, yes=yes, always=True)
        with session(options, "unlink", writable=not dry_run, yes=yes) as opened:
            return opened.write(goal, role_check=RoleCheck.SKIP, dry_run=dry_run, confirm=confirm)

    run_and_report(write, options, "unlink", None)
