"""The tenants of one account, as Resource Manager lists them, and what the account is in each. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from pallink.account import Account, AccountKind


class TenantCategory(StrEnum):
    """Why a tenant is in the list of an account (`tenantCategory`)."""

    HOME = "Home"
    """The account is in it, as a member or a guest."""
    PROJECTED_BY = "ProjectedBy"
    """It delegates a subscription through Azure Lighthouse."""
    MANAGED_BY = "ManagedBy"
    """It is managed by another tenant."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant in the list of an account.

    Attributes:
        id: The tenant's ID (GUID).
        name: The display name; None if the list has none.
        default_domain: The default domain; None if the list has none.
        category: The category as the list has it; None if the list has none.
        domains: The verified domains.
        account_kind: What the account is there: user or guest, as far as its token tells; None otherwise.
    """

    id: str
    name: str | None = None
    default_domain: str | None = None
    category: str | None = None
    domains: tuple[str, ...] = ()
    account_kind: AccountKind | None = None

    @property
    def is_delegated(self) -> bool:
        """Whether the account only manages resources of the tenant, and has no link there."""
        return self.category in (TenantCategory.PROJECTED_BY, TenantCategory.MANAGED_BY)

    @property
    def label(self) -> str:
        """What to call the tenant: its default domain, else its ID."""
        return self.default_domain or self.id

    def is_named(self, identifier: str) -> bool:
        """Return whether an ID or a domain names this tenant."""
        names = {self.id, *self.domains, self.default_domain or self.id}
        return identifier.strip().casefold() in map(str.casefold, names)


def kind_in(
    tenant_id: str, category: str | None, account: Account, home_tenant_id: str | None = None
) -> AccountKind | None:
    """Return what an account is in a tenant, as far as its token for one tenant tells; None if it does not tell.

    Args:
        tenant_id: The tenant.
        category: The tenant's category.
        account: The account that the token is for.
        home_tenant_id: The account's home tenant; None if it is not known but from the token.
    """
    if category in (TenantCategory.PROJECTED_BY, TenantCategory.MANAGED_BY):
        return None
    if tenant_id.casefold() == account.tenant_id.casefold():
        return account.kind
    if not account.kind.is_user:
        return None
    home = home_tenant_id or (account.tenant_id if account.kind is AccountKind.USER else None)
    if home is None:
        return None
    return AccountKind.USER if tenant_id.casefold() == home.casefold() else AccountKind.GUEST
