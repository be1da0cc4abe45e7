"""Lines that break between words."""

import pytest

from pallink.output.wrapping import count_columns, split_words, wrap


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 20, ["error: "]),
        ("short", 20, ["error: short"]),
        ("just as wide as it is", 28, ["error: just as wide as it is"]),
        ("just as wide as it is", 27, ["error: just as wide as it", "       is"]),
        ("a --role-check that stays", 20, ["error: a", "       --role-check", "       that stays"]),
        (
            "see https://contoso.example/a-long-path here",
            20,
            ["error: see", "       https://contoso.example/a-long-path", "       here"],
        ),
        ("https://contoso.example/a-long-path", 20, ["error: https://contoso.example/a-long-path"]),
        ("株式会社 株式会社", 20, ["error: 株式会社", "       株式会社"]),
        ("two  blanks", 12, ["error: two", "       blanks"]),
        ("narrower than the heading", 3, ["error: narrower", "       than", "       the", "       heading"]),
    ],
)
def test_lines_break_between_words(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text.split(" "), width, first="error: ", indent=" " * 7) == lines


def test_a_heading_that_leaves_no_space_stands_alone() -> None:
    assert wrap(["[OPTIONS]", "KIND"], 20, first="Usage: pallink show ", indent="  ") == [
        "Usage: pallink show",
        "  [OPTIONS] KIND",
    ]


@pytest.mark.parametrize(
    ("text", "unbroken", "words"),
    [
        ("look at it", "", ["look", "at", "it"]),
        ("look at it with: pallink show", "pallink show", ["look", "at", "it", "with:", "pallink show"]),
        ("run: pallink show (until 12:30)", "pallink show", ["run:", "pallink show", "(until", "12:30)"]),
        ("look at it", "pallink show", ["look", "at", "it"]),
    ],
)
def test_a_command_is_one_word(text: str, unbroken: str, words: list[str]) -> None:
    assert split_words(text, unbroken) == words


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("é→", 2)])
def test_the_columns_of_a_text(text: str, columns: int) -> None:
    assert count_columns(text) == columns
