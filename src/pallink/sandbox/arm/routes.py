"""What the resource providers share: routes and authenticated calls."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pallink.sandbox.call import Call
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.http.messages import Response
from pallink.sandbox.state import access
from pallink.sandbox.state.store import State
from pallink.sandbox.state.world import Account, Subscription, Tenant, World


@dataclass(frozen=True, slots=True)
class ArmCall:
    """A call with a valid token.

    Attributes:
        call: The call.
        tenant: The tenant of the token.
        account: The account of the token, in that tenant.
        parameters: The values of the route's parameters.
    """

    call: Call
    tenant: Tenant
    account: Account
    parameters: Mapping[str, str]

    @property
    def state(self) -> State:
        """The sandbox's state, within the request's transaction."""
        return self.call.state

    @property
    def now(self) -> datetime:
        """The current time (UTC)."""
        return self.call.now

    @property
    def world(self) -> World:
        """The emulated tenants, roles and partners."""
        return self.call.state.world

    @property
    def filter(self) -> str | None:
        """The OData filter; None if there is none."""
        return self.call.request.query.get("$filter")

    def subscription(self) -> Subscription:
        """Return the subscription that the path names: of the caller's tenant, or delegated to the caller.

        Raises:
            ApiError: The subscription is unknown, or belongs to another tenant.
        """
        subscription_id = self.parameters["subscription"]
        if subscription := self.tenant.subscription(subscription_id):
            return subscription
        for delegated in access.delegated_subscriptions(self.world, self.tenant, self.account.object_id):
            if delegated.id == subscription_id.lower():
                return delegated
        owner = next((tenant for tenant in self.world.tenants if tenant.subscription(subscription_id)), None)
        if owner is None:
            raise ApiError(404, "SubscriptionNotFound", f"The subscription '{subscription_id}' could not be found.")
        origin = self.call.request.origin
        raise ApiError(
            401,
            "InvalidAuthenticationTokenTenant",
            f"The access token is from the wrong issuer '{origin}/{self.tenant.id}/'. It must match the tenant "
            f"'{origin}/{owner.id}/' associated with this subscription. Please use the authority (URL) "
            f"'{origin}/{owner.id}' to get the token.",
            {"WWW-Authenticate": f'Bearer authorization_uri="{origin}/{owner.id}", error="invalid_token"'},
        )

    def forbidden(self, action: str, scope: str) -> ApiError:
        """Return the error for an action that the caller's roles do not allow at a scope."""
        return ApiError(
            403,
            "AuthorizationFailed",
            f"The client '{self.account.name}' with object id '{self.account.object_id}' does not have authorization "
            f"to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently "
            "granted, please refresh your credentials.",
        )


Handler = Callable[[ArmCall], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """A path and its handlers.

    Attributes:
        path: The path, in lower case; a segment in braces is a parameter.
        methods: The handler of each HTTP method.
        api_versions: The supported api-versions, newest first.
        headers: Headers of every response, errors included.
    """

    path: str
    methods: Mapping[str, Handler]
    api_versions: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """Return the values of the parameters; None for another path."""
        parts = self.path.strip("/").split("/")
        if len(parts) != len(segments):
            return None
        parameters = {}
        for part, segment in zip(parts, segments, strict=True):
            if part.startswith("{"):
                parameters[part.strip("{}")] = segment
            elif part != segment.lower():
                return None
        return parameters


def provider_of(segments: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the provider namespace and the resource type of a path, as written; None for a path without a provider."""
    names = [segment.lower() for segment in segments]
    if "providers" not in names:
        return None
    # The last provider counts: the scope of a management group begins with another one.
    rest = segments[len(names) - names[::-1].index("providers") :]
    return (*rest, "", "")[0], (*rest, "", "")[1]
