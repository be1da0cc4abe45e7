"""Role assignments in, verdict out: does an account hold Reader? Pure.

The role GUIDs are those of Azure's built-in roles (learn.microsoft.com/azure/role-based-access-control/built-in-roles).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pallink.account import Account
from pallink.errors import ReaderRoleError

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"

# Built-in roles whose actions hold every read. What a role's definition says beyond this list is not looked up.
MORE_THAN_READER = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "43d0d8ad-25c7-4714-9337-8ba259a9fe05": "Monitoring Reader",
    "749f88d5-cbae-40b8-bcfc-e573ddc772fa": "Monitoring Contributor",
    "92aaf0da-9dab-42b6-94a3-d43ce8d16293": "Log Analytics Contributor",
}

# Built-in roles that people mistake for Reader.
_LESS_THAN_READER = {
    "cfd33db0-3dd1-45e3-aa9d-cdbdf3b6f24e": "Support Request Contributor",
    "fa23ad8b-c56e-40d8-ac0c-ce449e1d2c64": "Billing Reader",
}

ROLE_NAMES = {READER: "Reader"} | MORE_THAN_READER | _LESS_THAN_READER


class Verdict(StrEnum):
    """What the role assignments at a subscription amount to, best first; its text is `role` in a result."""

    READER = "reader"
    MORE_THAN_READER = "more-than-reader"
    PARTIAL = "partial"
    OTHER_ROLE = "other-role"
    UNKNOWN = "unknown"
    NONE = "none"

    @property
    def passes(self) -> bool:
        """Whether this is as good as Reader."""
        return self in (Verdict.READER, Verdict.MORE_THAN_READER)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription that the account sees. `id` is its GUID."""

    id: str
    name: str
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """A role assignment, as far as it matters here.

    Attributes:
        role_definition_id: the resource ID of the role's definition, in any of its forms.
        scope: where it was assigned, e.g. `/subscriptions/…` or a management group.
        principal_id: the object ID that it was assigned to: the account's own, or a group's.
        condition: restricts the role, where there is one.
    """

    role_definition_id: str
    scope: str
    principal_id: str
    condition: str | None = None

    @property
    def role_id(self) -> str:
        """The role's GUID in lower case: the last segment, with or without a subscription in front."""
        return self.role_definition_id.rstrip("/").rpartition("/")[2].casefold()

    @property
    def role_name(self) -> str:
        """The role's name where it is a known built-in one, else its GUID."""
        return ROLE_NAMES.get(self.role_id, self.role_id)


@dataclass(frozen=True, slots=True)
class SubscriptionVerdict:
    """The verdict on one subscription, and what it rests on.

    Attributes:
        subscription: which one.
        verdict: what the role assignments amount to.
        role_name: the role that the verdict rests on.
        scope: where that role was assigned.
        group_id: the object ID of the group that it is held through; None when it is the account's own.
        reason: why the verdict is unknown.
    """

    subscription: Subscription
    verdict: Verdict
    role_name: str | None = None
    scope: str | None = None
    group_id: str | None = None
    reason: str | None = None

    def __str__(self) -> str:
        if self.verdict is Verdict.UNKNOWN:
            return f"could not be read: {self.reason}"
        if self.role_name is None:
            return "no role"
        origin = "" if self.scope is None else f", {_origin(self.scope)}"
        group = "" if self.group_id is None else f", through group {self.group_id}"
        restricted = ", under a condition" if self.verdict is Verdict.PARTIAL else ""
        return f"{self.role_name}{origin}{group}{restricted}"


@dataclass(frozen=True, slots=True)
class ReaderReport:
    """The verdicts on every subscription that was looked at, in the order in which Azure listed them."""

    subscriptions: tuple[SubscriptionVerdict, ...] = ()

    @property
    def best(self) -> SubscriptionVerdict | None:
        """The best verdict on any enabled subscription; None when there is none."""
        enabled = [each for each in self.subscriptions if each.subscription.enabled]
        return min(enabled, key=lambda each: _ORDER.index(each.verdict), default=None)

    @property
    def verdict(self) -> Verdict:
        """The verdict on the account: its best one."""
        return Verdict.NONE if self.best is None else self.best.verdict


_ORDER = tuple(Verdict)


def judge(subscription: Subscription, assignments: Iterable[RoleAssignment], account: Account) -> SubscriptionVerdict:
    """The verdict on one subscription.

    Args:
        subscription: which one.
        assignments: those that count there for the account, inherited and through groups included.
        account: whose roles they are; an assignment to another principal is held through a group.
    """

    def verdict(assignment: RoleAssignment) -> Verdict:
        if assignment.role_id != READER and assignment.role_id not in MORE_THAN_READER:
            return Verdict.OTHER_ROLE
        if assignment.condition:
            return Verdict.PARTIAL
        return Verdict.READER if assignment.role_id == READER else Verdict.MORE_THAN_READER

    def through_group(assignment: RoleAssignment) -> bool:
        return assignment.principal_id.casefold() != account.object_id.casefold()

    best = min(assignments, key=lambda each: (_ORDER.index(verdict(each)), through_group(each)), default=None)
    if best is None:
        return SubscriptionVerdict(subscription, Verdict.NONE)
    return SubscriptionVerdict(
        subscription,
        verdict(best),
        role_name=best.role_name,
        scope=best.scope,
        group_id=best.principal_id if through_group(best) else None,
    )


def assignment_command(account: Account, subscription_ids: Sequence[str]) -> str:
    """The command with which an administrator gives the account Reader, ready to paste into bash or PowerShell.

    Where the account sees no subscription, its ID cannot be known here: then the command takes the one that the
    administrator's own Azure CLI is set to.
    """
    scope = subscription_ids[0] if subscription_ids else "$(az account show --query id --output tsv)"
    return (
        f"az role assignment create --assignee-object-id {account.object_id}"
        f" --assignee-principal-type {account.kind.principal_type} --role Reader"
        f' --scope "/subscriptions/{scope}"'
    )


def reader_error(report: ReaderReport, account: Account) -> ReaderRoleError | None:
    """What is wrong with the account's roles and how to mend it; None where it holds Reader or more."""
    best = report.best
    if best is not None and best.verdict.passes:
        return None
    seen = [each.subscription for each in report.subscriptions if each.subscription.enabled]
    command = assignment_command(account, [each.id for each in seen])
    if best is not None and best.verdict is Verdict.UNKNOWN:
        return ReaderRoleError(
            f"whether {account.name} holds the Reader role cannot be read",
            cause=f"{best.subscription.name}: {best.reason}",
            remedy="an account without Reader may not read this; an administrator of the subscription can give it",
            command=command,
        )
    if not seen:
        cause = "it sees no subscription in this tenant, so it holds no role there"
    elif best is None or best.verdict is Verdict.NONE:
        cause = f"it holds no role on {_names(seen)}"
    else:
        cause = f"on {best.subscription.name} it holds: {best}"
    which = "" if seen else ", for the subscription that the administrator's own Azure CLI is set to"
    return ReaderRoleError(
        f"the Reader role is missing: {account.name} does not hold it on any subscription",
        cause=cause,
        remedy=f"an administrator of the subscription runs this{which}; or go on without it with --role-check skip",
        command=command,
    )


def _names(subscriptions: Sequence[Subscription]) -> str:
    shown = [each.name for each in subscriptions[:3]]
    more = len(subscriptions) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _origin(scope: str) -> str:
    """Where a role was assigned, in words."""
    parts = [part for part in scope.split("/") if part]
    lowered = [part.casefold() for part in parts]
    match lowered:
        case []:
            return "assigned at the root of the tenant"
        case ["providers", "microsoft.management", "managementgroups", _]:
            return f"inherited from management group {parts[3]}"
        case ["subscriptions", _]:
            return "assigned on the subscription"
        case _:
            return f"assigned at {scope}"
