import threading

import pytest

from pallink.errors import NotLinkedError, PallinkError, UnreachableError
from pallink.side_by_side import errors_in, side_by_side

# Reached only by a test that fails.
SECONDS_UNTIL_A_HANG_IS_A_FAILURE = 30


def raising(error: BaseException) -> object:
    raise error


def test_nothing_to_do() -> None:
    assert side_by_side() == []


def test_calls_overlap() -> None:
    everybody = threading.Barrier(3, timeout=SECONDS_UNTIL_A_HANG_IS_A_FAILURE)
    assert sorted(side_by_side(everybody.wait, everybody.wait, everybody.wait)) == [0, 1, 2]


def test_answers_stand_in_the_order_of_the_calls_and_not_of_their_ends() -> None:
    last_is_done = threading.Event()

    def first() -> str:
        assert last_is_done.wait(SECONDS_UNTIL_A_HANG_IS_A_FAILURE)
        return "first"

    def last() -> str:
        last_is_done.set()
        return "last"

    assert side_by_side(first, lambda: None, last) == ["first", None, "last"]


def test_errors_are_returned_in_their_place() -> None:
    lost, missing = UnreachableError("lost"), NotLinkedError("missing")
    outcomes = side_by_side(lambda: raising(lost), lambda: "answer", lambda: raising(missing))
    assert outcomes == [lost, "answer", missing]
    assert errors_in(outcomes) == [lost, missing]


@pytest.mark.parametrize("defect", [ZeroDivisionError(), KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_a_defect_is_raised_in_the_callers_thread(defect: BaseException) -> None:
    with pytest.raises(type(defect)) as raised:
        side_by_side(lambda: 1, lambda: raising(defect), lambda: raising(PallinkError("lost")))
    assert raised.value is defect


def test_a_defect_does_not_wait_for_the_others() -> None:
    released = threading.Event()
    try:
        with pytest.raises(ZeroDivisionError):
            side_by_side(released.wait, lambda: raising(ZeroDivisionError()))
        assert not released.is_set()
    finally:
        released.set()


def test_threads_do_not_keep_the_program_from_ending() -> None:
    assert side_by_side(lambda: threading.current_thread().daemon) == [True]
