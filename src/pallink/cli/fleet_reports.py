"""The reports of a fleet command: files that options name, and what the CI system shows."""

import codecs
import csv
import io
import itertools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from pallink.cli.options import ConnectionOptions
from pallink.errors import UsageError
from pallink.output import Terminal
from pallink.output.rendering import render_csv_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pallink.fleet.result import EntryResult

# The first bytes of each report, as pallink, another tool or a spreadsheet writes them.
_BEGINNINGS = {
    "--junit": ("a JUnit report", re.compile(rb"\s*(<[?!][^>]*>\s*)*<testsuites?\b")),
    "--markdown": ("a Markdown summary of pallink", re.compile(rb"## pallink ")),
    "--csv": ("a CSV report of pallink", re.compile(rb'"?name"?[,;\t]"?outcome\b')),
}
# In the order of the attributes of `ReportFiles`.
_OPTIONS = ("--junit", "--markdown", "--csv")
# Bytes.
_MAX_BEGINNING = 1000
_COLUMNS = (
    "name",
    "outcome",
    "exitCode",
    "account",
    "objectId",
    "tenantId",
    "tenantName",
    "partnerId",
    "partnerName",
    "previousPartnerId",
    "role",
    "error",
)


class ReportFiles(NamedTuple):
    """The files that options name; None for one that is not wanted."""

    junit: Path | None = None
    markdown: Path | None = None
    csv: Path | None = None

    @classmethod
    def parse(cls, junit: str | None, markdown: str | None, csv: str | None) -> Self:
        """Return the files of a command line.

        Raises:
            UsageError: As `parse_report_file`; or two options name the same file.
        """
        if markdown and os.environ.get("GITHUB_ACTIONS") and markdown == os.environ.get("GITHUB_STEP_SUMMARY"):
            # The summary is added to this file without the option.
            markdown = None
        given = zip(_OPTIONS, (junit, markdown, csv), strict=True)
        files = {option: parse_report_file(option, name) for option, name in given}
        for (first, file), (second, other) in itertools.combinations(files.items(), 2):
            if file is not None and other is not None and _is_same(file, other):
                raise UsageError(
                    f"{first} and {second} name the same file: {other}",
                    cause="each report needs a file of its own; nothing was sent",
                    remedy=f"name another file with {second}",
                )
        return cls(*files.values())

    @property
    def words(self) -> list[str]:
        """The options on the command line."""
        given = zip(_OPTIONS, self, strict=True)
        return [word for option, path in given if path is not None for word in (option, str(path))]


def _is_same(first: Path, second: Path) -> bool:
    try:
        # All may go to /dev/null.
        return first.samefile(second) and first.is_file()
    except OSError:
        # One of them does not exist yet.
        return os.path.realpath(first) == os.path.realpath(second)


NO_FILES = ReportFiles()


def parse_report_file(option: str, name: str | None) -> Path | None:
    """Return the file of an option; None if the option is not given.

    Raises:
        UsageError: The name is empty, or `-` for stdout; or the file exists, and is not such a report.
    """
    if name is None:
        return None
    if not name:
        raise UsageError(f"{option} is empty", remedy=f"name a file with {option}, or leave it out")
    if name == "-":
        raise UsageError(
            f"{option} does not write to stdout",
            cause="the result of the command is written there",
            remedy=f"name a file with {option}",
        )
    report, beginning = _BEGINNINGS[option]
    file = Path(name)
    existing = _read_beginning(file)
    if existing.strip() and not beginning.match(existing):
        raise UsageError(
            f"{option} would overwrite {name}",
            cause=f"the file exists, and is not {report}; nothing was sent",
            remedy=f"name another file with {option}",
        )
    return file


def _read_beginning(path: Path) -> bytes:
    """Return the first bytes of a file, without a byte order mark; none of a FIFO and the like, which keep nothing."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(_MAX_BEGINNING).removeprefix(codecs.BOM_UTF8)
    except OSError:
        # If it cannot be written either, the end of the command says so.
        return b""


def publish_fleet(
    results: "Sequence[EntryResult]", command: str, files: ReportFiles, options: ConnectionOptions
) -> tuple[str, ...]:
    """Write the reports, and return a message for each that could not be written.

    Args:
        results: The results.
        command: The command, as in `fleet verify`.
        files: The files.
        options: `--quiet` and the cloud.
    """
    terminal = Terminal()
    environ = terminal.environ
    if not any(files) and not environ.get("GITHUB_ACTIONS") and not environ.get("TF_BUILD"):
        return ()
    # XML and temporary files are for those who want a report.
    from pallink.reports import finding_from_entry, publish, write_report  # noqa: PLC0415

    findings = [finding_from_entry(result, command, options.settings.cloud) for result in results]
    failures = publish(
        findings,
        junit_file=files.junit,
        markdown_file=files.markdown,
        environ=environ,
        write_line=terminal.tell,
        quiet=options.quiet,
    )
    if files.csv is not None:
        failures += write_report("CSV report", files.csv, render_csv(results).encode("utf-8-sig"))
    return failures


def render_csv(results: "Sequence[EntryResult]") -> str:
    """Return a CSV file with a heading and one line an account, which spreadsheets read without formulas."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for result in results:
        row = result.as_dict() | {"error": result.error and result.error.message}
        writer.writerow([render_csv_cell(row.get(column)) for column in _COLUMNS])
    return text.getvalue()
