"""What is read before anything is decided: the link, the account's roles, and the tenant's name."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pallink.concurrency import errors_in, gather
from pallink.errors import PallinkError, UsageError, most_important
from pallink.links.model import Goal, Link, Step
from pallink.links.write import PartnerLinks, read_link
from pallink.roles import ReaderReport, RoleCommands, reader_warnings
from pallink.roles.check import ReaderCheck, Roles, split_outcome
from pallink.settings import RoleCheck

log = logging.getLogger("pallink")


@dataclass(frozen=True, slots=True)
class Situation:
    """What was read.

    Attributes:
        current: The link, soft-deleted or not; None if the service reports none.
        reader: The Reader report; None if the role was not checked.
        tenant_name: The tenant's display name; None if it could not be read.
        role_error: What is wrong with the roles, where that is an error.
        warnings: What is wrong with the roles, where that is a warning, and how far they reach.
    """

    current: Link | None
    reader: ReaderReport | None
    tenant_name: str | None
    role_error: PallinkError | None
    warnings: tuple[str, ...]


def read_situation(
    links: PartnerLinks,
    check: ReaderCheck,
    role_check: RoleCheck,
    commands: RoleCommands,
    *,
    subscriptions: Sequence[str] = (),
    check_all: bool = False,
    tenant_name: str | None = None,
) -> Situation:
    """Read the link, the roles and the tenant's name concurrently.

    Args:
        links: Where the link is read.
        check: The check of the account's roles.
        role_check: What a missing role means.
        commands: The commands that would assign it.
        subscriptions: IDs or names of those on which Reader has to be held.
        check_all: Whether to check every subscription even after one has passed.
        tenant_name: The tenant's display name, where it is known; None: it is read.

    Raises:
        UsageError: `subscriptions` are named, and the check is skipped.
        PallinkError: The most important one, if the link or the subscriptions could not be read.
    """
    if subscriptions and role_check is RoleCheck.SKIP:
        raise UsageError(
            "--subscription cannot be combined with --role-check skip",
            cause="it names subscriptions that have to pass a check that is skipped",
            remedy="leave one of them out",
        )
    calls: list[Callable[[], Any]] = [
        lambda: read_link(links, check.account),
        lambda: tenant_name or read_tenant_name(check.roles),
    ]
    if role_check is not RoleCheck.SKIP:
        calls.append(lambda: check.report(subscriptions, check_all=check_all))
    link, name, *reports = gather(*calls)
    reader, role_error = split_outcome(reports[0] if reports else None, role_check, commands)
    first = most_important(errors_in([link, reader]))
    if first is not None:
        raise first
    if role_error is not None and role_check is RoleCheck.WARN:
        # An option, a variable and a key of fleet files have this name.
        warning = f"{role_error.message}; pallink does not require it, because role-check is warn"
        return Situation(link, reader, name, None, (warning,))
    return Situation(link, reader, name, role_error, reader_warnings(reader) if reader else ())


def read_tenant_name(roles: Roles) -> str | None:
    """Return the tenant's name. It is for people only: where it cannot be read, the job goes on."""
    try:
        return roles.tenant_name()
    except PallinkError as error:
        log.info("the tenant's name could not be read: %s", error)
        return None


def allowed_step(goal: Goal, situation: Situation) -> Step:
    """Return what has to be done. Pure.

    Raises:
        PallinkError: It must not be done: the more important one of what is wrong with the link and with the roles.
    """
    role_error = situation.role_error
    try:
        step = goal.next_step(situation.current)
    except PallinkError as refusal:
        if role_error is None:
            raise
        if most_important([refusal, role_error]) is role_error:
            raise role_error from refusal
        # Where the role is missing too, the refusal of the link comes first.
        raise refusal.replace(warnings=(*refusal.warnings, role_error.message)) from refusal
    if role_error is not None:
        raise role_error.with_cause("nothing was written")
    return step
