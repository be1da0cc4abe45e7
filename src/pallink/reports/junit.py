"""Findings as JUnit XML, in the form that Jenkins, GitLab, GitHub's and Azure's reporters read: pure.

A failure is what was checked and is different, an error what could not be checked.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from pallink.redact.text import one_line
from pallink.reports.finding import Finding, State, count

_SUITE = "pallink verify"

# What XML 1.0 cannot hold, not even as a character reference.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(findings: Sequence[Finding]) -> bytes:
    """One suite with one test case for each finding, as UTF-8.

    Nothing in it depends on the clock or the machine: the same findings give the same bytes.
    """
    counts = {
        "tests": str(len(findings)),
        "failures": str(count(findings, State.FAILURE)),
        "errors": str(count(findings, State.ERROR)),
    }
    suites = ET.Element("testsuites", {"name": _SUITE, **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": _SUITE, **counts, "skipped": "0"})
    for each in findings:
        case = ET.SubElement(suite, "testcase", classname="pallink.verify", name=_text(each.name))
        if each.error is not None:
            outcome = ET.SubElement(case, each.state.value, message=_text(each.message), type=each.error.code)
            outcome.text = _text("\n".join((each.message, *each.details)))
        lines = [f"linked to: {one_line(each.linked_to or 'none')}"] if each.state is not State.ERROR else []
        lines += [f"warning: {one_line(warning)}" for warning in each.warnings]
        if lines:
            ET.SubElement(case, "system-out").text = _text("\n".join(lines))
    ET.indent(suites)
    text: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _text(text: str) -> str:
    return _NOT_IN_XML.sub("?", text)
