"""The timeline: what waited for what, and what decided how long it took."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from pallink.debug.timeline import Span, find_critical_path, find_predecessor, format_timeline


def spans(*bounds: tuple[int, int]) -> list[Span]:
    return [Span(number, f"GET {number}", *each, outcome="200") for number, each in enumerate(bounds, 1)]


ONE_BY_ONE = spans((0, 100), (100, 200), (210, 300))
# openid-configuration, token, then link, tenants and subscriptions side by side, assignments, PUT.
LINK = spans((0, 100), (101, 201), (202, 302), (202, 303), (203, 310), (311, 411), (412, 512))


@pytest.mark.parametrize(
    ("given", "after", "path"),
    [
        (ONE_BY_ONE, [None, 1, 2], [1, 2, 3]),
        (LINK, [None, 1, 2, 2, 2, 5, 6], [1, 2, 5, 6, 7]),
        (spans((0, 10)), [None], [1]),
        (spans((0, 10), (0, 30), (5, 20)), [None, None, None], [2]),
        (spans((0, 30), (0, 10), (10, 20)), [None, None, 2], [1]),
        (spans((0, 0), (0, 0), (0, 0)), [None, 1, 2], [1, 2, 3]),
        ([], [], []),
    ],
)
def test_what_waited_for_what(given: list[Span], after: list[int | None], path: list[int]) -> None:
    found = [find_predecessor(each, given) for each in given]
    assert [each.number if each else None for each in found] == after
    assert [each.number for each in find_critical_path(given)] == path


def test_the_table() -> None:
    waits = Span(2, "the next try is due in 2 seconds", 105, 2105, is_wait=True)
    rows = [*spans((0, 105)), waits, Span(3, "GET 3", 2106, 2206, "200"), Span(4, "GET 4", 10, 20, "ReadTimeout")]
    assert list(format_timeline(rows)) == [
        "timeline: 3 requests in 2206 ms; critical path (*): 2 in a row, 2205 ms",
        "   no.  start ms   took ms  after  request",
        "*    1         0       105      -  GET 1 -> 200",
        "     4        10        10      -  GET 4 -> ReadTimeout",
        "*    2       105      2000      1  waits: the next try is due in 2 seconds",
        "*    3      2106       100      2  GET 3 -> 200",
    ]


def test_without_requests_it_says_so() -> None:
    assert list(format_timeline([])) == ["timeline: no request was sent"]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=12))
def test_the_critical_path_is_a_path_to_the_end(bounds: list[tuple[int, int]]) -> None:
    rows = spans(*((start, start + length) for start, length in bounds))
    path = find_critical_path(rows)
    assert path[-1].end == max(each.end for each in rows)
    assert all(one.end <= other.start for one, other in pairwise(path))
    first = path[0]
    assert not [each for each in rows if each.end < first.start], "the first on the path waited for nothing"
    assert len(list(format_timeline(rows))) == len(rows) + 2
