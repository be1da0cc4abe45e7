"""The options of every command that works in one tenant, in several, or in all of the account."""

from dataclasses import dataclass, field
from typing import Annotated

import typer

from pallink.cli.fleet_arguments import Concurrency, ExcludeTenant
from pallink.cli.options import CommonOptions, is_from
from pallink.errors import UsageError
from pallink.settings import Settings


@dataclass(frozen=True, kw_only=True)
class TenantsOptions(CommonOptions):
    """Options of every command that works in one tenant, in several, or in all of the account.

    Attributes:
        tenant: The one tenant that `--tenant` names; None if it names none, or several.
    """

    tenant: str | None = field(init=False, default=None)
    tenants: Annotated[
        list[str] | None,
        typer.Option(
            "--tenant",
            metavar="ID|DOMAIN",
            envvar="PALLINK_TENANT",
            help="The tenant to sign in to; given several times, each of these tenants, with one sign-in.",
            show_default=False,
        ),
    ] = None
    all_tenants: Annotated[
        bool,
        typer.Option("--all-tenants", help="Run in all tenants of the user in parallel, with one sign-in."),
    ] = False
    exclude_tenant: ExcludeTenant = None
    concurrency: Concurrency = 16

    def __post_init__(self) -> None:
        if len(self.named_tenants) == 1:
            object.__setattr__(self, "tenant", self.named_tenants[0])

    @property
    def named_tenants(self) -> tuple[str, ...]:
        """The tenants that `--tenant` names, each spelling once."""
        return tuple({tenant.casefold(): tenant for tenant in self.tenants or ()}.values())

    @property
    def is_about_many(self) -> bool:
        """Whether the command works in several tenants, as a fleet does."""
        return self.all_tenants or len(self.named_tenants) > 1

    @property
    def tenant_words(self) -> list[str]:
        """The options on the command line that name the same tenants."""
        named, excluded = self.named_tenants, self.exclude_tenant or ()
        words = [word for tenant in named for word in ("--tenant", tenant)]
        words += ["--all-tenants"] if self.all_tenants else []
        return words + [word for tenant in excluded for word in ("--exclude-tenant", tenant)]

    def check(self, context: typer.Context) -> None:
        """Refuse options about tenants that contradict each other.

        Raises:
            UsageError: They do, or a tenant is invalid.
        """
        super().check(context)
        for tenant in self.named_tenants:
            Settings(self.cloud, tenant=tenant)
        if self.exclude_tenant and not self.all_tenants:
            raise UsageError(
                "--exclude-tenant requires --all-tenants",
                cause="without it the command is about one tenant, or about those that --tenant names",
                remedy="add --all-tenants, or leave --exclude-tenant out",
            )
        if self.all_tenants and self.tenants:
            raise UsageError(
                "--tenant cannot be combined with --all-tenants",
                cause="one names tenants, the other means all of them",
                remedy="leave one of them out; PALLINK_TENANT sets --tenant too",
            )
        if len(self.named_tenants) > 1 and is_from(context, "tenants", "ENVIRONMENT"):
            raise UsageError(
                "PALLINK_TENANT names several tenants",
                cause="the variable sets one",
                remedy="repeat --tenant on the command line",
            )
        if not self.is_about_many and is_from(context, "concurrency", "COMMANDLINE"):
            raise UsageError(
                "--concurrency requires --all-tenants or several --tenant",
                cause="the command is about one tenant",
                remedy="leave --concurrency out, or name the tenants",
            )
