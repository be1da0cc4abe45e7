"""Microsoft.Authorization: which roles there are, and who holds them where."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from pallink.sandbox.arm.paging import page
from pallink.sandbox.arm.routes import ArmCall, ArmError, Route
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state import access, changes, settings
from pallink.sandbox.state.world import Role, RoleAssignment, RoleEligibility

_PROVIDER = "/providers/Microsoft.Authorization"
_ASSIGNED_ON = "2024-01-15T09:00:00.0000000Z"  # The assignments of the seeded world have always been there.

_AT_SCOPE = re.compile(r"atScope\(\)", re.IGNORECASE)
_ASSIGNED_TO = re.compile(r"(?:atScope\(\) and )?assignedTo\('([^']*)'\)", re.IGNORECASE)
_PRINCIPAL = re.compile(r"principalId eq '([^']*)'", re.IGNORECASE)
_ROLE_NAME = re.compile(r"roleName eq '([^']*)'", re.IGNORECASE)
_AT_SCOPE_AND_BELOW = re.compile(r"atScopeAndBelow\(\)", re.IGNORECASE)


def _list_assignments(call: ArmCall) -> Response:
    """Lists the role assignments at a subscription: inherited ones always, those inside it unless `atScope()` is asked.

    Which of them is the filter's matter: `assignedTo` knows of groups, `principalId eq` does not.
    """
    subscription = call.subscription()
    action = "Microsoft.Authorization/roleAssignments/read"
    inside_counts = call.state.setting(settings.INSIDE_ONLY) == "listed"
    if not (
        inside_counts and access.allows_inside(call.world, call.tenant, call.account.object_id, action, subscription)
    ):
        _require(call, action, subscription.scope)
    chosen = _assignment_filter(call)
    found = list(access.assignments_above(call.tenant, subscription))
    if not (call.filter or "").lower().startswith("atscope()"):
        found += access.assignments_below(call.tenant, subscription)
    return json_response(200, page(call, [_assignment(each) for each in found if chosen(each)]))


def _create_assignment(call: ArmCall) -> Response:
    """Gives a role; who asks needs to be allowed to, as Owner and the administrators of access are."""
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
        raise ArmError(400, "InvalidCreateRoleAssignmentRequest", str(error)) from error
    if assignment.name != call.parameters["name"].lower():
        raise ArmError(409, "RoleAssignmentExists", f"The role assignment already exists. The ID is {assignment.name}.")
    return json_response(201, _assignment(assignment))


def _assignment_filter(call: ArmCall) -> Callable[[RoleAssignment], bool]:
    if call.filter is None or _AT_SCOPE.fullmatch(call.filter):
        return lambda _: True
    if match := _ASSIGNED_TO.fullmatch(call.filter):
        held = access.principals(call.tenant, match[1])
        return lambda assignment: assignment.principal_id in held
    if match := _PRINCIPAL.fullmatch(call.filter):
        principal_id = match[1].lower()
        return lambda assignment: assignment.principal_id == principal_id
    raise _unsupported_filter(call.filter)


def _assignment(assignment: RoleAssignment) -> dict[str, Any]:
    # A role definition is named below the subscription it was assigned in, or at the tenant where it was inherited.
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
        roles = tuple(each for each in roles if each.name.lower() == match[1].lower())
    elif call.filter is not None and not _AT_SCOPE_AND_BELOW.fullmatch(call.filter):
        raise _unsupported_filter(call.filter)
    return json_response(200, {"value": [_definition(role, scope) for role in roles]})


def _get_definition(call: ArmCall) -> Response:
    scope = _definition_scope(call)
    role_id = call.parameters["role"]
    role = call.world.role(role_id)
    if role is None or (role.is_custom and role not in call.tenant.custom_roles):
        raise ArmError(
            404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{role_id}' does not exist."
        )
    return json_response(200, _definition(role, scope))


def _definition_scope(call: ArmCall) -> str:
    """Returns the scope to name a definition by; at the tenant's level everybody may read them."""
    scope = _scope_of(call)
    if scope == access.ROOT_SCOPE:
        return ""
    _require(call, "Microsoft.Authorization/roleDefinitions/read", scope)
    return scope


def _scope_of(call: ArmCall) -> str:
    """Returns the scope that the path begins with.

    Raises:
        ArmError: There is no such scope.
    """
    if "subscription" in call.parameters:
        scope = call.subscription().scope
        return f"{scope}/resourceGroups/{call.parameters['group']}" if "group" in call.parameters else scope
    if "management" in call.parameters:
        name = call.parameters["management"].lower()
        for group in call.tenant.management_groups:
            if group.name.lower() == name:
                return group.scope
        raise ArmError(404, "NotFound", f"The management group '{name}' cannot be found.")
    return access.ROOT_SCOPE


def _subscription_prefix(scope: str) -> str:
    """Returns the scope of the subscription that a scope is or is inside of, and nothing for one above."""
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
    """Lists the roles that the caller could activate, by itself or through a group."""
    if call.filter is not None and call.filter.lower() != "astarget()":
        raise _unsupported_filter(call.filter)
    held = access.principals(call.tenant, call.account.object_id)
    found = [each for each in call.tenant.role_eligibilities if each.principal_id in held]
    return json_response(200, page(call, [_eligibility(call, each) for each in found]))


def _eligibility(call: ArmCall, eligibility: RoleEligibility) -> dict[str, Any]:
    role = call.world.role(eligibility.role_id)
    scope = eligibility.scope
    names = {each.scope: each.display_name for each in call.tenant.subscriptions}
    names |= {each.scope: each.display_name for each in call.tenant.management_groups}
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
    """Activates a role that the caller is eligible for. Here it needs nobody's approval, and never expires."""
    scope = _scope_of(call)
    properties = _properties(call)
    if properties.get("requestType") != "SelfActivate":
        raise ArmError(400, "InvalidRequest", "The sandbox knows no request but SelfActivate.")
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
        raise ArmError(400, "RoleEligibilityDoesNotExist", str(error)) from error
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
    """Returns the `properties` of the body.

    Raises:
        ArmError: It has none.
    """
    try:
        properties = json.loads(call.call.request.body)["properties"]
    except (ValueError, KeyError, TypeError):
        properties = None
    if not isinstance(properties, dict):
        raise ArmError(400, "InvalidRequestContent", "The request content was invalid: it has no properties.")
    return properties


def _require(call: ArmCall, action: str, scope: str) -> None:
    if not access.allows_at(call.world, call.tenant, call.account.object_id, action, scope):
        raise call.forbidden(action, scope)


def _unsupported_filter(text: str) -> ArmError:
    return ArmError(400, "UnsupportedFilter", f"The filter '{text}' is not supported.")


_READS = {"x-ms-ratelimit-remaining-subscription-reads": "249"}
_TENANT_READS = {"x-ms-ratelimit-remaining-tenant-reads": "249"}
_API_VERSIONS = ("2022-04-01",)
_DEFINITION_API_VERSIONS = ("2022-05-01-preview", *_API_VERSIONS)  # az asks with the former.
_PIM_API_VERSIONS = ("2020-10-01",)
_NAMESPACE = "/providers/microsoft.authorization"

# Every kind of scope that a role can be given at, and the header that counts its reads.
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
    Route(
        f"/subscriptions/{{subscription}}{_NAMESPACE}/roleassignments",
        {"GET": _list_assignments},
        _API_VERSIONS,
        _READS,
    ),
    Route(f"{_NAMESPACE}/roleeligibilityscheduleinstances", {"GET": _list_eligible}, _PIM_API_VERSIONS, _TENANT_READS),
    *(route for scope, reads in _SCOPES for route in _routes(scope, reads)),
)
