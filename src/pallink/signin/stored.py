"""A sign-in that `pallink login` stored: the account, without its tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

from pallink.account import AccountKind, fold_name, is_personal


@dataclass(frozen=True, slots=True)
class StoredSignIn:
    """A stored sign-in. It contains no secret; the tokens are in a token cache of the same ID.

    Attributes:
        id: The ID of the sign-in and of its token cache, 32 hexadecimal digits; empty where its tokens are in memory.
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
    def is_in_memory(self) -> bool:
        """Whether the sign-in was made in this run, and its tokens are in memory only."""
        return not self.id

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

    @property
    def is_in_home_tenant(self) -> bool:
        """Whether the tenant is the user's own: a home account ID ends with the ID of that."""
        return (self.home_account_id or "").casefold().endswith(f".{self.tenant_id.casefold()}")

    def __str__(self) -> str:
        return f"{self.account} in {self.tenant or self.tenant_id}{' (home)' if self.is_in_home_tenant else ''}"


def filter_stored(
    stored: Sequence[StoredSignIn],
    *,
    cloud: str,
    account: str | None = None,
    tenant_id: str | None = None,
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
    if tenant_id is not None:
        matches = [sign_in for sign_in in matches if sign_in.tenant_id.casefold() == tenant_id.casefold()]
    return tuple(sorted(matches, key=lambda sign_in: (sign_in.account.casefold(), sign_in.tenant_id, sign_in.id)))


def for_other_tenants(stored: Sequence[StoredSignIn]) -> tuple[StoredSignIn, ...]:
    """Return one sign-in of each user: its refresh token may get tokens for the user's other tenants too.

    The newest one: it is the least likely to have expired, and has proved the most. An application's sign-in holds no
    refresh token.
    """
    users: dict[str, StoredSignIn] = {}
    for sign_in in sorted(stored, key=lambda sign_in: (sign_in.is_in_memory, sign_in.signed_in_on), reverse=True):
        if sign_in.home_account_id is not None:
            users.setdefault(sign_in.home_account_id, sign_in)
    return tuple(sign_in for sign_in in stored if sign_in in users.values())


def one_of_each_user(stored: Sequence[StoredSignIn]) -> tuple[StoredSignIn, ...]:
    """Return the sign-ins with one for each user in each cloud, that in the home tenant if there is one."""
    chosen: dict[tuple[str, str], StoredSignIn] = {}
    for sign_in in stored:
        home = sign_in.home_account_id or ""
        if (sign_in.cloud, home) not in chosen or sign_in.is_in_home_tenant:
            chosen[sign_in.cloud, home] = sign_in
    return tuple(
        sign_in
        for sign_in in stored
        if sign_in.home_account_id is None or chosen[sign_in.cloud, sign_in.home_account_id] is sign_in
    )


def tenant_id_by_name(stored: Sequence[StoredSignIn], domain: str) -> str | None:
    """Return the ID of the tenant that a sign-in was stored for by this domain; None if there is none."""
    return next(
        (sign_in.tenant_id for sign_in in stored if (sign_in.tenant or "").casefold() == domain.casefold()), None
    )
