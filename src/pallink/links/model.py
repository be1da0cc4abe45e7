"""A link, what is wanted of it, and what has to be done: pure.

Nothing here reads or writes. A caller asks a goal for its next step, given the link as it was last read, carries the
step out, and asks again where the outcome is not known: a state decides, never a status.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pallink.account import Account
from pallink.errors import LinkedElsewhereError, NotLinkedError, RequestTrace, UnexpectedAnswerError, UsageError

_PARTNER_ID = re.compile(r"[0-9]{5,10}", re.ASCII)


def parse_partner_id(text: str) -> str:
    """`text` as a partner ID: 5 to 10 ASCII digits. The service knows whether it exists; this only stops mistypings.

    Raises:
        UsageError: `text` is anything else. It is refused as it is: nothing is trimmed or guessed.
    """
    if _PARTNER_ID.fullmatch(text):
        return text
    raise UsageError(
        f"{text!r} is not a partner ID: it has 5 to 10 digits and nothing else, as in 719878",
        remedy="take the location ID of the partner, which is found in Partner Center under Account settings",
    )


class State(StrEnum):
    """The `state` of a link, as the swagger has it."""

    ACTIVE = "Active"
    DELETED = "Deleted"


@dataclass(frozen=True, slots=True)
class Link:
    """A link as the service returned it. Links are soft-deleted: one that is not Active is no link.

    Attributes:
        partner_id: digits.
        partner_name: the partner's name; how a person notices a mistyped ID.
        tenant_id: GUID of the tenant that the linked account works in.
        object_id: GUID of the linked account in that tenant.
        state: `Active` or `Deleted`.
        version: counts the writes to this account's link, deletions included.
        created_time: ISO 8601 as the service wrote it; survives deletion and re-creation.
        updated_time: ISO 8601 as the service wrote it, with 6 or 7 fractional digits.
        id: the resource ID, in lower case.
        trace: the identifiers of the answer that said so; they make no difference to the link.
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
        """Whether this is a link at all."""
        return self.state.casefold() == State.ACTIVE.casefold()

    def __str__(self) -> str:
        return f"{self.partner_id} ({self.partner_name})" if self.partner_name else self.partner_id


def active(link: Link | None) -> Link | None:
    """`link`, or None where it is soft-deleted."""
    return link if link is not None and link.is_active else None


class Action(StrEnum):
    """What is done to a link; its text is `action` in a result."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Step:
    """What has to be done next.

    Attributes:
        action: what it does to the link; `unchanged` means that the goal is reached.
        partner_id: the partner that the request names; None where nothing is sent.
    """

    action: Action
    partner_id: str | None = None


class Goal(Protocol):
    """What is wanted of a link."""

    @property
    def partner_id(self) -> str | None:
        """The partner that was asked for, where one was."""

    def next_step(self, current: Link | None) -> Step:
        """What has to be done, given the link as it was last read (None: the service knows none).

        Raises:
            NotLinkedError, LinkedElsewhereError: what is wanted cannot or must not be done in this state.
        """


@dataclass(frozen=True, slots=True)
class LinkGoal:
    """Be linked to `partner_id`; another partner's link is changed only with `replace`."""

    partner_id: str
    replace: bool = False

    def next_step(self, current: Link | None) -> Step:
        """Create where there is no link, change another partner's only with `replace`."""
        linked = active(current)
        if linked is None:
            return Step(Action.CREATED, self.partner_id)
        if linked.partner_id == self.partner_id:
            return Step(Action.UNCHANGED)
        if self.replace:
            return Step(Action.UPDATED, self.partner_id)
        raise linked_elsewhere(linked, self.partner_id, "nothing was changed")


@dataclass(frozen=True, slots=True)
class UpdateGoal:
    """Have the existing link point to `partner_id`."""

    partner_id: str

    def next_step(self, current: Link | None) -> Step:
        """Change the link that there is; there must be one."""
        linked = active(current)
        if linked is None:
            raise NotLinkedError(
                "there is no link to update",
                cause="the account is not linked to any partner",
                remedy="create the link",
            )
        return Step(Action.UNCHANGED) if linked.partner_id == self.partner_id else Step(Action.UPDATED, self.partner_id)


@dataclass(frozen=True, slots=True)
class UnlinkGoal:
    """Have no link; where `partner_id` is given, only that partner's link is removed."""

    partner_id: str | None = None

    def next_step(self, current: Link | None) -> Step:
        """Remove the link that there is, if it is the one that was meant."""
        linked = active(current)
        if linked is None:
            return Step(Action.UNCHANGED)
        if self.partner_id is not None and linked.partner_id != self.partner_id:
            raise linked_elsewhere(linked, self.partner_id, "nothing was removed")
        return Step(Action.DELETED, linked.partner_id)

    def pinned_to(self, current: Link | None) -> "UnlinkGoal":
        """The same goal for just the link that was read, so that nobody's later link is removed in its place."""
        linked = active(current)
        return self if linked is None else UnlinkGoal(linked.partner_id)


def linked_elsewhere(linked: Link, wanted_partner_id: str, consequence: str) -> LinkedElsewhereError:
    """The error that says which partner the account is linked to, which one was wanted, and what came of it."""
    return LinkedElsewhereError(
        f"linked to a different partner: {linked}, not {wanted_partner_id}; {consequence}",
        linked_partner_id=linked.partner_id,
        wanted_partner_id=wanted_partner_id,
        cause="another partner's link is never touched unless you ask for it",
    )


def check_owner(link: Link, account: Account) -> None:
    """Make sure that a link which the service returned belongs to the account that asked.

    Raises:
        UnexpectedAnswerError: it names another tenant or another object ID.
    """
    for what, returned, expected in (
        ("tenant", link.tenant_id, account.tenant_id),
        ("object ID", link.object_id, account.object_id),
    ):
        if returned is not None and returned.casefold() != expected.casefold():
            raise UnexpectedAnswerError(
                f"Azure answered with the link of another account: {what} {returned}",
                cause=f"the one who signed in is {account.name} with {what} {expected}",
                remedy="do not trust this link; report it to Microsoft with what the command prints with --debug",
                trace=link.trace,
            )


def check_written(answer: Link, step: Step, before: Link | None, account: Account) -> str | None:
    """Compare what a write returned with what was asked.

    Args:
        answer: the link as the write, or reading after it, returned it.
        step: what was asked.
        before: the link as it was read before the write, deleted ones included.
        account: who asked.

    Returns:
        A warning where somebody else wrote in between (the API has no If-Match, so it can only be noticed), else None.

    Raises:
        UnexpectedAnswerError: another partner, tenant or account, or a link that is not active.
    """
    check_owner(answer, account)
    if answer.partner_id != step.partner_id or not answer.is_active:
        raise UnexpectedAnswerError(
            f"Azure accepted the request for partner {step.partner_id} but answered with"
            f" {answer} in state {answer.state}",
            cause="the answer does not say what was asked for",
            remedy="look at the link before you go on",
            trace=answer.trace,
        )
    return concurrent_write_warning(before, answer)


def concurrent_write_warning(before: Link | None, after: Link | None) -> str | None:
    """A warning where the versions around one write tell of another one in between; None where they do not, or not all.

    Args:
        before: the link as it was read before the write, deleted ones included.
        after: the link as the write, or reading after it, returned it, deleted ones included.
    """
    if before is None or before.version is None or after is None or after.version is None:
        return None
    if after.version == before.version + 1:
        return None
    return (
        f"the link went from version {before.version} to {after.version} in one write:"
        " somebody else changed it in between"
    )


def verification_error(linked: Link | None, expected_partner_id: str) -> NotLinkedError | LinkedElsewhereError | None:
    """What `verify` has to object to, or None where the account is linked to the expected partner."""
    linked = active(linked)
    if linked is None:
        return NotLinkedError(
            f"not linked: expected partner {expected_partner_id}, and there is no link",
            cause="the service knows no link of this account in this tenant",
            remedy="create the link",
        )
    if linked.partner_id != expected_partner_id:
        return LinkedElsewhereError(
            f"linked to a different partner: {linked}, not {expected_partner_id}",
            linked_partner_id=linked.partner_id,
            wanted_partner_id=expected_partner_id,
            cause="the account has a link, but it is another partner's",
            remedy="change the link if that is what you want",
        )
    return None
