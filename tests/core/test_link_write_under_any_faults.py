"""`carry_out` against every script of faults that hypothesis can think of."""

from dataclasses import dataclass

import pytest
from hypothesis import given, strategies as st

from pallink.errors import (
    LinkedElsewhereError,
    NotLinkedError,
    PallinkError,
    PartnerIdRefusedError,
    ServiceError,
    UnexpectedAnswerError,
    UnreachableError,
    UnsettledWriteError,
)
from pallink.links.history import History
from pallink.links.model import Action, Goal, Link, LinkGoal, Step, UnlinkGoal, UpdateGoal, active
from pallink.links.record import LinkChange, LinkKnowledge, WriteRecord
from pallink.links.settle import Outcome
from pallink.links.write import carry_out
from tests.core.model_service import Clock, Fault, ModelService, Somebody, Write, forbidden, no_answer
from tests.core.samples import INVOICES, OTHER_PARTNER, PARTNER, link_to

partners = st.sampled_from([PARTNER, OTHER_PARTNER])
links = (
    st.builds(link_to, partners, state=st.sampled_from(["Active", "Deleted"]), version=st.integers(1, 9)) | st.none()
)
goals: st.SearchStrategy[Goal] = (
    st.builds(LinkGoal, partners, st.booleans())
    | st.builds(UpdateGoal, partners)
    | st.builds(UnlinkGoal, partners | st.none())
)
reads: st.SearchStrategy[BaseException | None] = st.one_of(
    st.none(), st.none(), st.builds(no_answer), st.builds(forbidden), st.builds(KeyboardInterrupt)
)
quiet_writes = st.builds(
    Write,
    st.sampled_from(Fault),
    retry_after=st.none() | st.floats(0, 200),
    takes=st.floats(0, 100),
)
contested_writes = st.builds(
    Write, st.sampled_from(Fault), meanwhile=st.none() | st.builds(Somebody, partners | st.none())
)


@dataclass
class Run:
    """One run, and what came of it."""

    goal: Goal
    before: Link | None
    service: ModelService
    clock: Clock
    end: Outcome | PallinkError | KeyboardInterrupt
    known: LinkKnowledge


@st.composite
def runs(draw: st.DrawFn, writes: st.SearchStrategy[Write]) -> Run:
    clock = Clock()
    service = ModelService(
        draw(links),
        draw(st.lists(writes, max_size=6)),
        draw(st.lists(reads, max_size=6)),
        shows_deleted=draw(st.booleans()),
        clock=clock,
    )
    record = WriteRecord()
    goal, before, deadline = draw(goals), service.visible, clock.deadline(draw(st.floats(0.5, 300)))
    try:
        end: Outcome | PallinkError | KeyboardInterrupt = carry_out(
            goal, History(before), service, INVOICES, deadline, record=record
        )
    except (PallinkError, KeyboardInterrupt) as error:
        end = error
    return Run(goal, before, service, clock, end, record.known)


def _is_reached(goal: Goal, linked: Link | None) -> bool:
    try:
        return goal.next_step(linked).action is Action.UNCHANGED
    except (LinkedElsewhereError, NotLinkedError):
        return False


any_run = runs(quiet_writes) | runs(contested_writes)


@given(any_run)
def test_the_end_agrees_with_the_state_of_the_service(run: Run) -> None:
    linked = active(run.service.link)
    match run.end:
        case Outcome(link=link):
            assert run.goal.next_step(linked).action is Action.UNCHANGED
            assert active(link) == linked
        case NotLinkedError():
            assert linked is None
        case LinkedElsewhereError(linked_partner_id=partner_id):
            assert linked is not None
            assert partner_id == linked.partner_id
        case UnsettledWriteError():
            assert run.service.journal[-1] is False or any(
                words in run.end.message for words in ("still returns it", "in between", "in time")
            )
        case KeyboardInterrupt():
            assert run.service.journal[-1] is not True
        case UnexpectedAnswerError():
            assert isinstance(run.service.journal[-1], Step)
        case PartnerIdRefusedError(cause=cause):
            step, was_read = run.service.journal[-2:]
            assert isinstance(step, Step)
            assert was_read is (cause is not None)
            assert cause is None or not _is_reached(run.goal, linked)
        case UnreachableError() | ServiceError():
            assert run.service.journal[-1] is True
            assert run.goal.next_step(linked).action is not Action.UNCHANGED
        case _:
            pytest.fail(f"no other end is known: {run.end!r}")


@given(any_run)
def test_what_is_known_at_the_end_is_so(run: Run) -> None:
    match run.end:
        case Outcome(action=action):
            assert run.known.action is action
        case UnsettledWriteError() | UnexpectedAnswerError() | KeyboardInterrupt():
            # After a reading that showed that nothing had happened, and before the next write, that is still so.
            assert run.known.change is LinkChange.UNKNOWN or run.service.took_effect == []
        case PartnerIdRefusedError(cause=cause):
            # Without a reading a gateway may have sent the write twice; one that timed out before may still arrive.
            is_open = cause is None or run.service.has_timed_out
            assert run.known.change is (LinkChange.UNKNOWN if is_open else LinkChange.UNCHANGED)
        case LinkedElsewhereError() | NotLinkedError():
            # Somebody else wrote: where the versions do not tell, nobody knows what came before that.
            assert run.known.change is not LinkChange.CHANGED
        case _:
            assert run.known.change is LinkChange.UNCHANGED


@given(runs(quiet_writes))
def test_where_nobody_else_writes_what_is_known_is_what_happened(run: Run) -> None:
    if run.known.change is not LinkChange.UNKNOWN:
        assert (run.known.change is LinkChange.CHANGED) is bool(run.service.took_effect)


@given(any_run)
def test_between_two_writes_the_link_is_read(run: Run) -> None:
    journal = run.service.journal
    last = max((index for index, entry in enumerate(journal) if isinstance(entry, Step)), default=0)
    assert all(journal[index + 1] is True for index in range(last) if isinstance(journal[index], Step))


@given(any_run)
def test_only_what_the_goal_may_send_is_sent(run: Run) -> None:
    allowed = {
        LinkGoal: {Action.CREATED} | ({Action.UPDATED} if getattr(run.goal, "replace", False) else set()),
        UpdateGoal: {Action.UPDATED},
        UnlinkGoal: {Action.DELETED},
    }[type(run.goal)]
    assert {step.action for step in run.service.sent} <= allowed


@given(any_run)
def test_unchanged_means_that_no_write_took_effect(run: Run) -> None:
    if isinstance(run.end, Outcome) and run.end.action is Action.UNCHANGED:
        assert run.service.took_effect == []


@given(runs(quiet_writes))
def test_where_nobody_else_writes_one_write_takes_effect_at_most_and_is_what_is_reported(run: Run) -> None:
    assert len(run.service.took_effect) <= 1
    if isinstance(run.end, Outcome):
        assert [run.end.action] == [step.action for step in run.service.took_effect] or (
            run.end.action is Action.UNCHANGED
        )
        assert run.end.previous == active(run.before)
        expected = ["no response confirmed it"] * run.service.is_unconfirmed
        expected += ["Azure may still carry it out"] * run.service.has_timed_out
        assert len(run.end.warnings) == len(expected)
        for words, warning in zip(expected, run.end.warnings, strict=True):
            assert words in warning


@given(st.lists(quiet_writes, max_size=6), links, goals, st.floats(0.5, 300))
def test_no_wait_outlasts_the_deadline(writes: list[Write], link: Link | None, goal: Goal, seconds: float) -> None:
    waited_until = []

    class WatchedClock(Clock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            waited_until.append(self.seconds)

    clock = WatchedClock()
    service = ModelService(link, writes, clock=clock)
    try:
        carry_out(goal, History(service.visible), service, INVOICES, clock.deadline(seconds))
    except (PallinkError, KeyboardInterrupt) as error:
        assert error is not None  # noqa: PT017 - any end will do
    assert all(until < seconds for until in waited_until)
