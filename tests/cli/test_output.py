"""What a person and a program see: tables, JSON, colour, streams."""

import json

import pytest

from tests.exhaustive import combinations
from tests.harness import Pallink

COMMANDS = ("link 719878", "show", "verify 719878", "check", "update 6183402", "whoami", "unlink --yes")

BASE = [
    "cloud",
    "account",
    "accountKind",
    "objectId",
    "tenantId",
    "tenantName",
    "partnerId",
    "partnerName",
    "state",
    "version",
    "createdTime",
    "updatedTime",
    "id",
    "role",
]
WRITE = ["action", "previousPartnerId", "dryRun"]
FIELDS = {
    "link 719878": BASE + WRITE,
    "show": BASE,
    "verify 719878": [*BASE, "expectedPartnerId", "matches"],
    "check": [*BASE, "subscriptions"],
    "update 6183402": BASE + WRITE,
    "whoami": [*BASE[:6], "auth", "stored", "expiresOn"],
    "unlink --yes": BASE + WRITE,
}


def test_json_has_the_same_fields_each_time(in_sandbox: Pallink) -> None:
    for command in COMMANDS:
        done = in_sandbox(f"{command} -o json")
        assert done.code == 0, done.stderr
        assert list(done.json) == FIELDS[command], command
        assert json.loads(done.stdout)["cloud"] == "sandbox"


# By default what turns colours off and what others would turn them on by, with the output that has colours.
@pytest.mark.parametrize(
    ("output", "variable"),
    combinations(
        ["table", "json"],
        ["", "NO_COLOR", "GITHUB_ACTIONS", "PY_COLORS", "CI"],
        default=lambda output, variable: output == "table" and variable in {"", "PY_COLORS", "GITHUB_ACTIONS"},
    ),
)
def test_no_ansi_where_nobody_looks(
    in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch, variable: str, output: str
) -> None:
    if variable:
        monkeypatch.setenv(variable, "1")
    for command in (*COMMANDS, "link abc", "show", "--help"):
        done = in_sandbox(f"{command} -o {output}")
        assert "\x1b" not in done.stdout + done.stderr, command


def test_colour_on_a_terminal_and_none_where_it_is_not_wanted(
    in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = in_sandbox("link 719878 --yes", tty=True)
    assert "\x1b[" in done.stdout
    assert "\x1b[" in done.stderr
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            plain = in_sandbox("show", tty=True)
            assert "\x1b" not in plain.stdout + plain.stderr, name


def test_a_table_says_who_what_and_how_it_went(in_sandbox: Pallink) -> None:
    in_sandbox("link 719878")
    lines = in_sandbox("update 6183402").stdout.splitlines()
    assert lines == [
        "account  invoices@contoso.com (user)",
        "tenant   Contoso (8fe81352-b317-4e31-9d5b-b42cafcd167c)",
        "Reader   yes: Contoso Production: Reader, assigned on the subscription",
        "link     719878 (Mekorma) → 6183402 (Fourth Coffee Consulting)",
        "result   updated",
    ]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
def test_an_encoding_that_cannot_show_an_arrow(in_sandbox: Pallink, encoding: str) -> None:
    done = in_sandbox("link 719878", encoding=encoding)
    assert done.code == 0
    assert "link     none -> 719878 (Mekorma)" in done.stdout
    assert in_sandbox("show -o json", encoding=encoding).json["partnerName"] == "Mekorma"


def test_a_table_fits_a_narrow_terminal(in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    done = in_sandbox("check --account svc_approvers@contoso.com", tty=True)
    assert max(map(len, done.stdout.splitlines())) <= 40


def test_quiet_says_nothing_but_errors(in_sandbox: Pallink) -> None:
    assert in_sandbox("link 719878 --quiet").stderr == ""
    assert in_sandbox("link 6183402 --quiet").stderr.startswith("error: ")


def test_verbose_says_why_and_no_more(in_sandbox: Pallink) -> None:
    verbose = in_sandbox("link 719878 --verbose").stderr
    assert "signing in with sandbox-user, because" in verbose
    assert "https://" not in verbose
    assert "timeline" not in verbose


def test_an_unknown_error_of_the_program_has_no_traceback(in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pallink.session.not_linked_error", None)
    failed = in_sandbox("verify 719878")
    assert failed.code == 1
    assert "error: pallink has a defect: TypeError" in failed.stderr
    assert "hint: report this with what PALLINK_TRACEBACK=1 prints\n" in failed.stderr
    assert "Traceback" not in failed.stderr
    monkeypatch.setenv("PALLINK_TRACEBACK", "1")
    assert "Traceback" in in_sandbox("verify 719878").stderr
