"""The command `pallink verify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pallink.cli.all_tenants import AllTenants, Wanted, check_tenant_options, verify_in_all_tenants
from pallink.cli.arguments import PartnerId, RoleCheckOption, Subscriptions
from pallink.cli.fleet_arguments import ExcludeTenant
from pallink.cli.job import session
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.cli.reporting import run_and_report
from pallink.links.model import LinkGoal, parse_partner_id
from pallink.settings import RoleCheck

if TYPE_CHECKING:
    from pallink.result import VerifyResult

app = new_app()


@command_with_options(app, options=CommonOptions)
def verify(
    options: CommonOptions,
    partner_id: PartnerId,
    *,
    role_check: RoleCheckOption = RoleCheck.WARN,
    subscription: Subscriptions = None,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", metavar="FILE", envvar="PALLINK_JUNIT", help="Write the verdict as JUnit XML too."),
    ] = None,
    all_tenants: AllTenants = False,
    exclude_tenant: ExcludeTenant = None,
) -> None:
    """Fail unless the account is linked to this partner.

    For CI: reads only. Not linked: exit code 3. Linked to another partner: 5. A missing Reader role is a warning, or
    with --role-check require an error (6). In GitHub Actions and Azure Pipelines it annotates the run and adds to its
    summary. With --all-tenants: 9 if the account is not as wanted in a tenant, and 8 if one could not be checked.
    """
    check_tenant_options(options, all_tenants=all_tenants, exclude_tenant=exclude_tenant)
    if all_tenants:
        partner = parse_partner_id(partner_id)
        wanted = Wanted(partner, role_check=role_check, subscriptions=tuple(subscription or ()))
        verify_in_all_tenants(options, wanted, exclude_tenant, junit=junit)
        return

    def compare() -> "VerifyResult":
        goal = LinkGoal(parse_partner_id(partner_id))
        with session(options, "verify") as opened:
            return opened.compare(goal, role_check=role_check, subscriptions=subscription or ())

    run_and_report(compare, options, "verify", partner_id, junit_file=junit)
