"""Gateway to what an account sees of a tenant: its name, the subscriptions, the role assignments that count for it."""

from azure.core.exceptions import AzureError, DeserializationError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.resource.subscriptions import SubscriptionClient

from pallink.account import Account
from pallink.azure.failures import explain
from pallink.errors import AccessDeniedError
from pallink.reader_role import RoleAssignment, Subscription, SubscriptionVerdict, Verdict, judge

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

    def verdict(self, subscription: Subscription) -> SubscriptionVerdict:
        """The verdict on one subscription: inherited assignments and those through nested groups count.

        Raises:
            PallinkError: no answer. A refusal (403) is no error but the verdict `unknown`.
        """
        only_own = f"atScope() and assignedTo('{self._account.object_id}')"
        try:
            assignments = [
                RoleAssignment(
                    role_definition_id=each.role_definition_id or "",
                    scope=each.scope or "",
                    principal_id=each.principal_id or "",
                    condition=each.condition,
                )
                for each in self._authorization.role_assignments.list_for_scope(
                    f"subscriptions/{subscription.id}", filter=only_own
                )
            ]
        except (AzureError, DeserializationError) as error:
            explained = explain(
                error, doing=f"reading the role assignments on subscription {subscription.name}", host=self._host
            )
            if isinstance(explained, AccessDeniedError):
                return SubscriptionVerdict(subscription, Verdict.UNKNOWN, reason=explained.message)
            raise explained from error
        return judge(subscription, assignments, self._account)

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
