"""Microsoft.Authorization: which roles there are, and who holds them where."""

import re
from collections.abc import Callable
from typing import Any

from pallink.sandbox import access
from pallink.sandbox.arm import ArmCall, ArmError, Route
from pallink.sandbox.messages import Response, json_response
from pallink.sandbox.world import Role, RoleAssignment, Subscription

_PROVIDER = "/providers/Microsoft.Authorization"
_ASSIGNED_ON = "2024-01-15T09:00:00.0000000Z"  # The assignments of the seeded world have always been there.

_AT_SCOPE = re.compile(r"atScope\(\)", re.IGNORECASE)
_ASSIGNED_TO = re.compile(r"(?:atScope\(\) and )?assignedTo\('([^']*)'\)", re.IGNORECASE)
_PRINCIPAL = re.compile(r"principalId eq '([^']*)'", re.IGNORECASE)
_AT_SCOPE_AND_BELOW = re.compile(r"atScopeAndBelow\(\)", re.IGNORECASE)


def _list_assignments(call: ArmCall) -> Response:
    """Lists the role assignments at a subscription: inherited ones always, those inside it unless `atScope()` is asked.

    Which of them is the filter's matter: `assignedTo` knows of groups, `principalId eq` does not.
    """
    subscription = call.subscription()
    _require(call, "Microsoft.Authorization/roleAssignments/read", subscription)
    chosen = _assignment_filter(call)
    found = list(access.assignments_above(call.tenant, subscription))
    if not (call.filter or "").lower().startswith("atscope()"):
        found += access.assignments_below(call.tenant, subscription)
    return json_response(200, {"value": [_assignment(each, subscription) for each in found if chosen(each)]})


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


def _assignment(assignment: RoleAssignment, subscription: Subscription) -> dict[str, Any]:
    # A role definition is named below the subscription it was assigned in, or at the tenant where it was inherited.
    prefix = subscription.scope if assignment.scope.lower().startswith(subscription.scope) else ""
    scope = assignment.scope.rstrip("/")
    return {
        "properties": {
            "roleDefinitionId": f"{prefix}{_PROVIDER}/roleDefinitions/{assignment.role_id}",
            "principalId": assignment.principal_id,
            "principalType": assignment.principal_type,
            "scope": assignment.scope,
            "condition": None,
            "conditionVersion": None,
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
    if call.filter is not None and not _AT_SCOPE_AND_BELOW.fullmatch(call.filter):
        raise _unsupported_filter(call.filter)
    return json_response(200, {"value": [_definition(role, scope) for role in call.world.roles]})


def _get_definition(call: ArmCall) -> Response:
    scope = _definition_scope(call)
    role_id = call.parameters["role"]
    role = call.world.role(role_id)
    if role is None:
        raise ArmError(
            404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{role_id}' does not exist."
        )
    return json_response(200, _definition(role, scope))


def _definition_scope(call: ArmCall) -> str:
    """Returns the scope to name a definition by; at the tenant's level everybody may read the built-in ones."""
    if "subscription" not in call.parameters:
        return ""
    subscription = call.subscription()
    _require(call, "Microsoft.Authorization/roleDefinitions/read", subscription)
    return subscription.scope


def _definition(role: Role, scope: str) -> dict[str, Any]:
    return {
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
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
    """Lists the roles that the caller could activate: nobody here has one."""
    if call.filter is not None and call.filter.lower() != "astarget()":
        raise _unsupported_filter(call.filter)
    return json_response(200, {"value": []})


def _require(call: ArmCall, action: str, subscription: Subscription) -> None:
    if not access.allows(call.world, call.tenant, call.account.object_id, action, subscription):
        raise call.forbidden(action, subscription.scope)


def _unsupported_filter(text: str) -> ArmError:
    return ArmError(400, "UnsupportedFilter", f"The filter '{text}' is not supported.")


_READS = {"x-ms-ratelimit-remaining-subscription-reads": "249"}
_TENANT_READS = {"x-ms-ratelimit-remaining-tenant-reads": "249"}
_API_VERSIONS = ("2022-04-01",)
_OF_SUBSCRIPTION = "/subscriptions/{subscription}/providers/microsoft.authorization"
_OF_TENANT = "/providers/microsoft.authorization"

ROUTES = (
    Route(f"{_OF_SUBSCRIPTION}/roleassignments", {"GET": _list_assignments}, _API_VERSIONS, _READS),
    Route(f"{_OF_SUBSCRIPTION}/roledefinitions", {"GET": _list_definitions}, _API_VERSIONS, _READS),
    Route(f"{_OF_SUBSCRIPTION}/roledefinitions/{{role}}", {"GET": _get_definition}, _API_VERSIONS, _READS),
    Route(f"{_OF_TENANT}/roledefinitions", {"GET": _list_definitions}, _API_VERSIONS, _TENANT_READS),
    Route(f"{_OF_TENANT}/roledefinitions/{{role}}", {"GET": _get_definition}, _API_VERSIONS, _TENANT_READS),
    Route(f"{_OF_TENANT}/roleeligibilityscheduleinstances", {"GET": _list_eligible}, ("2020-10-01",), _TENANT_READS),
)
