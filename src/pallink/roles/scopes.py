"""The scopes that the options of `pallink role` name. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pallink.account import is_guid
from pallink.errors import UsageError
from pallink.roles.assignments import Subscription, split_scope
from pallink.roles.subscriptions import select_subscriptions

# Documented: at most 90 characters, and no period at the end.
_NAME = re.compile(r"[-\w.()]{0,89}[-\w()]")

_MANAGEMENT_GROUPS = "/providers/Microsoft.Management/managementGroups/"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a role is assigned: a subscription, a resource group, a management group, or what else was found.

    Attributes:
        id: The scope, as in `/subscriptions/ID`.
        subscription_name: The display name of the subscription; None if it is not known, or above subscriptions.
    """

    id: str
    subscription_name: str | None = None

    def __str__(self) -> str:
        """Return the scope in words."""
        match split_scope(self.id):
            case [_, subscription_id]:
                name = self.subscription_name
                return f"subscription {name} ({subscription_id})" if name else f"subscription {subscription_id}"
            case ["subscriptions", subscription_id, _, group]:
                return f"resource group {group} in subscription {self.subscription_name or subscription_id}"
            case ["providers", _, _, group]:
                return f"management group {group}"
            case []:
                return "the root of the tenant"
        return self.id


@dataclass(frozen=True, slots=True)
class WantedScopes:
    """The scopes as the command line names them.

    Attributes:
        subscriptions: IDs or names of subscriptions.
        resource_groups: Names of resource groups of the one subscription.
        management_groups: Names (IDs) of management groups.
        scopes: Scopes, as in `/subscriptions/ID/resourceGroups/NAME`.

    Raises:
        UsageError: One of them is invalid, or a resource group has no one subscription.
    """

    subscriptions: tuple[str, ...] = ()
    resource_groups: tuple[str, ...] = ()
    management_groups: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.resource_groups and len(self.subscriptions) != 1:
            raise UsageError(
                "--resource-group requires one --subscription",
                cause=f"--subscription is given {len(self.subscriptions)} times"
                if self.subscriptions
                else "no --subscription is given",
                remedy="name its subscription, or give the whole path with --scope",
            )
        for option, names in (
            ("--resource-group", self.resource_groups),
            ("--management-group", self.management_groups),
        ):
            for name in names:
                if not _NAME.fullmatch(name):
                    raise UsageError(
                        f"{name!r} is not a name for {option}",
                        cause="a name has letters, digits, hyphens, underscores, periods and parentheses",
                        remedy=f"correct {option}",
                    )
        for scope in self.scopes:
            parse_scope(scope)

    def __bool__(self) -> bool:
        return bool(self.subscriptions or self.resource_groups or self.management_groups or self.scopes)

    @property
    def names_subscriptions(self) -> bool:
        """Whether one of the scopes is a subscription or inside one."""
        return bool(self.subscriptions) or any(_subscription_id(parse_scope(scope)) for scope in self.scopes)

    def resolve(self, visible: Sequence[Subscription]) -> tuple[Scope, ...]:
        """Return the scopes, each once.

        Args:
            visible: The subscriptions that the administrator sees. An ID that is not among them is accepted.

        Raises:
            UsageError: No visible subscription has a name, or several have it.
        """
        selected = select_subscriptions(visible, self.subscriptions)
        ids = [f"{selected[0].scope}/resourceGroups/{name}" for name in self.resource_groups]
        ids = ids or [subscription.scope for subscription in selected]
        ids += [f"{_MANAGEMENT_GROUPS}{name}" for name in self.management_groups]
        ids += map(parse_scope, self.scopes)
        names = {subscription.id.casefold(): subscription.name for subscription in visible}
        found = {scope.casefold(): Scope(scope, names.get(_subscription_id(scope).casefold())) for scope in ids}
        return tuple(found.values())


def parse_scope(text: str) -> str:
    """Return a scope in its usual form.

    Raises:
        UsageError: It is not that of a subscription, a resource group or a management group.
    """
    segments = split_scope(text)
    match [segment.casefold() for segment in segments] if text.startswith("/") else []:
        case ["subscriptions", subscription_id] if is_guid(subscription_id):
            return f"/subscriptions/{subscription_id}"
        case ["subscriptions", subscription_id, "resourcegroups", _] if is_guid(subscription_id):
            if _NAME.fullmatch(segments[3]):
                return f"/subscriptions/{subscription_id}/resourceGroups/{segments[3]}"
        case ["providers", "microsoft.management", "managementgroups", _] if _NAME.fullmatch(segments[3]):
            return f"{_MANAGEMENT_GROUPS}{segments[3]}"
    raise UsageError(
        f"{text!r} is not a scope that pallink assigns roles on",
        cause="it must be the path of a subscription, a resource group or a management group",
        remedy="correct --scope, as in /subscriptions/ID, or use --subscription",
    )


def _subscription_id(scope: str) -> str:
    """Return the ID of the subscription of a scope; empty for one above subscriptions."""
    segments = split_scope(scope)
    return segments[1] if segments[0].casefold() == "subscriptions" else ""
