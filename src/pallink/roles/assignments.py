"""Subscriptions, and the roles that an account holds there or could activate. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription.

    Attributes:
        id: The subscription ID (GUID).
        name: The display name.
        enabled: Whether the subscription is enabled. A disabled one can be read, but does not count.
        tenant_id: The tenant that owns it (GUID); None if the service did not return it.
    """

    id: str
    name: str
    enabled: bool = True
    tenant_id: str | None = None

    @property
    def scope(self) -> str:
        """The scope of the subscription, `/subscriptions/ID`."""
        return f"/subscriptions/{self.id}"

    def is_delegated_to(self, tenant_id: str) -> bool:
        """Return whether another tenant than this one owns the subscription and delegates it by Azure Lighthouse."""
        return self.tenant_id is not None and self.tenant_id.casefold() != tenant_id.casefold()


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """A role assignment.

    Attributes:
        role_definition_id: The resource ID of the role definition, in any of its forms.
        scope: The scope of the assignment, such as `/subscriptions/…` or a management group.
        principal_id: The object ID of the assignee: the account itself, or a group.
        condition: The condition that restricts the assignment, or None.
        id: The resource ID of the assignment itself; None if it was not read.
        principal_type: `User`, `Group` or `ServicePrincipal`; None if the service did not return it.
    """

    role_definition_id: str
    scope: str
    principal_id: str
    condition: str | None = None
    id: str | None = None
    principal_type: str | None = None

    @property
    def role_id(self) -> str:
        """The role's GUID, in lower case."""
        return last_segment(self.role_definition_id)

    def is_inside(self, subscription: Subscription) -> bool:
        """Return whether the scope is below the subscription, such as a resource group in it."""
        return self.scope.casefold().startswith(f"{subscription.scope}/".casefold())


@dataclass(frozen=True, slots=True)
class EligibleRole:
    """A role that the account could activate in Privileged Identity Management.

    Attributes:
        role_definition_id: The resource ID of the role definition, in any of its forms.
        scope: The scope where the role would apply.
        principal_id: The object ID of the eligible principal: the account itself, or a group.
        schedule_id: The ID of the eligibility schedule, which an activation has to name.
        role_name: The role's name, if the service returned it.
        scope_name: The name of the subscription or management group, if the service returned it.
        condition: The condition that would restrict the role, or None.
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
        """The role's GUID, in lower case."""
        return last_segment(self.role_definition_id)

    @property
    def subscription_id(self) -> str | None:
        """The subscription ID, in lower case; None for a scope above or inside a subscription."""
        match split_scope(self.scope):
            case [kind, name] if kind.casefold() == "subscriptions":
                return name.casefold()
        return None

    @property
    def is_above_subscriptions(self) -> bool:
        """Whether the scope is a management group or the tenant's root."""
        return "subscriptions" not in [segment.casefold() for segment in split_scope(self.scope)[:1]]


def last_segment(resource_id: str) -> str:
    """Return the last segment of a resource ID, in lower case: for a role definition, its GUID."""
    return resource_id.rstrip("/").rpartition("/")[2].casefold()


def split_scope(scope: str) -> list[str]:
    """Return the segments of a scope; an empty list for the tenant's root."""
    return [segment for segment in scope.split("/") if segment]


def describe_part(scope: str) -> str:
    """Return in words which part of a subscription a scope inside it is."""
    *_, kind, name = ["", "", *split_scope(scope)]
    return f"resource group {name}" if kind.casefold() == "resourcegroups" else f"resource {name}"


def describe_origin(scope: str) -> str:
    """Return in words where a role was assigned."""
    segments = split_scope(scope)
    match [segment.casefold() for segment in segments]:
        case []:
            return "inherited from the root of the tenant"
        case ["providers", "microsoft.management", "managementgroups", _]:
            return f"inherited from management group {segments[3]}"
        case ["subscriptions", _]:
            return "assigned on the subscription"
        case ["subscriptions", _, "resourcegroups", _]:
            return f"assigned on resource group {segments[3]} only"
        case ["subscriptions", *_]:
            return f"assigned on {segments[-1]} only, inside the subscription"
        case _:
            return f"assigned at {scope}"
