"""Write the reports, to files and to the CI system that runs pallink."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pallink.os_errors import os_reason
from pallink.private_files import open_without_waiting
from pallink.reports.annotations import render_azure_pipelines, render_github, render_summary_upload
from pallink.reports.finding import Finding, State
from pallink.reports.junit import render_junit
from pallink.reports.markdown import MAX_SUMMARY_BYTES, render_markdown


def publish(
    findings: Sequence[Finding],
    *,
    junit_file: Path | None,
    markdown_file: Path | None = None,
    environ: Mapping[str, str],
    write_line: Callable[[str], None],
    quiet: bool = False,
) -> tuple[str, ...]:
    """Write every report that an option or the CI system's own variables request.

    Args:
        findings: The findings.
        junit_file: The path of the JUnit report; None for no such report.
        markdown_file: The path of a Markdown summary; None for no such report.
        environ: The environment. GITHUB_ACTIONS, GITHUB_STEP_SUMMARY, TF_BUILD and AGENT_TEMPDIRECTORY are read.
        write_line: Writes one line to the output that the CI system reads.
        quiet: Whether to write errors only, and nothing if all findings pass.

    Returns:
        The reports that could not be written, one message each. A missing report does not change the verdict.
    """
    failures: list[str] = []
    if junit_file is not None:
        failures += write_report("JUnit report", junit_file, render_junit(findings))
    if markdown_file is not None:
        failures += write_report("Markdown summary", markdown_file, render_markdown(findings).encode())
    if environ.get("GITHUB_ACTIONS"):
        for line in render_github(findings, with_warnings=not quiet):
            write_line(line)
        if summary := environ.get("GITHUB_STEP_SUMMARY"):
            failures += _attempt("summary", Path(summary), lambda: _append(Path(summary), findings))
    if environ.get("TF_BUILD"):
        for line in render_azure_pipelines(findings, with_warnings=not quiet):
            write_line(line)
        passed = all(finding.state is State.PASS for finding in findings)
        folder = Path(environ.get("AGENT_TEMPDIRECTORY") or tempfile.gettempdir())
        if not (quiet and passed):
            failures += _attempt("summary", folder, lambda: _upload(folder, findings, write_line))
    return tuple(failures)


def write_report(report: str, path: Path, content: bytes) -> tuple[str, ...]:
    """Write a report to a file, and return a message if that failed.

    Args:
        report: What it is called in the message.
        path: The file. Its folder is created.
        content: What to write.
    """
    return _attempt(report, path, lambda: _write(path, content))


def _attempt(report: str, path: Path, write: Callable[[], None]) -> tuple[str, ...]:
    try:
        write()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return (f"the {report} could not be written to {path}: {os_reason(error)}",)
    return ()


def _write(path: Path, content: bytes) -> None:
    # Overwritten in place: if this fails, no outdated report is left behind.
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb", opener=open_without_waiting) as file:
        file.write(content)


def _append(path: Path, findings: Sequence[Finding]) -> None:
    # Earlier commands of the same step may have written to it.
    used = path.stat().st_size if path.exists() else 0
    with open(path, "ab", opener=open_without_waiting) as file:
        file.write(render_markdown(findings, max(MAX_SUMMARY_BYTES - used, 0)).encode())


def _upload(folder: Path, findings: Sequence[Finding], write_line: Callable[[str], None]) -> None:
    # The agent reads the file after this process has ended, and uses its name as a heading.
    path = Path(tempfile.mkdtemp(prefix="pallink-", dir=folder)) / "pallink.md"
    try:
        path.write_bytes(render_markdown(findings).encode())
    except OSError:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise
    write_line(render_summary_upload(str(path)))
