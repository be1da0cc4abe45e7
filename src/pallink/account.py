"""Who signed in, and whether that is the account that must have: pure.

The account is read from the access token for Resource Manager itself, so no directory has to be asked. The token is not
verified here: it came from the login host over TLS, and the service that it is for verifies it.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from pallink.errors import UnexpectedAnswerError, WrongAccountError

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def is_guid(text: str) -> bool:
    """Whether `text` is a GUID in its usual form, 8-4-4-4-12 hexadecimal digits."""
    return _GUID.fullmatch(text) is not None


class AccountKind(StrEnum):
    """What kind of identity an account is; its text is `accountKind` in a result."""

    USER = "user"
    GUEST = "guest"
    APPLICATION = "application"
    MANAGED_IDENTITY = "managedIdentity"

    @property
    def is_user(self) -> bool:
        """Whether a person's credentials signed it in."""
        return self in (AccountKind.USER, AccountKind.GUEST)

    @property
    def principal_type(self) -> str:
        """The same in the words of `az role assignment create --assignee-principal-type`."""
        return "User" if self.is_user else "ServicePrincipal"


@dataclass(frozen=True, slots=True)
class Account:
    """The identity that signed in.

    Attributes:
        kind: user, guest, application or managed identity.
        name: the UPN (a guest may have none: then the name that it signed in with); for an application its client ID.
        object_id: the account's object ID (GUID) in this tenant. A guest has another one in each tenant.
        tenant_id: the tenant (GUID) that the token is for.
        client_id: the application's client ID for an application; for a user only the client program's.
        names: every name that the token gives a user, lower case.
    """

    kind: AccountKind
    name: str
    object_id: str
    tenant_id: str
    client_id: str | None = None
    names: frozenset[str] = frozenset()

    def matches_identifier(self, identifier: str) -> bool:
        """Whether `identifier` (a UPN, an object ID or a client ID) means this account.

        A client ID means an application only: in a user's token it is that of the client program.
        """
        wanted = identifier.strip().casefold()
        if wanted == self.object_id.casefold():
            return True
        if self.kind.is_user:
            return wanted in self.names
        return self.client_id is not None and wanted == self.client_id.casefold()


def account_from_token(token: str) -> Account:
    """The account that an access token for Resource Manager was issued to.

    Claims: `tid`, `oid`, `idtyp` (`app` or `user`), `appid`, `upn`, `unique_name`, `idp`, `xms_mirid`
    (Microsoft's access token claims reference).

    Raises:
        UnexpectedAnswerError: the token is no JWT, or names no tenant or no object ID.
    """
    claims = _claims(token)
    tenant_id, object_id = _text(claims, "tid"), _text(claims, "oid")
    if tenant_id is None or object_id is None:
        raise UnexpectedAnswerError(
            "the sign-in returned a token that does not say whom it is for",
            cause="it has no tid or no oid claim",
            remedy="report this with the sign-in method that you use",
        )
    client_id = _text(claims, "appid") or _text(claims, "azp")
    # Not `email`: anyone may be given any mail address, and service accounts share mailboxes.
    names = [name for claim in ("upn", "unique_name", "preferred_username") if (name := _text(claims, claim))]
    # A personal account's unique_name carries its identity provider in front: live.com#name@example.com.
    names = [name.rpartition("#")[2] if name.casefold().startswith("live.com#") else name for name in names]
    kind = _kind(claims, names)
    return Account(
        kind=kind,
        name=(names[0] if names else object_id) if kind.is_user else (client_id or object_id),
        object_id=object_id,
        tenant_id=tenant_id,
        client_id=client_id,
        names=frozenset(name.casefold() for name in names) if kind.is_user else frozenset(),
    )


def expiry_of(token: str) -> datetime | None:
    """When an access token ends (UTC), by its own `exp`; None where it does not say."""
    ends = _claims(token).get("exp")
    if not isinstance(ends, int | float):
        return None
    try:
        return datetime.fromtimestamp(ends, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def require_account(
    account: Account, *, identifier: str | None, tenant_id: str | None, tenant: str | None = None
) -> None:
    """Refuse anyone but the account and the tenant that the user named.

    Args:
        account: who signed in.
        identifier: the value of `--account`, or None when anyone may sign in.
        tenant_id: the GUID of `--tenant`, or None when any tenant will do.
        tenant: the same as it was named, where that was by a domain.

    Raises:
        WrongAccountError: the message names both.
    """
    if identifier is not None and not account.matches_identifier(identifier):
        raise WrongAccountError(
            f"{account.name} signed in, not {identifier}",
            cause=f"--account requires {identifier}; the one who signed in is the {_words(account.kind)} {account.name}"
            f" with object ID {account.object_id} in tenant {account.tenant_id}; nothing was read or written for it",
            remedy=f"sign in as {identifier}, or name the account that you mean with --account",
        )
    if tenant_id is not None and account.tenant_id.casefold() != tenant_id.casefold():
        named = tenant_id if tenant in (None, tenant_id) else f"{tenant} ({tenant_id})"
        raise WrongAccountError(
            f"{account.name} signed in to tenant {account.tenant_id}, not to {named}",
            cause=f"--tenant requires {named}; nothing was read or written",
            remedy="name the tenant that the account signs in to with --tenant",
        )


def _words(kind: AccountKind) -> str:
    return "managed identity" if kind is AccountKind.MANAGED_IDENTITY else kind.value


def _kind(claims: Mapping[str, object], names: list[str]) -> AccountKind:
    identity_type = _text(claims, "idtyp")
    # Tokens without idtyp: only a user's carries delegated permissions (scp) or a name.
    if identity_type == "app" or (identity_type is None and not names and "scp" not in claims):
        return AccountKind.MANAGED_IDENTITY if _text(claims, "xms_mirid") else AccountKind.APPLICATION
    upn, identity_provider = _text(claims, "upn"), _text(claims, "idp")
    tenant_id = _text(claims, "tid") or ""
    from_elsewhere = identity_provider is not None and tenant_id.casefold() not in identity_provider.casefold()
    if from_elsewhere or claims.get("acct") == 1 or (upn is not None and "#EXT#" in upn.upper()):
        return AccountKind.GUEST
    return AccountKind.USER


def _claims(token: str) -> Mapping[str, object]:
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, binascii.Error, ValueError, RecursionError) as error:
        raise UnexpectedAnswerError(
            "the sign-in returned something that is no token", cause="it is not a JSON Web Token"
        ) from error
    if not isinstance(claims, dict):
        raise UnexpectedAnswerError("the sign-in returned something that is no token", cause="its claims are no object")
    return claims


def _text(claims: Mapping[str, object], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None
