"""The program's commands, options and error messages, read from the program itself."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from typer.main import get_command

from pallink import errors
from pallink.cli.app import app
from pallink.cli.lazy import LazyGroup
from pallink.errors import PallinkError

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "pallink"


def commands() -> dict[str, Any]:
    """Return every command by its full name, such as `sandbox show`, in the order of the help, without the groups."""
    return dict(_below("", get_command(app)))


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for inner_name, found in inner.items():
        loaded = command.load(inner_name) if isinstance(command, LazyGroup) else found
        yield from _below(f"{name} {inner_name}".strip(), loaded)


@dataclass(frozen=True)
class Message:
    """The message of an error that the source raises.

    Attributes:
        text: The message, with `…` for each inserted value.
        kind: The name of the error's class.
        where: The file and line.
        cause: Why it failed, where the source says so in place.
        remedy: What to do.
        command: What to paste.
    """

    text: str
    kind: str
    where: str
    cause: str = ""
    remedy: str = ""
    command: str = ""

    @property
    def exit_code(self) -> int:
        """The exit code of the error's class."""
        return int(getattr(errors, self.kind).exit_code)


@cache
def messages() -> tuple[Message, ...]:
    """Return the message of every error that the source raises, except in the sandbox, whose errors pallink wraps."""
    found = []
    for where, tree in _modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and (kind := _error_class(node.func, where)):
                rest = {
                    keyword.arg: " / ".join(_texts(keyword.value))
                    for keyword in node.keywords
                    if keyword.arg in {"cause", "remedy", "command"}
                }
                found += [Message(text, kind, f"{where}:{node.lineno}", **rest) for text in _texts(node.args[0])]
    return tuple(found)


@dataclass(frozen=True)
class Text:
    """A text of the source: a message, or what one is composed of.

    Attributes:
        text: The text, with `…` for each inserted value.
        where: The file and line.
    """

    text: str
    where: str


def texts() -> Iterator[Text]:
    """Yield every text of several words in the source, but for docstrings, help, and the sandbox."""
    for where, tree in _modules():
        # Strings that stand alone are docstrings, also those of attributes.
        skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        skipped |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "help"}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in skipped:
                yield from (Text(text, f"{where}:{node.lineno}") for text in _texts(node) if " " in text)


def _modules() -> Iterator[tuple[str, ast.Module]]:
    """Yield the modules of the source by their paths, without the sandbox's."""
    for path in sorted(SOURCE.rglob("*.py")):
        if not path.is_relative_to(SOURCE / "sandbox"):
            yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text("utf-8"))


# Calls of a variable, where the class is chosen at run time.
_INDIRECT = {
    ("roles/remedies.py", "error_class"): "UnreachableError",
}


def _error_class(function: ast.expr, where: str) -> str | None:
    name = str(getattr(function, "id", None) or getattr(function, "attr", ""))
    found = getattr(errors, name, None)
    if isinstance(found, type) and issubclass(found, PallinkError):
        return name
    return _INDIRECT.get((where, name))


def _texts(node: ast.expr) -> list[str]:
    """Return the texts that an expression can have: one for each branch of a conditional between literals."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body), *_texts(node.orelse)]
    if isinstance(node, ast.FormattedValue):
        is_choice = isinstance(node.value, ast.IfExp) and isinstance(node.value.body, ast.Constant)
        return _texts(node.value) if is_choice else ["…"]
    if isinstance(node, ast.JoinedStr):
        texts = [""]
        for part in node.values:
            texts = [text + more for text in texts for more in _texts(part)]
        return texts
    return ["…"]
