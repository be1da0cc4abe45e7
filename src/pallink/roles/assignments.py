"""Subscriptions, and the roles that an account holds there or could activate. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription. `id` is its GUID; a disabled one can be read, but does not count."""

    id: str
    name: str
    enabled: bool = True

    @property
    def scope(self) -> str:
        """The scope that it is."""
        return f"/subscriptions/{self.id}"


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """A role assignment, as far as it matters here.

    Attributes:
        role_definition_id: the resource ID of the role's definition, in any of its forms.
        scope: where it was assigned, e.g. `/subscriptions/…` or a management group.
        principal_id: the object ID that it was assigned to: the account's own, or a group's.
        condition: restricts the role, where there is one.
    """

    role_definition_id: str
    scope: str
    principal_id: str
    condition: str | None = None

    @property
    def role_id(self) -> str:
        """The role's GUID in lower case."""
        return last_segment(self.role_definition_id)

    def is_inside(self, subscription: Subscription) -> bool:
        """Whether it was assigned on something inside the subscription, and so not on the subscription."""
        return self.scope.casefold().startswith(f"{subscription.scope}/".casefold())


@dataclass(frozen=True, slots=True)
class EligibleRole:
    """A role that the account could activate in Privileged Identity Management.

    Attributes:
        role_definition_id: as that of a role assignment.
        scope: where it would count.
        principal_id: the object ID that is eligible: the account's own, or a group's.
        schedule_id: what an activation has to name: the ID of the eligibility's schedule.
        role_name: the role's name, where the service told it.
        scope_name: the name of the subscription or management group, where the service told it.
        condition: would restrict the role, where there is one.
    """

    role_definition_id: str
    scope: str
    principal_id: str
    schedule_id: str | None = None
    role_name: str | None = None
    scope_name: str | None = None
    condition: str | None = None

    @property
    def role_id(self) -> str:
        """The role's GUID in lower case."""
        return last_segment(self.role_definition_id)

    @property
    def subscription_id(self) -> str | None:
        """The subscription that it is for; None for anything else, be it above or inside one."""
        match scope_parts(self.scope):
            case [kind, name] if kind.casefold() == "subscriptions":
                return name.casefold()
        return None

    @property
    def is_above_subscriptions(self) -> bool:
        """Whether it is for a management group or the tenant's root."""
        return "subscriptions" not in [part.casefold() for part in scope_parts(self.scope)[:1]]


def last_segment(resource_id: str) -> str:
    """The last segment of a resource ID in lower case: of a role's definition its GUID, whatever stands in front."""
    return resource_id.rstrip("/").rpartition("/")[2].casefold()


def scope_parts(scope: str) -> list[str]:
    """The segments of a scope; none for the tenant's root."""
    return [part for part in scope.split("/") if part]


def origin(scope: str) -> str:
    """Where a role was assigned, in words."""
    parts = scope_parts(scope)
    match [part.casefold() for part in parts]:
        case []:
            return "inherited from the root of the tenant"
        case ["providers", "microsoft.management", "managementgroups", _]:
            return f"inherited from management group {parts[3]}"
        case ["subscriptions", _]:
            return "assigned on the subscription"
        case ["subscriptions", _, "resourcegroups", _]:
            return f"assigned on resource group {parts[3]} only"
        case ["subscriptions", *_]:
            return f"assigned on {parts[-1]} only, inside the subscription"
        case _:
            return f"assigned at {scope}"
