"""The jobs of an administrator for the roles of another account: assign, remove, show."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

from pallink.account import Account
from pallink.advice import Job, advising
from pallink.deadline import Deadline
from pallink.errors import CancelledError, PallinkError, ServiceError, SubscriptionNotFoundError, WrongAccountError
from pallink.links.model import Action
from pallink.role_result import ConfirmRoles, OnWrite, RoleProposal, RoleResult, RoleRow, with_changes
from pallink.roles.assignments import RoleAssignment, Subscription
from pallink.roles.grant import (
    AssignableRole,
    Grant,
    Principal,
    WantedRole,
    assignment_name,
    find_own,
    plan_assignment,
    plan_removal,
    role_name_of,
    split_assignment_id,
)
from pallink.roles.grant_write import MAX_WAIT, assign, remove, wait_until_effective
from pallink.roles.held import read_held
from pallink.roles.scopes import Scope, WantedScopes
from pallink.settings import Settings
from pallink.signin.prompter import NonInteractive, Prompter
from pallink.situation import read_tenant_name

if TYPE_CHECKING:
    from types import TracebackType

    from pallink.azure.client import AzureClient
    from pallink.azure.connection import CloudConnection
    from pallink.azure.graph import Directory


class RoleSession:
    """One signed-in administrator. Made by `open_role_session`.

    Attributes:
        on_write: Called with each role assignment before it is written, and with None after it.
        settings: Which cloud, who, how.
        deadline: The time for the sign-in and the job.
    """

    def __init__(
        self,
        settings: Settings,
        client: "AzureClient",
        directory: "Directory",
        connection: "CloudConnection",
        *,
        deadline: Deadline | None = None,
    ) -> None:
        self.on_write: OnWrite = lambda _grant: None
        self.settings = settings
        self._client = client
        self._directory = directory
        self._connection = connection
        self.deadline = deadline or Deadline(settings.timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session and its connections."""
        self._client.close()
        self._connection.close()

    @property
    def administrator(self) -> Account:
        """The account that signed in."""
        return self._client.authenticated.account

    @cached_property
    def tenant_name(self) -> str | None:
        """The tenant's display name; None if it could not be read."""
        with self.deadline.active():
            return read_tenant_name(self._client.roles)

    def assign(
        self,
        to: str,
        wanted: WantedScopes,
        role: WantedRole,
        *,
        allow_write_role: bool = False,
        dry_run: bool = False,
        wait: bool = False,
        confirm: ConfirmRoles | None = None,
    ) -> RoleResult:
        """Give an account a role on scopes where it does not have it.

        Args:
            to: UPN, object ID or client ID of the account.
            wanted: The scopes.
            role: The role.
            allow_write_role: Whether the role may allow more than reading.
            dry_run: Return what would be done, and write nothing.
            wait: Wait until Azure lists the role assignments, at most ten minutes; the time of the job does not count.
            confirm: Called before the first write; where it returns False, `CancelledError` is raised.

        Raises:
            UsageError: The role allows more than reading, or a scope is unknown.
            PallinkError: See `pallink.errors`. What was assigned before an error is in its warnings.
        """
        proposal = self.plan(to, wanted, role, allow_write_role=allow_write_role)
        if dry_run:
            return self.preview(proposal)
        self._confirm(proposal, confirm)
        result = self.carry_out(proposal)
        if not wait:
            return result
        try:
            return self.wait(proposal, result)
        except PallinkError as error:
            raise with_changes(error, proposal.changes) from error.__cause__

    def plan(self, to: str, wanted: WantedScopes, role: WantedRole, *, allow_write_role: bool = False) -> RoleProposal:
        """Return what `assign` would do. Arguments as for `assign`."""
        with self._job("role assign"):
            principal = self._resolve(to, is_for_others=True)
            scopes = self._scopes(wanted)
            found = role.known or self._client.grants.definition(role, scopes[0])
            found.require_permission_to_write(allowed=allow_write_role)
            planned = [self._plan_assignment(scope, principal, found) for scope in scopes]
            return self._proposal(principal, found, planned)

    def preview(self, proposal: RoleProposal) -> RoleResult:
        """Return the result of a dry run."""
        return self._result(proposal, [RoleRow.of(grant, proposal.role) for grant in proposal.planned], dry_run=True)

    def carry_out(self, proposal: RoleProposal) -> RoleResult:
        """Create the role assignments that `plan` proposed.

        Raises:
            PallinkError: What was assigned before it is in its warnings.
        """
        principal, role = proposal.principal, proposal.role
        with self._job("role assign"):
            done = self._carry_out(
                proposal.planned, lambda grant: assign(self._client.grants, grant.scope, principal, role)
            )
            return self._result(proposal, [RoleRow.of(grant, role) for grant in done], dry_run=False)

    def wait(self, proposal: RoleProposal, result: RoleResult, *, limit: Deadline | None = None) -> RoleResult:
        """Wait until Azure lists the role assignments; the time of the job does not count.

        Args:
            proposal: What was carried out.
            result: What came of it.
            limit: How long to wait; None: ten minutes.
        """
        with self._job("role assign"), self.deadline.paused(), (limit or Deadline(MAX_WAIT)).active():
            seen = wait_until_effective(self._client.grants, list(proposal.planned), proposal.principal, proposal.role)
            rows = [
                replace(row, effective=is_effective) for row, (_, is_effective) in zip(result.rows, seen, strict=True)
            ]
        return replace(result, rows=tuple(rows))

    def is_in_tenant(self, tenant: str) -> bool:
        """Return whether an ID or a domain names the administrator's tenant.

        Raises:
            PallinkError: There is no such tenant, or no response.
        """
        with self._job("role assign"):
            return str(self._connection.tenant_id(tenant)).casefold() == self.administrator.tenant_id.casefold()

    def remove(
        self,
        to: str,
        wanted: WantedScopes,
        role: WantedRole,
        *,
        dry_run: bool = False,
        confirm: ConfirmRoles | None = None,
    ) -> RoleResult:
        """Remove a role from an account: its own assignments at just these scopes. Arguments as for `assign`."""
        with self._job("role remove"):
            principal, scopes = self._resolve(to), self._scopes(wanted)
            found = role.known or self._client.grants.definition(role, scopes[0])
            planned = [plan_removal(scope, self._held(principal, scope, found), principal, found) for scope in scopes]
            return self._removed(principal, found, planned, dry_run=dry_run, confirm=confirm)

    def remove_by_id(
        self, assignment_id: str, *, dry_run: bool = False, confirm: ConfirmRoles | None = None
    ) -> RoleResult:
        """Remove the role assignment with a resource ID.

        Raises:
            ServiceError: There is none. Whose it was is then unknown, so this is not `unchanged`.
        """
        scope_id, name = split_assignment_id(assignment_id)
        with self._job("role remove"):
            (scope,) = self._scopes(WantedScopes(scopes=(scope_id,)))
            existing = self._client.grants.read(scope, name, Principal(name))
            if existing is None:
                raise ServiceError(
                    f"there is no role assignment {name} on {scope}",
                    cause="Azure reports RoleAssignmentNotFound: it was removed, or never there",
                    remedy="list the account's role assignments",
                    command=self.settings.command("role", "show", "--to", "ACCOUNT"),
                )
            principal = Principal(existing.principal_id, existing.principal_type)
            role = AssignableRole(existing.role_id, role_name_of(existing.role_definition_id))
            planned = [Grant(Action.DELETED, scope, existing)]
            return self._removed(principal, role, planned, dry_run=dry_run, confirm=confirm)

    def show(self, to: str, wanted: WantedScopes) -> RoleResult:
        """Return the role assignments that count for an account: its own, inherited ones and those of its groups.

        Args:
            to: UPN, object ID or client ID of the account.
            wanted: The scopes; empty: all subscriptions that the administrator sees.
        """
        with self._job("role show"):
            principal = self._resolve(to)
            rows: dict[str, RoleRow] = {}
            held, warnings = read_held(self._client.grants, principal, self._scopes(wanted), is_complete=bool(wanted))
            for scope, assignments in held:
                for assignment in assignments:
                    name = str(Scope(assignment.scope, scope.subscription_name))
                    key = assignment.id or f"{assignment.scope} {assignment.role_id} {assignment.principal_id}"
                    rows.setdefault(key.casefold(), RoleRow.held(assignment, principal, name))
            return RoleResult(
                cloud=self._client.authenticated.cloud.name,
                administrator=self.administrator,
                principal=principal,
                tenant_name=self.tenant_name,
                rows=tuple(rows.values()),
                warnings=warnings,
            )

    @contextmanager
    def _job(self, command: str) -> Iterator[None]:
        job = Job(self.settings, command, sign_in=self._client.authenticated.sign_in)
        with self.deadline.active(), advising(job):
            yield

    def _resolve(self, to: str, *, is_for_others: bool = False) -> Principal:
        """Return the account that is meant.

        Raises:
            WrongAccountError: It is the one that signed in, though no one named it as the administrator.
        """
        administrator = self.administrator
        is_own = administrator.matches_identifier(to)
        if is_own:
            principal = Principal(administrator.object_id, administrator.kind.principal_type, administrator.name)
        else:
            principal = self._directory.find(to)
            is_own = principal.object_id.casefold() == administrator.object_id.casefold()
        if is_for_others and is_own and self.settings.account is None:
            raise WrongAccountError(
                f"the signed-in account {administrator.name} is the one that gets the role",
                cause="pallink lets an account assign a role to itself only if --account names it",
                remedy="name the administrator with --account",
            )
        return principal

    def _scopes(self, wanted: WantedScopes) -> tuple[Scope, ...]:
        if wanted and not wanted.names_subscriptions:
            return wanted.resolve(())
        if not wanted:
            return tuple(Scope(subscription.scope, subscription.name) for subscription in self._subscriptions)
        try:
            return wanted.resolve(self._subscriptions)
        except SubscriptionNotFoundError as error:
            is_named = self.settings.account is not None
            account = "correct --account" if is_named else "name the administrator with --account"
            raise error.replace(
                cause=f"{self.administrator.name} signed in; {error.cause}",
                remedy=f"correct --subscription, or {account}",
            ) from None

    # Read once in a session: they are the same for all accounts of a fleet.
    @cached_property
    def _subscriptions(self) -> list[Subscription]:
        return self._client.roles.subscriptions()

    def _held(self, principal: Principal, scope: Scope, role: AssignableRole) -> list[RoleAssignment]:
        """Return what an account holds at a scope, and the assignment of a role that is not listed there yet."""
        held = self._client.grants.held(principal, scope)
        if find_own(held, scope, principal, role) is not None:
            return held
        pending = self._client.grants.read(scope, assignment_name(scope.id, principal.object_id, role.id), principal)
        return held if pending is None else [*held, pending]

    def _plan_assignment(self, scope: Scope, principal: Principal, role: AssignableRole) -> Grant:
        held = self._held(principal, scope, role)
        try:
            return plan_assignment(scope, held, principal, role)
        except ServiceError as error:
            existing = find_own(held, scope, principal, role)
            command = self.settings.command("role", "remove", "--id", str(existing and existing.id))
            raise error.replace(command=command) from None

    def _proposal(self, principal: Principal, role: AssignableRole, planned: Sequence[Grant]) -> RoleProposal:
        return RoleProposal(self.administrator, self.tenant_name, principal, role, tuple(planned))

    def _confirm(self, proposal: RoleProposal, confirm: ConfirmRoles | None) -> None:
        if confirm is None or not proposal.changes:
            return
        with self.deadline.paused():
            if not confirm(proposal):
                raise CancelledError("not confirmed: nothing was changed")

    def _removed(
        self,
        principal: Principal,
        role: AssignableRole,
        planned: list[Grant],
        *,
        dry_run: bool,
        confirm: ConfirmRoles | None,
    ) -> RoleResult:
        proposal = self._proposal(principal, role, planned)
        if not dry_run:
            self._confirm(proposal, confirm)
            planned = self._carry_out(planned, lambda grant: remove(self._client.grants, grant, principal))
        return self._result(proposal, [RoleRow.of(grant, role) for grant in planned], dry_run=dry_run)

    def _carry_out(self, planned: Sequence[Grant], write: Callable[[Grant], Grant]) -> list[Grant]:
        done: list[Grant] = []
        for grant in planned:
            if grant.action is Action.UNCHANGED:
                done.append(grant)
                continue
            try:
                self.on_write(grant)
                done.append(write(grant))
            except PallinkError as error:
                raise with_changes(error, done) from error.__cause__
            self.on_write(None)
        return done

    def _result(self, proposal: RoleProposal, rows: Sequence[RoleRow], *, dry_run: bool) -> RoleResult:
        return RoleResult(
            cloud=self._client.authenticated.cloud.name,
            administrator=self.administrator,
            principal=proposal.principal,
            tenant_name=proposal.tenant_name,
            rows=tuple(rows),
            dry_run=dry_run,
        )


def open_role_session(
    settings: Settings,
    *,
    command: str,
    writable: bool,
    excluded: Collection[str] = (),
    prompter: Prompter | None = None,
    deadline: Deadline | None = None,
    environ: Mapping[str, str] | None = None,
) -> RoleSession:
    """Sign in the administrator.

    Args:
        settings: Which cloud, who, how.
        command: The one command that the session is for, as in `role assign`.
        writable: Whether the session may write at all.
        excluded: The accounts that the roles are for; a stored sign-in of them counts only if the settings name it.
        prompter: Who is asked where that is needed; None: nothing is asked.
        deadline: The time for the sign-in and the job together; None: `settings.timeout` seconds.
        environ: The variables that may state a sign-in; None: those of the process.

    Raises:
        PallinkError: The sign-in failed, or another account signed in.
    """
    # azure-identity and the SDK cost some 200 ms to import: they are loaded with the sign-in.
    from pallink.azure.client import connect  # noqa: PLC0415
    from pallink.azure.connection import CloudConnection  # noqa: PLC0415
    from pallink.azure.egress import rules_for  # noqa: PLC0415
    from pallink.azure.graph import Directory  # noqa: PLC0415

    deadline = deadline or Deadline(settings.timeout)
    connection = CloudConnection(settings.cloud)
    try:
        with deadline.active(), advising(Job(settings, command)):
            client = connect(
                settings,
                prompter or NonInteractive(),
                rules_for(command, writable=writable),
                shared=connection,
                environ=environ,
                excluded=excluded if settings.account is None else (),
            )
    except BaseException:
        connection.close()
        raise
    return RoleSession(settings, client, Directory(connection, client.authenticated), connection, deadline=deadline)
