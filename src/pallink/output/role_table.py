"""The tables of `pallink role`: who, where, and one line for each role assignment; for a fleet, a cell an account."""

from collections.abc import Iterator

from pallink.fleet.result import EntryResult
from pallink.fleet.role_run import RoleEntryResult
from pallink.links.model import Action
from pallink.output.table import Row
from pallink.role_result import RoleResult, RoleRow
from pallink.roles.assignments import split_scope
from pallink.roles.scopes import Scope

# As in `/subscriptions/ID`.
_SUBSCRIPTION_SEGMENTS = 2


def role_rows(result: RoleResult) -> Iterator[Row]:
    """Yield the rows of a result, the administrator first."""
    administrator, tenant_id = result.administrator, result.administrator.tenant_id
    yield Row("administrator", f"{administrator.name} ({administrator.kind})")
    yield Row("tenant", f"{result.tenant_name} ({tenant_id})" if result.tenant_name else tenant_id)
    yield Row("account", str(result.principal))
    if not result.rows:
        yield Row("roles", "none where the administrator may look")
    for number, row in enumerate(result.rows):
        status = "bad" if row.effective is False else "good" if row.action and not result.dry_run else ""
        details = _details(row, is_planned=bool(result.dry_run))
        yield Row("" if number else "roles", f"{row.role_name} on {row.scope_name}{details}", status)
    if result.dry_run:
        yield Row("result", "dry run: nothing was written")


def role_cell(result: EntryResult) -> str:
    """Return the role of one account of a fleet, and where, in a few words."""
    proposal = result.proposal if isinstance(result, RoleEntryResult) else None
    if proposal is None:
        return ""
    return f"{proposal.role.name} on {', '.join(_short(grant.scope) for grant in proposal.planned)}"


def _short(scope: Scope) -> str:
    """Return a scope in words; a subscription by its name alone, if that is known."""
    is_named = scope.subscription_name is not None and len(split_scope(scope.id)) == _SUBSCRIPTION_SEGMENTS
    return str(scope.subscription_name) if is_named else str(scope)


_PLANNED = {Action.CREATED: "to create", Action.DELETED: "to delete"}


def _details(row: RoleRow, *, is_planned: bool) -> str:
    action = _PLANNED[row.action] if is_planned and row.action in _PLANNED else row.action
    text = f": {action}" if action else ""
    if row.effective is not None:
        text += ", in effect" if row.effective else ", not in effect yet"
    if row.group_id is not None:
        text += f", through group {row.group_id}"
    if row.assignment is not None and row.assignment.condition:
        text += ", under a condition"
    return text
