"""Azure role-based access control: which role assignments apply where, and what they allow. Pure functions.

Where `held` is given, only the role assignments of these accounts and groups count.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from pallink.sandbox.state.conditions import condition_allows
from pallink.sandbox.state.roles import Delegation, Role, RoleAssignment
from pallink.sandbox.state.world import Subscription, Tenant, World

ROOT_SCOPE = "/"


def in_effect(tenant: Tenant, *, created_by: int) -> Tenant:
    """Return the tenant without the role assignments that were created after a time, in seconds since the epoch."""
    pending = {item for item in tenant.role_assignments if item.created_on is not None and item.created_on > created_by}
    if not pending:
        return tenant
    return replace(tenant, role_assignments=tuple(item for item in tenant.role_assignments if item not in pending))


def principals(tenant: Tenant, object_id: str) -> frozenset[str]:
    """Return the object IDs through which an account holds roles: its own, and those of its groups, nested or not."""
    held = {object_id.lower()}
    while groups := {group.object_id for group in tenant.groups if held.intersection(group.members)} - held:
        held |= groups
    return frozenset(held)


def scopes_above(tenant: Tenant, subscription: Subscription) -> tuple[str, ...]:
    """Return the scopes that apply to a subscription, nearest first: its own, its management groups', the root."""
    management_groups = {group.name: group for group in tenant.management_groups}
    scopes = [subscription.scope]
    name: str | None = subscription.management_group
    while name is not None:
        scopes.append(management_groups[name].scope)
        name = management_groups[name].parent
    return (*scopes, ROOT_SCOPE)


def assignments_above(
    tenant: Tenant, subscription: Subscription, *, held: Collection[str] | None = None
) -> Iterator[RoleAssignment]:
    """Yield the role assignments that apply to a whole subscription, assigned there or inherited."""
    scopes = {scope.lower() for scope in scopes_above(tenant, subscription)}
    return (assignment for assignment in tenant.assignments(held) if assignment.scope.lower() in scopes)


def assignments_at(tenant: Tenant, scope: str, *, held: Collection[str] | None = None) -> Iterator[RoleAssignment]:
    """Yield the role assignments that apply to a whole scope, assigned there or inherited."""
    scopes = scopes_at(tenant, scope) or ()
    return (assignment for assignment in tenant.assignments(held) if assignment.scope.lower() in scopes)


def assignments_inside(tenant: Tenant, scope: str, *, held: Collection[str] | None = None) -> Iterator[RoleAssignment]:
    """Yield the role assignments below a scope, as at a resource of a resource group."""
    prefix = f"{scope}/".lower()
    return (assignment for assignment in tenant.assignments(held) if assignment.scope.lower().startswith(prefix))


def assignments_below(
    tenant: Tenant, subscription: Subscription, *, held: Collection[str] | None = None
) -> Iterator[RoleAssignment]:
    """Yield the role assignments below a subscription: at a resource group or a resource."""
    return assignments_inside(tenant, subscription.scope, held=held)


def resource_groups(tenant: Tenant, subscription: Subscription) -> tuple[str, ...]:
    """Return the names of a subscription's resource groups: those of the world, and those that a role names."""
    names = {name.lower(): name for name in subscription.resource_groups}
    for assignment in assignments_below(tenant, subscription):
        match assignment.scope.split("/")[3:]:
            case [kind, name, *_] if kind.lower() == "resourcegroups":
                names.setdefault(name.lower(), name)
    return tuple(names.values())


def delegations(world: World, tenant: Tenant, object_id: str) -> Iterator[tuple[Subscription, Delegation]]:
    """Yield the subscriptions of other tenants that an account manages through Azure Lighthouse."""
    held = principals(tenant, object_id)
    for subscription, delegation in world.delegations:
        if delegation.managing_tenant_id == tenant.id and delegation.principal_id in held:
            yield subscription, delegation


def delegated_subscriptions(world: World, tenant: Tenant, object_id: str) -> tuple[Subscription, ...]:
    """Return the subscriptions of other tenants that an account manages through Azure Lighthouse, each once."""
    return tuple(dict.fromkeys(subscription for subscription, _ in delegations(world, tenant, object_id)))


def is_visible(tenant: Tenant, object_id: str, subscription: Subscription) -> bool:
    """Return whether an account sees a subscription: it holds any role at it, above it or below it."""
    held = principals(tenant, object_id)
    return any(
        True
        for assignments in (assignments_above, assignments_below)
        for _ in assignments(tenant, subscription, held=held)
    )


def scopes_at(tenant: Tenant, scope: str) -> tuple[str, ...] | None:
    """Return the scopes that apply to a scope, itself first, in lower case; None if it is not in the tenant.

    Args:
        tenant: The tenant.
        scope: The tenant's root, a management group, a subscription, or a path inside a subscription.
    """
    parts = scope.lower().strip("/").split("/")
    match parts:
        case [""]:
            return (ROOT_SCOPE,)
        case ["providers", "microsoft.management", "managementgroups", name]:
            groups = {group.name.lower(): group for group in tenant.management_groups}
            scopes = []
            group = groups.get(name)
            if group is None:
                return None
            while group is not None:
                scopes.append(group.scope.lower())
                group = groups[group.parent.lower()] if group.parent else None
            return (*scopes, ROOT_SCOPE)
        case ["subscriptions", subscription_id, *path]:
            subscription = tenant.subscription(subscription_id)
            if subscription is None:
                return None
            nested = (f"{subscription.scope}/{'/'.join(path[:end])}" for end in range(len(path), 0, -1))
            return (*nested, *map(str.lower, scopes_above(tenant, subscription)))
        case _:
            return None


def allows(world: World, tenant: Tenant, object_id: str, action: str, subscription: Subscription) -> bool:
    """Return whether the roles of an account at a subscription, or above it, allow an action there."""
    return allows_at(world, tenant, object_id, action, subscription.scope)


def allows_at(world: World, tenant: Tenant, object_id: str, action: str, scope: str) -> bool:
    """Return whether the roles of an account at a scope, or above it, allow an action there; so may a delegation."""
    held = principals(tenant, object_id)
    is_delegated = any(
        (role := world.role(delegation.role_id)) is not None and role_allows(role, action)
        for subscription, delegation in delegations(world, tenant, object_id)
        if f"{scope}/".lower().startswith(f"{subscription.scope}/".lower())
    )
    return is_delegated or any(
        (role := world.role(assignment.role_id)) is not None and role_allows(role, action)
        for assignment in assignments_at(tenant, scope, held=held)
    )


def conditions_allow(world: World, tenant: Tenant, object_id: str, action: str, assignment: RoleAssignment) -> bool:
    """Return whether no condition of the roles that allow an account an action is against it.

    One role without such a condition is enough.

    Args:
        world: The world.
        tenant: The tenant.
        object_id: The object ID of the account.
        action: Writing or deleting a role assignment.
        assignment: That role assignment.
    """
    attributes = {
        "RoleDefinitionId": assignment.role_id,
        "PrincipalType": assignment.principal_type,
        "PrincipalId": assignment.principal_id,
    }
    conditions = [
        item.condition
        for item in assignments_at(tenant, assignment.scope, held=principals(tenant, object_id))
        if (role := world.role(item.role_id)) is not None and role_allows(role, action)
    ]
    # Without any, a delegation allows it.
    return not conditions or any(not text or condition_allows(text, action, attributes) for text in conditions)


def principal_type(tenant: Tenant, object_id: str) -> str | None:
    """Return Azure's type of the account or group with an object ID; None if the tenant has none."""
    if account := tenant.account(object_id):
        return "User" if account.is_person else "ServicePrincipal"
    return "Group" if object_id.lower() in [group.object_id for group in tenant.groups] else None


def allows_inside(world: World, tenant: Tenant, object_id: str, action: str, subscription: Subscription) -> bool:
    """Return whether a role of an account at a resource group or resource of a subscription allows an action there."""
    held = principals(tenant, object_id)
    return any(
        (role := world.role(assignment.role_id)) is not None and role_allows(role, action)
        for assignment in assignments_below(tenant, subscription, held=held)
    )


def role_allows(role: Role, action: str) -> bool:
    """Return whether a role allows an action: its `actions` match it, and its `notActions` do not."""
    return _matches(role.actions, action) and not _matches(role.not_actions, action)


def _matches(patterns: tuple[str, ...], action: str) -> bool:
    """Return whether any pattern matches an action; `*` matches any characters, slashes included."""
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), action, re.IGNORECASE) for pattern in patterns
    )
