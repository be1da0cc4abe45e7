"""The command `pallink check`."""

from pallink.cli.all_tenants import AllTenants, Wanted, check_in_all_tenants, check_tenant_options
from pallink.cli.arguments import Subscriptions
from pallink.cli.fleet_arguments import ExcludeTenant
from pallink.cli.job import session, show
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options

app = new_app()


@command_with_options(app, options=CommonOptions)
def check(
    options: CommonOptions,
    *,
    subscription: Subscriptions = None,
    all_tenants: AllTenants = False,
    exclude_tenant: ExcludeTenant = None,
) -> None:
    """Check whether the account is ready to be linked.

    Reads only: who signed in, Reader on which subscriptions and where it comes from, the present link. Without Reader:
    exit code 6. Where the roles could not be read because there was no response: 7. With --all-tenants,
    one row a tenant: 9 if Reader is missing in one of them, and 8 if one could not be checked.
    """
    check_tenant_options(options, all_tenants=all_tenants, exclude_tenant=exclude_tenant)
    if all_tenants:
        check_in_all_tenants(options, Wanted(subscriptions=tuple(subscription or ())), exclude_tenant)
        return
    with session(options, "check") as opened:
        result = opened.check(subscriptions=subscription or ())
    show(result, options)
