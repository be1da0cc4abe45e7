"""The command `pallink show`."""

from pallink.cli import job
from pallink.cli.lazy import new_app
from pallink.cli.many_tenants import Wanted, read_in_tenants
from pallink.cli.options import command_with_options
from pallink.cli.tenants_options import TenantsOptions

app = new_app()


@command_with_options(app, options=TenantsOptions)
def show(options: TenantsOptions) -> None:
    """Show the account's link.

    Not linked: exit code 3. With --all-tenants or several --tenant, a tenant whose link could not be read: 8.
    """
    if options.is_about_many:
        read_in_tenants(options, Wanted())
        return
    with job.session(options, "show") as opened:
        result = opened.show()
    job.show(result, options)
