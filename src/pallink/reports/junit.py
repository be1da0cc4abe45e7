"""Render findings as JUnit XML, in the form that Jenkins, GitLab, GitHub and Azure DevOps read. Pure.

A `failure` is a check that did not pass, an `error` one that could not be carried out.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from pallink.redact.text import one_line
from pallink.reports.finding import Finding, State, count_state

# Characters that XML 1.0 does not allow, not even as a character reference.
_INVALID_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(findings: Sequence[Finding]) -> bytes:
    """Return one test suite with a test case for each finding, as UTF-8. Times are those of the findings."""
    command = findings[0].command if findings else "verify"
    suite_name, class_name = f"pallink {command}", f"pallink.{command.replace(' ', '.')}"
    counts = {
        "tests": str(len(findings)),
        "failures": str(count_state(findings, State.FAILURE)),
        "errors": str(count_state(findings, State.ERROR)),
        "time": f"{sum(finding.seconds for finding in findings):.3f}",
    }
    starts = [finding.started for finding in findings if finding.started is not None]
    timestamp = {"timestamp": min(starts).isoformat(timespec="seconds")} if starts else {}
    suites = ET.Element("testsuites", {"name": suite_name, **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": suite_name, **counts, "skipped": "0", **timestamp})
    for finding in findings:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=class_name,
            name=_replace_invalid(finding.name),
            time=f"{finding.seconds:.3f}",
        )
        if finding.error is not None:
            outcome = ET.SubElement(
                case, finding.state.value, message=_replace_invalid(finding.message), type=finding.error.code
            )
            outcome.text = _replace_invalid("\n".join((finding.message, *finding.details)))
        found = (
            f"role: {finding.role}" if finding.is_about_role else f"linked to: {one_line(finding.linked_to or 'none')}"
        )
        lines = [found] if finding.state is not State.ERROR else []
        lines += [f"account: {one_line(finding.account)}"] if finding.account else []
        lines += [f"warning: {one_line(warning)}" for warning in finding.warnings]
        if lines:
            ET.SubElement(case, "system-out").text = _replace_invalid("\n".join(lines))
    ET.indent(suites)
    text: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _replace_invalid(text: str) -> str:
    return _INVALID_IN_XML.sub("?", text)
