"""What a sandbox holds, for people to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pallink.sandbox.faults import faults
from pallink.sandbox.state.access import assignments_above, assignments_below, principals
from pallink.sandbox.state.settings import SETTINGS
from pallink.sandbox.state.store import State
from pallink.sandbox.state.world import (
    Account,
    AccountKind,
    RoleAssignment,
    RoleEligibility,
    Subscription,
    Tenant,
    World,
)


@dataclass(frozen=True, slots=True)
class TenantOverview:
    """A tenant: `domain` is its default one."""

    id: str
    domain: str
    display_name: str


@dataclass(frozen=True, slots=True)
class AccountOverview:
    """An account in one tenant.

    Attributes:
        name: The UPN, at home; of an application or a managed identity the client ID.
        display_name: What people read.
        kind: User, guest, service principal or managed identity.
        object_id: Its identifier in the tenant.
        tenant_id: The tenant.
        tenant: The tenant's default domain.
        roles: In words: `Reader on subscription Contoso Production`.
        is_default: Whether it signs in when nobody says who.
        client_secret: Of a service principal; it opens nothing but this sandbox.
        trusts: Of a service principal: whose tokens it takes in place of a secret, and for which job.
        sign_in_error: The AADSTS number that it is always refused with.
    """

    name: str
    display_name: str
    kind: AccountKind
    object_id: str
    tenant_id: str
    tenant: str
    roles: tuple[str, ...]
    is_default: bool
    client_secret: str | None
    trusts: tuple[str, ...] = ()
    sign_in_error: int | None = None


@dataclass(frozen=True, slots=True)
class PartnerOverview:
    """A partner ID: `kind` is `location`, or `global` for one that cannot be linked to."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class LinkOverview:
    """The link of an account, a deleted one too.

    Attributes:
        account: The account's name.
        tenant: The tenant's default domain.
        partner_id: What it is, or was, linked to.
        partner_name: Its name.
        state: `Active` or `Deleted`.
        version: How often it was written.
        updated_time: When it was last written, as the service prints it.
    """

    account: str
    tenant: str
    partner_id: str
    partner_name: str
    state: str
    version: int
    updated_time: str


@dataclass(frozen=True, slots=True)
class SettingOverview:
    """A setting, what it is set to, what it could be set to (the first is the default) and what it decides."""

    name: str
    value: str
    allowed: tuple[str, ...]
    explanation: str


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that a sandbox holds.

    Attributes:
        path: Its file.
        tenants: In the order of the world, as the accounts and partners.
        accounts: Each in each of its tenants.
        partners: Those that can be linked to, and those that cannot.
        links: Deleted ones too.
        settings: Each with its value.
        faults: The rules by which requests go wrong, in words.
    """

    path: Path
    tenants: tuple[TenantOverview, ...]
    accounts: tuple[AccountOverview, ...]
    partners: tuple[PartnerOverview, ...]
    links: tuple[LinkOverview, ...]
    settings: tuple[SettingOverview, ...]
    faults: tuple[str, ...]


def overview(state: State, path: Path) -> Overview:
    """Returns what a sandbox holds."""
    world = state.world
    return Overview(
        path=path,
        tenants=tuple(TenantOverview(each.id, each.default_domain, each.display_name) for each in world.tenants),
        accounts=tuple(_account(world, tenant, account) for tenant in world.tenants for account in tenant.accounts),
        partners=tuple(PartnerOverview(each.id, each.name, each.kind) for each in world.partners),
        links=tuple(_links(state, world)),
        settings=tuple(
            SettingOverview(each.name, state.setting(each), each.allowed, each.explanation) for each in SETTINGS
        ),
        faults=tuple(f"{each.number}: {each.rule}" for each in faults(state)),
    )


def _account(world: World, tenant: Tenant, account: Account) -> AccountOverview:
    return AccountOverview(
        name=account.name,
        display_name=account.display_name,
        kind=account.kind,
        object_id=account.object_id,
        tenant_id=tenant.id,
        tenant=tenant.default_domain,
        roles=tuple(
            [role for subscription in tenant.subscriptions for role in _roles(world, tenant, account, subscription)]
            + list(_eligible(world, tenant, account))
        ),
        is_default=account.kind is AccountKind.USER and account.name == world.default_account,
        client_secret=account.client_secret,
        trusts=tuple(f"{each.name}: {each.subject}" for each in account.federated_credentials),
        sign_in_error=account.sign_in_error,
    )


def _roles(world: World, tenant: Tenant, account: Account, subscription: Subscription) -> Iterator[str]:
    """Yields the roles of an account at a subscription: `Reader on subscription A through group B, assigned at …`."""
    held = principals(tenant, account.object_id)
    groups = {group.object_id: f" through group {group.display_name}" for group in tenant.groups}
    scopes = {group.scope: f", assigned at management group {group.display_name}" for group in tenant.management_groups}
    scopes[subscription.scope] = ""
    for assignment in assignments_above(tenant, subscription):
        if assignment.principal_id in held:
            group = groups.get(assignment.principal_id, "")
            assigned = scopes.get(assignment.scope, f", assigned at {assignment.scope}")
            condition = ", under a condition" if assignment.condition else ""
            name = f"subscription {subscription.display_name}{_state(subscription)}"
            yield f"{_role_name(world, assignment)} on {name}{group}{assigned}{condition}"
    for assignment in assignments_below(tenant, subscription):
        if assignment.principal_id in held:
            group = groups.get(assignment.principal_id, "")
            yield f"{_role_name(world, assignment)} on {assignment.scope}{group}"


def _eligible(world: World, tenant: Tenant, account: Account) -> Iterator[str]:
    held = principals(tenant, account.object_id)
    names = {each.scope: f"subscription {each.display_name}" for each in tenant.subscriptions}
    for each in tenant.role_eligibilities:
        if each.principal_id in held:
            where = names.get(each.scope, each.scope)
            yield f"{_role_name(world, each)} on {where}, eligible in Privileged Identity Management"


def _state(subscription: Subscription) -> str:
    return "" if subscription.state == "Enabled" else f" ({subscription.state})"


def _role_name(world: World, assignment: RoleAssignment | RoleEligibility) -> str:
    role = world.role(assignment.role_id)
    return role.name if role else assignment.role_id


def _links(state: State, world: World) -> Iterator[LinkOverview]:
    for link in state.links():
        tenant = world.tenant(link.tenant_id)
        account = tenant and tenant.account(link.object_id)
        partner = world.partner(link.partner_id)
        yield LinkOverview(
            account=account.name if account else link.object_id,
            tenant=tenant.default_domain if tenant else link.tenant_id,
            partner_id=link.partner_id,
            partner_name=partner.name if partner else "",
            state=link.state,
            version=link.version,
            updated_time=link.updated_time,
        )
