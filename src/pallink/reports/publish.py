"""Writes the reports: to files, and to the CI system that runs this."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pallink.reports.annotations import azure_pipelines, github, upload_summary
from pallink.reports.finding import Finding, State
from pallink.reports.junit import junit
from pallink.reports.markdown import LIMIT, markdown


def publish(
    findings: Sequence[Finding],
    *,
    junit_file: Path | None,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    quiet: bool = False,
) -> tuple[str, ...]:
    """Write every report that was asked for, by an option or by the CI system's own variables.

    Args:
        findings: what was checked.
        junit_file: where the JUnit report goes; None for none.
        environ: the environment: GITHUB_ACTIONS with GITHUB_STEP_SUMMARY, TF_BUILD with AGENT_TEMPDIRECTORY.
        tell: writes one line where the CI system reads it.
        quiet: tell nothing but errors; where all passed, nothing at all.

    Returns:
        What could not be written, one sentence each. A verdict stays what it is without its report.
    """
    failures = []
    if junit_file is not None:
        failures.append(_attempt("JUnit report", junit_file, lambda: _write(junit_file, junit(findings))))
    if environ.get("GITHUB_ACTIONS"):
        for line in github(findings, with_warnings=not quiet):
            tell(line)
        if summary := environ.get("GITHUB_STEP_SUMMARY"):
            failures.append(_attempt("summary", Path(summary), lambda: _append(Path(summary), findings)))
    if environ.get("TF_BUILD"):
        for line in azure_pipelines(findings, with_warnings=not quiet):
            tell(line)
        passed = all(each.state is State.PASS for each in findings)
        folder = Path(environ.get("AGENT_TEMPDIRECTORY") or tempfile.gettempdir())
        if not (quiet and passed):
            failures.append(_attempt("summary", folder, lambda: _upload(folder, findings, tell)))
    return tuple(each for each in failures if each is not None)


def _attempt(what: str, path: Path, write: Callable[[], None]) -> str | None:
    try:
        write()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        return f"the {what} could not be written to {path}: {reason}"
    return None


def _write(path: Path, content: bytes) -> None:
    # Straight to its place: where this fails, no older report is left behind that says something else.
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _append(path: Path, findings: Sequence[Finding]) -> None:
    # Other programs of the same step may have written to it before.
    used = path.stat().st_size if path.exists() else 0
    with path.open("ab") as file:
        file.write(markdown(findings, max(LIMIT - used, 0)).encode())


def _upload(folder: Path, findings: Sequence[Finding], tell: Callable[[str], None]) -> None:
    # The agent reads the file after this process has ended, and shows its name as a heading.
    path = Path(tempfile.mkdtemp(prefix="pallink-", dir=folder)) / "pallink.md"
    path.write_bytes(markdown(findings).encode())
    tell(upload_summary(str(path)))
