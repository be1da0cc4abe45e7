"""Microsoft.Authorization: role definitions and eligibilities; role assignments are a module of their own."""

import re
from collections.abc import Iterator
from typing import Any

from pallink.sandbox.arm import role_assignments
from pallink.sandbox.arm.paging import page
from pallink.sandbox.arm.routes import ArmCall, Route
from pallink.sandbox.arm.scopes import (
    LONG_AGO,
    NAMESPACE,
    PROVIDER,
    SCOPES,
    TENANT_READS,
    properties_of,
    require,
    scope_of,
    subscription_prefix,
    unsupported_filter,
)
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state import access, changes
from pallink.sandbox.state.roles import Role, RoleEligibility

_ROLE_NAME = re.compile(r"roleName eq '([^']*)'", re.IGNORECASE)
_AT_SCOPE_AND_BELOW = re.compile(r"atScopeAndBelow\(\)", re.IGNORECASE)


def _list_definitions(call: ArmCall) -> Response:
    scope = _definition_scope(call)
    roles = (*call.world.roles, *call.tenant.custom_roles)
    if match := _ROLE_NAME.fullmatch(call.filter or ""):
        roles = tuple(role for role in roles if role.name.lower() == match[1].lower())
    elif call.filter is not None and not _AT_SCOPE_AND_BELOW.fullmatch(call.filter):
        raise unsupported_filter(call.filter)
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
    scope = scope_of(call)
    if scope == access.ROOT_SCOPE:
        return ""
    require(call, "Microsoft.Authorization/roleDefinitions/read", scope)
    return scope


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
        "id": f"{scope}{PROVIDER}/roleDefinitions/{role.id}",
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.id,
    }


def _list_eligible(call: ArmCall) -> Response:
    """List the roles that the caller is eligible for, directly or through a group."""
    if call.filter is not None and call.filter.lower() != "astarget()":
        raise unsupported_filter(call.filter)
    principal_ids = access.principals(call.tenant, call.account.object_id)
    eligibilities = [item for item in call.tenant.role_eligibilities if item.principal_id in principal_ids]
    return json_response(200, page(call, [_eligibility(call, item) for item in eligibilities]))


def _eligibility(call: ArmCall, eligibility: RoleEligibility) -> dict[str, Any]:
    role = call.world.role(eligibility.role_id)
    scope = eligibility.scope
    names = {subscription.scope: subscription.display_name for subscription in call.tenant.subscriptions}
    names |= {group.scope: group.display_name for group in call.tenant.management_groups}
    path = f"{scope.rstrip('/')}{PROVIDER}"
    definition = f"{subscription_prefix(scope)}{PROVIDER}/roleDefinitions/{eligibility.role_id}"
    return {
        "properties": {
            "roleEligibilityScheduleId": f"{path}/roleEligibilitySchedules/{eligibility.name}",
            "scope": scope,
            "roleDefinitionId": definition,
            "principalId": eligibility.principal_id,
            "principalType": eligibility.principal_type,
            "status": "Provisioned",
            "startDateTime": LONG_AGO,
            "endDateTime": None,
            "memberType": "Group" if eligibility.principal_type == "Group" else "Direct",
            "createdOn": LONG_AGO,
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
    scope = scope_of(call)
    properties = properties_of(call)
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
            "id": f"{scope.rstrip('/')}{PROVIDER}/roleAssignmentScheduleRequests/{name}",
            "type": "Microsoft.Authorization/roleAssignmentScheduleRequests",
            "name": name,
        },
    )


_DEFINITION_API_VERSIONS = ("2022-05-01-preview", "2022-04-01")  # az uses the preview.
_PIM_API_VERSIONS = ("2020-10-01",)


def _routes() -> Iterator[Route]:
    eligible = f"{NAMESPACE}/roleeligibilityscheduleinstances"
    yield Route(eligible, {"GET": _list_eligible}, _PIM_API_VERSIONS, TENANT_READS)
    for scope, reads in SCOPES:
        path = f"{scope}{NAMESPACE}"
        yield Route(f"{path}/roledefinitions", {"GET": _list_definitions}, _DEFINITION_API_VERSIONS, reads)
        yield Route(f"{path}/roledefinitions/{{role}}", {"GET": _get_definition}, _DEFINITION_API_VERSIONS, reads)
        request = f"{path}/roleassignmentschedulerequests/{{name}}"
        yield Route(request, {"PUT": _request_assignment}, _PIM_API_VERSIONS)


ROUTES = (*_routes(), *role_assignments.ROUTES)
