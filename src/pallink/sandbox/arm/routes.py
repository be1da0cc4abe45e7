"""What the parts of Resource Manager have in common: a route, an authenticated call, an error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pallink.sandbox.call import Call
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state.store import State
from pallink.sandbox.state.world import Account, Subscription, Tenant, World


class ArmError(Exception):
    """A refusal of Resource Manager's.

    Attributes:
        status: The HTTP status.
        code: What programs go by: `AuthorizationFailed`.
        headers: What the response carries beside the body.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}

    def response(self) -> Response:
        """Returns the error as a response."""
        return json_response(self.status, {"error": {"code": self.code, "message": str(self)}}, self.headers)


@dataclass(frozen=True, slots=True)
class ArmCall:
    """A call whose token was accepted.

    Attributes:
        call: The request.
        tenant: The tenant that the token is for.
        account: Who calls, within it.
        parameters: What the path has in the places that the route leaves open.
    """

    call: Call
    tenant: Tenant
    account: Account
    parameters: Mapping[str, str]

    @property
    def state(self) -> State:
        """What the call may read and write."""
        return self.call.state

    @property
    def now(self) -> datetime:
        """When it happens (UTC)."""
        return self.call.now

    @property
    def world(self) -> World:
        """Everything that there is."""
        return self.call.state.world

    @property
    def filter(self) -> str | None:
        """The OData filter; None where there is none."""
        return self.call.request.query.get("$filter")

    def subscription(self) -> Subscription:
        """Returns the subscription of the path.

        Raises:
            ArmError: There is none with that ID, or it is another tenant's.
        """
        subscription_id = self.parameters["subscription"]
        if subscription := self.tenant.subscription(subscription_id):
            return subscription
        owner = next((each for each in self.world.tenants if each.subscription(subscription_id)), None)
        if owner is None:
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription_id}' could not be found.")
        origin = self.call.request.origin
        raise ArmError(
            401,
            "InvalidAuthenticationTokenTenant",
            f"The access token is from the wrong issuer '{origin}/{self.tenant.id}/'. It must match the tenant "
            f"'{origin}/{owner.id}/' associated with this subscription. Please use the authority (URL) "
            f"'{origin}/{owner.id}' to get the token.",
            {"WWW-Authenticate": f'Bearer authorization_uri="{origin}/{owner.id}", error="invalid_token"'},
        )

    def forbidden(self, action: str, scope: str) -> ArmError:
        """Returns the error of a caller whose roles do not allow an action at a scope."""
        return ArmError(
            403,
            "AuthorizationFailed",
            f"The client '{self.account.name}' with object id '{self.account.object_id}' does not have authorization "
            f"to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently "
            "granted, please refresh your credentials.",
        )


Handler = Callable[[ArmCall], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """What a path answers to.

    Attributes:
        path: Segments in lower case; one in braces fits any, and names it.
        methods: What each HTTP method calls.
        api_versions: Those that are known, newest first.
        headers: What each answer carries, errors included.
    """

    path: str
    methods: Mapping[str, Handler]
    api_versions: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """Returns what the path has in the places left open; None when it is another path."""
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
    """Returns the namespace and the resource type that a path is for, as written; None where no provider is named."""
    names = [segment.lower() for segment in segments]
    if "providers" not in names:
        return None
    # The last one counts: a management group's scope begins with a provider of its own.
    after = segments[len(names) - names[::-1].index("providers") :]
    return (*after, "", "")[0], (*after, "", "")[1]
