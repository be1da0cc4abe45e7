"""What `settle` decides, one row a situation: the specification of every write.

Links are written as partner and version: `p(8)` is a link to the partner that the goals want, after eight writes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pallink.errors import (
    LinkedElsewhereError,
    NotLinkedError,
    PallinkError,
    PartnerIdRefusedError,
    RequestTrace,
    SignInError,
    UnexpectedAnswerError,
    UnreachableError,
    UnsettledWriteError,
)
from pallink.links.history import Attempt, History, WriteFailure, WriteResponse
from pallink.links.model import Action, Goal, Link, LinkGoal, Step, UnlinkGoal, UpdateGoal, active
from pallink.links.record import LinkChange
from pallink.links.settle import Done, Fail, Send, Verdict, Wait, settle
from tests.core.samples import INVOICES, OTHER_OBJECT, OTHER_PARTNER, PARTNER, link_to

THIRD_PARTNER = "333333"
NONE = None


def p(version: int) -> Link:
    return link_to(PARTNER, version=version)


def q(version: int) -> Link:
    return link_to(OTHER_PARTNER, version=version)


def r(version: int) -> Link:
    return link_to(THIRD_PARTNER, version=version)


def deleted(version: int) -> Link:
    return link_to(OTHER_PARTNER, state="Deleted", version=version)


def foreign(version: int) -> Link:
    return replace(p(version), object_id=OTHER_OBJECT)


LINK, REPLACE, UPDATE, UNLINK = (
    LinkGoal(PARTNER),
    LinkGoal(PARTNER, replace=True),
    UpdateGoal(PARTNER),
    UnlinkGoal(OTHER_PARTNER),
)
CREATE, CHANGE, DELETE = (
    Step(Action.CREATED, PARTNER),
    Step(Action.UPDATED, PARTNER),
    Step(Action.DELETED, OTHER_PARTNER),
)
LOST, TIMED_OUT, CONFLICT, REFUSED = WriteResponse
ACKNOWLEDGED = RequestTrace("acknowledged")
NOT_SENT = SignInError("no token")
UNREADABLE = UnreachableError("the service cannot be reached", trace=RequestTrace("read"))

CHANGED, UNCHANGED, UNKNOWN = LinkChange

READ = "reading showed that the link was"
LATE = "Azure may still carry it out"


@dataclass(frozen=True)
class done:  # noqa: N801 - rows read as sentences
    """The goal is reached; each of `warnings` is part of one warning."""

    action: Action
    warnings: tuple[str, ...] = ()
    previous: Link | None = NONE


@dataclass(frozen=True)
class send:  # noqa: N801
    step: Step


@dataclass(frozen=True)
class wait:  # noqa: N801
    seconds: float = 1
    link: LinkChange = UNCHANGED


@dataclass(frozen=True)
class fail:  # noqa: N801
    """An error of this class, with `words` in its message or cause."""

    error: type[PallinkError]
    words: str = ""
    link: LinkChange = UNCHANGED


Sent = tuple[Any, ...]
Verdicts = done | send | wait | fail


@dataclass(frozen=True)
class Situation:
    """What was observed, and the verdict.

    Attributes:
        goal: What is wanted.
        before: The link as it was read first.
        sent: Each write: its step, how it ended, and what reading the link again showed since.
        verdict: What is to be done.
    """

    words: str
    goal: Goal
    before: Link | None
    sent: tuple[Sent, ...]
    verdict: Verdicts
    time_left: float = 100

    def __str__(self) -> str:
        return self.words


def begin(words: str, goal: Goal, before: Link | None, verdict: Verdicts) -> Situation:
    return Situation(words, goal, before, (), verdict)


FIRST = [
    begin("no link: create it", LINK, NONE, send(CREATE)),
    begin("a deleted link is none", LINK, deleted(7), send(CREATE)),
    begin("linked already", LINK, p(7), done(Action.UNCHANGED, previous=p(7))),
    begin("another partner's link", LINK, q(7), fail(LinkedElsewhereError, "nothing was changed")),
    begin("another partner's link, to be replaced", REPLACE, q(7), send(CHANGE)),
    begin("a link to update", UPDATE, q(7), send(CHANGE)),
    begin("no link to update", UPDATE, NONE, fail(NotLinkedError)),
    begin("a link to remove", UNLINK, q(7), send(DELETE)),
    begin("no link to remove", UNLINK, NONE, done(Action.UNCHANGED)),
    begin("not the link to remove", UNLINK, r(7), fail(LinkedElsewhereError, "nothing was removed")),
]


def linking(words: str, *sent: Sent, then: Verdicts, time_left: float = 100) -> Situation:
    """Be linked to the partner; there was no link."""
    return Situation(words, LINK, NONE, tuple((CREATE, *attempt) for attempt in sent), then, time_left)


def updating(words: str, *sent: Sent, then: Verdicts, time_left: float = 100) -> Situation:
    """Change the link of another partner."""
    return Situation(words, UPDATE, q(7), tuple((CHANGE, *attempt) for attempt in sent), then, time_left)


def unlinking(words: str, *sent: Sent, then: Verdicts, time_left: float = 100) -> Situation:
    """Remove the link of another partner."""
    return Situation(words, UNLINK, q(7), tuple((DELETE, *attempt) for attempt in sent), then, time_left)


def replacing(words: str, before: Link | None, *sent: Sent, then: Verdicts) -> Situation:
    """Be linked to the partner, in place of any other."""
    return Situation(words, REPLACE, before, sent, then)


RETURNED = [
    linking("the link is as requested", (p(1),), then=done(Action.CREATED)),
    updating("the version went up by one", (p(8),), then=done(Action.UPDATED, previous=q(7))),
    updating(
        "the version went up by two",
        (p(9),),
        then=done(Action.UPDATED, ("version 7 to 9 in one write: another process changed it",), q(7)),
    ),
    linking("another partner is linked", (q(1),), then=fail(UnexpectedAnswerError, "returned", UNKNOWN)),
    linking(
        "the link is deleted",
        (replace(p(1), state="Deleted"),),
        then=fail(UnexpectedAnswerError, "in state Deleted", UNKNOWN),
    ),
    linking(
        "another account is linked",
        (foreign(1),),
        then=fail(UnexpectedAnswerError, "another account", UNKNOWN),
    ),
    linking("the write was not sent", (NOT_SENT,), then=fail(SignInError, "no token")),
]

LOST_RESPONSE = [
    linking("it took effect", (LOST, p(1)), then=done(Action.CREATED, (READ,))),
    linking("it had no effect", (LOST, NONE), then=wait()),
    linking("it had no effect before a wait either", (LOST, NONE, NONE), then=send(CREATE)),
    linking("it took effect during the wait", (LOST, NONE, p(1)), then=done(Action.CREATED, (READ,))),
    linking(
        "during the wait, more was written than that",
        (LOST, NONE, p(2)),
        then=fail(UnsettledWriteError, "after 2 more writes", UNKNOWN),
    ),
    linking(
        "another process linked another partner",
        (LOST, q(1)),
        then=fail(LinkedElsewhereError, "nothing was changed"),
    ),
    linking(
        "another process linked another partner, with a write before that",
        (LOST, q(2)),
        then=fail(LinkedElsewhereError, "before that it may have been created", UNKNOWN),
    ),
    replacing("what another process linked may be replaced", NONE, (CREATE, LOST, q(1)), then=send(CHANGE)),
    replacing(
        "what another process linked is not replaced if it may have known of this write",
        NONE,
        (CREATE, LOST, q(2)),
        then=fail(UnsettledWriteError, "another process linked the account in between", UNKNOWN),
    ),
    updating("an update took effect", (LOST, p(8)), then=done(Action.UPDATED, (READ,), q(7))),
    updating(
        "an update took effect among other writes",
        (LOST, p(9)),
        then=done(Action.UPDATED, (READ, "version 7 to 9"), q(7)),
    ),
    updating("an update had no effect", (LOST, q(7)), then=wait()),
    updating("another process updated first", (LOST, r(8)), then=wait()),
    updating("another process updated during the wait", (LOST, q(7), r(8)), then=send(CHANGE)),
    updating(
        "another process may have updated after it",
        (LOST, r(9)),
        then=fail(UnsettledWriteError, f"linked to {THIRD_PARTNER}", UNKNOWN),
    ),
    updating("another process removed the link", (LOST, deleted(8)), then=fail(NotLinkedError)),
    updating(
        "another process removed the link, and the version is not shown",
        (LOST, NONE),
        then=fail(NotLinkedError, link=UNKNOWN),
    ),
    replacing(
        "another process removed the link, which is created again",
        q(7),
        (CHANGE, LOST, deleted(8)),
        then=send(CREATE),
    ),
    linking(
        "the link cannot be read",
        (LOST, UNREADABLE),
        then=fail(UnsettledWriteError, "the response was lost (no response); then: the service cannot", UNKNOWN),
    ),
    linking(
        "the link cannot be read after the wait",
        (LOST, NONE, UNREADABLE),
        then=fail(UnsettledWriteError, "before a wait; then: the service cannot", UNKNOWN),
    ),
    linking(
        "it had no effect, and no time is left",
        (LOST, NONE),
        then=fail(UnreachableError, "nothing was changed, and --timeout 120 leaves no time to retry"),
        time_left=1,
    ),
    linking("it took effect, and no time is left", (LOST, p(1)), then=done(Action.CREATED, (READ,)), time_left=0),
]

TIMED_OUT_WRITE = [
    linking("it took effect, or another process's did", (TIMED_OUT, p(1)), then=done(Action.CREATED, (READ, LATE))),
    linking("it may still take effect", (TIMED_OUT, NONE), then=wait(link=UNKNOWN)),
    linking("it is sent again after a wait", (TIMED_OUT, NONE, NONE), then=send(CREATE)),
    linking(
        "no time is left",
        (TIMED_OUT, NONE),
        then=fail(UnsettledWriteError, "Azure did not respond in time", UNKNOWN),
        time_left=1,
    ),
    linking(
        "no time is left after another one that was lost",
        (TIMED_OUT, NONE, NONE),
        (LOST, NONE),
        then=fail(UnsettledWriteError, "Azure did not respond in time", UNKNOWN),
        time_left=1,
    ),
    linking(
        "another process linked another partner",
        (TIMED_OUT, q(1)),
        then=fail(LinkedElsewhereError, "Azure may still carry it out", UNKNOWN),
    ),
    linking(
        "another process linked another partner during the wait",
        (TIMED_OUT, NONE, q(1)),
        then=fail(LinkedElsewhereError, "Azure may still carry it out", UNKNOWN),
    ),
    linking(
        "the next one is refused",
        (TIMED_OUT, NONE, NONE),
        (REFUSED, NONE),
        then=fail(PartnerIdRefusedError, "Azure may still carry it out", UNKNOWN),
    ),
    linking(
        "the next one cannot be sent",
        (TIMED_OUT, NONE, NONE),
        (NOT_SENT,),
        then=fail(SignInError, "no token", UNKNOWN),
    ),
    linking(
        "the next one is a success, and the first may come after it",
        (TIMED_OUT, NONE, NONE),
        (p(1),),
        then=done(Action.CREATED, (LATE,)),
    ),
    linking(
        "the next one finds that the first took effect, or another process's did",
        (TIMED_OUT, NONE, NONE),
        (CONFLICT, p(1)),
        then=done(Action.CREATED, (READ, LATE)),
    ),
    linking(
        "the next one times out too, and one of them took effect",
        (TIMED_OUT, NONE, NONE),
        (TIMED_OUT, p(1)),
        then=done(Action.CREATED, (READ, LATE)),
    ),
    unlinking(
        "the next deletion is a success, and the first may remove a link that is made after it",
        (TIMED_OUT, q(7), q(7)),
        (ACKNOWLEDGED, NONE),
        then=done(Action.DELETED, (LATE,), q(7)),
    ),
]

CONFLICTS = [
    linking(
        "the link is as wanted, but not by this command",
        (CONFLICT, p(1)),
        then=done(
            Action.UNCHANGED,
            ("another process changed the link in between, or Azure carried out this request twice",),
            p(1),
        ),
    ),
    linking(
        "the link is as wanted, by an earlier request whose response was lost",
        (LOST, NONE, NONE),
        (CONFLICT, p(1)),
        then=done(Action.CREATED, (READ,)),
    ),
    linking(
        "another partner is linked, with any number of writes",
        (CONFLICT, q(5)),
        then=fail(LinkedElsewhereError, "nothing was changed"),
    ),
    replacing("another partner's link is replaced", NONE, (CREATE, CONFLICT, q(5)), then=send(CHANGE)),
    updating("another process removed the link", (CONFLICT, NONE), then=fail(NotLinkedError)),
    replacing("the link that is gone is created", q(7), (CHANGE, CONFLICT, NONE), then=send(CREATE)),
    linking("nothing has changed after all", (CONFLICT, NONE), then=wait()),
    linking(
        "the link cannot be read",
        (CONFLICT, UNREADABLE),
        then=fail(UnsettledWriteError, "reading it again failed", UNKNOWN),
    ),
]

REFUSALS = [
    updating(
        "nothing was changed",
        (REFUSED, q(7)),
        then=fail(PartnerIdRefusedError, "reading again showed that nothing was changed"),
    ),
    updating(
        "another process changed the link",
        (REFUSED, r(8)),
        then=fail(PartnerIdRefusedError, "reading again showed that another process changed the link"),
    ),
    linking("a gateway sent the request twice", (REFUSED, p(1)), then=done(Action.CREATED, (READ,))),
    linking("the link cannot be read", (REFUSED, UNREADABLE), then=fail(PartnerIdRefusedError, link=UNKNOWN)),
]

DELETIONS = [
    unlinking("the link is gone", (ACKNOWLEDGED, NONE), then=done(Action.DELETED, previous=q(7))),
    unlinking(
        "the link is marked as deleted",
        (ACKNOWLEDGED, deleted(8)),
        then=done(Action.DELETED, previous=q(7)),
    ),
    unlinking(
        "the link is marked as deleted, by more than one write",
        (ACKNOWLEDGED, deleted(9)),
        then=done(Action.DELETED, ("version 7 to 9 in one write",), q(7)),
    ),
    unlinking("the response is lost", (LOST, NONE), then=done(Action.DELETED, (READ,), q(7))),
    unlinking("the link is still there", (ACKNOWLEDGED, q(7)), then=wait()),
    unlinking("the link is there after a wait too", (ACKNOWLEDGED, q(7), q(7)), then=send(DELETE)),
    unlinking(
        "the link is still there, and no time is left",
        (ACKNOWLEDGED, q(7)),
        then=fail(UnsettledWriteError, "Azure reported success, and still returns it", UNKNOWN),
        time_left=1,
    ),
    unlinking(
        "another process linked the same partner again: the deletion is one write, the link the other",
        (ACKNOWLEDGED, q(9)),
        then=done(Action.DELETED, (f"another process linked the account to {q(9)} again",), q(7)),
    ),
    *(
        unlinking(
            f"what was written since is left alone: {words}",
            sent,
            then=fail(UnsettledWriteError, "another process linked the account in between", UNKNOWN),
        )
        for words, sent in {
            "one write, which is not the deletion": (ACKNOWLEDGED, q(8)),
            "three writes": (ACKNOWLEDGED, q(10)),
            "two writes, after a lost response": (LOST, q(9)),
            "two writes, during a wait": (ACKNOWLEDGED, q(7), q(9)),
            "a link that the service said was missing": (CONFLICT, q(9)),
        }.items()
    ),
    unlinking(
        "another process changed the link, and the deletion removed nothing",
        (ACKNOWLEDGED, r(8)),
        then=fail(LinkedElsewhereError, "nothing was removed"),
    ),
    unlinking(
        "another process linked another partner, maybe after the deletion",
        (ACKNOWLEDGED, r(9)),
        then=fail(LinkedElsewhereError, "before that it may have been deleted", UNKNOWN),
    ),
    unlinking(
        "the link cannot be read",
        (ACKNOWLEDGED, UNREADABLE),
        then=fail(UnsettledWriteError, "the service reported success; then: the service cannot", UNKNOWN),
    ),
]

OF_OTHERS = [
    updating(
        "what another process linked during a wait was replaced",
        (LOST, q(7), r(8)),
        (p(9),),
        then=done(Action.UPDATED, (f"another process linked {r(8)} while this command ran",), r(8)),
    ),
    replacing(
        "what another process linked in place of the first was replaced",
        NONE,
        (CREATE, CONFLICT, q(1)),
        (CHANGE, LOST, p(2)),
        then=done(
            Action.UPDATED,
            (
                READ,
                f"another process linked {q(1)} while this command ran",
            ),
            q(1),
        ),
    ),
]

TABLE = {
    "before the first write": FIRST,
    "the write returned a link": RETURNED,
    "the response was lost": LOST_RESPONSE,
    "the write timed out": TIMED_OUT_WRITE,
    "the service reported a conflict": CONFLICTS,
    "the service refused": REFUSALS,
    "a deletion": DELETIONS,
    "a link of another process": OF_OTHERS,
}


@pytest.mark.parametrize(
    "situation",
    [pytest.param(row, id=f"{part}: {row}") for part, rows in TABLE.items() for row in rows],
)
def test_link_settle(situation: Situation) -> None:
    history = observed(situation.before, situation.sent)
    verdict = settle(situation.goal, history, INVOICES, time_left=situation.time_left, timeout=120)
    match situation.verdict:
        case done() as expected:
            assert_done(verdict, expected, history)
        case send(step):
            assert verdict == Send(step, last_read(history))
            assert verdict.known.change is UNKNOWN
        case wait(seconds, link):
            assert isinstance(verdict, Wait)
            assert (verdict.seconds, verdict.known.change) == (seconds, link)
        case fail(error, words, link):
            assert isinstance(verdict, Fail), verdict
            assert type(verdict.error) is error
            reported = f"{verdict.error.message}; {verdict.error.cause}"
            assert words in reported
            assert verdict.known.change is link
            assert link is UNCHANGED or "nothing was changed" not in reported


def assert_done(verdict: Verdict, expected: done, history: History) -> None:
    assert isinstance(verdict, Done), verdict
    outcome = verdict.outcome
    assert outcome.action is expected.action
    assert outcome.link == (NONE if expected.action is Action.DELETED else last_read(history))
    assert outcome.previous == expected.previous
    assert len(outcome.warnings) == len(expected.warnings)
    for words in expected.warnings:
        assert any(words in warning for warning in outcome.warnings), outcome.warnings
    is_unchanged = expected.action is Action.UNCHANGED
    assert verdict.known.change is (UNCHANGED if is_unchanged else CHANGED)
    assert (verdict.known.action, verdict.known.before, verdict.known.after) == (
        outcome.action,
        outcome.previous,
        outcome.link,
    )


def observed(before: Link | None, sent: Iterable[Sent]) -> History:
    history = History(before)
    for step, result, *readings in sent:
        ended = failure(result) if isinstance(result, WriteResponse) else result
        history = history.with_attempt(Attempt(step, last_read(history), ended, tuple(readings)))
    return history


def last_read(history: History) -> Link | None:
    """The link that was read last, or that the last write returned."""
    if not history.attempts:
        return history.before
    attempt = history.attempts[-1]
    last = attempt.readings[-1] if attempt.readings else attempt.result
    return last if isinstance(last, Link) else None


def failure(response: WriteResponse, *, retry_after: float | None = None) -> WriteFailure:
    error: PallinkError = UnreachableError("no response", trace=RequestTrace("write"))
    if response is REFUSED:
        error = PartnerIdRefusedError("the partner ID is not valid")
    return WriteFailure(error, response, retry_after=retry_after)


@pytest.mark.parametrize(("waits", "seconds"), list(enumerate([1, 2, 4, 8, 15, 15, 15])))
def test_each_wait_is_longer_up_to_15_seconds(waits: int, seconds: float) -> None:
    history = observed(NONE, [(CREATE, LOST, NONE, NONE)] * waits + [(CREATE, LOST, NONE)])
    assert settle(LINK, history, INVOICES, time_left=100, timeout=120) == Wait(seconds)


@pytest.mark.parametrize(("requested", "seconds"), [(30, 30), (0, 1), (0.5, 1)])
def test_a_longer_wait_that_the_service_requests_is_kept(requested: float, seconds: float) -> None:
    attempt = Attempt(CREATE, NONE, failure(LOST, retry_after=requested), (NONE,))
    assert settle(LINK, History(NONE, (attempt,)), INVOICES, time_left=100, timeout=120) == Wait(seconds)


@pytest.mark.parametrize(
    ("result", "reading", "trace"),
    [
        pytest.param(LOST, UNREADABLE, "write", id="of the write that failed"),
        pytest.param(ACKNOWLEDGED, UNREADABLE, "read", id="of the reading, where the deletion was acknowledged"),
        pytest.param(ACKNOWLEDGED, q(7), "acknowledged", id="of the deletion that had no effect"),
        pytest.param(TIMED_OUT, q(7), "write", id="of the write that timed out"),
    ],
)
def test_an_unsettled_write_keeps_the_identifiers_of_the_request(result: Any, reading: Any, trace: str) -> None:
    verdict = settle(UNLINK, observed(q(7), [(DELETE, result, reading)]), INVOICES, time_left=0, timeout=120)
    assert isinstance(verdict, Fail)
    assert verdict.error.trace == RequestTrace(trace)


def test_a_link_that_is_not_active_is_never_what_was_linked_before() -> None:
    verdict = settle(LINK, observed(deleted(7), [(CREATE, p(8))]), INVOICES, time_left=100, timeout=120)
    assert isinstance(verdict, Done)
    assert verdict.outcome.previous is active(deleted(7)) is None
