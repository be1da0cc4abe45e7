import pytest

from pallink.account import Account
from pallink.errors import (
    AccessDeniedError,
    LinkedElsewhereError,
    NotLinkedError,
    PallinkError,
    PartnerIdRefusedError,
    RequestTrace,
    ServiceError,
    SignInError,
    UnexpectedAnswerError,
    UnreachableError,
    UnsettledWriteError,
)
from pallink.exit_codes import ExitCode
from pallink.links.model import Action, Goal, Link, LinkGoal, Step, UnlinkGoal, UpdateGoal, active
from pallink.links.record import LinkChange, WriteRecord, Written
from pallink.links.write import Outcome, carry_out
from tests.core.model_service import TRACE, Clock, Fault, ModelService, Somebody, Write, forbidden, no_answer
from tests.core.samples import INVOICES, OTHER_OBJECT, OTHER_PARTNER, PARTNER, link_to

LOST = None
SAME = link_to(PARTNER)
OTHER = link_to(OTHER_PARTNER)
DELETED = link_to(OTHER_PARTNER, state="Deleted")
THIRD_PARTNER = "333333"

LINK, REPLACE, UPDATE, UNLINK = LinkGoal(PARTNER), LinkGoal(PARTNER, replace=True), UpdateGoal(PARTNER), UnlinkGoal()

LOST_AFTER = Write(Fault.APPLIED_THEN_LOST)
LOST_BEFORE = Write(Fault.LOST_BEFORE)


def run(
    goal: Goal, service: ModelService, *, clock: Clock | None = None, seconds: float = 120, account: Account = INVOICES
) -> Outcome:
    return carry_out(goal, service.visible, service, account, (clock or Clock()).deadline(seconds))


@pytest.mark.parametrize(
    ("goal", "before", "action", "previous"),
    [
        pytest.param(LINK, LOST, Action.CREATED, None, id="link"),
        pytest.param(LINK, DELETED, Action.CREATED, None, id="link after a deletion"),
        pytest.param(LINK, SAME, Action.UNCHANGED, PARTNER, id="link, already so"),
        pytest.param(REPLACE, OTHER, Action.UPDATED, OTHER_PARTNER, id="replace"),
        pytest.param(UPDATE, OTHER, Action.UPDATED, OTHER_PARTNER, id="update"),
        pytest.param(UPDATE, SAME, Action.UNCHANGED, PARTNER, id="update, already so"),
        pytest.param(UNLINK, OTHER, Action.DELETED, OTHER_PARTNER, id="unlink"),
        pytest.param(UNLINK, LOST, Action.UNCHANGED, None, id="unlink, not linked"),
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
    assert outcome.warnings == ()
    assert len(service.took_effect) == (0 if action is Action.UNCHANGED else 1)


def test_nothing_is_read_or_sent_where_the_goal_is_reached() -> None:
    service = ModelService(SAME)
    run(LINK, service)
    assert service.journal == []


def test_a_write_whose_answer_was_lost_is_read_and_not_sent_again() -> None:
    service = ModelService(LOST, [LOST_AFTER])
    assert run(LINK, service).action is Action.CREATED
    assert service.journal == [Step(Action.CREATED, PARTNER), True]


def test_a_deletion_has_no_answer_and_is_read() -> None:
    service = ModelService(SAME)
    outcome = run(UNLINK, service)
    assert outcome.link is None
    assert service.journal == [Step(Action.DELETED, PARTNER), True]


def test_a_deletion_that_did_nothing_is_sent_again() -> None:
    service = ModelService(SAME, [Write(Fault.IGNORED_DELETION)] * 2)
    assert run(UNLINK, service).action is Action.DELETED
    assert active(service.link) is None
    assert len(service.sent) == 3


def test_a_deletion_that_never_does_anything_is_no_success() -> None:
    service = ModelService(SAME, [Write(Fault.IGNORED_DELETION)] * 99)
    with pytest.raises(UnsettledWriteError, match="may or may not have been deleted") as unsettled:
        run(UNLINK, service)
    assert "still shows it" in unsettled.value.message


@pytest.mark.parametrize(
    ("goal", "before", "meanwhile", "action", "previous"),
    [
        pytest.param(LINK, LOST, PARTNER, Action.UNCHANGED, PARTNER, id="somebody else made just this link"),
        pytest.param(REPLACE, LOST, OTHER_PARTNER, Action.UPDATED, OTHER_PARTNER, id="somebody else made another"),
        pytest.param(REPLACE, OTHER, None, Action.CREATED, None, id="somebody else removed the link"),
    ],
)
def test_a_conflict_is_settled_by_the_state(
    goal: Goal, before: Link | None, meanwhile: str | None, action: Action, previous: str | None
) -> None:
    service = ModelService(before, [Write(meanwhile=Somebody(meanwhile))])
    outcome = run(goal, service)
    assert outcome.action is action
    said = {Action.UNCHANGED: "carried out this request twice", Action.UPDATED: "that link was replaced"}
    assert [said[action] in each for each in outcome.warnings] == [True] * (action in said)
    assert outcome.link == service.link
    assert (outcome.previous.partner_id if outcome.previous else None) == previous


def test_a_link_that_somebody_else_made_first_is_not_overwritten() -> None:
    service = ModelService(LOST, [Write(meanwhile=Somebody(OTHER_PARTNER))])
    with pytest.raises(LinkedElsewhereError) as refusal:
        run(LINK, service)
    assert (refusal.value.linked_partner_id, refusal.value.wanted_partner_id) == (OTHER_PARTNER, PARTNER)
    assert service.took_effect == []


def test_a_link_that_somebody_else_removed_is_reported_as_not_linked() -> None:
    service = ModelService(OTHER, [Write(meanwhile=Somebody(None))])
    with pytest.raises(NotLinkedError):
        run(UPDATE, service)
    assert active(service.link) is None


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.APPLIED_THEN_LOST], ids=["answered", "lost"])
def test_a_write_in_between_is_a_warning_and_the_link_that_was_read_is_the_previous_one(fault: Fault) -> None:
    service = ModelService(OTHER, [Write(fault, meanwhile=Somebody(THIRD_PARTNER))])
    outcome = run(UPDATE, service)
    assert outcome.action is Action.UPDATED
    assert outcome.previous == OTHER
    assert ["somebody else" in warning for warning in outcome.warnings] == [True]


@pytest.mark.parametrize("goal", [REPLACE, UPDATE], ids=["replace", "update"])
def test_what_somebody_else_linked_during_a_wait_is_the_previous_link(goal: Goal) -> None:
    service = ModelService(OTHER, [LOST_BEFORE])
    clock = Clock(while_waiting=lambda: service.write_as(Somebody(THIRD_PARTNER)))
    outcome = run(goal, service, clock=clock)
    assert outcome.previous is not None
    assert outcome.previous.partner_id == THIRD_PARTNER


@pytest.mark.parametrize(
    ("before", "goal"), [(LOST, LINK), (OTHER, REPLACE), (OTHER, UPDATE), (OTHER, UNLINK)], ids=repr
)
def test_a_refusal_is_read_and_not_sent_again(before: Link | None, goal: Goal) -> None:
    service = ModelService(before, [Write(Fault.REFUSED)])
    with pytest.raises(PartnerIdRefusedError) as refusal:
        run(goal, service)
    assert refusal.value.cause == "reading again showed that nothing was changed"
    assert (len(service.sent), service.journal[-1]) == (1, True)
    assert service.link == before


def test_a_refusal_stays_one_where_the_link_cannot_be_read_again() -> None:
    service = ModelService(LOST, [Write(Fault.REFUSED)], [no_answer()])
    with pytest.raises(PartnerIdRefusedError) as refusal:
        run(LINK, service)
    assert refusal.value.cause is None, "nobody has seen that nothing was changed"


def test_a_refusal_says_that_somebody_else_changed_the_link() -> None:
    service = ModelService(OTHER, [Write(Fault.REFUSED, meanwhile=Somebody(THIRD_PARTNER))])
    with pytest.raises(PartnerIdRefusedError) as refusal:
        run(UPDATE, service)
    assert refusal.value.cause == "reading again showed what somebody else made of the link"
    assert len(service.sent) == 1


@pytest.mark.parametrize("fault", [Fault.ANSWERED_WITH_ANOTHER_PARTNER, Fault.ANSWERED_WITH_ANOTHER_ACCOUNT])
@pytest.mark.parametrize(("before", "goal"), [(LOST, LINK), (OTHER, UPDATE)], ids=["create", "update"])
def test_an_answer_about_something_else_is_refused(before: Link | None, goal: Goal, fault: Fault) -> None:
    service = ModelService(before, [Write(fault)])
    with pytest.raises(UnexpectedAnswerError):
        run(goal, service)
    assert len(service.sent) == 1


def test_the_link_of_another_account_settles_nothing() -> None:
    stranger = Account(INVOICES.kind, INVOICES.name, OTHER_OBJECT, INVOICES.tenant_id)
    service = ModelService(LOST, [LOST_AFTER])
    with pytest.raises(UnsettledWriteError, match="may or may not have been created"):
        run(LINK, service, account=stranger)


@pytest.mark.parametrize(
    "read_error",
    [
        pytest.param(no_answer(), id="no answer"),
        pytest.param(ServiceError("Azure answered with an error"), id="an error"),
        pytest.param(UnexpectedAnswerError("no link"), id="nonsense"),
    ],
)
@pytest.mark.parametrize("write", [LOST_AFTER, LOST_BEFORE, Write(Fault.CONFLICT)], ids=["after", "before", "conflict"])
def test_a_write_that_cannot_be_read_again_is_unsettled(write: Write, read_error: PallinkError) -> None:
    service = ModelService(LOST, [write], [read_error])
    with pytest.raises(UnsettledWriteError) as unsettled:
        run(LINK, service)
    assert unsettled.value.exit_code == ExitCode.UNREACHABLE
    assert read_error.message in str(unsettled.value.cause)
    assert len(service.sent) == 1


def test_an_unsettled_write_keeps_the_identifiers_of_the_request_that_failed() -> None:
    service = ModelService(LOST, [LOST_BEFORE], [forbidden()])
    with pytest.raises(UnsettledWriteError) as unsettled:
        run(LINK, service)
    assert unsettled.value.trace == TRACE


def test_a_deletion_that_was_answered_but_not_read_again_is_told_as_it_was() -> None:
    service = ModelService(SAME, reads=[no_answer()])
    with pytest.raises(PallinkError) as unsettled:
        run(UNLINK, service)
    told = f"{unsettled.value.message}; {unsettled.value.cause}"
    assert "still there" not in told, "nobody has seen that the link is still there"
    assert "answer was lost" not in told, "the service did answer"


def test_waits_grow_from_one_second_to_fifteen() -> None:
    clock = Clock()
    run(LINK, ModelService(LOST, [LOST_BEFORE] * 7), clock=clock)
    assert clock.waits == [1, 2, 4, 8, 15, 15, 15]


def test_a_longer_wait_that_the_service_asks_for_is_kept() -> None:
    clock = Clock()
    asked = [Write(Fault.LOST_BEFORE, retry_after=seconds) for seconds in (30, 0, 3)]
    run(LINK, ModelService(LOST, asked), clock=clock)
    assert clock.waits == [30, 2, 4]


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
    service = ModelService(LOST, writes, clock=clock)
    with pytest.raises(UnreachableError, match="no answer") as failure:
        run(LINK, service, clock=clock, seconds=seconds)
    assert f"nothing was changed, and the {seconds:g} seconds" in str(failure.value.cause)
    assert failure.value.trace == TRACE
    assert len(service.sent) == sent
    assert clock.seconds <= seconds


@pytest.mark.parametrize("late", [0, 1], ids=["at once", "after a wait"])
def test_a_write_that_took_effect_counts_although_the_time_is_up(late: int) -> None:
    clock = Clock()
    service = ModelService(LOST, [LOST_BEFORE] * late + [Write(Fault.APPLIED_THEN_LOST, takes=500)], clock=clock)
    assert run(LINK, service, clock=clock).action is Action.CREATED


def interrupted(goal: Goal, service: ModelService, *, clock: Clock | None = None) -> Written:
    """What is known when Ctrl-C ends the writing."""
    record = WriteRecord()
    with pytest.raises(KeyboardInterrupt):
        carry_out(goal, service.visible, service, INVOICES, (clock or Clock()).deadline(120), record=record)
    return record.known


@pytest.mark.parametrize(
    ("write", "reads"),
    [
        pytest.param(Write(Fault.INTERRUPTED_BEFORE), [], id="before it took effect"),
        pytest.param(Write(Fault.INTERRUPTED_AFTER), [], id="after it took effect"),
        pytest.param(LOST_AFTER, [KeyboardInterrupt()], id="while it is read again"),
    ],
)
@pytest.mark.parametrize(("before", "goal"), [(LOST, LINK), (OTHER, UNLINK)], ids=["create", "delete"])
def test_ctrl_c_during_a_write_leaves_it_in_doubt(
    before: Link | None, goal: Goal, write: Write, reads: list[BaseException]
) -> None:
    assert interrupted(goal, ModelService(before, [write], reads)).change is LinkChange.UNKNOWN


def interrupt() -> None:
    raise KeyboardInterrupt


def test_ctrl_c_while_waiting_leaves_nothing_written() -> None:
    service = ModelService(LOST, [LOST_BEFORE])
    assert interrupted(LINK, service, clock=Clock(while_waiting=interrupt)) == Written()
    assert service.link is None


@pytest.mark.parametrize(
    ("goal", "before", "told"),
    [
        (LINK, LOST, f"changed: created, now {SAME}"),
        (REPLACE, OTHER, f"changed: updated from {OTHER} to {SAME}"),
        (UNLINK, OTHER, f"changed: {OTHER} was removed"),
        (LINK, SAME, "not changed"),
    ],
    ids=["create", "update", "delete", "nothing to do"],
)
@pytest.mark.parametrize("write", [Write(), LOST_AFTER], ids=["answered", "lost"])
def test_what_was_done_is_known_as_soon_as_it_was_checked(
    goal: Goal, before: Link | None, told: str, write: Write
) -> None:
    record = WriteRecord()
    service = ModelService(before, [write])
    carry_out(goal, before, service, INVOICES, Clock().deadline(120), record=record)
    assert str(record.known) == told
    assert (record.known.change is LinkChange.CHANGED) is bool(service.took_effect)


def test_a_deletion_never_removes_a_link_that_was_made_since() -> None:
    """The service said that it was removed; what is read after it is a new link to the same partner."""
    service = ModelService(OTHER, [Write(afterwards=Somebody(OTHER_PARTNER))])
    record = WriteRecord()
    with pytest.raises(UnsettledWriteError, match="somebody else linked the account in between"):
        carry_out(UNLINK.pinned_to(OTHER), OTHER, service, INVOICES, Clock().deadline(120), record=record)
    assert record.known.change is LinkChange.UNKNOWN
    assert active(service.link) is not None
    assert len(service.took_effect) == 1


@pytest.mark.parametrize(
    ("write", "change", "consequence"),
    [
        pytest.param(
            Write(afterwards=Somebody(THIRD_PARTNER)), LinkChange.UNKNOWN, "before that it may", id="two writes"
        ),
        pytest.param(
            Write(Fault.IGNORED_DELETION, meanwhile=Somebody(THIRD_PARTNER)),
            LinkChange.UNCHANGED,
            "nothing was removed",
            id="one write",
        ),
    ],
)
def test_a_deletion_before_somebody_else_linked_is_not_denied(
    write: Write, change: LinkChange, consequence: str
) -> None:
    """After it there is another partner's link: the versions tell whether that is all that happened."""
    service, record = ModelService(OTHER, [write]), WriteRecord()
    with pytest.raises(LinkedElsewhereError, match=consequence):
        carry_out(UNLINK.pinned_to(OTHER), OTHER, service, INVOICES, Clock().deadline(120), record=record)
    assert record.known.change is change


def test_a_link_that_was_made_during_a_wait_is_not_removed() -> None:
    service = ModelService(OTHER, [Write(Fault.IGNORED_DELETION)])

    def somebody_relinks() -> None:
        service.write_as(Somebody(None))
        service.write_as(Somebody(OTHER_PARTNER))

    with pytest.raises(UnsettledWriteError):
        run(UNLINK.pinned_to(OTHER), service, clock=Clock(while_waiting=somebody_relinks))
    assert len(service.sent) == 1


def test_a_write_in_between_a_deletion_is_a_warning() -> None:
    service = ModelService(OTHER, [Write(meanwhile=Somebody(OTHER_PARTNER))])
    outcome = run(UNLINK, service)
    assert outcome.action is Action.DELETED
    assert ["somebody else" in warning for warning in outcome.warnings] == [True]


def test_a_defect_of_the_gateway_is_not_taken_for_a_failed_write() -> None:
    service = ModelService(LOST, [LOST_AFTER], [ZeroDivisionError()])
    with pytest.raises(ZeroDivisionError):
        run(LINK, service)


def test_a_403_on_reading_again_is_no_refusal_of_the_write() -> None:
    service = ModelService(LOST, [LOST_AFTER], [forbidden()])
    with pytest.raises(UnsettledWriteError) as unsettled:
        run(LINK, service)
    assert not isinstance(unsettled.value, AccessDeniedError)


@pytest.mark.parametrize(("before", "goal"), [(OTHER, UPDATE), (OTHER, REPLACE), (LOST, REPLACE)], ids=repr)
def test_what_somebody_linked_after_a_write_that_may_have_taken_effect_is_left_alone(
    before: Link | None, goal: Goal
) -> None:
    service = ModelService(before, [Write(Fault.APPLIED_THEN_LOST, afterwards=Somebody(THIRD_PARTNER))])
    with pytest.raises(UnsettledWriteError, match="somebody else linked the account in between") as unsettled:
        run(goal, service)
    assert THIRD_PARTNER in str(unsettled.value.cause)
    assert len(service.sent) == 1
    assert service.link is not None
    assert service.link.partner_id == THIRD_PARTNER


def test_a_link_that_is_replaced_although_nobody_saw_it_is_a_warning() -> None:
    service = ModelService(OTHER, [LOST_BEFORE])
    outcome = run(UPDATE, service, clock=Clock(while_waiting=lambda: service.write_as(Somebody(THIRD_PARTNER))))
    assert [f"somebody else linked {THIRD_PARTNER}" in each for each in outcome.warnings] == [True]


def test_of_a_write_that_timed_out_nobody_says_that_nothing_was_changed() -> None:
    """Azure may carry it out a second later."""
    record = WriteRecord()
    service = ModelService(LOST, [Write(Fault.TIMED_OUT_BEFORE, takes=119.5)], clock=(clock := Clock()))
    with pytest.raises(UnsettledWriteError, match="did not answer in time") as unsettled:
        carry_out(LINK, LOST, service, INVOICES, clock.deadline(120), record=record)
    assert "nothing was changed" not in str(unsettled.value.cause)
    assert record.known.change is LinkChange.UNKNOWN


class TokenEnds(ModelService):
    """After its first write nothing more can be sent."""

    def send(self, step: Step) -> Link | RequestTrace:
        if self.sent:
            raise SignInError("no further token")
        return super().send(step)


@pytest.mark.parametrize(
    ("kind", "then"),
    [
        (ModelService, Write(Fault.REFUSED)),
        (ModelService, Write(Fault.LOST_BEFORE, takes=118.5)),
        (TokenEnds, Write()),
    ],
    ids=["refused", "lost", "not sent"],
)
def test_a_write_that_timed_out_stays_in_doubt_whatever_comes_of_the_next_one(
    kind: type[ModelService], then: Write
) -> None:
    record = WriteRecord()
    service = kind(LOST, [Write(Fault.TIMED_OUT_BEFORE), then], clock=(clock := Clock()))
    with pytest.raises(PallinkError) as raised:
        carry_out(LINK, LOST, service, INVOICES, clock.deadline(120), record=record)
    assert record.known.change is LinkChange.UNKNOWN
    assert "nothing was changed" not in f"{raised.value} {raised.value.cause}"


@pytest.mark.parametrize("when", ["before the look", "while it waits"])
def test_a_refusal_after_a_write_that_timed_out_says_that_it_may_still_come(when: str) -> None:
    def link_another() -> None:
        if when == "while it waits":
            service.write_as(Somebody(OTHER_PARTNER))

    record, clock = WriteRecord(), Clock(while_waiting=link_another)
    afterwards = Somebody(OTHER_PARTNER) if when == "before the look" else None
    service = ModelService(LOST, [Write(Fault.TIMED_OUT_BEFORE, afterwards=afterwards)], clock=clock)
    with pytest.raises(LinkedElsewhereError, match="Azure may still carry it out"):
        carry_out(LINK, LOST, service, INVOICES, clock.deadline(120), record=record)
    assert record.known.change is LinkChange.UNKNOWN
