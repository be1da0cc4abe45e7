"""The job for one entry: sign in, then plan, apply or verify, as the single commands do."""

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pallink.account import Account
from pallink.api import open_session
from pallink.concurrency import OperationCancelledError
from pallink.errors import (
    LinkedElsewhereError,
    NotLinkedError,
    PallinkError,
    ReaderRoleError,
    SignInError,
    StalePlanError,
    SubscriptionNotFoundError,
    UsageError,
)
from pallink.fleet.advice import explain_for_entry
from pallink.fleet.entry import Entry, LinkState
from pallink.fleet.plan_file import Seen, describe_change, plan_command
from pallink.fleet.result import EntryResult, Outcome, outcome_of_error, stated_fields
from pallink.fleet.task import Task
from pallink.links.history import InterruptedWrite
from pallink.links.model import Action, Goal, Link, LinkGoal, Step, UnlinkGoal, active
from pallink.links.record import LinkChange
from pallink.redact.environment import environment_secrets
from pallink.redact.secrets import Secrets, redact_all
from pallink.result import Json, Result
from pallink.roles import RoleCommands, Verdict
from pallink.roles.remedies import scopes_to_assign
from pallink.session import Session
from pallink.settings import DEFAULT_CLOUD, RoleCheck, Settings
from pallink.signin.again import with_tenants_command
from pallink.signin.methods import SignIn, SignInMethod
from pallink.signin.prompter import NonInteractive, Prompter
from pallink.unexpected import as_pallink_error

if TYPE_CHECKING:
    from pallink.azure.connection import CloudConnection

Key = tuple[str, str]
"""`Entry.key`."""


class Mode(StrEnum):
    """What is done for each entry."""

    PLAN = "plan"
    APPLY = "apply"
    VERIFY = "verify"
    SHOW = "show"
    CHECK = "check"


class NoPrompts(NonInteractive):
    """Prompt for nothing, and let no sign-in method do so: entries that need a person come last, one at a time."""

    no_input = True


def goal_of(entry: Entry, *, replace: bool) -> Goal:
    """Return what an entry wants of its account's link. Pure.

    Args:
        entry: The entry.
        replace: Whether another partner's link is changed.
    """
    if entry.state is LinkState.UNLINKED:
        return UnlinkGoal(entry.partner_id)
    if entry.partner_id is None:
        raise AssertionError("a linked entry has a partner")
    return LinkGoal(entry.partner_id, replace)


def _is_reached(goal: Goal, link: Link | None) -> bool:
    """Return whether a link is as an entry wants it. Pure."""
    try:
        return goal.next_step(link).action is Action.UNCHANGED
    except LinkedElsewhereError:
        # An entry that removes one partner's link leaves another partner's alone.
        return isinstance(goal, UnlinkGoal)


@dataclass
class KnownAccounts:
    """The accounts that signed in during a run: two entries may turn out to be one account. Thread-safe."""

    _entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, entry: Entry, tenant_id: str, object_id: str) -> None:
        """Take note of the account that an entry turned out to be.

        Raises:
            UsageError: Another entry has the same account, and wants another link.
        """
        with self._lock:
            other = self._entries.setdefault((tenant_id, object_id), entry)
        if (other.partner_id, other.state) != (entry.partner_id, entry.state):
            first, second = sorted((other, entry), key=lambda entry: entry.line)
            raise UsageError(
                f"the entries in lines {first.line} and {second.line} are one account: object ID {object_id}",
                cause=f"they want different links in tenant {tenant_id}, where an account has one",
                remedy="remove one of them from the fleet file",
            )


@dataclass
class Work:
    """Does the job for the entries of one run. Thread-safe.

    Attributes:
        mode: What is done.
        connection: The cloud, and the connections that all sessions share.
        cloud: The cloud's name or URL.
        timeout: Seconds for each entry.
        replace: Whether another partner's link is changed.
        sign_in: Returns how an entry signs in that states it in the file; None: by a stored sign-in, or its method.
        prompter: Who is asked where that is needed.
        seen: What a plan saw of each entry.
        interrupted: The writes of an earlier process that ended before it knew what they did.
        on_intent: Called before each write is sent.
        links: The links that a plan reads.
        accounts: The accounts that signed in.
    """

    mode: Mode
    connection: "CloudConnection"
    cloud: str
    timeout: float
    replace: bool = False
    sign_in: Callable[[Entry], SignIn | None] = lambda _entry: None
    prompter: Prompter = field(default_factory=NoPrompts)
    seen: Mapping[Key, Seen] = field(default_factory=dict)
    interrupted: Mapping[Key, InterruptedWrite] = field(default_factory=dict)
    on_intent: Callable[[Entry, Step, Link | None], None] = lambda _entry, _step, _before: None
    links: dict[Key, Link | None] = field(default_factory=dict)
    accounts: KnownAccounts = field(default_factory=KnownAccounts)
    _token_locks: dict[Key, threading.Lock] = field(default_factory=dict)
    _environment_secrets: tuple[str, ...] = field(
        default_factory=lambda: tuple(environment_secrets(os.environ)), repr=False
    )

    def __call__(self, task: Task) -> EntryResult:
        """Do the job for one entry.

        Raises:
            OperationCancelledError: The task was cancelled before it began to write.
        """
        # Its own: no entry's secrets are known to another one.
        with Secrets(*self._environment_secrets).active():
            fields = stated_fields(task.entry, self.cloud)
            try:
                with self._open(task) as session:
                    fields |= _account_fields(session.account)
                    self.accounts.add(task.entry, session.account.tenant_id, session.account.object_id)
                    if self.mode is Mode.VERIFY:
                        return self._verify(task.entry, session)
                    if self.mode is Mode.SHOW:
                        return _show(task.entry, session)
                    if self.mode is Mode.CHECK:
                        return self._check(task.entry, session)
                    return self._write(task, session)
            except OperationCancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - its text is redacted while the secrets are known
                return self._failed(task, as_pallink_error(error), fields)

    def _open(self, task: Task) -> Session:
        """Sign in. One application requests one token at a time in a tenant: Entra ID throttles what is concurrent."""
        entry, settings = task.entry, self._settings(task.entry)
        with task.deadline.active():
            sign_in = self.sign_in(entry)
            tenant_id = self.connection.tenant_id(entry.tenant) or entry.tenant
        application = (sign_in.client_id if sign_in is not None else entry.client_id) or ""
        lock = self._token_locks.setdefault((application.casefold(), tenant_id.casefold()), threading.Lock())
        if not lock.acquire(timeout=max(task.deadline.left, 0)):
            raise task.deadline.exceeded("other sign-ins of the same application in this tenant took all of it")
        try:
            return open_session(
                settings,
                writable=self.mode is Mode.APPLY,
                command=self._command(entry),
                prompter=self.prompter,
                written=task.written,
                deadline=task.deadline,
                shared=self.connection,
                sign_in=sign_in,
                tenant_name=entry.tenant_name,
                # What states a sign-in in the runner's environment is the runner's, unless the entry names the method.
                environ=os.environ if entry.auth in _AMBIENT_METHODS else {},
            )
        finally:
            lock.release()

    def _settings(self, entry: Entry) -> Settings:
        auth = entry.auth.value if entry.auth is not None else None
        return Settings(
            self.cloud, entry.account, entry.tenant, entry.client_id, auth, self.timeout, entry.home_account_id
        )

    def _command(self, entry: Entry) -> str:
        if self.mode in (Mode.VERIFY, Mode.SHOW, Mode.CHECK):
            return self.mode.value
        return "link" if entry.state is LinkState.LINKED else "unlink"

    def _write(self, task: Task, session: Session) -> EntryResult:
        """Reach the entry's goal; for a plan, find out what would be done."""
        entry = task.entry
        goal = goal_of(entry, replace=self.replace)

        def on_read(link: Link | None) -> None:
            if self.mode is Mode.PLAN:
                self.links[entry.key] = link
            self._check_not_stale(entry, goal, link)

        def on_send(step: Step, before: Link | None) -> None:
            task.begin_write()
            self.on_intent(entry, step, before)

        result = session.write(
            goal,
            role_check=RoleCheck.SKIP if entry.state is LinkState.UNLINKED else entry.role_check,
            subscriptions=() if entry.state is LinkState.UNLINKED else entry.subscriptions,
            dry_run=self.mode is Mode.PLAN,
            interrupted=self.interrupted.get(entry.key),
            on_read=on_read,
            on_send=on_send,
        )
        change = None if self.mode is Mode.PLAN else session.written.known.change
        return _result(entry, Outcome(result.action.value), result, link=change)

    def _check_not_stale(self, entry: Entry, goal: Goal, link: Link | None) -> None:
        """Refuse to change a link that is no longer what the plan saw; one that is as wanted by now needs no change.

        Raises:
            StalePlanError: The link has changed.
        """
        seen = self.seen.get(entry.key)
        if seen is None or entry.key in self.interrupted:
            return
        difference = describe_change(seen, link)
        if difference is not None and not _is_reached(goal, link):
            now = active(link)
            raise StalePlanError(
                f"the link of {entry.name} has changed since the plan was made; nothing was changed",
                linked_partner_id=now.partner_id if now else None,
                cause=difference,
                remedy="make the plan again",
                command=plan_command(self.cloud) if entry.line else None,
            )

    def _verify(self, entry: Entry, session: Session) -> EntryResult:
        """Compare the link with what the entry wants."""
        if entry.state is LinkState.UNLINKED:
            return _compare_unlinked(entry, session)
        result = session.compare(
            LinkGoal(entry.partner_id or ""), role_check=entry.role_check, subscriptions=entry.subscriptions
        )
        outcome = _outcome_of_comparison(result)
        if result.error is not None:
            result = replace(result, error=explain_for_entry(result.error, entry))
        return _result(entry, outcome, result)

    def _check(self, entry: Entry, session: Session) -> EntryResult:
        """Check the Reader role, and read the link. A missing link is not an error, nor a role that only warns."""
        # Each command is one line that an administrator can paste who has nothing but it.
        commands = RoleCommands(session.account, cloud=None if self.cloud == DEFAULT_CLOUD else self.cloud)
        try:
            result = session.check(subscriptions=entry.subscriptions)
        except SubscriptionNotFoundError as failure:
            # Where it has no role, the account sees no subscription; an administrator does.
            remedy = "correct the entry's subscription, or have an administrator assign Reader there"
            raise failure.replace(remedy=remedy, command=commands.role_assign(entry.subscriptions)) from None
        error, reader = result.error, result.reader
        if isinstance(error, ReaderRoleError) and entry.role_check is RoleCheck.WARN:
            result = replace(result, error=None, warnings=(*result.warnings, error.message))
        elif error is not None:
            error = explain_for_entry(error, entry)
            if isinstance(error, ReaderRoleError) and reader is not None and result.role is not Verdict.ELIGIBLE:
                command = commands.role_assign(scopes_to_assign(reader))
                error = error.replace(remedy="have an administrator assign Reader", command=command)
            result = replace(result, error=error)
        checked = _result(entry, _outcome_of_comparison(result), result)
        # One row a tenant has no room for the subscriptions.
        fields = {name: value for name, value in checked.fields.items() if name != "subscriptions"}
        return replace(checked, fields=fields)

    def _failed(self, task: Task, error: PallinkError, fields: Json) -> EntryResult:
        entry, change = task.entry, task.written.known.change
        if isinstance(error, SignInError):
            error = with_tenants_command(error, self._settings(entry))
        outcome = outcome_of_error(error, entry, change)
        error = explain_for_entry(error, entry, prompts=not self.prompter.no_input)
        fields = redact_all(fields)
        if outcome is Outcome.NEEDS_SIGN_IN and error.command is None:
            error = error.replace(command=self._settings(entry).command("login"))
        if isinstance(error, StalePlanError | LinkedElsewhereError):
            fields["partnerId"] = error.linked_partner_id
        is_elsewhere = isinstance(error, LinkedElsewhereError) and outcome is not Outcome.UNKNOWN
        if is_elsewhere and entry.state is LinkState.UNLINKED:
            # The entry is about one partner's link, and that is gone.
            warning = f"linked to {fields['partnerId']}; that link was not changed"
            return EntryResult(entry=entry, outcome=Outcome.UNCHANGED, fields=fields, warnings=(warning,))
        return EntryResult(
            entry=entry,
            outcome=outcome,
            fields=fields,
            error=error,
            link=change if self.mode is Mode.APPLY else None,
            warnings=tuple(redact_all(list(error.warnings))),
        )


_AMBIENT_METHODS = frozenset(
    {
        SignInMethod.WORKLOAD_IDENTITY,
        SignInMethod.GITHUB,
        SignInMethod.AZURE_PIPELINES,
        SignInMethod.MANAGED_IDENTITY,
        SignInMethod.AZURE_CLI,
    }
)


def _outcome_of_comparison(result: Result) -> Outcome:
    """Return whether the account is as wanted, or is known to differ."""
    is_role_known = isinstance(result.error, ReaderRoleError) and result.role is not Verdict.UNKNOWN
    if result.error is None:
        return Outcome.UNCHANGED
    is_known = is_role_known or isinstance(result.error, NotLinkedError | LinkedElsewhereError)
    return Outcome.DIFFERS if is_known else Outcome.FAILED


def _show(entry: Entry, session: Session) -> EntryResult:
    """Read the link. A missing link is not an error: the entry does not ask for one."""
    return _result(entry, Outcome.UNCHANGED, session.find_link())


def _compare_unlinked(entry: Entry, session: Session) -> EntryResult:
    """Compare the link with an entry that wants none, or none of one partner."""
    shown = _show(entry, session)
    linked = shown.fields.get("partnerId")
    if linked is None or entry.partner_id not in (None, linked):
        return shown
    error = LinkedElsewhereError(
        f"linked to {linked}, and the fleet file says unlinked",
        linked_partner_id=str(linked),
        wanted_partner_id=str(linked),
        remedy="remove the link with pallink fleet apply, or change the entry's state",
    )
    return replace(shown, outcome=Outcome.DIFFERS, error=error)


def _result(entry: Entry, outcome: Outcome, result: Result, *, link: LinkChange | None = None) -> EntryResult:
    return EntryResult(
        entry=entry,
        outcome=outcome,
        fields=redact_all(result.as_dict()),
        error=result.error,
        link=link,
        warnings=tuple(redact_all(list(result.warnings))),
    )


def _account_fields(account: Account) -> Json:
    return {
        "account": account.name,
        "accountKind": account.kind.value,
        "objectId": account.object_id,
        "tenantId": account.tenant_id,
    }
