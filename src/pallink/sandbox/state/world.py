"""The directory and the resources of the sandbox: tenants, accounts, groups, scopes, role assignments, partners.

Plain frozen data; `world_file` loads it. GUIDs and names of accounts are in lower case, whatever is asked for.
"""

from dataclasses import dataclass
from enum import StrEnum


class AccountKind(StrEnum):
    """What an account is."""

    USER = "user"
    GUEST = "guest"
    SERVICE_PRINCIPAL = "service principal"
    MANAGED_IDENTITY = "managed identity"


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """What signs tokens outside Entra ID: a system that runs jobs, and one job of its own.

    Attributes:
        name: What a federated credential names it by.
        issuer: The `iss` of its tokens.
        subject: Their `sub`: the job.
        lifetime: Theirs, in seconds.
        request_token: What the job shows to be given one; None where it finds it in a file.
        service_connection_id: Of Azure Pipelines.
    """

    name: str
    issuer: str
    subject: str
    lifetime: int
    request_token: str | None = None
    service_connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An identity in one tenant. A guest is two of them: the user at home, and the guest elsewhere.

    Attributes:
        tenant_id: The tenant that the account is in.
        object_id: Its identifier there.
        kind: User, guest, service principal or managed identity.
        name: The UPN of a user or, at home, of a guest; the client ID of a service principal or managed identity.
        display_name: What people read.
        home_tenant_id: Where a guest comes from; otherwise `tenant_id`.
        home_object_id: A guest's object ID at home; otherwise `object_id`.
        client_secret: Of a service principal that has one.
        federated_credentials: Of a service principal: whose tokens it may show in place of a secret.
        sign_in_error: The AADSTS number that the account is always refused with.
        resource_id: Of a managed identity: what it belongs to or, user-assigned, is.
        is_system_assigned: Of a managed identity.
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

    @property
    def is_person(self) -> bool:
        """Whether it is a user or a guest."""
        return self.kind in {AccountKind.USER, AccountKind.GUEST}


@dataclass(frozen=True, slots=True)
class Group:
    """A group; its members, by object ID, are accounts and other groups."""

    object_id: str
    display_name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ManagementGroup:
    """A management group; `parent` is the name of another one, None for the tenant's root group."""

    name: str
    display_name: str
    parent: str | None

    @property
    def scope(self) -> str:
        """The scope that it is."""
        return f"/providers/Microsoft.Management/managementGroups/{self.name}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription, below a management group that is named, with the names of its resource groups.

    `state` is a word of Azure's: Enabled, Warned, PastDue, Disabled, Deleted.
    """

    id: str
    tenant_id: str
    display_name: str
    management_group: str
    state: str = "Enabled"
    resource_groups: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        """The scope that it is."""
        return f"/subscriptions/{self.id}"


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """A role, given to a principal at a scope. `principal_type` is a word of Azure's: User, Group, ServicePrincipal."""

    name: str
    principal_id: str
    principal_type: str
    role_id: str
    scope: str
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class RoleEligibility:
    """A role that a principal can activate in Privileged Identity Management, and does not hold until then."""

    name: str
    principal_id: str
    principal_type: str
    role_id: str
    scope: str


@dataclass(frozen=True, slots=True)
class Role:
    """A role definition: what its `actions` allow, less its `not_actions`."""

    id: str
    name: str
    description: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    is_custom: bool = False


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant and everything in it. The first of its verified `domains` is the default one."""

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

    @property
    def default_domain(self) -> str:
        """The domain that the tenant is shown with."""
        return self.domains[0]

    def account(self, object_id: str) -> Account | None:
        """Returns the account with this object ID."""
        return next((each for each in self.accounts if each.object_id == object_id.lower()), None)

    def application(self, client_id: str) -> Account | None:
        """Returns the service principal of the application with this client ID."""
        return next(
            (
                each
                for each in self.accounts
                if each.kind is AccountKind.SERVICE_PRINCIPAL and each.name == client_id.lower()
            ),
            None,
        )

    def identity_of(self, person: Account) -> Account | None:
        """Returns the account that a person of any tenant has in this one, as a member or as a guest."""
        return next((each for each in self.accounts if each.home_object_id == person.home_object_id), None)

    def subscription(self, subscription_id: str) -> Subscription | None:
        """Returns the subscription with this ID."""
        return next((each for each in self.subscriptions if each.id == subscription_id.lower()), None)


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner ID; only one of the kind `location` can be linked to, a `global` one is refused as invalid."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class PublicClient:
    """A program that people sign in with, and that has no secret."""

    client_id: str
    display_name: str


@dataclass(frozen=True, slots=True)
class World:
    """Everything that there is."""

    default_account: str
    tenants: tuple[Tenant, ...]
    partners: tuple[Partner, ...]
    roles: tuple[Role, ...]
    public_clients: tuple[PublicClient, ...]
    token_issuers: tuple[TokenIssuer, ...] = ()

    def tenant(self, name: str) -> Tenant | None:
        """Returns the tenant with this ID or verified domain, in any case."""
        name = name.lower()
        return next((each for each in self.tenants if name == each.id or name in each.domains), None)

    def person(self, hint: str) -> Account | None:
        """Returns the account, at home, of the person with this UPN, or with this object ID in any tenant."""
        hint = hint.lower()
        for tenant in self.tenants:
            for account in tenant.accounts:
                if account.is_person and hint in {account.name, account.object_id}:
                    return self.home_of(account).account(account.home_object_id)
        return None

    def home_of(self, account: Account) -> Tenant:
        """Returns the tenant that an account comes from."""
        return next(each for each in self.tenants if each.id == account.home_tenant_id)

    def partner(self, partner_id: str) -> Partner | None:
        """Returns the partner with this ID, location or global."""
        return next((each for each in self.partners if each.id == partner_id), None)

    def role(self, role_id: str) -> Role | None:
        """Returns the role with this GUID, built-in or a tenant's own."""
        own = (each for tenant in self.tenants for each in tenant.custom_roles)
        return next((each for each in (*self.roles, *own) if each.id == role_id.lower()), None)

    def token_issuer(self, name: str) -> TokenIssuer:
        """Returns the token issuer of that name, which the world has to have."""
        return next(each for each in self.token_issuers if each.name == name)

    def public_client(self, client_id: str) -> PublicClient | None:
        """Returns the program with this client ID."""
        return next((each for each in self.public_clients if each.client_id == client_id.lower()), None)
