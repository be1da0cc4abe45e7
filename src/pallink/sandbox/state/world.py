"""The emulated directory and resources: tenants, accounts, groups, scopes, role assignments, partners.

Frozen dataclasses, loaded by `world_file`. GUIDs and account names are in lower case; look-ups ignore case. A world may
have thousands of accounts: look-ups use indexes, which are made when they are first needed.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from pallink.sandbox.state.guest_policies import GuestPolicy
from pallink.sandbox.state.roles import Delegation, Role, RoleAssignment, RoleEligibility
from pallink.sandbox.state.vaults import Vault


class AccountKind(StrEnum):
    """The kind of an account."""

    USER = "user"
    GUEST = "guest"
    SERVICE_PRINCIPAL = "service principal"
    MANAGED_IDENTITY = "managed identity"


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """An external token issuer and one workload, as a federated credential trusts them.

    Attributes:
        name: The name that federated credentials refer to.
        issuer: The `iss` claim of its tokens.
        subject: Their `sub` claim, which identifies the workload.
        lifetime: Their lifetime in seconds.
        request_token: The bearer token to request one with; None if the token is in a file.
        service_connection_id: The ID of the service connection, for Azure Pipelines.
    """

    name: str
    issuer: str
    subject: str
    lifetime: int
    request_token: str | None = None
    service_connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An account in one tenant. A user who is a guest elsewhere has an account in both tenants.

    Attributes:
        tenant_id: The tenant ID.
        object_id: The object ID in the tenant.
        kind: The kind of account.
        name: The UPN of a user or guest (in the home tenant); the client ID of any other account.
        display_name: The display name.
        home_tenant_id: The home tenant of a guest; otherwise `tenant_id`.
        home_object_id: The object ID of a guest in the home tenant; otherwise `object_id`.
        client_secret: The secret of a service principal; None if it has none.
        federated_credentials: The issuers whose tokens a service principal may sign in with.
        sign_in_error: The number of the AADSTS error that every sign-in fails with; None if it succeeds.
        resource_id: The resource ID of a user-assigned managed identity, or of the resource of a system-assigned one.
        is_system_assigned: Whether a managed identity is system-assigned.
        is_generated: Whether `pallink sandbox grow` generated it.
    """

    tenant_id: str
    object_id: str
    kind: AccountKind
    name: str
    display_name: str
    home_tenant_id: str
    home_object_id: str
    client_secret: str | None = None
    federated_credentials: tuple[TokenIssuer, ...] = ()
    sign_in_error: int | None = None
    resource_id: str | None = None
    is_system_assigned: bool = False
    is_generated: bool = False

    @property
    def is_person(self) -> bool:
        """Whether the account is a user or a guest."""
        return self.kind in {AccountKind.USER, AccountKind.GUEST}


@dataclass(frozen=True, slots=True)
class Group:
    """A group.

    Attributes:
        object_id: The object ID.
        display_name: The display name.
        members: The object IDs of its members: accounts and groups.
    """

    object_id: str
    display_name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ManagementGroup:
    """A management group.

    Attributes:
        name: The name, which is also its ID.
        display_name: The display name.
        parent: The name of the parent; None for the tenant's root group.
    """

    name: str
    display_name: str
    parent: str | None

    @property
    def scope(self) -> str:
        """The scope of the management group."""
        return f"/providers/Microsoft.Management/managementGroups/{self.name}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription.

    Attributes:
        id: The subscription ID.
        tenant_id: The tenant ID.
        display_name: The display name.
        management_group: The name of the management group that it is in.
        state: Azure's state: `Enabled`, `Warned`, `PastDue`, `Disabled` or `Deleted`.
        resource_groups: The names of its resource groups.
        is_generated: Whether `pallink sandbox grow` generated it, beside those of generated tenants.
    """

    id: str
    tenant_id: str
    display_name: str
    management_group: str
    state: str = "Enabled"
    resource_groups: tuple[str, ...] = ()
    is_generated: bool = False

    @property
    def scope(self) -> str:
        """The scope of the subscription."""
        return f"/subscriptions/{self.id}"


@dataclass(frozen=True)
class Tenant:
    """A tenant and everything in it.

    Attributes:
        id: The tenant ID.
        display_name: The display name.
        domains: The verified domains, the default one first.
        country_code: The country code (ISO 3166-1 alpha-2).
        accounts: The accounts.
        groups: The groups.
        management_groups: The management groups, the root group first.
        subscriptions: The subscriptions.
        role_assignments: The role assignments, at any scope.
        custom_roles: The custom roles.
        role_eligibilities: The roles that can be activated in Privileged Identity Management.
        delegations: The subscriptions that other tenants manage.
        is_generated: Whether `pallink sandbox grow` generated it.
        vaults: The key vaults.
        guest_policy: What is required of guests.
    """

    id: str
    display_name: str
    domains: tuple[str, ...]
    country_code: str
    accounts: tuple[Account, ...]
    groups: tuple[Group, ...]
    management_groups: tuple[ManagementGroup, ...]
    subscriptions: tuple[Subscription, ...]
    role_assignments: tuple[RoleAssignment, ...]
    custom_roles: tuple[Role, ...] = ()
    role_eligibilities: tuple[RoleEligibility, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    is_generated: bool = False
    vaults: tuple[Vault, ...] = ()
    guest_policy: GuestPolicy = GuestPolicy.NONE

    @property
    def default_domain(self) -> str:
        """The default domain."""
        return self.domains[0]

    def account(self, object_id: str) -> Account | None:
        """Return the account with an object ID."""
        return self._accounts_by_object_id.get(object_id.lower())

    def application(self, client_id: str) -> Account | None:
        """Return the service principal of the application with a client ID."""
        return self._applications_by_client_id.get(client_id.lower())

    def identity_of(self, user: Account) -> Account | None:
        """Return the account of a user in this tenant, as a member or a guest."""
        return self._accounts_by_home_object_id.get(user.home_object_id)

    def subscription(self, subscription_id: str) -> Subscription | None:
        """Return the subscription with an ID."""
        return self._subscriptions_by_id.get(subscription_id.lower())

    def assignments(self, principal_ids: Collection[str] | None = None) -> Sequence[RoleAssignment]:
        """Return the role assignments in their order: all of them, or those of some accounts and groups."""
        if principal_ids is None:
            return self.role_assignments
        positions = (position for principal_id in principal_ids for position in self._positions.get(principal_id, ()))
        return [self.role_assignments[position] for position in sorted(positions)]

    @cached_property
    def _accounts_by_object_id(self) -> Mapping[str, Account]:
        return {account.object_id: account for account in self.accounts}

    @cached_property
    def _accounts_by_home_object_id(self) -> Mapping[str, Account]:
        return {account.home_object_id: account for account in self.accounts}

    @cached_property
    def _applications_by_client_id(self) -> Mapping[str, Account]:
        return {account.name: account for account in self.accounts if account.kind is AccountKind.SERVICE_PRINCIPAL}

    @cached_property
    def _subscriptions_by_id(self) -> Mapping[str, Subscription]:
        return {subscription.id: subscription for subscription in self.subscriptions}

    @cached_property
    def _positions(self) -> Mapping[str, Sequence[int]]:
        """The positions of the role assignments by the object ID of their principal."""
        positions = defaultdict(list)
        for position, assignment in enumerate(self.role_assignments):
            positions[assignment.principal_id].append(position)
        return positions


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner.

    Attributes:
        id: The partner ID.
        name: The name of the partner.
        kind: `location`, or `global` for a headquarters ID, which cannot be linked to.
    """

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class PublicClient:
    """A public client (RFC 6749, 2.1): an application without a credential, such as the Azure CLI.

    Attributes:
        client_id: The client ID.
        display_name: The display name.
    """

    client_id: str
    display_name: str


@dataclass(frozen=True)
class World:
    """The emulated directory and resources.

    Attributes:
        default_account: The UPN of the user who signs in where no other is named.
        tenants: The tenants.
        partners: The partners.
        roles: The built-in roles.
        public_clients: The public clients, known in every tenant.
        token_issuers: The external token issuers.
    """

    default_account: str
    tenants: tuple[Tenant, ...]
    partners: tuple[Partner, ...]
    roles: tuple[Role, ...]
    public_clients: tuple[PublicClient, ...]
    token_issuers: tuple[TokenIssuer, ...] = ()

    def tenant(self, name: str) -> Tenant | None:
        """Return the tenant with an ID or verified domain."""
        return self._tenants_by_name.get(name.lower())

    def user(self, name: str) -> Account | None:
        """Return the account, in the home tenant, of the user with a UPN, or with an object ID in any tenant."""
        account = self._people_by_name.get(name.lower())
        return account and self.home_tenant(account).account(account.home_object_id)

    def users(self) -> tuple[Account, ...]:
        """Return the accounts of all users, in their home tenants."""
        return tuple(
            account
            for tenant in self.tenants
            for account in tenant.accounts
            if account.is_person and account.tenant_id == account.home_tenant_id
        )

    @cached_property
    def managed_identities(self) -> Sequence[Account]:
        """The managed identities of all tenants."""
        return [
            account
            for tenant in self.tenants
            for account in tenant.accounts
            if account.kind is AccountKind.MANAGED_IDENTITY
        ]

    def home_tenant(self, account: Account) -> Tenant:
        """Return the home tenant of an account."""
        return self._tenants_by_name[account.home_tenant_id]

    def partner(self, partner_id: str) -> Partner | None:
        """Return the partner with a location or global ID."""
        return next((partner for partner in self.partners if partner.id == partner_id), None)

    def role(self, role_id: str) -> Role | None:
        """Return the built-in or custom role with a GUID."""
        return self._roles_by_id.get(role_id.lower())

    def token_issuer(self, name: str) -> TokenIssuer:
        """Return the token issuer with a name, which the world must have."""
        return next(issuer for issuer in self.token_issuers if issuer.name == name)

    def public_client(self, client_id: str) -> PublicClient | None:
        """Return the public client with a client ID."""
        return next((client for client in self.public_clients if client.client_id == client_id.lower()), None)

    @cached_property
    def delegations(self) -> Sequence[tuple[Subscription, Delegation]]:
        """The delegated subscriptions of all tenants, each with its delegation."""
        return [
            (subscription, delegation)
            for tenant in self.tenants
            for delegation in tenant.delegations
            if (subscription := tenant.subscription(delegation.subscription_id)) is not None
        ]

    @cached_property
    def _tenants_by_name(self) -> Mapping[str, Tenant]:
        return {name: tenant for tenant in self.tenants for name in (tenant.id, *tenant.domains)}

    @cached_property
    def _people_by_name(self) -> Mapping[str, Account]:
        """The accounts of users by UPN and by object ID, which a guest has another of in each tenant."""
        people = [account for tenant in self.tenants for account in tenant.accounts if account.is_person]
        return {name: account for account in people for name in (account.name, account.object_id)}

    @cached_property
    def _roles_by_id(self) -> Mapping[str, Role]:
        custom_roles = (role for tenant in self.tenants for role in tenant.custom_roles)
        return {role.id: role for role in (*self.roles, *custom_roles)}
