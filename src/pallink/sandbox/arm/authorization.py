"""Microsoft.Authorization: role definitions, role assignments and eligibilities."""

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from pallink.sandbox.arm.paging import page
from pallink.sandbox.arm.routes import ArmCall, Route
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state import access, changes, settings
from pallink.sandbox.state.roles import Role, RoleAssignment, RoleEligibility

_PROVIDER = "/providers/Microsoft.Authorization"
_ASSIGNED_ON = "2024-01-15T09:00:00.0000000Z"  # Of every assignment: the sandbox stores no time.

_AT_SCOPE = re.compile(r"atScope\(\)", re.IGNORECASE)
_ASSIGNED_TO = re.compile(r"(?:atScope\(\) and )?assignedTo\('([^']*)'\)", re.IGNORECASE)
_PRINCIPAL = re.compile(r"principalId eq '([^']*)'", re.IGNORECASE)
_ROLE_NAME = re.compile(r"roleName eq '([^']*)'", re.IGNORECASE)
_AT_SCOPE_AND_BELOW = re.compile(r"atScopeAndBelow\(\)", re.IGNORECASE)


def _list_assignments(call: ArmCall) -> Response:
    """List the role assignments of a subscription or resource group: inherited ones, and without `atScope()` inside it.

    The filter `assignedTo` includes the assignments of the principal's groups, `principalId eq` does not.
    """
    scope = _scope_of(call)
    _check_resource_group(call)
    action = "Microsoft.Authorization/roleAssignments/read"
    role_inside_suffices = "group" not in call.parameters and call.state.setting(settings.INSIDE_ONLY) == "listed"
    if not (
        role_inside_suffices
        and access.allows_inside(call.world, call.tenant, call.account.object_id, action, call.subscription())
    ):
        _require(call, action, scope)
    held = _filtered_principals(call)
    assignments = list(access.assignments_at(call.tenant, scope, held=held))
    if not (call.filter or "").lower().startswith("atscope()"):
        assignments += access.assignments_inside(call.tenant, scope, held=held)
    return json_response(200, page(call, [_assignment(item) for item in assignments]))


def _check_resource_group(call: ArmCall) -> None:
    """Refuse a resource group that does not exist.

    Raises:
        ApiError: 404 ResourceGroupNotFound.
    """
    name = call.parameters.get("group")
    if name is None:
        return
    existing = access.resource_groups(call.tenant, call.subscription())
    if name.lower() not in [group.lower() for group in existing]:
        raise ApiError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")


def _create_assignment(call: ArmCall) -> Response:
    """Create a role assignment; the caller needs a role that allows it, such as Owner."""
    scope = _scope_of(call)
    _require(call, "Microsoft.Authorization/roleAssignments/write", scope)
    properties = _properties(call)
    try:
        assignment = changes.assign(
            call.state,
            principal_id=str(properties.get("principalId", "")),
            role=str(properties.get("roleDefinitionId", "")).rpartition("/")[2],
            scope=scope,
            name=call.parameters["name"].lower(),
        )
    except ValueError as error:
        raise ApiError(400, "InvalidCreateRoleAssignmentRequest", str(error)) from error
    if assignment.name != call.parameters["name"].lower():
        raise ApiError(409, "RoleAssignmentExists", f"The role assignment already exists. The ID is {assignment.name}.")
    return json_response(201, _assignment(assignment))


def _filtered_principals(call: ArmCall) -> Collection[str] | None:
    """Return the object IDs that the filter names; None if it names none."""
    if call.filter is None or _AT_SCOPE.fullmatch(call.filter):
        return None
    if match := _ASSIGNED_TO.fullmatch(call.filter):
        return access.principals(call.tenant, match[1])
    if match := _PRINCIPAL.fullmatch(call.filter):
        return {match[1].lower()}
    raise _unsupported_filter(call.filter)


def _assignment(assignment: RoleAssignment) -> dict[str, Any]:
    # The ID of the role definition is below the subscription of the assignment, or at the tenant for one above.
    prefix = _subscription_prefix(assignment.scope)
    scope = assignment.scope.rstrip("/")
    return {
        "properties": {
            "roleDefinitionId": f"{prefix}{_PROVIDER}/roleDefinitions/{assignment.role_id}",
            "principalId": assignment.principal_id,
            "principalType": assignment.principal_type,
            "scope": assignment.scope,
            "condition": assignment.condition,
            "conditionVersion": "2.0" if assignment.condition else None,
            "createdOn": _ASSIGNED_ON,
            "updatedOn": _ASSIGNED_ON,
            "createdBy": None,
            "updatedBy": None,
            "delegatedManagedIdentityResourceId": None,
            "description": None,
        },
        "id": f"{scope}{_PROVIDER}/roleAssignments/{assignment.name}",
        "type": "Microsoft.Authorization/roleAssignments",
        "name": assignment.name,
    }


def _list_definitions(call: ArmCall) -> Response:
    scope = _definition_scope(call)
    roles = (*call.world.roles, *call.tenant.custom_roles)
    if match := _ROLE_NAME.fullmatch(call.filter or ""):
        roles = tuple(role for role in roles if role.name.lower() == match[1].lower())
    elif call.filter is not None and not _AT_SCOPE_AND_BELOW.fullmatch(call.filter):
        raise _unsupported_filter(call.filter)
    return json_response(200, {"value": [_definition(role, scope) for role in roles]})


def _get_definition(call: ArmCall) -> Response:
    scope = _definition_scope(call)
    role_id = call.parameters["role"]
    role = call.world.role(role_id)
    if role is None or (role.is_custom and role not in call.tenant.custom_roles):
        raise ApiError(
            404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{role_id}' does not exist."
        )
    return json_response(200, _definition(role, scope))


def _definition_scope(call: ArmCall) -> str:
    """Return the scope in the ID of a definition; at the tenant's level no role is needed to read it."""
    scope = _scope_of(call)
    if scope == access.ROOT_SCOPE:
        return ""
    _require(call, "Microsoft.Authorization/roleDefinitions/read", scope)
    return scope


def _scope_of(call: ArmCall) -> str:
    """Return the scope that the path begins with.

    Raises:
        ApiError: The scope is unknown.
    """
    if "subscription" in call.parameters:
        scope = call.subscription().scope
        return f"{scope}/resourceGroups/{call.parameters['group']}" if "group" in call.parameters else scope
    if "management" in call.parameters:
        name = call.parameters["management"].lower()
        for group in call.tenant.management_groups:
            if group.name.lower() == name:
                return group.scope
        raise ApiError(404, "NotFound", f"The management group '{name}' cannot be found.")
    return access.ROOT_SCOPE


def _subscription_prefix(scope: str) -> str:
    """Return the subscription's part of a scope; empty for a scope above subscriptions."""
    parts = scope.split("/")
    return "/".join(parts[:3]).lower() if parts[1:2] == ["subscriptions"] else ""


def _definition(role: Role, scope: str) -> dict[str, Any]:
    return {
        "properties": {
            "roleName": role.name,
            "type": "CustomRole" if role.is_custom else "BuiltInRole",
            "description": role.description,
            "assignableScopes": ["/"],
            "permissions": [
                {
                    "actions": list(role.actions),
                    "notActions": list(role.not_actions),
                    "dataActions": [],
                    "notDataActions": [],
                }
            ],
            "createdOn": "2015-02-02T21:55:09.8806423Z",
            "updatedOn": "2021-11-11T20:13:47.8628684Z",
            "createdBy": None,
            "updatedBy": None,
        },
        "id": f"{scope}{_PROVIDER}/roleDefinitions/{role.id}",
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.id,
    }


def _list_eligible(call: ArmCall) -> Response:
    """List the roles that the caller is eligible for, directly or through a group."""
    if call.filter is not None and call.filter.lower() != "astarget()":
        raise _unsupported_filter(call.filter)
    principal_ids = access.principals(call.tenant, call.account.object_id)
    eligibilities = [item for item in call.tenant.role_eligibilities if item.principal_id in principal_ids]
    return json_response(200, page(call, [_eligibility(call, item) for item in eligibilities]))


def _eligibility(call: ArmCall, eligibility: RoleEligibility) -> dict[str, Any]:
    role = call.world.role(eligibility.role_id)
    scope = eligibility.scope
    names = {subscription.scope: subscription.display_name for subscription in call.tenant.subscriptions}
    names |= {group.scope: group.display_name for group in call.tenant.management_groups}
    path = f"{scope.rstrip('/')}{_PROVIDER}"
    definition = f"{_subscription_prefix(scope)}{_PROVIDER}/roleDefinitions/{eligibility.role_id}"
    return {
        "properties": {
            "roleEligibilityScheduleId": f"{path}/roleEligibilitySchedules/{eligibility.name}",
            "scope": scope,
            "roleDefinitionId": definition,
            "principalId": eligibility.principal_id,
            "principalType": eligibility.principal_type,
            "status": "Provisioned",
            "startDateTime": _ASSIGNED_ON,
            "endDateTime": None,
            "memberType": "Group" if eligibility.principal_type == "Group" else "Direct",
            "createdOn": _ASSIGNED_ON,
            "condition": None,
            "conditionVersion": None,
            "expandedProperties": {
                "principal": {"id": eligibility.principal_id, "type": eligibility.principal_type},
                "roleDefinition": {"id": definition, "displayName": role.name if role else "", "type": "BuiltInRole"},
                "scope": {"id": scope, "displayName": names.get(scope, scope.rpartition("/")[2])},
            },
        },
        "id": f"{path}/roleEligibilityScheduleInstances/{eligibility.name}",
        "type": "Microsoft.Authorization/roleEligibilityScheduleInstances",
        "name": eligibility.name,
    }


def _request_assignment(call: ArmCall) -> Response:
    """Activate a role that the caller is eligible for; in the sandbox without approval, and for good."""
    scope = _scope_of(call)
    properties = _properties(call)
    if properties.get("requestType") != "SelfActivate":
        raise ApiError(400, "InvalidRequest", "The sandbox supports only SelfActivate requests.")
    if str(properties.get("principalId", "")).lower() != call.account.object_id:
        raise call.forbidden("Microsoft.Authorization/roleAssignmentScheduleRequests/write", scope)
    try:
        changes.activate(
            call.state,
            account_id=call.account.object_id,
            role=str(properties.get("roleDefinitionId", "")).rpartition("/")[2],
            scope=scope,
        )
    except ValueError as error:
        raise ApiError(400, "RoleEligibilityDoesNotExist", str(error)) from error
    name = call.parameters["name"].lower()
    return json_response(
        201,
        {
            "properties": {**properties, "scope": scope, "status": "Provisioned"},
            "id": f"{scope.rstrip('/')}{_PROVIDER}/roleAssignmentScheduleRequests/{name}",
            "type": "Microsoft.Authorization/roleAssignmentScheduleRequests",
            "name": name,
        },
    )


def _properties(call: ArmCall) -> dict[str, Any]:
    """Return the `properties` of the body.

    Raises:
        ApiError: The body has no properties.
    """
    try:
        properties = json.loads(call.call.request.body)["properties"]
    except (ValueError, KeyError, TypeError):
        properties = None
    if not isinstance(properties, dict):
        raise ApiError(400, "InvalidRequestContent", "The request content was invalid: it has no properties.")
    return properties


def _require(call: ArmCall, action: str, scope: str) -> None:
    if not access.allows_at(call.world, call.tenant, call.account.object_id, action, scope):
        raise call.forbidden(action, scope)


def _unsupported_filter(text: str) -> ApiError:
    return ApiError(400, "UnsupportedFilter", f"The filter '{text}' is not supported.")


_READS = {"x-ms-ratelimit-remaining-subscription-reads": "249"}
_TENANT_READS = {"x-ms-ratelimit-remaining-tenant-reads": "249"}
_API_VERSIONS = ("2022-04-01",)
_DEFINITION_API_VERSIONS = ("2022-05-01-preview", *_API_VERSIONS)  # az uses the preview.
_PIM_API_VERSIONS = ("2020-10-01",)
_NAMESPACE = "/providers/microsoft.authorization"

# The kinds of scope that have role assignments, and the rate limit header of their reads.
_SCOPES = (
    ("/subscriptions/{subscription}", _READS),
    ("/subscriptions/{subscription}/resourcegroups/{group}", _READS),
    ("/providers/microsoft.management/managementgroups/{management}", _TENANT_READS),
    ("", _TENANT_READS),
)


def _routes(scope: str, reads: dict[str, str]) -> Iterator[Route]:
    path = f"{scope}{_NAMESPACE}"
    yield Route(f"{path}/roledefinitions", {"GET": _list_definitions}, _DEFINITION_API_VERSIONS, reads)
    yield Route(f"{path}/roledefinitions/{{role}}", {"GET": _get_definition}, _DEFINITION_API_VERSIONS, reads)
    yield Route(f"{path}/roleassignments/{{name}}", {"PUT": _create_assignment}, _API_VERSIONS)
    yield Route(f"{path}/roleassignmentschedulerequests/{{name}}", {"PUT": _request_assignment}, _PIM_API_VERSIONS)


ROUTES = (
    *(
        Route(f"{scope}{_NAMESPACE}/roleassignments", {"GET": _list_assignments}, _API_VERSIONS, reads)
        for scope, reads in _SCOPES
        if "{subscription}" in scope
    ),
    Route(f"{_NAMESPACE}/roleeligibilityscheduleinstances", {"GET": _list_eligible}, _PIM_API_VERSIONS, _TENANT_READS),
    *(route for scope, reads in _SCOPES for route in _routes(scope, reads)),
)
