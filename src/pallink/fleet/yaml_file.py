"""A fleet file in YAML.

Values are taken as they are written: what YAML makes of them (an octal number, a date, a Boolean) is never meant here.
Aliases are refused, so that a few lines cannot stand for billions of entries.
"""

from collections.abc import Iterator
from typing import Any

from pallink.fleet.document import Cell, Document, Problem, Row

_KEYS = ("version", "defaults", "accounts")
_VERSION = "1"
_MAX_DEPTH = 8
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def read_yaml(text: str) -> Document:
    """Return what a YAML file says, with the problems of its form."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        problem = _refuse_events(yaml.parse(text, Loader=loader))
        if problem is not None:
            return Document((), problems=(problem,))
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return Document((), problems=(Problem(line, column, f"invalid YAML: {error.problem or error.context}"),))
    except yaml.reader.ReaderError:
        # libyaml counts bytes, Python's reader characters.
        found = yaml.reader.Reader.NON_PRINTABLE.search(text)
        line = text.count("\n", 0, found.start() if found else 0) + 1
        return Document((), problems=(Problem(line, 1, "invalid YAML: control characters are not allowed"),))
    if root is None:
        return Document((), problems=(Problem(1, 1, "the file is empty: it needs version and accounts"),))
    return _read_document(root)


def _refuse_events(events: Iterator[Any]) -> Problem | None:
    """Return why the file must not be composed: an alias, or nesting without end."""
    depth = 0
    for event in events:
        name, mark = type(event).__name__, event.start_mark
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if name == "AliasEvent":
            message = "aliases are not supported: put what several accounts have in common into defaults"
            return Problem(mark.line + 1, mark.column + 1, message)
        if depth > _MAX_DEPTH:
            return Problem(mark.line + 1, mark.column + 1, "nested too deeply")
    return None


def _read_document(root: Any) -> Document:  # noqa: ANN401 - a node of yaml
    problems: list[Problem] = []
    members = _members(root, "the file must be a mapping with version and accounts", problems)
    if _kind(root) != "mapping":
        return Document((), problems=tuple(problems))
    for key, (place, _) in members.items():
        if key not in _KEYS:
            problems.append(place.problem(f"unknown key {key!r}: the file takes {', '.join(_KEYS)}"))
    _check_version(root, members, problems)
    defaults = None
    if "defaults" in members:
        defaults = _read_row(members["defaults"][1], "defaults must be a mapping", problems)
    rows = []
    if "accounts" not in members:
        problems.append(_place(root).problem("accounts is missing: a list with one entry for each account"))
    elif _kind(members["accounts"][1]) != "sequence":
        problems.append(_place(members["accounts"][1]).problem("accounts must be a list"))
    else:
        message = "an account must be a mapping, as in {account: ..., tenant: ...}"
        rows = [_read_row(node, message, problems) for node in members["accounts"][1].value]
    return Document(tuple(row for row in rows if row is not None), defaults, tuple(problems))


def _check_version(root: Any, members: dict[str, tuple[Cell, Any]], problems: list[Problem]) -> None:  # noqa: ANN401
    if "version" not in members:
        problems.append(_place(root).problem(f"version is missing: write version: {_VERSION} first"))
    elif (cell := _cell(members["version"][1])).text != _VERSION:
        problems.append(cell.problem(f"unknown version {cell.text!r}: this pallink reads version {_VERSION}"))


def _members(node: Any, message: str, problems: list[Problem]) -> dict[str, tuple[Cell, Any]]:  # noqa: ANN401
    """Return the members of a mapping: each key with its place and its value's node."""
    if _kind(node) != "mapping":
        problems.append(_place(node).problem(message))
        return {}
    members: dict[str, tuple[Cell, Any]] = {}
    for key_node, value in node.value:
        place = _cell(key_node)
        if not place.text:
            problems.append(place.problem("a key must be a text"))
        elif place.text in members:
            first = members[place.text][0].line
            problems.append(place.problem(f"{place.text!r} stands here twice: first in line {first}"))
        else:
            members[place.text] = place, value
    return members


def _read_row(node: Any, message: str, problems: list[Problem]) -> Row | None:  # noqa: ANN401
    if _kind(node) != "mapping":
        problems.append(_place(node).problem(message))
        return None
    members = _members(node, message, problems)
    return Row(
        _place(node).line,
        {key: _cell(value) for key, (_, value) in members.items()},
        {key: place for key, (place, _) in members.items()},
    )


def _kind(node: Any) -> str:  # noqa: ANN401
    """Return `scalar`, `sequence` or `mapping`."""
    return type(node).__name__.removesuffix("Node").lower()


def _place(node: Any) -> Cell:  # noqa: ANN401
    return Cell(node.start_mark.line + 1, node.start_mark.column + 1)


def _cell(node: Any) -> Cell:  # noqa: ANN401
    place = _place(node)
    match _kind(node):
        case "scalar":
            is_quoted = node.style in {"'", '"', "|", ">"}
            text = "" if not is_quoted and node.value in _NULLS else node.value
            return Cell(place.line, place.column, text, is_quoted=is_quoted)
        case "sequence":
            items = tuple(_cell(item) for item in node.value)
            is_nested = any(item.items is not None or item.is_nested for item in items)
            return Cell(place.line, place.column, items=items, is_nested=is_nested)
        case _:
            return Cell(place.line, place.column, is_nested=True)
