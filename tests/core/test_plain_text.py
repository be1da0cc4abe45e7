import unicodedata

import pytest
from hypothesis import given, strategies as st

from pallink.redact.text import one_clause, one_line

any_text = st.text(st.characters(exclude_categories=[])) | st.text("a \t\n\r\x1b\u202e\u2028\x85", max_size=30)
limits = st.integers(3, 600)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Contoso Apps", "Contoso Apps", id="plain"),
        pytest.param(
            "Gr\u00f6\u00dfe \U0001f600 \u4f01\u696d", "Gr\u00f6\u00dfe \U0001f600 \u4f01\u696d", id="letters"
        ),
        pytest.param("  first \n second", "first", id="first line"),
        pytest.param("\n\n", "", id="nothing"),
        pytest.param("", "", id="empty"),
        pytest.param("a\x1b[2Jb", "a?[2Jb", id="escape sequence"),
        pytest.param("a\x07\x08b", "a??b", id="bell and backspace"),
        pytest.param("a\tb", "a?b", id="tab"),
        pytest.param("a\x9b31mb", "a?31mb", id="C1 escape"),
        pytest.param("a\u202eb", "a?b", id="right-to-left override"),
        pytest.param("a\u2066b\u200bc", "a?b?c", id="isolate and zero-width space"),
        pytest.param("a\ud800b", "a?b", id="lone surrogate"),
        pytest.param("a\u2028b", "a", id="line separator"),
    ],
)
def test_what_a_terminal_would_obey_is_made_visible(text: str, shown: str) -> None:
    assert one_line(text) == shown


@pytest.mark.parametrize(
    ("length", "shown"), [(10, "x" * 10), (11, "xxxxxxx..."), (10_000, "xxxxxxx...")], ids=["fits", "too long", "huge"]
)
def test_what_is_too_long_is_cut(length: int, shown: str) -> None:
    assert one_line("x" * length, 10) == shown


@pytest.mark.parametrize(
    ("text", "clause"),
    [("It is so.", "It is so"), ("It is so", "It is so"), ("and so on...", "and so on..."), (".", ""), ("a.\nb.", "a")],
)
def test_a_clause_has_no_full_stop(text: str, clause: str) -> None:
    assert one_clause(text) == clause


@given(any_text, limits)
def test_the_result_is_one_line_that_steers_no_terminal(text: str, limit: int) -> None:
    shown = one_line(text, limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(any_text, limits)
def test_what_is_safe_stays_as_it_is(text: str, limit: int) -> None:
    shown = one_line(text, limit)
    assert one_line(shown, limit) == shown
