"""The run of a fleet: its places, its end, what hangs, and when it stops trying."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from pallink.concurrency import CancelScope, OperationCancelledError
from pallink.errors import (
    AccessDeniedError,
    DefectError,
    JournalError,
    PallinkError,
    ReaderRoleError,
    ServiceError,
    SignInError,
    UnreachableError,
)
from pallink.fleet import executor as executor_module
from pallink.fleet.breaker import MAX_FAILURES, Breaker
from pallink.fleet.entry import Entry
from pallink.fleet.executor import SETTLE_SECONDS, Executor
from pallink.fleet.fleet_run import FleetRun
from pallink.fleet.result import EntryResult, Outcome
from pallink.fleet.task import Task
from pallink.links.record import UNKNOWN, LinkChange
from tests.exhaustive import examples
from tests.fleet.files import SEED, write_fleet
from tests.harness import Pallink, Traffic, join_threads

# Longer than a test would wait: what never comes fails the test.
_HANGS = 30.0

Work = Callable[[Task], EntryResult]


def entry(number: int, tenant: str = "contoso.com") -> Entry:
    return Entry(name=f"{number}", account=f"{number}@contoso.com", tenant=tenant, partner_id="719878", line=number)


def done(task: Task, outcome: Outcome = Outcome.CREATED) -> EntryResult:
    return EntryResult(entry=task.entry, outcome=outcome, fields={})


def failed(entry: Entry, error: PallinkError) -> EntryResult:
    return EntryResult(entry=entry, outcome=Outcome.FAILED, fields={}, error=error)


def new_run(work: Work, count: int, *, concurrency: int = 1) -> Executor:
    return Executor(
        [entry(number) for number in range(count)], work, cloud="sandbox", concurrency=concurrency, timeout=_HANGS
    )


def by_name(results: Sequence[EntryResult]) -> dict[str, str]:
    return {result.entry.name: result.outcome.value for result in results}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the run look at once for what hangs."""
    monkeypatch.setattr(executor_module, "_TICK", 0.005)


# Places.


def test_as_many_are_worked_on_as_there_are_places() -> None:
    together, lock = threading.Barrier(4), threading.Lock()
    active, most = 0, 0

    def work(task: Task) -> EntryResult:
        nonlocal active, most
        with lock:
            active += 1
            most = max(most, active)
        together.wait(_HANGS)
        with lock:
            active -= 1
        return done(task)

    assert len(list(new_run(work, 20, concurrency=4).results())) == 20
    assert most == 4


@pytest.mark.parametrize("is_writing", [False, True])
def test_one_that_waits_leaves_its_place(is_writing: bool) -> None:
    others_done, waits = threading.Event(), list[float]()

    def wait(seconds: float | None = None) -> bool:
        assert seconds is not None
        waits.append(seconds)
        assert others_done.wait(_HANGS)
        return False

    def work(task: Task) -> EntryResult:
        if task.entry.name == "0":
            if is_writing:
                task.begin_write()
            task.deadline.wait(20, cause="Azure asks for it")
        elif task.entry.name == "2":
            others_done.set()
        return done(task)

    run = new_run(work, 3)
    run._stopped.wait = wait  # type: ignore[method-assign, assignment]
    assert [result.entry.name for result in run.results()] == ["1", "2", "0"]
    assert waits == [20]


def test_a_short_wait_keeps_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("pallink.fleet.executor.time.sleep", waits.append)

    def work(task: Task) -> EntryResult:
        task.deadline.wait(0.9, cause="Azure asks for it")
        return done(task)

    assert [result.entry.name for result in new_run(work, 3).results()] == ["0", "1", "2"]
    assert waits == [0.9] * 3


# The end.


def test_a_stop_lets_writes_settle_and_begins_nothing() -> None:
    writing, stopped = threading.Event(), threading.Event()
    left: list[float] = []

    def work(task: Task) -> EntryResult:
        if task.entry.name == "0":
            task.begin_write()
            writing.set()
            assert stopped.wait(_HANGS)
            left.append(task.deadline.left)
            return done(task)
        assert writing.wait(_HANGS)
        run.stop()
        stopped.set()
        with pytest.raises(OperationCancelledError):
            task.begin_write()
        CancelScope.check()
        raise AssertionError("it was cancelled")

    run = new_run(work, 4, concurrency=2)
    results = list(run.results())
    assert by_name(results) == {"0": "created", "1": "not-run", "2": "not-run", "3": "not-run"}
    assert {result.error.cause for result in results if result.error} == {
        "the run was interrupted before this account was done"
    }
    assert {result.error.remedy for result in results if result.error} == {"resume the run once the cause is fixed"}
    assert left[0] <= SETTLE_SECONDS


def test_a_stop_ends_a_wait() -> None:
    waiting = threading.Event()

    def work(task: Task) -> EntryResult:
        if task.entry.name == "1":
            assert waiting.wait(_HANGS)
            run.stop()
            CancelScope.check()
        try:
            task.deadline.wait(29, cause="Azure asks for it")
        finally:
            CancelScope.check()
        return done(task)

    run = new_run(work, 2)
    wait = run._stopped.wait

    def watched(seconds: float | None = None) -> bool:
        waiting.set()
        return wait(seconds)

    run._stopped.wait = watched  # type: ignore[method-assign, assignment]
    assert set(by_name(list(run.results())).values()) == {"not-run"}


def test_a_write_that_would_settle_too_late_ends_with_a_stop() -> None:
    def work(task: Task) -> EntryResult:
        task.begin_write()
        run.stop()
        with pytest.raises(UnreachableError, match="stopped before the write could be tried again"):
            task.deadline._sleep(20)
        return done(task, Outcome.UNKNOWN)

    run = new_run(work, 1)
    assert by_name(list(run.results())) == {"0": "unknown"}


def test_writes_that_waited_settle_all_at_once() -> None:
    """With one place, each would else wait for those before it, and its time would stand still meanwhile."""
    settling = threading.Barrier(3)
    began = [threading.Event() for _ in range(3)]

    def work(task: Task) -> EntryResult:
        task.begin_write()
        began[int(task.entry.name)].set()
        task.deadline.wait(1, cause="Azure asks for it")
        settling.wait(_HANGS)
        return done(task)

    run = new_run(work, 3)

    def stop() -> None:
        for event in began:
            assert event.wait(_HANGS)
        run.stop()

    threading.Thread(target=stop).start()
    assert set(by_name(list(run.results())).values()) == {"created"}


def test_a_stop_before_the_run_begins_counts(in_sandbox: Pallink, tmp_path: Path, traffic: Traffic) -> None:
    del in_sandbox
    from pallink.fleet.api import load  # noqa: PLC0415
    from pallink.fleet.fleet_run import RunOptions, new_plan  # noqa: PLC0415
    from pallink.fleet.work import Mode  # noqa: PLC0415

    fleet, options = load(write_fleet(tmp_path, *SEED)), RunOptions(cloud="sandbox")
    with FleetRun(new_plan(fleet.entries, options, source=fleet.path), Mode.VERIFY, options) as run:
        results = run.results()
        run.stop()
        assert [result.outcome for result in results] == [Outcome.NOT_RUN] * 3
    assert traffic.sent == []


# What hangs, and what breaks.


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("is_writing", [False, True])
def test_one_that_hangs_is_left_behind(is_writing: bool) -> None:
    released, thread = threading.Event(), list[threading.Thread]()

    def work(task: Task) -> EntryResult:
        if task.entry.name == "0":
            thread.append(threading.current_thread())
            if is_writing:
                task.begin_write()
                task.written.known = UNKNOWN
            task.deadline.shorten(-3)
            assert released.wait(_HANGS)
            assert CancelScope.is_caller_cancelled()
        else:
            # What it returns now comes too late.
            released.set()
            thread[0].join(_HANGS)
        return done(task)

    first, second = new_run(work, 2).results()
    assert isinstance(first.error, UnreachableError)
    assert first.error.message == f"not finished within {_HANGS:g} seconds"
    assert first.outcome is (Outcome.UNKNOWN if is_writing else Outcome.FAILED)
    assert first.link is (LinkChange.UNKNOWN if is_writing else LinkChange.UNCHANGED)
    assert second.outcome is Outcome.CREATED


def test_a_defect_is_one_accounts_own() -> None:
    def work(task: Task) -> EntryResult:
        if task.entry.name == "1":
            raise ZeroDivisionError("an example")
        return done(task)

    results = list(new_run(work, 3).results())
    assert by_name(results) == {"0": "created", "1": "failed", "2": "created"}
    assert isinstance(results[1].error, DefectError)
    assert results[1].error.message == "pallink has a defect: ZeroDivisionError: an example"


BEHAVIOURS = st.sampled_from(["done", "write", "fail", "unreachable", "defect", "wait", "hang", "stop"])


@settings(max_examples=examples(40))
@given(st.lists(BEHAVIOURS, max_size=12), st.integers(1, 4))
def test_every_entry_has_one_result(behaviours: list[str], concurrency: int) -> None:
    released = threading.Event()

    def work(task: Task) -> EntryResult:
        CancelScope.check()
        match behaviours[int(task.entry.name)]:
            case "write":
                task.begin_write()
            case "fail":
                return failed(task.entry, ReaderRoleError("no role"))
            case "unreachable":
                return failed(task.entry, UnreachableError("no network"))
            case "defect":
                raise KeyError(task.entry.name)
            case "wait":
                task.deadline.wait(3, cause="Azure asks for it")
            case "hang":
                task.deadline.shorten(-3)
                assert released.wait(_HANGS)
            case "stop":
                run.stop()
        return done(task)

    run = new_run(work, len(behaviours), concurrency=concurrency)
    # No time passes.
    run._stopped.wait = lambda _seconds=None: run._stopped.is_set()  # type: ignore[method-assign, assignment]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor_module, "_TICK", 0.001)
        results = list(run.results())
    released.set()
    join_threads()
    assert sorted(int(result.entry.name) for result in results) == list(range(len(behaviours)))
    # One that hangs has no response either.
    without_response = sum(behaviour in ("unreachable", "hang") for behaviour in behaviours)
    assert (
        "stop" in behaviours
        or without_response >= MAX_FAILURES
        or all(result.outcome is not Outcome.NOT_RUN for result in results)
    )
    # No place was lost, and none was made but by a stop.
    assert run._places._value == concurrency + (run._max_threads if run.is_stopped() else 0)


# When it stops trying.


def sign_in_failed(code: str) -> SignInError:
    return SignInError(f"the sign-in failed: AADSTS{code}: no")


FAIL: dict[str, tuple[list[PallinkError | None], bool, bool]] = {
    # What happens in tenant a, and whether then tenant a and tenant b are stopped.
    "five alike from the beginning": ([UnreachableError("no network")] * 5, True, True),
    "four alike": ([UnreachableError("no network")] * 4, False, False),
    "five with another cause": ([ServiceError("no")] * 4 + [UnreachableError("no")], False, False),
    "five alike, not from the beginning": ([None] + [UnreachableError("no network")] * 5, True, False),
    "a success between them": ([*[UnreachableError("no")] * 3, None, *[UnreachableError("no")] * 3], False, False),
    "five secrets that are wrong": ([sign_in_failed("7000215")] * 5, True, False),
    "five different sign-in errors": ([sign_in_failed(f"5000{n}") for n in range(5)], False, False),
    "five without a role": ([ReaderRoleError("no role")] * 9, False, False),
    "five that Azure refuses": ([AccessDeniedError("no")] * 9, False, False),
    "five that Azure rejects": ([ServiceError("no")] * 5, True, True),
    "a journal that cannot be written": ([None, JournalError("full")], True, True),
}


@pytest.mark.parametrize("case", FAIL)
def test_when_a_tenant_or_the_run_is_stopped(case: str) -> None:
    errors, stops_tenant, stops_run = FAIL[case]
    breaker = Breaker()
    for number, error in enumerate(errors):
        breaker.record(
            EntryResult(entry=entry(number, "A.example"), outcome=Outcome.CREATED, fields={})
            if error is None
            else failed(entry(number, "A.example"), error)
        )
    assert (breaker.reason_not_to_run("a.example") is not None) == stops_tenant
    assert (breaker.reason_not_to_run("b.example") is not None) == stops_run


def test_a_sign_in_that_needs_a_person_stops_nothing() -> None:
    breaker = Breaker()
    for number in range(9):
        error = sign_in_failed("50076")
        breaker.record(EntryResult(entry=entry(number), outcome=Outcome.NEEDS_SIGN_IN, fields={}, error=error))
    assert breaker.reason_not_to_run("contoso.com") is None


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["ok", "1", "2"]))))
def test_a_tenant_is_stopped_by_five_alike_in_a_row(events: list[tuple[str, str]]) -> None:
    breaker = Breaker()
    breaker.record(EntryResult(entry=entry(0, "c"), outcome=Outcome.CREATED, fields={}))
    for tenant, kind in events:
        outcome = Outcome.CREATED if kind == "ok" else Outcome.FAILED
        error = None if kind == "ok" else sign_in_failed(kind)
        breaker.record(EntryResult(entry=entry(0, tenant), outcome=outcome, fields={}, error=error))
    for tenant in "ab":
        kinds = "".join(kind[0] for own, kind in events if own == tenant)
        assert (breaker.reason_not_to_run(tenant) is not None) == ("11111" in kinds or "22222" in kinds)
