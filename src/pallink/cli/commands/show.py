"""The command `pallink show`."""

from pallink.cli import job
from pallink.cli.all_tenants import AllTenants, Wanted, check_tenant_options, read_in_all_tenants
from pallink.cli.fleet_arguments import ExcludeTenant
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options

app = new_app()


@command_with_options(app, options=CommonOptions)
def show(options: CommonOptions, *, all_tenants: AllTenants = False, exclude_tenant: ExcludeTenant = None) -> None:
    """Show the account's link.

    Not linked: exit code 3. With --all-tenants, a tenant whose link could not be read: 8.
    """
    check_tenant_options(options, all_tenants=all_tenants, exclude_tenant=exclude_tenant)
    if all_tenants:
        read_in_all_tenants(options, Wanted(), exclude_tenant)
        return
    with job.session(options, "show") as opened:
        result = opened.show()
    job.show(result, options)
