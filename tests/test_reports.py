"""The reports of `verify` as texts: what they say, that they are escaped, and that they stay within the limits."""

import html
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cmarkgfm import Options, github_flavored_markdown_to_html  # type: ignore[import-untyped]
from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite
from markdown_it import MarkdownIt

from pallink.errors import (
    LinkedElsewhereError,
    NotLinkedError,
    PallinkError,
    RequestTrace,
    SignInError,
    UnreachableError,
)
from pallink.redact.text import one_line
from pallink.reports import Finding, State, finding_from_error, publish
from pallink.reports.annotations import MAX_ANNOTATIONS, render_azure_pipelines, render_github, render_summary_upload
from pallink.reports.junit import render_junit
from pallink.reports.markdown import MAX_SUMMARY_BYTES, render_markdown
from pallink.settings import Settings
from tests.harness import full_disk

NASTY = (
    "a|b`c`\x1b[31m\x00\u202e<script>x</script>![i](https://evil.example/i.png) https://evil.example @everyone"
    " ::error::x ##vso[task.setvariable variable=x]y ##[add-mask]z 100% ]]> & \ud800 \ufffe"
)


def finding(state: State, number: int = 1, **rest: object) -> Finding:
    errors: dict[State, PallinkError | None] = {
        State.PASS: None,
        State.FAILURE: NotLinkedError("not linked", cause="no link", remedy="create it", command="pallink link 719878"),
        State.ERROR: UnreachableError("no answer", trace=RequestTrace(correlation_id="c-1")),
    }
    values = {
        "account": f"svc{number}@contoso.com",
        "tenant": "Contoso",
        "cloud": "sandbox",
        "expected_partner_id": "719878",
        "error": errors[state],
        "command": "verify",
        **rest,
    }
    return Finding(state=state, **values)  # type: ignore[arg-type]


NASTY_FINDING = finding(
    State.FAILURE,
    account=NASTY,
    tenant=NASTY,
    linked_to=NASTY,
    warnings=(NASTY,),
    error=NotLinkedError(NASTY, cause=NASTY, remedy=NASTY, command=NASTY, trace=RequestTrace(NASTY)),
)
ALL_THREE = [finding(State.PASS, 1, linked_to="719878 (Mekorma)"), finding(State.FAILURE, 2), finding(State.ERROR, 3)]


def suite_of(findings: list[Finding], tmp_path: Path) -> TestSuite:
    path = tmp_path / "junit.xml"
    path.write_bytes(render_junit(findings))
    (suite,) = JUnitXml.fromfile(str(path))
    assert isinstance(suite, TestSuite)
    return suite


def test_the_name_of_a_test_case_says_what_is_wanted() -> None:
    passed = ALL_THREE[0]
    assert passed.name == "svc1@contoso.com is linked to partner 719878"
    assert replace(passed, within="contoso.com").name == "svc1@contoso.com in contoso.com is linked to partner 719878"
    assert replace(passed, expected_partner_id=None).name == "svc1@contoso.com is not linked"


def test_junit_tells_a_pass_a_failure_and_an_error_apart(tmp_path: Path) -> None:
    suite = suite_of(ALL_THREE, tmp_path)
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (3, 1, 1, 0)
    passed, failed, unknown = suite
    assert isinstance(passed, TestCase)
    assert passed.is_passed
    assert passed.name == "svc1@contoso.com is linked to partner 719878"
    assert "linked to: 719878 (Mekorma)" in str(passed.system_out)
    (failure,) = failed.result
    assert isinstance(failure, Failure)
    assert (failure.message, failure.type) == ("not linked", "NotLinked")
    assert failure.text == "not linked\ncause: no link\nhint: create it\npallink link 719878"
    (error,) = unknown.result
    assert isinstance(error, Error)
    assert "request: correlation ID c-1" in error.text
    assert render_junit(ALL_THREE) == render_junit(ALL_THREE)


def test_junit_has_times(tmp_path: Path) -> None:
    start = datetime(2026, 11, 26, 18, 20, 33, 999, tzinfo=UTC)
    found = [finding(State.PASS, 1, started=start, seconds=1.5), finding(State.PASS, 2, seconds=0.25)]
    suite = suite_of(found, tmp_path)
    assert (suite.time, suite.timestamp) == (1.75, "2026-11-26T18:20:33+00:00")
    assert [case.time for case in suite] == [1.5, 0.25]
    assert suite_of(ALL_THREE, tmp_path).timestamp is None


def test_the_summary_of_a_write() -> None:
    done = finding(State.PASS, command="link", done="created", linked_to="719878 (Mekorma)")
    text = render_markdown([done])
    assert text.startswith("## pallink link: created\n")
    assert text.endswith("| `svc1@contoso.com` | `Contoso` | `719878` | `719878 (Mekorma)` | created |\n")
    failed = finding(State.ERROR, command="link")
    assert render_markdown([failed]).startswith("## pallink link: failed\n")
    assert "| `719878` | unknown | **failed** |\n" in render_markdown([failed])
    assert render_github([failed])[0].startswith("::error title=pallink link%3A Unreachable::")
    gone = finding(State.PASS, command="unlink", done="deleted", expected_partner_id=None)
    assert render_markdown([gone]).endswith("| none | none | deleted |\n")


def test_nothing_from_elsewhere_breaks_the_xml(tmp_path: Path) -> None:
    (case,) = suite_of([NASTY_FINDING], tmp_path)
    assert "\x1b" not in case.name
    assert "<script>" in case.name


ADDRESSES = (
    "www.evil.example/login",
    "https://evil.example",
    "a@b.example",
    "mailto:a@b.example",
    "xmpp:a@b.example/c",
    "<https://evil.example>",
    "[x](https://evil.example)",
)
HOSTILE = (
    NASTY,
    *ADDRESSES,
    "a\\|b|c`d``e",
    "`",
    "``",
    "` www.evil.example `",
    "a`|`www.evil.example`|`b",
    "\\",
    "```",
    "~~~",
    "x ``` y ```` z",
    "<!--",
    "# x",
    "a&#64;b.example",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_from_elsewhere_becomes_markup(text: str) -> None:
    error = NotLinkedError(text, cause=text, remedy=text, command=text, trace=RequestTrace(text))
    found = finding(State.FAILURE, account=text, tenant=text, linked_to=text, warnings=(text,), error=error)
    written = render_markdown([found, finding(State.PASS, 1)])
    assert "\x1b" not in written
    for shown in (
        github_flavored_markdown_to_html(written, Options.CMARK_OPT_UNSAFE),
        MarkdownIt("commonmark").enable("table").render(written),
    ):
        # Nothing but what the summary itself consists of.
        tags = {"h2", "h3", "table", "thead", "tbody", "tr", "th", "td", "strong", "code", "pre"}
        assert set(re.findall(r"<([a-z0-9]+)", shown)) == tags
        assert shown.count("<td>") == 10
        assert shown.count("<pre") == 1
        codes = re.findall(r"<code[^>]*>(.*?)</code>", shown, re.DOTALL)
        assert len(codes) == 9
        cells = [html.unescape(code) for code in codes[:2]]
        assert cells == [one_line(text).replace("\\|", "\\ |")] * 2


@pytest.mark.parametrize("limit", [0, 1, 100, 200, 500, 1000, 5000, MAX_SUMMARY_BYTES])
def test_the_summary_stays_within_its_limit(limit: int) -> None:
    text = render_markdown([finding(State.FAILURE, number, tenant="Ünï" * 10) for number in range(3000)], limit)
    assert len(text.encode()) <= limit
    if 100 < limit < MAX_SUMMARY_BYTES:
        assert "left out" in text
        assert text.endswith("\n")


@pytest.mark.parametrize(
    ("findings", "headline"),
    [
        (ALL_THREE[:1], "linked as expected"),
        (ALL_THREE[:1] * 2, "all 2 accounts are linked as expected"),
        (ALL_THREE[1:2], "not as expected"),
        (ALL_THREE[2:], "could not be checked"),
        (ALL_THREE, "1 passed, 1 failed, 1 could not be checked"),
    ],
)
def test_the_headline_counts(findings: list[Finding], headline: str) -> None:
    assert render_markdown(findings).splitlines()[0] == f"## pallink verify: {headline}"


def test_annotations_are_escaped() -> None:
    error = SignInError("50% of\r\nthis", cause="a, b: c; d]")
    found = [finding(State.ERROR, error=error, account="svc@contoso.com", warnings=("w\n::error::x",))]
    assert render_github(found) == [
        "::error title=pallink verify%3A SignIn::svc@contoso.com: 50%25 of%0Acause: a, b: c%0Acause: d]",
        "::warning title=pallink verify::svc@contoso.com: w%0A: :error::x",
    ]
    assert render_azure_pipelines(found, with_warnings=False) == [
        "##vso[task.logissue type=error;code=SignIn]svc@contoso.com: 50%AZP25 of%0Acause: a, b: c%0Acause: d]",
    ]
    assert render_summary_upload("C:\\a%b\\x.md") == "##vso[task.uploadsummary]C:\\a%AZP25b\\x.md"


@pytest.mark.parametrize("lines", [render_github, render_azure_pipelines])
def test_a_hostile_name_starts_no_command(lines: object) -> None:
    assert callable(lines)
    for line in lines([NASTY_FINDING]):
        assert "\n" not in line
        assert line.count("##vso[") == line.startswith("##vso[")
        assert "##[" not in line
        assert "\x1b" not in line
        assert len(line) < 15_000


@pytest.mark.parametrize("lines", [render_github, render_azure_pipelines])
@pytest.mark.parametrize("count", [9, 10, 11, 5000])
def test_annotations_stay_within_what_is_shown(lines: object, count: int) -> None:
    assert callable(lines)
    found = [finding(State.FAILURE, number, warnings=("w",)) for number in range(count)]
    written = lines(found)
    assert len(written) == 2 * min(count, MAX_ANNOTATIONS)
    if count > MAX_ANNOTATIONS:
        assert f"and {count - MAX_ANNOTATIONS + 1} more" in written[MAX_ANNOTATIONS - 1]


def test_what_could_not_be_checked_is_no_failure() -> None:
    for error, state in (
        (SignInError("x"), State.ERROR),
        (UnreachableError("x"), State.ERROR),
        (NotLinkedError("x"), State.FAILURE),
        (LinkedElsewhereError("x", linked_partner_id="1", wanted_partner_id="2"), State.FAILURE),
    ):
        assert finding_from_error(error, Settings(account="a@b.c"), "verify", "719878").state is state
    assert (
        finding_from_error(SignInError("x"), None, "verify", "719878").name == "the account is linked to partner 719878"
    )


def test_what_a_step_wrote_before_counts_for_the_limit(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_bytes(b"x" * (MAX_SUMMARY_BYTES - 300))
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    told: list[str] = []
    assert publish([finding(State.FAILURE)] * 50, junit_file=None, environ=environ, write_line=told.append) == ()
    assert MAX_SUMMARY_BYTES - 300 < summary.stat().st_size <= MAX_SUMMARY_BYTES
    assert len(told) == MAX_ANNOTATIONS
    summary.write_bytes(b"x" * (MAX_SUMMARY_BYTES + 1))
    publish([finding(State.FAILURE)], junit_file=None, environ=environ, write_line=told.append)
    assert summary.stat().st_size == MAX_SUMMARY_BYTES + 1


@pytest.mark.skipif(os.name != "posix", reason="Windows has no limit on the size of a file")
def test_a_summary_that_does_not_fit_on_the_disk_leaves_no_files(tmp_path: Path) -> None:
    environ = {"TF_BUILD": "True", "AGENT_TEMPDIRECTORY": str(tmp_path)}
    with full_disk():
        failures = publish([finding(State.FAILURE)], junit_file=None, environ=environ, write_line=lambda _line: None)
    assert [failure.partition(" to ")[0] for failure in failures] == ["the summary could not be written"]
    assert list(tmp_path.iterdir()) == []
