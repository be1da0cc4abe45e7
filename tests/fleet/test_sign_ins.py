"""Accounts of a fleet that a person has to sign in."""

from pathlib import Path

import pytest

from tests.cli.people import INVOICES, Desk
from tests.fleet.files import SEED, USERS, error_of, outcomes, totals, write_fleet
from tests.harness import Pallink, Traffic

APPROVERS = "svc_approvers@contoso.com"


@pytest.fixture(autouse=True)
def no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def test_a_sign_in_without_a_terminal_is_reported(desk: Desk, tmp_path: Path) -> None:
    assert desk.run(f"login --account {INVOICES} --allow-plain-text-cache").code == 0
    assert desk.run("logout --all").code == 0
    file = write_fleet(tmp_path, *SEED, f"account: {USERS[1]}@contoso.com, auth: device-code")
    done = desk.run(f"fleet apply {file} --yes -o json")
    assert done.code == 8
    assert totals(done) == {"needs-sign-in": 4}
    assert error_of(done, INVOICES)["command"] == (
        "pallink login --cloud sandbox --account invoices@contoso.com --tenant contoso.onmicrosoft.com"
    )
    assert error_of(done, "payroll@contoso.com")["command"] == (
        "pallink login --cloud sandbox --account payroll@contoso.com --tenant contoso.onmicrosoft.com"
        " --auth device-code"
    )
    assert error_of(done, "payroll@contoso.com")["cause"] == (
        "this method needs a prompt, which fleet commands show only on a terminal"
    )
    shown = desk.pallink("fleet runs last").stdout.splitlines()
    assert shown[1].split()[:6] == ["needs-sign-in", INVOICES, "contoso.onmicrosoft.com", "?", "->", "719878"]
    assert desk.run(f"login --account {INVOICES} --tenant contoso.com --allow-plain-text-cache").code == 0
    again = desk.run("fleet apply --resume last -o json")
    assert outcomes(again)[INVOICES] == "created"


def test_what_no_sign_in_mends_needs_none(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(
        tmp_path,
        "account: needs_mfa@contoso.com",
        "account: former@contoso.com",
        "account: blocked@contoso.com",
        f"account: {INVOICES}, tenant: nowhere.example",
    )
    assert list(outcomes(in_sandbox(f"fleet verify {file} -o json")).values()) == ["needs-sign-in", *["failed"] * 3]


@pytest.mark.parametrize("command", ["apply --yes", "apply", "plan", "verify"])
def test_a_sign_in_is_prompted_for_on_a_terminal(desk: Desk, traffic: Traffic, tmp_path: Path, command: str) -> None:
    desk.reader_of_device_codes("payroll@contoso.com")
    file = write_fleet(tmp_path, "account: payroll@contoso.com, auth: device-code", SEED[1])
    done = desk.run(f"fleet {command} {file} -o json", tty=True, stdin="y\n")
    outcome = "differs" if command == "verify" else "created"
    assert done.code == (9 if command == "verify" else 0), done.stderr
    assert outcomes(done) == {"payroll@contoso.com": outcome, APPROVERS: outcome}
    assert "account: payroll@contoso.com in contoso.onmicrosoft.com, 1 of 1\n" in done.stderr
    assert done.stderr.count("sign in: ") == 1
    assert traffic.writes() == (["PUT"] * 2 if "apply" in command else [])


def test_a_person_who_signs_in_as_someone_else_is_refused(desk: Desk, traffic: Traffic, tmp_path: Path) -> None:
    desk.reader_of_device_codes("ledger@contoso.com")
    file = write_fleet(tmp_path, "account: payroll@contoso.com, auth: device-code")
    done = desk.run(f"fleet apply {file} --yes -o json", tty=True)
    assert done.code == 8
    assert error_of(done, "payroll@contoso.com")["code"] == "WrongAccount"
    assert traffic.of_partners() == []
