"""`pallink fleet check`: which accounts lack Reader, and what assigns it."""

import shlex
from pathlib import Path

import pytest

from tests.cli.test_formats import validate
from tests.cli.test_settling import answering
from tests.fleet.files import SEED, USERS, error_of, last_error, outcomes, write_fleet
from tests.harness import Pallink, Traffic

INVOICES, APPROVERS, NEW_HIRE = "invoices@contoso.com", "svc_approvers@contoso.com", "newhire@contoso.com"
NEW_HIRE_ID = "0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3"
PRODUCTION = "738477cd-6b20-448f-9a34-9d5592cff509"
CONTOSO = "8fe81352-b317-4e31-9d5b-b42cafcd167c"
COMMAND = f"pallink role assign --to {NEW_HIRE_ID} --subscription {PRODUCTION} --tenant {CONTOSO} --cloud sandbox"


def test_all_hold_reader(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    done = in_sandbox(f"fleet check {write_fleet(tmp_path, *SEED)}")
    assert done.code == 0
    assert done.stdout.splitlines()[0] == f"unchanged  {INVOICES}       Contoso  reader"
    assert {method for method, _ in traffic.sent} == {"GET", "POST"}


def test_what_is_printed_assigns_what_is_missing(in_sandbox: Pallink, pallink: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, SEED[0], f"account: {NEW_HIRE}, subscription: {PRODUCTION}")
    lacking = in_sandbox(f"fleet check {file}")
    assert lacking.code == 9
    assert lacking.stdout.splitlines()[0].split()[:4] == ["differs", NEW_HIRE, "Contoso", "none"]
    *_, error, hint, command = lacking.stderr.splitlines()
    assert error == "error: the Reader role is missing for 1 of 2 accounts"
    assert hint == "hint: have an administrator assign Reader where it is missing"
    assert command.strip() == COMMAND
    assigned = pallink(*shlex.split(command)[1:], "--account", "owner@contoso.com", "--yes")
    assert assigned.code == 0
    assert in_sandbox(f"fleet check {file}").code == 0


def test_a_subscription_that_the_account_does_not_see_yet(
    in_sandbox: Pallink, pallink: Pallink, tmp_path: Path
) -> None:
    file = write_fleet(tmp_path, SEED[0], f"account: {NEW_HIRE}, subscription: [Contoso Development]")
    lacking = in_sandbox(f"fleet check {file}")
    assert lacking.code == 8
    assert "error: the account sees no subscription named 'Contoso Development'" in lacking.stderr
    assert lacking.stderr.splitlines()[-2] == (
        "hint: correct the other errors, and have an administrator assign Reader where it is missing"
    )
    command = lacking.stderr.splitlines()[-1].strip()
    subscription = '--subscription "Contoso Development"'
    assert command == f"pallink role assign --to {NEW_HIRE_ID} {subscription} --tenant {CONTOSO} --cloud sandbox"
    assert pallink(*shlex.split(command)[1:], "--account", "owner@contoso.com", "--yes").code == 0
    assert in_sandbox(f"fleet check {file}").code == 0


def test_the_objects(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, SEED[0], f"account: {NEW_HIRE}, subscription: {PRODUCTION}")
    done = in_sandbox(f"fleet check {file} -o json")
    validate(done.json, "fleet check")
    assert outcomes(done) == {INVOICES: "unchanged", NEW_HIRE: "differs"}
    assert error_of(done, NEW_HIRE)["command"] == COMMAND
    assert error_of(done, NEW_HIRE)["remedy"] == "have an administrator assign Reader"
    assert "unless role-check in the fleet file is warn or skip" in str(error_of(done, NEW_HIRE)["cause"])
    assert (last_error(done)["exitCode"], last_error(done)["command"]) == (9, COMMAND)


def test_many_get_one_command(in_sandbox: Pallink, tmp_path: Path) -> None:
    names = ("invoices", "svc_approvers", "newhire", "owner", "reports", *USERS)
    unseen = "subscription: 11111111-1111-4111-8111-111111111111"
    file = write_fleet(tmp_path, *(f"account: {name}@contoso.com" for name in names), defaults=unseen)
    done = in_sandbox(f"fleet check {file} --select name=*contoso*")
    assert done.code == 9
    command = f"    pallink role assign --fleet {file} --select 'name=*contoso*' --cloud sandbox"
    assert done.stderr.splitlines()[-2:] == ["hint: have an administrator assign Reader where it is missing", command]


def test_a_role_that_only_warns(in_sandbox: Pallink, tmp_path: Path) -> None:
    done = in_sandbox(f"fleet check {write_fleet(tmp_path, f'account: {NEW_HIRE}, role-check: warn')} -o json")
    assert (done.code, outcomes(done)) == (0, {NEW_HIRE: "unchanged"})
    assert "the Reader role is missing" in done.json["entries"][0]["warnings"][0]


def test_what_needs_no_role_is_left_out(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    entries = (f"account: {NEW_HIRE}, role-check: skip", f"account: {APPROVERS}, state: unlinked")
    done = in_sandbox(f"fleet check {write_fleet(tmp_path, SEED[0], *entries)}")
    assert (done.code, done.stdout.splitlines()[-1]) == (0, "1 account: 1 unchanged")
    assert "note: 2 accounts need no role" in done.stderr
    traffic.sent.clear()
    assert in_sandbox(f"fleet check {write_fleet(tmp_path, *entries)}").code == 2
    assert traffic.sent == []


def test_what_could_not_be_checked_comes_first(in_sandbox: Pallink, tmp_path: Path) -> None:
    missing = f"account: {NEW_HIRE}, subscription: {PRODUCTION}"
    done = in_sandbox(f"fleet check {write_fleet(tmp_path, missing, 'account: ghost@contoso.com')}")
    assert done.code == 8
    assert "error: could not check 1 of 2 accounts" in done.stderr
    assert done.stderr.splitlines()[-1].strip() == COMMAND


def test_roles_that_cannot_be_read_are_not_missing(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    traffic.fail("GET", "/subscriptions", answering(403, b'{"error": {"code": "AuthorizationFailed", "message": "x"}}'))
    done = in_sandbox(f"fleet check {write_fleet(tmp_path, SEED[0])} -o json")
    assert (done.code, outcomes(done)) == (8, {INVOICES: "failed"})


def test_an_eligible_role_is_activated_and_not_assigned(in_sandbox: Pallink, tmp_path: Path) -> None:
    done = in_sandbox(f"fleet check {write_fleet(tmp_path, 'account: auditor@contoso.com')} -o json")
    assert done.code == 9
    assert last_error(done)["remedy"] == "activate Reader where the account is eligible for it"
    assert str(last_error(done)["command"]).startswith("pallink sandbox activate ")
    both = in_sandbox(f"fleet check {write_fleet(tmp_path, 'account: auditor@contoso.com', f'account: {NEW_HIRE}')}")
    assert (
        "\nhint: have an administrator assign Reader where it is missing,"
        " or activate it where the account is eligible for it\n    pallink sandbox activate "
    ) in both.stderr


def test_many_eligible_roles_are_not_assigned(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pallink.cli.commands.fleet_check._MAX_COMMANDS", 0)
    auditor = "account: auditor@contoso.com"
    done = in_sandbox(f"fleet check {write_fleet(tmp_path, auditor)}")
    assert (done.code, done.stderr.splitlines()[-1]) == (
        9,
        "hint: activate Reader where the account is eligible for it",
    )
    failed = in_sandbox(f"fleet check {write_fleet(tmp_path, auditor, 'account: ghost@contoso.com')}")
    assert failed.stderr.splitlines()[-1] == (
        "hint: correct the other errors, and activate Reader where the account is eligible for it"
    )
    both = in_sandbox(f"fleet check {write_fleet(tmp_path, auditor, f'account: {NEW_HIRE}')}")
    hint, command = both.stderr.splitlines()[-2:]
    assert hint.endswith("is missing, or activate it where the account is eligible for it")
    assert command.startswith("    pallink role assign --fleet ")


def test_reports(in_sandbox: Pallink, tmp_path: Path) -> None:
    file, junit, cells = write_fleet(tmp_path, SEED[0], f"account: {NEW_HIRE}"), tmp_path / "j.xml", tmp_path / "c.csv"
    summary = tmp_path / "s.md"
    assert in_sandbox(f"fleet check {file} --junit {junit} --csv {cells} --markdown {summary}").code == 9
    assert f'name="{INVOICES} in contoso.onmicrosoft.com holds Reader"' in junit.read_text("utf-8")
    assert "linked" not in junit.read_text("utf-8") + summary.read_text("utf-8")
    assert "| account | tenant | expected | role | result |" in summary.read_text("utf-8")
    assert f"| `{INVOICES}` | `Contoso ({CONTOSO})` | Reader | `reader` | passed |" in summary.read_text("utf-8")
    assert f"| `{NEW_HIRE}` | `Contoso ({CONTOSO})` | Reader | `none` | **failed** |" in summary.read_text("utf-8")
    assert 'tests="2" failures="1"' in junit.read_text("utf-8")
    assert "newhire@contoso.com,differs,6" in cells.read_text("utf-8-sig")
