"""Everything that pallink prints.

formats          writes a result to stdout in the requested format
rendering        JSON, YAML, TSV and tables of plain values: pure
table            the table of a result, for people
role_table       the table of `pallink role`
query            `--query`: JMESPath
terminal         the standard streams
"""

from pallink.output.formats import OutputFormat, write_accounts, write_result, write_value
from pallink.output.query import check_query
from pallink.output.rendering import render_json_line
from pallink.output.terminal import Terminal

__all__ = [
    "OutputFormat",
    "Terminal",
    "check_query",
    "render_json_line",
    "write_accounts",
    "write_result",
    "write_value",
]
