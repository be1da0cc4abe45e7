"""What Microsoft.Authorization does at every scope: naming it, and requiring a permission there."""

import json
from collections.abc import Mapping
from typing import Any

from pallink.sandbox.arm.routes import ArmCall
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.state import access

PROVIDER = "/providers/Microsoft.Authorization"
NAMESPACE = PROVIDER.lower()
LONG_AGO = "2024-01-15T09:00:00.0000000Z"
"""When that was created whose time the sandbox does not store."""

READS = {"x-ms-ratelimit-remaining-subscription-reads": "249"}
TENANT_READS = {"x-ms-ratelimit-remaining-tenant-reads": "249"}

SCOPES: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("/subscriptions/{subscription}", READS),
    ("/subscriptions/{subscription}/resourcegroups/{group}", READS),
    ("/providers/microsoft.management/managementgroups/{management}", TENANT_READS),
    ("", TENANT_READS),
)
"""The kinds of scope, as the beginning of a route's path, and the rate limit header of their reads."""


def scope_of(call: ArmCall) -> str:
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


def check_resource_group(call: ArmCall) -> None:
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


def require(call: ArmCall, action: str, scope: str) -> None:
    """Refuse a caller whose roles do not allow an action at a scope.

    Raises:
        ApiError: 403 AuthorizationFailed.
    """
    if not access.allows_at(call.world, call.tenant, call.account.object_id, action, scope):
        raise call.forbidden(action, scope)


def properties_of(call: ArmCall) -> dict[str, Any]:
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


def subscription_prefix(scope: str) -> str:
    """Return the subscription's part of a scope; empty for a scope above subscriptions."""
    parts = scope.split("/")
    return "/".join(parts[:3]).lower() if parts[1:2] == ["subscriptions"] else ""


def unsupported_filter(text: str) -> ApiError:
    """Return the error for a filter that the sandbox does not know."""
    return ApiError(400, "UnsupportedFilter", f"The filter '{text}' is not supported.")
