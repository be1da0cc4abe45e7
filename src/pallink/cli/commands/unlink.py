"""The command `pallink unlink`."""

from typing import TYPE_CHECKING, Annotated

import typer

from pallink.cli.all_tenants import AllTenants, Wanted, check_tenant_options, write_in_all_tenants
from pallink.cli.arguments import DryRun, Yes
from pallink.cli.fleet_arguments import ExcludeTenant
from pallink.cli.job import confirmation, session
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.cli.reporting import run_and_report
from pallink.links.model import UnlinkGoal, parse_partner_id
from pallink.settings import RoleCheck

if TYPE_CHECKING:
    from pallink.result import WriteResult

app = new_app()


@command_with_options(app, options=CommonOptions)
def unlink(
    options: CommonOptions,
    partner_id: Annotated[
        str | None,
        typer.Argument(metavar="PARTNER_ID", help="Remove the link only if it is this partner's.", show_default=False),
    ] = None,
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
    all_tenants: AllTenants = False,
    exclude_tenant: ExcludeTenant = None,
) -> None:
    """Remove the account's link.

    Prompts for confirmation on a terminal; elsewhere it needs --yes. Not linked: unchanged.
    With --all-tenants it does so in each tenant of the user, shows the plan first, and keeps a journal.
    """
    check_tenant_options(options, all_tenants=all_tenants, exclude_tenant=exclude_tenant)
    if all_tenants:
        partner = None if partner_id is None else parse_partner_id(partner_id)
        wanted = Wanted(partner, is_unlinked=True, role_check=RoleCheck.SKIP)
        write_in_all_tenants(options, wanted, exclude_tenant, yes=yes, dry_run=dry_run)
        return

    def write() -> "WriteResult":
        goal = UnlinkGoal(None if partner_id is None else parse_partner_id(partner_id))
        confirm = None if dry_run else confirmation(options, yes=yes, always=True)
        with session(options, "unlink", writable=not dry_run, yes=yes) as opened:
            return opened.write(goal, role_check=RoleCheck.SKIP, dry_run=dry_run, confirm=confirm)

    run_and_report(write, options, "unlink", None)
