"""What a fleet file says of one account in one tenant."""

from dataclasses import dataclass
from enum import StrEnum

from pallink.settings import RoleCheck
from pallink.signin.methods import SignInMethod


class LinkState(StrEnum):
    """What the account's link should be."""

    LINKED = "linked"
    UNLINKED = "unlinked"


ALL_TENANTS = "*"
"""The tenant of an entry that stands for one in each tenant of its account."""


class SecretStore(StrEnum):
    """Where a secret is kept."""

    ENVIRONMENT = "env"
    FILE = "file"
    KEY_VAULT = "keyvault"


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is read when it is needed. The file never holds the secret itself.

    Attributes:
        store: Where the secret is kept.
        target: The name of a variable, the path of a file (relative to the fleet file), or the URL of a vault's secret.
    """

    store: SecretStore
    target: str

    def __str__(self) -> str:
        """Return the reference as the file spells it."""
        return f"{self.store}:{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One account in one tenant. Each attribute but the last is what the option of the same name means.

    Attributes:
        name: The entry's name in results; by default the account or the client ID.
        account: The UPN, object ID or client ID of the account that must sign in.
        tenant: The ID (GUID) or a domain of the tenant, or `ALL_TENANTS`.
        client_id: The client ID of the application to sign in as; for a user, of the program that signs in.
        auth: The sign-in method; None: a stored sign-in, or a prompt.
        secret: The client secret, for `client-secret`.
        certificate: The certificate with its key, for `certificate`.
        certificate_password: The password of the certificate.
        partner_id: The partner to be linked to; with the state `unlinked`, the partner whose link is removed, or None
            for any.
        state: What the link should be.
        role_check: What a missing Reader role means.
        subscriptions: IDs or names of those on which Reader must be held; if there is none, one of all is enough.
        tags: Words to select entries by.
        excluded_tenants: With `ALL_TENANTS`, the IDs or domains of the tenants that are left out.
        tenant_domain: The default domain of the tenant; None if it is not known.
        tenant_name: The display name of the tenant; None if it is not known.
        home_account_id: `Account.home_account_id` of the account that listed its tenants; None for any of this name.
        line: The line of the file at which the entry begins, from 1; 0 if no file names it.
    """

    name: str
    account: str | None
    tenant: str
    client_id: str | None = None
    auth: SignInMethod | None = None
    secret: SecretReference | None = None
    certificate: SecretReference | None = None
    certificate_password: SecretReference | None = None
    partner_id: str | None = None
    state: LinkState = LinkState.LINKED
    role_check: RoleCheck = RoleCheck.REQUIRE
    subscriptions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    excluded_tenants: tuple[str, ...] = ()
    tenant_domain: str | None = None
    tenant_name: str | None = None
    home_account_id: str | None = None
    line: int

    @property
    def key(self) -> tuple[str, str]:
        """What tells two entries apart before anyone has signed in: the account and the tenant, case ignored."""
        return self.identifier.casefold(), self.tenant.casefold()

    @property
    def identifier(self) -> str:
        """The UPN, object ID or client ID of the account."""
        return self.account or self.client_id or ""

    @property
    def needs_role(self) -> bool:
        """Whether the account needs Reader: it is to be linked, and the role is checked then."""
        return self.state is LinkState.LINKED and self.role_check is not RoleCheck.SKIP

    @property
    def is_listed(self) -> bool:
        """Whether the tenant comes from the list of the account's tenants, which alone knows names."""
        return self.tenant_name is not None

    def __str__(self) -> str:
        return f"{self.name} in {self.tenant_domain or self.tenant}"
