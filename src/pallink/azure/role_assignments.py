"""Gateway to what an account sees of a tenant: its name, the subscriptions, the role assignments that count for it."""

from typing import Any

from azure.core.exceptions import AzureError, DeserializationError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.resource.subscriptions import SubscriptionClient

from pallink.account import Account
from pallink.azure.failures import explain
from pallink.reader_role import EligibleRole, Permission, Role, RoleAssignment, Subscription, defined_role

# The versions of the API that are asked; None stands for all that are not named.
_API_VERSIONS = {None: "2022-04-01", "role_eligibility_schedule_instances": "2020-10-01"}

_ENABLED_STATES = frozenset({"enabled", "warned", "pastdue"})


class RoleAssignments:
    """Reads subscriptions and role assignments with the account's own token; Reader contains the right to do so.

    Args:
        subscriptions: the SDK's subscription client, on the guarded transport.
        authorization: the SDK's authorization client, on the same.
        account: whose roles they are.
        host: the Resource Manager's origin, for messages.
    """

    def __init__(
        self,
        subscriptions: SubscriptionClient,
        authorization: AuthorizationManagementClient,
        account: Account,
        host: str,
    ) -> None:
        self._subscriptions = subscriptions
        self._authorization = authorization
        self._account = account
        self._host = host

    def subscriptions(self) -> list[Subscription]:
        """Every subscription that the account sees; none means that it holds no role anywhere.

        Raises:
            PallinkError: they cannot be read.
        """
        try:
            return [
                Subscription(
                    id=each.subscription_id or "",
                    name=each.display_name or each.subscription_id or "",
                    enabled=str(getattr(each.state, "value", each.state)).casefold() in _ENABLED_STATES,
                )
                for each in self._subscriptions.subscriptions.list()
            ]
        except (AzureError, DeserializationError) as error:
            raise explain(error, doing="listing the subscriptions", host=self._host) from error

    def assignments(self, subscription: Subscription, *, inside: bool = False) -> list[RoleAssignment]:
        """The account's role assignments at a subscription: inherited ones and those through nested groups included.

        Args:
            subscription: which one.
            inside: also those on what is inside it, as on a resource group.

        Raises:
            PallinkError: no answer; `AccessDeniedError` where the account may not read them.
        """
        only_own = f"assignedTo('{self._account.object_id}')"
        try:
            return [
                RoleAssignment(
                    role_definition_id=each.role_definition_id or "",
                    scope=each.scope or "",
                    principal_id=each.principal_id or "",
                    condition=each.condition,
                )
                for each in self._authorization.role_assignments.list_for_scope(
                    f"subscriptions/{subscription.id}", filter=only_own if inside else f"atScope() and {only_own}"
                )
            ]
        except (AzureError, DeserializationError) as error:
            doing = f"reading the role assignments on subscription {subscription.name}"
            raise explain(error, doing=doing, host=self._host) from error

    def role(self, role_id: str, scope: str) -> Role:
        """The role with this GUID, by its definition as it is known at a scope.

        Raises:
            PallinkError: no answer; `AccessDeniedError` where the account may not read it.
        """
        try:
            found = self._authorization.role_definitions.get(scope.strip("/"), role_id)
        except (AzureError, DeserializationError) as error:
            raise explain(error, doing=f"reading the definition of role {role_id}", host=self._host) from error
        permissions = [Permission(each.actions or (), each.not_actions or ()) for each in found.permissions or ()]
        return defined_role(role_id, found.role_name or role_id, permissions)

    def eligible(self) -> list[EligibleRole]:
        """What the account could activate in Privileged Identity Management: itself or through a group.

        Asked at the tenant's root, because an account that is only eligible sees no subscription.

        Raises:
            PallinkError: it cannot be read.
        """
        try:
            return [
                EligibleRole(
                    role_definition_id=each.role_definition_id or "",
                    scope=each.scope or "",
                    principal_id=each.principal_id or "",
                    schedule_id=each.role_eligibility_schedule_id,
                    role_name=_display_name(each, "role_definition"),
                    scope_name=_display_name(each, "scope"),
                    condition=each.condition,
                )
                for each in self._authorization.role_eligibility_schedule_instances.list_for_scope(
                    "", filter="asTarget()"
                )
            ]
        except (AzureError, DeserializationError) as error:
            raise explain(error, doing="reading the eligible roles", host=self._host) from error

    def tenant_name(self) -> str | None:
        """The tenant's display name, else its domain; None where Resource Manager does not tell.

        Raises:
            PallinkError: the tenants cannot be read.
        """
        try:
            for tenant in self._subscriptions.tenants.list():
                if (tenant.tenant_id or "").casefold() == self._account.tenant_id.casefold():
                    return tenant.display_name or tenant.default_domain
        except (AzureError, DeserializationError) as error:
            raise explain(error, doing="reading the tenant's name", host=self._host) from error
        return None


def authorization_client(*, credential: Any, **options: Any) -> AuthorizationManagementClient:
    """The SDK's authorization client. Its own subscription is not used: scopes are named with each request."""
    return AuthorizationManagementClient(credential, "", profile=_API_VERSIONS, **options)


def _display_name(instance: Any, what: str) -> str | None:
    name = getattr(getattr(instance.expanded_properties, what, None), "display_name", None)
    return name if isinstance(name, str) and name else None
