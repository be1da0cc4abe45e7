"""The jobs of pallink for one signed-in account: link, show, update, unlink, verify, check.

This is the Python API; the command line is one caller of it::

    import pallink

    with pallink.connect(cloud="sandbox", account="invoices@contoso.com") as session:
        result = session.link("719878")
        print(result.action, result.partner_name)
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from pallink.account import Account
from pallink.client import Connection, DetachedLinks
from pallink.clouds import SANDBOX
from pallink.concurrency import errors_in, gather, run_detached
from pallink.deadline import Deadline
from pallink.errors import (
    CancelledError,
    LinkedElsewhereError,
    NotLinkedError,
    PallinkError,
    UnsettledWriteError,
    UsageError,
    most_important,
)
from pallink.links.model import (
    Action,
    Goal,
    Link,
    LinkGoal,
    Step,
    UnlinkGoal,
    UpdateGoal,
    active,
    check_owner,
    parse_partner_id,
    verification_error,
)
from pallink.links.record import WriteRecord
from pallink.links.write import carry_out
from pallink.result import AccountResult, CheckResult, Result, VerifyResult, WriteResult, link_fields
from pallink.roles import ReaderReport, RoleCommands, suggest_credit_role
from pallink.roles.check import ProgressCallback, ReaderCheck, split_outcome
from pallink.settings import RoleCheck, Settings
from pallink.signin.prompter import NonInteractive, Prompter

if TYPE_CHECKING:
    from types import TracebackType

log = logging.getLogger("pallink")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A write that is about to be sent, for a person to say yes or no to.

    Attributes:
        account: who would be linked or unlinked.
        tenant_name: where, in words.
        current: the link that there is.
        step: what would be done.
        role: the Reader verdict, where it was asked.
    """

    account: Account
    tenant_name: str | None
    current: Link | None
    step: Step
    role: ReaderReport | None


Confirm = Callable[[Proposal], bool]


@dataclass(frozen=True, slots=True)
class _Situation:
    """What was read before anything is decided."""

    current: Link | None
    reader: ReaderReport | None
    tenant_name: str | None
    role_error: PallinkError | None
    warnings: tuple[str, ...]


class Session:
    """One signed-in account. Made by `connect`.

    Attributes:
        written: what is known of the last job's write; after a KeyboardInterrupt, `written.known.change` says whether
            the link was changed.
    """

    def __init__(
        self, connection: Connection, settings: Settings, deadline: Deadline, written: WriteRecord | None = None
    ) -> None:
        self.written = written or WriteRecord()
        self._connection = connection
        self._settings = settings
        self._deadline = deadline
        # Told how many subscriptions were read, where they are many; replaced by whoever shows it.
        self.progress: ProgressCallback = lambda _done, _total: None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session and its connections. Its tokens lived in memory, but for those of a stored sign-in."""
        self._connection.close()

    @property
    def account(self) -> Account:
        """Who signed in."""
        return self._connection.account

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
            replace: change the link where it is another partner's.
            role_check: what a missing Reader role means.
            subscriptions: IDs or names of those on which Reader has to be held; without any, one of all is enough.
            dry_run: find out what would be done, and write nothing.
            confirm: asked before the write; a no raises `CancelledError`.

        Raises:
            LinkedElsewhereError: linked to a different partner, and `replace` was not asked for.
            ReaderRoleError: the Reader role is missing, and `role_check` requires it.
            PallinkError: see `pallink.errors`.
        """
        goal = LinkGoal(parse_partner_id(partner_id), replace)
        return self._write(
            "link", goal, role_check=role_check, subscriptions=subscriptions, dry_run=dry_run, confirm=confirm
        )

    def update(
        self,
        partner_id: str,
        *,
        role_check: RoleCheck = RoleCheck.REQUIRE,
        subscriptions: Sequence[str] = (),
        dry_run: bool = False,
        confirm: Confirm | None = None,
    ) -> WriteResult:
        """Have the existing link point to another partner. Arguments and errors as for `link`.

        Raises:
            NotLinkedError: there is no link.
        """
        goal = UpdateGoal(parse_partner_id(partner_id))
        return self._write(
            "update", goal, role_check=role_check, subscriptions=subscriptions, dry_run=dry_run, confirm=confirm
        )

    def unlink(
        self, partner_id: str | None = None, *, dry_run: bool = False, confirm: Confirm | None = None
    ) -> WriteResult:
        """Remove the link; with a partner ID only if it is that partner's. No role is needed.

        Raises:
            LinkedElsewhereError: the link is another partner's than `partner_id`.
        """
        goal = UnlinkGoal(None if partner_id is None else parse_partner_id(partner_id))
        return self._write("unlink", goal, role_check=RoleCheck.SKIP, dry_run=dry_run, confirm=confirm)

    def show(self) -> Result:
        """The account's link.

        Raises:
            NotLinkedError: there is none.
        """
        situation = self._look(RoleCheck.SKIP)
        linked = active(situation.current)
        if linked is None:
            raise NotLinkedError(
                f"not linked: {self.account.name} has no partner link in {self._tenant(situation.tenant_name)}",
                cause="the service knows no link of this account in this tenant",
                remedy="create the link",
                command=self._settings.command("link", "PARTNER_ID"),
            )
        return Result(**self._identity(situation), **link_fields(linked))

    def verify(
        self, partner_id: str, *, role_check: RoleCheck = RoleCheck.WARN, subscriptions: Sequence[str] = ()
    ) -> VerifyResult:
        """Whether the account is linked to just this partner. Writes nothing. Arguments as for `link`.

        Returns:
            The finding; where it is not a pass, `error` says why, as an exception that is not raised.
        """
        expected = parse_partner_id(partner_id)
        situation = self._look(role_check, subscriptions)
        found = verification_error(situation.current, expected)
        if found is not None:
            self._advise(found, expected)
        candidates = [each for each in (found, situation.role_error) if each is not None]
        return VerifyResult(
            **self._identity(situation),
            **link_fields(active(situation.current)),
            expected_partner_id=expected,
            matches=found is None,
            warnings=situation.warnings,
            error=most_important(candidates),
        )

    def check(self, *, subscriptions: Sequence[str] = ()) -> CheckResult:
        """Whether the account is ready: who it is, Reader on which subscriptions, and the present link. Writes nothing.

        Args:
            subscriptions: IDs or names of those to look at, on which Reader has to be held; without any, all that are
                visible are looked at, and one is enough.

        Returns:
            The finding; where Reader is missing, `error` says so, as an exception that is not raised.
        """
        situation = self._look(RoleCheck.REQUIRE, subscriptions, every=True)
        return CheckResult(
            **self._identity(situation),
            **link_fields(active(situation.current)),
            warnings=situation.warnings,
            error=situation.role_error,
            advice=suggest_credit_role(situation.reader, self._role_commands) if situation.reader else None,
        )

    def whoami(self) -> AccountResult:
        """Who signed in, and how. Asks nothing of the partner API."""
        account = self.account
        return AccountResult(
            cloud=self._connection.cloud.name,
            account=account.name,
            account_kind=account.kind,
            object_id=account.object_id,
            tenant_id=account.tenant_id,
            tenant_name=run_detached(self._tenant_name),
            auth=self._connection.method,
            stored=self._connection.stored,
            expires_on=self._connection.expires_on,
        )

    def _write(
        self,
        verb: str,
        goal: Goal,
        *,
        role_check: RoleCheck,
        subscriptions: Sequence[str] = (),
        dry_run: bool,
        confirm: Confirm | None,
    ) -> WriteResult:
        self.written.nothing_happened()
        situation = self._look(role_check, subscriptions)
        try:
            return self._decide_and_write(goal, situation, dry_run=dry_run, confirm=confirm)
        except PallinkError as error:
            self._advise(error, getattr(goal, "partner_id", None), verb)
            raise

    def _decide_and_write(
        self, goal: Goal, situation: _Situation, *, dry_run: bool, confirm: Confirm | None
    ) -> WriteResult:
        current = situation.current
        try:
            step = goal.next_step(current)
        except PallinkError as refusal:
            # Where the role is missing too, the refusal of the link comes first, and says so.
            if situation.role_error is not None:
                if most_important([refusal, situation.role_error]) is situation.role_error:
                    raise situation.role_error from refusal
                refusal.with_cause(f"besides, {situation.role_error.message}")
            raise
        if situation.role_error is not None:
            raise situation.role_error.with_cause("nothing was written")
        if dry_run:
            return self._dry_run(step, situation)
        if confirm is not None:
            current = self._confirmed(goal, situation, confirm)
        if isinstance(goal, UnlinkGoal):
            goal = goal.pinned_to(current)
        links = DetachedLinks(self._connection.links)
        outcome = carry_out(goal, current, links, self.account, self._deadline, record=self.written)
        return WriteResult(
            **self._identity(situation),
            **link_fields(active(outcome.link)),
            action=outcome.action,
            previous_partner_id=outcome.previous.partner_id if outcome.previous else None,
            previous_partner_name=outcome.previous.partner_name if outcome.previous else None,
            warnings=situation.warnings + outcome.warnings,
        )

    def _confirmed(self, goal: Goal, situation: _Situation, confirm: Confirm) -> Link | None:
        """The link that somebody said yes to; read again after each yes, and asked anew where it is another by then.

        How long a person thinks is not the command's time.

        Raises:
            CancelledError: a no.
            PallinkError: the link cannot be read, or what is wanted must not be done with what it has become.
        """
        current = situation.current
        while (step := goal.next_step(current)).action is not Action.UNCHANGED:
            proposal = Proposal(self.account, situation.tenant_name, active(current), step, situation.reader)
            with self._deadline.stopped():
                if not confirm(proposal):
                    raise CancelledError("not confirmed: nothing was changed")
            shown, current = current, run_detached(self._read_link)
            if active(current) == active(shown):
                break
        return current

    def _dry_run(self, step: Step, situation: _Situation) -> WriteResult:
        """What would be done. The fields of the link are those that it would have, as far as they are known."""
        linked = active(situation.current)
        if step.action is Action.UNCHANGED:
            fields = link_fields(linked)
        elif step.action is Action.DELETED:
            fields = {}
        else:
            fields = {"partner_id": step.partner_id}
        return WriteResult(
            **self._identity(situation),
            **fields,
            action=step.action,
            previous_partner_id=linked.partner_id if linked else None,
            previous_partner_name=linked.partner_name if linked else None,
            dry_run=True,
            warnings=situation.warnings,
        )

    def _look(self, role_check: RoleCheck, subscriptions: Sequence[str] = (), *, every: bool = False) -> _Situation:
        """Read the link, the roles and the tenant's name, side by side.

        Raises:
            PallinkError: the most important one, where the link or the subscriptions cannot be read.
        """
        if subscriptions and role_check is RoleCheck.SKIP:
            raise UsageError(
                "--subscription contradicts --role-check skip",
                cause="it names subscriptions that have to pass a check that is skipped",
                remedy="leave one of them out",
            )
        calls: list[Callable[[], Any]] = [self._read_link, self._tenant_name]
        reader_check = ReaderCheck(self._connection.roles, self.account, progress=self.progress)
        if role_check is not RoleCheck.SKIP:
            calls.append(lambda: reader_check.report(subscriptions, check_all=every))
        try:
            outcomes = gather(*calls)
        finally:
            # Ctrl-C: what still runs in its thread asks nothing further.
            reader_check.stop.set()
        role_outcome = outcomes[2] if role_check is not RoleCheck.SKIP else None
        reader, role_error = split_outcome(role_outcome, role_check, self._role_commands)
        first = most_important(errors_in([outcomes[0], reader]))
        if first is not None:
            raise first
        warnings: tuple[str, ...] = ()
        if role_error is not None and role_check is RoleCheck.WARN:
            warnings = (role_error.message,)
            role_error = None
        return _Situation(outcomes[0], reader, outcomes[1], role_error, warnings)

    @property
    def _role_commands(self) -> RoleCommands:
        return RoleCommands(self.account, sandbox=self._connection.cloud.name == SANDBOX, activation_id=str(uuid4()))

    def _read_link(self) -> Link | None:
        current = self._connection.links.read()
        if current is not None:
            check_owner(current, self.account)
        return current

    def _tenant_name(self) -> str | None:
        """The tenant's name. It is for people only: that it cannot be read keeps nobody from linking."""
        try:
            return self._connection.roles.tenant_name()
        except PallinkError as error:
            log.info("the tenant's name could not be read: %s", error)
            return None

    def _identity(self, situation: _Situation) -> dict[str, Any]:
        account = self.account
        return {
            "cloud": self._connection.cloud.name,
            "account": account.name,
            "account_kind": account.kind,
            "object_id": account.object_id,
            "tenant_id": account.tenant_id,
            "tenant_name": situation.tenant_name,
            "role": situation.reader.verdict if situation.reader else None,
            "reader": situation.reader,
        }

    def _tenant(self, name: str | None) -> str:
        return f"tenant {name or self.account.tenant_id}"

    def _advise(self, error: PallinkError, partner_id: str | None, verb: str = "verify") -> None:
        """Give an error of the pure core the command that mends it, for this cloud and this account."""
        if error.command is not None:
            return
        if isinstance(error, NotLinkedError) and partner_id:
            error.command = self._settings.command("link", partner_id)
        elif isinstance(error, LinkedElsewhereError):
            change = "unlink" if verb == "unlink" else "update"
            target = error.linked_partner_id if verb == "unlink" else error.wanted_partner_id
            error.remedy = "remove just that link" if verb == "unlink" else "change the link, if that is what you want"
            error.command = self._settings.command(change, target)
        elif isinstance(error, UnsettledWriteError):
            error.command = self._settings.command("show")


def connect(
    *,
    cloud: str = "AzureCloud",
    account: str | None = None,
    tenant: str | None = None,
    client_id: str | None = None,
    auth: str | None = None,
    timeout: float = 120.0,
    writable: bool = True,
) -> Session:
    """Sign in and make sure that the right account did.

    Args:
        cloud: `AzureCloud`, `AzureUSGovernment`, `AzureChinaCloud`, `sandbox`, or a Resource Manager's `https://` URL.
        account: UPN, object ID or client ID of the account that must sign in.
        tenant: GUID or domain of the tenant.
        client_id: the application to sign in as, or through.
        auth: the sign-in method, as `--auth` takes it.
        timeout: seconds for all that the session does, retries and waits included.
        writable: whether the session may write at all.

    Raises:
        UsageError: an argument cannot be what it should be.
        SignInError: the sign-in failed; `WrongAccountError` when somebody else signed in.
        UnreachableError: there was no answer.
    """
    return open_session(Settings(cloud, account, tenant, client_id, auth, timeout), writable=writable)


def open_session(
    settings: Settings, *, writable: bool, person: Prompter | None = None, written: WriteRecord | None = None
) -> Session:
    """The same as `connect`, from settings that were checked before, and with somebody who can be asked.

    Args:
        settings: which cloud, who, how.
        writable: whether the session may write at all.
        person: who can be asked; None: nobody.
        written: where the session keeps what is known of its write; None: in a record of its own.
    """
    # azure-identity and the SDK cost some 200 ms to import: they are loaded when somebody signs in.
    from pallink.azure.client import connect as sign_in  # noqa: PLC0415

    deadline = Deadline(settings.timeout)
    connection = run_detached(lambda: sign_in(settings, deadline, person or NonInteractive(), writable=writable))
    return Session(connection, settings, deadline, written)
