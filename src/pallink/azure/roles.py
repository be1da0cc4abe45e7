"""What the account sees of its tenant: the tenant's name, the subscriptions, and the account's role assignments."""

import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from azure.core.rest import HttpRequest
from azure.mgmt.resource.subscriptions import SubscriptionClient, models

from pallink.account import Account, is_guid
from pallink.azure.errors import explain_errors
from pallink.azure.values import items_of, name_of, text_of, texts_of
from pallink.roles import EligibleRole, Permission, Role, RoleAssignment, Subscription, role_from_definition
from pallink.tenants import Tenant

if TYPE_CHECKING:
    from azure.mgmt.authorization import AuthorizationManagementClient

# The SDK's profile: None stands for all operations that are not named.
_API_VERSIONS = {None: "2022-04-01", "role_eligibility_schedule_instances": "2020-10-01"}

# The subscriptions' client has no operation for resource groups.
_RESOURCE_GROUPS_API_VERSION = "2021-04-01"
_RESOURCE_GROUP_NAME = re.compile(r"[-\w.()]{0,89}[-\w()]")

# For what is only displayed: no retry, and at most 10 seconds.
_DISPLAY_ONLY_OPTIONS: dict[str, Any] = {"retry_total": 0, "connection_timeout": 4.0, "read_timeout": 6.0}

_ENABLED_STATES = frozenset({"enabled", "warned", "pastdue"})

# The SDK completes each of these classes when it is first used, without a lock: of two threads, one could see half of
# it and get a dict in place of an object. Here only one thread uses them, and it takes a millisecond.
for _model in (models.Subscription, models.SubscriptionPolicies, models.ManagedByTenant, models.TenantIdDescription):
    _model({})


class RoleAssignments:
    """Read subscriptions and role assignments with the account's own token. Reader permits that.

    Args:
        client: Creates a client of the SDK, given its class, on the guarded transport.
        account: The account whose roles are read.
        host: The Resource Manager's origin, for messages.
    """

    def __init__(self, client: Callable[[Callable[..., Any]], Any], account: Account, host: str) -> None:
        self._client = client
        self._subscriptions: SubscriptionClient = client(SubscriptionClient)
        self._authorization_client: AuthorizationManagementClient | None = None
        self._lock = threading.Lock()
        self._account = account
        self._host = host

    @property
    def _authorization(self) -> "AuthorizationManagementClient":
        """The SDK's authorization client, created on first use: importing it takes 30 ms."""
        with self._lock:
            if self._authorization_client is None:
                self._authorization_client = self._client(authorization_client)
            return self._authorization_client

    def subscriptions(self) -> list[Subscription]:
        """Return every subscription that the account sees. None means that it holds no role anywhere.

        Raises:
            PallinkError: The subscriptions could not be read.
        """
        with explain_errors("listing the subscriptions", self._host) as options:
            return [
                Subscription(
                    id=_subscription_id(subscription.subscription_id),
                    name=name_of(subscription.display_name) or subscription.subscription_id,
                    enabled=str(getattr(subscription.state, "value", subscription.state)).casefold() in _ENABLED_STATES,
                    tenant_id=text_of(subscription.tenant_id),
                )
                for subscription in items_of(self._subscriptions.subscriptions.list(**options))
            ]

    def resource_groups(self, subscription: Subscription, *, limit: int) -> list[str]:
        """Return the names of the resource groups that the account may read, at most `limit`; sends one request.

        Raises:
            AccessDeniedError: The account may not list them.
            PallinkError: The resource groups could not be read.
        """
        request = HttpRequest(
            "GET",
            f"/subscriptions/{subscription.id}/resourcegroups",
            params={"api-version": _RESOURCE_GROUPS_API_VERSION, "$top": limit},
        )
        with explain_errors(f"listing the resource groups of subscription {subscription.name}", self._host) as options:
            response = self._subscriptions.send_request(request, **options)
            response.raise_for_status()
            return [_resource_group_name(group["name"]) for group in response.json()["value"]][:limit]

    def assignments(
        self, subscription: Subscription, *, inside: bool = False, resource_group: str | None = None
    ) -> list[RoleAssignment]:
        """Return the account's role assignments on a subscription, including inherited ones and those through groups.

        Args:
            subscription: The subscription.
            inside: Whether to include those inside it, such as on a resource group.
            resource_group: The resource group whose role assignments are read instead, with inherited ones.

        Raises:
            AccessDeniedError: The account may not read role assignments.
            PallinkError: The role assignments could not be read.
        """
        assigned_to = f"assignedTo('{self._account.object_id}')"
        scope = f"subscriptions/{subscription.id}"
        place = f"subscription {subscription.name}"
        if resource_group is not None:
            scope += f"/resourceGroups/{quote(resource_group)}"
            place = f"resource group {resource_group}"
        condition = assigned_to if inside else f"atScope() and {assigned_to}"
        with explain_errors(f"reading the role assignments on {place}", self._host) as options:
            return [
                RoleAssignment(
                    role_definition_id=text_of(assignment.role_definition_id) or "",
                    scope=text_of(assignment.scope) or "",
                    principal_id=text_of(assignment.principal_id) or "",
                    condition=text_of(assignment.condition),
                )
                for assignment in items_of(
                    self._authorization.role_assignments.list_for_scope(scope, filter=condition, **options)
                )
            ]

    def role(self, role_id: str, scope: str) -> Role:
        """Return the role with this ID (GUID), from its definition at a scope.

        Raises:
            AccessDeniedError: The account may not read the role definition.
            PallinkError: The role definition could not be read.
        """
        with explain_errors(f"reading the definition of role {role_id}", self._host) as options:
            definition = self._authorization.role_definitions.get(scope.strip("/"), role_id, **options)
            permissions = [
                Permission(texts_of(permission.actions), texts_of(permission.not_actions))
                for permission in definition.permissions or ()
            ]
            return role_from_definition(role_id, name_of(definition.role_name) or role_id, permissions)

    def eligible(self) -> list[EligibleRole]:
        """Return the roles that the account, or a group of it, could activate in Privileged Identity Management.

        They are read at the tenant's root: an account that is only eligible sees no subscription.

        Raises:
            PallinkError: The eligible roles could not be read.
        """
        with explain_errors("reading the eligible roles", self._host) as options:
            return [
                EligibleRole(
                    role_definition_id=text_of(schedule.role_definition_id) or "",
                    scope=text_of(schedule.scope) or "",
                    principal_id=text_of(schedule.principal_id) or "",
                    schedule_id=text_of(schedule.role_eligibility_schedule_id),
                    role_name=_display_name(schedule, "role_definition"),
                    scope_name=_display_name(schedule, "scope"),
                    condition=text_of(schedule.condition),
                )
                for schedule in items_of(
                    self._authorization.role_eligibility_schedule_instances.list_for_scope(
                        "", filter="asTarget()", **options
                    )
                )
            ]

    def tenants(self) -> list[Tenant]:
        """Return every tenant that the account is in, or whose resources are delegated to its tenant.

        Raises:
            PallinkError: The tenants could not be read.
        """
        with explain_errors("listing the tenants", self._host) as options:
            return [
                Tenant(
                    id=_tenant_id(tenant.tenant_id),
                    name=name_of(tenant.display_name),
                    default_domain=name_of(tenant.default_domain),
                    category=text_of(getattr(tenant.tenant_category, "value", tenant.tenant_category)),
                    domains=tuple(texts_of(tenant.domains)),
                )
                for tenant in items_of(self._subscriptions.tenants.list(**options))
            ]

    def tenant_name(self) -> str | None:
        """Return the tenant's display name, else its default domain, else None.

        Raises:
            PallinkError: The tenants could not be read.
        """
        with explain_errors("reading the tenant's name", self._host) as options:
            for tenant in items_of(self._subscriptions.tenants.list(**_DISPLAY_ONLY_OPTIONS, **options)):
                if (text_of(tenant.tenant_id) or "").casefold() == self._account.tenant_id.casefold():
                    return name_of(tenant.display_name) or name_of(tenant.default_domain)
        return None


def authorization_client(*, credential: Any, **options: Any) -> "AuthorizationManagementClient":
    """Create the SDK's authorization client, without a subscription: each call names its scope."""
    from azure.mgmt.authorization import AuthorizationManagementClient  # noqa: PLC0415

    return AuthorizationManagementClient(credential, "", profile=_API_VERSIONS, **options)


def _display_name(schedule: Any, field: str) -> str | None:
    name = getattr(getattr(schedule.expanded_properties, field, None), "display_name", None)
    return name_of(name) if isinstance(name, str) else None


def _subscription_id(value: Any) -> str:
    """Return a subscription ID that is a GUID: it becomes part of URLs."""
    if isinstance(value, str) and is_guid(value):
        return value
    raise ValueError("a subscription without an ID")


def _tenant_id(value: Any) -> str:
    """Return a tenant ID that is a GUID: it becomes part of URLs, in the spelling of tokens."""
    if isinstance(value, str) and is_guid(value):
        return value.lower()
    raise ValueError("a tenant without an ID")


def _resource_group_name(value: Any) -> str:
    """Return the name of a resource group that is valid: it becomes part of URLs."""
    if isinstance(value, str) and _RESOURCE_GROUP_NAME.fullmatch(value):
        return value
    raise ValueError("a resource group without a name")
