"""The error or warning for a missing Reader role, with commands that fix it, and the role that earns credit. Pure.

In the sandbox the commands are the sandbox's own, with the options of their Azure counterparts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pallink.account import Account
from pallink.emulator import Emulator
from pallink.errors import AccessDeniedError, PallinkError, ReaderRoleError, ServiceError, UnreachableError
from pallink.roles.assignments import EligibleRole, Subscription, describe_part, last_segment
from pallink.roles.definitions import CREDIT_ROLE, READER
from pallink.roles.subscriptions import join_names
from pallink.roles.verdicts import ReaderReport, SubscriptionVerdict, Verdict

# With more subscriptions than this, the role belongs on a management group.
_MAX_COMMANDS = 10

# The subscription that the administrator's Azure CLI is set to, because an account that sees no subscription cannot
# name one. Works in bash and PowerShell.
_CURRENT_SUBSCRIPTION = "/subscriptions/$(az account show --query id --output tsv)"

ROLE_CHECK_OPTION = "--role-check is warn or skip"
_RULE = f"pallink, not Azure, requires Reader to link, unless {ROLE_CHECK_OPTION}"
_MAX_SHOWN = 3


@dataclass(frozen=True, slots=True)
class RoleCommands:
    """The commands that give a role to one account.

    Attributes:
        account: The account that lacks the role.
        emulator: What stands in for Azure; None for a real cloud.
        activation_id: A new GUID, the name of the activation request.
        cloud: The cloud, as `--cloud` names it; None for pallink's default.
    """

    account: Account
    emulator: Emulator | None = None
    activation_id: str = "NEW_GUID"
    cloud: str | None = None

    def assign_on(self, scopes: Sequence[str | None], role_name: str = READER.name) -> str:
        """Return the commands with which an administrator assigns a role to the account: pallink's, then those of `az`.

        Args:
            scopes: The subscriptions' scopes; None for one that the account cannot name.
            role_name: The role.
        """
        others = [self.assign(scope, role_name) for scope in scopes[:_MAX_COMMANDS]]
        if self.emulator is not None:
            return "\n".join(others)
        return "\n".join([self.role_assign(scopes, role_name), *others])

    def role_assign(self, scopes: Sequence[str | None], role_name: str = READER.name) -> str:
        """Return the command of pallink with which an administrator assigns a role to the account.

        Args:
            scopes: The subscriptions' scopes, or names; None for one that the account cannot name.
            role_name: The role.
        """
        words = ["pallink role assign", f"--to {self.account.object_id}"]
        words += [f"--role {_quoted(role_name)}"] if role_name != READER.name else []
        words += [f"--subscription {_subscription(scope)}" for scope in scopes]
        words += [f"--tenant {self.account.tenant_id}", *([f"--cloud {self.cloud}"] if self.cloud else [])]
        return " ".join(words)

    def assign(self, scope: str | None, role_name: str = READER.name) -> str:
        """Return the command of `az`, or of the emulator, with which a role is assigned to the account.

        Args:
            scope: Where to assign it; None for the subscription that the administrator's Azure CLI is set to.
            role_name: The role.
        """
        role = _quoted(role_name)
        arguments = f"--assignee-object-id {self.account.object_id} --assignee-principal-type"
        arguments += f" {self.account.kind.principal_type} --role {role}"
        if self.emulator is not None:
            return f"{self.emulator.command} assign {arguments}" + (f" --scope {scope}" if scope else "")
        return f'az role assignment create {arguments} --scope "{scope or _CURRENT_SUBSCRIPTION}"'

    def activate(self, role: EligibleRole) -> str:
        """Return the command with which the account itself activates an eligible role, for eight hours."""
        if self.emulator is not None:
            return (
                f"{self.emulator.command} activate --assignee-object-id {self.account.object_id}"
                f" --role {role.role_id} --scope {role.scope}"
            )
        properties = {
            # The account, even if it is eligible through a group.
            "principalId": self.account.object_id,
            "roleDefinitionId": role.role_definition_id,
            "requestType": "SelfActivate",
            **({"linkedRoleEligibilityScheduleId": role.schedule_id} if role.schedule_id else {}),
            "justification": "Partner Admin Link",
            "scheduleInfo": {"expiration": {"type": "AfterDuration", "duration": "PT8H"}},
        }
        path = f"{role.scope.rstrip('/')}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests"
        # `az rest` takes a Python literal for JSON; its single quotes need no escape in sh, PowerShell and cmd.
        body = str({"properties": properties})
        return f'az rest --method PUT --url "{path}/{self.activation_id}?api-version=2020-10-01" --body "{body}"'


def _subscription(scope: str | None) -> str:
    """Return what `--subscription` takes for a scope or a name."""
    if scope is None:
        return "SUBSCRIPTION"
    return last_segment(scope) if "/" in scope else _quoted(scope)


def _quoted(name: str) -> str:
    """Return a name as a word for bash and PowerShell."""
    return f'"{name}"' if " " in name else name


def diagnose_reader(report: ReaderReport, commands: RoleCommands) -> PallinkError | None:
    """Return the error for an account without Reader, with how to fix it; None if it has Reader or more.

    Returns:
        A `ReaderRoleError` (6); or, if the roles could not be read for another reason than a refusal, an
        `UnreachableError` (7) or a `ServiceError` (1).
    """
    return None if report.passes else with_rule(_diagnose(report, commands))


def with_rule(error: PallinkError) -> PallinkError:
    """Return an error of the Reader check that says whose rule it is, and which option changes it."""
    return error.with_cause(_RULE)


def reader_warnings(report: ReaderReport) -> tuple[str, ...]:
    """Return what to know of an account that passes, but not by Reader on a whole subscription."""
    best = report.best
    if best is None or not report.passes:
        return ()
    like_best = [verdict for verdict in report.subscriptions if verdict.verdict is best.verdict]
    match best.verdict:
        case Verdict.PARTIAL:
            return (_warn_of_parts(like_best),)
        case Verdict.DELEGATED:
            return (_warn_of_delegation([verdict.subscription for verdict in like_best]),)
    return ()


def _warn_of_parts(partial: Sequence[SubscriptionVerdict]) -> str:
    parts = [f"{describe_part(verdict.scope or '')} in {verdict.subscription.name}" for verdict in partial[:_MAX_SHOWN]]
    more = f" and {len(partial) - len(parts)} more" if len(partial) > len(parts) else ""
    return f"recognition covers only {', '.join(parts)}{more}: no Reader was found on a whole subscription"


def _warn_of_delegation(delegated: Sequence[Subscription]) -> str:
    names = join_names(delegated, limit=_MAX_SHOWN)
    return f"Reader on {names} could not be checked: delegated through Azure Lighthouse, where roles are not listed"


def _diagnose(report: ReaderReport, commands: RoleCommands) -> PallinkError:
    account = commands.account
    best = report.best
    if best is not None and best.error is not None and not isinstance(best.error, AccessDeniedError):
        return _undetermined_error(report, best.error, account)
    if report.verdict is Verdict.ELIGIBLE:
        return _inactive_error(report, commands)
    failing = report.failing
    command, remedy = _assign_commands(report, commands), _how_to_assign(commands)
    if best is not None and best.verdict is Verdict.UNKNOWN:
        return ReaderRoleError(
            f"could not read whether {account.name} has Reader",
            cause=f"{best.subscription.name}: {best.reason}",
            remedy=remedy,
            command=command,
            trace=best.error.trace if best.error else None,
        )
    subscriptions = [verdict.subscription for verdict in failing]
    where = join_names(subscriptions) if report.all_required and subscriptions else "any subscription"
    return ReaderRoleError(
        f"the Reader role is missing: {account.name} does not have it on {where}",
        cause=_describe_cause(report),
        remedy=remedy,
        command=command,
    )


def suggest_credit_role(report: ReaderReport, commands: RoleCommands) -> tuple[str, str] | None:
    """Return a note on the role that would earn partner earned credit, and the command that assigns it.

    None unless the account passes and is known to earn no credit.
    """
    best = report.best
    if best is None or not report.passes or report.earns_credit is not False:
        return None
    return (
        f"Reader is enough for recognition; partner earned credit also needs {CREDIT_ROLE.name}",
        commands.assign_on([best.subscription.scope], CREDIT_ROLE.name),
    )


def _undetermined_error(report: ReaderReport, error: PallinkError, account: Account) -> PallinkError:
    unread = [verdict.subscription for verdict in report.failing if verdict.error is not None]
    error_class = UnreachableError if isinstance(error, UnreachableError) else ServiceError
    return error_class(
        f"could not determine whether {account.name} has Reader",
        cause=f"{join_names(unread, limit=3)}: {error.message}",
        remedy=error.remedy,
        trace=error.trace,
    )


def _inactive_error(report: ReaderReport, commands: RoleCommands) -> PallinkError:
    account = commands.account
    roles = [verdict.eligible for verdict in report.failing if verdict.eligible is not None] or list(report.eligible)
    shown = roles if report.all_required else roles[:1]
    lines = [commands.activate(role) for role in shown[:_MAX_COMMANDS]]
    if report.all_required:
        missing = [verdict.subscription.scope for verdict in report.failing if verdict.eligible is None]
        lines += [commands.assign_on(missing)] if missing else []
    where = join_names([verdict.subscription for verdict in report.failing if verdict.eligible is not None], limit=3)
    if not where:
        where = f"{roles[0].scope_name or roles[0].scope} and what is below it"
    return ReaderRoleError(
        f"the Reader role is not active: {account.name} is eligible for it on {where}, but has not activated it",
        cause="a role that is eligible in Privileged Identity Management counts only while it is activated",
        remedy=f"activate Reader as {account.name}, {_how_to_activate(commands)}",
        command="\n".join(lines),
    )


def _describe_cause(report: ReaderReport) -> str:
    if report.all_required:
        return _describe_required(report)
    enabled = [verdict.subscription for verdict in report.subscriptions]
    if not enabled and report.disabled:
        return f"all subscriptions that it sees are disabled: {join_names(report.disabled)}"
    if not enabled:
        return "it sees no subscription in this tenant, and needs none for Power Platform alone"
    best = report.best
    if best is None or best.verdict is Verdict.NONE:
        return f"it has no role on {join_names(enabled, limit=_MAX_SHOWN)}"
    return _describe_verdict(best)


def _describe_required(report: ReaderReport) -> str:
    """Return why subscriptions do not pass that were named; what the account does not see is one reason."""
    visible = {subscription.id.casefold() for subscription in report.visible}
    failing = report.failing
    unseen = [verdict.subscription for verdict in failing if verdict.subscription.id.casefold() not in visible]
    causes = [_describe_verdict(verdict) for verdict in failing if verdict.subscription not in unseen]
    causes += [f"{subscription.name} is disabled" for subscription in report.disabled]
    if unseen:
        others = f"only {join_names(report.visible, limit=5)}" if report.visible else "nor any other subscription"
        causes.insert(0, f"it does not see {join_names(unseen, limit=_MAX_SHOWN)}, {others}")
    more = len(causes) - _MAX_SHOWN
    return "; ".join(causes[:_MAX_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _describe_verdict(verdict: SubscriptionVerdict) -> str:
    """Return what the account has on a subscription."""
    name = verdict.subscription.name
    if verdict.role_name is not None:
        return f"on {name} it has {verdict}"
    return f"{name}: {verdict.reason}" if verdict.reason else f"it has no role on {name}"


def _assign_commands(report: ReaderReport, commands: RoleCommands) -> str:
    """Return the commands that assign Reader where it is missing, one a line."""
    return commands.assign_on(scopes_to_assign(report))


def scopes_to_assign(report: ReaderReport) -> list[str | None]:
    """Return the scopes where Reader is missing, one if one is enough; None for one that the account cannot name."""
    scopes: list[str | None] = [verdict.subscription.scope for verdict in report.failing]
    return (scopes if report.all_required else scopes[:1]) or [None]


def _how_to_assign(commands: RoleCommands) -> str:
    if commands.emulator is not None:
        how = f"in the {commands.emulator.name} with {commands.emulator.command} assign"
        return f"have an administrator assign Reader, {how}"
    return "have an administrator assign Reader with pallink or az, or in the portal under Access control (IAM)"


def _how_to_activate(commands: RoleCommands) -> str:
    if commands.emulator is not None:
        return f"in the {commands.emulator.name} with {commands.emulator.command} activate"
    return "with az, or in the portal under My roles"
