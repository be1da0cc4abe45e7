"""One result, many renderings."""

from pallink.output.error_object import error_object
from pallink.output.formats import OutputFormat, write_accounts, write_result, write_value
from pallink.output.query import check_query
from pallink.output.rendering import json_line
from pallink.output.terminal import Terminal

__all__ = [
    "OutputFormat",
    "Terminal",
    "check_query",
    "error_object",
    "json_line",
    "write_accounts",
    "write_result",
    "write_value",
]
