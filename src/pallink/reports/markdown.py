"""Render findings as the Markdown summary of a CI job. Pure.

All text from outside is escaped: a tenant's name must not become a link, an image or a heading.
"""

from collections.abc import Iterator, Sequence

from pallink.redact.text import one_line
from pallink.reports.finding import Finding, State, count_state

MAX_SUMMARY_BYTES = 1024 * 1024
"""The limit of GitHub for the summary of one step; a longer one is dropped as a whole."""

_ESCAPES = str.maketrans({character: f"&#{ord(character)};" for character in "\\`*_[]<>|~#&$@:!(){}"})

_STATE_TEXTS = {State.PASS: "passed", State.FAILURE: "**failed**", State.ERROR: "**could not be checked**"}

_TRUNCATED = "\nThe rest is left out here: the summary of a CI job is limited. The JUnit report has it all.\n"


def render_markdown(findings: Sequence[Finding], limit: int = MAX_SUMMARY_BYTES) -> str:
    """Return a heading, a table with a row for each finding, and the details of those that did not pass.

    Args:
        findings: The findings.
        limit: The maximum size in bytes. Whole blocks are left out to stay below it, with a note at the end.
    """
    kept: list[str] = []
    remaining = limit - len(_TRUNCATED.encode())
    for block in _render_blocks(findings):
        remaining -= len(block.encode())
        if remaining < 0:
            return "".join(kept) + (_TRUNCATED if len(_TRUNCATED.encode()) <= limit else "")
        kept.append(block)
    return "".join(kept)


def _render_blocks(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the summary in blocks; it can be cut between any two."""
    yield f"## pallink verify: {_render_headline(findings)}\n\n"
    yield "| account | tenant | expected | linked to | result |\n|---|---|---|---|---|\n"
    for finding in findings:
        linked_to = finding.linked_to or ("unknown" if finding.state is State.ERROR else "none")
        cells = (finding.account or "unknown", finding.tenant or "unknown", finding.expected_partner_id, linked_to)
        yield f"| {' | '.join(_escape(cell) for cell in cells)} | {_STATE_TEXTS[finding.state]} |\n"
    for finding in findings:
        if finding.error is not None:
            yield _render_problem(finding)
        if finding.warnings:
            listed = "".join(f"- warning: {_escape(warning)}\n" for warning in finding.warnings)
            yield f"\n{_escape(finding.account or 'the account')}:\n\n{listed}"


def _render_headline(findings: Sequence[Finding]) -> str:
    passed, failed, unknown = (count_state(findings, state) for state in (State.PASS, State.FAILURE, State.ERROR))
    if passed == len(findings):
        return "linked as expected" if passed == 1 else f"all {passed} accounts are linked as expected"
    if len(findings) == 1:
        return "not as expected" if failed else "could not be checked"
    return f"{passed} passed, {failed} failed, {unknown} could not be checked"


def _render_problem(finding: Finding) -> str:
    error = finding.error
    if error is None:
        return ""
    lines = ["", f"### {_escape(finding.account or 'The account')}", "", _escape(finding.message), ""]
    if error.cause:
        lines += [f"- cause: {_escape(error.cause)}"]
    if error.remedy:
        lines += [f"- hint: {_escape(error.remedy)}"]
    if error.trace and str(error.trace):
        lines += [f"- request: {_escape(str(error.trace))}"]
    if error.command:
        commands = [one_line(line, 2000) for line in error.command.splitlines()]
        # The fence has to be longer than any run of backticks inside.
        fence = "`" * max(3, 1 + max(len(line) for line in commands if "`" in line)) if "`" in error.command else "```"
        lines += ["", f"{fence}sh", *commands, fence]
    return "\n".join(lines) + "\n"


def _escape(value: str) -> str:
    return one_line(value).translate(_ESCAPES)
