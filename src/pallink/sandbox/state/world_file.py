"""Loads the world from world.toml, where names stand for identifiers, and from its copy in the sandbox's database."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pallink.sandbox.state.world import (
    Account,
    AccountKind,
    Group,
    ManagementGroup,
    Partner,
    PublicClient,
    Role,
    RoleAssignment,
    RoleEligibility,
    Subscription,
    Tenant,
    TokenIssuer,
    World,
)

_WORLD_FILE = Path(__file__).with_name("world.toml")

_Found = TypeVar("_Found")


def initial_world() -> str:
    """Returns the world that a sandbox is seeded with, as the JSON document that `parse_world` reads."""
    return json.dumps(tomllib.loads(_WORLD_FILE.read_text(encoding="utf-8")))


@lru_cache(maxsize=4)  # Every request asks for the world, and nearly always for the same one.
def parse_world(document: str) -> World:
    """Loads a world.

    Args:
        document: JSON, shaped like world.toml.

    Raises:
        ValueError: It is no JSON, or a name in it stands for nothing.
        KeyError: Something is missing.
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
        )
        for tenant in data["tenants"]
        for user in tenant.get("users", ())
    }
    _look_up(users, data["default_account"], "user")
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
    # Azure gives each tenant a root group, named after the tenant.
    management_groups = {data["id"]: ManagementGroup(data["id"], "Tenant Root Group", None)}
    for group in data.get("management_groups", ()):
        parent = _look_up(management_groups, group.get("parent", data["id"]), "management group")
        management_groups[group["name"]] = ManagementGroup(group["name"], group["display_name"], parent.name)
    subscriptions = tuple(
        Subscription(
            id=subscription["id"],
            tenant_id=data["id"],
            display_name=subscription["display_name"],
            management_group=_look_up(
                management_groups, subscription.get("management_group", data["id"]), "management group"
            ).name,
            state=subscription.get("state", "Enabled"),
            resource_groups=tuple(subscription.get("resource_groups", ())),
        )
        for subscription in data.get("subscriptions", ())
    )
    subscriptions_by_name = {each.display_name: each for each in subscriptions}

    def given(assignment: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
        """Name, principal, its type, role and scope of a role that somebody holds or is eligible for."""
        return (
            assignment["name"],
            *_look_up(principals, assignment["principal"], "principal"),
            _look_up(roles, assignment["role"], "role").id,
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
                members=tuple(_look_up(principals, member, "group member")[0] for member in group["members"]),
            )
            for group in data.get("groups", ())
        ),
        management_groups=tuple(management_groups.values()),
        subscriptions=subscriptions,
        role_assignments=tuple(
            RoleAssignment(*given(each), condition=each.get("condition")) for each in data.get("role_assignments", ())
        ),
        custom_roles=custom_roles,
        role_eligibilities=tuple(RoleEligibility(*given(each)) for each in data.get("role_eligibilities", ())),
    )


def _accounts(data: Mapping[str, Any], users: Mapping[str, Account]) -> Iterator[Account]:
    yield from (user for user in users.values() if user.tenant_id == data["id"])
    for guest in data.get("guests", ()):
        home = _look_up(users, guest["upn"], "user")
        yield Account(
            tenant_id=data["id"],
            object_id=guest["object_id"],
            kind=AccountKind.GUEST,
            name=home.name,
            display_name=home.display_name,
            home_tenant_id=home.tenant_id,
            home_object_id=home.object_id,
        )


def _workloads(data: Mapping[str, Any], issuers: Mapping[str, TokenIssuer]) -> Iterator[Account]:
    for application in data.get("applications", ()):
        yield Account(
            **_workload(data, application),
            kind=AccountKind.SERVICE_PRINCIPAL,
            client_secret=application.get("client_secret"),
            federated_credentials=tuple(
                _look_up(issuers, name, "token issuer") for name in application.get("federated_credentials", ())
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
    }


def _principals(data: Mapping[str, Any], accounts: tuple[Account, ...]) -> dict[str, tuple[str, str]]:
    """Returns object ID and principal type of whatever a role can be given to, by its name and by its object ID."""
    by_name = {
        **{each.display_name: (each.object_id, "ServicePrincipal") for each in accounts if not each.is_person},
        **{each.name: (each.object_id, "User") for each in accounts if each.is_person},
        **{group["display_name"]: (group["object_id"], "Group") for group in data.get("groups", ())},
    }
    return by_name | {principal[0]: principal for principal in by_name.values()}


def _scope(
    assignment: Mapping[str, Any],
    management_groups: Mapping[str, ManagementGroup],
    subscriptions: Mapping[str, Subscription],
) -> str:
    """Returns the scope of a role assignment: by the name of what it is, or as a path (a resource group's, say)."""
    if "subscription" in assignment:
        subscription = _look_up(subscriptions, assignment["subscription"], "subscription")
        if "resource_group" not in assignment:
            return subscription.scope
        resource_groups = {name: name for name in subscription.resource_groups}
        name = _look_up(resource_groups, assignment["resource_group"], "resource group")
        return f"{subscription.scope}/resourceGroups/{name}"
    if "management_group" in assignment:
        return _look_up(management_groups, assignment["management_group"], "management group").scope
    return str(assignment["scope"])


def _look_up(index: Mapping[str, _Found], name: str, what: str) -> _Found:
    if name not in index:
        raise ValueError(f"The world knows no {what} named '{name}'.")
    return index[name]
