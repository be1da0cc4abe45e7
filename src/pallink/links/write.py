"""Carry out what a goal asks for: send, read again and wait, as `settle` decides."""

import logging
from collections.abc import Callable
from typing import Protocol

from pallink.account import Account
from pallink.deadline import Deadline
from pallink.errors import PallinkError, RequestTrace
from pallink.links.history import Attempt, History, Reading, WriteFailure
from pallink.links.model import Goal, Link, Step, check_owner
from pallink.links.record import WriteRecord
from pallink.links.settle import Done, Fail, Outcome, Send, Wait, settle

log = logging.getLogger("pallink")


class PartnerLinks(Protocol):
    """The signed-in account's link at the service."""

    def read(self) -> Link | None:
        """Return the link, soft-deleted or not; None if the service reports none.

        Raises:
            PallinkError: The link could not be read.
        """

    def send(self, step: Step) -> Link | RequestTrace:
        """Send one write, once, and return the link; of a deletion, which returns none, the response's identifiers.

        Raises:
            WriteFailure: The write was sent and returned no link.
            PallinkError: The write was not sent.
        """


OnSend = Callable[[Step, Link | None], None]
"""Called right before a write is sent, with the step and the link that it is based on."""


def carry_out(
    goal: Goal,
    history: History,
    links: PartnerLinks,
    account: Account,
    deadline: Deadline,
    *,
    record: WriteRecord | None = None,
    on_send: OnSend = lambda _step, _before: None,
) -> Outcome:
    """Reach the goal and return what was done.

    Args:
        goal: What is wanted of the link.
        history: The link as it was just read, and the write of an earlier process, if there was one.
        links: Reads and writes the link.
        account: The signed-in account, to which every link must belong.
        deadline: Limits for how long a write that has not happened is sent again.
        record: Is kept up to date with what is known of the link.
        on_send: Called right before each write is sent; what it raises keeps the write from being sent.

    Raises:
        PallinkError: The goal was not reached; `UnsettledWriteError` where that is unknown.
    """
    record = record or WriteRecord()
    while True:
        verdict = settle(goal, history, account, time_left=deadline.left, timeout=deadline.seconds)
        if isinstance(verdict, Send):
            # First: what it refuses to send changes nothing.
            on_send(verdict.step, verdict.before)
        record.known = verdict.known
        match verdict:
            case Done(outcome):
                return outcome
            case Fail(error):
                raise error from verdict.origin or error.__cause__
            case Send(step, current):
                history = history.with_attempt(_attempt(links, account, step, current))
            case Wait(seconds):
                log.info("nothing has changed: sending the request again in %.0f seconds", seconds)
                deadline.wait(seconds, cause="waiting to send the write again")
                # What was read before the wait is too old to write on.
                history = history.with_reading(_read(links, account))


def _attempt(links: PartnerLinks, account: Account, step: Step, before: Link | None) -> Attempt:
    """Send a write, and read the link again where the response does not settle it."""
    try:
        attempt = Attempt(step, before, links.send(step))
    except (WriteFailure, PallinkError) as error:
        attempt = Attempt(step, before, error)
    if attempt.failure is not None:
        log.info("no link was returned by the write (%s): reading the link again", attempt.failure.error)
    return attempt.with_reading(_read(links, account)) if attempt.needs_reading else attempt


def read_link(links: PartnerLinks, account: Account) -> Link | None:
    """Return the account's link, soft-deleted or not; None if the service reports none.

    Raises:
        PallinkError: The link could not be read, or is another account's.
    """
    current = links.read()
    if current is not None:
        check_owner(current, account)
    return current


def _read(links: PartnerLinks, account: Account) -> Reading:
    try:
        return read_link(links, account)
    except PallinkError as error:
        return error
