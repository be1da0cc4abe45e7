"""A fleet file in YAML.

Values are taken as they are written: what YAML makes of them (an octal number, a date, a Boolean) is never meant here.
Aliases are refused, so that a few lines cannot stand for billions of entries. Accounts are read one after the other
from the parser's events: a tree of a large file would take ten times its memory.
"""

from collections.abc import Iterator
from typing import Any

from pallink.fleet.document import Cell, Document, Problem, Row, describe_key

_KEYS = ("version", "defaults", "accounts")
_VERSION = "1"
_MAX_DEPTH = 8
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})

Event = Any
"""An event of PyYAML's parser."""


def read_yaml(text: str) -> Document:
    """Return what a YAML file says, with the problems of its form."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    problem: Problem | None
    try:
        problem = _refuse(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = Problem(line, column, f"invalid YAML: {error.problem or error.context}")
    except yaml.reader.ReaderError:
        # libyaml counts bytes, Python's reader characters.
        found = yaml.reader.Reader.NON_PRINTABLE.search(text)
        line = text.count("\n", 0, found.start() if found else 0) + 1
        problem = Problem(line, 1, "invalid YAML: control characters are not allowed")
    if problem is not None:
        return Document((), problems=(problem,))
    # Once for what holds for all accounts, which may come last, and once for the accounts themselves.
    head = _Head()
    for _ in head.read(_content(yaml.parse(text, Loader=loader))):
        pass
    rows = _Head().read(_content(yaml.parse(text, Loader=loader)))
    return Document(rows, head.defaults, tuple(head.problems))


def _refuse(events: Iterator[Event]) -> Problem | None:
    """Return why a file must not be read: an alias, nesting without end, no document or a second one."""
    depth = documents = 0
    for event in events:
        name, place = type(event).__name__, _place(event)
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        documents += name == "DocumentStartEvent"
        if name == "AliasEvent":
            return place.problem("aliases are not supported: put what several accounts have in common into defaults")
        if depth > _MAX_DEPTH:
            return place.problem("nested too deeply")
        if documents > 1:
            return place.problem("a second document begins here: a fleet file has one")
    return None if documents else Problem(1, 1, "the file is empty: it needs version and accounts")


def _content(events: Iterator[Event]) -> Iterator[Event]:
    """Return the events of the document's content."""
    for event in events:
        if type(event).__name__ == "DocumentStartEvent":
            break
    return events


class _Head:
    """Reads a document: what stands beside the accounts, and one account after the other.

    Attributes:
        defaults: What holds for each account that does not say otherwise.
        problems: What is wrong with the form, complete once all rows were read.
    """

    def __init__(self) -> None:
        self.defaults: Row | None = None
        self.problems: list[Problem] = []

    def read(self, events: Iterator[Event]) -> Iterator[Row]:
        """Yield the accounts of a document."""
        root = next(events)
        if _kind(root) != "MappingStart":
            self.problems.append(_place(root).problem("the file must be a mapping with version and accounts"))
            return
        seen: dict[str, Cell] = {}
        for place, value in self._members(events, seen):
            match place.text:
                case "version":
                    cell = _read(value, events)
                    if cell.text != _VERSION:
                        message = f"unknown version {cell.text!r}: this pallink reads version {_VERSION}"
                        self.problems.append(cell.problem(message))
                case "defaults":
                    self.defaults = self._row(value, events, "defaults must be a mapping")
                case "accounts":
                    yield from self._rows(value, events)
                case _:
                    _read(value, events)
                    message = f"unknown key {describe_key(place.text)}: the file takes {', '.join(_KEYS)}"
                    self.problems.append(place.problem(message))
        if "version" not in seen:
            self.problems.append(_place(root).problem(f"missing version: write version: {_VERSION} first"))
        if "accounts" not in seen:
            self.problems.append(_place(root).problem("missing accounts: a list with one entry for each account"))

    def _rows(self, start: Event, events: Iterator[Event]) -> Iterator[Row]:
        if _kind(start) != "SequenceStart":
            _read(start, events)
            self.problems.append(_place(start).problem("accounts must be a list"))
            return
        while _kind(item := next(events)) != "SequenceEnd":
            row = self._row(item, events, "an account must be a mapping, as in {account: ..., tenant: ...}")
            if row is not None:
                yield row

    def _row(self, start: Event, events: Iterator[Event], message: str) -> Row | None:
        if _kind(start) != "MappingStart":
            _read(start, events)
            self.problems.append(_place(start).problem(message))
            return None
        keys: dict[str, Cell] = {}
        cells = {place.text: _read(value, events) for place, value in self._members(events, keys)}
        return Row(_place(start).line, cells, keys)

    def _members(self, events: Iterator[Event], seen: dict[str, Cell]) -> Iterator[tuple[Cell, Event]]:
        """Yield each key of a mapping with the first event of its value, and add the key to those that were seen."""
        while _kind(key := next(events)) != "MappingEnd":
            place = _read(key, events)
            value = next(events)
            if not place.text:
                self.problems.append(place.problem("a key must be a string"))
            elif place.text in seen:
                first = seen[place.text].line
                message = f"duplicate key {describe_key(place.text)}, first in line {first}"
                self.problems.append(place.problem(message))
            else:
                seen[place.text] = place
                yield place, value
                continue
            _read(value, events)


def _kind(event: Event) -> str:
    """Return `Scalar`, `SequenceStart`, `SequenceEnd`, `MappingStart` or `MappingEnd`."""
    return type(event).__name__.removesuffix("Event")


def _place(event: Event) -> Cell:
    return Cell(event.start_mark.line + 1, event.start_mark.column + 1)


def _read(start: Event, events: Iterator[Event]) -> Cell:
    """Return the value that begins with an event, and take the rest of it from the others."""
    place = _place(start)
    match _kind(start):
        case "Scalar":
            is_quoted = start.style in {"'", '"', "|", ">"}
            text = "" if not is_quoted and start.value in _NULLS else start.value
            return Cell(place.line, place.column, text, is_quoted=is_quoted)
        case "SequenceStart":
            items = []
            while _kind(item := next(events)) != "SequenceEnd":
                items.append(_read(item, events))
            is_nested = any(item.items is not None or item.is_nested for item in items)
            return Cell(place.line, place.column, items=tuple(items), is_nested=is_nested)
    while _kind(item := next(events)) != "MappingEnd":
        _read(item, events)
    return Cell(place.line, place.column, is_nested=True)
