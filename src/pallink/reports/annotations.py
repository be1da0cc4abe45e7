"""Render findings as the lines that CI systems turn into annotations. Pure.

GitHub: docs.github.com/actions/reference/workflow-commands-for-github-actions.
Azure Pipelines: learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands.
"""

from collections.abc import Callable, Iterator, Sequence

from pallink.redact.text import one_line
from pallink.reports.finding import Finding

MAX_ANNOTATIONS = 10
"""How many errors, and how many warnings, both systems show for one step; the last one counts those left out."""

_MAX_LENGTH = 4000


def render_github(findings: Sequence[Finding], *, with_warnings: bool = True) -> list[str]:
    """Return the `::error` and `::warning` lines for GitHub Actions."""
    command = findings[0].command if findings else "verify"

    def render_line(kind: str, code: str, message: str) -> str:
        title = f"pallink {command}" + (f": {code}" if code else "")
        return f"::{kind} title={_escape_github_property(title)}::{_escape_github_data(message)}"

    return _render_lines(findings, render_line, with_warnings=with_warnings)


def render_azure_pipelines(findings: Sequence[Finding], *, with_warnings: bool = True) -> list[str]:
    """Return the `##vso[task.logissue]` lines for Azure Pipelines."""

    def render_line(kind: str, code: str, message: str) -> str:
        properties = f"type={kind}" + (f";code={_escape_azure_property(code)}" if code else "")
        return f"##vso[task.logissue {properties}]{_escape_azure_data(message)}"

    return _render_lines(findings, render_line, with_warnings=with_warnings)


def render_summary_upload(path: str) -> str:
    """Return the line that makes Azure Pipelines show a Markdown file with the run."""
    return f"##vso[task.uploadsummary]{_escape_azure_data(path)}"


def _render_lines(
    findings: Sequence[Finding], render_line: Callable[[str, str, str], str], *, with_warnings: bool
) -> list[str]:
    errors = [(finding.error.code, _describe(finding)) for finding in findings if finding.error is not None]
    warnings = [
        ("", f"{finding.account or 'the account'}: {warning}")
        for finding in findings
        for warning in finding.warnings
        if with_warnings
    ]
    return [
        render_line(kind, code, message)
        for kind, annotations in (("error", errors), ("warning", warnings))
        for code, message in _limit(annotations)
    ]


def _limit(annotations: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    shown = annotations if len(annotations) <= MAX_ANNOTATIONS else annotations[: MAX_ANNOTATIONS - 1]
    yield from shown
    if len(shown) < len(annotations):
        yield "", f"and {len(annotations) - len(shown)} more: see the log and the report"


def _describe(finding: Finding) -> str:
    # The account comes first, unless the message names it.
    account = finding.account
    prefix = f"{account}: " if account and account not in finding.message else ""
    return "\n".join((f"{prefix}{finding.message}", *finding.details))


def _clean(text: str) -> str:
    return "\n".join(one_line(line, 2000) for line in text.split("\n"))[:_MAX_LENGTH]


def _escape_github_data(text: str) -> str:
    return _clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_github_property(text: str) -> str:
    return _escape_github_data(text).replace(":", "%3A").replace(",", "%2C")


def _escape_azure_data(text: str) -> str:
    # The agent decodes %AZP25 to a percent sign; older agents leave %25 as it is.
    return _clean(text).replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_azure_property(text: str) -> str:
    return _escape_azure_data(text).replace("]", "%5D").replace(";", "%3B")
