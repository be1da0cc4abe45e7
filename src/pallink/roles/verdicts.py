"""Decide whether an account has Reader: role assignments in, verdict out. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pallink.account import Account
from pallink.errors import AccessDeniedError, PallinkError
from pallink.roles.assignments import EligibleRole, RoleAssignment, Subscription, describe_origin
from pallink.roles.definitions import KNOWN_ROLES, Role


class Verdict(StrEnum):
    """What an account holds on a subscription; the values are those of `role` in a result.

    They are in the order in which one of those that pass, else one of those that fail, stands for the whole account.
    `unknown` comes before those that always fail: as long as something could not be read, the account may have Reader.
    """

    READER = "reader"
    MORE_THAN_READER = "more-than-reader"
    ELIGIBLE = "eligible"
    UNKNOWN = "unknown"
    PARTIAL = "partial"
    DELEGATED = "delegated"
    CONDITIONAL = "conditional"
    OTHER_ROLE = "other-role"
    NONE = "none"

    @property
    def passes(self) -> bool:
        """Whether this is as good as Reader on the whole subscription; see `ReaderReport.accepts` for what passes."""
        return self in (Verdict.READER, Verdict.MORE_THAN_READER)


@dataclass(frozen=True, slots=True)
class SubscriptionVerdict:
    """The verdict on one subscription, and what it is based on.

    Attributes:
        subscription: The subscription.
        verdict: What the account holds there.
        role_name: The role that the verdict is based on.
        scope: Where that role was assigned, or would apply once activated.
        group_id: The object ID of the group through which the role is held; None if it is the account's own.
        condition: The condition that restricts the role.
        reason: Why there is no role, or why the verdict is `unknown`.
        error: The error that made the verdict `unknown`, if there was one.
        eligible: The role that could be activated, if the verdict is `eligible`.
        earns_credit: Whether a role there earns partner earned credit; None if unknown.
    """

    subscription: Subscription
    verdict: Verdict
    role_name: str | None = None
    scope: str | None = None
    group_id: str | None = None
    condition: str | None = None
    reason: str | None = None
    error: PallinkError | None = None
    eligible: EligibleRole | None = None
    earns_credit: bool | None = None

    def __str__(self) -> str:
        return explain(self)

    @property
    def is_refused(self) -> bool:
        """Whether Azure refused (403) to list the role assignments."""
        return self.verdict is Verdict.UNKNOWN and isinstance(self.error, AccessDeniedError)

    @property
    def rank(self) -> int:
        """The sort key, lowest first: what passes, what got no response, then the other verdicts in their order."""
        if self.error is not None and not isinstance(self.error, AccessDeniedError):
            return _ORDER.index(Verdict.ELIGIBLE) * 2 - 1
        return _ORDER.index(self.verdict) * 2


@dataclass(frozen=True, slots=True)
class ReaderReport:
    """The verdicts on the subscriptions that were checked.

    Attributes:
        subscriptions: The verdicts, in the order in which Azure listed the subscriptions or the user named them.
        disabled: The disabled subscriptions, which never pass.
        eligible: Roles as good as Reader that the account could activate on a management group or the tenant's root.
        all_required: Whether every subscription has to pass, not just one.
        visible: All subscriptions that the account sees, checked or not.
    """

    subscriptions: tuple[SubscriptionVerdict, ...] = ()
    disabled: tuple[Subscription, ...] = ()
    eligible: tuple[EligibleRole, ...] = ()
    all_required: bool = False
    visible: tuple[Subscription, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the account has Reader or more where it is required."""
        passed = [self.accepts(subscription) for subscription in self.subscriptions]
        return bool(passed) and not self.disabled and all(passed) if self.all_required else any(passed)

    def accepts(self, subscription: SubscriptionVerdict) -> bool:
        """Return whether one verdict passes.

        Recognition covers the scope of a role, so Reader on a resource group alone is enough, unless the subscription
        was named as one that has to pass. Roles on a delegated subscription are listed nowhere, and no one can assign
        them there as elsewhere.
        """
        if subscription.verdict is Verdict.PARTIAL:
            return not self.all_required
        return subscription.verdict.passes or subscription.verdict is Verdict.DELEGATED

    @property
    def failing(self) -> tuple[SubscriptionVerdict, ...]:
        """The verdicts that do not pass, by rank."""
        failing = (subscription for subscription in self.subscriptions if not self.accepts(subscription))
        return tuple(sorted(failing, key=_rank))

    @property
    def best(self) -> SubscriptionVerdict | None:
        """The verdict that stands for the whole account; None if no subscription was judged."""
        if self.passes:
            # If all have to pass, the least of them stands for the account.
            passing = filter(self.accepts, self.subscriptions)
            return (max if self.all_required else min)(passing, key=_rank)
        return next(iter(self.failing), None)

    @property
    def verdict(self) -> Verdict:
        """The verdict on the account."""
        best = self.best
        if best is not None and (self.passes or self.all_required or best.rank < _ELIGIBLE_RANK):
            return best.verdict
        if self.eligible and not self.all_required:
            return Verdict.ELIGIBLE
        return Verdict.NONE if best is None else best.verdict

    @property
    def earns_credit(self) -> bool | None:
        """Whether one of the roles earns partner earned credit; None if unknown."""
        return _any_or_unknown(subscription.earns_credit for subscription in self.subscriptions)


_ORDER = tuple(Verdict)
_ELIGIBLE_RANK = _ORDER.index(Verdict.ELIGIBLE) * 2


def _rank(verdict: SubscriptionVerdict) -> int:
    return verdict.rank


def judge(
    subscription: Subscription,
    assignments: Iterable[RoleAssignment],
    account: Account,
    roles: Mapping[str, Role] = KNOWN_ROLES,
) -> SubscriptionVerdict:
    """Return the verdict on one subscription.

    Args:
        subscription: The subscription.
        assignments: The account's role assignments there: its own, inherited, through groups and inside it.
        account: The account; an assignment to another principal is held through a group.
        roles: Roles by GUID. A role that is missing counts as one whose definition could not be read.
    """
    candidates = [_Candidate.from_assignment(assignment, subscription, account, roles) for assignment in assignments]
    best = min(candidates, key=lambda candidate: candidate.rank, default=None)
    if best is None:
        return SubscriptionVerdict(subscription, Verdict.NONE, earns_credit=False)
    return SubscriptionVerdict(
        subscription,
        best.verdict,
        role_name=best.role.name,
        scope=best.assignment.scope,
        group_id=best.assignment.principal_id if best.through_group else None,
        condition=best.assignment.condition,
        reason=best.role.reason if best.verdict is Verdict.UNKNOWN else None,
        earns_credit=_any_or_unknown(candidate.role.earns_credit for candidate in candidates),
    )


def judge_unreadable(subscription: Subscription, error: PallinkError) -> SubscriptionVerdict:
    """Return the verdict on a subscription whose role assignments could not be read: `unknown`, never `none`."""
    refused = "Azure refused to list its role assignments there (403), which Reader allows"
    reason = refused if isinstance(error, AccessDeniedError) else error.message
    return SubscriptionVerdict(subscription, Verdict.UNKNOWN, reason=reason, error=error)


def judge_delegated(subscription: Subscription) -> SubscriptionVerdict:
    """Return the verdict on a subscription of another tenant, delegated through Azure Lighthouse."""
    reason = f"tenant {subscription.tenant_id} delegates it through Azure Lighthouse; its roles are not listed"
    return SubscriptionVerdict(subscription, Verdict.DELEGATED, reason=reason)


def judge_invisible(subscription: Subscription) -> SubscriptionVerdict:
    """Return the verdict on a subscription that the account does not see: it holds no role there."""
    return SubscriptionVerdict(subscription, Verdict.NONE, reason="the account does not see it", earns_credit=False)


def add_eligible_roles(
    report: ReaderReport, eligible: Iterable[EligibleRole], account: Account, roles: Mapping[str, Role] = KNOWN_ROLES
) -> ReaderReport:
    """Return a copy of the report with what the account could activate in Privileged Identity Management.

    Args:
        report: A report that does not pass.
        eligible: Every role that the account is eligible for.
        account: The account.
        roles: Roles by GUID. An eligible role counts if it is known to be as good as Reader and has no condition.
    """
    candidates = [
        candidate
        for candidate in eligible
        if (role := roles.get(candidate.role_id)) is not None and role.allows_read_all and not candidate.condition
    ]
    # Reader first: if several could be activated, the least privileged one is suggested.
    candidates.sort(key=lambda candidate: not roles[candidate.role_id].is_reader)
    by_subscription = {
        subscription_id: candidate
        for candidate in reversed(candidates)
        if (subscription_id := candidate.subscription_id) is not None
    }

    def judge_eligible(subscription: Subscription, verdict: SubscriptionVerdict | None) -> SubscriptionVerdict | None:
        role = by_subscription.get(subscription.id.casefold())
        if role is None or (verdict is not None and (report.accepts(verdict) or verdict.rank < _ELIGIBLE_RANK)):
            return verdict
        own = role.principal_id.casefold() == account.object_id.casefold()
        if subscription.name == subscription.id and role.scope_name:
            # The user gave the ID of a subscription that is not visible: only here does Azure return its name.
            subscription = replace(subscription, name=role.scope_name)
        return SubscriptionVerdict(
            subscription,
            Verdict.ELIGIBLE,
            role_name=roles[role.role_id].name,
            scope=role.scope,
            group_id=None if own else role.principal_id,
            eligible=role,
        )

    verdicts = [judge_eligible(verdict.subscription, verdict) or verdict for verdict in report.subscriptions]
    if not report.all_required:
        # Without any other role, the account does not even see the subscriptions that it is eligible for.
        listed = {verdict.subscription.id.casefold() for verdict in verdicts}
        listed |= {subscription.id.casefold() for subscription in report.disabled}
        unlisted = [
            Subscription(subscription_id, role.scope_name or subscription_id)
            for subscription_id, role in by_subscription.items()
            if subscription_id not in listed
        ]
        verdicts += [
            verdict for subscription in unlisted if (verdict := judge_eligible(subscription, None)) is not None
        ]
    above = tuple(candidate for candidate in candidates if candidate.is_above_subscriptions)
    return replace(report, subscriptions=tuple(verdicts), eligible=above)


def explain(verdict: SubscriptionVerdict) -> str:
    """Return in words what a verdict is based on."""
    if verdict.role_name is None:
        prefixes = {Verdict.UNKNOWN: "could not be read: ", Verdict.DELEGATED: ""}
        return f"{prefixes.get(verdict.verdict, 'no role: ')}{verdict.reason or 'none is listed'}"
    text = verdict.role_name
    if verdict.verdict is Verdict.ELIGIBLE:
        text += ", eligible in Privileged Identity Management but not activated"
    elif verdict.scope is not None:
        text += f", {describe_origin(verdict.scope)}"
    if verdict.group_id is not None:
        text += f", through group {verdict.group_id}"
    if verdict.condition is not None:
        text += ", under a condition"
    if verdict.verdict is Verdict.OTHER_ROLE:
        text += ", which does not allow every read"
    if verdict.verdict is Verdict.MORE_THAN_READER:
        text += "; less would do: Reader"
    if verdict.verdict is Verdict.UNKNOWN:
        text += f"; what it allows could not be read: {verdict.reason}"
    return text


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A role assignment, and the verdict that it alone would give."""

    assignment: RoleAssignment
    role: Role
    verdict: Verdict
    through_group: bool

    @classmethod
    def from_assignment(
        cls, assignment: RoleAssignment, subscription: Subscription, account: Account, roles: Mapping[str, Role]
    ) -> "_Candidate":
        role_id = assignment.role_id
        role = roles.get(role_id) or Role(role_id, role_id, allows_read_all=None, reason="its definition was not read")
        through_group = assignment.principal_id.casefold() != account.object_id.casefold()
        inside = assignment.is_inside(subscription)
        if role.allows_read_all is None and not inside:
            verdict = Verdict.UNKNOWN
        elif not role.allows_read_all:
            verdict = Verdict.OTHER_ROLE
        elif assignment.condition:
            verdict = Verdict.CONDITIONAL
        elif inside:
            verdict = Verdict.PARTIAL
        else:
            verdict = Verdict.READER if role.is_reader else Verdict.MORE_THAN_READER
        return cls(assignment, role, verdict, through_group)

    @property
    def rank(self) -> tuple[int, bool]:
        return _ORDER.index(self.verdict), self.through_group


def _any_or_unknown(values: Iterable[bool | None]) -> bool | None:
    """Return True if any value is True, else None if any is None or there is none, else False."""
    found = set(values)
    return True if True in found else None if None in found or not found else False
