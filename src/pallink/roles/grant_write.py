"""Carry out what `pallink.roles.grant` planned: send each write once, and settle a doubtful one by reading."""

from collections.abc import Callable, Iterator
from typing import Protocol

from pallink.deadline import Deadline
from pallink.errors import PallinkError, UnexpectedAnswerError, UnsettledWriteError
from pallink.links.history import WriteFailure, WriteResponse
from pallink.links.model import Action
from pallink.roles.assignments import RoleAssignment
from pallink.roles.grant import AssignableRole, Grant, Principal, assignment_name, find_own, plan_assignment
from pallink.roles.scopes import Scope
from pallink.waiting import waiting_for

MAX_WAIT = 600.0
"""Seconds that pallink waits for a role assignment to take effect; Azure documents up to ten minutes."""

# Seconds between two looks: the first ones soon, since Azure is usually fast.
_LOOKS = (2.0, 3.0, 5.0, 10.0, 15.0)
_REPEAT = "run the command again: what is done already stays as it is"
_RETRIES = (1.0, 2.0, 4.0)


class AssignmentExistsError(Exception):
    """The service has the assignment under another ID.

    Attributes:
        name: The name (GUID) of the existing one; None if the service does not say.
    """

    def __init__(self, name: str | None) -> None:
        super().__init__(name)
        self.name = name


class Grants(Protocol):
    """The role assignments of a tenant, as an administrator sees and changes them."""

    def held(self, principal: Principal, scope: Scope, *, inside: bool = False) -> list[RoleAssignment]:
        """Return the role assignments that count for an account at a scope: inherited, and of its groups, too."""

    def read(self, scope: Scope, name: str, principal: Principal) -> RoleAssignment | None:
        """Return the role assignment with a name (GUID) at a scope; None if there is none."""

    def create(self, scope: Scope, name: str, principal: Principal, role: AssignableRole) -> RoleAssignment:
        """Send the creation of a role assignment once.

        Raises:
            AssignmentExistsError: It exists under another ID.
            WriteFailure: It failed.
            PallinkError: It was not sent.
        """

    def remove(self, scope: Scope, name: str, principal: Principal) -> None:
        """Send the removal of a role assignment once.

        Raises:
            WriteFailure: It failed.
            PallinkError: It was not sent.
        """


def assign(grants: Grants, scope: Scope, principal: Principal, role: AssignableRole) -> Grant:
    """Create a role assignment, unless the service already has it.

    Raises:
        UnsettledWriteError: Neither the write nor reading told whether it exists.
        PallinkError: It was not created.
    """
    name = assignment_name(scope.id, principal.object_id, role.id)

    def send() -> Grant:
        try:
            return Grant(Action.CREATED, scope, grants.create(scope, name, principal, role))
        except AssignmentExistsError as error:
            existing = grants.read(scope, error.name or name, principal)
            held = [existing] if existing else grants.held(principal, scope)
            plan_assignment(scope, held, principal, role)  # Refuses a condition.
            return Grant(Action.UNCHANGED, scope, find_own(held, scope, principal, role))

    def look() -> Grant | None:
        found = grants.read(scope, name, principal)
        return Grant(Action.CREATED, scope, found) if found else None

    return _settled(send, look, f"{role.name} was assigned on {scope}")


def remove(grants: Grants, grant: Grant, principal: Principal) -> Grant:
    """Remove the role assignment that was planned to be deleted.

    Raises:
        UnsettledWriteError: Neither the write nor reading told whether it is gone.
        PallinkError: It was not removed.
    """
    if grant.existing is None or grant.existing.id is None:
        raise AssertionError("nothing to remove")
    name = grant.existing.id.rpartition("/")[2]

    unknown = f"the role was removed on {grant.scope}"

    def send() -> Grant:
        grants.remove(grant.scope, name, principal)
        # Of a deletion's response only the status counts, which a gateway may send too.
        try:
            is_gone = look() is not None
        except PallinkError as error:
            raise _unsettled(unknown, error.message, error) from error
        if not is_gone:
            raise WriteFailure(_still_there(grant.scope), WriteResponse.LOST)
        return grant

    def look() -> Grant | None:
        return grant if grants.read(grant.scope, name, principal) is None else None

    return _settled(send, look, unknown)


def _still_there(scope: Scope) -> PallinkError:
    return UnexpectedAnswerError(
        f"the role assignment on {scope} is still there, though Azure reports that it was removed",
        cause="a proxy may have responded instead of Azure",
        remedy="check --cloud and the proxy, and run again with --debug to see the responses",
    )


def _settled(send: Callable[[], Grant], look: Callable[[], Grant | None], unknown: str) -> Grant:
    """Send a write, and where it failed read what became of it; what did not happen is sent again, unless refused.

    Nothing can happen twice: an assignment is created and removed by its ID.
    """
    pauses = iter(_RETRIES)
    while True:
        try:
            return send()
        except WriteFailure as failed:
            failure, is_refused = failed, failed.response is WriteResponse.REFUSED
        try:
            found = look()
        except PallinkError as error:
            if is_refused:
                raise failure.error from failure.error.__cause__
            raise _unsettled(unknown, f"{failure.error.message}; {error.message}", failure.error) from error
        if found is not None:
            return found
        pause = next(pauses, None)
        if is_refused or pause is None:
            raise failure.error from failure.error.__cause__
        try:
            Deadline.current().wait(max(pause, failure.retry_after or 0.0), cause=failure.error.message)
        except PallinkError as error:
            raise _unsettled(unknown, f"{failure.error.message}; {error.message}", failure.error) from error


def _unsettled(what: str, cause: str, error: PallinkError) -> PallinkError:
    unsettled = UnsettledWriteError(f"could not determine whether {what}", cause=cause, trace=error.trace)
    return unsettled.replace(remedy=_REPEAT)


def wait_until_effective(
    grants: Grants, planned: "list[Grant]", principal: Principal, role: AssignableRole
) -> "Iterator[tuple[Grant, bool]]":
    """Yield each role assignment, and whether Azure lists it among the account's roles, as far as time allows.

    The caller's deadline limits the wait.

    Raises:
        PallinkError: The role assignments could not be read.
    """
    looks = iter(_LOOKS)
    for grant in planned:
        with waiting_for(f"the role on {grant.scope} to take effect"):
            while not (is_effective := _is_listed(grants, grant, principal, role)):
                pause = next(looks, _LOOKS[-1])
                if pause >= Deadline.current().left:
                    break
                Deadline.current().wait(pause, cause="the role assignment has not taken effect")
        yield grant, is_effective


def _is_listed(grants: Grants, grant: Grant, principal: Principal, role: AssignableRole) -> bool:
    return find_own(grants.held(principal, grant.scope), grant.scope, principal, role) is not None
