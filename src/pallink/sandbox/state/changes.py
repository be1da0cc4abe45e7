"""Changes: assign a role, remove an assignment, activate a role, choose a guest policy, revoke a user's sessions.

Both the commands of `pallink sandbox` and the emulated role assignment API use them.
"""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from pallink.sandbox.state.access import principal_type, principals, scopes_at
from pallink.sandbox.state.guest_policies import GuestPolicy
from pallink.sandbox.state.roles import Role, RoleAssignment, RoleEligibility
from pallink.sandbox.state.store import State
from pallink.sandbox.state.world import Tenant


def assign(
    state: State, *, principal_id: str, role: str, scope: str | None = None, name: str | None = None
) -> RoleAssignment:
    """Assign a role to an account or a group, unless the same assignment exists.

    Args:
        state: The sandbox's state.
        principal_id: The object ID of the account or group.
        role: The name or GUID of the role.
        scope: The scope; None means the tenant's first enabled subscription.
        name: The GUID of the role assignment; None generates one.

    Returns:
        The new or the existing role assignment.

    Raises:
        ValueError: The account, group, role or scope is unknown; the message says which.
    """
    tenant = _tenant_of(state, principal_id)
    role_id = _find_role(state, tenant, role).id
    scope = _resolve_scope(tenant, scope)
    if (existing := _find_assignment(tenant, principal_id, role_id, scope)) is not None:
        return existing
    assigned = RoleAssignment(
        name or str(uuid4()), principal_id.lower(), principal_type(tenant, principal_id) or "", role_id, scope
    )
    add_assignment(state, tenant.id, assigned)
    return assigned


def add_assignment(state: State, tenant_id: str, assignment: RoleAssignment) -> None:
    """Add a role assignment to a tenant.

    Raises:
        ValueError: The tenant has no such account, group or role.
    """
    entry = {
        "name": assignment.name,
        "principal": assignment.principal_id,
        "role": assignment.role_id,
        "scope": assignment.scope,
        "condition": assignment.condition,
        "description": assignment.description,
        "created_on": assignment.created_on,
    }

    def change(data: dict[str, Any]) -> None:
        _tenant_document(data, tenant_id).setdefault("role_assignments", []).append(entry)

    state.change_world(change)


def remove_assignment(state: State, tenant_id: str, name: str) -> None:
    """Remove the role assignment with a name from a tenant."""

    def change(data: dict[str, Any]) -> None:
        changed = _tenant_document(data, tenant_id)
        changed["role_assignments"] = [entry for entry in changed["role_assignments"] if entry["name"] != name]

    state.change_world(change)


def _tenant_document(data: dict[str, Any], tenant_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(document for document in data["tenants"] if document["id"] == tenant_id)
    return found


def activate(
    state: State, *, account_id: str, role: str, scope: str, name: str | None = None
) -> tuple[RoleEligibility, RoleAssignment]:
    """Activate a role that an account is eligible for, directly or through a group. It stays active until a reset.

    Args:
        state: The sandbox's state.
        account_id: The object ID of the account.
        role: The name or GUID of the role.
        scope: The scope of the eligibility.
        name: The GUID of the role assignment; None generates one.

    Returns:
        The eligibility, and the role assignment that was made of it.

    Raises:
        ValueError: The account is not eligible, or the account or role is unknown.
    """
    tenant = _tenant_of(state, account_id)
    definition = _find_role(state, tenant, role)
    held = principals(tenant, account_id)
    key = (definition.id, scope.lower())
    for eligibility in tenant.role_eligibilities:
        if eligibility.principal_id in held and (eligibility.role_id, eligibility.scope.lower()) == key:
            assignment = assign(state, principal_id=account_id, role=definition.id, scope=eligibility.scope, name=name)
            return eligibility, assignment
    raise ValueError(f"the account '{account_id}' is not eligible for the role '{definition.name}' at '{scope}'")


def set_guest_policy(state: State, policy: GuestPolicy, tenants: Sequence[str]) -> None:
    """Choose what tenants require of their guests.

    Args:
        state: The sandbox's state.
        policy: The policy.
        tenants: The IDs or domains of the tenants.

    Raises:
        ValueError: A tenant is unknown; the message says which. Nothing was changed.
    """
    found = {name: state.world.tenant(name) for name in tenants}
    for name, tenant in found.items():
        if tenant is None:
            raise ValueError(f"the sandbox has no tenant named '{name}'")
    ids = {tenant.id for tenant in found.values() if tenant is not None}

    def change(data: dict[str, Any]) -> None:
        for document in data["tenants"]:
            if document["id"] in ids:
                document["guest_policy"] = policy.value

    state.change_world(change)


def revoke_sessions(state: State, account: str, *, now: int) -> str:
    """Revoke the sessions of a user in all tenants: refresh tokens that were issued before are refused.

    Args:
        state: The sandbox's state.
        account: The UPN of the user, or the object ID in any tenant.
        now: The current time, in seconds since the epoch.

    Returns:
        The UPN of the user.

    Raises:
        ValueError: The user is unknown.
    """
    user = state.world.user(account)
    if user is None:
        raise ValueError(f"the sandbox has no user named '{account}'")
    state.revoke_sessions(user.object_id, now=now)
    return user.name


def _tenant_of(state: State, principal_id: str) -> Tenant:
    object_id = principal_id.lower()
    for tenant in state.world.tenants:
        if tenant.account(object_id) or object_id in [group.object_id for group in tenant.groups]:
            return tenant
    raise ValueError(f"the sandbox has no account or group with the object ID '{principal_id}'")


def _find_role(state: State, tenant: Tenant, name: str) -> Role:
    for role in (*state.world.roles, *tenant.custom_roles):
        if name.lower() in {role.id, role.name.lower()}:
            return role
    raise ValueError(f"the sandbox has no role named '{name}'")


def _resolve_scope(tenant: Tenant, scope: str | None) -> str:
    if scope is None:
        for subscription in tenant.subscriptions:
            if subscription.state == "Enabled":
                return subscription.scope
        raise ValueError(f"the tenant '{tenant.display_name}' has no enabled subscription")
    if scopes_at(tenant, scope) is None:
        raise ValueError(f"the tenant '{tenant.display_name}' has no scope '{scope}'")
    return "/" + scope.strip("/")


def _find_assignment(tenant: Tenant, principal_id: str, role_id: str, scope: str) -> RoleAssignment | None:
    key = (principal_id.lower(), role_id, scope.lower())
    for assignment in tenant.assignments({principal_id.lower()}):
        is_same = (assignment.principal_id, assignment.role_id, assignment.scope.lower()) == key
        if is_same and not assignment.condition:
            return assignment
    return None
