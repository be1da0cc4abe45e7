"""Gateway to what an account sees of a tenant: its name, the subscriptions, the role assignments that count for it."""

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from azure.mgmt.resource.subscriptions import SubscriptionClient

from pallink.account import Account, is_guid
from pallink.azure.errors import asking
from pallink.errors import UnexpectedAnswerError
from pallink.roles import EligibleRole, Permission, Role, RoleAssignment, Subscription, role_from_definition

if TYPE_CHECKING:
    from azure.mgmt.authorization import AuthorizationManagementClient

# The versions of the API that are asked; None stands for all that are not named.
_API_VERSIONS = {None: "2022-04-01", "role_eligibility_schedule_instances": "2020-10-01"}

# What is nice to know is asked once, and no answer waited for longer than 10 seconds.
_FOR_PEOPLE_ONLY: dict[str, Any] = {"retry_total": 0, "connection_timeout": 4.0, "read_timeout": 6.0}

# A tenant of 10,000 subscriptions has some tens.
_MAX_PAGES = 1000

_ENABLED_STATES = frozenset({"enabled", "warned", "pastdue"})


class RoleAssignments:
    """Reads subscriptions and role assignments with the account's own token; Reader contains the right to do so.

    Args:
        client: makes a client of the SDK's, on the guarded transport.
        account: whose roles they are.
        host: the Resource Manager's origin, for messages.
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
        """The SDK's authorization client, made when it is first used: 30 ms for those alone who ask about roles."""
        with self._lock:
            if self._authorization_client is None:
                self._authorization_client = self._client(_authorization_client)
            return self._authorization_client

    def subscriptions(self) -> list[Subscription]:
        """Every subscription that the account sees; none means that it holds no role anywhere.

        Raises:
            PallinkError: they cannot be read.
        """
        with asking("listing the subscriptions", self._host) as options:
            return [
                Subscription(
                    id=_subscription_id(each.subscription_id),
                    name=_text(each.display_name) or each.subscription_id,
                    enabled=str(getattr(each.state, "value", each.state)).casefold() in _ENABLED_STATES,
                )
                for each in _every(self._subscriptions.subscriptions.list(**options))
            ]

    def assignments(self, subscription: Subscription, *, inside: bool = False) -> list[RoleAssignment]:
        """The account's role assignments at a subscription: inherited ones and those through nested groups included.

        Args:
            subscription: which one.
            inside: also those on what is inside it, as on a resource group.

        Raises:
            PallinkError: no answer; `AccessDeniedError` where the account may not read them.
        """
        only_own = f"assignedTo('{self._account.object_id}')"
        scope = f"subscriptions/{subscription.id}"
        condition = only_own if inside else f"atScope() and {only_own}"
        with asking(f"reading the role assignments on subscription {subscription.name}", self._host) as options:
            return [
                RoleAssignment(
                    role_definition_id=_text(each.role_definition_id) or "",
                    scope=_text(each.scope) or "",
                    principal_id=_text(each.principal_id) or "",
                    condition=_text(each.condition),
                )
                for each in _every(
                    self._authorization.role_assignments.list_for_scope(scope, filter=condition, **options)
                )
            ]

    def role(self, role_id: str, scope: str) -> Role:
        """The role with this GUID, by its definition as it is known at a scope.

        Raises:
            PallinkError: no answer; `AccessDeniedError` where the account may not read it.
        """
        with asking(f"reading the definition of role {role_id}", self._host) as options:
            found = self._authorization.role_definitions.get(scope.strip("/"), role_id, **options)
            permissions = [
                Permission(_texts(each.actions), _texts(each.not_actions)) for each in found.permissions or ()
            ]
            return role_from_definition(role_id, _text(found.role_name) or role_id, permissions)

    def eligible(self) -> list[EligibleRole]:
        """What the account could activate in Privileged Identity Management: itself or through a group.

        Asked at the tenant's root, because an account that is only eligible sees no subscription.

        Raises:
            PallinkError: it cannot be read.
        """
        with asking("reading the eligible roles", self._host) as options:
            return [
                EligibleRole(
                    role_definition_id=_text(each.role_definition_id) or "",
                    scope=_text(each.scope) or "",
                    principal_id=_text(each.principal_id) or "",
                    schedule_id=_text(each.role_eligibility_schedule_id),
                    role_name=_display_name(each, "role_definition"),
                    scope_name=_display_name(each, "scope"),
                    condition=_text(each.condition),
                )
                for each in _every(
                    self._authorization.role_eligibility_schedule_instances.list_for_scope(
                        "", filter="asTarget()", **options
                    )
                )
            ]

    def tenant_name(self) -> str | None:
        """The tenant's display name, else its domain; None where Resource Manager does not tell.

        Raises:
            PallinkError: the tenants cannot be read.
        """
        with asking("reading the tenant's name", self._host) as options:
            for tenant in _every(self._subscriptions.tenants.list(**_FOR_PEOPLE_ONLY, **options)):
                if (_text(tenant.tenant_id) or "").casefold() == self._account.tenant_id.casefold():
                    return _text(tenant.display_name) or _text(tenant.default_domain)
        return None


def _authorization_client(*, credential: Any, **options: Any) -> "AuthorizationManagementClient":
    """The client's own subscription is not used: scopes are named with each request."""
    from azure.mgmt.authorization import AuthorizationManagementClient  # noqa: PLC0415

    return AuthorizationManagementClient(credential, "", profile=_API_VERSIONS, **options)


def _display_name(instance: Any, what: str) -> str | None:
    name = getattr(getattr(instance.expanded_properties, what, None), "display_name", None)
    return name if isinstance(name, str) and name else None


def _every(paged: Any) -> Iterator[Any]:
    """The entries of all pages.

    Raises:
        UnexpectedAnswerError: a page leads back to an earlier one, or there is no end of them.
    """
    pages = paged.by_page()
    seen: set[str] = set()
    for page in pages:
        yield from page
        following = pages.continuation_token
        if following in seen or len(seen) >= _MAX_PAGES:
            raise UnexpectedAnswerError(
                "a list of Azure's never ends",
                cause="a page of it leads back to an earlier one"
                if following in seen
                else f"it has more than {_MAX_PAGES} pages",
                remedy="try again; if it stays so, run the command with --debug and look at the answers",
            )
        if following:
            seen.add(following)


# The SDK hands on whatever type an answer has. What is raised here is told as an answer that cannot be understood.


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    raise TypeError("a number, a list or an object where there should be a text")


def _texts(values: Any) -> list[str]:
    return [text for each in values or () if (text := _text(each))]


def _subscription_id(value: Any) -> str:
    """A GUID: it becomes a part of addresses."""
    if isinstance(value, str) and is_guid(value):
        return value
    raise ValueError("a subscription without an ID")
