"""`verify` and writes as CI systems run them: reports, annotations, summaries, and when they cannot be written."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml

from pallink.sandbox import Sandbox, home
from tests.cli.test_settling import answering
from tests.harness import Pallink, Traffic

LACKS_READER = "719878 --account newhire@contoso.com"
AS_ANOTHER = (
    "--auth client-secret --client-id 6be1d7c7-4712-4123-a241-8b8918c455f9"
    " --account 22222222-2222-4222-8222-222222222222"
)


def outcome_of(path: Path) -> type | None:
    """The class of what junitparser sees: None for a pass."""
    (suite,) = JUnitXml.fromfile(str(path))
    (case,) = suite
    return type(case.result[0]) if case.result else None


def test_the_three_states_in_junit(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    report = tmp_path / "reports" / "pallink.xml"
    words = f"verify 719878 --junit {report}"
    assert in_sandbox(words).code == 3
    assert outcome_of(report) is Failure
    in_sandbox("link 6183402")
    assert in_sandbox(words).code == 5
    assert outcome_of(report) is Failure
    in_sandbox("update 719878")
    assert in_sandbox(words).code == 0
    assert outcome_of(report) is None
    assert in_sandbox(f"{words} --account newhire@contoso.com --role-check require").code == 3
    assert outcome_of(report) is Failure
    assert in_sandbox(f"{words} --account nobody@contoso.com").code == 4
    assert outcome_of(report) is Error
    traffic.fail("GET", "/partners", answering(403, b'{"error": {"code": "AuthorizationFailed", "message": "no"}}'))
    assert in_sandbox(words).code == 6
    assert outcome_of(report) is Error
    traffic.fail(
        "GET", "roleAssignments", answering(403, b'{"error": {"code": "AuthorizationFailed", "message": "no"}}')
    )
    assert in_sandbox(f"{words} --role-check require").code == 6
    assert outcome_of(report) is Error, "a role that could not be read was reported as checked"


def test_a_wrong_partner_id_is_reported_too(in_sandbox: Pallink, tmp_path: Path) -> None:
    report = tmp_path / "pallink.xml"
    assert in_sandbox("verify", "abc", "--junit", str(report)).code == 2
    assert outcome_of(report) is Error


def test_a_defect_is_reported_too(in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pallink.session.not_linked_error", None)
    report = tmp_path / "pallink.xml"
    assert in_sandbox(f"verify 719878 --junit {report}").code == 1
    assert outcome_of(report) is Error


def test_the_variable_names_the_report(in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALLINK_JUNIT", str(tmp_path / "junit.xml"))
    in_sandbox("verify 719878")
    assert outcome_of(tmp_path / "junit.xml") is Failure


def test_github_gets_annotations_and_a_summary(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    failed = in_sandbox("verify 719878 --account newhire@contoso.com -o json")
    assert failed.code == 3
    error, warning, last = failed.stderr.splitlines()
    assert error.startswith("::error title=pallink verify%3A NotLinked::not linked: newhire@contoso.com has no link")
    assert warning.startswith("::warning title=pallink verify::newhire@contoso.com: the Reader role is missing")
    assert json.loads(last)["exitCode"] == 3
    assert json.loads(failed.stdout)["matches"] is False
    text = summary.read_text("utf-8")
    assert text.startswith("before\n## pallink verify: not as expected\n")
    assert "| `newhire@contoso.com` | `Contoso" in text
    assert "\x1b" not in text + failed.stderr

    in_sandbox("link 719878")
    passed = in_sandbox("verify 719878 --quiet")
    assert (passed.code, passed.stderr) == (0, "")
    assert "## pallink verify: linked as expected" in summary.read_text("utf-8")


def test_azure_pipelines_gets_issues_and_a_summary(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_BUILD", "True")
    monkeypatch.setenv("AGENT_TEMPDIRECTORY", str(tmp_path))
    failed = in_sandbox("verify 719878")
    assert failed.code == 3
    issue, upload = [line for line in failed.stderr.splitlines() if line.startswith("##vso[")]
    assert issue.startswith(
        "##vso[task.logissue type=error;code=NotLinked]not linked: invoices@contoso.com has no link"
    )
    path = Path(upload.removeprefix("##vso[task.uploadsummary]"))
    assert path.is_relative_to(tmp_path)
    assert path.read_text("utf-8").startswith("## pallink verify: not as expected")

    in_sandbox("link 719878")
    assert "##vso[task.uploadsummary]" in in_sandbox("verify 719878").stderr
    quiet = in_sandbox("verify 719878 --quiet")
    assert (quiet.code, quiet.stderr) == (0, "")


def test_junit_says_when_and_how_long(in_sandbox: Pallink, tmp_path: Path) -> None:
    in_sandbox(f"verify 719878 --junit {tmp_path / 'junit.xml'}")
    (suite,) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert datetime.fromisoformat(suite.timestamp).tzinfo is not None
    assert suite.time >= 0
    assert [case.time for case in suite] == [suite.time]


@pytest.mark.parametrize(
    ("words", "code", "headline", "row"),
    [
        ("link 719878", 0, "link: created", "`719878` | `719878 (Mekorma)` | created |"),
        (
            "link 719878 --dry-run",
            0,
            "link: created (dry run: nothing was written)",
            "| `719878` | none | created (dry",
        ),
        ("link 6183402 --replace", 0, "link: created", "| `6183402` | `6183402 (Fourth Coffee"),
        ("update 719878", 3, "update: failed", "`719878` | none | **failed** |"),
        ("unlink --yes", 0, "unlink: unchanged", "| none | none | unchanged |"),
        ("link abc", 2, "link: failed", "`abc` | unknown | **failed** |"),
    ],
)
def test_a_write_adds_to_the_summary(
    in_sandbox: Pallink,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    words: str,
    code: int,
    headline: str,
    row: str,
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = in_sandbox(words)
    assert done.code == code
    text = summary.read_text("utf-8")
    assert text.startswith(f"## pallink {headline}\n")
    assert row in text
    assert ("::error title=pallink " in done.stderr) is (code != 0)
    monkeypatch.delenv("GITHUB_ACTIONS")
    monkeypatch.setenv("TF_BUILD", "True")
    monkeypatch.setenv("AGENT_TEMPDIRECTORY", str(tmp_path))
    assert "##vso[task.uploadsummary]" in in_sandbox(words).stderr


def test_a_link_that_is_anothers_says_so_in_the_summary(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_sandbox("link 6183402")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert in_sandbox("link 719878").code == 5
    assert "| `719878` | `6183402` | **failed** |" in (tmp_path / "summary.md").read_text("utf-8")


@pytest.mark.parametrize(("system", "step"), [("GITHUB_ACTIONS", "action"), ("TF_BUILD", "template")])
@pytest.mark.parametrize("output", ["table", "json"])
def test_what_the_action_and_the_template_advise_can_be_done_there(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, system: str, step: str, output: str
) -> None:
    for name, value in {system: "true", "PALLINK_ACTION_HOME": "/job", "AGENT_TEMPDIRECTORY": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    report = tmp_path / "junit.xml"
    for words, code in (("verify 719878", 3), ("show", 3), ("update 719878", 3)):
        done = in_sandbox(f"{words} -o {output}")
        assert done.code == code
        assert f"run the {step} with command: link" in done.stderr
        assert "pallink link" not in done.stderr
    in_sandbox("link 6183402")
    for words in ("verify 719878", "link 719878"):
        done = in_sandbox(f"{words} -o {output}")
        assert done.code == 5
        assert f"run the {step} with command: update" in done.stderr
        assert "pallink update" not in done.stderr
    in_sandbox(f"verify 719878 --junit {report}")
    assert f"run the {step} with command: update" in report.read_text("utf-8")


def test_outside_ci_nobody_is_told(in_sandbox: Pallink, tmp_path: Path) -> None:
    failed = in_sandbox("verify 719878")
    assert "::error" not in failed.stderr
    assert "##vso" not in failed.stderr
    assert list(tmp_path.glob("*.md")) == []


def _folder(tmp_path: Path) -> str:
    return str(tmp_path)


def _below_a_file(tmp_path: Path) -> str:
    (tmp_path / "file").write_text("")
    return str(tmp_path / "file" / "junit.xml")


def _full_disk(_tmp_path: Path) -> str:
    if not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    return "/dev/full"


def _fifo(tmp_path: Path) -> str:
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no FIFOs")
    os.mkfifo(tmp_path / "fifo")
    return str(tmp_path / "fifo")


@pytest.fixture
def full_fifo(tmp_path: Path) -> Iterator[str]:
    """A FIFO with a reader that does not read, and no room."""
    path = _fifo(tmp_path)
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"x" * 4096)
    yield path
    os.close(descriptor)


def _unwritable(tmp_path: Path) -> str:
    path = tmp_path / "kept.xml"
    path.write_text("")
    path.chmod(0o400)
    if os.access(path, os.W_OK):  # root may write to anything
        pytest.skip("nothing is unwritable for this user")
    return str(path)


@pytest.mark.parametrize("where", [_folder, _below_a_file, _full_disk, _unwritable, _fifo])
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_report_that_cannot_be_written_changes_no_verdict(
    in_sandbox: Pallink, tmp_path: Path, where: Callable[[Path], str], output: str
) -> None:
    words = ["verify", "719878", "--junit", where(tmp_path), "--quiet", "-o", output]
    failed = in_sandbox(*words)
    assert failed.code == 3
    assert "the JUnit report could not be written to" in failed.stderr
    assert "Traceback" not in failed.stderr
    if output == "json":
        assert json.loads(failed.stderr)["warnings"]
    in_sandbox("link 719878")
    passed = in_sandbox(*words)
    assert passed.code == 0
    assert passed.stderr.startswith("warning: the JUnit report could not be written to ")


def test_a_fifo_that_is_full_holds_no_report_up(
    in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch, full_fifo: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", full_fifo)
    failed = in_sandbox("verify", "719878", "--junit", full_fifo)
    assert failed.code == 3
    assert f"the JUnit report could not be written to {full_fifo}" in failed.stderr
    assert f"the summary could not be written to {full_fifo}" in failed.stderr


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="there is no null device")
def test_a_report_may_go_to_a_device(in_sandbox: Pallink) -> None:
    assert "could not be written" not in in_sandbox("verify 719878 --junit /dev/null").stderr


def test_a_summary_that_cannot_be_written_changes_no_verdict(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_sandbox("link 719878")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    monkeypatch.setenv("TF_BUILD", "True")
    monkeypatch.setenv("AGENT_TEMPDIRECTORY", str(tmp_path / "missing"))
    done = in_sandbox("verify 719878")
    assert done.code == 0
    assert done.stderr.count("warning: the summary could not be written to ") == 2


@pytest.mark.parametrize("who", ["", "--account invoices@contoso.com"])
def test_a_test_case_has_one_name_however_it_ends(in_sandbox: Pallink, tmp_path: Path, who: str) -> None:
    """CI systems track a test by its name: one that fails must not be another one than the one that passed."""
    report = tmp_path / "junit.xml"

    def name_of_case(partner: str, code: int) -> str:
        assert in_sandbox("verify", partner, *who.split(), "--junit", str(report)).code == code
        return str(next(iter(next(iter(JUnitXml.fromfile(str(report)))))).name)

    names = {name_of_case("719878", 3)}
    assert in_sandbox("link 719878").code == 0
    names.add(name_of_case("719878", 0))
    assert "account: invoices@contoso.com" in report.read_text("utf-8")
    Sandbox(home()).set("sign-in-error", "50076")
    names.add(name_of_case("719878", 4))
    assert names == {f"{who.removeprefix('--account ') or 'the account'} is linked to partner 719878"}
    assert name_of_case("", 2).endswith(" is linked to partner ")


@pytest.mark.parametrize(
    ("system", "words", "told"),
    [
        ("GITHUB_ACTIONS", f"link {LACKS_READER}", "unless PALLINK_ROLE_CHECK is warn or skip"),
        ("TF_BUILD", f"link {LACKS_READER}", "unless PALLINK_ROLE_CHECK is warn or skip"),
        ("GITHUB_ACTIONS", "verify 719878 --tenant nosuch.example", "and that input cloud is"),
        ("TF_BUILD", "verify 719878 --tenant nosuch.example", "and that parameter cloud is"),
        ("GITHUB_ACTIONS", f"verify 719878 {AS_ANOTHER}", "correct input client-id, or input account"),
        ("GITHUB_ACTIONS", "verify 719878 --auth browser --no-input", "method that needs no prompt (input auth)"),
        ("TF_BUILD", f"verify 719878 {AS_ANOTHER}", "correct parameter serviceConnection, or parameter account"),
    ],
)
def test_in_the_action_and_the_template_hints_name_inputs(
    in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, system: str, words: str, told: str
) -> None:
    for name, value in {
        system: "true",
        "PALLINK_ACTION_HOME": "/job",
        "AGENT_TEMPDIRECTORY": str(tmp_path),
        "AZURE_TENANT_ID": "contoso.onmicrosoft.com",
        "AZURE_CLIENT_SECRET": "sandbox-onboarding-secret",
    }.items():
        monkeypatch.setenv(name, value)
    refused = in_sandbox(words)
    assert refused.code in (4, 6)
    assert told in refused.stderr
    assert "pallink login" not in refused.stderr
