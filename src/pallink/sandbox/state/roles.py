"""Roles, and who holds them where: definitions, assignments, eligibilities and delegations."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """A role definition.

    Attributes:
        id: The GUID.
        name: The name, such as `Reader`.
        description: The description.
        actions: Patterns of the actions that it allows.
        not_actions: Patterns of the actions that it excludes from `actions`.
        is_custom: Whether it is a custom role.
    """

    id: str
    name: str
    description: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    is_custom: bool = False


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """A role assignment.

    Attributes:
        name: The name, a GUID.
        principal_id: The object ID of the account or group.
        principal_type: Azure's type of principal: `User`, `Group` or `ServicePrincipal`.
        role_id: The GUID of the role.
        scope: The scope.
        condition: The condition (ABAC); None if there is none.
        description: The description; None if there is none.
        created_on: When it was created, in seconds since the epoch; None: long ago.
    """

    name: str
    principal_id: str
    principal_type: str
    role_id: str
    scope: str
    condition: str | None = None
    description: str | None = None
    created_on: int | None = None


@dataclass(frozen=True, slots=True)
class RoleEligibility:
    """A role that a principal can activate in Privileged Identity Management, and does not hold until then.

    Attributes:
        name: The name, a GUID.
        principal_id: The object ID of the account or group.
        principal_type: Azure's type of principal: `User`, `Group` or `ServicePrincipal`.
        role_id: The GUID of the role.
        scope: The scope.
    """

    name: str
    principal_id: str
    principal_type: str
    role_id: str
    scope: str


@dataclass(frozen=True, slots=True)
class Delegation:
    """A subscription that another tenant manages through Azure Lighthouse, and who may do what there.

    Attributes:
        subscription_id: The subscription ID.
        managing_tenant_id: The ID of the tenant that manages it.
        principal_id: The object ID of the account or group of that tenant.
        role_id: The GUID of the role.
    """

    subscription_id: str
    managing_tenant_id: str
    principal_id: str
    role_id: str
