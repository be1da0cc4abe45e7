"""What can be changed in the world: roles are given and activated, subscriptions are added.

The commands of `pallink sandbox` do it as administrators would, and the API on behalf of its callers.
"""

from typing import Any
from uuid import UUID, uuid4, uuid5

from pallink.sandbox.state.access import principals, scopes_at
from pallink.sandbox.state.store import State
from pallink.sandbox.state.world import Role, RoleAssignment, RoleEligibility, Tenant

_GROWN = UUID("6f4c9f0e-62d1-4c5e-8d0e-0d6a3f4b7a11")  # Grown subscriptions get the same IDs in every sandbox.


def assign(
    state: State, *, principal_id: str, role: str, scope: str | None = None, name: str | None = None
) -> RoleAssignment:
    """Gives a role to an account or a group; where it already has it there, nothing is changed.

    Args:
        state: The sandbox's.
        principal_id: Object ID of the account or group.
        role: Name or GUID.
        scope: Where; None for the tenant's first subscription that is enabled.
        name: GUID of the role assignment; None for a new one.

    Raises:
        ValueError: There is no such account, group, role or scope; the message says which.
    """
    tenant = _tenant_of(state, principal_id)
    role_id = _role(state, tenant, role).id
    scope = _scope(tenant, scope)
    if (existing := _assigned(tenant, principal_id, role_id, scope)) is not None:
        return existing
    entry = {"name": name or str(uuid4()), "principal": principal_id.lower(), "role": role_id, "scope": scope}

    def change(data: dict[str, Any]) -> None:
        (own,) = [each for each in data["tenants"] if each["id"] == tenant.id]
        own.setdefault("role_assignments", []).append(entry)

    state.change_world(change)
    found = _assigned(_tenant_of(state, principal_id), principal_id, role_id, scope)
    assert found is not None  # noqa: S101 - It was just made.
    return found


def activate(
    state: State, *, account_id: str, role: str, scope: str, name: str | None = None
) -> tuple[RoleEligibility, RoleAssignment]:
    """Activates a role that an account is eligible for, by itself or through a group. It stays active.

    Args:
        state: The sandbox's.
        account_id: Object ID of the account, which will hold the role.
        role: Name or GUID.
        scope: Where it is eligible.
        name: GUID of the role assignment; None for a new one.

    Raises:
        ValueError: It is not eligible for that, or there is no such account, role or scope.
    """
    tenant = _tenant_of(state, account_id)
    wanted = _role(state, tenant, role)
    held = principals(tenant, account_id)
    for each in tenant.role_eligibilities:
        if each.principal_id in held and each.role_id == wanted.id and each.scope.lower() == scope.lower():
            return each, assign(state, principal_id=account_id, role=wanted.id, scope=each.scope, name=name)
    raise ValueError(f"The account '{account_id}' is not eligible for the role '{wanted.name}' at '{scope}'.")


def grow(state: State, count: int, *, management_group: str = "workloads") -> int:
    """Makes the number of generated subscriptions just so high, in the first tenant that has the management group.

    Returns:
        How many subscriptions that tenant has then.

    Raises:
        ValueError: There is no such management group.
    """
    total = 0

    def change(data: dict[str, Any]) -> None:
        nonlocal total
        for tenant in data["tenants"]:
            if management_group in [each["name"] for each in tenant.get("management_groups", ())]:
                generated = [
                    {
                        "id": str(uuid5(_GROWN, f"{tenant['id']}/{number}")),
                        "display_name": f"Generated {number:0{len(str(count))}}",
                        "management_group": management_group,
                        "generated": True,
                    }
                    for number in range(1, count + 1)
                ]
                tenant["subscriptions"] = [
                    each for each in tenant.get("subscriptions", ()) if not each.get("generated")
                ] + generated
                total = len(tenant["subscriptions"])
                return
        raise ValueError(f"The world knows no management group named '{management_group}'.")

    state.change_world(change)
    return total


def _tenant_of(state: State, principal_id: str) -> Tenant:
    wanted = principal_id.lower()
    for tenant in state.world.tenants:
        if tenant.account(wanted) or wanted in [group.object_id for group in tenant.groups]:
            return tenant
    raise ValueError(f"The world knows no account or group with the object ID '{principal_id}'.")


def _role(state: State, tenant: Tenant, role: str) -> Role:
    for each in (*state.world.roles, *tenant.custom_roles):
        if role.lower() in {each.id, each.name.lower()}:
            return each
    raise ValueError(f"The world knows no role named '{role}'.")


def _scope(tenant: Tenant, scope: str | None) -> str:
    if scope is None:
        for subscription in tenant.subscriptions:
            if subscription.state == "Enabled":
                return subscription.scope
        raise ValueError(f"The tenant '{tenant.display_name}' has no subscription that is enabled.")
    if scopes_at(tenant, scope) is None:
        raise ValueError(f"The tenant '{tenant.display_name}' has no scope '{scope}'.")
    return "/" + scope.strip("/")


def _assigned(tenant: Tenant, principal_id: str, role_id: str, scope: str) -> RoleAssignment | None:
    wanted = (principal_id.lower(), role_id, scope.lower())
    for each in tenant.role_assignments:
        if (each.principal_id, each.role_id, each.scope.lower()) == wanted and not each.condition:
            return each
    return None
