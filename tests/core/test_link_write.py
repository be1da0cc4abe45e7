"""`carry_out` against a model of the service: what is sent and read, how long it waits, what is known meanwhile."""

from dataclasses import replace

import pytest

from pallink.errors import (
    PallinkError,
    PartnerIdRefusedError,
    ServiceError,
    UnexpectedAnswerError,
    UnreachableError,
    UnsettledWriteError,
)
from pallink.exit_codes import ExitCode
from pallink.links.history import History, InterruptedWrite
from pallink.links.model import Action, Goal, Link, LinkGoal, Step, UnlinkGoal, UpdateGoal, active
from pallink.links.record import LinkChange, LinkKnowledge, WriteRecord
from pallink.links.settle import Outcome
from pallink.links.write import carry_out
from tests.core.model_service import TRACE, Clock, Fault, ModelService, Somebody, Write, no_answer
from tests.core.samples import INVOICES, OTHER_OBJECT, OTHER_PARTNER, PARTNER, link_to

NONE = None
SAME = link_to(PARTNER)
OTHER = link_to(OTHER_PARTNER)
DELETED = link_to(OTHER_PARTNER, state="Deleted")
THIRD_PARTNER = "333333"

LINK, REPLACE, UPDATE, UNLINK = LinkGoal(PARTNER), LinkGoal(PARTNER, replace=True), UpdateGoal(PARTNER), UnlinkGoal()

LOST_AFTER = Write(Fault.APPLIED_THEN_LOST)
LOST_BEFORE = Write(Fault.LOST_BEFORE)


def run(goal: Goal, service: ModelService, *, clock: Clock | None = None, seconds: float = 120) -> Outcome:
    return carry_out(goal, History(service.visible), service, INVOICES, (clock or Clock()).deadline(seconds))


@pytest.mark.parametrize(
    ("goal", "before", "action", "previous"),
    [
        pytest.param(LINK, NONE, Action.CREATED, None, id="link"),
        pytest.param(LINK, DELETED, Action.CREATED, None, id="link after a deletion"),
        pytest.param(LINK, SAME, Action.UNCHANGED, PARTNER, id="link, already so"),
        pytest.param(REPLACE, OTHER, Action.UPDATED, OTHER_PARTNER, id="replace"),
        pytest.param(UPDATE, OTHER, Action.UPDATED, OTHER_PARTNER, id="update"),
        pytest.param(UPDATE, SAME, Action.UNCHANGED, PARTNER, id="update, already so"),
        pytest.param(UNLINK, OTHER, Action.DELETED, OTHER_PARTNER, id="unlink"),
        pytest.param(UNLINK, NONE, Action.UNCHANGED, None, id="unlink, not linked"),
        pytest.param(UNLINK, DELETED, Action.UNCHANGED, None, id="unlink, was deleted"),
    ],
)
@pytest.mark.parametrize(
    "fault",
    [Fault.NONE, Fault.APPLIED_THEN_LOST, Fault.LOST_BEFORE, Fault.CONFLICT, Fault.APPLIED_THEN_REFUSED],
    ids=lambda fault: fault.name.lower(),
)
def test_one_hiccup_changes_nothing_about_the_outcome(
    goal: Goal, before: Link | None, action: Action, previous: str | None, fault: Fault
) -> None:
    service = ModelService(before, [Write(fault)])
    outcome = run(goal, service)
    assert outcome.action is action
    assert (outcome.previous.partner_id if outcome.previous else None) == previous
    assert active(outcome.link) == active(service.link)
    is_read_only = action is not Action.UNCHANGED and fault in {Fault.APPLIED_THEN_LOST, Fault.APPLIED_THEN_REFUSED}
    assert ["no response confirmed it" in warning for warning in outcome.warnings] == [True] * is_read_only
    assert len(service.took_effect) == (0 if action is Action.UNCHANGED else 1)


def test_nothing_is_read_or_sent_where_the_goal_is_reached() -> None:
    service = ModelService(SAME)
    run(LINK, service)
    assert service.journal == []


def test_a_write_whose_response_was_lost_is_read_and_not_sent_again() -> None:
    service = ModelService(NONE, [LOST_AFTER])
    assert run(LINK, service).action is Action.CREATED
    assert service.journal == [Step(Action.CREATED, PARTNER), True]


def test_a_deletion_returns_no_link_and_is_read() -> None:
    service = ModelService(SAME)
    outcome = run(UNLINK, service)
    assert outcome.link is None
    assert service.journal == [Step(Action.DELETED, PARTNER), True]


def test_a_deletion_that_did_nothing_is_sent_again() -> None:
    service = ModelService(SAME, [Write(Fault.IGNORED_DELETION)] * 2)
    assert run(UNLINK, service).action is Action.DELETED
    assert active(service.link) is None
    assert len(service.sent) == 3


@pytest.mark.parametrize("goal", [REPLACE, UPDATE], ids=["replace", "update"])
def test_what_another_process_linked_during_a_wait_is_the_previous_link(goal: Goal) -> None:
    service = ModelService(OTHER, [LOST_BEFORE])
    clock = Clock(while_waiting=lambda: service.write_as(Somebody(THIRD_PARTNER)))
    outcome = run(goal, service, clock=clock)
    assert outcome.previous is not None
    assert outcome.previous.partner_id == THIRD_PARTNER


@pytest.mark.parametrize(
    ("before", "goal"), [(NONE, LINK), (OTHER, REPLACE), (OTHER, UPDATE), (OTHER, UNLINK)], ids=repr
)
def test_a_refusal_is_read_and_not_sent_again(before: Link | None, goal: Goal) -> None:
    service = ModelService(before, [Write(Fault.REFUSED)])
    with pytest.raises(PartnerIdRefusedError) as refusal:
        run(goal, service)
    assert refusal.value.cause == "reading again showed that nothing was changed"
    assert (len(service.sent), service.journal[-1]) == (1, True)
    assert service.link == before


@pytest.mark.parametrize(
    "read_error",
    [
        pytest.param(no_answer(), id="no answer"),
        pytest.param(ServiceError("Azure returned an error"), id="an error"),
        pytest.param(UnexpectedAnswerError("no link"), id="nonsense"),
    ],
)
@pytest.mark.parametrize("write", [LOST_AFTER, LOST_BEFORE, Write(Fault.CONFLICT)], ids=["after", "before", "conflict"])
def test_a_write_that_cannot_be_read_again_is_unsettled(write: Write, read_error: PallinkError) -> None:
    service = ModelService(NONE, [write], [read_error])
    with pytest.raises(UnsettledWriteError) as unsettled:
        run(LINK, service)
    assert unsettled.value.exit_code == ExitCode.UNREACHABLE
    assert read_error.message in str(unsettled.value.cause)
    assert len(service.sent) == 1


def test_the_link_of_another_account_settles_nothing() -> None:
    stranger = replace(INVOICES, object_id=OTHER_OBJECT)
    service = ModelService(NONE, [LOST_AFTER])
    with pytest.raises(UnsettledWriteError, match="may or may not have been created") as unsettled:
        carry_out(LINK, History(NONE), service, stranger, Clock().deadline(120))
    assert "the link of another account" in str(unsettled.value.cause)


@pytest.mark.parametrize(
    ("writes", "seconds", "sent"),
    [
        pytest.param([LOST_BEFORE] * 99, 120, 11, id="fails every time"),
        pytest.param([Write(Fault.LOST_BEFORE, retry_after=3600)], 120, 1, id="is asked to wait for an hour"),
        pytest.param([Write(Fault.LOST_BEFORE, takes=119.5)], 120, 1, id="took nearly all the time"),
        pytest.param([LOST_BEFORE], 1, 1, id="one second is left, and one is the wait"),
    ],
)
def test_what_has_not_happened_in_time_is_reported_as_the_failure_itself(
    writes: list[Write], seconds: float, sent: int
) -> None:
    clock = Clock()
    service = ModelService(NONE, writes, clock=clock)
    with pytest.raises(UnreachableError, match="no answer") as failure:
        run(LINK, service, clock=clock, seconds=seconds)
    assert f"nothing was changed, and --timeout {seconds:g} leaves no time to retry" in str(failure.value.cause)
    assert failure.value.trace == TRACE
    assert len(service.sent) == sent
    assert clock.seconds <= seconds


@pytest.mark.parametrize("late", [0, 1], ids=["at once", "after a wait"])
def test_a_write_that_took_effect_counts_although_the_time_is_up(late: int) -> None:
    clock = Clock()
    service = ModelService(NONE, [LOST_BEFORE] * late + [Write(Fault.APPLIED_THEN_LOST, takes=500)], clock=clock)
    assert run(LINK, service, clock=clock).action is Action.CREATED


def interrupted(goal: Goal, service: ModelService, *, clock: Clock | None = None) -> LinkKnowledge:
    """What is known when Ctrl-C ends the writing."""
    record = WriteRecord()
    with pytest.raises(KeyboardInterrupt):
        carry_out(goal, History(service.visible), service, INVOICES, (clock or Clock()).deadline(120), record=record)
    return record.known


@pytest.mark.parametrize(
    ("write", "reads"),
    [
        pytest.param(Write(Fault.INTERRUPTED_BEFORE), [], id="before it took effect"),
        pytest.param(Write(Fault.INTERRUPTED_AFTER), [], id="after it took effect"),
        pytest.param(LOST_AFTER, [KeyboardInterrupt()], id="while it is read again"),
    ],
)
@pytest.mark.parametrize(("before", "goal"), [(NONE, LINK), (OTHER, UNLINK)], ids=["create", "delete"])
def test_ctrl_c_during_a_write_leaves_it_in_doubt(
    before: Link | None, goal: Goal, write: Write, reads: list[BaseException]
) -> None:
    assert interrupted(goal, ModelService(before, [write], reads)).change is LinkChange.UNKNOWN


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("fault", "change"),
    [(Fault.LOST_BEFORE, LinkChange.UNCHANGED), (Fault.TIMED_OUT_BEFORE, LinkChange.UNKNOWN)],
    ids=["lost", "timed out"],
)
def test_ctrl_c_while_waiting_reports_what_reading_showed(fault: Fault, change: LinkChange) -> None:
    service = ModelService(NONE, [Write(fault)])
    assert interrupted(LINK, service, clock=Clock(while_waiting=interrupt)) == LinkKnowledge(change)
    assert service.link is None


@pytest.mark.parametrize(
    ("write", "change"),
    [(Write(Fault.REFUSED), LinkChange.UNCHANGED), (Write(Fault.ANSWERED_WITH_ANOTHER_PARTNER), LinkChange.UNKNOWN)],
    ids=["refused", "contradicted"],
)
def test_what_is_known_of_a_failed_write(write: Write, change: LinkChange) -> None:
    record = WriteRecord()
    with pytest.raises(ServiceError):
        carry_out(LINK, History(NONE), ModelService(NONE, [write]), INVOICES, Clock().deadline(120), record=record)
    assert record.known == LinkKnowledge(change)


@pytest.mark.parametrize(
    ("goal", "before", "words"),
    [
        (LINK, NONE, f"changed: created, now {SAME}"),
        (REPLACE, OTHER, f"changed: updated from {OTHER} to {SAME}"),
        (UNLINK, OTHER, f"changed: {OTHER} was removed"),
        (LINK, SAME, "not changed"),
    ],
    ids=["create", "update", "delete", "nothing to do"],
)
@pytest.mark.parametrize("write", [Write(), LOST_AFTER], ids=["returned", "lost"])
def test_what_was_done_is_known_as_soon_as_it_was_checked(
    goal: Goal, before: Link | None, words: str, write: Write
) -> None:
    record = WriteRecord()
    service = ModelService(before, [write])
    carry_out(goal, History(before), service, INVOICES, Clock().deadline(120), record=record)
    assert str(record.known) == words
    assert (record.known.change is LinkChange.CHANGED) is bool(service.took_effect)


def test_a_deletion_never_removes_a_link_that_was_made_since() -> None:
    """The deletion took effect; what is read after it is a new link to the same partner."""
    service = ModelService(OTHER, [Write(afterwards=Somebody(OTHER_PARTNER))])
    record = WriteRecord()
    outcome = carry_out(
        UNLINK.pinned_to(OTHER), History(OTHER), service, INVOICES, Clock().deadline(120), record=record
    )
    assert (outcome.action, outcome.link, outcome.previous) == (Action.DELETED, None, OTHER)
    assert ["that link was not changed" in warning for warning in outcome.warnings] == [True]
    assert str(record.known) == f"changed: {OTHER} was removed"
    assert active(service.link) is not None
    assert len(service.took_effect) == len(service.sent) == 1


def test_a_link_that_was_made_during_a_wait_is_not_removed() -> None:
    service = ModelService(OTHER, [Write(Fault.IGNORED_DELETION)])

    def link_again() -> None:
        service.write_as(Somebody(None))
        service.write_as(Somebody(OTHER_PARTNER))

    with pytest.raises(UnsettledWriteError):
        run(UNLINK.pinned_to(OTHER), service, clock=Clock(while_waiting=link_again))
    assert len(service.sent) == 1


def test_a_defect_of_the_gateway_is_not_taken_for_a_failed_write() -> None:
    service = ModelService(NONE, [LOST_AFTER], [ZeroDivisionError()])
    with pytest.raises(ZeroDivisionError):
        run(LINK, service)


CREATING = InterruptedWrite(Step(Action.CREATED, PARTNER), NONE)
UPDATING = InterruptedWrite(Step(Action.UPDATED, PARTNER), OTHER)
DELETING = InterruptedWrite(Step(Action.DELETED, OTHER_PARTNER), OTHER)


@pytest.mark.parametrize(
    ("goal", "interrupted", "now", "sends"),
    [
        pytest.param(LINK, CREATING, SAME, 0, id="created"),
        pytest.param(LINK, CREATING, NONE, 1, id="not created"),
        pytest.param(REPLACE, UPDATING, SAME, 0, id="updated"),
        pytest.param(REPLACE, UPDATING, OTHER, 1, id="not updated"),
        pytest.param(UNLINK.pinned_to(OTHER), DELETING, NONE, 0, id="deleted"),
        pytest.param(UNLINK.pinned_to(OTHER), DELETING, OTHER, 1, id="not deleted"),
    ],
)
def test_the_write_of_an_interrupted_process_is_settled_by_reading(
    goal: Goal, interrupted: InterruptedWrite, now: Link | None, sends: int
) -> None:
    service, sent = ModelService(now), []
    outcome = carry_out(
        goal,
        interrupted.history(service.visible),
        service,
        INVOICES,
        Clock().deadline(120),
        on_send=lambda step, _: sent.append(step),
    )
    assert (outcome.action, len(sent)) == (interrupted.step.action, sends)
    assert bool(outcome.warnings) is (sends == 0), "what reading showed is said"
