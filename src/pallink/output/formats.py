"""Write a result to stdout in the requested format."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from pallink.output.query import apply_query
from pallink.output.rendering import render_json, render_jsonl, render_table, render_tsv, render_yaml
from pallink.output.terminal import Terminal
from pallink.redact.secrets import redact_all

if TYPE_CHECKING:
    from pallink.result import AccountResult, Result


class OutputFormat(StrEnum):
    """The value of `--output`."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    YAML = "yaml"
    TSV = "tsv"
    NONE = "none"

    @property
    def has_error_objects(self) -> bool:
        """Whether an error is printed as a JSON object: with a format that programs parse as objects."""
        return self in (OutputFormat.JSON, OutputFormat.JSONL, OutputFormat.YAML)


class _Render(Protocol):
    def __call__(self, value: object, *, ascii_only: bool = False) -> str: ...


_RENDERERS: Mapping[OutputFormat, _Render] = {
    OutputFormat.JSON: render_json,
    OutputFormat.JSONL: render_jsonl,
    OutputFormat.YAML: render_yaml,
    OutputFormat.TSV: render_tsv,
}


def write_result(
    result: "Result | AccountResult", output: OutputFormat, terminal: Terminal, query: str | None = None
) -> None:
    """Write a result to stdout. The table is for people and may change; the other formats have the documented fields.

    Raises:
        UsageError: The query does not fit the result.
        OutputError: Writing to stdout failed.
    """
    write_value(redact_all(result.as_dict()), output, terminal, query, table=lambda: _write_table(result, terminal))


def write_value(
    value: object,
    output: OutputFormat,
    terminal: Terminal,
    query: str | None = None,
    *,
    table: Callable[[], None] | None = None,
) -> None:
    """Write a value of plain JSON types to stdout.

    Args:
        value: The value.
        output: The format.
        terminal: The streams to write to.
        query: A JMESPath expression that `check_query` has accepted; the value is replaced by what it selects.
        table: Writes the whole value as a table; without it, and with a query, the table is a generic one.

    Raises:
        UsageError: The query does not fit the value.
        OutputError: Writing to stdout failed.
    """
    if query is not None:
        value = apply_query(query, value)
    if output is OutputFormat.NONE:
        return
    if output is OutputFormat.TABLE:
        if query is None and table is not None:
            table()
        else:
            terminal.write(render_table(value))
        return
    render = _RENDERERS[output]
    text = render(value)
    terminal.write(text if terminal.can_show(text) else render(value, ascii_only=True))


def write_accounts(
    results: "Sequence[AccountResult]", output: OutputFormat, terminal: Terminal, query: str | None = None
) -> None:
    """Write several accounts to stdout, as a list or as one table after the other.

    Raises:
        UsageError: The query does not fit the list.
        OutputError: Writing to stdout failed.
    """

    def write_tables() -> None:
        for index, result in enumerate(results):
            if index:
                terminal.write("\n")
            _write_table(result, terminal)

    values = redact_all([result.as_dict() for result in results])
    write_value(values, output, terminal, query, table=write_tables)


def _write_table(result: "Result | AccountResult", terminal: Terminal) -> None:
    # The table imports every result and verdict, which help and usage errors do not need.
    from pallink.output.table import write_table  # noqa: PLC0415

    write_table(result, terminal)
