"""The command `pallink check`."""

from pallink.cli.arguments import Subscriptions
from pallink.cli.job import session, show
from pallink.cli.lazy import new_app
from pallink.cli.many_tenants import Wanted, check_in_tenants
from pallink.cli.options import command_with_options
from pallink.cli.tenants_options import TenantsOptions

app = new_app()


@command_with_options(app, options=TenantsOptions)
def check(
    options: TenantsOptions,
    *,
    subscription: Subscriptions = None,
) -> None:
    """Check whether the account is ready to be linked.

    Reads only: who signed in, Reader on which subscriptions and where it comes from, the present link. Without Reader:
    exit code 6. Where the roles could not be read because there was no response: 7. With --all-tenants or
    several --tenant, one row a tenant: 9 if Reader is missing in one of them, and 8 if one could not be checked.
    """
    if options.is_about_many:
        check_in_tenants(options, Wanted(subscriptions=tuple(subscription or ())))
        return
    with session(options, "check") as opened:
        result = opened.check(subscriptions=subscription or ())
    show(result, options)
