"""Writes a result to stdout in the format that was asked for."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from pallink.output.query import apply_query
from pallink.output.rendering import json_text, jsonl_text, table_text, tsv_text, yaml_text
from pallink.output.terminal import Terminal
from pallink.redact.secrets import known

if TYPE_CHECKING:
    from pallink.result import AccountResult, Result


class OutputFormat(StrEnum):
    """How a result is written to stdout."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    YAML = "yaml"
    TSV = "tsv"
    NONE = "none"

    @property
    def has_error_objects(self) -> bool:
        """Whether an error is a JSON object on stderr too: where a program reads objects."""
        return self in (OutputFormat.JSON, OutputFormat.JSONL, OutputFormat.YAML)


class _Render(Protocol):
    def __call__(self, value: object, *, ascii_only: bool = False) -> str: ...


_RENDERINGS: Mapping[OutputFormat, _Render] = {
    OutputFormat.JSON: json_text,
    OutputFormat.JSONL: jsonl_text,
    OutputFormat.YAML: yaml_text,
    OutputFormat.TSV: tsv_text,
}


def write_result(
    result: "Result | AccountResult", output: OutputFormat, terminal: Terminal, query: str | None = None
) -> None:
    """Write a result to stdout. A table is for people and may change; the other formats carry the documented fields.

    Raises:
        UsageError: the query does not fit the result.
        OutputError: stdout cannot be written to.
    """
    write_value(known.cut_all(result.as_dict()), output, terminal, query, table=lambda: _write_table(result, terminal))


def write_value(
    value: object,
    output: OutputFormat,
    terminal: Terminal,
    query: str | None = None,
    *,
    table: Callable[[], None] | None = None,
) -> None:
    """Write a value of plain JSON types to stdout; the query is applied before it is formatted.

    Args:
        value: what there is to write.
        output: in which format.
        terminal: where to.
        query: a JMESPath expression that was checked before.
        table: writes the table that people get of the whole value.

    Raises:
        UsageError, OutputError: as for `write_result`.
    """
    if query is not None:
        value = apply_query(query, value)
    if output is OutputFormat.NONE:
        return
    if output is OutputFormat.TABLE:
        if query is None and table is not None:
            table()
        else:
            terminal.write(table_text(value))
        return
    render = _RENDERINGS[output]
    text = render(value)
    terminal.write(text if terminal.can_show(text) else render(value, ascii_only=True))


def write_accounts(
    results: "Sequence[AccountResult]", output: OutputFormat, terminal: Terminal, query: str | None = None
) -> None:
    """Write several accounts to stdout: a list, or one table after the other. Raises as `write_result`."""

    def tables() -> None:
        for index, each in enumerate(results):
            if index:
                terminal.write("\n")
            _write_table(each, terminal)

    write_value(known.cut_all([each.as_dict() for each in results]), output, terminal, query, table=tables)


def _write_table(result: "Result | AccountResult", terminal: Terminal) -> None:
    # A table knows every kind of result and verdict; help and refusals need none of them.
    from pallink.output.table import write_table  # noqa: PLC0415

    write_table(result, terminal)
