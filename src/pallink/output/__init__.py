"""One result, many renderings."""

from pallink.output.formats import OutputFormat, write_accounts, write_json, write_result
from pallink.output.terminal import Terminal

__all__ = ["OutputFormat", "Terminal", "write_accounts", "write_json", "write_result"]
