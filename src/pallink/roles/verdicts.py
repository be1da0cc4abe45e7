"""Role assignments in, verdict out: does an account hold Reader? Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pallink.account import Account
from pallink.errors import AccessDeniedError, PallinkError
from pallink.roles.assignments import EligibleRole, RoleAssignment, Subscription, origin
from pallink.roles.definitions import KNOWN_ROLES, Role


class Verdict(StrEnum):
    """What an account holds at a subscription, best first; its text is `role` in a result.

    `unknown` stands before what does not pass either: as long as something could not be read, the account may hold
    Reader after all.
    """

    READER = "reader"
    MORE_THAN_READER = "more-than-reader"
    ELIGIBLE = "eligible"
    UNKNOWN = "unknown"
    PARTIAL = "partial"
    OTHER_ROLE = "other-role"
    NONE = "none"

    @property
    def passes(self) -> bool:
        """Whether this is as good as Reader."""
        return self in (Verdict.READER, Verdict.MORE_THAN_READER)


@dataclass(frozen=True, slots=True)
class SubscriptionVerdict:
    """The verdict on one subscription, and what it rests on.

    Attributes:
        subscription: which one.
        verdict: what the account holds there.
        role_name: the role that the verdict rests on.
        scope: where that role was assigned, or would count once activated.
        group_id: the object ID of the group that it is held through; None when it is the account's own.
        condition: what restricts the role.
        reason: why nothing, or nothing certain, can be said.
        error: the error that `unknown` comes from, where it was one.
        eligible: what could be activated, where the verdict is `eligible`.
        earns_credit: whether a role there earns partner credit; None where that is not known.
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
        return explanation(self)

    @property
    def rank(self) -> int:
        """The lower, the more it says about the account: what passes, what gave no answer, then the rest in order."""
        if self.error is not None and not isinstance(self.error, AccessDeniedError):
            return _ORDER.index(Verdict.ELIGIBLE) * 2 - 1
        return _ORDER.index(self.verdict) * 2


@dataclass(frozen=True, slots=True)
class ReaderReport:
    """What was found on the subscriptions that were looked at.

    Attributes:
        subscriptions: the verdicts, in the order in which Azure listed the subscriptions or the user named them.
        disabled: subscriptions that are disabled: named, but not counted.
        eligible: roles as good as Reader that the account could activate on a management group or the tenant's root.
        all_required: whether every one of them has to pass, and not just one.
        visible: all subscriptions that the account sees, looked at or not.
    """

    subscriptions: tuple[SubscriptionVerdict, ...] = ()
    disabled: tuple[Subscription, ...] = ()
    eligible: tuple[EligibleRole, ...] = ()
    all_required: bool = False
    visible: tuple[Subscription, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the account holds Reader or more where it has to."""
        passed = [each.verdict.passes for each in self.subscriptions]
        return bool(passed) and not self.disabled and all(passed) if self.all_required else any(passed)

    @property
    def failing(self) -> tuple[SubscriptionVerdict, ...]:
        """What does not pass, the most telling first."""
        return tuple(sorted((each for each in self.subscriptions if not each.verdict.passes), key=_rank))

    @property
    def best(self) -> SubscriptionVerdict | None:
        """What the verdict on the account rests on; None when it rests on no subscription."""
        if self.passes:
            # Where all have to pass, the least of them speaks for the account.
            return (max if self.all_required else min)(self.subscriptions, key=_rank)
        return next(iter(self.failing), None)

    @property
    def verdict(self) -> Verdict:
        """The verdict on the account."""
        best = self.best
        if best is not None and (best.verdict.passes or self.all_required or best.rank < _ELIGIBLE_RANK):
            return best.verdict
        if self.eligible and not self.all_required:
            return Verdict.ELIGIBLE
        return Verdict.NONE if best is None else best.verdict

    @property
    def earns_credit(self) -> bool | None:
        """Whether a role that was seen earns partner credit; None where that is not known."""
        known = {each.earns_credit for each in self.subscriptions}
        return True if True in known else None if None in known or not known else False


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
    """The verdict on one subscription.

    Args:
        subscription: which one.
        assignments: those of the account there, inherited and through groups included, and those inside it.
        account: whose roles they are; an assignment to another principal is held through a group.
        roles: by GUID; one that is not among them counts as one whose definition could not be read.
    """
    candidates = [_Candidate.of(each, subscription, account, roles) for each in assignments]
    best = min(candidates, key=lambda each: each.rank, default=None)
    if best is None:
        return SubscriptionVerdict(subscription, Verdict.NONE, earns_credit=False)
    credit = {each.role.earns_credit for each in candidates}
    return SubscriptionVerdict(
        subscription,
        best.verdict,
        role_name=best.role.name,
        scope=best.assignment.scope,
        group_id=best.assignment.principal_id if best.through_group else None,
        condition=best.assignment.condition,
        reason=best.role.reason if best.verdict is Verdict.UNKNOWN else None,
        earns_credit=True if True in credit else None if None in credit else False,
    )


def unreadable(subscription: Subscription, error: PallinkError) -> SubscriptionVerdict:
    """The verdict on a subscription whose role assignments could not be read: never `none`."""
    refused = "Azure does not let this account read its role assignments there (403)"
    reason = refused if isinstance(error, AccessDeniedError) else error.message
    return SubscriptionVerdict(subscription, Verdict.UNKNOWN, reason=reason, error=error)


def not_visible(subscription: Subscription) -> SubscriptionVerdict:
    """The verdict on a subscription that the account does not see: it holds no role there."""
    return SubscriptionVerdict(subscription, Verdict.NONE, reason="the account does not see it", earns_credit=False)


def with_eligible(
    report: ReaderReport, eligible: Iterable[EligibleRole], account: Account, roles: Mapping[str, Role] = KNOWN_ROLES
) -> ReaderReport:
    """The same report, with what the account could activate in Privileged Identity Management.

    Args:
        report: one that does not pass.
        eligible: every role that the account is eligible for.
        account: whose they are.
        roles: by GUID. Only those count that are known to be as good as Reader, and under no condition.
    """
    good = [
        each
        for each in eligible
        if (role := roles.get(each.role_id)) is not None and role.every_read and not each.condition
    ]
    # Reader first: where several could be activated, the least of them is named.
    good.sort(key=lambda each: not roles[each.role_id].is_reader)
    by_subscription = {name: each for each in reversed(good) if (name := each.subscription_id) is not None}

    def activatable(subscription: Subscription, verdict: SubscriptionVerdict | None) -> SubscriptionVerdict | None:
        role = by_subscription.get(subscription.id.casefold())
        if role is None or (verdict is not None and verdict.rank < _ELIGIBLE_RANK):
            return verdict
        own = role.principal_id.casefold() == account.object_id.casefold()
        if subscription.name == subscription.id and role.scope_name:
            # It was named by its ID and is not visible: here its name is told.
            subscription = replace(subscription, name=role.scope_name)
        return SubscriptionVerdict(
            subscription,
            Verdict.ELIGIBLE,
            role_name=roles[role.role_id].name,
            scope=role.scope,
            group_id=None if own else role.principal_id,
            eligible=role,
        )

    found = [activatable(each.subscription, each) or each for each in report.subscriptions]
    if not report.all_required:
        # An account that holds nothing else does not even see these.
        seen = {each.subscription.id.casefold() for each in found} | {each.id.casefold() for each in report.disabled}
        unseen = [
            Subscription(subscription_id, role.scope_name or subscription_id)
            for subscription_id, role in by_subscription.items()
            if subscription_id not in seen
        ]
        found += [verdict for each in unseen if (verdict := activatable(each, None)) is not None]
    above = tuple(each for each in good if each.is_above_subscriptions)
    return replace(report, subscriptions=tuple(found), eligible=above)


def explanation(verdict: SubscriptionVerdict) -> str:
    """What a verdict rests on, in words."""
    if verdict.role_name is None:
        if verdict.verdict is Verdict.UNKNOWN:
            return f"could not be read: {verdict.reason}"
        # A subscription that is visible without a role is most likely one that Lighthouse delegates.
        return f"no role: {verdict.reason or 'none is listed, as one through Azure Lighthouse would not be'}"
    text = verdict.role_name
    if verdict.verdict is Verdict.ELIGIBLE:
        text += ", eligible in Privileged Identity Management but not activated"
    elif verdict.scope is not None:
        text += f", {origin(verdict.scope)}"
    if verdict.group_id is not None:
        text += f", through group {verdict.group_id}"
    if verdict.condition is not None:
        text += ", under a condition"
    if verdict.verdict is Verdict.OTHER_ROLE:
        text += "; it does not allow every read"
    if verdict.verdict is Verdict.MORE_THAN_READER:
        text += "; less would do: Reader"
    if verdict.verdict is Verdict.UNKNOWN:
        text += f"; what it allows could not be read: {verdict.reason}"
    return text


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A role assignment, and what it amounts to by itself."""

    assignment: RoleAssignment
    role: Role
    verdict: Verdict
    through_group: bool

    @classmethod
    def of(
        cls, assignment: RoleAssignment, subscription: Subscription, account: Account, roles: Mapping[str, Role]
    ) -> "_Candidate":
        role_id = assignment.role_id
        role = roles.get(role_id) or Role(role_id, role_id, every_read=None, reason="its definition was not read")
        through_group = assignment.principal_id.casefold() != account.object_id.casefold()
        inside = assignment.is_inside(subscription)
        if role.every_read is None and not inside:
            verdict = Verdict.UNKNOWN
        elif not role.every_read:
            verdict = Verdict.OTHER_ROLE
        elif inside or assignment.condition:
            verdict = Verdict.PARTIAL
        else:
            verdict = Verdict.READER if role.is_reader else Verdict.MORE_THAN_READER
        return cls(assignment, role, verdict, through_group)

    @property
    def rank(self) -> tuple[int, bool]:
        return _ORDER.index(self.verdict), self.through_group
