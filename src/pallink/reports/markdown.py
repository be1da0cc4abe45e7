"""Findings as the Markdown summary of a CI job: pure.

Every text from elsewhere is escaped: a tenant's name must not become a link, an image or a heading.
"""

from collections.abc import Iterator, Sequence

from pallink.redact.text import one_line
from pallink.reports.finding import Finding, State, count

LIMIT = 1024 * 1024
"""Bytes that GitHub takes as the summary of one step; a longer one is dropped as a whole."""

_SPECIAL = str.maketrans({each: f"&#{ord(each)};" for each in "\\`*_[]<>|~#&$@:!(){}"})

_WORDS = {State.PASS: "passed", State.FAILURE: "**failed**", State.ERROR: "**could not be checked**"}

_LEFT_OUT = "\nThe rest is left out here: the summary of a CI job is limited. The JUnit report has it all.\n"


def markdown(findings: Sequence[Finding], limit: int = LIMIT) -> str:
    """A heading, a table with one row for each finding, and what is wrong with those that did not pass.

    Args:
        findings: what was checked.
        limit: bytes that the text may have at most; what does not fit is left out, and that is said.
    """
    kept: list[str] = []
    left = limit - len(_LEFT_OUT.encode())
    for block in _blocks(findings):
        left -= len(block.encode())
        if left < 0:
            return "".join(kept) + (_LEFT_OUT if len(_LEFT_OUT.encode()) <= limit else "")
        kept.append(block)
    return "".join(kept)


def _blocks(findings: Sequence[Finding]) -> Iterator[str]:
    """The text in pieces, any number of which from the beginning is a text."""
    yield f"## pallink verify: {_headline(findings)}\n\n"
    yield "| account | tenant | expected | linked to | result |\n|---|---|---|---|---|\n"
    for each in findings:
        linked_to = each.linked_to or ("unknown" if each.state is State.ERROR else "none")
        cells = (each.account or "unknown", each.tenant or "unknown", each.expected_partner_id, linked_to)
        yield f"| {' | '.join(_text(cell) for cell in cells)} | {_WORDS[each.state]} |\n"
    for each in findings:
        if each.error is not None:
            yield _problem(each)
        if each.warnings:
            listed = "".join(f"- warning: {_text(warning)}\n" for warning in each.warnings)
            yield f"\n{_text(each.account or 'the account')}:\n\n{listed}"


def _headline(findings: Sequence[Finding]) -> str:
    passed, failed, unknown = (count(findings, state) for state in (State.PASS, State.FAILURE, State.ERROR))
    if passed == len(findings):
        return "linked as expected" if passed == 1 else f"all {passed} accounts are linked as expected"
    if len(findings) == 1:
        return "not as expected" if failed else "could not be checked"
    return f"{passed} passed, {failed} failed, {unknown} could not be checked"


def _problem(finding: Finding) -> str:
    error = finding.error
    if error is None:
        return ""
    lines = ["", f"### {_text(finding.account or 'The account')}", "", _text(finding.message), ""]
    if error.cause:
        lines += [f"- cause: {_text(error.cause)}"]
    if error.remedy:
        lines += [f"- to fix: {_text(error.remedy)}"]
    if error.trace and str(error.trace):
        lines += [f"- request: {_text(str(error.trace))}"]
    if error.command:
        commands = [one_line(each, 2000) for each in error.command.splitlines()]
        # A fence that is longer than any run of backticks within it.
        fence = "`" * max(3, 1 + max(len(each) for each in commands if "`" in each)) if "`" in error.command else "```"
        lines += ["", f"{fence}sh", *commands, fence]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return one_line(value).translate(_SPECIAL)
