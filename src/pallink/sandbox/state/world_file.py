"""The loader of the world, from `world.toml` or from the document in the SQLite file.

In both, names may stand for identifiers: a role assignment names its principal, role and scope.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pallink.sandbox.state.guest_policies import GuestPolicy
from pallink.sandbox.state.roles import Delegation, Role, RoleAssignment, RoleEligibility
from pallink.sandbox.state.vaults import Secret, Vault
from pallink.sandbox.state.world import (
    Account,
    AccountKind,
    Group,
    ManagementGroup,
    Partner,
    PublicClient,
    Subscription,
    Tenant,
    TokenIssuer,
    World,
)

_WORLD_FILE = Path(__file__).with_name("world.toml")

_Item = TypeVar("_Item")


@cache
def initial_world() -> str:
    """Return the initial world, as the JSON document that `parse_world` reads."""
    return json.dumps(tomllib.loads(_WORLD_FILE.read_text(encoding="utf-8")))


def parse_world(document: str) -> World:
    """Return the world that a document describes.

    Args:
        document: JSON in the shape of `world.toml`.

    Raises:
        ValueError: The document is not JSON, or a name in it is unknown.
        KeyError: A required field is missing.
    """
    data = json.loads(document)
    roles = tuple(_role(role) for role in data["roles"])
    users = {
        user["upn"]: Account(
            tenant_id=tenant["id"],
            object_id=user["object_id"],
            kind=AccountKind.USER,
            name=user["upn"],
            display_name=user["display_name"],
            home_tenant_id=tenant["id"],
            home_object_id=user["object_id"],
            sign_in_error=user.get("sign_in_error"),
            is_generated=user.get("generated", False),
        )
        for tenant in data["tenants"]
        for user in tenant.get("users", ())
    }
    _resolve(users, data["default_account"], "user")
    issuers = {issuer["name"]: TokenIssuer(**issuer) for issuer in data["token_issuers"]}
    return World(
        default_account=data["default_account"],
        tenants=tuple(_tenant(tenant, users, roles, issuers) for tenant in data["tenants"]),
        partners=tuple(Partner(**partner) for partner in data["partners"]),
        roles=roles,
        public_clients=tuple(PublicClient(**client) for client in data["public_clients"]),
        token_issuers=tuple(issuers.values()),
    )


def _role(data: Mapping[str, Any], *, is_custom: bool = False) -> Role:
    return Role(
        id=data["id"],
        name=data["name"],
        description=data["description"],
        actions=tuple(data["actions"]),
        not_actions=tuple(data.get("not_actions", ())),
        is_custom=is_custom,
    )


def _tenant(
    data: Mapping[str, Any],
    users: Mapping[str, Account],
    built_in: tuple[Role, ...],
    issuers: Mapping[str, TokenIssuer],
) -> Tenant:
    accounts = (*_accounts(data, users), *_workloads(data, issuers))
    principals = _principals(data, accounts)
    custom_roles = tuple(_role(role, is_custom=True) for role in data.get("custom_roles", ()))
    roles = {key: role for role in (*built_in, *custom_roles) for key in (role.id, role.name)}
    # Every tenant has a root management group, whose name is the tenant ID.
    management_groups = {data["id"]: ManagementGroup(data["id"], "Tenant Root Group", None)}
    for group in data.get("management_groups", ()):
        parent = _resolve(management_groups, group.get("parent", data["id"]), "management group")
        management_groups[group["name"]] = ManagementGroup(group["name"], group["display_name"], parent.name)
    subscriptions = tuple(
        Subscription(
            id=subscription["id"],
            tenant_id=data["id"],
            display_name=subscription["display_name"],
            management_group=_resolve(
                management_groups, subscription.get("management_group", data["id"]), "management group"
            ).name,
            state=subscription.get("state", "Enabled"),
            resource_groups=tuple(subscription.get("resource_groups", ())),
            is_generated=subscription.get("generated", False),
        )
        for subscription in data.get("subscriptions", ())
    )
    subscriptions_by_name = {subscription.display_name: subscription for subscription in subscriptions}

    def resolve(assignment: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
        """Return name, principal ID, principal type, role ID and scope of a role assignment or eligibility."""
        return (
            assignment["name"],
            *_resolve(principals, assignment["principal"], "principal"),
            _resolve(roles, assignment["role"], "role").id,
            _scope(assignment, management_groups, subscriptions_by_name),
        )

    return Tenant(
        id=data["id"],
        display_name=data["display_name"],
        domains=tuple(data["domains"]),
        country_code=data["country_code"],
        accounts=accounts,
        groups=tuple(
            Group(
                object_id=group["object_id"],
                display_name=group["display_name"],
                members=tuple(_resolve(principals, member, "group member")[0] for member in group["members"]),
            )
            for group in data.get("groups", ())
        ),
        management_groups=tuple(management_groups.values()),
        subscriptions=subscriptions,
        role_assignments=tuple(
            RoleAssignment(
                *resolve(assignment),
                condition=assignment.get("condition"),
                description=assignment.get("description"),
                created_on=assignment.get("created_on"),
            )
            for assignment in data.get("role_assignments", ())
        ),
        custom_roles=custom_roles,
        role_eligibilities=tuple(
            RoleEligibility(*resolve(eligibility)) for eligibility in data.get("role_eligibilities", ())
        ),
        delegations=tuple(
            Delegation(
                subscription_id=_resolve(subscriptions_by_name, delegation["subscription"], "subscription").id,
                managing_tenant_id=delegation["managing_tenant"],
                principal_id=delegation["principal"],
                role_id=_resolve(roles, delegation["role"], "role").id,
            )
            for delegation in data.get("delegations", ())
        ),
        is_generated=data.get("generated", False),
        vaults=tuple(_vault(vault, accounts, principals) for vault in data.get("vaults", ())),
        guest_policy=GuestPolicy(data.get("guest_policy", GuestPolicy.NONE)),
    )


def _accounts(data: Mapping[str, Any], users: Mapping[str, Account]) -> Iterator[Account]:
    yield from (users[user["upn"]] for user in data.get("users", ()))
    for guest in data.get("guests", ()):
        home = _resolve(users, guest["upn"], "user")
        yield Account(
            tenant_id=data["id"],
            object_id=guest["object_id"],
            kind=AccountKind.GUEST,
            name=home.name,
            display_name=home.display_name,
            home_tenant_id=home.tenant_id,
            home_object_id=home.object_id,
            is_generated=guest.get("generated", False),
        )


def _workloads(data: Mapping[str, Any], issuers: Mapping[str, TokenIssuer]) -> Iterator[Account]:
    for application in data.get("applications", ()):
        yield Account(
            **_workload(data, application),
            kind=AccountKind.SERVICE_PRINCIPAL,
            client_secret=application.get("client_secret"),
            federated_credentials=tuple(
                _resolve(issuers, name, "token issuer") for name in application.get("federated_credentials", ())
            ),
        )
    for identity in data.get("managed_identities", ()):
        yield Account(
            **_workload(data, identity),
            kind=AccountKind.MANAGED_IDENTITY,
            resource_id=identity["resource_id"],
            is_system_assigned=identity["system_assigned"],
        )


def _workload(tenant: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tenant_id": tenant["id"],
        "object_id": data["object_id"],
        "name": data["client_id"],
        "display_name": data["display_name"],
        "home_tenant_id": tenant["id"],
        "home_object_id": data["object_id"],
        "sign_in_error": data.get("sign_in_error"),
        "is_generated": data.get("generated", False),
    }


def _principals(data: Mapping[str, Any], accounts: tuple[Account, ...]) -> dict[str, tuple[str, str]]:
    """Return object ID and principal type of every account and group, by name and by object ID."""
    by_name = {
        **{
            account.display_name: (account.object_id, "ServicePrincipal")
            for account in accounts
            if not account.is_person
        },
        **{account.name: (account.object_id, "User") for account in accounts if account.is_person},
        **{group["display_name"]: (group["object_id"], "Group") for group in data.get("groups", ())},
    }
    return by_name | {principal[0]: principal for principal in by_name.values()}


def _vault(data: Mapping[str, Any], accounts: tuple[Account, ...], principals: Mapping[str, tuple[str, str]]) -> Vault:
    """Return a vault: beside the secrets of its own, it holds the client secret of each application by its name."""
    listed = tuple(
        Secret(secret["name"], secret["version"], secret["value"], is_enabled=secret.get("enabled", True))
        for secret in data.get("secrets", ())
    )
    of_applications = tuple(
        Secret(account.display_name, hashlib.sha256(account.name.encode()).hexdigest()[:32], account.client_secret)
        for account in accounts
        if account.client_secret
    )
    readers = frozenset(_resolve(principals, reader, "principal")[0] for reader in data["readers"])
    return Vault(data["name"], readers, listed + of_applications)


def _scope(
    assignment: Mapping[str, Any],
    management_groups: Mapping[str, ManagementGroup],
    subscriptions: Mapping[str, Subscription],
) -> str:
    """Return the scope of a role assignment, which names a subscription or a management group, or gives a path."""
    if "subscription" in assignment:
        subscription = _resolve(subscriptions, assignment["subscription"], "subscription")
        if "resource_group" not in assignment:
            return subscription.scope
        resource_groups = {name: name for name in subscription.resource_groups}
        name = _resolve(resource_groups, assignment["resource_group"], "resource group")
        return f"{subscription.scope}/resourceGroups/{name}"
    if "management_group" in assignment:
        return _resolve(management_groups, assignment["management_group"], "management group").scope
    return str(assignment["scope"])


def _resolve(index: Mapping[str, _Item], name: str, kind: str) -> _Item:
    if name not in index:
        raise ValueError(f"the sandbox has no {kind} named '{name}'")
    return index[name]
