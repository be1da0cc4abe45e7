"""The matcher of action patterns, against what the words of its contract mean: a pattern is the set of its texts."""

import re
from itertools import product

import pytest
from hypothesis import given, strategies as st

from pallink.roles.actions import READ_ALL, allows_read_all, covers, matches, overlaps
from pallink.sandbox.state.access import role_allows
from pallink.sandbox.state.roles import Role

# Few letters, so that patterns meet; the last one stands in no pattern.
PATTERNS = st.text("ab*/", max_size=7)
TEXTS = st.text("abz/", max_size=8)
SEGMENTS = st.sampled_from(
    ["Microsoft.Support", "microsoft.compute", "*", "virtualMachines", "read", "write", "action"]
)
REALISTIC = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


def meaning(pattern: str) -> re.Pattern[str]:
    """The set of a pattern's texts, in another way than the matcher's."""
    return re.compile(".*".join(map(re.escape, pattern.lower().split("*"))), re.DOTALL)


def texts(pattern: str, longest: int = 2) -> list[str]:
    """Some of a pattern's texts: every short text, one with a letter of no pattern among them, for each `*`."""
    parts = pattern.split("*")
    short = ["".join(letters) for length in range(longest + 1) for letters in product("abz/", repeat=length)][:12]
    fillings = product(short, repeat=min(len(parts) - 1, 2))
    found = []
    for filling in fillings:
        each = (*filling, *("z" for _ in range(len(parts) - 1 - len(filling))))
        found.append("".join(part + (each[index] if index < len(each) else "") for index, part in enumerate(parts)))
    return found


@given(PATTERNS | REALISTIC, TEXTS)
def test_matches_is_what_the_pattern_means(pattern: str, text: str) -> None:
    assert matches(pattern, text) is bool(meaning(pattern).fullmatch(text))


@given(PATTERNS | REALISTIC)
def test_a_pattern_matches_each_of_its_texts_in_any_case(pattern: str) -> None:
    for text in texts(pattern):
        assert matches(pattern, text)
        assert matches(pattern.upper(), text.lower())
        assert matches(pattern.lower(), text.upper())


@given(PATTERNS | REALISTIC, PATTERNS | REALISTIC)
def test_covers_means_every_text_of_the_other(pattern: str, other: str) -> None:
    matched = [matches(pattern, text) for text in texts(other)]
    if covers(pattern, other):
        assert all(matched)
    else:
        # A letter that stands in no pattern is the witness.
        assert not matches(pattern, other.replace("*", "z"))


@given(PATTERNS | REALISTIC, PATTERNS | REALISTIC)
def test_overlaps_means_a_text_of_both(one: str, two: str) -> None:
    assert overlaps(one, two) is overlaps(two, one)
    if any(matches(one, text) for text in texts(two)) or any(matches(two, text) for text in texts(one)):
        assert overlaps(one, two)


@given(st.text("a*", max_size=4), st.text("a*b", max_size=4))
def test_overlaps_against_every_short_text(one: str, two: str) -> None:
    every = ["".join(letters) for length in range(9) for letters in product("ab", repeat=length)]
    # The shortest text of both is no longer than both patterns together.
    assert overlaps(one, two) is any(matches(one, text) and matches(two, text) for text in every)


@given(PATTERNS | REALISTIC)
def test_a_pattern_covers_and_overlaps_itself_and_everything_covers_nothing_less(pattern: str) -> None:
    assert covers(pattern, pattern)
    assert covers("*", pattern)
    assert overlaps(pattern, pattern)


@given(PATTERNS, PATTERNS, PATTERNS)
def test_covering_is_transitive_and_implies_overlapping(one: str, two: str, three: str) -> None:
    if covers(one, two):
        assert overlaps(one, two)
        if covers(two, three):
            assert covers(one, three)


@given(st.lists(REALISTIC, max_size=3), st.lists(REALISTIC, max_size=3), TEXTS | REALISTIC)
def test_every_read_is_never_said_of_a_role_that_refuses_one(actions: list[str], less: list[str], text: str) -> None:
    """Against the sandbox's own, independent evaluation of one action."""
    role = Role("id", "name", "", tuple(actions), tuple(less))
    if allows_read_all(actions, less):
        assert role_allows(role, f"{text}/read")


@pytest.mark.parametrize(
    ("actions", "less", "expected"),
    [
        (["*/read"], [], True),
        (["*/READ"], [], True),
        (["*"], [], True),
        (["**"], [], True),
        (["*read"], [], True),
        (["*/re*"], [], True),
        ([], [], False),
        ([""], [], False),
        (["Microsoft.Support/*"], [], False),
        (["*/*/read"], [], False),
        (["Microsoft.*/read"], [], False),
        (["*/write", "*/read"], [], True),
        (["*"], ["*/write", "*/delete", "*/action"], True),
        (["*"], ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"], True),
        (["*"], ["Microsoft.Authorization/*"], False),
        (["*/read"], ["Microsoft.Billing/*/read"], False),
        (["*"], ["Microsoft.KeyVault/vaults/read"], False),
        (["*"], ["*"], False),
        (["*"], ["Microsoft.KeyVault/vaults/rea*"], False),
        (["*"], ["Microsoft.KeyVault/vaults/readMetadata/action"], True),
    ],
)
def test_every_read(actions: list[str], less: list[str], expected: bool) -> None:
    assert allows_read_all(actions, less) is expected


def test_many_stars_take_no_time() -> None:
    """A pattern is a stranger's: none may keep the matcher busy for ever."""
    pattern = "*a" * 60
    assert not matches(pattern, "a" * 59 + "b")
    assert not covers(pattern, READ_ALL)
    assert overlaps(pattern, "*b*" * 60) is True
