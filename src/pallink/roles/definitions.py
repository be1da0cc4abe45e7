"""Roles, and what is known of Azure's built-in ones without asking. Pure.

The GUIDs are the same in every tenant and cloud (learn.microsoft.com/azure/role-based-access-control/built-in-roles).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pallink.roles.actions import holds_every_read


@dataclass(frozen=True, slots=True)
class Role:
    """A role, as far as it matters here.

    Attributes:
        id: its GUID, lower case.
        name: what people call it.
        every_read: whether it is as good as Reader; None where its definition could not be read.
        earns_credit: whether it earns partner credit; None where that is not known.
        reason: why its definition could not be read.
    """

    id: str
    name: str
    every_read: bool | None
    earns_credit: bool | None = None
    reason: str | None = None

    @property
    def is_reader(self) -> bool:
        """Whether this is Reader itself."""
        return self.id == READER.id


@dataclass(frozen=True, slots=True)
class Permission:
    """One block of a role's definition: what `actions` allow, less `not_actions`. A role has all of its blocks."""

    actions: Sequence[str]
    not_actions: Sequence[str] = ()


def defined_role(role_id: str, name: str, permissions: Iterable[Permission]) -> Role:
    """A role by its definition; where it is a built-in one, with what else is known of it."""
    known = KNOWN_ROLES.get(role_id.casefold())
    every_read = any(holds_every_read(each.actions, each.not_actions) for each in permissions)
    return Role(role_id.casefold(), name, every_read, known.earns_credit if known else None)


READER = Role("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", every_read=True, earns_credit=False)

# The least of the roles that earn partner credit: it adds nothing but support requests.
CREDIT_ROLE = Role(
    "cfd33db0-3dd1-45e3-aa9d-cdbdf3b6f24e", "Support Request Contributor", every_read=False, earns_credit=True
)

KNOWN_ROLES: Mapping[str, Role] = {
    role.id: role
    for role in (
        READER,
        Role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", every_read=True, earns_credit=True),
        Role("b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor", every_read=True, earns_credit=True),
        Role("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator", every_read=True),
        Role("f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator", every_read=True),
        Role("43d0d8ad-25c7-4714-9337-8ba259a9fe05", "Monitoring Reader", every_read=True),
        Role("749f88d5-cbae-40b8-bcfc-e573ddc772fa", "Monitoring Contributor", every_read=True),
        Role("92aaf0da-9dab-42b6-94a3-d43ce8d16293", "Log Analytics Contributor", every_read=True),
        # What people mistake for Reader.
        CREDIT_ROLE,
        Role("fa23ad8b-c56e-40d8-ac0c-ce449e1d2c64", "Billing Reader", every_read=False),
    )
}
"""By GUID. Every other role, custom ones too, is judged by its definition."""
