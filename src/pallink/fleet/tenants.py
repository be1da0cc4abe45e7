"""The entries of one account in its tenants. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pallink.errors import UsageError
from pallink.fleet.entry import ALL_TENANTS, Entry
from pallink.settings import Settings
from pallink.tenants import Tenant


def choose_tenants(
    tenants: Sequence[Tenant], settings: Settings, *, exclude: Sequence[str] = (), option: str = "--exclude-tenant"
) -> tuple[Tenant, ...]:
    """Return the tenants that the account itself is in, without those that are excluded, in their order.

    Args:
        tenants: The tenants of an account.
        settings: How they were read, for messages.
        exclude: IDs or domains.
        option: What named the excluded ones, for messages.

    Raises:
        UsageError: One that is excluded is none of the account's tenants, or nothing is left.
    """
    for identifier in exclude:
        if not any(tenant.is_named(identifier) for tenant in tenants):
            raise UsageError(
                f"{option} names {identifier}, and the account is in no such tenant",
                cause="a misspelt tenant would not be excluded; nothing was written",
                remedy=f"correct {option}, or leave the tenant out; to see the tenants",
                command=settings.command("tenants"),
            )
    chosen = tuple(
        tenant
        for tenant in tenants
        if not tenant.is_delegated and not any(tenant.is_named(identifier) for identifier in exclude)
    )
    if not chosen:
        raise UsageError(
            f"{option} leaves no tenant", cause=f"the account is in {len(tenants)}", remedy=f"correct {option}"
        )
    return chosen


def describe_delegated(tenants: Sequence[Tenant]) -> tuple[str, ...]:
    """Return the warning for the tenants that `choose_tenants` leaves out because they only delegate; none if none do.

    Args:
        tenants: The tenants of an account.
    """
    delegated = [tenant.name or tenant.label for tenant in tenants if tenant.is_delegated]
    if not delegated:
        return ()
    customers = "1 customer delegates" if len(delegated) == 1 else f"{len(delegated)} customers delegate"
    names = ", ".join(delegated)
    return (f"{customers} to you through Azure Lighthouse, where the link in your own tenant counts: {names}",)


def entries_in(tenants: Sequence[Tenant], template: Entry) -> tuple[Entry, ...]:
    """Return an entry for each tenant, which says the same of the account in each.

    Args:
        tenants: The tenants.
        template: What the entries say, but for the tenant.
    """
    return tuple(
        replace(
            template,
            tenant=tenant.id,
            tenant_domain=tenant.default_domain,
            tenant_name=tenant.name,
            excluded_tenants=(),
        )
        for tenant in tenants
    )


def expand(
    entries: Sequence[Entry],
    list_tenants: Callable[[Entry], Sequence[Tenant]],
    settings_of: Callable[[Entry], Settings],
) -> tuple[Entry, ...]:
    """Return the entries with one for each tenant in place of those for all tenants.

    A tenant for which the account has an entry of its own is left to that one.

    Args:
        entries: The entries of a fleet file.
        list_tenants: Returns the tenants of an entry's account.
        settings_of: Returns how they are read.

    Raises:
        UsageError: An excluded tenant is none of the account's, or no tenant is left.
    """
    expanded: list[Entry] = []
    for entry in entries:
        if entry.tenant != ALL_TENANTS:
            expanded.append(entry)
            continue
        tenants = choose_tenants(
            list_tenants(entry), settings_of(entry), exclude=entry.excluded_tenants, option="exclude-tenants"
        )
        own = [other.tenant for other in entries if other.tenant != ALL_TENANTS and other.key[0] == entry.key[0]]
        expanded += entries_in([tenant for tenant in tenants if not any(map(tenant.is_named, own))], entry)
    return tuple(expanded)
