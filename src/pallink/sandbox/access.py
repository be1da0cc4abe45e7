"""Azure role-based access control: which role assignments count where, and what they allow. Pure."""

import re
from collections.abc import Iterator

from pallink.sandbox.world import Role, RoleAssignment, Subscription, Tenant, World

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


def allows(world: World, tenant: Tenant, object_id: str, action: str, subscription: Subscription) -> bool:
    """Tells whether the roles that an account holds at a subscription allow an action there."""
    held = principals(tenant, object_id)
    return any(
        (role := world.role(assignment.role_id)) is not None and role_allows(role, action)
        for assignment in assignments_above(tenant, subscription)
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
