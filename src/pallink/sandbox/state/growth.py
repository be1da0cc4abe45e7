"""Generated subscriptions, tenants, applications and accounts, to rehearse large numbers with.

Their names, identifiers and secrets follow a pattern, which scripts may rely on: docs/reference/sandbox.md has it.
Functions that take `data` change the world as a dictionary, in the shape of `world.toml`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5

from pallink.sandbox.state.store import State
from pallink.sandbox.state.world import AccountKind, World

_SUBSCRIPTION_NAMESPACE = UUID("6f4c9f0e-62d1-4c5e-8d0e-0d6a3f4b7a11")
_MANAGEMENT_GROUP = "workloads"
_ROLE = "Reader"

_Tenant = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Growth:
    """How many there are that were generated.

    Attributes:
        subscriptions: The subscriptions, all in one tenant.
        tenants: The tenants, each with a subscription of its own, which does not count above.
        applications: The applications.
        accounts: The users.
    """

    subscriptions: int
    tenants: int
    applications: int
    accounts: int


@dataclass(frozen=True, slots=True)
class GeneratedAccount:
    """A generated application or user.

    Attributes:
        name: The name: `app-0001` or `user-0001`.
        account: The client ID of an application, the UPN of a user.
        tenant: The default domain of the tenant.
        client_secret: The secret of an application; None for a user.
    """

    name: str
    account: str
    tenant: str
    client_secret: str | None


def count_generated(world: World) -> Growth:
    """Return how many there are that were generated."""
    accounts = [
        account
        for tenant in world.tenants
        for account in tenant.accounts
        if account.is_generated and account.kind is not AccountKind.GUEST
    ]
    users = sum(account.is_person for account in accounts)
    return Growth(
        subscriptions=sum(item.is_generated for tenant in world.tenants for item in tenant.subscriptions),
        tenants=sum(tenant.is_generated for tenant in world.tenants),
        applications=len(accounts) - users,
        accounts=users,
    )


def list_generated(world: World) -> tuple[GeneratedAccount, ...]:
    """Return the generated applications, then the generated users, in the order of their numbers."""
    generated = [
        GeneratedAccount(account.display_name, account.name, tenant.default_domain, account.client_secret)
        for tenant in world.tenants
        for account in tenant.accounts
        if account.is_generated and account.kind is not AccountKind.GUEST
    ]
    return tuple(
        sorted(generated, key=lambda account: (account.client_secret is None, len(account.name), account.name))
    )


def grow(
    state: State,
    *,
    subscriptions: int | None = None,
    applications: int | None = None,
    accounts: int | None = None,
    tenants: int | None = None,
    guest: str | None = None,
) -> Growth:
    """Set how many subscriptions, applications, users and tenants are generated; None leaves a number as it is.

    With another number of applications, users or tenants, or another guest, all of them are generated again: a link
    stays if its account is still in the same tenant, a guest policy if its tenant stays, and roles that were assigned
    since then are lost. The guest is a user of another tenant, by UPN, and a Reader in every generated tenant.

    Returns:
        How many there are now that were generated.

    Raises:
        ValueError: The world lacks what they need: a management group, a tenant with an enabled subscription, or the
            guest and tenants for it.
    """
    before = state.world
    present = count_generated(before)

    def change(data: dict[str, Any]) -> None:
        if subscriptions is not None:
            _set_subscriptions(data, subscriptions)
        if (applications, accounts, tenants, guest) != (None, None, None, None):
            policies = {tenant["id"]: tenant["guest_policy"] for tenant in data["tenants"] if "guest_policy" in tenant}
            _remove_accounts(data)
            _add_accounts(
                data,
                applications=present.applications if applications is None else applications,
                accounts=present.accounts if accounts is None else accounts,
                tenants=present.tenants if tenants is None else tenants,
                guest=(generated_guest(before) if tenants != 0 else None) if guest is None else guest,
            )
            for tenant in data["tenants"]:
                if tenant["id"] in policies:
                    tenant["guest_policy"] = policies[tenant["id"]]

    state.change_world(change)
    state.delete_links(_accounts_of(before) - _accounts_of(state.world))
    return count_generated(state.world)


def generated_guest(world: World) -> str | None:
    """Return the UPN of the guest of the generated tenants; None if they have none."""
    guests = (
        account.name
        for tenant in world.tenants
        for account in tenant.accounts
        if account.is_generated and account.kind is AccountKind.GUEST
    )
    return next(guests, None)


def _accounts_of(world: World) -> set[tuple[str, str]]:
    """Return tenant and object ID of every generated account."""
    return {
        (account.tenant_id, account.object_id)
        for tenant in world.tenants
        for account in tenant.accounts
        if account.is_generated
    }


def _set_subscriptions(data: dict[str, Any], count: int) -> None:
    """Generate subscriptions in the first tenant that has the management group.

    Raises:
        ValueError: No tenant has it.
    """
    for tenant in data["tenants"]:
        if _MANAGEMENT_GROUP in [group["name"] for group in tenant.get("management_groups", ())]:
            tenant["subscriptions"] = _not_generated(tenant, "subscriptions") + [
                {
                    "id": str(uuid5(_SUBSCRIPTION_NAMESPACE, f"{tenant['id']}/{number}")),
                    "display_name": f"Generated {number:0{len(str(count))}}",
                    "management_group": _MANAGEMENT_GROUP,
                    "generated": True,
                }
                for number in range(1, count + 1)
            ]
            return
    raise ValueError(f"the sandbox has no management group named '{_MANAGEMENT_GROUP}'")


def _remove_accounts(data: dict[str, Any]) -> None:
    """Remove the generated tenants, applications and users, with every role that they hold."""
    data["tenants"] = _not_generated(data, "tenants")
    for tenant in data["tenants"]:
        generated = {
            item["object_id"]
            for kind in ("applications", "users")
            for item in tenant.get(kind, ())
            if item.get("generated")
        }
        for kind in ("applications", "users"):
            tenant[kind] = _not_generated(tenant, kind)
        tenant["role_assignments"] = [
            item for item in tenant.get("role_assignments", ()) if item["principal"] not in generated
        ]


def _not_generated(data: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [item for item in data.get(kind, ()) if not item.get("generated")]


def _add_accounts(data: dict[str, Any], *, applications: int, accounts: int, tenants: int, guest: str | None) -> None:
    """Add applications and users round robin to new tenants, or all to the tenant of the default account.

    A guest has an account in each of the new tenants.

    Raises:
        ValueError: The tenant has no enabled subscription.
    """
    generated = [_new_tenant(number) for number in range(1, tenants + 1)]
    data["tenants"] += generated
    homes = generated or [_default_tenant(data)]
    for number in range(1, applications + 1):
        _add_application(homes[(number - 1) % len(homes)], f"app-{number:04}")
    for number in range(1, accounts + 1):
        _add_user(homes[(number - 1) % len(homes)], f"user-{number:04}")
    if guest is not None:
        _add_guest(generated, guest.lower())


def _new_tenant(number: int) -> _Tenant:
    name = f"tenant-{number:04}"
    tenant_id = uuid5(NAMESPACE_DNS, f"{name}.example")
    return {
        "id": str(tenant_id),
        "display_name": f"Tenant {number:04}",
        "domains": [f"{name}.example"],
        "country_code": "US",
        "subscriptions": [{"id": str(uuid5(tenant_id, "production")), "display_name": "Production"}],
        "applications": [],
        "users": [],
        "guests": [],
        "role_assignments": [],
        "generated": True,
    }


def _default_tenant(data: dict[str, Any]) -> _Tenant:
    """Return the tenant of the default account, whose domain the UPNs of generated users get."""
    tenants: list[_Tenant] = data["tenants"]
    for tenant in tenants:
        if data["default_account"] in [user["upn"] for user in tenant.get("users", ())]:
            return tenant
    raise ValueError("no tenant has the default account")


def _add_application(tenant: _Tenant, name: str) -> None:
    object_id = str(uuid5(UUID(tenant["id"]), name))
    tenant["applications"].append(
        {
            "object_id": object_id,
            "client_id": str(uuid5(NAMESPACE_DNS, f"{name}.example")),
            "display_name": name,
            "client_secret": f"sandbox-secret-{name}",
            "generated": True,
        }
    )
    _add_role(tenant, object_id)


def _add_user(tenant: _Tenant, name: str) -> None:
    object_id = str(uuid5(UUID(tenant["id"]), name))
    # A domain that is verified comes after the default one, as contoso.com after contoso.onmicrosoft.com.
    user = {"object_id": object_id, "upn": f"{name}@{tenant['domains'][-1]}", "display_name": name, "generated": True}
    tenant["users"].append(user)
    _add_role(tenant, object_id)


def _add_guest(tenants: Sequence[_Tenant], upn: str) -> None:
    """Make a user a guest of tenants, except of the home tenant.

    Raises:
        ValueError: There are no such tenants.
    """
    if not tenants:
        raise ValueError(
            f"the sandbox has no tenants named tenant-0001.example and so on, where '{upn}' could be a guest"
        )
    for tenant in tenants:
        if upn.partition("@")[2] in tenant["domains"]:
            continue
        object_id = str(uuid5(UUID(tenant["id"]), upn))
        tenant["guests"].append({"object_id": object_id, "upn": upn, "generated": True})
        _add_role(tenant, object_id)


def _add_role(tenant: _Tenant, object_id: str) -> None:
    """Make an account a Reader on the first enabled subscription of its tenant.

    Raises:
        ValueError: There is none.
    """
    for subscription in tenant.get("subscriptions", ()):
        if subscription.get("state", "Enabled") == "Enabled":
            name = str(uuid5(UUID(object_id), _ROLE))
            assignment = {"name": name, "principal": object_id, "role": _ROLE}
            tenant["role_assignments"].append({**assignment, "subscription": subscription["display_name"]})
            return
    raise ValueError(f"the tenant '{tenant['display_name']}' has no enabled subscription")
