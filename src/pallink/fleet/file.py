"""Read a fleet file."""

from dataclasses import dataclass
from pathlib import Path

from pallink.errors import UsageError
from pallink.fleet.check import check_document
from pallink.fleet.csv_file import read_csv
from pallink.fleet.document import Problem
from pallink.fleet.entry import Entry
from pallink.fleet.yaml_file import read_yaml
from pallink.os_errors import os_reason

MAX_BYTES = 10_000_000
"""About fifty thousand accounts."""

_READERS = {".yaml": read_yaml, ".yml": read_yaml, ".csv": read_csv}


@dataclass(frozen=True, slots=True)
class FleetFile:
    """What a fleet file says.

    Attributes:
        path: Where it was read.
        entries: The valid entries, in their order.
        problems: What is wrong, in the order of the lines.
    """

    path: Path
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]


def read_fleet(path: Path) -> FleetFile:
    """Read a fleet file, with all of its problems.

    Raises:
        UsageError: There is no such file, or it is none that pallink reads.
    """
    reader = _READERS.get(path.suffix.casefold())
    if reader is None:
        raise UsageError(
            f"{path} is not a fleet file",
            cause="its name must end with .yaml, .yml or .csv",
            remedy="save a spreadsheet as CSV UTF-8; rename any other file",
        )
    text, problem = _decode(read_bytes(path))
    if problem is not None:
        return FleetFile(path, (), (problem,))
    entries, problems = check_document(reader(text))
    return FleetFile(path, entries, problems)


def read_bytes(path: Path) -> bytes:
    """Return the content of a file that is not too large.

    Raises:
        UsageError: It cannot be read, is too large, or is no file.
    """
    try:
        # Not a pipe or a device, which might never end.
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is not a file", remedy="name a file that ends with .yaml, .yml or .csv")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"the fleet file {path} cannot be read: {os_reason(error)}", remedy="check the path and its permissions"
        ) from error
    if len(content) > MAX_BYTES:
        raise UsageError(
            f"the fleet file {path} is too large",
            cause=f"pallink reads at most {MAX_BYTES // 1_000_000} MB",
            remedy="split it into several files",
        )
    return content


def _decode(content: bytes) -> tuple[str, Problem | None]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "", Problem(1, 1, "the file is UTF-16: save it as UTF-8 (in Excel: CSV UTF-8)")
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        return "", Problem(line, column, "the file is not UTF-8: save it as UTF-8 (in Excel: CSV UTF-8)")
