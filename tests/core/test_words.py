"""Phrases that depend on a value."""

import pytest

from pallink.words import counted


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 tenants"), (1, "1 tenant"), (2, "2 tenants"), (1200, "1,200 tenants")]
)
def test_a_number_agrees_with_its_noun(number: int, words: str) -> None:
    assert counted(number, "tenant") == words


@pytest.mark.parametrize(
    ("seconds", "spec", "words"),
    [
        (1, "g", "1 second"),
        (1.2, "g", "1.2 seconds"),
        (0.5, "g", "0.5 seconds"),
        (120.0, "g", "120 seconds"),
        (1.2, ".0f", "1 second"),
    ],
)
def test_a_noun_agrees_with_the_number_that_is_shown(seconds: float, spec: str, words: str) -> None:
    assert counted(seconds, "second", spec) == words
