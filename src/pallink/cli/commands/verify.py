"""The command `pallink verify`."""

from typing import TYPE_CHECKING, Annotated

import typer

from pallink.cli.arguments import PartnerId, RoleCheckOption, Subscriptions
from pallink.cli.fleet_reports import parse_report_file
from pallink.cli.job import session
from pallink.cli.lazy import new_app
from pallink.cli.many_tenants import Wanted, verify_in_tenants
from pallink.cli.options import command_with_options
from pallink.cli.reporting import run_and_report
from pallink.cli.tenants_options import TenantsOptions
from pallink.links.model import LinkGoal, parse_partner_id
from pallink.settings import RoleCheck

if TYPE_CHECKING:
    from pallink.result import VerifyResult

app = new_app()


@command_with_options(app, options=TenantsOptions)
def verify(
    options: TenantsOptions,
    partner_id: PartnerId,
    *,
    role_check: RoleCheckOption = RoleCheck.WARN,
    subscription: Subscriptions = None,
    junit: Annotated[
        str | None,
        typer.Option(
            "--junit",
            metavar="FILE",
            envvar="PALLINK_JUNIT",
            help="Also write a JUnit report, which CI systems show as tests.",
        ),
    ] = None,
) -> None:
    """Fail unless the account is linked to this partner.

    For CI: reads only. Not linked: exit code 3. Linked to another partner: 5. A missing Reader role is a warning, or
    with --role-check require an error (6). In GitHub Actions and Azure Pipelines it annotates the run and adds to its
    summary. With --all-tenants or several --tenant: 9 if it is not linked as expected in one of them, and 8 if one
    could not be checked.
    """
    junit_file = parse_report_file("--junit", junit)
    if options.is_about_many:
        partner = parse_partner_id(partner_id)
        wanted = Wanted(partner, role_check=role_check, subscriptions=tuple(subscription or ()))
        verify_in_tenants(options, wanted, junit=junit_file)
        return

    def compare() -> "VerifyResult":
        goal = LinkGoal(parse_partner_id(partner_id))
        with session(options, "verify") as opened:
            return opened.compare(goal, role_check=role_check, subscriptions=subscription or ())

    run_and_report(compare, options, "verify", partner_id, junit_file=junit_file)
