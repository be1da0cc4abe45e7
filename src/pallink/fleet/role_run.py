"""Assign a role to the accounts of a fleet: in one administrator's session, one account after the other."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pallink.concurrency import OperationCancelledError
from pallink.deadline import Deadline
from pallink.error_object import build_error_object
from pallink.errors import NotRunError, PallinkError, UnsettledWriteError, UsageError, WrongAccountError
from pallink.fleet.entry import ALL_TENANTS, Entry
from pallink.fleet.result import EntryResult, Outcome
from pallink.links.model import Action
from pallink.redact.secrets import redact_all
from pallink.result import Json
from pallink.role_result import RoleProposal, RoleResult, administrator_fields, late_error
from pallink.role_session import RoleSession
from pallink.roles.grant import Grant, WantedRole
from pallink.roles.grant_write import MAX_WAIT
from pallink.roles.scopes import WantedScopes
from pallink.unexpected import as_pallink_error

SETTLE_SECONDS = 10.0
"""How long the write under way is given to settle once the run is stopped."""

_FIELDS = (
    *("cloud", "account", "accountKind", "objectId", "tenantId", "tenantName"),
    *("principalId", "principalName", "principalType", "dryRun", "assignments"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEntryResult(EntryResult):
    """What is to be done, or was done, about the role of one entry's account.

    Attributes:
        proposal: What is to be done; None if that could not be determined.
        result: What was done, or would be; None if nothing was.
    """

    proposal: RoleProposal | None = None
    result: RoleResult | None = None

    def as_dict(self) -> Json:
        """Return the flat object: plain values, always the same fields in the same order."""
        return {
            "name": self.entry.name,
            "outcome": self.outcome.value,
            "exitCode": int(self.error.exit_code) if self.error else 0,
            **dict.fromkeys(_FIELDS),
            **self.fields,
            "warnings": list(self.warnings),
            "error": build_error_object(self.error, None) if self.error else None,
        }


def wanted_scopes(entries: Sequence[Entry], wanted: WantedScopes) -> list[WantedScopes]:
    """Return the scopes for each entry: those that are wanted for all, else the entry's own subscriptions.

    Raises:
        UsageError: An entry has none.
    """
    bare = [entry for entry in entries if not wanted and not entry.subscriptions]
    if bare:
        first = bare[0]
        accounts = first.name if len(bare) == 1 else f"{len(bare):,} accounts, such as {first.name}"
        raise UsageError(
            f"missing scope for {accounts}",
            cause=f"the entry in line {first.line} of the fleet file has no subscription; nothing was sent",
            remedy="give it one, or name the scope for all accounts with --subscription, --management-group or --scope",
        )
    return [wanted or WantedScopes(entry.subscriptions) for entry in entries]


class RoleRun:
    """One run over the entries of a fleet.

    Args:
        session: The administrator's session.
        entries: The entries.
        wanted: The scopes for all of them; empty: each entry's own subscriptions.
        role: The role.
        allow_write_role: Whether the role may allow more than reading.

    Raises:
        UsageError: An entry has no scope.
    """

    def __init__(
        self,
        session: RoleSession,
        entries: Sequence[Entry],
        wanted: WantedScopes,
        role: WantedRole,
        *,
        allow_write_role: bool = False,
    ) -> None:
        self._session = session
        self._work = list(zip(entries, wanted_scopes(entries, wanted), strict=True))
        self._role = role
        self._allow_write_role = allow_write_role
        self._is_writing = False
        self._stopped = threading.Event()

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Begin no further write, and let the one under way settle. Called in any thread."""
        self._stopped.set()
        self._session.deadline.shorten(SETTLE_SECONDS)

    def plan(self) -> Iterator[RoleEntryResult]:
        """Yield for each entry what would be done. Writes nothing."""
        for entry, wanted in self._work:
            yield self._attempt(entry, partial(self._plan, entry, wanted))

    def assign(self, planned: Sequence[RoleEntryResult]) -> Iterator[RoleEntryResult]:
        """Carry out what was planned, and yield each result. What could not be planned stays as it was."""
        self._is_writing = True
        on_write = self._session.on_write
        self._session.on_write = lambda grant: self._on_write(grant, on_write)
        try:
            for plan in planned:
                if plan.proposal is None:
                    yield replace(plan, fields={**plan.fields, "dryRun": False})
                else:
                    yield self._attempt(plan.entry, partial(self._carry_out, plan.entry, plan.proposal))
        finally:
            self._session.on_write = on_write

    def wait(self, results: Sequence[RoleEntryResult]) -> list[RoleEntryResult]:
        """Wait until Azure lists the role assignments, at most ten minutes for all of them.

        Where that cannot be read, the result stays what it was, with the error.
        """
        limit = Deadline(MAX_WAIT)
        return [self._waited(result, limit) for result in results]

    def _waited(self, result: RoleEntryResult, limit: Deadline) -> RoleEntryResult:
        if result.proposal is None or result.result is None:
            return result
        try:
            done = self._session.wait(result.proposal, result.result, limit=limit)
        except OperationCancelledError:
            raise
        except Exception as failure:  # noqa: BLE001 - what was written must be reported
            return replace(result, error=as_pallink_error(failure))
        late = late_error(done)
        return replace(
            result,
            result=done,
            fields=redact_all(done.as_dict()),
            warnings=(*result.warnings, late.message) if late else result.warnings,
        )

    def _plan(self, entry: Entry, wanted: WantedScopes) -> RoleEntryResult:
        if not self._is_in_tenant(entry):
            administrator = self._session.administrator
            error = WrongAccountError(
                f"{entry.name} is in another tenant than {administrator.name} signed in to",
                cause=f"an administrator assigns roles in one tenant, here in {administrator.tenant_id}",
                remedy="sign in with --tenant as an administrator of that tenant",
            )
            # No administrator signed in for it: the fields say nothing of the one who did for others.
            fields: Json = {"principalName": entry.identifier, "dryRun": True, "assignments": []}
            return RoleEntryResult(entry=entry, outcome=Outcome.NEEDS_SIGN_IN, fields=fields, error=error)
        proposal = self._session.plan(entry.identifier, wanted, self._role, allow_write_role=self._allow_write_role)
        return _result(entry, proposal, self._session.preview(proposal))

    def _is_in_tenant(self, entry: Entry) -> bool:
        """Return whether an entry means an account in the administrator's tenant.

        Raises:
            PallinkError: Its tenant could not be resolved.
        """
        if entry.tenant == ALL_TENANTS:
            return not any(map(self._session.is_in_tenant, entry.excluded_tenants))
        return self._session.is_in_tenant(entry.tenant)

    def _carry_out(self, entry: Entry, proposal: RoleProposal) -> RoleEntryResult:
        return _result(entry, proposal, self._session.carry_out(proposal))

    def _on_write(self, grant: Grant | None, on_write: Callable[[Grant | None], None]) -> None:
        if grant is not None and self.is_stopped:
            raise NotRunError(
                "not run",
                cause="the run was interrupted before this account was done",
                remedy="run the command again: roles that are assigned stay as they are",
            )
        on_write(grant)

    def _attempt(self, entry: Entry, job: Callable[[], RoleEntryResult]) -> RoleEntryResult:
        """Do the job for one entry, in its own time. What goes wrong is its result."""
        if not self.is_stopped:
            self._session.deadline.restart()
        try:
            return job()
        except OperationCancelledError:
            raise
        except Exception as failure:  # noqa: BLE001 - one entry must not end the run
            error = as_pallink_error(failure)
        session = self._session
        fields = administrator_fields(session.settings.cloud, session.administrator, session.tenant_name)
        fields |= {"principalName": entry.identifier, "dryRun": not self._is_writing, "assignments": []}
        return RoleEntryResult(
            entry=entry,
            outcome=_outcome_of(error),
            fields=redact_all(fields),
            error=error,
            warnings=tuple(redact_all(list(error.warnings))),
        )


def _result(entry: Entry, proposal: RoleProposal, result: RoleResult) -> RoleEntryResult:
    is_created = any(row.action is Action.CREATED for row in result.rows)
    return RoleEntryResult(
        entry=entry,
        outcome=Outcome.CREATED if is_created else Outcome.UNCHANGED,
        fields=redact_all(result.as_dict()),
        proposal=proposal,
        result=result,
    )


def _outcome_of(error: PallinkError) -> Outcome:
    if isinstance(error, UnsettledWriteError):
        return Outcome.UNKNOWN
    return Outcome.NOT_RUN if isinstance(error, NotRunError) else Outcome.FAILED
