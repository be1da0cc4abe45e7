"""Lines that break between words: pure."""

import unicodedata
from collections.abc import Iterator, Sequence


def split_words(text: str, unbroken: str = "") -> list[str]:
    """Return the words of a text; a part that must stay on one line, such as a command to paste, counts as one word."""
    before, found, after = text.partition(unbroken) if unbroken else (text, "", "")
    if not found:
        return text.split(" ")
    return [*before.rstrip(" ").split(" "), found, *(after.strip(" ").split(" ") if after.strip(" ") else ())]


def wrap(words: Sequence[str], width: int, *, first: str = "", indent: str = "") -> list[str]:
    """Return words on lines of at most `width` columns; a word that is longer gets a line of its own.

    Args:
        words: The words; each stays on one line.
        width: How many columns a line may fill.
        first: What the first line begins with.
        indent: What the other lines begin with.
    """
    return list(_lines(words, width, first, indent))


def _lines(words: Sequence[str], width: int, first: str, indent: str) -> Iterator[str]:
    line, is_new = first, True
    for word in words:
        size = count_columns(word)
        if is_new:
            is_new = False
            if count_columns(line) + size > width >= count_columns(indent) + size:
                yield line.rstrip()
                line = indent
            line += word
        elif count_columns(line) + 1 + size <= width:
            line = f"{line} {word}"
        else:
            yield line.rstrip()
            line = indent + word
    yield line


def count_columns(text: str) -> int:
    """Return how many columns of a terminal a text fills: East Asian characters fill two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def cut(text: str, width: int) -> str:
    """Return as much of the beginning of a text as fits in `width` columns."""
    while count_columns(text) > width:
        text = text[:-1]
    return text
