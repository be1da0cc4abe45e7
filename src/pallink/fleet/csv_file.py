"""A fleet file in CSV, as Excel and others write it: the columns are named as the keys of the YAML file.

Commas, semicolons or tabs separate the columns; the first line says which. Lines that are empty or begin with `#` do
not count. A `|` separates several tags, subscriptions or tenants in one cell.
"""

import csv
import io
from collections.abc import Iterator

from pallink.fleet.document import Cell, Document, Problem, Row, describe_key

_DELIMITERS = (",", ";", "\t")
LISTS = frozenset({"subscription", "tags", "exclude-tenants"})
"""Columns whose cells hold several values."""


class _InvalidRecord(Exception):  # noqa: N818 - a problem of the file, which the caller reports
    """A record that is no CSV, with the line at which it begins."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def read_csv(text: str) -> Document:
    """Return what a CSV file says, with the problems of its form."""
    # str.splitlines would end a line at further characters too, which may stand in a cell.
    lines = list(io.StringIO(text, newline=""))
    header_number = next((number for number, line in enumerate(lines, 1) if _counts(line)), None)
    if header_number is None:
        return Document((), problems=(Problem(1, 1, "the file is empty: its first line names the columns"),))
    header_line = lines[header_number - 1]
    delimiter = max(_DELIMITERS, key=header_line.count)
    try:
        records = list(_records(lines[header_number - 1 :], header_number, delimiter))
    except _InvalidRecord as error:
        return Document((), problems=(Problem(error.line, 1, f"invalid CSV: {error}"),))
    _, header = records[0]
    names = [name.strip().casefold() for name in header]
    problems = [
        Problem(header_number, number, f"duplicate column {describe_key(name)}")
        for number, name in enumerate(names, 1)
        if name and names.index(name) + 1 < number
    ]
    rows = []
    for line, record in records[1:]:
        if len(record) > len(names):
            problems.append(Problem(line, len(names) + 1, f"{len(record)} cells, but only {len(names)} columns"))
        rows.append(_read_row(line, names, record))
    keys = {name: Cell(header_number, number) for number, name in enumerate(names, 1)}
    return Document(tuple(Row(row.line, row.cells, keys) for row in rows), problems=tuple(problems))


def _counts(line: str) -> bool:
    return bool(line.strip(" \t\r\n,;")) and not line.lstrip().startswith("#")


def _records(lines: list[str], first_number: int, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the number of the line at which it begins.

    Raises:
        _InvalidRecord: A record is no CSV.
    """
    begin, is_within = first_number, False

    def counting() -> Iterator[str]:
        nonlocal begin, is_within
        for number, line in enumerate(lines, first_number):
            # A quoted cell may hold what looks like a comment, and a comment a quote, so the lines are judged before
            # they are parsed, and only where a record begins.
            if is_within or _counts(line):
                begin, is_within = begin if is_within else number, True
                yield line

    try:
        for record in csv.reader(counting(), delimiter=delimiter, strict=True):
            yield begin, record
            is_within = False
    except csv.Error as error:
        raise _InvalidRecord(str(error), begin) from error


def _read_row(line: int, names: list[str], record: list[str]) -> Row:
    cells = {}
    for number, (name, text) in enumerate(zip(names, record, strict=False), 1):
        stripped = text.strip()
        if not name or not stripped:
            continue
        cell = Cell(line, number, stripped, is_quoted=True)
        if name in LISTS:
            parts = [part.strip() for part in stripped.split("|")]
            cell = Cell(line, number, items=tuple(Cell(line, number, part, is_quoted=True) for part in parts if part))
        cells[name] = cell
    return Row(line, cells)
