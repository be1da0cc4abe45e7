"""What a link is, what a command wants of it, and the step that leads there: pure.

A goal is asked for its next step with the link as it was last read. The caller carries the step out, reads the link
again where the result is unknown, and asks again.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pallink.account import Account
from pallink.errors import LinkedElsewhereError, NotLinkedError, RequestTrace, UnexpectedAnswerError, UsageError

_NO_LINK = "Azure returned no link for this account"
_PARTNER_ID = re.compile(r"[0-9]{5,10}", re.ASCII)


def is_partner_id(value: object) -> bool:
    """Return whether a value is a string with the form of a partner ID."""
    return isinstance(value, str) and _PARTNER_ID.fullmatch(value) is not None


def parse_partner_id(text: str) -> str:
    """Return `text` if it has the form of a partner ID: 5 to 10 ASCII digits. It catches typing errors only.

    Raises:
        UsageError: `text` has another form, or is no string but a number. Nothing is trimmed.
    """
    if is_partner_id(text):
        return text
    raise invalid_partner_id(text)


def invalid_partner_id(value: object) -> UsageError:
    """Return the error for a value that has not the form of a partner ID."""
    if not isinstance(value, str):
        return UsageError(f"{value!r} is not a partner ID: it must be a string", remedy="pass a string, as in '719878'")
    return UsageError(
        f"{value!r} is not a partner ID: it has 5 to 10 digits and nothing else, as in 719878",
        remedy="leave out the hyphen"
        if is_partner_id(value.lstrip("-"))
        else "take the location ID of the partner, found in Partner Center under Account settings, Identifiers",
    )


class State(StrEnum):
    """The `state` of a link in the service's API description."""

    ACTIVE = "Active"
    DELETED = "Deleted"


@dataclass(frozen=True, slots=True)
class Link:
    """A link as the service returned it. A deletion leaves it behind in another state than Active.

    Attributes:
        partner_id: Digits.
        partner_name: The partner's name, by which a person notices a mistyped ID.
        tenant_id: The GUID of the tenant that the linked account works in.
        object_id: The GUID of the linked account in that tenant.
        state: `Active` or `Deleted`.
        version: The number of writes to this account's link, deletions included.
        created_time: ISO 8601 as the service wrote it; it survives deletion and re-creation.
        updated_time: ISO 8601 as the service wrote it, with 6 or 7 fractional digits.
        id: The resource ID, in lower case.
        trace: The identifiers of the response. They do not count when links are compared.
    """

    partner_id: str
    partner_name: str | None = None
    tenant_id: str | None = None
    object_id: str | None = None
    state: str = State.ACTIVE
    version: int | None = None
    created_time: str | None = None
    updated_time: str | None = None
    id: str | None = None
    trace: RequestTrace | None = field(default=None, compare=False, repr=False)

    @property
    def is_active(self) -> bool:
        """Whether the account is linked, and the link not soft-deleted."""
        return self.state.casefold() == State.ACTIVE.casefold()

    def __str__(self) -> str:
        return f"{self.partner_id} ({self.partner_name})" if self.partner_name else self.partner_id


def active(link: Link | None) -> Link | None:
    """Return `link`, or None if it is soft-deleted."""
    return link if link is not None and link.is_active else None


class Action(StrEnum):
    """What is done to a link. The values of `action` in a result."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next.

    Attributes:
        action: What the step does to the link; `unchanged` where the goal is reached.
        partner_id: The partner that the request names; None if there is no request.
    """

    action: Action
    partner_id: str | None = None


class Goal(Protocol):
    """What a command wants of a link."""

    @property
    def partner_id(self) -> str | None:
        """The partner that was asked for, where one was."""

    def next_step(self, current: Link | None) -> Step:
        """Return what to do, given the link as it was last read (None: the service has none).

        Raises:
            NotLinkedError: The goal needs a link, and there is none.
            LinkedElsewhereError: The goal must not touch the link of this partner.
        """


@dataclass(frozen=True, slots=True)
class LinkGoal:
    """Be linked to `partner_id`; another partner's link is changed only with `replace`."""

    partner_id: str
    replace: bool = False

    def next_step(self, current: Link | None) -> Step:
        """Create a missing link; change another partner's only with `replace`."""
        linked = active(current)
        if linked is None:
            return Step(Action.CREATED, self.partner_id)
        if linked.partner_id == self.partner_id:
            return Step(Action.UNCHANGED)
        if self.replace:
            return Step(Action.UPDATED, self.partner_id)
        raise linked_elsewhere_error(linked, self.partner_id, "nothing was changed")


@dataclass(frozen=True, slots=True)
class UpdateGoal:
    """Have the existing link point to `partner_id`."""

    partner_id: str

    def next_step(self, current: Link | None) -> Step:
        """Change the existing link; a missing one is not created."""
        linked = active(current)
        if linked is None:
            raise NotLinkedError(
                "not linked: there is no link to update",
                cause=_NO_LINK,
                remedy="create the link",
            )
        return Step(Action.UNCHANGED) if linked.partner_id == self.partner_id else Step(Action.UPDATED, self.partner_id)


@dataclass(frozen=True, slots=True)
class UnlinkGoal:
    """Have no link; with `partner_id`, only that partner's link is removed."""

    partner_id: str | None = None

    def next_step(self, current: Link | None) -> Step:
        """Remove the existing link, if it is the one that was meant."""
        linked = active(current)
        if linked is None:
            return Step(Action.UNCHANGED)
        if self.partner_id is not None and linked.partner_id != self.partner_id:
            raise linked_elsewhere_error(linked, self.partner_id, "nothing was removed")
        return Step(Action.DELETED, linked.partner_id)

    def pinned_to(self, current: Link | None) -> "UnlinkGoal":
        """Return the goal for the partner of the link that was read, so that no other partner's link is removed."""
        linked = active(current)
        return self if linked is None else UnlinkGoal(linked.partner_id)


def linked_elsewhere_error(linked: Link, wanted_partner_id: str, consequence: str) -> LinkedElsewhereError:
    """Return the error for a link to another partner; `consequence` says what that means for the link."""
    return LinkedElsewhereError(
        f"linked to a different partner: {linked}, not {wanted_partner_id}; {consequence}",
        linked_partner_id=linked.partner_id,
        wanted_partner_id=wanted_partner_id,
        cause="an account has one partner in each tenant, and pallink replaces it only when told to",
    )


def check_owner(link: Link, account: Account) -> None:
    """Make sure that a link belongs to the signed-in account.

    Raises:
        UnexpectedAnswerError: The link names another tenant or another object ID.
    """
    for name, returned, expected in (
        ("tenant", link.tenant_id, account.tenant_id),
        ("object ID", link.object_id, account.object_id),
    ):
        if returned is not None and returned.casefold() != expected.casefold():
            raise UnexpectedAnswerError(
                f"Azure returned the link of another account: {name} {returned}",
                cause=f"the signed-in account is {account.name} with {name} {expected}",
                remedy="do not trust this link; report it to Microsoft with what the command prints with --debug",
                trace=link.trace,
            )


def check_written(returned: Link, step: Step, account: Account) -> None:
    """Make sure that the link that a write returned is the one that was requested.

    Raises:
        UnexpectedAnswerError: Another partner, tenant or account, or a link that is not active.
    """
    check_owner(returned, account)
    if returned.partner_id != step.partner_id or not returned.is_active:
        raise UnexpectedAnswerError(
            f"Azure accepted the request for partner {step.partner_id} but returned"
            f" {returned} in state {returned.state}",
            cause="the response does not match the request",
            remedy="check the link before you continue",
            trace=returned.trace,
        )


def concurrent_write_warning(before: Link | None, after: Link | None) -> str | None:
    """Return a warning where the versions around one write count more than one; the API has no If-Match to prevent it.

    Args:
        before: The link as it was read before the write, soft-deleted or not.
        after: The link that the write, or reading after it, returned, soft-deleted or not.
    """
    if before is None or before.version is None or after is None or after.version is None:
        return None
    if after.version == before.version + 1:
        return None
    return (
        f"the link went from version {before.version} to {after.version} in one write:"
        " another process changed it in between"
    )


def not_linked_error(account: str, tenant: str) -> NotLinkedError:
    """Return the error for an account without a link; both are named as people know them."""
    return NotLinkedError(
        f"not linked: {account} has no link in tenant {tenant}", cause=_NO_LINK, remedy="create the link"
    )


def verification_error(linked: Link, expected_partner_id: str) -> LinkedElsewhereError | None:
    """Return why `verify` fails on a link to another partner; None if it is the expected one."""
    if linked.partner_id != expected_partner_id:
        return LinkedElsewhereError(
            f"linked to a different partner: {linked}, not {expected_partner_id}",
            linked_partner_id=linked.partner_id,
            wanted_partner_id=expected_partner_id,
            cause="an account has one partner in each tenant",
        )
    return None
