"""Looks at what an account holds on its subscriptions, side by side, with as few requests as the question takes.

What the findings amount to is decided in `pallink.roles`; how they are read, in `pallink.azure`.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

from pallink.account import Account
from pallink.concurrency import as_completed
from pallink.errors import AccessDeniedError, PallinkError, ServiceError, SignInError, UnreachableError, UsageError
from pallink.roles import (
    KNOWN_ROLES,
    EligibleRole,
    ReaderReport,
    Remedies,
    Role,
    RoleAssignment,
    Subscription,
    SubscriptionVerdict,
    Verdict,
    judge,
    not_visible,
    reader_error,
    select_subscriptions,
    unreadable,
    with_eligible,
)
from pallink.settings import RoleCheck

log = logging.getLogger("pallink")

# Each subscription has its own bucket of requests in Resource Manager, so that more would do it no harm; but each takes
# a connection, of which the transport keeps 32.
_WORKERS = 30

# At the tenant's level even an account without any role may read the definitions of roles.
_TENANT = ""

Progress = Callable[[int, int], None]
"""Called with how many subscriptions were read, and of how many; both are the same when it is over."""


class Roles(Protocol):
    """What the account sees of its tenant."""

    def subscriptions(self) -> list[Subscription]:
        """Every subscription that it sees."""

    def assignments(self, subscription: Subscription, *, inside: bool = False) -> list[RoleAssignment]:
        """Its role assignments at one of them, inherited ones included; those inside it only where they are asked for.

        Raises:
            AccessDeniedError: the account may not read them.
        """

    def role(self, role_id: str, scope: str) -> Role:
        """The role with this GUID, by its definition as it is known at a scope."""

    def eligible(self) -> list[EligibleRole]:
        """What it could activate in Privileged Identity Management, in the whole tenant."""

    def tenant_name(self) -> str | None:
        """The tenant's name."""


@dataclass
class ReaderCheck:
    """One look at the roles of one account.

    Attributes:
        roles: what is asked.
        account: whose roles they are.
        stop: once set, nothing further is asked.
        progress: told how far it is.
    """

    roles: Roles
    account: Account
    stop: threading.Event = field(default_factory=threading.Event)
    progress: Progress = lambda _done, _total: None
    _definitions: "_Definitions" = field(init=False)

    def __post_init__(self) -> None:
        self._definitions = _Definitions(self.roles)

    def report(self, wanted: Sequence[str] = (), *, every: bool = False) -> ReaderReport:
        """Look at the subscriptions that are wanted, which all have to pass; without any at all that are visible.

        Args:
            wanted: IDs or names of subscriptions.
            every: look at each of them, even where one pass is enough.

        Raises:
            UsageError: what is wanted names no subscription, or several.
            PallinkError: the subscriptions cannot be listed, or the sign-in has ended. What cannot be read of a single
                subscription is a verdict, `unknown`.
        """
        visible = self.roles.subscriptions()
        chosen = select_subscriptions(visible, wanted) if wanted else visible
        enabled = [each for each in chosen if each.enabled]
        report = ReaderReport(
            subscriptions=tuple(self._verdicts(enabled, visible, every=every or bool(wanted))),
            disabled=tuple(each for each in chosen if not each.enabled),
            all_required=bool(wanted),
            visible=tuple(visible),
        )
        return report if report.passes else self._with_eligible(report)

    def _verdicts(
        self, subscriptions: Sequence[Subscription], visible: Sequence[Subscription], *, every: bool
    ) -> list[SubscriptionVerdict]:
        seen = {each.id.casefold() for each in visible}

        def verdict(subscription: Subscription) -> SubscriptionVerdict:
            if subscription.id.casefold() not in seen:
                return not_visible(subscription)
            return self._verdict(subscription)

        found: dict[int, SubscriptionVerdict] = {}
        # Mostly the first one passes: where that is enough, the others are not even asked about.
        first = 0 if every else 1
        for batch in (range(first), range(first, len(subscriptions))):
            here = [subscriptions[index] for index in batch if index < len(subscriptions)]
            with closing(as_completed(verdict, here, workers=_WORKERS, stop=self.stop)) as outcomes:
                for index, outcome in outcomes:
                    if isinstance(outcome, PallinkError):
                        self.progress(len(subscriptions), len(subscriptions))
                        raise outcome
                    found[batch.start + index] = outcome
                    self.progress(len(found), len(subscriptions))
                    if outcome.verdict.passes and not every:
                        self.progress(len(subscriptions), len(subscriptions))
                        return [found[index] for index in sorted(found)]
        return [found[index] for index in sorted(found)]

    def _verdict(self, subscription: Subscription) -> SubscriptionVerdict:
        try:
            found = self._judged(subscription, self.roles.assignments(subscription))
            if found.verdict in (Verdict.OTHER_ROLE, Verdict.NONE):
                # Only now, because who passes may hold thousands of roles on single resources.
                found = self._judged(subscription, self.roles.assignments(subscription, inside=True))
        except (AccessDeniedError, UnreachableError, ServiceError) as error:
            log.info("%s: %s", subscription.name, error)
            return unreadable(subscription, error)
        return found

    def _judged(self, subscription: Subscription, assignments: list[RoleAssignment]) -> SubscriptionVerdict:
        known = judge(subscription, assignments, self.account)
        if known.verdict.passes:
            return known
        roles = self._definitions.of((each.role_id for each in assignments), subscription.scope)
        return judge(subscription, assignments, self.account, roles)

    def _with_eligible(self, report: ReaderReport) -> ReaderReport:
        if self.stop.is_set():
            return report
        try:
            eligible = self.roles.eligible()
            roles: dict[str, Role] = {}
            for each in eligible:
                roles |= self._definitions.of([each.role_id], each.scope)
        except (AccessDeniedError, UnreachableError, ServiceError) as error:
            # What is known stays known; the remedy is only less precise.
            log.info("what the account is eligible for could not be read: %s", error)
            return report
        return with_eligible(report, eligible, self.account, roles)


def reader_outcome(
    outcome: ReaderReport | PallinkError | None, role_check: RoleCheck, remedies: Remedies
) -> tuple[Any, PallinkError | None]:
    """What reading the roles came to: a report (or the error that ends the command), and what is wrong with the roles.

    A refusal (403) is a finding like a missing role, and ranks behind what is wrong with the link. So does any failure
    but a sign-in's where the role is only warned about.
    """
    if not isinstance(outcome, PallinkError):
        return outcome, None if outcome is None else reader_error(outcome, remedies)
    is_finding = isinstance(outcome, AccessDeniedError)
    is_bearable = role_check is RoleCheck.WARN and not isinstance(outcome, SignInError | UsageError)
    if not is_finding and not is_bearable:
        return outcome, None
    return ReaderReport((unreadable(Subscription("", "any subscription"), outcome),)), outcome


class _Definitions:
    """The definitions of roles that are not known by heart, each read once, whoever asks first."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles
        self._lock = threading.Lock()
        self._being_read: dict[str, threading.Lock] = {}
        self._read: dict[str, Role] = {}

    def of(self, role_ids: Iterable[str], scope: str) -> dict[str, Role]:
        """These roles by GUID, and all that are known by heart.

        Raises:
            PallinkError: one got no answer. That it may not be read is part of the role: `every_read` is None.
        """
        return dict(KNOWN_ROLES) | {each: self._one(each, scope) for each in set(role_ids) - set(KNOWN_ROLES)}

    def _one(self, role_id: str, scope: str) -> Role:
        with self._lock:
            being_read = self._being_read.setdefault(role_id, threading.Lock())
        with being_read:
            if role_id not in self._read:
                self._read[role_id] = self._first_readable(role_id, scope, _TENANT)
            return self._read[role_id]

    def _first_readable(self, role_id: str, *scopes: str) -> Role:
        """The role by its definition at the first scope where the account may read it."""
        reason = None
        for scope in scopes:
            try:
                return self._roles.role(role_id, scope)
            except AccessDeniedError as error:
                reason = reason or error.message
        return Role(role_id, role_id, every_read=None, reason=reason)
