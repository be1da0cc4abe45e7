"""The jobs of pallink for one signed-in account: link, show, update, unlink, verify, check."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace as changed
from types import EllipsisType
from typing import TYPE_CHECKING, Self, TypedDict
from uuid import uuid4

from pallink.account import Account
from pallink.advice import Job, advising, report_error
from pallink.deadline import Deadline
from pallink.errors import NotLinkedError, most_important
from pallink.links.history import History, InterruptedWrite
from pallink.links.model import (
    Action,
    Goal,
    Link,
    LinkGoal,
    Step,
    UnlinkGoal,
    UpdateGoal,
    active,
    not_linked_error,
    parse_partner_id,
    verification_error,
)
from pallink.links.record import UNCHANGED, WriteRecord
from pallink.links.write import OnSend, carry_out, read_link
from pallink.proposal import Confirm, confirmed_link
from pallink.redact.secrets import Secrets, active_secrets
from pallink.result import AccountResult, CheckResult, Result, VerifyResult, WriteResult
from pallink.roles import ReaderReport, RoleCommands, suggest_credit_role
from pallink.roles.check import ProgressCallback, ReaderCheck
from pallink.settings import DEFAULT_CLOUD, RoleCheck, Settings
from pallink.signin.methods import SignIn
from pallink.situation import Situation, allowed_step, read_situation, read_tenant_name
from pallink.tenants import Tenant, kind_in

if TYPE_CHECKING:
    from types import TracebackType

    from pallink.azure.client import AzureClient


OnRead = Callable[[Link | None], None]


class _Found(TypedDict):
    """What every result holds."""

    cloud: str
    identity: Account
    tenant_name: str | None
    link: Link | None
    reader: ReaderReport | None
    warnings: tuple[str, ...]


class Session:
    """One signed-in account. Made by `pallink.connect`.

    Each job (`link`, `show`, ...) has the time of `timeout` for itself, so that a session can be kept for hours; an
    expired token is renewed.

    Attributes:
        written: What is known of the last job's write; after a KeyboardInterrupt, `written.known.change` says whether
            the link was changed.
        progress: Called with how many subscriptions were read, and of how many.
    """

    def __init__(
        self,
        settings: Settings,
        client: "AzureClient",
        *,
        written: WriteRecord | None = None,
        deadline: Deadline | None = None,
        tenant_name: str | None = None,
    ) -> None:
        self.written = written or WriteRecord()
        self.progress: ProgressCallback = lambda _done, _total: None
        self._settings = settings
        self._client = client
        self._deadline = deadline
        self._tenant_name = tenant_name
        self._secrets = active_secrets()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session and its connections. Its tokens lived in memory, but for those of a stored sign-in."""
        self._client.close()
        # The last reference to them, but for those of threads that still run.
        self._secrets = Secrets()

    @property
    def account(self) -> Account:
        """The account that signed in."""
        return self._client.authenticated.account

    @property
    def sign_in(self) -> SignIn:
        """How the account signed in."""
        return self._client.authenticated.sign_in

    def link(
        self,
        partner_id: str,
        *,
        replace: bool = False,
        role_check: RoleCheck = RoleCheck.REQUIRE,
        subscriptions: Sequence[str] = (),
        dry_run: bool = False,
        confirm: Confirm | None = None,
    ) -> WriteResult:
        """Link the account to a partner.

        Args:
            partner_id: 5 to 10 digits.
            replace: Change the link where it is another partner's.
            role_check: What a missing Reader role means.
            subscriptions: IDs or names of those on which Reader has to be held; without any, one of all is enough.
            dry_run: Return what would be done, and write nothing.
            confirm: Called before the write; where it returns False, `CancelledError` is raised.

        Raises:
            LinkedElsewhereError: Linked to a different partner, and `replace` was not asked for.
            ReaderRoleError: The Reader role is missing, and `role_check` requires it.
            PallinkError: See `pallink.errors`.
        """
        goal = LinkGoal(parse_partner_id(partner_id), replace)
        return self.write(goal, role_check=role_check, subscriptions=subscriptions, dry_run=dry_run, confirm=confirm)

    def update(
        self,
        partner_id: str,
        *,
        role_check: RoleCheck = RoleCheck.REQUIRE,
        subscriptions: Sequence[str] = (),
        dry_run: bool = False,
        confirm: Confirm | None = None,
    ) -> WriteResult:
        """Change the existing link to another partner. Arguments and errors as for `link`.

        Raises:
            NotLinkedError: There is no link.
        """
        goal = UpdateGoal(parse_partner_id(partner_id))
        return self.write(goal, role_check=role_check, subscriptions=subscriptions, dry_run=dry_run, confirm=confirm)

    def unlink(
        self, partner_id: str | None = None, *, dry_run: bool = False, confirm: Confirm | None = None
    ) -> WriteResult:
        """Remove the link; with a partner ID only if it is that partner's. No role is needed.

        Raises:
            LinkedElsewhereError: The link is another partner's than `partner_id`.
        """
        goal = UnlinkGoal(None if partner_id is None else parse_partner_id(partner_id))
        return self.write(goal, role_check=RoleCheck.SKIP, dry_run=dry_run, confirm=confirm)

    def write(
        self,
        goal: Goal,
        *,
        role_check: RoleCheck,
        subscriptions: Sequence[str] = (),
        dry_run: bool = False,
        confirm: Confirm | None = None,
        interrupted: InterruptedWrite | None = None,
        on_read: OnRead = lambda _link: None,
        on_send: OnSend = lambda _step, _link: None,
    ) -> WriteResult:
        """Reach a goal, as `link`, `update` and `unlink` do with the partner ID that they parse.

        Args:
            goal: What is wanted of the link.
            role_check: What a missing Reader role means.
            subscriptions: As for `link`.
            dry_run: As for `link`.
            confirm: As for `link`.
            interrupted: The write of an earlier process that ended before it knew what it did.
            on_read: Called with the link that was read, before anything is decided; raises if nothing must be done.
            on_send: Called right before each write is sent.
        """
        self.written.known = UNCHANGED
        command = "unlink" if isinstance(goal, UnlinkGoal) else "link"
        with self._job(command, goal.partner_id, role_check, subscriptions):
            situation = self._look(role_check, subscriptions)
            on_read(situation.current)
            step = self._allowed_step(goal, situation)
            if dry_run:
                return self._dry_run(step, situation)
            current = situation.current
            if confirm is not None:
                current = confirmed_link(goal, situation, self.account, confirm, self._read_link)
            history = History(current) if interrupted is None else interrupted.history(current)
            if isinstance(goal, UnlinkGoal):
                goal = goal.pinned_to(history.before)
            outcome = carry_out(
                goal,
                history,
                self._client.links,
                self.account,
                Deadline.current(),
                record=self.written,
                on_send=on_send,
            )
            return WriteResult(
                **self._found(situation, link=outcome.link, warnings=outcome.warnings),
                action=outcome.action,
                previous=outcome.previous,
            )

    def show(self) -> Result:
        """Return the account's link.

        Raises:
            NotLinkedError: There is none.
        """
        with self._job("show"):
            situation = self._look(RoleCheck.SKIP)
            if active(situation.current) is None:
                raise self._not_linked(situation)
            return Result(**self._found(situation))

    def find_link(self) -> Result:
        """Return the account's link, or a result without one."""
        with self._job("show"):
            return Result(**self._found(self._look(RoleCheck.SKIP)))

    def verify(
        self, partner_id: str, *, role_check: RoleCheck = RoleCheck.WARN, subscriptions: Sequence[str] = ()
    ) -> VerifyResult:
        """Check whether the account is linked to just this partner. Writes nothing. Arguments as for `link`.

        Returns:
            The finding. Where it is not a pass, `error` says why: an exception that is for the caller to raise.
        """
        goal = LinkGoal(parse_partner_id(partner_id))
        return self.compare(goal, role_check=role_check, subscriptions=subscriptions)

    def compare(self, goal: LinkGoal, *, role_check: RoleCheck, subscriptions: Sequence[str] = ()) -> VerifyResult:
        """Compare the link with a goal, as `verify` does with the partner ID that it parses."""
        expected = goal.partner_id
        with self._job("verify", expected, subscriptions=subscriptions) as job:
            situation = self._look(role_check, subscriptions)
            linked = active(situation.current)
            difference = verification_error(linked, expected) if linked else self._not_linked(situation)
            errors = [error for error in (difference, situation.role_error) if error is not None]
            worst = most_important(errors)
            return VerifyResult(
                **self._found(situation),
                expected_partner_id=expected,
                matches=difference is None,
                error=report_error(worst, job) if worst else None,
            )

    def check(self, *, subscriptions: Sequence[str] = ()) -> CheckResult:
        """Check whether the account is ready: who it is, Reader on which subscriptions, the link. Writes nothing.

        Args:
            subscriptions: IDs or names of those to look at, on which Reader has to be held; without any, all that are
                visible are looked at, and one is enough.

        Returns:
            The finding; where Reader is missing, `error` says so, as an exception that is not raised.
        """
        with self._job("check") as job:
            situation = self._look(RoleCheck.REQUIRE, subscriptions, check_all=True)
            return CheckResult(
                **self._found(situation),
                error=report_error(situation.role_error, job) if situation.role_error else None,
                advice=suggest_credit_role(situation.reader, self._role_commands) if situation.reader else None,
            )

    def whoami(self) -> AccountResult:
        """Return who signed in, and how. Asks nothing of the partner API."""
        authenticated = self._client.authenticated
        with self._job("whoami"):
            return AccountResult.of(
                authenticated.account,
                cloud=authenticated.cloud.name,
                auth=authenticated.sign_in.method,
                stored=authenticated.is_stored,
                tenant_name=read_tenant_name(self._client.roles),
                expires_on=authenticated.expires_on,
            )

    def tenants(self) -> tuple[Tenant, ...]:
        """Return the tenants of the account, as Resource Manager lists them. Asks nothing of the partner API."""
        home = (self.account.likely_home_account_id or "").rpartition(".")[2]
        with self._job("tenants"):
            return tuple(
                changed(tenant, account_kind=kind_in(tenant.id, tenant.category, self.account, home or None))
                for tenant in self._client.roles.tenants()
            )

    @contextmanager
    def _job(
        self,
        command: str,
        partner_id: str | None = None,
        role_check: RoleCheck = RoleCheck.REQUIRE,
        subscriptions: Sequence[str] = (),
    ) -> Iterator[Job]:
        """Give one job its deadline, and its errors the command that mends them."""
        deadline = self._deadline or Deadline(self._settings.timeout)
        job = Job(self._settings, command, partner_id, self.sign_in, self.account, role_check, subscriptions)
        with self._secrets.active(), deadline.active(), advising(job):
            yield job

    def _allowed_step(self, goal: Goal, situation: Situation) -> Step:
        """Return what has to be done.

        Raises:
            PallinkError: As `allowed_step`; where there is no link, the error names the account and the tenant.
        """
        try:
            return allowed_step(goal, situation)
        except NotLinkedError as error:
            raise error.replace(message=self._not_linked(situation).message) from error.__cause__

    def _not_linked(self, situation: Situation) -> NotLinkedError:
        return not_linked_error(self.account.name, situation.tenant_name or self.account.tenant_id)

    def _dry_run(self, step: Step, situation: Situation) -> WriteResult:
        """Return what would be done; the link's fields are those that it would have, as far as they are known."""
        is_unchanged = step.action is Action.UNCHANGED
        is_planned = step.action in (Action.CREATED, Action.UPDATED)
        return WriteResult(
            **self._found(situation, link=situation.current if is_unchanged else None),
            action=step.action,
            previous=active(situation.current),
            planned_partner_id=step.partner_id if is_planned else None,
            dry_run=True,
        )

    def _look(self, role_check: RoleCheck, subscriptions: Sequence[str] = (), *, check_all: bool = False) -> Situation:
        """Read what has to be known before anything is decided."""
        return read_situation(
            self._client.links,
            ReaderCheck(self._client.roles, self.account, progress=self.progress),
            role_check,
            self._role_commands,
            subscriptions=subscriptions,
            check_all=check_all,
            tenant_name=self._tenant_name,
        )

    @property
    def _role_commands(self) -> RoleCommands:
        cloud = self._client.authenticated.cloud
        return RoleCommands(
            self.account,
            emulator=cloud.emulator,
            activation_id=str(uuid4()),
            cloud=None if cloud.name == DEFAULT_CLOUD else cloud.name,
        )

    def _read_link(self) -> Link | None:
        return read_link(self._client.links, self.account)

    def _found(
        self, situation: Situation, *, link: Link | EllipsisType | None = ..., warnings: tuple[str, ...] = ()
    ) -> _Found:
        """Return what every result holds; the link is the one that was read, where no other is given."""
        return _Found(
            cloud=self._client.authenticated.cloud.name,
            identity=self.account,
            tenant_name=situation.tenant_name,
            link=situation.current if link is ... else link,
            reader=situation.reader,
            warnings=situation.warnings + warnings,
        )
