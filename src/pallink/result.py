"""What a command found or did: one flat object, whose field names are those of `az` plus pallink's own."""

from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from pallink.account import AccountKind
from pallink.errors import PallinkError
from pallink.field_names import camel_case
from pallink.links.model import Action, Link
from pallink.roles import ReaderReport, Subscription, Verdict

_NOT_SHOWN: dict[str, Any] = {"shown": False}


@dataclass(frozen=True, kw_only=True)
class Result:
    """The account that signed in, and its link; the link's fields are None where there is none.

    Attributes:
        cloud: the cloud's name or URL.
        account: the account's UPN, else its application ID.
        account_kind: user, guest, application or managedIdentity.
        object_id: the account's object ID in this tenant (GUID).
        tenant_id: the tenant (GUID).
        tenant_name: the tenant's display name; None where it could not be read.
        partner_id: the linked partner.
        partner_name: its name.
        state: `Active`; None where there is no link.
        version: counts the writes to this account's link.
        created_time: ISO 8601, as the service wrote it.
        updated_time: ISO 8601, as the service wrote it.
        id: the link's resource ID.
        role: the Reader verdict; None where it was not asked.
        warnings: what a person should know although nothing failed; not part of the object.
        reader: what the verdict rests on; not part of the object.
        error: why the account does not pass, for a command that reports and fails; not part of the object.
    """

    cloud: str
    account: str
    account_kind: AccountKind
    object_id: str
    tenant_id: str
    tenant_name: str | None = None
    partner_id: str | None = None
    partner_name: str | None = None
    state: str | None = None
    version: int | None = None
    created_time: str | None = None
    updated_time: str | None = None
    id: str | None = None
    role: Verdict | None = None
    warnings: tuple[str, ...] = field(default=(), metadata=_NOT_SHOWN)
    reader: ReaderReport | None = field(default=None, metadata=_NOT_SHOWN)
    error: PallinkError | None = field(default=None, metadata=_NOT_SHOWN)

    def as_dict(self) -> dict[str, Any]:
        """The flat object: camelCase names, plain values, always the same fields in the same order."""
        return {
            camel_case(each.name): _plain(getattr(self, each.name))
            for each in fields(self)
            if each.metadata.get("shown", True)
        }


@dataclass(frozen=True, kw_only=True)
class WriteResult(Result):
    """What `link`, `update` or `unlink` did.

    Attributes:
        action: created, updated, unchanged or deleted.
        previous_partner_id: the partner that the account was linked to before; None where it was not.
        previous_partner_name: its name; not part of the object.
        dry_run: whether nothing was written; then `action` is what would be done.
    """

    action: Action
    previous_partner_id: str | None = None
    previous_partner_name: str | None = field(default=None, metadata=_NOT_SHOWN)
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class VerifyResult(Result):
    """Whether the account is linked to the expected partner.

    Attributes:
        expected_partner_id: the partner that was asked for.
        matches: whether the account has an active link to just that partner.
    """

    expected_partner_id: str
    matches: bool


@dataclass(frozen=True, kw_only=True)
class CheckResult(Result):
    """Whether the account is ready to be linked.

    Attributes:
        subscriptions: one object for each subscription that was looked at: subscriptionId, name, enabled, verdict (null
            for a disabled one, which does not count), role, scope, groupId, condition, reason.
        advice: what would be better still, though nothing is missing, and the command for it; not part of the object.
    """

    advice: tuple[str, str] | None = field(default=None, metadata=_NOT_SHOWN)

    @property
    def subscriptions(self) -> list[dict[str, Any]]:
        """The verdict on each subscription."""
        if self.reader is None:
            return []
        judged = [
            _subscription(each.subscription, each.verdict.value)
            | {
                "role": each.role_name,
                "scope": each.scope,
                "groupId": each.group_id,
                "condition": each.condition,
                "reason": each.reason,
            }
            for each in self.reader.subscriptions
        ]
        return judged + [
            _subscription(each, None) | {"reason": "the subscription is disabled"} for each in self.reader.disabled
        ]

    def as_dict(self) -> dict[str, Any]:
        """The flat object, and the subscriptions at its end."""
        return super().as_dict() | {"subscriptions": self.subscriptions}


@dataclass(frozen=True, kw_only=True)
class AccountResult:
    """Who signed in, and how.

    Attributes:
        auth: the sign-in method. Those above are those of `Result`.
        stored: whether the sign-in is one that `pallink login` kept.
        expires_on: when the token ends, ISO 8601, UTC; None where it does not say, or where it was not looked at.
    """

    cloud: str
    account: str
    account_kind: AccountKind
    object_id: str
    tenant_id: str
    tenant_name: str | None
    auth: str
    stored: bool = False
    expires_on: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The flat object."""
        return {camel_case(each.name): _plain(getattr(self, each.name)) for each in fields(self)}


def _subscription(subscription: Subscription, verdict: str | None) -> dict[str, Any]:
    fields = {"subscriptionId": subscription.id, "name": subscription.name, "enabled": subscription.enabled}
    return fields | {"verdict": verdict, "role": None, "scope": None, "groupId": None, "condition": None}


def link_fields(link: Link | None) -> dict[str, Any]:
    """A link as keyword arguments of `Result`."""
    if link is None:
        return {}
    return {
        "partner_id": link.partner_id,
        "partner_name": link.partner_name,
        "state": link.state,
        "version": link.version,
        "created_time": link.created_time,
        "updated_time": link.updated_time,
        "id": link.id,
    }


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value
