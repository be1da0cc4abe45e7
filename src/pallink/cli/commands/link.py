"""The command `pallink link`."""

from typing import TYPE_CHECKING, Annotated

import typer

from pallink.cli.arguments import DryRun, PartnerId, RoleCheckOption, Subscriptions, Yes
from pallink.cli.job import confirmation, session
from pallink.cli.lazy import new_app
from pallink.cli.many_tenants import Wanted, write_in_tenants
from pallink.cli.options import command_with_options
from pallink.cli.reporting import run_and_report
from pallink.cli.tenants_options import TenantsOptions
from pallink.links.model import LinkGoal, parse_partner_id
from pallink.settings import RoleCheck

if TYPE_CHECKING:
    from pallink.result import WriteResult

app = new_app()


@command_with_options(app, options=TenantsOptions)
def link(
    options: TenantsOptions,
    partner_id: PartnerId,
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Change the link where it is another partner's.")] = False,
    role_check: RoleCheckOption = RoleCheck.REQUIRE,
    subscription: Subscriptions = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Link the account to a partner.

    Signs in, checks the Reader role, reads the link, and creates it if there is none. Linked to that partner
    already: unchanged. Linked to another one: refused (exit code 5), unless --replace is given.
    With --all-tenants, or several --tenant, it does so in each of these tenants, shows the plan first, and keeps a
    journal, as fleet apply does.
    """
    if options.is_about_many:
        goal = LinkGoal(parse_partner_id(partner_id), replace)
        wanted = Wanted(
            goal.partner_id, role_check=role_check, subscriptions=tuple(subscription or ()), replace=replace
        )
        write_in_tenants(options, wanted, yes=yes, dry_run=dry_run)
        return

    def write() -> "WriteResult":
        goal = LinkGoal(parse_partner_id(partner_id), replace)
        confirm = confirmation(options, yes=yes)
        with session(options, "link", writable=not dry_run, yes=yes) as opened:
            return opened.write(
                goal, role_check=role_check, subscriptions=subscription or (), dry_run=dry_run, confirm=confirm
            )

    run_and_report(write, options, "link", partner_id)
