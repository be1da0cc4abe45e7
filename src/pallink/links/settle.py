"""Decide what to do next from what was observed of a link: pure.

The link decides, not a status. After a write that failed, timed out or lost its response, the link is read again and
the goal asked for its next step: what is done is done, what has not happened is sent again while there is time, and
what another process wrote since is left alone.
"""

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import ClassVar

from pallink.account import Account
from pallink.errors import (
    LinkedElsewhereError,
    NotLinkedError,
    PallinkError,
    RequestTrace,
    UnexpectedAnswerError,
    UnsettledWriteError,
)
from pallink.links.history import Attempt, History, WriteResponse
from pallink.links.model import (
    Action,
    Goal,
    Link,
    Step,
    active,
    check_written,
    concurrent_write_warning,
    linked_elsewhere_error,
)
from pallink.links.record import UNCHANGED, UNKNOWN, LinkChange, LinkKnowledge

# Seconds before the first retry, the second, and so on; the last value repeats.
_DELAYS = (1.0, 2.0, 4.0, 8.0, 15.0)
# Writes that the version counts where a deletion took effect and another process linked the account again.
_DELETED_AND_LINKED = 2

_CONTESTED = "another process changed the link in between, or Azure carried out this request twice"
_MAY_ARRIVE_LATE = "a request timed out, and Azure may still carry it out"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done.

    Attributes:
        action: What happened to the link.
        link: The link afterwards; None after a deletion.
        previous: The link before.
        warnings: What the user should know although the goal was reached.
    """

    action: Action
    link: Link | None
    previous: Link | None
    warnings: tuple[str, ...] = ()

    def with_warning(self, warning: str) -> "Outcome":
        """Return a copy with one warning more."""
        return replace(self, warnings=(*self.warnings, warning))


@dataclass(frozen=True, slots=True)
class Done:
    """The goal is reached."""

    outcome: Outcome

    @property
    def known(self) -> LinkKnowledge:
        """What is known of the link."""
        done = self.outcome
        change = LinkChange.UNCHANGED if done.action is Action.UNCHANGED else LinkChange.CHANGED
        return LinkKnowledge(change, done.action, done.previous, done.link)


@dataclass(frozen=True, slots=True)
class Send:
    """Send a write.

    Attributes:
        step: What the write is to do.
        before: The link as it was last read.
        known: What is known of the link from just before the write is sent.
    """

    step: Step
    before: Link | None
    known: ClassVar[LinkKnowledge] = UNKNOWN


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait, then read the link again.

    Attributes:
        seconds: How long to wait.
        known: What is known of the link meanwhile.
    """

    seconds: float
    known: LinkKnowledge = UNCHANGED


@dataclass(frozen=True, slots=True)
class Fail:
    """The goal is not reached, or that is unknown.

    Attributes:
        error: The error to raise.
        known: What is known of the link.
        origin: The error that this one follows from, where it is another.
    """

    error: PallinkError
    known: LinkKnowledge = UNCHANGED
    origin: PallinkError | None = None


Verdict = Done | Send | Wait | Fail

# What the goal says to a link: its next step, or why it has none.
Following = Step | NotLinkedError | LinkedElsewhereError
_NOTHING = Step(Action.UNCHANGED)


def settle(goal: Goal, history: History, account: Account, *, time_left: float, timeout: float) -> Verdict:
    """Return what to do next.

    Args:
        goal: What is wanted of the link.
        history: What was observed so far. Where an attempt needs a reading, it has one.
        account: The signed-in account, to which the link that a write returned must belong.
        time_left: Seconds that are left for the command.
        timeout: Seconds that the command was given.
    """
    if not history.attempts:
        return _begin(goal, history.before)
    verdict = _settle(goal, history, account, time_left=time_left, timeout=timeout)
    if isinstance(verdict, Done) and history.may_arrive_late:
        return Done(verdict.outcome.with_warning(f"{_MAY_ARRIVE_LATE}: check the link again later"))
    return verdict


def _settle(goal: Goal, history: History, account: Account, *, time_left: float, timeout: float) -> Verdict:
    attempt = history.attempts[-1]
    if isinstance(attempt.result, PallinkError):  # It was not sent.
        return Fail(attempt.result, _known_if_ineffective(history))
    if isinstance(attempt.result, Link):
        return _settle_by_response(history, attempt, attempt.result, account)
    current = attempt.readings[-1]
    if isinstance(current, PallinkError):
        return _fail_unread(attempt, current)
    following = _next_step(goal, current)
    if attempt.has_waited:
        return _settle_after_wait(history, attempt, current, following)
    return _settle_by_reading(history, attempt, current, following, time_left=time_left, timeout=timeout)


def _begin(goal: Goal, before: Link | None) -> Verdict:
    """Decide before the first write."""
    step = _next_step(goal, before)
    if isinstance(step, PallinkError):
        return Fail(step)
    if step.action is Action.UNCHANGED:
        return Done(Outcome(Action.UNCHANGED, before, active(before)))
    return Send(step, before)


def _next_step(goal: Goal, current: Link | None) -> Following:
    """Return the goal's next step, or why it has none."""
    try:
        return goal.next_step(current)
    except (NotLinkedError, LinkedElsewhereError) as refusal:
        return refusal


def _known_if_ineffective(history: History) -> LinkKnowledge:
    """Return what is known of the link where the last write did nothing: an earlier one may still arrive."""
    return UNKNOWN if history.may_arrive_late else UNCHANGED


def _settle_by_response(history: History, attempt: Attempt, returned: Link, account: Account) -> Done | Fail:
    """Accept the link that the write returned if it is the one that was requested."""
    try:
        check_written(returned, attempt.step, account)
    except UnexpectedAnswerError as error:
        return Fail(error, UNKNOWN)
    return _report(history, attempt, returned)


def _finish(history: History, attempt: Attempt, current: Link | None) -> Done:
    """Report a link that reading showed to be as wanted.

    It is this command's doing unless the service rejected each request for it as a conflict.
    """
    same_step = takewhile(lambda earlier: earlier.step == attempt.step, reversed(history.attempts))
    if all(same.response is WriteResponse.CONFLICT for same in same_step):
        return Done(Outcome(Action.UNCHANGED, current, active(current), (_CONTESTED,)))
    return _report(history, attempt, current)


def _report(history: History, attempt: Attempt, current: Link | None) -> Done:
    """Report that the write took effect."""
    action, previous = attempt.step.action, active(attempt.before)
    first = active(history.before)
    warnings = []
    if attempt.failure is not None:
        warnings.append(
            f"no response confirmed it: reading showed that the link was {action}, by this command or another process"
        )
    if gap := concurrent_write_warning(attempt.before, current):
        warnings.append(gap)
    if action is Action.UPDATED and previous and previous.partner_id != (first.partner_id if first else None):
        warnings.append(f"another process linked {previous} while this command ran; that link was replaced")
    return Done(Outcome(action, None if action is Action.DELETED else current, previous, tuple(warnings)))


def _settle_by_reading(
    history: History, attempt: Attempt, current: Link | None, following: Following, *, time_left: float, timeout: float
) -> Verdict:
    """Decide by the link as it was read right after the write."""
    if following == _NOTHING:
        return _finish(history, attempt, current)
    if attempt.failure is not None and attempt.failure.response is WriteResponse.REFUSED:
        return _fail_refused(history, attempt, current, attempt.failure.error)
    if isinstance(following, PallinkError):
        return _fail_forbidden(history, attempt, current, following)
    if _is_written_since(attempt, current):
        return _leave_alone(attempt, current)
    if following != attempt.step:
        return Send(following, current)
    return _retry(history, attempt, time_left=time_left, timeout=timeout)


def _settle_after_wait(history: History, attempt: Attempt, current: Link | None, following: Following) -> Verdict:
    """Decide by the link as it was read after a wait; before the wait it was unchanged."""
    if _is_written_since(attempt, current):
        return _leave_alone(attempt, current)
    if following == _NOTHING:
        return _finish(history, attempt, current)
    if isinstance(following, PallinkError):
        return _fail_forbidden(history, attempt, current, following)
    return Send(following, current)


def _fail_unread(attempt: Attempt, error: PallinkError) -> Fail:
    """Fail because the link could not be read after the write."""
    trace = error.trace
    if attempt.has_waited:
        reason = "nothing had been changed before a wait"
    elif attempt.failure is None:
        reason = "the service reported success"
    elif attempt.failure.response is WriteResponse.REFUSED:
        # A gateway may have sent the request twice, and passed on the second response.
        return Fail(attempt.failure.error, UNKNOWN)
    else:
        failed = attempt.failure.error
        reason, trace = f"the response was lost ({failed.message})", failed.trace or trace
    unsettled = UnsettledWriteError(
        f"the link may or may not have been {attempt.step.action}: reading it again failed",
        cause=f"{reason}; then: {error.message}",
        trace=trace,
    )
    return Fail(unsettled, UNKNOWN, error)


def _fail_refused(history: History, attempt: Attempt, current: Link | None, refusal: PallinkError) -> Fail:
    """Fail because the service refused the write."""
    if active(current) != active(attempt.before):
        shown = "that another process changed the link"
    elif history.may_arrive_late:
        shown = f"the link as it was; {_MAY_ARRIVE_LATE}"
    else:
        shown = "that nothing was changed"
    return Fail(refusal.with_cause(f"reading again showed {shown}"), _known_if_ineffective(history))


def _fail_forbidden(
    history: History, attempt: Attempt, current: Link | None, refusal: NotLinkedError | LinkedElsewhereError
) -> Fail:
    """Fail because the goal has no next step from the link that another process wrote.

    Where more was written than that, or the versions do not tell, this command's write may have come before it.
    """
    may_have_happened = (
        not attempt.has_waited
        and attempt.response is not WriteResponse.CONFLICT
        and active(current) != active(attempt.before)
        and (attempt.writes_since is None or attempt.writes_since > 1)
    )
    known = UNKNOWN if may_have_happened or history.may_arrive_late else UNCHANGED
    linked = active(current)
    if known is UNKNOWN and isinstance(refusal, LinkedElsewhereError) and linked is not None:
        # Its own words would be that nothing was changed.
        earlier = f"before that it may have been {attempt.step.action}" if may_have_happened else _MAY_ARRIVE_LATE
        return Fail(linked_elsewhere_error(linked, refusal.wanted_partner_id, earlier), known, refusal)
    return Fail(refusal, known)


def _is_written_since(attempt: Attempt, current: Link | None) -> bool:
    """Return whether another process may have made the link after the write, knowing of it.

    For a removal that is every link that was written since: it is not the one to remove.
    """
    writes = attempt.writes_since
    if active(current) is None or writes is None:
        return False
    if attempt.step.action is Action.DELETED:
        return writes > 0
    return writes > 1 and attempt.response is not WriteResponse.CONFLICT


def _leave_alone(attempt: Attempt, current: Link | None) -> Done | Fail:
    """Leave a link alone that was written since; a deletion is done where the versions count its write too."""
    action, writes = attempt.step.action, attempt.writes_since
    is_relinked = (
        current is not None and current.partner_id == attempt.step.partner_id and writes == _DELETED_AND_LINKED
    )
    if attempt.is_acknowledged_deletion and is_relinked and not attempt.has_waited:
        warning = f"another process linked the account to {current} again; that link was not changed"
        return Done(Outcome(Action.DELETED, None, active(attempt.before), (warning,)))
    more = f"{writes} more {'write' if writes == 1 else 'writes'}"
    unsettled = UnsettledWriteError(
        f"the link may or may not have been {action}: another process linked the account in between",
        cause=f"it is now linked to {current} after {more}; that link was not changed",
    )
    return Fail(unsettled, UNKNOWN)


def _retry(history: History, attempt: Attempt, *, time_left: float, timeout: float) -> Wait | Fail:
    """Wait before the write is sent again, or give up if there is no time for it."""
    failure = attempt.failure
    seconds = max(_DELAYS[min(history.waits, len(_DELAYS) - 1)], (failure and failure.retry_after) or 0.0)
    if seconds < time_left:
        return Wait(seconds, _known_if_ineffective(history))
    if failure is None:
        trace = attempt.result if isinstance(attempt.result, RequestTrace) else None
        contradiction = UnsettledWriteError(
            f"the link may or may not have been {attempt.step.action}: Azure reported success, and still returns it",
            cause="Azure may be returning an older state, and --timeout has expired",
            trace=trace,
        )
        return Fail(contradiction, UNKNOWN)
    if history.may_arrive_late:
        unsettled = UnsettledWriteError(
            f"the link may or may not have been {attempt.step.action}: Azure did not respond in time",
            cause=f"{failure.error.message}; the link was as before, but Azure may still carry the request out",
            trace=failure.error.trace,
        )
        return Fail(unsettled, UNKNOWN, failure.error)
    cause = f"reading again showed that nothing was changed, and --timeout {timeout:g} leaves no time to retry"
    return Fail(failure.error.with_cause(cause))
