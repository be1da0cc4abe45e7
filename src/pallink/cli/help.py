"""The help of commands and groups: wrapped at the terminal's width, with examples and where the documentation is."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from pallink.cli.examples import EXAMPLES
from pallink.output.terminal import Terminal
from pallink.output.wrapping import count_columns, wrap

DOCUMENTATION = "docs/index.md"
"""Where the documentation begins, in pallink's repository."""

_MAX_WIDTH = 100
_MAX_NAME_WIDTH = 30
# With fewer columns for the descriptions than this, each stands below its name.
_MIN_TEXT_WIDTH = 24
_INDENT = "  "
_DEEP_INDENT = " " * 6

_BOLD, _CYAN, _RESET = "\x1b[1m", "\x1b[36m", "\x1b[0m"

Rows = Sequence[tuple[str, str]]


def render_help(command: Any, context: Any, further: dict[str, Rows]) -> str:
    """Return the help of a command or group, in colour where stdout is a terminal that has any.

    Args:
        command: The command.
        context: Its context.
        further: Further sections, by their headings: rows of a name and a description.
    """
    terminal = Terminal()
    columns = terminal.columns(terminal.stdout)
    width = min(columns - 1, _MAX_WIDTH) if columns else _MAX_WIDTH
    has_colour = terminal.is_terminal(terminal.stdout) and terminal.has_colour(terminal.stdout)
    sections = {**_sections(command, context), **further}
    return "\n".join(_Page(width, has_colour).lines(command, context, sections))


class _Page:
    def __init__(self, width: int, has_colour: bool) -> None:
        self._width = width
        self._has_colour = has_colour

    def lines(self, command: Any, context: Any, sections: dict[str, Rows]) -> Iterator[str]:
        usage = f"Usage: {context.command_path} "
        yield from wrap(command.collect_usage_pieces(context), self._width, first=usage, indent=_DEEP_INDENT)
        for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
            yield ""
            yield from wrap(paragraph.split(), self._width, first=_INDENT, indent=_INDENT)
        for heading, rows in sections.items():
            if rows:
                yield ""
                yield self._painted(f"{heading}:", _BOLD)
                yield from self._rows(rows)
        yield ""
        yield self._painted("Examples:", _BOLD)
        # Commands to paste stay on one line.
        yield from (f"{_INDENT}{example}" for example in EXAMPLES[context.command_path.partition(" ")[2]])
        yield ""
        heading = "Documentation:"
        where = f"{DOCUMENTATION} in pallink's repository"
        first, *others = wrap(where.split(), self._width, first=f"{heading} ", indent=_INDENT)
        yield self._painted(heading, _BOLD) + first[len(heading) :]
        yield from others

    def _rows(self, rows: Rows) -> Iterator[str]:
        name_width = min(max(count_columns(name) for name, _ in rows), _MAX_NAME_WIDTH)
        indent = " " * (len(_INDENT) + name_width + 2)
        is_stacked = self._width - len(indent) < _MIN_TEXT_WIDTH
        for name, text in rows:
            if is_stacked or count_columns(name) > name_width:
                names = wrap(name.split(" "), self._width, first=_INDENT, indent=_DEEP_INDENT)
                yield from (self._painted(line, _CYAN) for line in names)
                below = _DEEP_INDENT if is_stacked else indent
                yield from wrap(text.split(), self._width, first=below, indent=below)
            else:
                heading = f"{_INDENT}{name}"
                first, *others = wrap(text.split(), self._width, first=f"{heading:<{len(indent)}}", indent=indent)
                yield self._painted(heading, _CYAN) + first[len(heading) :]
                yield from others

    def _painted(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if self._has_colour else text


def _sections(command: Any, context: Any) -> dict[str, Rows]:
    """Return arguments, the command's own options, the common ones and the commands of a group, by heading."""
    common_heading, common = getattr(command, "common_options", ("", frozenset()))
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], common_heading: [], "Commands": []}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        if parameter.param_type_name == "argument":
            sections["Arguments"].append(record)
        else:
            sections[common_heading if parameter.name in common else "Options"].append(record)
    for name, found in getattr(command, "commands", {}).items():
        if not found.hidden:
            sections["Commands"].append((name, found.get_short_help_str(1000)))
    return {heading: tuple(rows) for heading, rows in sections.items()}
