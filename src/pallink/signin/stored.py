"""A sign-in that `pallink login` kept: who it is, not the tokens. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from pallink.account import AccountKind, is_guid


@dataclass(frozen=True, slots=True)
class StoredSignIn:
    """What is remembered of a sign-in beside its tokens. Nothing in it is a secret.

    Attributes:
        id: its name in the store, 32 hexadecimal digits; its tokens are kept under the same name.
        cloud: the cloud's name or URL.
        auth: the method that it was made with, as `--auth` takes it.
        account: the account's name: a UPN, or an application's client ID.
        kind: what kind of account.
        object_id: the account's object ID in the tenant.
        tenant_id: the tenant's ID (GUID).
        client_id: the application that signed in, or through which a user did.
        home_account_id: a user's identifier in the token cache; None for an application.
        username: the user's name in the token cache; None for an application.
        tenant: the tenant as it was named at the sign-in, where it was.
        authority_tenant: the tenant that the login host was asked for, or `organizations`: the cache has it so.
        plain_text: whether its tokens may be in a plain file.
        signed_in_on: when, ISO 8601, UTC.
    """

    id: str
    cloud: str
    auth: str
    account: str
    kind: AccountKind
    object_id: str
    tenant_id: str
    client_id: str
    home_account_id: str | None
    username: str | None
    tenant: str | None
    authority_tenant: str
    plain_text: bool
    signed_in_on: str

    def matches_identifier(self, identifier: str) -> bool:
        """Whether this sign-in was made by the account that `identifier` (UPN, object ID or client ID) means."""
        wanted = identifier.strip().casefold()
        return wanted in {self.account.casefold(), self.object_id.casefold(), (self.username or "").casefold()}

    def is_in(self, tenant: str) -> bool:
        """Whether this sign-in is known to be in a tenant, given as GUID or domain."""
        wanted = tenant.casefold()
        named = {self.tenant_id.casefold(), (self.tenant or "").casefold()}
        at_home = self.kind is AccountKind.USER and self.account.casefold().endswith(f"@{wanted}")
        return wanted in named or at_home

    def __str__(self) -> str:
        return f"{self.account} in {self.tenant or self.tenant_id}"


def matching(
    stored: Sequence[StoredSignIn],
    *,
    cloud: str,
    account: str | None = None,
    tenant: str | None = None,
    client_id: str | None = None,
) -> tuple[StoredSignIn, ...]:
    """The stored sign-ins that an account, a tenant and a client ID leave; None leaves all of them."""
    left = [each for each in stored if each.cloud == cloud]
    if account is not None:
        left = [each for each in left if each.matches_identifier(account)]
    if client_id is not None:
        left = [each for each in left if each.client_id.casefold() == client_id.casefold()]
    if tenant is not None:
        known = [each for each in left if each.is_in(tenant)]
        # Which tenant a domain belongs to is not known here; after the sign-in it is, and the guard has the last word.
        left = known or ([] if is_guid(tenant) else left)
    return tuple(sorted(left, key=lambda each: (each.account.casefold(), each.tenant_id, each.id)))
