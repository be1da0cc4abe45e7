"""What to type when an account does not hold Reader, and which role would earn partner credit. Pure.

In the sandbox the commands are the sandbox's own, with the options of their counterparts.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pallink.account import Account
from pallink.errors import AccessDeniedError, PallinkError, ReaderRoleError, ServiceError, UnreachableError
from pallink.roles.assignments import EligibleRole, Subscription
from pallink.roles.definitions import CREDIT_ROLE, READER
from pallink.roles.subscriptions import names
from pallink.roles.verdicts import ReaderReport, SubscriptionVerdict, Verdict

# More would not help anybody: who has so many gives the role on a management group.
_MAX_COMMANDS = 10

# What the administrator's own Azure CLI is set to: an account that sees no subscription cannot name one. Works in bash
# and PowerShell.
_THEIR_SUBSCRIPTION = "/subscriptions/$(az account show --query id --output tsv)"

_PORTAL = "Access control (IAM), Add role assignment, Reader"
_PORTAL_PIM = "Privileged Identity Management, My roles, Azure resources, Activate"


@dataclass(frozen=True, slots=True)
class Remedies:
    """Writes the commands for one account.

    Attributes:
        account: who lacks the role.
        sandbox: whether this is the sandbox and not Azure.
        activation_id: a new GUID, which names the request that an activation makes.
    """

    account: Account
    sandbox: bool = False
    activation_id: str = "NEW_GUID"

    def assignment(self, scope: str | None, role_name: str = READER.name) -> str:
        """Gives the account a role; without a scope on the subscription that the administrator works with."""
        role = f'"{role_name}"' if " " in role_name else role_name
        words = f"--assignee-object-id {self.account.object_id} --assignee-principal-type"
        words += f" {self.account.kind.principal_type} --role {role}"
        if self.sandbox:
            return f"pallink sandbox assign {words}" + (f" --scope {scope}" if scope else "")
        return f'az role assignment create {words} --scope "{scope or _THEIR_SUBSCRIPTION}"'

    def activation(self, role: EligibleRole) -> str:
        """Activates a role that the account is eligible for, for eight hours; run by the account itself."""
        if self.sandbox:
            return (
                f"pallink sandbox activate --assignee-object-id {self.account.object_id}"
                f" --role {role.role_id} --scope {role.scope}"
            )
        properties = {
            # An activation is for whoever asks, whether eligible by itself or through a group.
            "principalId": self.account.object_id,
            "roleDefinitionId": role.role_definition_id,
            "requestType": "SelfActivate",
            **({"linkedRoleEligibilityScheduleId": role.schedule_id} if role.schedule_id else {}),
            "justification": "Partner Admin Link",
            "scheduleInfo": {"expiration": {"type": "AfterDuration", "duration": "PT8H"}},
        }
        path = f"{role.scope.rstrip('/')}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests"
        body = json.dumps({"properties": properties}, separators=(",", ":"))
        return f"az rest --method PUT --url \"{path}/{self.activation_id}?api-version=2020-10-01\" --body '{body}'"


def reader_error(report: ReaderReport, remedies: Remedies) -> PallinkError | None:
    """What is wrong with the account's roles and how to mend it; None where it holds Reader or more.

    Returns:
        A `ReaderRoleError` (6); an `UnreachableError` (7) or a `ServiceError` (1) where nobody can tell, because what
        had to be read got no answer, or not the one that it should.
    """
    if report.passes:
        return None
    account = remedies.account
    best = report.best
    if best is not None and best.error is not None and not isinstance(best.error, AccessDeniedError):
        return _unanswered(report, best.error, account)
    if report.verdict is Verdict.ELIGIBLE:
        return _not_activated(report, remedies)
    failing = report.failing
    commands = _assignments(report, remedies)
    way = _way(remedies, failing)
    if best is not None and best.verdict is Verdict.UNKNOWN:
        return ReaderRoleError(
            f"whether {account.name} holds the Reader role cannot be read",
            cause=f"{best.subscription.name}: {best.reason}",
            remedy="an account without Reader may not read this, nor may one with a role on a resource group alone;"
            f" an administrator can give it Reader, {way}",
            command=commands,
            trace=best.error.trace if best.error else None,
        )
    on = names([each.subscription for each in failing]) if report.all_required and failing else "any subscription"
    return ReaderRoleError(
        f"the Reader role is missing: {account.name} does not hold it on {on}",
        cause=_cause(report),
        remedy=f"an administrator gives it Reader, {way}{_skip_hint(report)}",
        command=commands or None,
    )


def credit_advice(report: ReaderReport, remedies: Remedies) -> tuple[str, str] | None:
    """Which role would earn partner credit, and the command that gives it.

    Only for an account that is recognised but is known to earn none; otherwise None.
    """
    best = report.best
    if best is None or not report.passes or report.earns_credit is not False:
        return None
    return (
        f"Reader is enough for recognition, but earns no partner earned credit; {CREDIT_ROLE.name} beside it would",
        remedies.assignment(best.subscription.scope, CREDIT_ROLE.name),
    )


def _unanswered(report: ReaderReport, error: PallinkError, account: Account) -> PallinkError:
    unread = [each for each in report.failing if each.error is not None]
    kind = UnreachableError if isinstance(error, UnreachableError) else ServiceError
    return kind(
        f"whether {account.name} holds the Reader role cannot be told",
        cause=f"{names([each.subscription for each in unread], most=3)}: {error.message}",
        remedy=error.remedy,
        trace=error.trace,
    )


def _not_activated(report: ReaderReport, remedies: Remedies) -> PallinkError:
    roles = [each.eligible for each in report.failing if each.eligible is not None] or list(report.eligible)
    shown = roles if report.all_required else roles[:1]
    commands = [remedies.activation(each) for each in shown[:_MAX_COMMANDS]]
    rest = [each for each in report.failing if each.eligible is None] if report.all_required else []
    commands += [remedies.assignment(each.subscription.scope) for each in rest]
    where = names([each.subscription for each in report.failing if each.eligible is not None], most=3)
    if not where:
        where = f"{roles[0].scope_name or roles[0].scope}, and what is below it"
    way = "" if remedies.sandbox else f", or in the portal: {_PORTAL_PIM}"
    return ReaderRoleError(
        f"the Reader role is not active: {remedies.account.name} is only eligible for it, on {where}",
        cause="a role that is eligible in Privileged Identity Management counts only while it is activated",
        remedy=f"sign in as {remedies.account.name} and activate it{way}; or have it assigned permanently",
        command="\n".join(commands),
    )


def _cause(report: ReaderReport) -> str:
    if report.all_required:
        found = [f"{each.subscription.name}: {each}" for each in report.failing]
        found += [f"{each.name}: the subscription is disabled, and does not count" for each in report.disabled]
        text = "; ".join(found[:3]) + (f"; and {len(found) - 3} more" if len(found) > 3 else "")  # noqa: PLR2004
        if any(each.reason for each in report.failing):
            text += f"; it sees {names(report.visible, most=5) or 'no subscription'}"
        return text
    enabled = [each.subscription for each in report.subscriptions]
    if not enabled:
        if report.disabled:
            return f"every subscription that it sees is disabled, and does not count: {names(report.disabled)}"
        return "it sees no subscription in this tenant, so it holds no role there"
    best = report.best
    if best is None or best.verdict is Verdict.NONE:
        return f"it holds no role on {names(enabled, most=3)}"
    return f"on {best.subscription.name} it holds: {best}"


def _assignments(report: ReaderReport, remedies: Remedies) -> str:
    """The commands that give Reader where it is missing, one a line; just one where one pass is enough."""
    subscriptions: Sequence[Subscription] = [each.subscription for each in report.failing]
    if not report.all_required:
        subscriptions = subscriptions[:1]
        if not subscriptions:
            return remedies.assignment(None)
    return "\n".join(remedies.assignment(each.scope) for each in subscriptions[:_MAX_COMMANDS])


def _way(remedies: Remedies, failing: Sequence[SubscriptionVerdict]) -> str:
    if remedies.sandbox:
        in_azure = Remedies(remedies.account).assignment(failing[0].subscription.scope if failing else None)
        return f"here by the command below; in Azure it would be: {in_azure}"
    if not failing:
        return (
            "by this command, for the subscription that their Azure CLI is set to,"
            f" or in the portal: Subscriptions, the subscription, {_PORTAL}"
        )
    return f"by this command, or in the portal: Subscriptions, {failing[0].subscription.name}, {_PORTAL}"


def _skip_hint(report: ReaderReport) -> str:
    if report.subscriptions or report.disabled:
        return "; or go on without it with --role-check skip"
    return "; an account of Power Platform alone needs no Azure role: it may go on with --role-check skip"
