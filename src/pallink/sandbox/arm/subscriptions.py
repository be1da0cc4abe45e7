"""Resource Manager's lists of tenants, subscriptions and resource groups, as the caller sees them."""

from typing import Any

from pallink.sandbox.arm.paging import page
from pallink.sandbox.arm.routes import ArmCall, Route
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state import access
from pallink.sandbox.state.world import Subscription, World

_API_VERSIONS = ("2022-12-01", "2022-01-01", "2021-01-01", "2020-01-01", "2019-11-01", "2019-06-01", "2016-06-01")
_GROUP_API_VERSIONS = ("2024-11-01", "2022-09-01", "2021-04-01", "2020-10-01", "2019-10-01")


def _list_tenants(call: ArmCall) -> Response:
    """List the tenants that the caller is a member or a guest of, and those that delegate a subscription to it."""
    projected = {
        item.tenant_id for item in access.delegated_subscriptions(call.world, call.tenant, call.account.object_id)
    }
    tenants = [
        {
            "id": f"/tenants/{tenant.id}",
            "tenantId": tenant.id,
            "countryCode": tenant.country_code,
            "displayName": tenant.display_name,
            "domains": list(tenant.domains),
            "tenantCategory": "Home" if is_own else "ProjectedBy",  # Of guests it is Home too.
            "defaultDomain": tenant.default_domain,
            "tenantType": "AAD",
        }
        for tenant in call.world.tenants
        if (is_own := tenant.identity_of(call.account) is not None) or tenant.id in projected
    ]
    return json_response(200, page(call, tenants))


def _visible(call: ArmCall) -> list[Subscription]:
    """Return the subscriptions that the caller sees: by a role at them, above or below them, or by a delegation."""
    object_id = call.account.object_id
    own = [item for item in call.tenant.subscriptions if access.is_visible(call.tenant, object_id, item)]
    return [*own, *access.delegated_subscriptions(call.world, call.tenant, object_id)]


def _list_subscriptions(call: ArmCall) -> Response:
    visible = [_document(call.world, subscription) for subscription in _visible(call)]
    return json_response(200, {**page(call, visible), "count": {"type": "Total", "value": len(visible)}})


def _get_subscription(call: ArmCall) -> Response:
    subscription = call.subscription()
    if subscription not in _visible(call):
        raise call.forbidden("Microsoft.Resources/subscriptions/read", subscription.scope)
    return json_response(200, _document(call.world, subscription))


def _list_resource_groups(call: ArmCall) -> Response:
    """List the resource groups that the caller may read; `$top` limits their number."""
    subscription = call.subscription()
    action = "Microsoft.Resources/subscriptions/resourceGroups/read"
    if subscription not in _visible(call):
        raise call.forbidden(action, subscription.scope)
    top = call.call.request.query.get("$top")
    if top is not None and not (top.isascii() and top.isdecimal()):
        raise ApiError(400, "InvalidTopParameter", f"The value '{top}' of $top is invalid.")
    groups = [
        {
            "id": scope,
            "name": name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": "westeurope",
            "properties": {"provisioningState": "Succeeded"},
        }
        for name in access.resource_groups(call.tenant, subscription)
        if access.allows_at(
            call.world,
            call.tenant,
            call.account.object_id,
            action,
            scope := f"{subscription.scope}/resourceGroups/{name}",
        )
    ]
    return json_response(200, page(call, groups[: None if top is None else int(top)]))


def _document(world: World, subscription: Subscription) -> dict[str, Any]:
    managing = {
        delegation.managing_tenant_id: None
        for _, delegation in world.delegations
        if delegation.subscription_id == subscription.id
    }
    return {
        "id": subscription.scope,
        "authorizationSource": "RoleBased",
        "managedByTenants": [{"tenantId": tenant_id} for tenant_id in managing],
        "subscriptionId": subscription.id,
        "tenantId": subscription.tenant_id,
        "displayName": subscription.display_name,
        "state": subscription.state,
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


_TENANT_READS = {"x-ms-ratelimit-remaining-tenant-reads": "249"}
_READS = {"x-ms-ratelimit-remaining-subscription-reads": "249"}

ROUTES = (
    Route("/tenants", {"GET": _list_tenants}, _API_VERSIONS, _TENANT_READS),
    Route("/subscriptions", {"GET": _list_subscriptions}, _API_VERSIONS, _TENANT_READS),
    Route("/subscriptions/{subscription}", {"GET": _get_subscription}, _API_VERSIONS, _READS),
    Route("/subscriptions/{subscription}/resourcegroups", {"GET": _list_resource_groups}, _GROUP_API_VERSIONS, _READS),
)
