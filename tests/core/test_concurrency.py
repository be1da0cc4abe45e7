"""Calls that run concurrently, and what ends them."""

import threading
from contextlib import closing

import pytest

from pallink.concurrency import (
    THREAD_NAME,
    CancelScope,
    OperationCancelledError,
    as_completed,
    errors_in,
    gather,
    start_thread,
)
from pallink.deadline import Deadline
from pallink.errors import ServiceError


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]


def join_all() -> None:
    for thread in running():
        thread.join()


def test_outcomes_are_in_the_order_of_the_calls() -> None:
    together = threading.Barrier(3)

    def call(value: int) -> int:
        together.wait()  # passes only where all three run at a time
        return value

    assert gather(lambda: call(1), lambda: call(2), lambda: call(3)) == [1, 2, 3]


def test_nothing_to_run_has_no_outcome() -> None:
    assert gather() == []


def test_a_defect_does_not_wait_for_the_other_calls() -> None:
    released = threading.Event()

    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather(fail, released.wait)
    released.set()
    join_all()


def test_an_error_of_pallink_is_an_outcome() -> None:
    error = ServiceError("no")

    def fail() -> None:
        raise error

    outcomes = gather(fail, lambda: 1)
    assert outcomes == [error, 1]
    assert errors_in(outcomes) == [error]


def test_any_other_error_is_raised() -> None:
    def fail() -> None:
        raise LookupError("a defect")

    with pytest.raises(LookupError, match="a defect"):
        gather(fail)


def test_no_more_workers_than_allowed_run_at_a_time() -> None:
    lock, now, most = threading.Lock(), 0, 0
    both = threading.Barrier(2)

    def job(_item: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        both.wait()
        with lock:
            now -= 1

    assert len(list(as_completed(job, range(10), workers=2))) == 10
    assert most == 2


def test_who_has_seen_enough_starts_no_further_item() -> None:
    started: list[int] = []
    first_is_seen = threading.Event()

    def job(item: int) -> int:
        started.append(item)
        if item > 0:
            first_is_seen.wait()
        return item

    with closing(as_completed(job, range(100), workers=2)) as outcomes:
        next(outcomes)
    first_is_seen.set()
    join_all()
    assert len(started) <= 3


def test_what_runs_for_a_cancelled_scope_sends_nothing_more() -> None:
    with CancelScope().active() as scope:
        scope.cancel()
        with pytest.raises(OperationCancelledError):
            gather(lambda: 1)
        with pytest.raises(OperationCancelledError):
            CancelScope.check()
    CancelScope.check()


def test_a_scope_inside_another_one_is_cancelled_with_it() -> None:
    with CancelScope().active() as outer, CancelScope().active() as inner:
        inner.cancel()
        assert not outer.is_cancelled
    with CancelScope().active() as outer, CancelScope().active() as inner:
        outer.cancel()
        assert inner.is_cancelled


def test_a_thread_has_the_deadline_of_its_caller() -> None:
    seen: list[Deadline] = []
    with Deadline(5).active() as deadline:
        start_thread(lambda: seen.append(Deadline.current())).join()
    assert seen == [deadline]


def test_no_thread_keeps_the_process() -> None:
    released = threading.Event()
    thread = start_thread(released.wait)  # type: ignore[arg-type]
    assert thread.daemon
    released.set()
    thread.join()
