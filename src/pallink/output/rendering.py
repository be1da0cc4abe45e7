"""Render a value of plain JSON types as text, in each output format. Pure.

The text ends with a line feed. `ascii_only` is for streams whose encoding lacks some of the characters.
"""

import functools
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pallink.redact.text import UNPRINTABLE, one_line, without_commands

if TYPE_CHECKING:
    import yaml

# What YAML 1.2 (core schema) or Go's parser reads as a number, and some parsers of YAML 1.1 as a Boolean, and PyYAML
# writes without quotes.
_NOT_A_STRING = re.compile(r"[-+]?[0-9._]+([eE][-+]?[0-9_]+)?|[-+]?0[xob][0-9a-fA-F_]+|[yYnN]", re.ASCII)

# A spreadsheet takes text that begins so for a formula; so do some for the wide forms.
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")

_SEPARATORS = "\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def render_json(value: object, *, ascii_only: bool = False) -> str:
    """Return indented JSON."""
    return _escape_json(json.dumps(value, indent=2, ensure_ascii=ascii_only)) + "\n"


def render_json_line(value: object, *, ascii_only: bool = False) -> str:
    """Return JSON on one line."""
    return _escape_json(json.dumps(value, ensure_ascii=ascii_only)) + "\n"


def render_jsonl(value: object, *, ascii_only: bool = False) -> str:
    """Return one line of JSON for every item of a list, or for the value itself."""
    items = value if isinstance(value, list) else [value]
    return "".join(render_json_line(item, ascii_only=ascii_only) for item in items)


def render_yaml(value: object, *, ascii_only: bool = False) -> str:
    """Return one YAML document."""
    import yaml  # noqa: PLC0415 - 30 ms

    text: str = yaml.dump(value, Dumper=_yaml_dumper(), sort_keys=False, allow_unicode=not ascii_only, width=1_000_000)
    if not ascii_only and any(map(_is_unsafe, text)):
        # PyYAML does not escape every character that controls a terminal.
        return render_yaml(value, ascii_only=True)
    # PyYAML ends a document that is a single scalar with "...".
    return without_commands(text.removesuffix("...\n"))


@functools.cache
def _yaml_dumper() -> "type[yaml.SafeDumper]":
    """Return a dumper that quotes each string that any YAML parser would read as another type."""
    import yaml  # noqa: PLC0415 - 30 ms

    class Dumper(yaml.SafeDumper):
        def represent_text(self, text: str) -> yaml.ScalarNode:
            return self.represent_scalar("tag:yaml.org,2002:str", text, "'" if _NOT_A_STRING.fullmatch(text) else None)

    Dumper.add_representer(str, Dumper.represent_text)
    return Dumper


def render_tsv(value: object, *, ascii_only: bool = False) -> str:
    """Return one line for every item of a list, or for the value itself, with tabs between the fields of an object.

    There is no heading, as in az. null is empty, a Boolean `true` or `false`, a nested value JSON. A tab or a line
    break inside a value becomes a space, so that lines and fields can be counted. Text that a spreadsheet would take
    for a formula gets an apostrophe before it.
    """
    rows = value if isinstance(value, list) else [value]
    return "".join("\t".join(_render_cells(row, ascii_only=ascii_only)) + "\n" for row in rows)


def render_table(value: object) -> str:
    """Return the value as an aligned table: objects in columns with a heading, a single object as names and values."""
    if isinstance(value, Mapping):
        return _align([[one_line(str(name)), _render_for_people(field)] for name, field in value.items()])
    if not isinstance(value, list):
        return f"{_render_for_people(value)}\n"
    if value and all(isinstance(row, Mapping) for row in value):
        names = list(dict.fromkeys(name for row in value for name in row))
        rows = [[_render_for_people(row.get(name)) for name in names] for row in value]
        return _align([[one_line(str(name)) for name in names], *rows])
    return _align([[_render_for_people(cell) for cell in (row if isinstance(row, list) else [row])] for row in value])


def _render_cells(row: object, *, ascii_only: bool) -> list[str]:
    if isinstance(row, Mapping):
        return [_render_tsv_cell(value, ascii_only=ascii_only) for value in row.values()]
    if isinstance(row, list):
        return [_render_tsv_cell(value, ascii_only=ascii_only) for value in row]
    return [_render_tsv_cell(row, ascii_only=ascii_only)]


def _render_tsv_cell(value: object, *, ascii_only: bool) -> str:
    cell = _render_cell(value, ascii_only=ascii_only)
    return f"'{cell}" if isinstance(value, str) and cell.lstrip().startswith(_FORMULA) else cell


def render_csv_cell(value: object) -> str:
    """Return a value as a cell of a CSV file: on one line, and no formula for a spreadsheet."""
    return _render_tsv_cell(value, ascii_only=False)


def _render_cell(value: object, *, ascii_only: bool = False) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        spaced = "".join(" " if character in _SEPARATORS else character for character in value)
        return without_commands("".join("?" if _is_unsafe(character) else character for character in spaced))
    return render_json_line(value, ascii_only=ascii_only).rstrip("\n")


def _render_for_people(value: object) -> str:
    return one_line(_render_cell(value))


def _align(rows: Sequence[Sequence[str]]) -> str:
    columns = max(map(len, rows), default=0)
    widths = [max((len(row[index]) for row in rows if index < len(row)), default=0) for index in range(columns)]
    return "".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)).rstrip() + "\n" for row in rows
    )


def _escape_json(text: str) -> str:
    """Escape the characters that JSON allows in a string but that control a terminal or a CI system."""
    text = text.replace("##", "#\\u0023")
    return "".join(json.dumps(character)[1:-1] if _is_unsafe(character) else character for character in text)


def _is_unsafe(character: str) -> bool:
    return character != "\n" and unicodedata.category(character) in UNPRINTABLE
