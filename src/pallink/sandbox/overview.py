"""The content of a sandbox, for display."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pallink.sandbox.faults import list_faults
from pallink.sandbox.state.access import assignments_above, assignments_below, delegations, principals
from pallink.sandbox.state.growth import Growth, count_generated
from pallink.sandbox.state.guest_policies import GuestPolicy
from pallink.sandbox.state.roles import Delegation, RoleAssignment, RoleEligibility
from pallink.sandbox.state.settings import SETTINGS
from pallink.sandbox.state.store import State
from pallink.sandbox.state.world import Account, AccountKind, Subscription, Tenant, World


@dataclass(frozen=True, slots=True)
class TenantOverview:
    """A tenant.

    Attributes:
        id: The tenant ID.
        domain: The default domain.
        display_name: The display name.
    """

    id: str
    domain: str
    display_name: str


@dataclass(frozen=True, slots=True)
class AccountOverview:
    """An account in one tenant.

    Attributes:
        name: The UPN of a user or guest (in the home tenant); the client ID of any other account.
        display_name: The display name.
        kind: The kind of account.
        object_id: The object ID in the tenant.
        tenant_id: The tenant ID.
        tenant: The default domain of the tenant.
        roles: The roles in words: `Reader on subscription Contoso Production`.
        is_default: Whether this account signs in where no other is named.
        client_secret: The secret of a service principal, valid in this sandbox only; None if there is none.
        trusts: The federated credentials of a service principal: `github: repo:contoso/onboarding:…`.
        sign_in_error: The number of the AADSTS error that every sign-in fails with; None if it succeeds.
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
    """A partner.

    Attributes:
        id: The partner ID.
        name: The name of the partner.
        kind: `location`, or `global` for an ID that cannot be linked to.
    """

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class LinkOverview:
    """The link of an account, active or deleted.

    Attributes:
        account: The name of the account.
        tenant: The default domain of the tenant.
        partner_id: The partner ID of the link.
        partner_name: The name of the partner.
        state: `Active` or `Deleted`.
        version: The number of writes.
        updated_time: The time of the last write, as the service formats it.
        is_generated: Whether the account was generated.
    """

    account: str
    tenant: str
    partner_id: str
    partner_name: str
    state: str
    version: int
    updated_time: str
    is_generated: bool = False


@dataclass(frozen=True, slots=True)
class SettingOverview:
    """A setting.

    Attributes:
        name: The name.
        value: The current value.
        allowed: The allowed values; the first is the default.
        explanation: What the setting decides, in one sentence.
    """

    name: str
    value: str
    allowed: tuple[str, ...]
    explanation: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The content of a sandbox.

    Attributes:
        path: The sandbox's file.
        tenants: The tenants, without those that were generated.
        accounts: The accounts, without those that were generated; a guest appears once in each of its tenants.
        generated: How many there are that were generated.
        partners: The partners, including global IDs, which cannot be linked to.
        links: The links, including deleted ones.
        settings: The settings.
        faults: The rules by which requests fail, in words.
        guest_policies: What tenants require of their guests: `tenant-0003.example: mfa`.
    """

    path: Path
    tenants: tuple[TenantOverview, ...]
    accounts: tuple[AccountOverview, ...]
    generated: Growth
    partners: tuple[PartnerOverview, ...]
    links: tuple[LinkOverview, ...]
    settings: tuple[SettingOverview, ...]
    faults: tuple[str, ...]
    guest_policies: tuple[str, ...] = ()


def describe(state: State, path: Path) -> Overview:
    """Return the content of a sandbox."""
    world = state.world
    return Overview(
        path=path,
        tenants=tuple(
            TenantOverview(tenant.id, tenant.default_domain, tenant.display_name)
            for tenant in world.tenants
            if not tenant.is_generated
        ),
        accounts=tuple(
            _account(world, tenant, account)
            for tenant in world.tenants
            for account in tenant.accounts
            if not account.is_generated
        ),
        generated=count_generated(world),
        partners=tuple(PartnerOverview(partner.id, partner.name, partner.kind) for partner in world.partners),
        links=tuple(_links(state, world)),
        settings=tuple(
            SettingOverview(setting.name, state.setting(setting), setting.allowed, setting.explanation)
            for setting in SETTINGS
        ),
        faults=tuple(f"{fault.number}: {fault.rule}" for fault in list_faults(state)),
        guest_policies=tuple(
            f"{tenant.default_domain}: {tenant.guest_policy}"
            for tenant in world.tenants
            if tenant.guest_policy is not GuestPolicy.NONE
        ),
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
            + list(_eligible_roles(world, tenant, account))
            + list(_delegated_roles(world, tenant, account))
        ),
        is_default=account.kind is AccountKind.USER and account.name == world.default_account,
        client_secret=account.client_secret,
        trusts=tuple(f"{credential.name}: {credential.subject}" for credential in account.federated_credentials),
        sign_in_error=account.sign_in_error,
    )


def _roles(world: World, tenant: Tenant, account: Account, subscription: Subscription) -> Iterator[str]:
    """Yield the roles of an account at a subscription: `Reader on subscription A through group B, assigned at …`."""
    held = principals(tenant, account.object_id)
    groups = {group.object_id: f" through group {group.display_name}" for group in tenant.groups}
    scopes = {group.scope: f", assigned at management group {group.display_name}" for group in tenant.management_groups}
    scopes[subscription.scope] = ""
    for assignment in assignments_above(tenant, subscription, held=held):
        group = groups.get(assignment.principal_id, "")
        assigned = scopes.get(assignment.scope, f", assigned at {assignment.scope}")
        condition = ", under a condition" if assignment.condition else ""
        name = f"subscription {subscription.display_name}{_state(subscription)}"
        yield f"{_role_name(world, assignment)} on {name}{group}{assigned}{condition}"
    for assignment in assignments_below(tenant, subscription, held=held):
        group = groups.get(assignment.principal_id, "")
        yield f"{_role_name(world, assignment)} on {assignment.scope}{group}"


def _eligible_roles(world: World, tenant: Tenant, account: Account) -> Iterator[str]:
    held = principals(tenant, account.object_id)
    names = {subscription.scope: f"subscription {subscription.display_name}" for subscription in tenant.subscriptions}
    for eligibility in tenant.role_eligibilities:
        if eligibility.principal_id in held:
            scope = names.get(eligibility.scope, eligibility.scope)
            yield f"{_role_name(world, eligibility)} on {scope}, eligible in Privileged Identity Management"


def _delegated_roles(world: World, tenant: Tenant, account: Account) -> Iterator[str]:
    for subscription, delegation in delegations(world, tenant, account.object_id):
        name = _role_name(world, delegation)
        yield f"{name} on subscription {subscription.display_name}, delegated through Azure Lighthouse"


def _state(subscription: Subscription) -> str:
    return "" if subscription.state == "Enabled" else f" ({subscription.state})"


def _role_name(world: World, assignment: RoleAssignment | RoleEligibility | Delegation) -> str:
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
            is_generated=account is not None and account.is_generated,
        )
