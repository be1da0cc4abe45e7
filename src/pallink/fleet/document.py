"""What stands where in a fleet file, before anything is checked: texts with their lines and columns."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_KEY = re.compile(r"[A-Za-z][A-Za-z _-]{0,29}", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something that is wrong with the file.

    Attributes:
        line: The line, from 1.
        column: The column, from 1.
        message: What is wrong, and what to do: one line, lower case.
    """

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it is written.

    Attributes:
        line: The line, from 1.
        column: The column, from 1.
        text: The text; of a list, the empty string.
        items: The items of a list; None if the value is none.
        is_quoted: Whether it is certainly meant as text.
        is_nested: Whether it is a mapping or a list of lists, which no key takes.
    """

    line: int
    column: int
    text: str = ""
    items: tuple["Cell", ...] | None = None
    is_quoted: bool = False
    is_nested: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether nothing but space stands here."""
        return self.items is None and not self.is_nested and not self.text.strip()

    def problem(self, message: str) -> Problem:
        """Return a problem at this place."""
        return Problem(self.line, self.column, message)


@dataclass(frozen=True, slots=True)
class Row:
    """The keys and values of one entry.

    Attributes:
        line: The line at which it begins, from 1.
        cells: The values by key.
        keys: Where each key stands.
    """

    line: int
    cells: Mapping[str, Cell]
    keys: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """A whole file.

    Attributes:
        rows: The entries, to be read once.
        defaults: What holds for each entry that does not say otherwise.
        problems: What is wrong with the form of the file.
    """

    rows: Iterable[Row]
    defaults: Row | None = None
    problems: tuple[Problem, ...] = ()


def describe_key(key: str) -> str:
    """Return a key in quotes for a message, if it has the form of one.

    A secret with a comma that is not in quotes, or a CSV file without a heading, puts a secret where a key belongs.
    """
    return repr(key) if _KEY.fullmatch(key) else "(not shown: it may be part of a secret that is not in quotes)"
