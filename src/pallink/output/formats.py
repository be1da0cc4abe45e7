"""Writes a result to stdout in the format that was asked for."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from pallink.output.table import write_table
from pallink.output.terminal import Terminal
from pallink.result import AccountResult, Result


class OutputFormat(StrEnum):
    """How a result is written to stdout."""

    TABLE = "table"
    JSON = "json"


def write_result(result: Result | AccountResult, output: OutputFormat, terminal: Terminal) -> None:
    """Write a result to stdout. JSON is one object; a table is for people and may change."""
    match output:
        case OutputFormat.JSON:
            write_json(result.as_dict(), terminal)
        case OutputFormat.TABLE:
            write_table(result, terminal)


def write_accounts(results: Sequence[AccountResult], output: OutputFormat, terminal: Terminal) -> None:
    """Write several accounts to stdout: a JSON array, or one table after the other."""
    if output is OutputFormat.JSON:
        write_json([each.as_dict() for each in results], terminal)
        return
    for index, each in enumerate(results):
        if index:
            terminal.stdout.write("\n")
        write_table(each, terminal)


def write_json(value: Mapping[str, Any] | Sequence[Any], terminal: Terminal) -> None:
    """Write an object or an array as JSON; characters that stdout's encoding does not know are escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if not terminal.can_show(text):
        text = json.dumps(value, indent=2)
    terminal.stdout.write(f"{text}\n")
    terminal.stdout.flush()
