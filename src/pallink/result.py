"""What a command found or did: one flat object, whose field names are those of `az` plus pallink's own.

A result holds the account, the link and the Reader report themselves, and flattens them in `as_dict` alone.
"""

from dataclasses import dataclass

from pallink.account import Account, AccountKind, is_guid
from pallink.errors import PallinkError
from pallink.links.model import Action, Link, active
from pallink.roles import ReaderReport, Subscription, Verdict
from pallink.signin import StoredSignIn

Json = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Result:
    """The account that signed in, and its link; the link's fields are None if there is none.

    Attributes:
        cloud: The cloud's name or URL.
        identity: The account that signed in.
        tenant_name: The tenant's display name; None if it could not be read.
        link: The link as the service returned it; one that is not active counts as none.
        reader: What the Reader verdict rests on; None if it was not asked for.
        warnings: What a person should know although nothing failed; not part of the object.
        error: Why the account does not pass, for a command that reports and fails; not part of the object.
    """

    cloud: str
    identity: Account
    tenant_name: str | None = None
    link: Link | None = None
    reader: ReaderReport | None = None
    warnings: tuple[str, ...] = ()
    error: PallinkError | None = None

    @property
    def account(self) -> str:
        """The account's UPN, else its application ID."""
        return self.identity.name

    @property
    def account_kind(self) -> AccountKind:
        """User, guest, application or managed identity."""
        return self.identity.kind

    @property
    def object_id(self) -> str:
        """The account's object ID in this tenant (GUID)."""
        return self.identity.object_id

    @property
    def tenant_id(self) -> str:
        """The tenant (GUID)."""
        return self.identity.tenant_id

    @property
    def partner_id(self) -> str | None:
        """The linked partner."""
        return self._link.partner_id if self._link else None

    @property
    def partner_name(self) -> str | None:
        """The linked partner's name."""
        return self._link.partner_name if self._link else None

    @property
    def state(self) -> str | None:
        """`Active`."""
        return self._link.state if self._link else None

    @property
    def version(self) -> int | None:
        """The number of writes to this account's link."""
        return self._link.version if self._link else None

    @property
    def created_time(self) -> str | None:
        """ISO 8601, as the service wrote it."""
        return self._link.created_time if self._link else None

    @property
    def updated_time(self) -> str | None:
        """ISO 8601, as the service wrote it."""
        return self._link.updated_time if self._link else None

    @property
    def id(self) -> str | None:
        """The link's resource ID."""
        return self._link.id if self._link else None

    @property
    def role(self) -> Verdict | None:
        """The Reader verdict; None if it was not asked for."""
        return self.reader.verdict if self.reader else None

    @property
    def _link(self) -> Link | None:
        return active(self.link)

    def as_dict(self) -> Json:
        """Return the flat object: plain values, always the same fields in the same order."""
        link = self._link
        return {
            "cloud": self.cloud,
            **_account_fields(self.identity, self.identity.name, self.tenant_name),
            "partnerId": link.partner_id if link else None,
            "partnerName": link.partner_name if link else None,
            "state": link.state if link else None,
            "version": link.version if link else None,
            "createdTime": link.created_time if link else None,
            "updatedTime": link.updated_time if link else None,
            "id": link.id if link else None,
            "role": self.reader.verdict.value if self.reader else None,
        }


@dataclass(frozen=True, kw_only=True)
class WriteResult(Result):
    """What `link`, `update` or `unlink` did.

    Attributes:
        action: created, updated, unchanged or deleted.
        previous: The link before; None if there was none.
        planned_partner_id: The partner that a dry run would link to.
        dry_run: Whether nothing was written; then `action` is what would be done.
    """

    action: Action
    previous: Link | None = None
    planned_partner_id: str | None = None
    dry_run: bool = False

    @property
    def partner_id(self) -> str | None:
        """The linked partner, of a dry run the one that would be linked."""
        return self.planned_partner_id or super().partner_id

    @property
    def previous_partner_id(self) -> str | None:
        """The partner that the account was linked to before; None if it was not."""
        return self.previous.partner_id if self.previous else None

    @property
    def previous_partner_name(self) -> str | None:
        """The previous partner's name; not part of the object."""
        return self.previous.partner_name if self.previous else None

    def as_dict(self) -> Json:
        """Return the flat object."""
        return super().as_dict() | {
            "partnerId": self.partner_id,
            "action": self.action.value,
            "previousPartnerId": self.previous_partner_id,
            "dryRun": self.dry_run,
        }


@dataclass(frozen=True, kw_only=True)
class VerifyResult(Result):
    """Whether the account is linked to the expected partner.

    Attributes:
        expected_partner_id: The partner that was asked for.
        matches: Whether the account has an active link to just that partner.
    """

    expected_partner_id: str
    matches: bool

    def as_dict(self) -> Json:
        """Return the flat object."""
        return super().as_dict() | {"expectedPartnerId": self.expected_partner_id, "matches": self.matches}


@dataclass(frozen=True, kw_only=True)
class CheckResult(Result):
    """Whether the account is ready to be linked.

    Attributes:
        advice: What would be better still, though nothing is missing, and the command for it; not part of the object.
    """

    advice: tuple[str, str] | None = None

    @property
    def subscriptions(self) -> list[Json]:
        """One object for each subscription that was looked at.

        Its fields: subscriptionId, name, enabled, verdict (null for a disabled one, which does not count), role, scope,
        groupId, condition, reason.
        """
        if self.reader is None:
            return []
        judged = [
            _subscription(found.subscription, found.verdict.value)
            | {
                "role": found.role_name,
                "scope": found.scope,
                "groupId": found.group_id,
                "condition": found.condition,
                "reason": found.reason,
            }
            for found in self.reader.subscriptions
        ]
        return judged + [
            _subscription(disabled, None) | {"reason": "the subscription is disabled"}
            for disabled in self.reader.disabled
        ]

    def as_dict(self) -> Json:
        """Return the flat object, with the subscriptions at its end."""
        return super().as_dict() | {"subscriptions": self.subscriptions}


@dataclass(frozen=True, kw_only=True)
class AccountResult:
    """Who signed in, and how.

    Attributes:
        cloud: The cloud's name or URL.
        account: The account's UPN, else its application ID.
        account_kind: User, guest, application or managed identity.
        object_id: The account's object ID in this tenant (GUID).
        tenant_id: The tenant (GUID).
        tenant_name: The tenant's display name; None if it was not read.
        auth: The sign-in method.
        stored: Whether the sign-in is one that `pallink login` kept.
        expires_on: When the token expires, ISO 8601, UTC; None if it does not say, or was not looked at.
        tenant_domain: The domain that named the tenant at the sign-in, for people; None if none did.
        is_in_home_tenant: Whether a stored sign-in is in the user's own tenant, for people.
    """

    cloud: str
    account: str
    account_kind: AccountKind
    object_id: str
    tenant_id: str
    tenant_name: str | None = None
    auth: str
    stored: bool = False
    expires_on: str | None = None
    tenant_domain: str | None = None
    is_in_home_tenant: bool = False

    @classmethod
    def of(
        cls,
        account: Account | StoredSignIn,
        *,
        cloud: str,
        auth: str,
        stored: bool,
        tenant_name: str | None = None,
        expires_on: str | None = None,
    ) -> "AccountResult":
        """Return the result for an account that signed in, or for a sign-in that was kept."""
        kept = account if isinstance(account, StoredSignIn) else None
        return cls(
            cloud=cloud,
            account=account.account if isinstance(account, StoredSignIn) else account.name,
            account_kind=account.kind,
            object_id=account.object_id,
            tenant_id=account.tenant_id,
            tenant_name=tenant_name,
            auth=auth,
            stored=stored,
            expires_on=expires_on,
            tenant_domain=kept.tenant if kept and kept.tenant and not is_guid(kept.tenant) else None,
            is_in_home_tenant=kept is not None and kept.is_in_home_tenant,
        )

    def as_dict(self) -> Json:
        """Return the flat object."""
        return {
            "cloud": self.cloud,
            **_account_fields(self, self.account, self.tenant_name),
            "auth": str(self.auth),
            "stored": self.stored,
            "expiresOn": self.expires_on,
        }


def _account_fields(account: Account | AccountResult, name: str, tenant_name: str | None) -> Json:
    kind = account.kind if isinstance(account, Account) else account.account_kind
    return {
        "account": name,
        "accountKind": kind.value,
        "objectId": account.object_id,
        "tenantId": account.tenant_id,
        "tenantName": tenant_name,
    }


def _subscription(subscription: Subscription, verdict: str | None) -> Json:
    return {
        "subscriptionId": subscription.id,
        "name": subscription.name,
        "enabled": subscription.enabled,
        "verdict": verdict,
        "role": None,
        "scope": None,
        "groupId": None,
        "condition": None,
    }
