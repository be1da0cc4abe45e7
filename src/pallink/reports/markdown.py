"""Render findings as the Markdown summary of a CI job. Pure.

Text from outside stands in code spans and fenced blocks only, where nothing is markup: GitHub makes links of what looks
like an address, even of one with escaped characters.
"""

import re
from collections.abc import Iterator, Sequence

from pallink.redact.text import one_line
from pallink.reports.finding import Finding, State, count_state

MAX_SUMMARY_BYTES = 1024 * 1024
"""The limit of GitHub for the summary of one step; a longer one is dropped as a whole."""

_BACKTICKS = re.compile("`++")

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
    command = findings[0].command if findings else "verify"
    yield f"## pallink {command}: {_render_headline(findings)}\n\n"
    found = "role" if findings and findings[0].is_about_role else "linked to"
    yield f"| account | tenant | expected | {found} | result |\n|---|---|---|---|---|\n"
    for finding in findings:
        cells = (_code(finding.account), _code(finding.tenant), *_expected_and_found(finding))
        yield f"| {' | '.join(map(_cell, cells))} | {_render_state(finding)} |\n"
    for finding in findings:
        if finding.error is not None or finding.warnings:
            yield _render_details(finding)


def _expected_and_found(finding: Finding) -> tuple[str, str]:
    if finding.is_about_role:
        return "Reader", _code(finding.role)
    found = _code(finding.linked_to, "none" if finding.is_known else "unknown")
    return _code(finding.expected_partner_id, "none"), found


def _render_state(finding: Finding) -> str:
    if finding.is_check:
        return _STATE_TEXTS[finding.state]
    return finding.done or _STATE_TEXTS[State.FAILURE]


def _render_headline(findings: Sequence[Finding]) -> str:
    if len(findings) == 1 and not findings[0].is_check:
        return findings[0].done or "failed"
    passed, failed, unknown = (count_state(findings, state) for state in (State.PASS, State.FAILURE, State.ERROR))
    if passed == len(findings) and findings and findings[0].is_about_role:
        return "holds Reader" if passed == 1 else f"all {passed} accounts hold Reader"
    if passed == len(findings):
        return "linked as expected" if passed == 1 else f"all {passed} accounts are linked as expected"
    if len(findings) == 1:
        return "not as expected" if failed else "could not be checked"
    return f"{passed} passed, {failed} failed, {unknown} could not be checked"


def _render_details(finding: Finding) -> str:
    lines = [f"warning: {one_line(warning)}" for warning in finding.warnings]
    if finding.error is not None:
        lines += [f"error: {finding.message}", *finding.details]
    fence = _fence("\n".join(lines), 3)
    return "\n".join(("", f"### {_code(finding.account, 'The account')}", "", f"{fence}text", *lines, fence, ""))


def _code(value: str | None, otherwise: str = "unknown") -> str:
    """Return text from outside as a code span; where there is none, a word instead."""
    text = one_line(value or "")
    if not text:
        return otherwise
    fence = _fence(text, 1)
    # Spaces separate a backtick at an end from the fence; they are not shown.
    space = " " if "`" in (text[0], text[-1]) else ""
    return f"{fence}{space}{text}{space}{fence}"


def _cell(text: str) -> str:
    """Return Markdown for a cell of a table, which no pipe in it ends."""
    # GitHub takes a backslash before the escaped pipe for the end of an escape, and the pipe for that of the cell.
    return text.replace("\\|", "\\ |").replace("|", "\\|")


def _fence(text: str, shortest: int) -> str:
    """Return more backticks than there are in a row in the text."""
    return "`" * max([shortest, *(len(run) + 1 for run in _BACKTICKS.findall(text))])
