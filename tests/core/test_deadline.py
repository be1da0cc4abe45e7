import itertools
import math

import pytest
from hypothesis import given, strategies as st

from pallink.deadline import Deadline
from pallink.errors import RequestTrace, UnreachableError
from pallink.exit_codes import ExitCode
from tests.core.model_service import Clock


def test_time_that_passes_is_no_longer_left() -> None:
    clock = Clock()
    deadline = clock.deadline(10)
    clock.seconds = 4
    assert deadline.left == 6
    clock.seconds = 11
    assert deadline.left == -1


@pytest.mark.parametrize(
    ("most", "part", "passed", "share"),
    [
        pytest.param(20, 1.0, 0, 20, id="most"),
        pytest.param(60, 1.0, 90, 30, id="what is left"),
        pytest.param(60, 0.5, 90, 15, id="part of what is left"),
        pytest.param(20, 0.5, 0, 20, id="most, where the part is larger"),
    ],
)
def test_a_request_gets_its_share(most: float, part: float, passed: float, share: float) -> None:
    clock = Clock()
    deadline = clock.deadline(120)
    clock.seconds = passed
    assert deadline.share(most, part) == share


@pytest.mark.parametrize("passed", [120, 121])
def test_no_request_gets_a_share_of_nothing(passed: float) -> None:
    clock = Clock()
    deadline = clock.deadline(120)
    clock.seconds = passed
    with pytest.raises(UnreachableError) as failure:
        deadline.share(20)
    assert failure.value.message == "not finished within 120 seconds"
    assert "--timeout" in str(failure.value.remedy)
    assert failure.value.exit_code == ExitCode.UNREACHABLE


def test_a_share_is_positive_although_time_passes_while_it_is_reckoned() -> None:
    ticks = itertools.chain([0.0, 9.9], itertools.repeat(10.1))
    try:
        share = Deadline(10, now=lambda: next(ticks)).share(20)
    except UnreachableError:
        return
    assert share > 0


@pytest.mark.parametrize(("seconds", "waits"), [(5, [5]), (9.9, [9.9]), (0, []), (-1, [])])
def test_a_wait_that_fits_is_waited(seconds: float, waits: list[float]) -> None:
    clock = Clock()
    clock.deadline(10).wait(seconds, cause="throttled")
    assert clock.waits == waits


@pytest.mark.parametrize("seconds", [10, 11, math.inf])
def test_a_wait_that_does_not_fit_is_not_begun(seconds: float) -> None:
    clock = Clock()
    trace = RequestTrace("correlation")
    with pytest.raises(UnreachableError) as failure:
        clock.deadline(10).wait(seconds, cause="throttled", trace=trace)
    assert clock.waits == []
    assert failure.value.cause == "throttled, with 10 seconds left"
    assert failure.value.trace is trace


@given(st.floats(0.001, 1e6), st.lists(st.floats(0, 1e5)))
def test_all_waits_together_end_before_the_deadline(seconds: float, waits: list[float]) -> None:
    clock = Clock()
    deadline = clock.deadline(seconds)
    for wait in waits:
        try:
            deadline.wait(wait, cause="x")
        except UnreachableError:
            assert wait >= deadline.left
        else:
            assert deadline.left > 0


@given(st.floats(0.001, 1e6), st.floats(0, 1e6), st.floats(0.001, 1e3), st.floats(0.1, 1))
def test_a_share_fits_into_what_is_left(seconds: float, passed: float, most: float, part: float) -> None:
    clock = Clock()
    deadline = clock.deadline(seconds)
    clock.seconds = passed
    try:
        share = deadline.share(most, part)
    except UnreachableError:
        assert passed >= seconds
    else:
        assert 0 < share <= min(most, deadline.left)


def test_a_deadline_is_shortened_while_it_is_paused() -> None:
    clock = Clock()
    deadline = clock.deadline(60)
    deadline.shorten(100)
    assert deadline.left == 60
    with deadline.paused():
        deadline.shorten(10)
        clock.seconds = 30
        assert deadline.left == 10
    assert deadline.left == 10
