"""A value of plain JSON types as text, in each format that a program reads: pure.

Each function takes `ascii_only` for streams that cannot show every character, and ends its text with a line feed.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence

from pallink.redact.text import UNPRINTABLE, one_line, without_commands


def json_text(value: object, *, ascii_only: bool = False) -> str:
    """Indented JSON."""
    return _escaped(json.dumps(value, indent=2, ensure_ascii=ascii_only)) + "\n"


def json_line(value: object, *, ascii_only: bool = False) -> str:
    """JSON in one line."""
    return _escaped(json.dumps(value, ensure_ascii=ascii_only)) + "\n"


def jsonl_text(value: object, *, ascii_only: bool = False) -> str:
    """One JSON value a line: each entry of a list, else the value itself."""
    return "".join(json_line(each, ascii_only=ascii_only) for each in (value if isinstance(value, list) else [value]))


def yaml_text(value: object, *, ascii_only: bool = False) -> str:
    """One YAML document."""
    import yaml  # noqa: PLC0415 - 30 ms

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=not ascii_only, width=1_000_000)
    if not ascii_only and any(each != "\n" and unicodedata.category(each) in UNPRINTABLE for each in text):
        # PyYAML leaves some characters alone that steer a terminal.
        return yaml_text(value, ascii_only=True)
    # What ends a document that is a mere scalar.
    return without_commands(text.removesuffix("...\n"))


def tsv_text(value: object, *, ascii_only: bool = False) -> str:
    """One line for each entry of a list, else one; the fields of an object are separated by tabs.

    No heading, as with az. null is empty, a Boolean `true` or `false`; what is nested further is JSON. A tab or a line
    break within a value becomes a space, so that lines and fields can be counted.
    """
    rows = value if isinstance(value, list) else [value]
    return "".join("\t".join(_cells(row, ascii_only=ascii_only)) + "\n" for row in rows)


def table_text(value: object) -> str:
    """What a query found, for people: objects in columns under their names, one object as name and value, or lines."""
    if isinstance(value, Mapping):
        return _aligned([[one_line(str(name)), _shown(each)] for name, each in value.items()])
    if not isinstance(value, list):
        return f"{_shown(value)}\n"
    if value and all(isinstance(each, Mapping) for each in value):
        names = list(dict.fromkeys(name for each in value for name in each))
        rows = [[_shown(each.get(name)) for name in names] for each in value]
        return _aligned([[one_line(str(name)) for name in names], *rows])
    return _aligned([[_shown(cell) for cell in (each if isinstance(each, list) else [each])] for each in value])


def _cells(row: object, *, ascii_only: bool) -> list[str]:
    if isinstance(row, Mapping):
        return [_cell(each, ascii_only=ascii_only) for each in row.values()]
    if isinstance(row, list):
        return [_cell(each, ascii_only=ascii_only) for each in row]
    return [_cell(row, ascii_only=ascii_only)]


def _cell(value: object, *, ascii_only: bool = False) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        spaced = "".join(" " if each in "\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029" else each for each in value)
        return without_commands("".join("?" if unicodedata.category(each) in UNPRINTABLE else each for each in spaced))
    return json_line(value, ascii_only=ascii_only).rstrip("\n")


def _shown(value: object) -> str:
    return one_line(_cell(value))


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    columns = max(map(len, rows), default=0)
    widths = [max((len(row[index]) for row in rows if index < len(row)), default=0) for index in range(columns)]
    return "".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)).rstrip() + "\n" for row in rows
    )


def _escaped(text: str) -> str:
    """JSON leaves some characters alone that steer a terminal or a CI system: an escape says the same in a string."""
    text = text.replace("##", "#\\u0023")
    return "".join(
        json.dumps(each)[1:-1] if each != "\n" and unicodedata.category(each) in UNPRINTABLE else each for each in text
    )
