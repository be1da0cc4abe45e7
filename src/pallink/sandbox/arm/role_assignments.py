"""Microsoft.Authorization/roleAssignments: list, read, create and remove role assignments.

Sources: the published swagger, and Microsoft's documentation ("Troubleshoot Azure RBAC", "Troubleshoot Azure RBAC
limits"); the messages are those that users report.
"""

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pallink.sandbox.arm.paging import page
from pallink.sandbox.arm.routes import ArmCall, Route
from pallink.sandbox.arm.scopes import (
    LONG_AGO,
    NAMESPACE,
    PROVIDER,
    SCOPES,
    check_resource_group,
    properties_of,
    require,
    scope_of,
    subscription_prefix,
    unsupported_filter,
)
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state import access, changes, settings
from pallink.sandbox.state.roles import RoleAssignment
from pallink.sandbox.state.world import Tenant

_READ = "Microsoft.Authorization/roleAssignments/read"
_WRITE = "Microsoft.Authorization/roleAssignments/write"
_DELETE = "Microsoft.Authorization/roleAssignments/delete"
_MAX_IN_MANAGEMENT_GROUP = 500

_AT_SCOPE = re.compile(r"atScope\(\)", re.IGNORECASE)
_ASSIGNED_TO = re.compile(r"(?:atScope\(\) and )?assignedTo\('([^']*)'\)", re.IGNORECASE)
_PRINCIPAL = re.compile(r"principalId eq '([^']*)'", re.IGNORECASE)


def _list_assignments(call: ArmCall) -> Response:
    """List the role assignments of a scope: inherited ones, and without `atScope()` those inside it.

    The filter `assignedTo` includes the assignments of the principal's groups, `principalId eq` does not.
    """
    scope = scope_of(call)
    check_resource_group(call)
    is_subscription = "subscription" in call.parameters and "group" not in call.parameters
    role_inside_suffices = is_subscription and call.state.setting(settings.INSIDE_ONLY) == "listed"
    if not (
        role_inside_suffices
        and access.allows_inside(call.world, call.tenant, call.account.object_id, _READ, call.subscription())
    ):
        require(call, _READ, scope)
    held = _filtered_principals(call)
    assignments = list(access.assignments_at(call.tenant, scope, held=held))
    if not (call.filter or "").lower().startswith("atscope()"):
        assignments += access.assignments_inside(call.tenant, scope, held=held)
    return json_response(200, page(call, [_assignment(item) for item in assignments]))


def _get_assignment(call: ArmCall) -> Response:
    scope = scope_of(call)
    require(call, _READ, scope)
    assignment = _find(call, scope)
    if assignment is None:
        name = call.parameters["name"]
        raise ApiError(404, "RoleAssignmentNotFound", f"The role assignment '{name}' is not found.")
    return json_response(200, _assignment(assignment))


def _create_assignment(call: ArmCall) -> Response:
    """Create a role assignment; the caller needs a role that allows it, such as Owner."""
    scope = scope_of(call)
    require(call, _WRITE, scope)
    check_resource_group(call)
    assignment = _requested(call, scope)
    _check_conditions(call, _WRITE, assignment)
    tenant = _whole_tenant(call)
    for existing in tenant.role_assignments:
        if existing.name == assignment.name and _key(existing) != _key(assignment):
            raise ApiError(
                409,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            )
        if existing.name == assignment.name:
            return json_response(201, _assignment(existing))
    for existing in tenant.assignments({assignment.principal_id}):
        if _key(existing) == _key(assignment):
            raise ApiError(
                409,
                "RoleAssignmentExists",
                "The role assignment already exists. The ID of the existing role assignment is "
                f"{existing.name.replace('-', '')}.",
            )
    _check_limit(call, tenant, scope)
    changes.add_assignment(call.state, tenant.id, assignment)
    return json_response(201, _assignment(assignment))


def _remove_assignment(call: ArmCall) -> Response:
    """Remove a role assignment; 204 if there is none."""
    scope = scope_of(call)
    require(call, _DELETE, scope)
    assignment = _find(call, scope)
    if assignment is None:
        return Response(204)
    _check_conditions(call, _DELETE, assignment)
    changes.remove_assignment(call.state, call.tenant.id, assignment.name)
    return json_response(200, _assignment(assignment))


def _requested(call: ArmCall, scope: str) -> RoleAssignment:
    """Return the role assignment that the request describes.

    Raises:
        ApiError: It is invalid, or names an unknown principal or role.
    """
    properties = properties_of(call)
    name, principal_id = call.parameters["name"], str(properties.get("principalId", "")).lower()
    role_id = str(properties.get("roleDefinitionId", "")).rpartition("/")[2].lower()
    if not _is_guid(name):
        raise ApiError(
            400, "InvalidRoleAssignmentId", f"The role assignment ID '{name}' is not valid. It must be a GUID."
        )
    if not _is_guid(principal_id):
        raise ApiError(400, "InvalidPrincipalId", "A valid principal ID must be provided for role assignment.")
    role = call.world.role(role_id)
    if role is None or (role.is_custom and role not in call.tenant.custom_roles):
        raise ApiError(
            404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{role_id}' does not exist."
        )
    principal_type = access.principal_type(call.tenant, principal_id)
    given_type = properties.get("principalType")
    if given_type not in {None, "User", "Group", "ServicePrincipal", "ForeignGroup", "Device"}:
        raise ApiError(400, "InvalidPrincipalType", f"The principal type '{given_type}' is not valid.")
    if principal_type is None:
        raise ApiError(
            400,
            "PrincipalNotFound",
            f"Principal {principal_id.replace('-', '')} does not exist in the directory {call.tenant.id}. Check that "
            "you have the correct principal ID. If you are creating this principal and then immediately assigning a "
            "role, this error might be related to a replication delay.",
        )
    if given_type not in {None, principal_type}:
        raise ApiError(
            400,
            "UnmatchedPrincipalType",
            f"The PrincipalId '{principal_id.replace('-', '')}' has type '{principal_type}' , which is different from "
            f"specified PrinciaplType '{given_type}'.",
        )
    return RoleAssignment(
        name=name.lower(),
        principal_id=principal_id,
        principal_type=principal_type,
        role_id=role.id,
        scope=scope,
        condition=_text(properties.get("condition")),
        description=_text(properties.get("description")),
        created_on=call.call.timestamp,
    )


def _check_conditions(call: ArmCall, action: str, assignment: RoleAssignment) -> None:
    """Refuse what the conditions of the caller's own roles are against.

    Raises:
        ApiError: 403 AuthorizationFailed.
    """
    caller = call.account
    if not access.conditions_allow(call.world, call.tenant, caller.object_id, action, assignment):
        raise ApiError(
            403,
            "AuthorizationFailed",
            f"The client '{caller.name}' with object id '{caller.object_id}' has an authorization with ABAC condition "
            f"that is not fulfilled to perform action '{action}' over scope '{assignment.scope}' or the scope is "
            "invalid. If access was recently granted, please refresh your credentials.",
        )


def _check_limit(call: ArmCall, tenant: Tenant, scope: str) -> None:
    """Refuse one role assignment more than a subscription or a management group may have.

    Raises:
        ApiError: 400 RoleAssignmentLimitExceeded.
    """
    top = "/".join(scope.split("/")[:3]) if "subscription" in call.parameters else scope
    limit = _MAX_IN_MANAGEMENT_GROUP
    if "subscription" in call.parameters:
        limit = int(call.state.setting(settings.ROLE_ASSIGNMENT_LIMIT))
    inside = sum(1 for _ in access.assignments_inside(tenant, top))
    own = sum(assignment.scope.lower() == top.lower() for assignment in tenant.role_assignments)
    if inside + own >= limit:
        raise ApiError(
            400,
            "RoleAssignmentLimitExceeded",
            "The role assignment limit has been exceeded. No more role assignments can be created.",
        )


def _find(call: ArmCall, scope: str) -> RoleAssignment | None:
    """Return the role assignment that the path names, whether it is in effect yet or not."""
    key = (call.parameters["name"].lower(), scope.lower())
    assignments = _whole_tenant(call).role_assignments
    return next((item for item in assignments if (item.name, item.scope.lower()) == key), None)


def _whole_tenant(call: ArmCall) -> Tenant:
    """Return the caller's tenant with the role assignments that are not in effect yet."""
    tenant = call.world.tenant(call.tenant.id)
    assert tenant is not None  # noqa: S101 - The caller is of this tenant.
    return tenant


def _key(assignment: RoleAssignment) -> tuple[str, str, str]:
    """Return what there is one role assignment of."""
    return assignment.principal_id, assignment.role_id, assignment.scope.lower()


def _filtered_principals(call: ArmCall) -> Collection[str] | None:
    """Return the object IDs that the filter names; None if it names none."""
    if call.filter is None or _AT_SCOPE.fullmatch(call.filter):
        return None
    if match := _ASSIGNED_TO.fullmatch(call.filter):
        return access.principals(call.tenant, match[1])
    if match := _PRINCIPAL.fullmatch(call.filter):
        return {match[1].lower()}
    raise unsupported_filter(call.filter)


def _assignment(assignment: RoleAssignment) -> dict[str, Any]:
    # The ID of the role definition is below the subscription of the assignment, or at the tenant for one above.
    prefix = subscription_prefix(assignment.scope)
    scope = assignment.scope.rstrip("/")
    created_on = LONG_AGO
    if assignment.created_on is not None:
        created_on = f"{datetime.fromtimestamp(assignment.created_on, UTC):%Y-%m-%dT%H:%M:%S}.0000000Z"
    return {
        "properties": {
            "roleDefinitionId": f"{prefix}{PROVIDER}/roleDefinitions/{assignment.role_id}",
            "principalId": assignment.principal_id,
            "principalType": assignment.principal_type,
            "scope": assignment.scope,
            "condition": assignment.condition,
            "conditionVersion": "2.0" if assignment.condition else None,
            "createdOn": created_on,
            "updatedOn": created_on,
            "createdBy": None,
            "updatedBy": None,
            "delegatedManagedIdentityResourceId": None,
            "description": assignment.description,
        },
        "id": f"{scope}{PROVIDER}/roleAssignments/{assignment.name}",
        "type": "Microsoft.Authorization/roleAssignments",
        "name": assignment.name,
    }


def _is_guid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


_API_VERSIONS = ("2022-04-01",)


def _routes() -> Iterator[Route]:
    for scope, reads in SCOPES:
        path = f"{scope}{NAMESPACE}/roleassignments"
        if scope:
            yield Route(path, {"GET": _list_assignments}, _API_VERSIONS, reads)
        methods = {"GET": _get_assignment, "PUT": _create_assignment, "DELETE": _remove_assignment}
        yield Route(f"{path}/{{name}}", methods, _API_VERSIONS, reads)


ROUTES = tuple(_routes())
