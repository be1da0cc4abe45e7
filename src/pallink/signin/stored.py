"""A sign-in that `pallink login` stored: the account, without its tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

from pallink.account import AccountKind, fold_name, is_guid, is_personal


@dataclass(frozen=True, slots=True)
class StoredSignIn:
    """A stored sign-in. It contains no secret; the tokens are in a token cache of the same ID.

    Attributes:
        id: The ID of the sign-in and of its token cache, 32 hexadecimal digits.
        cloud: The cloud's name or URL.
        auth: The method that signed in, as `--auth` takes it.
        account: The account's name: a UPN, or an application's client ID.
        kind: The kind of account.
        object_id: The account's object ID (GUID) in the tenant.
        tenant_id: The tenant's ID (GUID).
        client_id: The client ID of the application that signed in, or through which a user did.
        home_account_id: A user's ID in the token cache. None for an application.
        username: A user's name in the token cache. None for an application.
        tenant: The tenant as `--tenant` named it, if it did.
        authority_tenant: The tenant in the URL of the sign-in, or `organizations`: part of the token cache's keys.
        plain_text: Whether the tokens may be in a file that is not encrypted.
        signed_in_on: The time of the sign-in (ISO 8601, UTC).
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

    @property
    def key(self) -> tuple[str, str, str]:
        """Cloud, tenant ID and object ID, which a store has once."""
        return self.cloud, self.tenant_id.casefold(), self.object_id.casefold()

    def matches_identifier(self, identifier: str) -> bool:
        """Return whether `identifier` (UPN, object ID or client ID) means the account of this sign-in."""
        names = {self.account, self.object_id}
        if self.username and not is_personal(self.account):
            names.add(self.username)
        return fold_name(identifier.strip()) in map(fold_name, names)

    def is_in(self, tenant: str) -> bool:
        """Return whether this sign-in is known to be in a tenant, given as GUID or domain."""
        wanted = tenant.casefold()
        is_named = wanted in {self.tenant_id.casefold(), (self.tenant or "").casefold()}
        is_home = self.kind is AccountKind.USER and self.account.casefold().endswith(f"@{wanted}")
        return is_named or is_home

    def __str__(self) -> str:
        return f"{self.account} in {self.tenant or self.tenant_id}"


def filter_stored(
    stored: Sequence[StoredSignIn],
    *,
    cloud: str,
    account: str | None = None,
    tenant: str | None = None,
    client_id: str | None = None,
) -> tuple[StoredSignIn, ...]:
    """Return the stored sign-ins of a cloud that match an account, a tenant and a client ID, sorted by account.

    None matches everything.
    """
    matches = [sign_in for sign_in in stored if sign_in.cloud == cloud]
    if account is not None:
        matches = [sign_in for sign_in in matches if sign_in.matches_identifier(account)]
    if client_id is not None:
        matches = [sign_in for sign_in in matches if sign_in.client_id.casefold() == client_id.casefold()]
    if tenant is not None:
        in_tenant = [sign_in for sign_in in matches if sign_in.is_in(tenant)]
        # A domain can belong to any tenant: that is checked after the sign-in.
        matches = in_tenant or ([] if is_guid(tenant) else matches)
    return tuple(sorted(matches, key=lambda sign_in: (sign_in.account.casefold(), sign_in.tenant_id, sign_in.id)))
