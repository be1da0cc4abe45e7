"""The reports of a fleet command: files that options name, and what the CI system shows."""

import csv
import io
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

# Characters. More than all columns of a fleet file.
_MAX_HEADER = 1000
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
        """Return the files of a command line; raises `UsageError` as `parse_report_file` does."""
        return cls(
            parse_report_file("--junit", junit),
            parse_report_file("--markdown", markdown),
            parse_report_file("--csv", csv),
        )

    def require_others_than(self, file: Path | None) -> None:
        """Refuse to write a report in place of the file that the command reads, or of another fleet file.

        Raises:
            UsageError: An option names one.
        """
        for option, path in zip(("--junit", "--markdown", "--csv"), self, strict=True):
            if path is None:
                continue
            if file is not None and path.resolve() == file.resolve():
                cause = "the command reads this file"
            elif _is_fleet_file(path):
                cause = "it is a fleet file, not a report"
            else:
                continue
            raise UsageError(
                f"{option} would overwrite {path}",
                cause=f"{cause}; nothing was sent",
                remedy=f"name another file with {option}",
            )


def _is_fleet_file(path: Path) -> bool:
    """Return whether a CSV file has the columns of a fleet file, and none of a report."""
    try:
        if not path.is_file():
            return False
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            header = file.readline(_MAX_HEADER)
    except OSError:
        return False
    columns = set(re.split(r"[,;\t]", header.strip().casefold()))
    return not columns.isdisjoint({"account", "client-id"}) and "outcome" not in columns


NO_FILES = ReportFiles()


def parse_report_file(option: str, name: str | None) -> Path | None:
    """Return the file of an option; None if the option is not given.

    Raises:
        UsageError: The name is empty, or `-` for stdout.
    """
    if name == "":
        raise UsageError(f"{option} is empty", remedy=f"name a file with {option}, or leave it out")
    if name == "-":
        raise UsageError(
            f"{option} does not write to stdout",
            cause="the result of the command is written there",
            remedy=f"name a file with {option}",
        )
    return None if name is None else Path(name)


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
