"""What has to be done to give an account a role at a scope, or to take it back. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from pallink.account import is_guid
from pallink.errors import ServiceError, UsageError
from pallink.links.model import Action
from pallink.roles.actions import READ_ALL, covers
from pallink.roles.assignments import RoleAssignment, last_segment
from pallink.roles.definitions import CREDIT_ROLE, KNOWN_ROLES, READER, Permission
from pallink.roles.scopes import Scope, parse_scope

DESCRIPTION = "Partner Admin Link: lets the account be recognised for a Microsoft partner. Assigned by pallink."
"""The purpose that a role assignment states, for those who review it."""

# Support requests are what earns partner earned credit, and change no resource.
_HARMLESS = (READ_ALL, "Microsoft.Support/*")
_MAX_SHOWN = 3

_DEFINITION_ID = re.compile(
    r"(?:.*/)?providers/Microsoft\.Authorization/roleDefinitions/([^/]+)", re.IGNORECASE | re.ASCII
)
_GUID_IN_TEXT = re.compile(
    r"\b([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\b", re.IGNORECASE | re.ASCII
)
_ASSIGNMENT_ID = re.compile(r"(/.+)/providers/Microsoft\.Authorization/roleAssignments/([^/]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Principal:
    """The account that gets a role.

    Attributes:
        object_id: Its object ID (GUID) in the tenant.
        type: `User` or `ServicePrincipal`; None leaves it to the service to find out.
        name: How it is shown; None if only the object ID is known.
    """

    object_id: str
    type: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        """Return the account in words."""
        return self.object_id if self.name is None else f"{self.name} (object ID {self.object_id})"


@dataclass(frozen=True, slots=True)
class AssignableRole:
    """A role that can be assigned.

    Attributes:
        id: The role's GUID, in lower case.
        name: The display name.
        writes: The actions that it allows beyond reading and support requests.
    """

    id: str
    name: str
    writes: tuple[str, ...] = ()

    def require_permission_to_write(self, *, allowed: bool) -> None:
        """Refuse a role that allows more than reading, unless that is wanted.

        Raises:
            UsageError: It allows more than reading.
        """
        if not self.writes or allowed:
            return
        more = len(self.writes) - _MAX_SHOWN
        shown = ", ".join(self.writes[:_MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
        raise UsageError(
            f"the role {self.name} allows more than reading",
            cause=f"its definition allows {shown}; Partner Admin Link needs no more than {READER.name}",
            remedy=f"assign {READER.name}, or {CREDIT_ROLE.name} for partner earned credit; or add --allow-write-role",
        )


@dataclass(frozen=True, slots=True)
class WantedRole:
    """A role as the command line names it: by its GUID, or by its name where the GUID is not known."""

    id: str | None
    name: str

    @classmethod
    def parse(cls, text: str) -> "WantedRole":
        """Return the role that a name, a GUID or the ID of a role definition means.

        Raises:
            UsageError: The text is empty, or the ID has no GUID.
        """
        text = text.strip()
        match = _DEFINITION_ID.fullmatch(text)
        role_id = match[1] if match else text
        if is_guid(role_id):
            known = KNOWN_ROLES.get(role_id.casefold())
            return cls(role_id.casefold(), known.name if known else role_id)
        if not text or "/" in text:
            raise UsageError(
                f"{text!r} is not a role",
                cause="a role is named by its name, its GUID, or the ID of its definition",
                remedy="correct --role",
            )
        for role in KNOWN_ROLES.values():
            if role.name.casefold() == text.casefold():
                return cls(role.id, role.name)
        return cls(None, text)

    @property
    def known(self) -> AssignableRole | None:
        """The role, if it is known to allow no more than reading, so that its definition need not be read."""
        return AssignableRole(self.id, self.name) if self.id in {READER.id, CREDIT_ROLE.id} else None


@dataclass(frozen=True, slots=True)
class Grant:
    """What is done about one role assignment.

    Attributes:
        action: `created`, `deleted` or `unchanged`.
        scope: Where.
        existing: The role assignment that is there; None if there is none.
    """

    action: Action
    scope: Scope
    existing: RoleAssignment | None = None


def writes_of(permissions: Iterable[Permission]) -> tuple[str, ...]:
    """Return the actions of a role definition that go beyond reading and support requests.

    What `not_actions` exclude is not subtracted: that a role cannot do everything does not make it harmless.
    """
    actions = dict.fromkeys(action for permission in permissions for action in permission.actions)
    return tuple(action for action in actions if not any(covers(pattern, action) for pattern in _HARMLESS))


def assignment_name(scope: str, principal_id: str, role_id: str) -> str:
    """Return the name (GUID) of a role assignment: the same for the same scope, account and role.

    A repeated request so cannot assign a role twice.
    """
    parts = (scope.strip("/"), principal_id, role_id)
    return str(uuid5(NAMESPACE_URL, "https://management.azure.com/" + "/".join(map(str.casefold, parts))))


def split_assignment_id(text: str) -> tuple[str, str]:
    """Return the scope and the name (GUID) of a role assignment, from its resource ID.

    Raises:
        UsageError: It is not the ID of a role assignment on a scope that pallink assigns roles on.
    """
    match = _ASSIGNMENT_ID.fullmatch(text.strip())
    if match is None or not is_guid(match[2]):
        raise UsageError(
            f"{text!r} is not the ID of a role assignment",
            cause="it must be SCOPE/providers/Microsoft.Authorization/roleAssignments/GUID",
            remedy="take the id that pallink role show -o json prints",
        )
    return parse_scope(match[1]), match[2].casefold()


def plan_assignment(scope: Scope, held: Iterable[RoleAssignment], principal: Principal, role: AssignableRole) -> Grant:
    """Return what has to be done so that the account itself has the role at a scope.

    Args:
        scope: Where.
        held: The account's role assignments there; inherited ones, and those of its groups, do not count.
        principal: The account.
        role: The role.

    Raises:
        ServiceError: It has the role there under a condition, beside which Azure accepts no other assignment.
    """
    existing = find_own(held, scope, principal, role)
    if existing is not None and existing.condition:
        raise ServiceError(
            f"{principal.name or principal.object_id} already has {role.name} on {scope}, under a condition",
            cause="Azure keeps one assignment of a role for an account and a scope",
            remedy="review the condition; then remove that assignment, and assign the role again",
        )
    return Grant(Action.UNCHANGED if existing else Action.CREATED, scope, existing)


def plan_removal(scope: Scope, held: Iterable[RoleAssignment], principal: Principal, role: AssignableRole) -> Grant:
    """Return what has to be done so that the account itself no longer has the role at a scope."""
    existing = find_own(held, scope, principal, role)
    return Grant(Action.DELETED if existing else Action.UNCHANGED, scope, existing)


def find_own(
    held: Iterable[RoleAssignment], scope: Scope, principal: Principal, role: AssignableRole
) -> RoleAssignment | None:
    """Return the assignment of a role to the account itself at a scope itself; None if there is none."""
    wanted = (principal.object_id.casefold(), role.id, scope.id.strip("/").casefold())
    return next(
        (
            item
            for item in held
            if (item.principal_id.casefold(), item.role_id, item.scope.strip("/").casefold()) == wanted
        ),
        None,
    )


def existing_name(message: str) -> str | None:
    """Return the name (GUID) of the role assignment that `RoleAssignmentExists` mentions, with hyphens or without."""
    match = _GUID_IN_TEXT.search(message)
    return "-".join(match.groups()).casefold() if match else None


def role_name_of(role_definition_id: str) -> str:
    """Return the name of a built-in role that pallink knows, else the role's GUID."""
    role_id = last_segment(role_definition_id)
    known = KNOWN_ROLES.get(role_id)
    return known.name if known else role_id
