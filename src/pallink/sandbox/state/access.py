"""Azure role-based access control: which role assignments count where, and what they allow. Pure."""

import re
from collections.abc import Iterator

from pallink.sandbox.state.world import Role, RoleAssignment, Subscription, Tenant, World

ROOT_SCOPE = "/"


def principals(tenant: Tenant, object_id: str) -> frozenset[str]:
    """Returns the object IDs that an account holds roles by: its own and its groups', nested ones too."""
    found = {object_id.lower()}
    while groups := {group.object_id for group in tenant.groups if found.intersection(group.members)} - found:
        found |= groups
    return frozenset(found)


def scopes_above(tenant: Tenant, subscription: Subscription) -> tuple[str, ...]:
    """Returns the scopes that a subscription inherits from, nearest first: itself, management groups, the root."""
    management_groups = {group.name: group for group in tenant.management_groups}
    scopes = [subscription.scope]
    name: str | None = subscription.management_group
    while name is not None:
        scopes.append(management_groups[name].scope)
        name = management_groups[name].parent
    return (*scopes, ROOT_SCOPE)


def assignments_above(tenant: Tenant, subscription: Subscription) -> Iterator[RoleAssignment]:
    """Yields the role assignments that count at a subscription: made there or inherited."""
    scopes = {scope.lower() for scope in scopes_above(tenant, subscription)}
    return (each for each in tenant.role_assignments if each.scope.lower() in scopes)


def assignments_below(tenant: Tenant, subscription: Subscription) -> Iterator[RoleAssignment]:
    """Yields the role assignments made at what is inside a subscription: a resource group, a resource."""
    inside = f"{subscription.scope}/".lower()
    return (each for each in tenant.role_assignments if each.scope.lower().startswith(inside))


def is_visible(tenant: Tenant, object_id: str, subscription: Subscription) -> bool:
    """Tells whether an account sees a subscription: by any role, at it, above it or below it."""
    held = principals(tenant, object_id)
    return any(
        each.principal_id in held
        for assignments in (assignments_above(tenant, subscription), assignments_below(tenant, subscription))
        for each in assignments
    )


def scopes_at(tenant: Tenant, scope: str) -> tuple[str, ...] | None:
    """Returns the scopes that any scope inherits from, itself first, in lower case; None when it is not in the tenant.

    Args:
        tenant: Where.
        scope: The tenant's root, a management group, a subscription, or a path inside a subscription.
    """
    parts = scope.lower().strip("/").split("/")
    match parts:
        case [""]:
            return (ROOT_SCOPE,)
        case ["providers", "microsoft.management", "managementgroups", name]:
            groups = {group.name.lower(): group for group in tenant.management_groups}
            found = []
            group = groups.get(name)
            if group is None:
                return None
            while group is not None:
                found.append(group.scope.lower())
                group = groups[group.parent.lower()] if group.parent else None
            return (*found, ROOT_SCOPE)
        case ["subscriptions", subscription_id, *inside]:
            subscription = tenant.subscription(subscription_id)
            if subscription is None:
                return None
            nested = (f"{subscription.scope}/{'/'.join(inside[:end])}" for end in range(len(inside), 0, -1))
            return (*nested, *map(str.lower, scopes_above(tenant, subscription)))
        case _:
            return None


def allows(world: World, tenant: Tenant, object_id: str, action: str, subscription: Subscription) -> bool:
    """Tells whether the roles that an account holds at a subscription allow an action there."""
    return allows_at(world, tenant, object_id, action, subscription.scope)


def allows_at(world: World, tenant: Tenant, object_id: str, action: str, scope: str) -> bool:
    """Tells whether the roles that an account holds at a scope of the tenant, or above it, allow an action there."""
    scopes = scopes_at(tenant, scope) or ()
    held = principals(tenant, object_id)
    return any(
        (role := world.role(assignment.role_id)) is not None and role_allows(role, action)
        for assignment in tenant.role_assignments
        if assignment.principal_id in held and assignment.scope.lower() in scopes
    )


def allows_inside(world: World, tenant: Tenant, object_id: str, action: str, subscription: Subscription) -> bool:
    """Tells whether a role that an account holds at something inside a subscription allows an action there."""
    held = principals(tenant, object_id)
    return any(
        (role := world.role(assignment.role_id)) is not None and role_allows(role, action)
        for assignment in assignments_below(tenant, subscription)
        if assignment.principal_id in held
    )


def role_allows(role: Role, action: str) -> bool:
    """Tells whether a role has an action among its actions and not among its notActions."""
    return _matches(role.actions, action) and not _matches(role.not_actions, action)


def _matches(patterns: tuple[str, ...], action: str) -> bool:
    """Tells whether a pattern fits an action; a `*` stands for any text, slashes included."""
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), action, re.IGNORECASE) for pattern in patterns
    )
