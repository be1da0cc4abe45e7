"""Carries out what a goal asks for, and settles what a failed write left open by reading again.

A write is sent once. Where it failed, timed out or lost its answer, the link is read again and the goal asked for its
next step: done is done, and what has not happened is sent again while the command's time lasts.
"""

import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from pallink.account import Account
from pallink.deadline import Deadline
from pallink.errors import LinkedElsewhereError, NotLinkedError, PallinkError, RequestTrace, UnsettledWriteError
from pallink.links.model import (
    Action,
    Goal,
    Link,
    Step,
    active,
    check_owner,
    check_written,
    concurrent_write_warning,
    linked_elsewhere,
)
from pallink.links.record import WriteRecord

log = logging.getLogger("pallink")

_CONTESTED = (
    "Azure answered that the link is not as it was read just before: somebody else changed it in between, or Azure"
    " carried out this request twice"
)
_MAY_COME_LATE = "an earlier try was not answered in time, and Azure may still carry it out"


class WriteResponse(Enum):
    """What the service said to a write that it did not answer with the link."""

    LOST = auto()
    """No answer, or none of its own: the write may have taken effect."""
    TIMED_OUT = auto()
    """No answer in time: it may still carry the write out, whatever is read now."""
    CONFLICT = auto()
    """The link is not in the state that the write needs."""
    REFUSED = auto()
    """It will not do it, however often it is asked."""


class WriteFailure(Exception):  # noqa: N818 - no error for a caller: it is settled here
    """A write whose outcome has to be read.

    Attributes:
        error: what to report if nothing else can be found out.
        said: what the service said.
        retry_after: seconds that the service asked to wait, or None.
    """

    def __init__(self, error: PallinkError, said: WriteResponse, *, retry_after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.said = said
        self.retry_after = retry_after


class PartnerLinks(Protocol):
    """The account's link at the service."""

    def read(self) -> Link | None:
        """The link as it is, soft-deleted or not; None where the service says that there is none."""

    def send(self, step: Step) -> Link | RequestTrace:
        """Send one write and return its answer; of a deletion, which has none, only its identifiers.

        Raises:
            WriteFailure: whether it took effect has to be read.
            PallinkError: it was not sent.
        """


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done.

    Attributes:
        action: what happened to the link.
        link: the link afterwards; None after a deletion.
        previous: the link that there was before.
        warnings: what was noticed on the way and did not keep the goal from being reached.
    """

    action: Action
    link: Link | None
    previous: Link | None
    warnings: tuple[str, ...] = ()


def carry_out(
    goal: Goal,
    before: Link | None,
    links: PartnerLinks,
    account: Account,
    deadline: Deadline,
    *,
    record: WriteRecord | None = None,
) -> Outcome:
    """Reach the goal, or raise.

    Args:
        goal: what is wanted.
        before: the link as it was just read.
        links: where to read and write.
        account: who signed in; answers are checked against it.
        deadline: for how long a write that has not happened is sent again.
        record: is told at every moment what is known of the link, for whoever is interrupted.

    Raises:
        PallinkError: the goal was not reached. `UnsettledWriteError` where that is not known.
    """
    return _Writer(goal, links, account, deadline, before, record=record or WriteRecord()).run()


class _Writer:
    def __init__(
        self,
        goal: Goal,
        links: PartnerLinks,
        account: Account,
        deadline: Deadline,
        before: Link | None,
        *,
        record: WriteRecord,
    ) -> None:
        self._record = record
        self._goal = goal
        self._links = links
        self._account = account
        self._deadline = deadline
        self._before = before
        self._waits = _waits()
        self._last_in_doubt: Step | None = None
        self._is_contested = False
        # A write that was not answered in time may be carried out whenever Azure comes to it.
        self._may_come_late = False
        self._first = active(before)
        self._replaced: Link | None = None

    def run(self) -> Outcome:
        current = self._before
        while True:
            step = self._next_step(current)
            if step.action is Action.UNCHANGED:
                return self._reached(current)
            if step != self._last_in_doubt:
                # What came of an earlier write of another kind is settled by what was read since.
                self._last_in_doubt, self._is_contested = None, False
            self._note_replaced(current, step)
            self._before = current
            self._record.in_doubt()
            try:
                answer = self._links.send(step)
            except WriteFailure as failure:
                current = self._read_again(step, failure)
                continue
            except PallinkError:
                self._settle_record(may_have_happened=False)
                raise
            if isinstance(answer, RequestTrace):
                # A deletion has no answer to check, and one that named another partner may have done nothing.
                self._last_in_doubt = step
                current = self._read_after_deletion(step, answer)
                continue
            return self._checked(answer, step)

    def _next_step(self, current: Link | None, consequence: str | None = None) -> Step:
        """What the goal asks for; its refusal does not say that nothing was changed where that is not known."""
        if self._may_come_late and consequence is None:
            consequence = _MAY_COME_LATE
        try:
            return self._goal.next_step(current)
        except LinkedElsewhereError as refusal:
            linked = active(current)
            if consequence is None or linked is None:
                raise
            raise linked_elsewhere(linked, refusal.wanted_partner_id, consequence) from refusal

    def _note_replaced(self, current: Link | None, step: Step) -> None:
        """Remember the link that a write is about to replace, where it is not the one that there was at first."""
        linked = active(current)
        is_another = linked is not None and linked.partner_id != (self._first.partner_id if self._first else None)
        self._replaced = linked if step.action is Action.UPDATED and is_another else None

    def _reached(self, current: Link | None) -> Outcome:
        """The goal is reached: by a write whose answer was lost, or without one."""
        step = self._last_in_doubt
        if step is None:
            contested = _CONTESTED if self._is_contested else None
            return self._done(Action.UNCHANGED, current, active(current), contested)
        if step.action is Action.DELETED:
            return self._done(
                Action.DELETED, None, active(self._before), concurrent_write_warning(self._before, current)
            )
        if current is None:
            raise AssertionError(f"{self._goal} is reached without a link by {step}")
        return self._checked(current, step)

    def _checked(self, answer: Link, step: Step) -> Outcome:
        warning = check_written(answer, step, self._before, self._account)
        return self._done(step.action, answer, active(self._before), warning)

    def _done(self, action: Action, link: Link | None, previous: Link | None, warning: str | None = None) -> Outcome:
        self._record.reached(action, previous, link)
        warnings = [warning] if warning else []
        if action is Action.UPDATED and self._replaced is not None:
            warnings.append(f"somebody else linked {self._replaced} while this command ran; that link was replaced")
        return Outcome(action, link, previous, tuple(warnings))

    def _read_again(self, step: Step, failure: WriteFailure) -> Link | None:
        log.info("the answer to the %s request is no link (%s): reading the link again", step.action, failure.error)
        self._may_come_late = self._may_come_late or failure.said is WriteResponse.TIMED_OUT
        if failure.said is WriteResponse.CONFLICT:
            self._is_contested = True
        else:
            self._last_in_doubt = step
        if failure.said is WriteResponse.REFUSED:
            return self._read_after_refusal(step, failure.error)
        current = self._read(step, f"the answer was lost ({failure.error.message})", failure.error)
        return self._settled(current, step, failure)

    def _read_after_refusal(self, step: Step, refusal: PallinkError) -> Link | None:
        """The link, where it is as it should be all the same: a gateway can send a request twice, and pass on a no."""
        try:
            current = self._read(step, "it was refused")
        except UnsettledWriteError as unread:
            self._settle_record(may_have_happened=False)
            raise refusal from unread
        if self._is_reached(current):
            return current
        self._settle_record(may_have_happened=False)
        if active(current) != active(self._before):
            shown = "what somebody else made of the link"
        elif self._may_come_late:
            shown = f"the link as it was; {_MAY_COME_LATE}"
        else:
            shown = "that nothing was changed"
        raise refusal.with_cause(f"reading again showed {shown}")

    def _settle_record(self, *, may_have_happened: bool) -> None:
        if may_have_happened or self._may_come_late:
            self._record.in_doubt()
        else:
            self._record.nothing_happened()

    def _is_reached(self, current: Link | None) -> bool:
        try:
            return self._goal.next_step(current).action is Action.UNCHANGED
        except (NotLinkedError, LinkedElsewhereError):
            return False

    def _read_after_deletion(self, step: Step, answer: RequestTrace) -> Link | None:
        current = self._read(step, "the service said that it was")
        contradiction = UnsettledWriteError(
            f"the link may or may not have been {step.action}: Azure says that it was, and still shows it",
            cause="whoever answers may know an older state; the time of --timeout is over",
            trace=answer,
        )
        return self._settled(current, step, WriteFailure(contradiction, WriteResponse.LOST))

    def _settled(self, current: Link | None, step: Step, failure: WriteFailure) -> Link | None:
        """The link to decide on: as it was read, or, where nothing has happened, as it is after a wait."""
        may_have_happened = self._may_have_happened(current, failure)
        try:
            following = self._next_step(
                current, f"before that it may have been {step.action}" if may_have_happened else None
            )
        except PallinkError:
            self._settle_record(may_have_happened=may_have_happened)
            raise
        if following.action is Action.UNCHANGED:
            return current
        self._refuse_what_came_after(current, step, failure)
        if following != step:
            self._settle_record(may_have_happened=may_have_happened)
            return current
        self._settle_record(may_have_happened=False)
        self._wait(step, failure)
        # What was read before the wait is too old to write on.
        current = self._read(step, "nothing had been changed before a wait")
        self._refuse_what_came_after(current, step, failure)
        return current

    def _may_have_happened(self, current: Link | None, failure: WriteFailure) -> bool:
        """Whether the write may have taken effect, and somebody else written after it: the link is not as wanted."""
        if failure.said not in (WriteResponse.LOST, WriteResponse.TIMED_OUT) or active(current) == active(self._before):
            return False
        writes = self._writes_since(current)
        return writes is None or writes > 1

    def _writes_since(self, current: Link | None) -> int | None:
        """How many writes there were since the link was read before the write; None where the versions do not tell."""
        before = self._before.version if self._before is not None else 0
        after = current.version if current is not None else None
        return None if before is None or after is None else after - before

    def _refuse_what_came_after(self, current: Link | None, step: Step, failure: WriteFailure) -> None:
        """Leave a link alone that may have been made after the write, by somebody who knew of it.

        A removal leaves any link alone that was written since: it is not the one that was to go.

        Raises:
            UnsettledWriteError: it was; the write may have taken effect before.
        """
        linked, writes = active(current), self._writes_since(current)
        if linked is None or writes is None:
            return
        is_removal = step.action is Action.DELETED
        if writes <= (0 if is_removal else 1) or (failure.said is WriteResponse.CONFLICT and not is_removal):
            return
        self._record.in_doubt()
        raise UnsettledWriteError(
            f"the link may or may not have been {step.action}: somebody else linked the account in between",
            cause=f"it is linked to {linked} now, {writes} writes later; what was written since is left alone",
        )

    def _read(self, step: Step, why: str, failed: PallinkError | None = None) -> Link | None:
        try:
            current = self._links.read()
            if current is not None:
                check_owner(current, self._account)
        except PallinkError as error:
            self._record.in_doubt()
            raise UnsettledWriteError(
                f"the link may or may not have been {step.action}: reading it again failed",
                cause=f"{why}; then: {error.message}",
                trace=(failed.trace if failed else None) or error.trace,
            ) from error
        return current

    def _wait(self, step: Step, failure: WriteFailure) -> None:
        """Wait before the same write is sent again, or give up.

        Raises:
            PallinkError: the failure itself, where nothing has changed. `UnsettledWriteError` where that may not last.
        """
        seconds = max(next(self._waits), failure.retry_after or 0.0)
        if seconds < self._deadline.left:
            log.info("nothing has changed: sending it again in %.0f seconds", seconds)
            self._deadline.wait(seconds, cause="waiting to send the write again")
            return
        if isinstance(failure.error, UnsettledWriteError):
            self._record.in_doubt()
            raise failure.error
        if self._may_come_late:
            raise UnsettledWriteError(
                f"the link may or may not have been {step.action}: Azure did not answer in time",
                cause=f"{failure.error.message}; when it was read it was as before, but Azure may still carry the"
                " request out, and the time of --timeout is over",
                trace=failure.error.trace,
            ) from failure.error
        raise failure.error.with_cause(
            f"reading again showed that nothing was changed, and the {self._deadline.seconds:g} seconds of"
            " --timeout leave no time for another try"
        )


def _waits() -> Iterator[float]:
    """Seconds between tries: 1, 2, 4, 8, then 15 each."""
    return itertools.chain((1.0, 2.0, 4.0, 8.0), itertools.repeat(15.0))
