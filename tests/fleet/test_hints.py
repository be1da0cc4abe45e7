"""The hints of fleet commands are for the accounts that the command was for, and never a write after a mere look."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pallink.cli.fleet_results import Ending, fleet_differs, verdict
from pallink.errors import CancelledError, SignInError
from pallink.fleet.advice import explain_for_entry
from pallink.fleet.entry import Entry
from pallink.signin.methods import SignInMethod
from tests.fleet.files import write_fleet
from tests.harness import Pallink

FLEET = """
version: 1
defaults: {partner: "719878"}
accounts:
  - {account: invoices@contoso.com, tenant: contoso.onmicrosoft.com, tags: [finance]}
  - {account: invoices@contoso.com, tenant: fabrikam.onmicrosoft.com, role-check: skip}
"""
APPLICATION = """
version: 1
accounts:
  - client-id: 6be1d7c7-4712-4123-a241-8b8918c455f9
    tenant: contoso.onmicrosoft.com
    partner: "719878"
    secret: file:secret
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET, "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("command", "options", "expected"),
    [
        ("verify", "--select tag=fin*", "{file} --select 'tag=fin*'"),
        ("verify", "--exclude tag=finance --limit 1", "{file} --exclude tag=finance --limit 1"),
        ("plan --detailed-exitcode", "--replace --limit 1", "{file} --replace --limit 1"),
        ("plan --detailed-exitcode --out {out}", "--replace --limit 1", "{out}"),
    ],
)
def test_the_command_that_mends_is_for_the_same_accounts(
    in_sandbox: Pallink, file: str, command: str, options: str, expected: str
) -> None:
    names = {"file": file, "out": f"{file}.json"}
    name, *more = command.format(**names).split()
    done = in_sandbox("fleet", name, file, *more, *options.split())
    assert done.code == 9
    assert done.stderr.endswith(f"    pallink fleet apply {expected.format(**names)} --cloud sandbox\n")


def test_what_was_interrupted_while_it_looked_does_not_suggest_a_write() -> None:
    ending = Ending(
        again="pallink fleet verify accounts.yaml", finding=fleet_differs("pallink fleet apply accounts.yaml", "")
    )
    error = verdict([], ending, is_interrupted=True)
    assert isinstance(error, CancelledError)
    assert (error.command, error.cause) == (ending.again, "0 of 0 accounts are done; nothing was written")


def test_one_account_in_two_tenants_is_two_test_cases(in_sandbox: Pallink, tmp_path: Path, file: str) -> None:
    in_sandbox("fleet", "verify", file, "--junit", str(tmp_path / "report.xml"))
    cases = ET.parse(tmp_path / "report.xml").iter("testcase")  # noqa: S314 - it is ours
    assert [case.get("name") for case in cases] == [
        f"invoices@contoso.com in {tenant}.onmicrosoft.com is linked to partner 719878"
        for tenant in ("contoso", "fabrikam")
    ]


def test_a_wrong_secret_is_set_where_the_file_says(in_sandbox: Pallink, tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_text(APPLICATION, "utf-8")
    (tmp_path / "secret").write_text("wrong", "utf-8")
    done = in_sandbox("fleet", "verify", str(path))
    assert done.code == 8
    assert "hint: store the value, not the ID, of the application's current secret in file:secret\n" in done.stderr
    assert "AZURE_CLIENT_SECRET" not in done.stderr


@pytest.mark.parametrize("method", [None, SignInMethod.BROWSER])
def test_only_a_missing_sign_in_is_told_in_words_of_the_file(method: SignInMethod | None) -> None:
    entry = Entry(name="a", account="a@contoso.com", tenant="contoso.com", auth=method, line=3)
    expired = SignInError("the stored sign-in has expired", cause="its tokens are gone", command="pallink login")
    assert explain_for_entry(expired, entry, prompts=False) is expired
    missing = SignInError("not signed in", cause="no credential", command="pallink login").replace(needs_login=True)
    explained = explain_for_entry(missing, entry, prompts=False)
    assert explained.command == "pallink login"
    assert explained.cause in (
        "no sign-in of this account is stored, and the entry names no method (auth)",
        "this method needs a prompt, which fleet commands show only on a terminal",
    )
    assert explain_for_entry(missing, entry) is missing


def test_another_partners_link_needs_an_option(in_sandbox: Pallink, file: str) -> None:
    in_sandbox("link", "6183402", "--account", "invoices@contoso.com")
    done = in_sandbox("fleet", "apply", file, "--yes")
    assert done.code == 8
    *_, hint, command = done.stderr.splitlines()
    assert hint == "hint: start a new run with --replace to change other partners' links"
    assert command.split() == f"pallink fleet apply {file} --yes --cloud sandbox --replace".split()
    assert in_sandbox(*command.split()[1:-3], "--replace").code == 0


def test_a_run_that_cannot_be_repeated_has_no_command_that_replaces(
    in_sandbox: Pallink, file: str, tmp_path: Path
) -> None:
    in_sandbox("link", "6183402", "--account", "invoices@contoso.com")
    done = in_sandbox("fleet", "apply", file, "--yes", "--run-dir", str(tmp_path / "run"))
    assert done.stderr.endswith("hint: start a new run with --replace to change other partners' links\n")
    resumed = in_sandbox("fleet", "apply", "--resume", str(tmp_path / "run"))
    assert resumed.stderr.endswith("hint: start a new run with --replace to change other partners' links\n")


@pytest.mark.parametrize(
    ("linked", "remedy", "command"),
    [
        ([], "apply the file", "apply"),
        (["invoices"], "apply the file; another partner's link needs --replace too", "apply"),
        (
            ["invoices", "payroll"],
            "if the file is right, add --replace, which changes another partner's link",
            "replace",
        ),
    ],
)
def test_replace_is_in_the_hint_where_it_is_needed(
    in_sandbox: Pallink, tmp_path: Path, linked: list[str], remedy: str, command: str
) -> None:
    file = write_fleet(tmp_path, "account: invoices@contoso.com", "account: payroll@contoso.com")
    for name in linked:
        assert in_sandbox(f"link 6183402 --account {name}@contoso.com --yes").code == 0
    out = f"--out {tmp_path / 'plan.json'}"
    replace = " --replace" if command == "replace" else ""
    for options, line in (
        ("verify {file}", f"apply {file}{replace} --cloud sandbox"),
        ("plan {file} --detailed-exitcode", f"apply {file}{replace} --cloud sandbox"),
        (
            f"plan {{file}} --detailed-exitcode {out}",
            f"plan {file} --detailed-exitcode {out} --cloud sandbox --replace"
            if replace
            else f"apply {tmp_path / 'plan.json'} --cloud sandbox",
        ),
    ):
        done = in_sandbox(f"fleet {options.format(file=file)}")
        assert done.code == 9
        assert done.stderr.endswith(f"\nhint: {remedy}\n    pallink fleet {line}\n")


def test_a_link_to_be_removed_needs_no_replace(in_sandbox: Pallink, tmp_path: Path) -> None:
    assert in_sandbox("link 6183402 --account invoices@contoso.com --yes").code == 0
    file = write_fleet(tmp_path, "account: invoices@contoso.com, state: unlinked, partner: '6183402'")
    done = in_sandbox(f"fleet verify {file}")
    assert done.stderr.endswith(f"\nhint: apply the file\n    pallink fleet apply {file} --cloud sandbox\n")
