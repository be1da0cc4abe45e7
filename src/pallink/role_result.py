"""What `pallink role` proposes, and what it found or did: one flat object with a list of role assignments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pallink.account import Account
from pallink.errors import PallinkError, UnreachableError
from pallink.links.model import Action
from pallink.result import Json
from pallink.roles.assignments import RoleAssignment, last_segment
from pallink.roles.grant import AssignableRole, Grant, Principal, role_name_of
from pallink.roles.grant_write import MAX_WAIT


@dataclass(frozen=True, slots=True)
class RoleProposal:
    """The role assignments that are about to be created or removed, to be confirmed.

    Attributes:
        administrator: The account that signed in.
        tenant_name: The tenant's display name; None if it could not be read.
        principal: The account that they are for.
        role: The role.
        planned: What is done on each scope.
    """

    administrator: Account
    tenant_name: str | None
    principal: Principal
    role: AssignableRole
    planned: tuple[Grant, ...]

    @property
    def changes(self) -> tuple[Grant, ...]:
        """What is done, without what is unchanged."""
        return tuple(grant for grant in self.planned if grant.action is not Action.UNCHANGED)


ConfirmRoles = Callable[[RoleProposal], bool]
OnWrite = Callable[[Grant | None], None]


@dataclass(frozen=True, kw_only=True)
class RoleRow:
    """One role assignment, and what was done about it.

    Attributes:
        scope: The scope, as in `/subscriptions/ID`.
        scope_name: The scope in words.
        role_id: The role's GUID.
        role_name: The role's name; its GUID if the name is not known.
        assignment: The role assignment; None if there is none, as after a dry run.
        action: `created`, `unchanged` or `deleted`; None if nothing was asked for.
        effective: Whether Azure lists it among the account's roles; None if pallink did not wait for it.
        group_id: The object ID of the group through which the account holds it; None if it is the account's own.
    """

    scope: str
    scope_name: str
    role_id: str
    role_name: str
    assignment: RoleAssignment | None = None
    action: Action | None = None
    effective: bool | None = None
    group_id: str | None = None

    @classmethod
    def of(cls, grant: Grant, role: AssignableRole) -> "RoleRow":
        """Return the row of what is planned or done on one scope."""
        return cls(
            scope=grant.scope.id,
            scope_name=str(grant.scope),
            role_id=role.id,
            role_name=role.name,
            assignment=grant.existing,
            action=grant.action,
        )

    @classmethod
    def held(cls, assignment: RoleAssignment, principal: Principal, scope_name: str) -> "RoleRow":
        """Return the row of a role assignment that was found."""
        is_own = assignment.principal_id.casefold() == principal.object_id.casefold()
        return cls(
            scope=assignment.scope,
            scope_name=scope_name,
            role_id=last_segment(assignment.role_definition_id),
            role_name=role_name_of(assignment.role_definition_id),
            assignment=assignment,
            group_id=None if is_own else assignment.principal_id,
        )

    def as_dict(self) -> Json:
        """Return the fields that every command has."""
        assignment = self.assignment
        return {
            "scope": self.scope,
            "scopeName": self.scope_name,
            "roleDefinitionId": self.role_id,
            "roleDefinitionName": self.role_name,
            "id": assignment.id if assignment else None,
            "name": last_segment(assignment.id) if assignment and assignment.id else None,
            "condition": assignment.condition if assignment else None,
        }


@dataclass(frozen=True, kw_only=True)
class RoleResult:
    """The roles of one account, as the administrator who signed in sees or changed them.

    Attributes:
        cloud: The cloud's name or URL.
        administrator: The account that signed in.
        tenant_name: The tenant's display name; None if it could not be read.
        principal: The account that the roles are for.
        rows: The role assignments.
        dry_run: Whether nothing was written; None for a command that never writes.
        warnings: What a person should know although nothing failed; not part of the object.
    """

    cloud: str
    administrator: Account
    principal: Principal
    tenant_name: str | None = None
    rows: Sequence[RoleRow] = ()
    dry_run: bool | None = None
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> Json:
        """Return the object: plain values, always the same fields in the same order."""
        principal = self.principal
        return {
            **administrator_fields(self.cloud, self.administrator, self.tenant_name),
            "principalId": principal.object_id,
            "principalName": principal.name,
            "principalType": principal.type or self._type_by_service(),
            **({} if self.dry_run is None else {"dryRun": self.dry_run}),
            "assignments": [self._assignment(row) for row in self.rows],
        }

    def _assignment(self, row: RoleRow) -> Json:
        if self.dry_run is None:
            return row.as_dict() | {"groupId": row.group_id}
        return row.as_dict() | {"action": str(row.action), "effective": row.effective}

    def _type_by_service(self) -> str | None:
        own = [row.assignment for row in self.rows if row.group_id is None and row.assignment is not None]
        return next((assignment.principal_type for assignment in own if assignment.principal_type), None)


def administrator_fields(cloud: str, administrator: Account, tenant_name: str | None) -> Json:
    """Return the fields that say who signed in."""
    return {
        "cloud": cloud,
        "account": administrator.name,
        "accountKind": administrator.kind.value,
        "objectId": administrator.object_id,
        "tenantId": administrator.tenant_id,
        "tenantName": tenant_name,
    }


def with_changes(error: PallinkError, done: Sequence[Grant]) -> PallinkError:
    """Return an error with what was changed before it as warnings."""
    changed = [f"{grant.action} on {grant.scope}" for grant in done if grant.action is not Action.UNCHANGED]
    return error.replace(warnings=(*error.warnings, *changed))


def late_error(result: RoleResult) -> UnreachableError | None:
    """Return the error for role assignments that did not take effect while pallink waited; None without any."""
    late = [row.scope_name for row in result.rows if row.effective is False]
    if not late:
        return None
    return UnreachableError(
        f"the role has not taken effect within {MAX_WAIT / 60:.0f} minutes on {', '.join(late)}",
        cause="it is assigned, but Azure does not list it among the account's roles yet",
        remedy="run the command again: it changes nothing, and waits again",
    )
