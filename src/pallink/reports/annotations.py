"""Findings as the lines that CI systems read from a step's output: pure.

GitHub: docs.github.com/actions/reference/workflow-commands-for-github-actions.
Azure Pipelines: learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands.
"""

from collections.abc import Callable, Iterator, Sequence

from pallink.redact.text import one_line
from pallink.reports.finding import Finding

LIMIT = 10
"""Errors, and warnings, that either system shows for one step; the last one here says how many there are besides."""

_LENGTH = 4000


def github(findings: Sequence[Finding], *, with_warnings: bool = True) -> list[str]:
    """`::error` and `::warning` lines."""

    def line(kind: str, code: str, message: str) -> str:
        title = "pallink verify" + (f": {code}" if code else "")
        return f"::{kind} title={_github_property(title)}::{_github_data(message)}"

    return _lines(findings, line, with_warnings=with_warnings)


def azure_pipelines(findings: Sequence[Finding], *, with_warnings: bool = True) -> list[str]:
    """`##vso[task.logissue]` lines."""

    def line(kind: str, code: str, message: str) -> str:
        properties = f"type={kind}" + (f";code={_azure_property(code)}" if code else "")
        return f"##vso[task.logissue {properties}]{_azure_data(message)}"

    return _lines(findings, line, with_warnings=with_warnings)


def upload_summary(path: str) -> str:
    """The line with which Azure Pipelines shows a Markdown file beside a run."""
    return f"##vso[task.uploadsummary]{_azure_data(path)}"


def _lines(findings: Sequence[Finding], line: Callable[[str, str, str], str], *, with_warnings: bool) -> list[str]:
    errors = [(each.error.code, _sentence(each)) for each in findings if each.error is not None]
    warnings = [
        ("", f"{each.account or 'the account'}: {warning}")
        for each in findings
        for warning in each.warnings
        if with_warnings
    ]
    return [
        line(kind, code, message)
        for kind, found in (("error", errors), ("warning", warnings))
        for code, message in _capped(found)
    ]


def _capped(found: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    shown = found if len(found) <= LIMIT else found[: LIMIT - 1]
    yield from shown
    if len(shown) < len(found):
        yield "", f"and {len(found) - len(shown)} more: see the log and the report"


def _sentence(finding: Finding) -> str:
    # Who it is about comes first, unless the message says so itself.
    account = finding.account
    about = f"{account}: " if account and account not in finding.message else ""
    return "\n".join((f"{about}{finding.message}", *finding.details))


def _cleaned(text: str) -> str:
    return "\n".join(one_line(line, 2000) for line in text.split("\n"))[:_LENGTH]


def _github_data(text: str) -> str:
    return _cleaned(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")


def _azure_data(text: str) -> str:
    # %AZP25 is what the agent turns back into a percent sign; before it knew that, it left %25 alone.
    return _cleaned(text).replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _azure_property(text: str) -> str:
    return _azure_data(text).replace("]", "%5D").replace(";", "%3B")
