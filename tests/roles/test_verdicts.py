"""What holds for every verdict, whatever an account holds."""

from hypothesis import given, strategies as st

from pallink.account import Account, AccountKind
from pallink.errors import AccessDeniedError, UnreachableError
from pallink.roles import (
    KNOWN_ROLES,
    EligibleRole,
    ReaderReport,
    RoleAssignment,
    Subscription,
    SubscriptionVerdict,
    Verdict,
    add_eligible_roles,
    judge,
    judge_delegated,
    judge_unreadable,
    reader_warnings,
)
from pallink.roles.definitions import READER

OBJECT_ID = "11111111-0000-0000-0000-00000000000a"
ACCOUNT = Account(AccountKind.USER, "svc@world.example", OBJECT_ID, "tenant")
ONE = Subscription("33333333-0000-0000-0000-000000000001", "One")
UNKNOWN_ROLE = "44444444-0000-0000-0000-000000000001"

ASSIGNMENTS = st.builds(
    RoleAssignment,
    st.sampled_from([*KNOWN_ROLES, UNKNOWN_ROLE]).map(lambda role_id: f"/x/roleDefinitions/{role_id.upper()}"),
    st.sampled_from([ONE.scope, ONE.scope.upper(), "/", f"{ONE.scope}/resourceGroups/rg"]),
    st.sampled_from([OBJECT_ID, OBJECT_ID.upper(), "group"]),
    st.sampled_from([None, "a condition"]),
)
VERDICTS = st.lists(ASSIGNMENTS, max_size=4).map(lambda held: judge(ONE, held, ACCOUNT)) | st.sampled_from(
    [
        judge_unreadable(ONE, AccessDeniedError("no")),
        judge_unreadable(ONE, UnreachableError("no answer")),
        judge_delegated(Subscription(ONE.id, ONE.name, tenant_id="55555555-0000-0000-0000-000000000002")),
    ]
)
REPORTS = st.builds(ReaderReport, st.lists(VERDICTS, max_size=4).map(tuple), all_required=st.booleans())


@given(st.lists(ASSIGNMENTS, max_size=5).flatmap(lambda held: st.tuples(st.just(held), st.permutations(held))))
def test_the_order_of_the_assignments_does_not_matter(both: tuple[list[RoleAssignment], list[RoleAssignment]]) -> None:
    one, other = (judge(ONE, held, ACCOUNT) for held in both)
    assert (one.verdict, one.earns_credit) == (other.verdict, other.earns_credit)


@given(st.lists(ASSIGNMENTS, max_size=4), ASSIGNMENTS)
def test_one_role_more_never_makes_it_worse(held: list[RoleAssignment], more: RoleAssignment) -> None:
    assert judge(ONE, [*held, more], ACCOUNT).rank <= judge(ONE, held, ACCOUNT).rank


@given(st.lists(ASSIGNMENTS, max_size=4))
def test_none_is_said_of_nothing_alone(held: list[RoleAssignment]) -> None:
    assert (judge(ONE, held, ACCOUNT).verdict is Verdict.NONE) is (held == [])


@given(st.lists(ASSIGNMENTS, max_size=4))
def test_what_passes_does_so_by_one_role_without_a_condition_on_the_subscription(held: list[RoleAssignment]) -> None:
    enough = [
        each
        for each in held
        if each.condition is None and "resourceGroups" not in each.scope and each.role_id in KNOWN_ROLES
        if KNOWN_ROLES[each.role_id].allows_read_all
    ]
    found = judge(ONE, held, ACCOUNT)
    assert found.verdict.passes is bool(enough)
    assert (found.verdict is Verdict.READER) is any(each.role_id == READER.id for each in enough)


@given(REPORTS)
def test_a_report_passes_only_by_verdicts_that_do(report: ReaderReport) -> None:
    accepted = {Verdict.READER, Verdict.MORE_THAN_READER, Verdict.DELEGATED}
    if not report.all_required:
        accepted.add(Verdict.PARTIAL)
    passed = [each.verdict in accepted for each in report.subscriptions]
    assert report.passes is (bool(passed) and (all(passed) if report.all_required else any(passed)))
    assert (report.verdict in accepted) is report.passes


@given(REPORTS)
def test_a_pass_that_is_limited_is_warned_of_and_no_other(report: ReaderReport) -> None:
    limited = report.passes and report.verdict in (Verdict.PARTIAL, Verdict.DELEGATED)
    assert bool(reader_warnings(report)) is limited


@given(REPORTS)
def test_unknown_is_never_taken_for_none(report: ReaderReport) -> None:
    if Verdict.UNKNOWN in [each.verdict for each in report.subscriptions]:
        assert report.verdict is not Verdict.NONE


@given(REPORTS, st.sampled_from([ONE.scope, "/", f"{ONE.scope}/resourceGroups/rg"]), st.booleans())
def test_what_is_eligible_never_passes_and_hides_no_missing_answer(
    report: ReaderReport, scope: str, restricted: bool
) -> None:
    condition = "a condition" if restricted else None
    found = add_eligible_roles(
        report, [EligibleRole(f"/x/{READER.id}", scope, OBJECT_ID, condition=condition)], ACCOUNT
    )
    assert found.passes is report.passes
    if any(isinstance(each.error, UnreachableError) for each in report.subscriptions) and not report.passes:
        assert found.verdict is Verdict.UNKNOWN
    if restricted or "resourceGroups" in scope:
        assert found.verdict is report.verdict


def test_a_verdict_is_explained_by_what_it_rests_on() -> None:
    held = RoleAssignment(f"/x/{READER.id}", "/providers/Microsoft.Management/managementGroups/top", "group", "x")
    found: SubscriptionVerdict = judge(ONE, [held], ACCOUNT)
    assert str(found) == "Reader, inherited from management group top, through group group, under a condition"
