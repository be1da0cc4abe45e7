"""Read what an account holds on its subscriptions, concurrently and with as few requests as possible.

`pallink.roles` decides what the findings amount to, `pallink.azure.roles` sends the requests.
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
    Role,
    RoleAssignment,
    RoleCommands,
    Subscription,
    SubscriptionVerdict,
    Verdict,
    add_eligible_roles,
    diagnose_reader,
    judge,
    judge_delegated,
    judge_invisible,
    judge_unreadable,
    select_subscriptions,
    with_rule,
)
from pallink.settings import RoleCheck

log = logging.getLogger("pallink")

# Resource Manager throttles each subscription on its own, so it could take more; but each worker uses a connection, and
# the transport keeps 32.
_MAX_WORKERS = 30

# Where a subscription refuses the list of role assignments, its resource groups are looked at, within these limits.
_MAX_REFUSED_SUBSCRIPTIONS = 10
_MAX_RESOURCE_GROUPS = 10

# At the tenant's root, even an account without any role may read role definitions.
_TENANT_SCOPE = ""

ProgressCallback = Callable[[int, int], None]
"""Called with the number of subscriptions read so far and with their total; both are equal at the end."""


class Roles(Protocol):
    """What an account sees of its tenant."""

    def subscriptions(self) -> list[Subscription]:
        """Return every subscription that the account sees."""

    def resource_groups(self, subscription: Subscription, *, limit: int) -> list[str]:
        """Return the names of at most `limit` resource groups that the account may read.

        Raises:
            AccessDeniedError: The account may not list them.
        """

    def assignments(
        self, subscription: Subscription, *, inside: bool = False, resource_group: str | None = None
    ) -> list[RoleAssignment]:
        """Return the account's role assignments on a subscription, including inherited ones.

        Args:
            subscription: The subscription.
            inside: Whether to include assignments below the subscription, such as on a resource group.
            resource_group: The resource group whose role assignments are read instead, with inherited ones.

        Raises:
            AccessDeniedError: The account may not read them.
        """

    def role(self, role_id: str, scope: str) -> Role:
        """Return the role with this GUID, from its definition as it is visible at a scope."""

    def eligible(self) -> list[EligibleRole]:
        """Return what the account could activate in Privileged Identity Management, in the whole tenant."""

    def tenant_name(self) -> str | None:
        """Return the tenant's display name."""


@dataclass
class ReaderCheck:
    """One check of the roles of one account.

    Attributes:
        roles: Where the roles are read from.
        account: The account whose roles are checked.
        progress: Called as the check proceeds.
    """

    roles: Roles
    account: Account
    progress: ProgressCallback = lambda _done, _total: None
    _definitions: "_RoleDefinitions" = field(init=False)

    def __post_init__(self) -> None:
        self._definitions = _RoleDefinitions(self.roles)

    def report(self, wanted: Sequence[str] = (), *, check_all: bool = False) -> ReaderReport:
        """Check the wanted subscriptions; without any, all visible ones.

        Every wanted subscription has to pass; without any, one visible subscription is enough. One that passes by a
        role on a resource group alone does not end the search for one that passes as a whole.

        Args:
            wanted: IDs or names of subscriptions.
            check_all: Whether to check every subscription even after one has passed.

        Raises:
            UsageError: A wanted name matches no subscription, or several.
            PallinkError: The subscriptions cannot be listed, or the sign-in has expired. A failure to read a single
                subscription gives the verdict `unknown` instead.
        """
        visible = self.roles.subscriptions()
        selected = select_subscriptions(visible, wanted) if wanted else visible
        enabled = [subscription for subscription in selected if subscription.enabled]
        check_all = check_all or bool(wanted)
        verdicts = self._judge_all(enabled, visible, check_all=check_all)
        if check_all or not any(verdict.verdict.passes for verdict in verdicts):
            verdicts = self._look_into_refused(verdicts)
        report = ReaderReport(
            subscriptions=tuple(verdicts),
            disabled=tuple(subscription for subscription in selected if not subscription.enabled),
            all_required=bool(wanted),
            visible=tuple(visible),
        )
        return report if report.passes else self._add_eligible_roles(report)

    def _judge_all(
        self, subscriptions: Sequence[Subscription], visible: Sequence[Subscription], *, check_all: bool
    ) -> list[SubscriptionVerdict]:
        visible_ids = {subscription.id.casefold() for subscription in visible}

        def judge_one(subscription: Subscription) -> SubscriptionVerdict:
            if subscription.id.casefold() not in visible_ids:
                return judge_invisible(subscription)
            if subscription.is_delegated_to(self.account.tenant_id):
                return judge_delegated(subscription)
            return self._judge(subscription)

        verdicts: dict[int, SubscriptionVerdict] = {}
        # Usually the first one passes: if that is enough, no request is sent for the others.
        first = 0 if check_all else 1
        for batch in (range(first), range(first, len(subscriptions))):
            members = [subscriptions[index] for index in batch if index < len(subscriptions)]
            with closing(as_completed(judge_one, members, workers=_MAX_WORKERS)) as outcomes:
                for index, outcome in outcomes:
                    if isinstance(outcome, PallinkError):
                        self.progress(len(subscriptions), len(subscriptions))
                        raise outcome
                    verdicts[batch.start + index] = outcome
                    self.progress(len(verdicts), len(subscriptions))
                    if outcome.verdict.passes and not check_all:
                        self.progress(len(subscriptions), len(subscriptions))
                        return [verdicts[index] for index in sorted(verdicts)]
        return [verdicts[index] for index in sorted(verdicts)]

    def _judge(self, subscription: Subscription) -> SubscriptionVerdict:
        try:
            verdict = self._judge_assignments(subscription, self.roles.assignments(subscription))
            if verdict.verdict in (Verdict.OTHER_ROLE, Verdict.NONE):
                # Only now, because an account that passes may hold thousands of roles on single resources.
                verdict = self._judge_assignments(subscription, self.roles.assignments(subscription, inside=True))
        except (AccessDeniedError, UnreachableError, ServiceError) as error:
            return _unreadable(subscription, error)
        return verdict

    def _look_into_refused(self, verdicts: list[SubscriptionVerdict]) -> list[SubscriptionVerdict]:
        """Return the verdicts, with what the resource groups of the first refused subscriptions show."""
        refused = [index for index, verdict in enumerate(verdicts) if verdict.is_refused][:_MAX_REFUSED_SUBSCRIPTIONS]
        members = [verdicts[index] for index in refused]
        found = list(verdicts)
        with closing(as_completed(self._judge_resource_groups, members, workers=_MAX_WORKERS)) as outcomes:
            for index, outcome in outcomes:
                if isinstance(outcome, PallinkError):
                    raise outcome
                found[refused[index]] = outcome
        return found

    def _judge_resource_groups(self, refused: SubscriptionVerdict) -> SubscriptionVerdict:
        """Return the verdict by the first resource group where the account has Reader; else the one that was given."""
        subscription = refused.subscription
        try:
            names = self.roles.resource_groups(subscription, limit=_MAX_RESOURCE_GROUPS)
        except AccessDeniedError:
            return refused
        except (UnreachableError, ServiceError) as error:
            return _unreadable(subscription, error)
        verdict = refused
        for name in names:
            try:
                found = self._judge_assignments(subscription, self.roles.assignments(subscription, resource_group=name))
            except AccessDeniedError:
                continue
            except (UnreachableError, ServiceError) as error:
                verdict = _unreadable(subscription, error)
                continue
            if found.verdict.passes or found.verdict is Verdict.PARTIAL:
                return found
        return verdict

    def _judge_assignments(self, subscription: Subscription, assignments: list[RoleAssignment]) -> SubscriptionVerdict:
        verdict = judge(subscription, assignments, self.account)
        if verdict.verdict.passes:
            return verdict
        roles = self._definitions.get((assignment.role_id for assignment in assignments), subscription.scope)
        return judge(subscription, assignments, self.account, roles)

    def _add_eligible_roles(self, report: ReaderReport) -> ReaderReport:
        try:
            eligible = self.roles.eligible()
            roles: dict[str, Role] = {}
            for role in eligible:
                roles |= self._definitions.get([role.role_id], role.scope)
        except (AccessDeniedError, UnreachableError, ServiceError) as error:
            # The verdict stands; only the remedy is less precise.
            log.info("could not read the eligible roles: %s", error)
            return report
        return add_eligible_roles(report, eligible, self.account, roles)


def _unreadable(subscription: Subscription, error: PallinkError) -> SubscriptionVerdict:
    log.info("%s: %s", subscription.name, error)
    return judge_unreadable(subscription, error)


def split_outcome(
    outcome: ReaderReport | PallinkError | None, role_check: RoleCheck, commands: RoleCommands
) -> tuple[Any, PallinkError | None]:
    """Return the report (or the error that ends the command), and the error for the account's roles.

    A refusal (403) counts as a missing role: it ranks behind what is wrong with the link. With `RoleCheck.WARN`, so
    does any failure except that of the sign-in.
    """
    if not isinstance(outcome, PallinkError):
        return outcome, None if outcome is None else diagnose_reader(outcome, commands)
    is_refusal = isinstance(outcome, AccessDeniedError)
    is_tolerated = role_check is RoleCheck.WARN and not isinstance(outcome, SignInError | UsageError)
    if not is_refusal and not is_tolerated:
        return (outcome if isinstance(outcome, SignInError | UsageError) else with_rule(outcome)), None
    return ReaderReport((judge_unreadable(Subscription("", "any subscription"), outcome),)), with_rule(outcome)


class _RoleDefinitions:
    """The definitions of roles that are not built in. Each is read once, even by concurrent callers."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles
        self._lock = threading.Lock()
        self._role_locks: dict[str, threading.Lock] = {}
        self._read: dict[str, Role] = {}

    def get(self, role_ids: Iterable[str], scope: str) -> dict[str, Role]:
        """Return these roles by GUID, together with all known ones.

        Raises:
            PallinkError: A definition could not be read. If the account may not read it, the role is returned with
                `allows_read_all` None instead.
        """
        return dict(KNOWN_ROLES) | {
            role_id: self._get_role(role_id, scope) for role_id in set(role_ids) - set(KNOWN_ROLES)
        }

    def _get_role(self, role_id: str, scope: str) -> Role:
        with self._lock:
            role_lock = self._role_locks.setdefault(role_id, threading.Lock())
        with role_lock:
            if role_id not in self._read:
                self._read[role_id] = self._read_role(role_id, scope, _TENANT_SCOPE)
            return self._read[role_id]

    def _read_role(self, role_id: str, *scopes: str) -> Role:
        """Return the role from its definition at the first scope where the account may read it."""
        reason = None
        for scope in scopes:
            try:
                return self._roles.role(role_id, scope)
            except AccessDeniedError as error:
                reason = reason or error.message
        return Role(role_id, role_id, allows_read_all=None, reason=reason)
