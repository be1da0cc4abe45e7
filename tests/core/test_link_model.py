import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pallink.errors import LinkedElsewhereError, NotLinkedError, UnexpectedAnswerError, UsageError
from pallink.exit_codes import ExitCode
from pallink.links.model import (
    Action,
    Goal,
    Link,
    LinkGoal,
    Step,
    UnlinkGoal,
    UpdateGoal,
    active,
    check_owner,
    check_written,
    concurrent_write_warning,
    not_linked_error,
    parse_partner_id,
    verification_error,
)
from tests.core.model_service import ModelService
from tests.core.samples import (
    INVOICES,
    OBJECT,
    OTHER_OBJECT,
    OTHER_PARTNER,
    OTHER_TENANT,
    PARTNER,
    TENANT,
    link_to,
)

LOST = None
SAME = link_to(PARTNER)
OTHER = link_to(OTHER_PARTNER)
DELETED_SAME = link_to(PARTNER, state="Deleted")
DELETED_OTHER = link_to(OTHER_PARTNER, state="Deleted")

CREATE = Step(Action.CREATED, PARTNER)
UPDATE = Step(Action.UPDATED, PARTNER)
UNCHANGED = Step(Action.UNCHANGED)

states = (
    st.builds(
        link_to,
        st.sampled_from([PARTNER, OTHER_PARTNER]),
        state=st.sampled_from(["Active", "active", "Deleted", "Suspended"]),
        version=st.integers(1, 99),
    )
    | st.none()
)
goals: st.SearchStrategy[Goal] = st.sampled_from(
    [
        LinkGoal(PARTNER),
        LinkGoal(PARTNER, replace=True),
        UpdateGoal(PARTNER),
        UnlinkGoal(),
        UnlinkGoal(PARTNER),
    ]
)


@pytest.mark.parametrize("text", ["12345", "719878", "5127255", "1234567890", "00000"])
def test_a_partner_id_is_taken_as_it_is(text: str) -> None:
    assert parse_partner_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("12", id="two digits"),
        pytest.param("1234", id="four digits"),
        pytest.param("12345678901", id="eleven digits"),
        pytest.param("7" * 20, id="twenty digits"),
        pytest.param("abc", id="letters"),
        pytest.param(" 719878 ", id="blanks around"),
        pytest.param("719878\n", id="newline"),
        pytest.param("719\n878", id="newline within"),
        pytest.param("-1", id="minus one"),
        pytest.param("-719878", id="negative"),
        pytest.param("+719878", id="plus"),
        pytest.param("719_878", id="underscore"),
        pytest.param("719878.0", id="decimal"),
        pytest.param("719878/../x", id="path"),
        pytest.param("719878?x=1", id="query"),
        pytest.param("\uff17\uff11\uff19\uff18\uff17\uff18", id="full-width digits"),
        pytest.param("\u0667\u0661\u0669\u0668\u0667\u0668", id="arabic-indic digits"),
    ],
)
def test_anything_else_is_refused_as_a_partner_id_and_named(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_partner_id(text)
    assert repr(text) in refusal.value.message
    assert refusal.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("value", [719878, None, b"719878"])
def test_what_is_no_string_is_refused_as_a_partner_id(value: Any) -> None:
    with pytest.raises(UsageError, match="is not a partner ID: it must be a string") as refusal:
        parse_partner_id(value)
    assert refusal.value.remedy == "pass a string, as in '719878'"


@given(st.text() | st.text("0123456789", max_size=12) | st.from_regex(r"[0-9]{5,10}\s?"))
def test_a_partner_id_is_five_to_ten_ascii_digits(text: str) -> None:
    if 5 <= len(text) <= 10 and set(text) <= set("0123456789"):
        assert parse_partner_id(text) == text
    else:
        with pytest.raises(UsageError):
            parse_partner_id(text)


@pytest.mark.parametrize(
    ("goal", "current", "step"),
    [
        pytest.param(LinkGoal(PARTNER), LOST, CREATE, id="link, not linked"),
        pytest.param(LinkGoal(PARTNER), SAME, UNCHANGED, id="link, already so"),
        pytest.param(LinkGoal(PARTNER), DELETED_SAME, CREATE, id="link, same was deleted"),
        pytest.param(LinkGoal(PARTNER), DELETED_OTHER, CREATE, id="link, other was deleted"),
        pytest.param(LinkGoal(PARTNER, replace=True), LOST, CREATE, id="replace, not linked"),
        pytest.param(LinkGoal(PARTNER, replace=True), SAME, UNCHANGED, id="replace, already so"),
        pytest.param(LinkGoal(PARTNER, replace=True), OTHER, UPDATE, id="replace, another's"),
        pytest.param(LinkGoal(PARTNER, replace=True), DELETED_SAME, CREATE, id="replace, same was deleted"),
        pytest.param(LinkGoal(PARTNER, replace=True), DELETED_OTHER, CREATE, id="replace, other was deleted"),
        pytest.param(UpdateGoal(PARTNER), SAME, UNCHANGED, id="update, already so"),
        pytest.param(UpdateGoal(PARTNER), OTHER, UPDATE, id="update, another's"),
        pytest.param(UnlinkGoal(), LOST, UNCHANGED, id="unlink, not linked"),
        pytest.param(UnlinkGoal(), OTHER, Step(Action.DELETED, OTHER_PARTNER), id="unlink, whichever it is"),
        pytest.param(UnlinkGoal(), DELETED_OTHER, UNCHANGED, id="unlink, was deleted"),
        pytest.param(UnlinkGoal(PARTNER), LOST, UNCHANGED, id="unlink that, not linked"),
        pytest.param(UnlinkGoal(PARTNER), SAME, Step(Action.DELETED, PARTNER), id="unlink that, linked"),
        pytest.param(UnlinkGoal(PARTNER), DELETED_SAME, UNCHANGED, id="unlink that, was deleted"),
        pytest.param(UnlinkGoal(PARTNER), DELETED_OTHER, UNCHANGED, id="unlink that, other was deleted"),
    ],
)
def test_next_step(goal: Goal, current: Link | None, step: Step) -> None:
    assert goal.next_step(current) == step


@pytest.mark.parametrize(
    "goal",
    [pytest.param(LinkGoal(PARTNER), id="link"), pytest.param(UnlinkGoal(PARTNER), id="unlink")],
)
def test_another_partners_link_is_refused_with_both_ids(goal: Goal) -> None:
    with pytest.raises(LinkedElsewhereError) as refusal:
        goal.next_step(OTHER)
    error = refusal.value
    assert (error.linked_partner_id, error.wanted_partner_id) == (OTHER_PARTNER, PARTNER)
    assert f"{OTHER_PARTNER} (Partner {OTHER_PARTNER})" in error.message
    assert PARTNER in error.message
    assert error.exit_code == ExitCode.LINKED_ELSEWHERE


@pytest.mark.parametrize("current", [LOST, DELETED_SAME, DELETED_OTHER], ids=["none", "same", "other"])
def test_what_is_not_linked_cannot_be_updated(current: Link | None) -> None:
    with pytest.raises(NotLinkedError) as refusal:
        UpdateGoal(PARTNER).next_step(current)
    assert refusal.value.exit_code == ExitCode.NOT_LINKED


@given(goals, states)
def test_the_step_of_a_goal_reaches_it_at_once(goal: Goal, current: Link | None) -> None:
    service = ModelService(current)
    try:
        step = goal.next_step(current)
    except NotLinkedError:
        assert active(current) is None
    except LinkedElsewhereError as error:
        assert current is not None
        assert error.linked_partner_id == current.partner_id  # noqa: PT017 - one of three ends
    else:
        if step.action is not Action.UNCHANGED:
            service.send(step)
        assert goal.next_step(service.link) == UNCHANGED


@given(goals, states)
def test_a_link_is_only_deleted_in_order_to_have_none(goal: Goal, current: Link | None) -> None:
    try:
        action = goal.next_step(current).action
    except (NotLinkedError, LinkedElsewhereError):
        return
    assert (action is Action.DELETED) <= isinstance(goal, UnlinkGoal)


@given(states)
def test_without_replace_a_link_is_never_overwritten(current: Link | None) -> None:
    try:
        action = LinkGoal(PARTNER).next_step(current).action
    except LinkedElsewhereError:
        return
    assert action in {Action.CREATED, Action.UNCHANGED}
    assert (action is Action.CREATED) is (active(current) is None)


@pytest.mark.parametrize(
    ("current", "pinned"),
    [
        pytest.param(OTHER, UnlinkGoal(OTHER_PARTNER), id="linked"),
        pytest.param(LOST, UnlinkGoal(), id="not linked"),
        pytest.param(DELETED_OTHER, UnlinkGoal(), id="was deleted"),
    ],
)
def test_unlink_can_be_pinned_to_the_link_that_was_read(current: Link | None, pinned: UnlinkGoal) -> None:
    assert UnlinkGoal().pinned_to(current) == pinned


@pytest.mark.parametrize(
    ("state", "is_active"), [("Active", True), ("active", True), ("Deleted", False), ("Suspended", False), ("", False)]
)
def test_only_an_active_link_is_a_link(state: str, is_active: bool) -> None:
    link = link_to(PARTNER, state=state)
    assert link.is_active is is_active
    assert active(link) == (link if is_active else None)


def test_a_link_shows_the_name_of_the_partner_where_there_is_one() -> None:
    assert str(Link(PARTNER, "Contoso Apps")) == f"{PARTNER} (Contoso Apps)"
    assert str(Link(PARTNER)) == PARTNER


@pytest.mark.parametrize(
    ("tenant_id", "object_id"),
    [
        pytest.param(TENANT, OBJECT, id="as the token has them"),
        pytest.param(TENANT.upper(), OBJECT.upper(), id="upper case"),
        pytest.param(None, None, id="not said"),
    ],
)
def test_ones_own_link_is_accepted(tenant_id: str | None, object_id: str | None) -> None:
    check_owner(replace(SAME, tenant_id=tenant_id, object_id=object_id), INVOICES)


@pytest.mark.parametrize(
    ("foreign", "named"),
    [
        pytest.param(replace(SAME, tenant_id=OTHER_TENANT), (OTHER_TENANT, TENANT), id="another tenant"),
        pytest.param(replace(SAME, object_id=OTHER_OBJECT), (OTHER_OBJECT, OBJECT), id="another object ID"),
        pytest.param(
            replace(SAME, tenant_id=None, object_id=OTHER_OBJECT), (OTHER_OBJECT, OBJECT), id="object ID alone"
        ),
    ],
)
def test_the_link_of_another_account_is_refused(foreign: Link, named: tuple[str, str]) -> None:
    with pytest.raises(UnexpectedAnswerError) as refusal:
        check_owner(foreign, INVOICES)
    assert named[0] in refusal.value.message
    assert named[1] in str(refusal.value.cause)


@pytest.mark.parametrize(
    ("before", "answered"),
    [
        pytest.param(LOST, 1, id="the first"),
        pytest.param(link_to(OTHER_PARTNER, version=7), 8, id="the next"),
        pytest.param(link_to(OTHER_PARTNER, state="Deleted", version=7), 8, id="the next after a deletion"),
        pytest.param(link_to(OTHER_PARTNER, version=None), 8, id="unknown before"),
        pytest.param(link_to(OTHER_PARTNER, version=7), None, id="unknown after"),
    ],
)
def test_a_write_counts_the_version_up_by_one(before: Link | None, answered: int | None) -> None:
    assert concurrent_write_warning(before, link_to(PARTNER, version=answered)) is None


@pytest.mark.parametrize("answered", [9, 100])
def test_a_gap_between_versions_is_a_warning(answered: int) -> None:
    warning = concurrent_write_warning(link_to(OTHER_PARTNER, version=7), link_to(PARTNER, version=answered))
    assert warning is not None
    assert re.search(rf"\b7\b.*\b{answered}\b.*another process", warning)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OTHER, id="another partner"),
        pytest.param(DELETED_SAME, id="deleted"),
        pytest.param(link_to(PARTNER, state="Suspended"), id="unknown state"),
        pytest.param(replace(SAME, tenant_id=OTHER_TENANT), id="another tenant"),
        pytest.param(replace(SAME, object_id=OTHER_OBJECT), id="another account"),
    ],
)
def test_an_answer_that_says_something_else_is_refused(answer: Link) -> None:
    with pytest.raises(UnexpectedAnswerError):
        check_written(answer, CREATE, INVOICES)


def test_the_expected_link_is_verified() -> None:
    assert verification_error(SAME, PARTNER) is None


def test_a_missing_link_names_the_account_and_the_tenant() -> None:
    error = not_linked_error("a@contoso.com", "Contoso")
    assert error.message == "not linked: a@contoso.com has no link in tenant Contoso"
    assert error.cause == "Azure returned no link for this account"


def test_verify_objects_to_another_partners_link() -> None:
    error = verification_error(OTHER, PARTNER)
    assert isinstance(error, LinkedElsewhereError)
    assert (error.linked_partner_id, error.wanted_partner_id) == (OTHER_PARTNER, PARTNER)
    assert str(OTHER) in error.message
    assert PARTNER in error.message
