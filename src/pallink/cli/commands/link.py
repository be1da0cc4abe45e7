"""The command `pallink link`."""

from typing import TYPE_CHECKING, Annotated

import typer

from pallink.cli.all_tenants import AllTenants, Wanted, check_tenant_options, write_in_all_tenants
from pallink.cli.arguments import DryRun, PartnerId, RoleCheckOption, Subscriptions, Yes
from pallink.cli.fleet_arguments import ExcludeTenant
from pallink.cli.job import confirmation, session
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.cli.reporting import run_and_report
from pallink.links.model import LinkGoal, parse_partner_id
from pallink.settings import RoleCheck

if TYPE_CHECKING:
    from pallink.result import WriteResult

app = new_app()


@command_with_options(app, options=CommonOptions)
def link(
    options: CommonOptions,
    partner_id: PartnerId,
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Change the link where it is another partner's.")] = False,
    role_check: RoleCheckOption = RoleCheck.REQUIRE,
    subscription: Subscriptions = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    all_tenants: AllTenants = False,
    exclude_tenant: ExcludeTenant = None,
) -> None:
    """Link the account to a partner.

    Signs in, checks the Reader role, reads the link, and creates it if there is none. Linked to that partner
    already: unchanged. Linked to another one: refused (exit code 5), unless --replace is given.
    With --all-tenants it does so in each tenant of the user, shows the plan first, and keeps a journal, as fleet apply
    does.
    """
    check_tenant_options(options, all_tenants=all_tenants, exclude_tenant=exclude_tenant)
    if all_tenants:
        goal = LinkGoal(parse_partner_id(partner_id), replace)
        wanted = Wanted(
            goal.partner_id, role_check=role_check, subscriptions=tuple(subscription or ()), replace=replace
        )
        write_in_all_tenants(options, wanted, exclude_tenant, yes=yes, dry_run=dry_run)
        return

    def write() -> "WriteResult":
        goal = LinkGoal(parse_partner_id(partner_id), replace)
        confirm = confirmation(options, yes=yes)
        with session(options, "link", writable=not dry_run, yes=yes) as opened:
            return opened.write(
                goal, role_check=role_check, subscriptions=subscription or (), dry_run=dry_run, confirm=confirm
            )

    run_and_report(write, options, "link", partner_id)
