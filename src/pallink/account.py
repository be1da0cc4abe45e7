"""The signed-in account, and whether it is the required one. Pure.

The account is read from the access token for Resource Manager, which saves a request to Microsoft Graph. The token is
not verified here: it came from the login host over TLS, and Resource Manager verifies it.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from pallink.errors import SEE_RESPONSES, SIGN_IN_AGAIN, NewSignIn, UnexpectedAnswerError, WrongAccountError

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)

# What stands before the name of a personal Microsoft account: anyone may have made one with a work address.
_PERSONAL = "live.com#"
# The tenant of all personal accounts (access-token-claims-reference, `tid`).
_PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


def is_guid(text: str) -> bool:
    """Return whether `text` is a GUID in its usual form, 8-4-4-4-12 hexadecimal digits."""
    return _GUID.fullmatch(text) is not None


def fold_name(text: str) -> str:
    """Return a name as Entra ID compares it: upper and lower case are alike in ASCII, and nowhere else.

    A UPN has ASCII letters only (learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-userprincipalname).
    Unicode's case folding would make `\u017f` an s, and `\u00df` two.
    """
    return "".join(character.lower() if character.isascii() else character for character in text)


def is_personal(name: str) -> bool:
    """Return whether a name is that of a personal Microsoft account, as in `live.com#anna@outlook.com`."""
    return fold_name(name).startswith(_PERSONAL)


def login_hint(identifier: str | None) -> str | None:
    """Return the name that a person signs in with; None for an object ID, a client ID, or no account."""
    if identifier is None or "@" not in identifier:
        return None
    return identifier[len(_PERSONAL) :] if is_personal(identifier) else identifier


def home_name(name: str) -> str | None:
    """Return the name at home of a guest's UPN, such as `invoices_contoso.com#EXT#@fabrikam.onmicrosoft.com`.

    None if it is not a guest's UPN. Of the underscores the last one is the @: a domain has none.
    """
    local, marker, _ = name.partition("#EXT#")
    if not marker:
        local, marker, _ = name.partition("#ext#")
    user, _, domain = local.rpartition("_")
    return f"{user}@{domain}" if marker and user and domain else None


class AccountKind(StrEnum):
    """The kind of identity of an account; the values are those of `accountKind` in a result."""

    USER = "user"
    GUEST = "guest"
    APPLICATION = "application"
    MANAGED_IDENTITY = "managedIdentity"

    @property
    def is_user(self) -> bool:
        """Whether this is a user or a guest, not an application or a managed identity."""
        return self in (AccountKind.USER, AccountKind.GUEST)

    @property
    def principal_type(self) -> str:
        """The value for `az role assignment create --assignee-principal-type`."""
        return "User" if self.is_user else "ServicePrincipal"


@dataclass(frozen=True, slots=True)
class Account:
    """The signed-in account.

    Attributes:
        kind: User, guest, application or managed identity.
        name: The UPN of a user; for a guest without one, the name that it signed in with, that of a personal account
            with `live.com#` before it; for an application, the client ID.
        object_id: The account's object ID (GUID) in this tenant. A guest has a different one in every tenant.
        tenant_id: The ID (GUID) of the tenant that the token is for.
        client_id: The client ID of an application; for a user, that of the program that signed in.
        names: Every name of a user in the token, as `fold_name` returns it.
        home_account_id: Object ID and tenant ID of a user at home, with a dot between them, as in a token cache: the
            same in every tenant. None where the sign-in does not tell.
    """

    kind: AccountKind
    name: str
    object_id: str
    tenant_id: str
    client_id: str | None = None
    names: frozenset[str] = frozenset()
    home_account_id: str | None = None

    def matches_identifier(self, identifier: str) -> bool:
        """Return whether `identifier` (a UPN, an object ID or a client ID) identifies this account.

        A client ID identifies applications only: in a user's token it is that of the program that signed in.
        """
        wanted = fold_name(identifier.strip())
        if wanted == fold_name(self.object_id):
            return True
        if self.kind.is_user:
            return wanted in self.names
        return self.client_id is not None and wanted == fold_name(self.client_id)

    @property
    def likely_home_account_id(self) -> str | None:
        """The home account ID; where the sign-in does not tell, that of a member, whose home is this tenant."""
        own = f"{self.object_id}.{self.tenant_id}" if self.kind is AccountKind.USER else None
        return self.home_account_id or own

    def has_home_account(self, home_account_id: str) -> bool | None:
        """Return whether this is the account of a person whom an earlier sign-in showed; None if that is not known.

        A name does not tell: a personal and a work account can share it, and a new employee can get that of an old one.
        """
        object_id, _, tenant_id = home_account_id.casefold().rpartition(".")
        if not object_id:
            # AD FS has no accounts in other tenants, and no such ID.
            return None
        if self.home_account_id is not None:
            return self.home_account_id.casefold() == home_account_id.casefold()
        return self.object_id.casefold() == object_id if self.tenant_id.casefold() == tenant_id else None


def account_from_token(token: str) -> Account:
    """Return the account that an access token for Resource Manager was issued to.

    Claims: `tid`, `oid`, `idtyp` (`app` or `user`), `appid`, `upn`, `unique_name`, `idp`, `xms_mirid`
    (learn.microsoft.com/entra/identity-platform/access-token-claims-reference).

    Raises:
        UnexpectedAnswerError: The token is not a JWT, or has no tenant or no object ID.
    """
    claims = _decode_claims(token)
    tenant_id, object_id = _text(claims, "tid"), _text(claims, "oid")
    if tenant_id is None or object_id is None:
        raise UnexpectedAnswerError(
            "sign-in returned a token without a tenant or an object ID",
            cause="the token has no tid or no oid claim",
            remedy="report this with the sign-in method that you use",
        )
    client_id = _text(claims, "appid") or _text(claims, "azp")
    # Not `email`: it is not verified, and service accounts share mailboxes.
    names = [name for claim in ("upn", "unique_name", "preferred_username") if (name := _text(claims, claim))]
    if _signed_in_personally(claims):
        # Its unique_name has the prefix, its preferred_username has not. An #EXT# name is the tenant's own.
        names = [name if "#" in name else f"{_PERSONAL}{name}" for name in names]
    kind = _detect_kind(claims, names)
    # A guest signs in with the name at home, which comes first.
    names.sort(key=lambda name: home_name(name) is not None)
    return Account(
        kind=kind,
        name=(names[0] if names else object_id) if kind.is_user else (client_id or object_id),
        object_id=object_id,
        tenant_id=tenant_id,
        client_id=client_id,
        names=frozenset(map(fold_name, names)) if kind.is_user else frozenset(),
    )


def audience_from_token(token: str) -> str | None:
    """Return the audience of an access token by its own claim, unverified; None if it has none.

    Raises:
        UnexpectedAnswerError: The token is invalid.
    """
    return _text(_decode_claims(token), "aud")


def expiry_from_token(token: str) -> datetime | None:
    """Return when an access token expires (UTC), from its `exp` claim; None without a valid one."""
    expires_on = _decode_claims(token).get("exp")
    if not isinstance(expires_on, int | float):
        return None
    try:
        return datetime.fromtimestamp(expires_on, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def require_account(
    account: Account, *, identifier: str | None, tenant_id: str | None, tenant: str | None = None
) -> None:
    """Check that the signed-in account and its tenant are those that the user named.

    Args:
        account: The signed-in account.
        identifier: The value of `--account`; None to accept any account.
        tenant_id: The GUID of the tenant in `--tenant`; None to accept any tenant.
        tenant: The value of `--tenant`, which may be a domain.

    Raises:
        WrongAccountError: The account or the tenant is a different one.
    """
    if identifier is not None and not account.matches_identifier(identifier):
        is_this_personal = fold_name(account.name) == f"{_PERSONAL}{fold_name(identifier.strip())}"
        raise WrongAccountError(
            f"{account.name} signed in, not {identifier}",
            cause=f"the signed-in {_describe_kind(account.kind)} has object ID {account.object_id} in tenant"
            f" {account.tenant_id}; nothing was read or written for it",
            remedy=f"to use this personal Microsoft account, pass --account {account.name}"
            if is_this_personal
            else f"sign in as {identifier}, or name the account that you mean with --account",
            new_sign_in=None if is_this_personal else NewSignIn.SAME,
        )
    if tenant_id is not None and account.tenant_id.casefold() != tenant_id.casefold():
        named = tenant_id if tenant in (None, tenant_id) else f"{tenant} ({tenant_id})"
        raise WrongAccountError(
            f"{account.name} signed in to tenant {account.tenant_id}, not to {named}",
            cause=f"--tenant requires {named}; nothing was read or written",
            remedy=f"sign in to {named}, or name the tenant that the account is signed in to with --tenant",
            new_sign_in=NewSignIn.SAME,
        )


def require_home_account(account: Account, home_account_id: str | None) -> None:
    """Check that the signed-in account is at home the one that an earlier sign-in showed.

    Args:
        account: The signed-in account.
        home_account_id: The home account of the earlier sign-in; None to accept any.

    Raises:
        WrongAccountError: It is another person's, or another one of the same person.
    """
    if home_account_id is None or account.has_home_account(home_account_id) is not False:
        return
    found = account.home_account_id or f"{account.object_id}.{account.tenant_id}"
    raise WrongAccountError(
        f"{account.name} signed in with another home account than before",
        cause=f"its home account is {_describe_home(found)}, not {_describe_home(home_account_id)}; nothing was read or"
        " written for it",
        remedy="sign in as the account of the earlier sign-in: a personal and a work account can share a name",
        new_sign_in=NewSignIn.SAME,
    )


def account_changed(name: str, account: Account) -> WrongAccountError:
    """Return the error for a renewed token that belongs to another account than before.

    Args:
        name: The name of the account before.
        account: The account that the token belongs to.
    """
    other = "another account of this name" if account.name == name else account.name
    return WrongAccountError(
        f"the sign-in changed from {name} to {other}",
        cause="the token belongs to another account than before; nothing was read or written with it",
        remedy=SIGN_IN_AGAIN,
        new_sign_in=NewSignIn.SAME,
    )


def _describe_home(home_account_id: str) -> str:
    object_id, _, tenant_id = home_account_id.rpartition(".")
    return f"{object_id} in tenant {tenant_id}"


def _describe_kind(kind: AccountKind) -> str:
    return "managed identity" if kind is AccountKind.MANAGED_IDENTITY else kind.value


def _detect_kind(claims: Mapping[str, object], names: list[str]) -> AccountKind:
    identity_type = _text(claims, "idtyp")
    # Without idtyp, only a user's token has delegated permissions (scp) or a name.
    if identity_type == "app" or (identity_type is None and not names and "scp" not in claims):
        return AccountKind.MANAGED_IDENTITY if _text(claims, "xms_mirid") else AccountKind.APPLICATION
    upn, identity_provider = _text(claims, "upn"), _text(claims, "idp")
    tenant_id = _text(claims, "tid") or ""
    is_external = identity_provider is not None and tenant_id.casefold() not in identity_provider.casefold()
    if is_external or claims.get("acct") == 1 or (upn is not None and "#EXT#" in upn.upper()):
        return AccountKind.GUEST
    return AccountKind.USER


def _signed_in_personally(claims: Mapping[str, object]) -> bool:
    identity_provider = (_text(claims, "idp") or _text(claims, "iss") or "").casefold()
    return identity_provider == "live.com" or _PERSONAL_TENANT in identity_provider


def _decode_claims(token: str) -> Mapping[str, object]:
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, binascii.Error, ValueError, RecursionError) as error:
        raise UnexpectedAnswerError(
            "sign-in returned an invalid token", cause="it is not a JSON Web Token", remedy=SEE_RESPONSES
        ) from error
    if not isinstance(claims, dict):
        raise UnexpectedAnswerError(
            "sign-in returned an invalid token", cause="its claims are not a JSON object", remedy=SEE_RESPONSES
        )
    return claims


def _text(claims: Mapping[str, object], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None
