"""What fleet commands write: for people, for programs, and for CI systems."""

import csv
import io
import json
import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from pallink.cli import progress
from pallink.errors import NotLinkedError, NotRunError, OutputError, SignInError
from pallink.fleet.entry import Entry, LinkState
from pallink.fleet.result import ATTENTION, EntryResult, Outcome, count_outcomes
from pallink.output import Terminal
from pallink.output.fleet_table import render_results, totals_line
from tests.cli.test_settling import Handle
from tests.fleet.files import SEED, USERS, last_error, records, write_fleet
from tests.harness import Pallink, Stream, Traffic

INVOICES = "invoices@contoso.com"
OTHERS = ("newhire", "auditor", "billing", "operator", "delegate", "archive", "reports", "owner")
"""Further users of the sandbox's Contoso, who do not all hold Reader."""

MANY = [f"account: {name}@contoso.com, role-check: skip" for name in (*USERS, *OTHERS)]
NO_READER = [f"account: {name}@contoso.com" for name in OTHERS[:6]]

FIELDS = [
    *("name", "outcome", "exitCode", "cloud", "account", "accountKind", "objectId", "tenantId", "tenantName"),
    *("partnerId", "partnerName", "state", "version", "createdTime", "updatedTime", "id", "role"),
]


@pytest.fixture(autouse=True)
def no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


# For programs.


def test_json(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, SEED[0], "account: newhire@contoso.com")
    done = in_sandbox(f"fleet apply {file} --yes -o json")
    assert list(done.json) == ["run", "totals", "warnings", "entries"]
    assert done.json["warnings"] == []
    assert list(done.json["totals"]) == ["accounts", *Outcome]
    assert done.json["totals"]["accounts"] == sum(done.json["totals"][outcome] for outcome in Outcome) == 2
    first, second = done.json["entries"]
    assert list(first)[: len(FIELDS)] == list(second)[: len(FIELDS)] == FIELDS
    assert list(first)[-2:] == list(second)[-2:] == ["warnings", "error"]
    assert (first["exitCode"], first["action"], first["error"], first["state"]) == (0, "created", None, "Active")
    assert (second["exitCode"], second["error"]["code"], second["error"]["link"]) == (6, "ReaderRole", "unchanged")
    error = last_error(done)
    assert (error["code"], error["exitCode"], error["link"]) == ("AccountsFailed", 8, None)
    assert error["warnings"] == ["this is pallink's embedded sandbox, not Azure"]
    for command in ("plan", "verify"):
        assert in_sandbox(f"fleet {command} {file} -o json").json["run"] is None


def test_jsonl_writes_a_line_as_soon_as_an_account_is_done(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path
) -> None:
    def look(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        del request
        assert isinstance(sys.stdout, Stream)
        seen.append(len(sys.stdout.text.splitlines()))
        return handle()

    seen: list[int] = []
    for _ in SEED:
        traffic.fail("PUT", "partners", look)
    done = in_sandbox(f"fleet apply {write_fleet(tmp_path, *SEED)} --yes --concurrency 1 -o jsonl")
    assert seen == [0, 1, 2]
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert [entry["outcome"] for entry in entries] == ["created"] * 3


@pytest.mark.parametrize(
    ("options", "stdout"),
    [
        ("-o none", ""),
        ("-o yaml --query totals.created", "3\n"),
        ("-o tsv --query entries[].[name,outcome]", "".join(f"{name}\tcreated\n" for name in (
            INVOICES, "svc_approvers@contoso.com", "payments@contoso.com"))),
        ("--query totals.accounts -o json", "3\n"),
        ("--query entries[0].partnerId -o jsonl", '"719878"\n'),
    ],
)  # fmt: skip
def test_other_formats(in_sandbox: Pallink, tmp_path: Path, options: str, stdout: str) -> None:
    done = in_sandbox(f"fleet apply {write_fleet(tmp_path, *SEED)} --yes {options}")
    assert (done.code, done.stdout) == (0, stdout)


def test_tsv_has_a_line_for_each_account(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, SEED[0], "account: newhire@contoso.com")
    rows = [line.split("\t") for line in in_sandbox(f"fleet verify {file} -o tsv").stdout.splitlines()]
    assert [row[:2] for row in rows] == [[INVOICES, "differs"], ["newhire@contoso.com", "differs"]]
    assert rows[1][-1].startswith("not linked: newhire@contoso.com has no link in tenant Contoso")


def test_an_invalid_query_is_refused_before_anything_is_sent(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path
) -> None:
    refused = in_sandbox(f"fleet apply {write_fleet(tmp_path, *SEED)} --yes --query entries[")
    assert refused.code == 2
    assert traffic.sent == []


# For people.


def test_in_a_pipe_there_is_a_line_for_each_account(in_sandbox: Pallink, tmp_path: Path) -> None:
    done = in_sandbox(f"fleet apply {write_fleet(tmp_path, *SEED)} --yes --concurrency 1")
    assert done.stderr == (
        "sandbox: this is pallink's embedded sandbox, not Azure\n"
        "created  invoices@contoso.com  Contoso  none -> 719878\n"
        "created  svc_approvers@contoso.com  Contoso  none -> 719878\n"
        "created  payments@contoso.com  Contoso  none -> 6183402\n"
    )


def test_quiet(in_sandbox: Pallink, tmp_path: Path) -> None:
    assert in_sandbox(f"fleet apply {write_fleet(tmp_path, *SEED)} --yes -q").stderr == ""
    file = write_fleet(tmp_path, "account: newhire@contoso.com")
    assert in_sandbox(f"fleet apply {file} --yes -q").stderr.splitlines()[0] == (
        "error: could not complete 1 of 1 account"
    )


def test_a_terminal_shows_progress_and_as_many_accounts_as_there_are_rows(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_MIN_WAIT", 0)
    monkeypatch.setenv("LINES", "17")
    monkeypatch.setenv("COLUMNS", "300")
    file = write_fleet(tmp_path, *MANY)
    done = in_sandbox(f"fleet verify {file} --exclude name=owner*", tty=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 11 + 3
    assert lines[11:] == ["... and 2 more", "", "13 accounts: 13 differs"]
    assert (
        f"note: all accounts are shown by pallink fleet verify {file} --exclude 'name=owner*' --cloud sandbox -o tsv\n"
        in done.stderr
    )
    assert "[#-----------------------]  1 of 13 done, 1 needs attention, " in done.stderr
    assert "[########################]  13 of 13 done" in done.stderr
    applied = in_sandbox(f"fleet apply {file} --yes", tty=True)
    assert "all accounts are shown by pallink fleet runs 2" in applied.stderr
    elsewhere = in_sandbox("fleet", "apply", file, "--yes", "--run-dir", str(tmp_path / "a run"), tty=True)
    assert f"all accounts are shown by pallink fleet runs '{tmp_path / 'a run'}'\n" in elsewhere.stderr
    monkeypatch.setenv("LINES", "100")
    assert len(in_sandbox(f"fleet verify {file}", tty=True).stdout.splitlines()) == 14 + 2


def test_a_narrow_terminal(in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = in_sandbox(f"fleet plan {write_fleet(tmp_path, *SEED, NO_READER[0])}", tty=True)
    lines = shown.stdout.splitlines()
    assert max(map(len, lines)) <= 39
    assert lines[0] == "?  newhire@contoso.com        contos..."
    assert lines[-2:] == ["4 accounts: 3 to create, 1 could not be", "read"]


def test_only_the_first_failures_are_explained(in_sandbox: Pallink, tmp_path: Path) -> None:
    done = in_sandbox(f"fleet apply {write_fleet(tmp_path, *NO_READER)} --yes")
    assert done.code == 8
    assert [line for line in done.stderr.splitlines() if line.startswith("account: ")] == [
        f"account: {name}@contoso.com in contoso.onmicrosoft.com" for name in OTHERS[:5]
    ]
    assert done.stdout.count("failed ") == 6


@pytest.mark.parametrize("options", ["-q -o none", "-q -o tsv --query totals.failed", "-o none"])
def test_without_a_table_stderr_names_the_accounts(in_sandbox: Pallink, tmp_path: Path, options: str) -> None:
    """A check that mails what it writes has to say what is wrong."""
    assert in_sandbox(f"fleet apply {write_fleet(tmp_path, SEED[1])} --yes").code == 0
    done = in_sandbox(f"fleet verify {write_fleet(tmp_path, *SEED[:2], *NO_READER[:1])} --no-input {options}")
    assert done.code == 9
    lines = done.stderr.splitlines()
    assert [line for line in lines if line.startswith("account: ")] == [
        f"account: {name} in contoso.onmicrosoft.com" for name in (INVOICES, "newhire@contoso.com")
    ]
    assert f"error: not linked: {INVOICES} has no link in tenant Contoso" in lines
    assert "error: not linked: newhire@contoso.com has no link in tenant Contoso" in lines
    assert f"    pallink link 719878 --cloud sandbox --account {INVOICES} --tenant contoso.onmicrosoft.com" in lines


def test_without_a_table_the_first_accounts_are_named(in_sandbox: Pallink, tmp_path: Path) -> None:
    """Those that failed come before those that differ."""
    file = write_fleet(tmp_path, *MANY[:6], "account: former@contoso.com")
    done = in_sandbox(f"fleet verify {file} -q -o none")
    assert done.code == 8
    named = [line for line in done.stderr.splitlines() if line.startswith(("account: ", "note: "))]
    assert len(named) == 6
    assert (named[0], named[-1]) == ("account: former@contoso.com in contoso.onmicrosoft.com", "note: and 2 more")


def test_a_silent_check_is_silent_if_all_is_well(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, *SEED)
    assert in_sandbox(f"fleet apply {file} --yes").code == 0
    done = in_sandbox(f"fleet verify {file} --no-input -q -o none")
    assert (done.code, done.stdout, done.stderr) == (0, "", "")


def test_another_partners_link_is_named_in_full(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal's table has no room for its name."""
    monkeypatch.setenv("COLUMNS", "80")
    assert in_sandbox(f"link 6183402 --account {INVOICES} --yes").code == 0
    done = in_sandbox(f"fleet apply {write_fleet(tmp_path, SEED[0])} --yes", tty=True)
    assert done.code == 8
    assert "Fourth Coffee" not in done.stdout
    assert f"account: {INVOICES} in contoso.onmicrosoft.com\n" in done.stderr
    assert "6183402 (Fourth Coffee Consulting)" in done.stderr


def test_a_small_fleet_shows_progress_after_a_second(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_fleet(tmp_path, *SEED)
    assert "1 of 3 done" not in in_sandbox(f"fleet verify {file}", tty=True).stderr
    monkeypatch.setattr(progress, "_MIN_WAIT", 0)
    assert (
        "[########----------------]  1 of 3 done, 1 needs attention"
        in in_sandbox(f"fleet verify {file}", tty=True).stderr
    )


def entry(name: str, **named: object) -> Entry:
    stated: dict[str, Any] = {"partner_id": "719878", **named}
    return Entry(name=name, account=name, tenant="contoso.com", line=1, **stated)


def result(outcome: Outcome, name: str = "a@contoso.com", **fields: object) -> EntryResult:
    error = None if outcome in (Outcome.CREATED, Outcome.UNCHANGED) else NotLinkedError("not linked")
    return EntryResult(entry=entry(name), outcome=outcome, fields=fields, error=error)


def test_those_that_need_attention_come_first() -> None:
    results = [result(outcome) for outcome in reversed(ATTENTION)]
    lines = render_results(results, is_plan=False).splitlines()
    assert [line.split()[0] for line in lines[:-2]] == [outcome.value for outcome in ATTENTION]
    assert count_outcomes(results) == {"accounts": len(Outcome)} | dict.fromkeys(map(str, Outcome), 1)


@pytest.mark.parametrize(
    ("results", "line"),
    [
        ([], "0 accounts"),
        ([result(Outcome.CREATED)], "1 account: 1 created"),
        (
            [result(Outcome.UNCHANGED), result(Outcome.UNCHANGED, "b@contoso.com")] * 600,
            "1,200 accounts: 1200 unchanged",
        ),
        ([result(Outcome.FAILED), result(Outcome.CREATED, "b@contoso.com")], "2 accounts: 1 created, 1 failed"),
        # All of one account.
        ([result(Outcome.FAILED), result(Outcome.CREATED)], "2 tenants: 1 created, 1 failed"),
    ],
)
def test_the_totals(results: Sequence[EntryResult], line: str) -> None:
    assert totals_line(results, is_plan=False) == line


def test_what_is_shown_is_one_line_without_control_characters() -> None:
    hostile = result(Outcome.UNCHANGED, "a\nb\x1b[31m\u202ec", tenantName="x\r\ny", partnerId="719878")
    shown = render_results([hostile], is_plan=False)
    assert len(shown.splitlines()) == 3
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_the_reason_of_an_account_that_was_not_run() -> None:
    error = NotRunError("not run", cause="the run was interrupted")
    shown = EntryResult(entry=entry("a"), outcome=Outcome.NOT_RUN, fields={}, error=error)
    assert render_results([shown], is_plan=False).splitlines()[0].endswith("the run was interrupted")
    signed_out = EntryResult(entry=entry("a"), outcome=Outcome.NEEDS_SIGN_IN, fields={}, error=SignInError("no"))
    assert render_results([signed_out], is_plan=True).startswith("!  a  contoso.com  ? -> 719878  needs a sign-in\n")


@pytest.mark.parametrize(
    ("outcome", "wanted", "fields", "cell"),
    [
        (Outcome.NEEDS_SIGN_IN, {}, {}, "? -> 719878  needs a sign-in"),
        (Outcome.FAILED, {}, {}, "? -> 719878"),
        (Outcome.NOT_RUN, {"state": LinkState.UNLINKED}, {}, "? -> none"),
        (Outcome.UNKNOWN, {"partner_id": "314159"}, {}, "? -> 314159"),
        (Outcome.FAILED, {"partner_id": None}, {}, "?"),
        (Outcome.FAILED, {}, {"partnerId": "719878"}, "719878"),
        (Outcome.DIFFERS, {}, {"partnerId": "719878"}, "719878"),
        (Outcome.DIFFERS, {}, {}, "none, not 719878"),
        (Outcome.DIFFERS, {"state": LinkState.UNLINKED}, {"partnerId": "719878"}, "719878, not none"),
        (Outcome.NEEDS_REPLACE, {}, {"partnerId": "314159"}, "314159, not 719878"),
        (Outcome.CREATED, {}, {"partnerId": "719878"}, "none -> 719878"),
        (Outcome.DELETED, {}, {"previousPartnerId": "719878"}, "719878 -> none"),
        (Outcome.UNCHANGED, {"partner_id": None}, {}, "none"),
    ],
)
def test_a_link_that_was_not_read_is_a_question_mark(
    outcome: Outcome, wanted: dict[str, object], fields: dict[str, object], cell: str
) -> None:
    shown = EntryResult(entry=entry("a", **wanted), outcome=outcome, fields=fields)
    assert render_results([shown], is_plan=False).splitlines()[0] == f"{outcome.value}  a  contoso.com  {cell}"


# Reports.


HOSTILE = (
    r'account: invoices@contoso.com, name: "=HYPERLINK(\"x\")"',
    r'account: svc_approvers@contoso.com, name: "a | <b>&\nx"',
    "account: newhire@contoso.com, name: no-reader",
)


def test_reports(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, *HOSTILE)
    folder = tmp_path / "reports"
    files = f"--junit {folder}/a.xml --markdown {folder}/a.md --csv {folder}/a.csv"
    assert in_sandbox(f"fleet apply {file} --yes {files}").code == 8

    suite = ET.parse(folder / "a.xml").getroot()[0]  # noqa: S314 - it is ours
    assert (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors")) == (
        "pallink fleet apply", "3", "0", "1"
    )  # fmt: skip
    assert [case.get("name") for case in suite] == [
        '=HYPERLINK("x") in contoso.onmicrosoft.com is linked to partner 719878',
        "a | <b>& in contoso.onmicrosoft.com is linked to partner 719878",
        "no-reader in contoso.onmicrosoft.com is linked to partner 719878",
    ]
    assert suite[2][0].tag == "error"

    markdown = (folder / "a.md").read_text()
    assert markdown.startswith("## pallink fleet apply: 2 passed, 0 failed, 1 could not be checked\n")
    assert "| `a \\| <b>&` | `Contoso (8fe81352-b317-4e31-9d5b-b42cafcd167c)` |" in markdown
    assert markdown.count("| created |") == 2

    content = (folder / "a.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [row["name"] for row in rows] == ['\'=HYPERLINK("x")', "a | <b>& x", "no-reader"]
    assert [row["outcome"] for row in rows] == ["created", "created", "failed"]
    assert rows[2]["error"].startswith("the Reader role is missing")


def test_a_report_that_cannot_be_written_changes_no_exit_code(in_sandbox: Pallink, tmp_path: Path) -> None:
    file, folder = write_fleet(tmp_path, SEED[0]), tmp_path / "folder"
    folder.mkdir()
    for command, code in ((f"apply {file} --yes", 0), (f"verify {file}", 0), (f"verify {file} --exclude name=x", 0)):
        done = in_sandbox(f"fleet {command} --csv {tmp_path} --junit {folder}")
        assert done.code == code
        assert f"warning: the CSV report could not be written to {tmp_path}: " in done.stderr
        assert f"warning: the JUnit report could not be written to {folder}: " in done.stderr
    failed = in_sandbox(f"fleet verify {write_fleet(tmp_path, NO_READER[0])} --csv {tmp_path} -o json")
    assert failed.code == 9
    assert str(last_error(failed)["warnings"]).count("could not be written") == 1


def test_github_actions(in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    file = write_fleet(tmp_path, *MANY)
    differs = in_sandbox(f"fleet verify {file}")
    assert differs.code == 9
    errors = [line for line in differs.stderr.splitlines() if line.startswith("::error ")]
    assert len(errors) == 10
    assert errors[0].startswith(
        "::error title=pallink fleet verify%3A NotLinked::not linked: payments@contoso.com has no link"
    )
    assert errors[-1] == "::error title=pallink fleet verify::and 5 more: see the log and the report"
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("## pallink fleet verify: 0 passed, 14 failed, 0 could not be checked\n")
    assert in_sandbox(f"fleet apply {file} --yes --markdown {tmp_path / 'summary.md'}").code == 0
    assert (tmp_path / "summary.md").read_text().startswith(summary)
    assert "::error" not in in_sandbox(f"fleet verify {file}").stderr
    assert "all 14 accounts are linked as expected" in (tmp_path / "summary.md").read_text()


def test_azure_pipelines(in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_BUILD", "True")
    monkeypatch.setenv("AGENT_TEMPDIRECTORY", str(tmp_path))
    differs = in_sandbox(f"fleet verify {write_fleet(tmp_path, *MANY)}")
    lines = differs.stderr.splitlines()
    issues = [line for line in lines if line.startswith("##vso[task.logissue type=error")]
    assert len(issues) == 10
    assert issues[-1].endswith("and 5 more: see the log and the report")
    (upload,) = (line for line in lines if line.startswith("##vso[task.uploadsummary]"))
    assert "14 failed" in Path(upload.partition("]")[2]).read_text()


def test_a_full_disk_does_not_end_a_run_that_streams(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[str] = []

    def refuse(_terminal: Terminal, text: str) -> None:
        attempts.append(text)
        raise OutputError("the result cannot be written to stdout: no space left on device")

    file = write_fleet(tmp_path, *SEED)
    with monkeypatch.context() as patched:
        patched.setattr(Terminal, "write", refuse)
        ended = in_sandbox(f"fleet apply {file} --yes --run-dir {tmp_path / 'run'} -o jsonl")
    assert ended.code == 1
    assert last_error(ended)["message"] == "the result cannot be written to stdout: no space left on device"
    assert len(attempts) == 1
    assert traffic.writes() == ["PUT"] * 3
    assert [record["kind"] for record in records(tmp_path / "run")].count("outcome") == 3


REPORTS = {
    "--junit": "a JUnit report",
    "--markdown": "a Markdown summary of pallink",
    "--csv": "a CSV report of pallink",
}


@pytest.mark.parametrize("command", ["check", "verify", "apply --yes"])
@pytest.mark.parametrize("option", REPORTS)
def test_a_report_does_not_overwrite_the_fleet_file(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, option: str, command: str
) -> None:
    file = write_fleet(tmp_path, *SEED)
    before = Path(file).read_text()
    (tmp_path / "report").hardlink_to(file)
    refused = in_sandbox(f"fleet {command} {file} {option} {tmp_path / 'report'}")
    assert refused.code == 2
    assert refused.stderr.endswith(
        f"error: {option} would overwrite {tmp_path / 'report'}\n"
        f"cause: the file exists, and is not {REPORTS[option]}\ncause: nothing was sent\n"
        f"hint: name another file with {option}\n"
    )
    assert Path(file).read_text() == before
    assert traffic.sent == []


@pytest.mark.parametrize(
    ("option", "content", "is_report"),
    [
        ("--csv", '"name","account";"partner"\n', False),
        ("--csv", "\ufeffname;Client-ID;tenant\n", False),
        ("--csv", '{"version": 1, "kind": "pallink fleet plan"}', False),
        ("--csv", "name;outcome;exitCode\n", True),
        ("--csv", "\n", True),
        ("--junit", "<?xml version='1.0'?>\n<project/>\n", False),
        ("--junit", '<testsuite name="another tool"/>', True),
        ("--junit", "<?xml version='1.0'?>\n<!-- by another tool -->\n<testsuites/>", True),
        ("--junit", "<!-- testsuite -->\n<project/>\n", False),
        ("--markdown", "# Minutes\n\n## pallink verify\n", False),
        ("--markdown", "## pallink fleet verify: 1 passed\n", True),
    ],
)
def test_a_report_overwrites_such_reports_alone(
    in_sandbox: Pallink, tmp_path: Path, option: str, content: str, is_report: bool
) -> None:
    existing = tmp_path / "existing"
    existing.write_text(content, "utf-8")
    done = in_sandbox(f"fleet verify {write_fleet(tmp_path, *SEED)} {option} {existing}")
    assert done.code == (9 if is_report else 2)
    assert (existing.read_text("utf-8") == content) is not is_report


def test_verify_overwrites_no_fleet_file(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, *SEED)
    refused = in_sandbox(f"verify 719878 --junit {file}")
    assert (refused.code, f"error: --junit would overwrite {file}\n" in refused.stderr) == (2, True)
    assert (Path(file).read_text()[:8], traffic.sent) == ("version:", [])


@pytest.mark.parametrize("exists", [False, True])
def test_each_report_has_a_file_of_its_own(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, exists: bool) -> None:
    report, other = tmp_path / "report", tmp_path / "folder" / ".." / "report"
    if exists:
        report.touch()
        other = tmp_path / "other"
        other.hardlink_to(report)
    refused = in_sandbox(f"fleet verify {write_fleet(tmp_path, *SEED)} --junit {report} --csv {other}")
    assert refused.code == 2
    assert f"error: --junit and --csv name the same file: {other}\n" in refused.stderr
    assert "hint: name another file with --csv\n" in refused.stderr
    assert traffic.sent == []


def test_all_reports_may_be_discarded(in_sandbox: Pallink, tmp_path: Path) -> None:
    done = in_sandbox(f"fleet verify {write_fleet(tmp_path, *SEED)} --junit {os.devnull} --csv {os.devnull}")
    assert done.code == 9


def test_a_report_takes_the_place_of_an_earlier_one(in_sandbox: Pallink, tmp_path: Path) -> None:
    file, report = write_fleet(tmp_path, *SEED), tmp_path / "report.csv"
    for command in ("verify", "apply --yes"):
        assert "would overwrite" not in in_sandbox(f"fleet {command} {file} --csv {report}").stderr
    assert report.read_text("utf-8").count("created") == len(SEED)
