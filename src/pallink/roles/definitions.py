"""Roles, and what is known of Azure's built-in ones without reading their definitions. Pure.

The GUIDs are the same in every tenant and cloud (learn.microsoft.com/azure/role-based-access-control/built-in-roles).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pallink.roles.actions import allows_read_all


@dataclass(frozen=True, slots=True)
class Role:
    """A role, reduced to what the Reader check needs.

    Attributes:
        id: The role's GUID, in lower case.
        name: The display name.
        allows_read_all: Whether the role is as good as Reader; None if its definition could not be read.
        earns_credit: Whether the role earns partner earned credit; None if unknown.
        reason: Why the definition could not be read.
    """

    id: str
    name: str
    allows_read_all: bool | None
    earns_credit: bool | None = None
    reason: str | None = None

    @property
    def is_reader(self) -> bool:
        """Whether this is the built-in Reader role."""
        return self.id == READER.id


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission block of a role definition: `actions` without `not_actions`. A role grants all of its blocks."""

    actions: Sequence[str]
    not_actions: Sequence[str] = ()


def role_from_definition(role_id: str, name: str, permissions: Iterable[Permission]) -> Role:
    """Return the role with this definition; for a built-in one, with what is known about its credit."""
    known = KNOWN_ROLES.get(role_id.casefold())
    read_all = any(allows_read_all(permission.actions, permission.not_actions) for permission in permissions)
    return Role(role_id.casefold(), name, read_all, known.earns_credit if known else None)


READER = Role("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", allows_read_all=True, earns_credit=False)

# The least privileged role that earns partner earned credit: it only adds support requests.
CREDIT_ROLE = Role(
    "cfd33db0-3dd1-45e3-aa9d-cdbdf3b6f24e", "Support Request Contributor", allows_read_all=False, earns_credit=True
)

KNOWN_ROLES: Mapping[str, Role] = {
    role.id: role
    for role in (
        READER,
        Role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", allows_read_all=True, earns_credit=True),
        Role("b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor", allows_read_all=True, earns_credit=True),
        Role("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator", allows_read_all=True),
        Role("f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator", allows_read_all=True),
        Role("43d0d8ad-25c7-4714-9337-8ba259a9fe05", "Monitoring Reader", allows_read_all=True),
        Role("749f88d5-cbae-40b8-bcfc-e573ddc772fa", "Monitoring Contributor", allows_read_all=True),
        Role("92aaf0da-9dab-42b6-94a3-d43ce8d16293", "Log Analytics Contributor", allows_read_all=True),
        # Often mistaken for Reader.
        CREDIT_ROLE,
        Role("fa23ad8b-c56e-40d8-ac0c-ce449e1d2c64", "Billing Reader", allows_read_all=False),
    )
}
"""Built-in roles by GUID. Every other role, custom or not, is judged by its definition."""
