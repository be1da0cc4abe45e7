"""Run a command's job, show its result, and report it to the CI system that runs pallink."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pallink.advice import advise_in_ci
from pallink.cli.job import show
from pallink.cli.options import CommonOptions
from pallink.errors import CancelledError
from pallink.output import Terminal
from pallink.unexpected import as_pallink_error

if TYPE_CHECKING:
    from pallink.reports import Finding
    from pallink.result import VerifyResult, WriteResult


def run_and_report(
    job: "Callable[[], VerifyResult | WriteResult]",
    options: CommonOptions,
    command: str,
    partner_id: str | None,
    *,
    junit_file: Path | None = None,
) -> None:
    """Run a job, and show its result.

    In GitHub Actions and Azure Pipelines the run is annotated, and its summary added to.

    Args:
        job: What the command is for.
        options: How to show the result.
        command: The command's name, as in `link`.
        partner_id: The partner that the account should be linked to; None for none.
        junit_file: The path of a JUnit report.

    Raises:
        PallinkError: The job failed, or its result is a failure.
    """
    terminal = Terminal()
    if junit_file is None and not _is_ci(terminal.environ):
        show(job(), options)
        return
    # XML and temporary files are for CI only.
    from pallink.reports import finding_from_error, finding_from_result, publish  # noqa: PLC0415

    started, begin = datetime.now(UTC), time.monotonic()

    def report(finding: "Finding") -> tuple[str, ...]:
        return publish(
            [replace(finding, started=started, seconds=time.monotonic() - begin)],
            junit_file=junit_file,
            environ=terminal.environ,
            write_line=terminal.tell,
            quiet=options.quiet,
        )

    try:
        result = job()
    except (CancelledError, typer.Abort):
        raise  # no finding
    except Exception as raised:
        error = advise_in_ci(as_pallink_error(raised), terminal.environ)
        warnings = report(finding_from_error(error, options.settings, command, partner_id))
        raise error.replace(warnings=(*error.warnings, *warnings)) from raised
    if result.error is not None:
        result = replace(result, error=advise_in_ci(result.error, terminal.environ))
    show(result, options, unquiet=report(finding_from_result(result, options.settings, command, partner_id)))


def _is_ci(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("GITHUB_ACTIONS") or environ.get("TF_BUILD"))
