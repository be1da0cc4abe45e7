import queue
import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from pallink.concurrency import abandoned_with_the_wait, as_completed, errors_in, gather, nobody_waits, run_detached
from pallink.errors import NotLinkedError, PallinkError, UnreachableError

# Reached only by a test that fails.
SECONDS_UNTIL_A_HANG_IS_A_FAILURE = 30


def raising(error: BaseException) -> object:
    raise error


def test_nothing_to_do() -> None:
    assert gather() == []


def test_calls_overlap() -> None:
    everybody = threading.Barrier(3, timeout=SECONDS_UNTIL_A_HANG_IS_A_FAILURE)
    assert sorted(gather(everybody.wait, everybody.wait, everybody.wait)) == [0, 1, 2]


def test_answers_stand_in_the_order_of_the_calls_and_not_of_their_ends() -> None:
    last_is_done = threading.Event()

    def first() -> str:
        assert last_is_done.wait(SECONDS_UNTIL_A_HANG_IS_A_FAILURE)
        return "first"

    def last() -> str:
        last_is_done.set()
        return "last"

    assert gather(first, lambda: None, last) == ["first", None, "last"]


def test_errors_are_returned_in_their_place() -> None:
    lost, missing = UnreachableError("lost"), NotLinkedError("missing")
    outcomes = gather(lambda: raising(lost), lambda: "answer", lambda: raising(missing))
    assert outcomes == [lost, "answer", missing]
    assert errors_in(outcomes) == [lost, missing]


@pytest.mark.parametrize("defect", [ZeroDivisionError(), KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_a_defect_is_raised_in_the_callers_thread(defect: BaseException) -> None:
    with pytest.raises(type(defect)) as raised:
        gather(lambda: 1, lambda: raising(defect), lambda: raising(PallinkError("lost")))
    assert raised.value is defect


def test_a_defect_does_not_wait_for_the_others() -> None:
    released = threading.Event()
    try:
        with pytest.raises(ZeroDivisionError):
            gather(released.wait, lambda: raising(ZeroDivisionError()))
        assert not released.is_set()
    finally:
        released.set()


def test_threads_do_not_keep_the_program_from_ending() -> None:
    assert gather(lambda: threading.current_thread().daemon) == [True]


class Request:
    """Something that is under way in a thread until it is released, and may be abandoned meanwhile."""

    def __init__(self) -> None:
        self.is_under_way, self.is_released, self.is_abandoned = (threading.Event() for _ in range(3))

    def send(self) -> None:
        with abandoned_with_the_wait(self.is_abandoned.set):
            self.is_under_way.set()
            assert self.is_released.wait(SECONDS_UNTIL_A_HANG_IS_A_FAILURE)


def interrupted(request: Request) -> None:
    assert request.is_under_way.wait(SECONDS_UNTIL_A_HANG_IS_A_FAILURE)
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "wait",
    [
        lambda request: gather(request.send, lambda: interrupted(request)),
        lambda request: gather(lambda: run_detached(request.send), lambda: interrupted(request)),
        lambda request: run_detached(lambda: gather(lambda: run_detached(request.send), lambda: interrupted(request))),
    ],
    ids=["beside it", "beside a thread that waits for it", "in a thread"],
)
def test_what_is_under_way_is_abandoned_when_an_interruption_ends_the_wait(wait: Callable[[Request], object]) -> None:
    request = Request()
    try:
        with pytest.raises(KeyboardInterrupt):
            wait(request)
        assert request.is_abandoned.is_set()
    finally:
        request.is_released.set()


def test_whoever_begins_something_after_the_interruption_knows_that_nobody_waits() -> None:
    first = Request()
    known: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def send() -> None:
        known.put(nobody_waits())
        first.send()
        known.put(nobody_waits())

    with pytest.raises(KeyboardInterrupt):
        run_detached(lambda: gather(lambda: run_detached(send), lambda: interrupted(first)))
    first.is_released.set()
    assert [known.get(timeout=SECONDS_UNTIL_A_HANG_IS_A_FAILURE) for _ in range(2)] == [False, True]


def test_whoever_has_seen_enough_leaves_what_is_under_way_alone_and_lets_nothing_more_begin() -> None:
    request = Request()
    known: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def send() -> None:
        request.send()
        known.put(nobody_waits())

    jobs: list[Callable[[], object]] = [send, request.is_under_way.wait]
    try:
        with closing(as_completed(lambda job: job(), jobs, workers=2)) as outcomes:
            assert next(outcomes) == (1, True)
        assert not request.is_abandoned.is_set()
    finally:
        request.is_released.set()
    assert known.get(timeout=SECONDS_UNTIL_A_HANG_IS_A_FAILURE)


def test_nobody_is_waited_for_in_the_main_thread() -> None:
    assert not nobody_waits()


def test_what_is_over_is_not_abandoned() -> None:
    over, request = Request(), Request()
    over.is_released.set()

    def send_both() -> None:
        over.send()
        request.send()

    try:
        with pytest.raises(KeyboardInterrupt):
            gather(send_both, lambda: interrupted(request))
        assert (over.is_abandoned.is_set(), request.is_abandoned.is_set()) == (False, True)
    finally:
        request.is_released.set()
