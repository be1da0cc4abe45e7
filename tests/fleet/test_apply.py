"""pallink fleet apply: what becomes of each account, and of the command."""

import json
import os
import shlex
import shutil
from pathlib import Path

import pytest
import requests

from pallink.sandbox import Sandbox, home
from tests.cli.people import INVOICES
from tests.cli.test_settling import Handle, answering
from tests.fleet.files import ONBOARDING, SEED, USERS, error_of, last_error, outcomes, totals, write_fleet
from tests.harness import Pallink, Traffic

APPROVERS = "svc_approvers@contoso.com"
PAYMENTS = "payments@contoso.com"
OBJECT_ID = "a423e88c-fb42-4a0f-bc27-18c0c8a37472"
ONBOARDING_ID = "6be1d7c7-4712-4123-a241-8b8918c455f9"
SECRET = "sandbox-onboarding-secret"


def linked(in_sandbox: Pallink, account: str) -> str | None:
    """Return the partner that an account is linked to."""
    shown = in_sandbox(f"show --account {account} -o json")
    return shown.json["partnerId"] if shown.code == 0 else None


@pytest.fixture(autouse=True)
def no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


# The seed case.


def test_the_seed_case(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, *SEED)
    first = in_sandbox(f"fleet apply {file} --yes")
    assert first.code == 0
    assert first.stdout == (
        "created  invoices@contoso.com       Contoso  none -> 719878\n"
        "created  svc_approvers@contoso.com  Contoso  none -> 719878\n"
        "created  payments@contoso.com       Contoso  none -> 6183402\n"
        "\n"
        "3 accounts: 3 created\n"
    )
    assert traffic.writes() == ["PUT"] * 3
    traffic.sent.clear()
    second = in_sandbox(f"fleet apply {file} --yes")
    assert second.code == 0
    assert second.stdout.endswith("\n3 accounts: 3 unchanged\n")
    verified = in_sandbox(f"fleet verify {file}")
    assert verified.code == 0
    assert verified.stdout == (
        "unchanged  invoices@contoso.com       Contoso  719878\n"
        "unchanged  svc_approvers@contoso.com  Contoso  719878\n"
        "unchanged  payments@contoso.com       Contoso  6183402\n"
        "\n"
        "3 accounts: 3 unchanged\n"
    )
    assert traffic.writes() == []


def test_another_partners_link_is_changed_only_with_replace(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path
) -> None:
    assert in_sandbox(f"link 6183402 --account {INVOICES}").code == 0
    file = write_fleet(tmp_path, *SEED)
    traffic.sent.clear()
    kept = in_sandbox(f"fleet apply {file} --yes -o json")
    assert kept.code == 8
    assert outcomes(kept) == {INVOICES: "needs-replace", APPROVERS: "created", PAYMENTS: "created"}
    assert (error_of(kept, INVOICES)["code"], error_of(kept, INVOICES)["exitCode"]) == ("LinkedElsewhere", 5)
    assert traffic.writes() == ["PUT", "PUT"]
    replaced = in_sandbox(f"fleet apply {file} --yes --replace -o json")
    assert replaced.code == 0
    entry = replaced.json["entries"][0]
    assert (entry["outcome"], entry["previousPartnerId"], entry["partnerId"]) == ("updated", "6183402", "719878")
    assert traffic.writes() == ["PUT", "PUT", "PATCH"]


@pytest.mark.parametrize(
    ("entry", "before", "outcome", "after"),
    [
        ("state: unlinked, partner: ''", "6183402", "deleted", None),
        ("state: unlinked, partner: ''", None, "unchanged", None),
        ("state: unlinked, partner: '6183402'", "6183402", "deleted", None),
        ("state: unlinked, partner: '6183402'", "719878", "unchanged", "719878"),
    ],
)
def test_unlinked(
    in_sandbox: Pallink, tmp_path: Path, *, entry: str, before: str | None, outcome: str, after: str | None
) -> None:
    if before is not None:
        assert in_sandbox(f"link {before} --account {INVOICES}").code == 0
    text = write_fleet(tmp_path, f"account: {INVOICES}, {entry}")
    differs = outcome == "deleted"
    verified = in_sandbox(f"fleet verify {text} -o json")
    assert (verified.code, outcomes(verified)) == ((9, {INVOICES: "differs"}) if differs else (0, {INVOICES: outcome}))
    done = in_sandbox(f"fleet apply {text} --yes -o json")
    assert done.code == 0
    assert outcomes(done) == {INVOICES: outcome}
    assert linked(in_sandbox, INVOICES) == after
    if after:
        assert done.json["entries"][0]["warnings"] == ["linked to 719878; that link was not changed"]
    assert in_sandbox(f"fleet verify {text}").code == 0


# The question.


def test_a_yes_applies_the_plan_that_was_shown(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    done = in_sandbox(f"fleet apply {write_fleet(tmp_path, *SEED)}", tty=True, stdin="y\n")
    assert done.code == 0
    plan, _, after = done.stderr.partition("Apply this plan? [y/N]: ")
    assert plan.endswith("3 accounts: 3 to create\n")
    assert "+  invoices@contoso.com" in plan
    assert "\x1b" not in after.replace("\r\x1b[K", "")
    assert done.stdout.endswith("3 accounts: 3 created\n")
    assert traffic.writes() == ["PUT"] * 3


@pytest.mark.parametrize(("stdin", "message"), [("n\n", "not confirmed: nothing was changed"), ("", "interrupted")])
def test_without_a_yes_nothing_is_changed(
    pallink: Pallink, in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, *, stdin: str, message: str
) -> None:
    done = in_sandbox(f"fleet apply {write_fleet(tmp_path, *SEED)}", tty=True, stdin=stdin)
    assert done.code == 130
    assert f"error: {message}" in done.stderr
    assert done.stdout == ""
    assert traffic.writes() == []
    assert pallink("fleet runs").stdout == "there are no runs\n"


def test_where_nothing_is_to_be_done_nothing_is_asked(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, SEED[0])
    assert in_sandbox(f"fleet apply {file} --yes").code == 0
    done = in_sandbox(f"fleet apply {file}", tty=True)
    assert done.code == 0
    assert "Apply this plan?" not in done.stderr
    assert done.stdout.endswith("1 account: 1 unchanged\n")


@pytest.mark.parametrize("how", [{}, {"tty": True}])
def test_without_a_prompt_yes_is_required(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, how: dict[str, bool]
) -> None:
    file = write_fleet(tmp_path, *SEED)
    more = " --no-input" if how else ""
    refused = in_sandbox(f"fleet apply {file} --select name=pay* --timeout 9{more}", **how)
    assert refused.code == 2
    assert "error: --yes is required without a prompt" in refused.stderr
    command = f"    pallink fleet apply {file} --select 'name=pay*' --timeout 9{more} --cloud sandbox --yes"
    assert refused.stderr.splitlines()[-1] == command
    assert traffic.sent == []
    assert in_sandbox(*shlex.split(command)[1:-3], "--yes", "-o", "json").code == 0


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_each_account_is_written_once(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    """One that is unchanged, one that is to be created, and one that the plan could not read."""
    assert in_sandbox(f"link 719878 --account {INVOICES}").code == 0
    traffic.sent.clear()
    file = write_fleet(tmp_path, *SEED[:2], f"{ONBOARDING}, name: fleet-app, secret: 'env:FLEET_SECRET'")
    done = in_sandbox(f"fleet apply {file} -o {output}", tty=True, stdin="y\n")
    entries = done.json["entries"] if output == "json" else [json.loads(line) for line in done.stdout.splitlines()]
    expected = {INVOICES: "unchanged", APPROVERS: "created", "fleet-app": "failed"}
    assert {entry["name"]: entry["outcome"] for entry in entries} == expected
    assert len(entries) == 3
    assert traffic.writes() == ["PUT"]
    # What the plan could not read is tried when the run goes on.
    assert done.code == 8
    monkeypatch.setenv("FLEET_SECRET", SECRET)
    again = in_sandbox("fleet apply --resume last -o json")
    assert again.code == 0, again.stderr
    assert outcomes(again) == {APPROVERS: "created", "fleet-app": "created"}


# Which accounts.


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("--select name=payroll@*", ["payroll"]),
        ("--select tag=A", ["payments", "payroll"]),
        ("--select tenant=CONTOSO.* --exclude tag=a", ["reporting"]),
        ("--exclude name=pay*", ["reporting"]),
        ("--select name=reporting* --select tag=a --limit 2", ["payments", "payroll"]),
        ("--limit 9", ["payments", "payroll", "reporting"]),
    ],
)
def test_the_accounts_that_are_selected(in_sandbox: Pallink, tmp_path: Path, options: str, names: list[str]) -> None:
    tags = (", tags: [a, b]", ", tags: a", "")
    file = write_fleet(tmp_path, *(f"account: {USERS[index]}@contoso.com{tags[index]}" for index in range(3)))
    found = in_sandbox(f"fleet apply {file} --yes -o json {options}")
    assert list(outcomes(found)) == [f"{name}@contoso.com" for name in names]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--select name", "--select 'name' is invalid"),
        ("--select name=", "--select 'name=' is invalid"),
        ("--exclude partner=1", "--exclude 'partner=1' is invalid"),
        ("--select name=nothing", "cause: the fleet file has 3 accounts hint: correct --select"),
        ("--select name=nothing", "no account of the fleet file matches --select name=nothing"),
        ("--exclude name=*", "no account of the fleet file matches --exclude name=*"),
        ("--select tag=x --exclude name=y", "hint: correct --select or --exclude"),
        ("--limit 0", "0 is not in the range"),
        ("--concurrency 0", "--concurrency must be 1 to 64"),
        ("--concurrency 65", "--concurrency must be 1 to 64"),
        ("--vault-auth magic", "unknown sign-in method 'magic'"),
        ("--timeout 0", "--timeout must be"),
    ],
)
def test_options_that_are_refused(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, options: str, message: str
) -> None:
    file = write_fleet(tmp_path, *SEED)
    for command in ("plan", "apply --yes", "verify"):
        refused = in_sandbox(f"fleet {command} {file} {options}")
        assert refused.code == 2
        assert message in refused.stderr.replace("\n", " ")
    assert traffic.sent == []


def test_a_file_with_problems_is_refused(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, "account: a@b", "acount: b", name="my fleet.yaml")
    for command in ("plan", "apply", "verify"):
        refused = in_sandbox("fleet", command, file)
        assert refused.code == 2
        assert f"error: invalid fleet file {file}:5:" in refused.stderr
        assert refused.stderr.endswith(f"    pallink fleet validate '{file}'\n")
    refused = in_sandbox("fleet apply")
    assert refused.code == 2
    assert refused.stderr.endswith(
        "error: missing argument FILE or option --resume\n"
        "hint: name a fleet file, or resume one of these runs\n    pallink fleet runs\n"
    )
    assert traffic.sent == []


# Accounts that fail, while the others are done.


def test_two_entries_that_are_one_account(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    same = in_sandbox(f"fleet apply {write_fleet(tmp_path, SEED[0], f'account: {OBJECT_ID}')} --yes -o json")
    assert same.code == 0
    assert set(outcomes(same).values()) <= {"created", "unchanged"}
    assert in_sandbox(f"unlink --yes --account {INVOICES}").code == 0
    traffic.sent.clear()
    file = write_fleet(tmp_path, SEED[0], f"account: {OBJECT_ID}, partner: '6183402'", SEED[1])
    done = in_sandbox(f"fleet apply {file} --yes --replace -o json")
    assert done.code == 8
    assert totals(done) == {"created": 2, "failed": 1}
    (error,) = (entry["error"] for entry in done.json["entries"] if entry["error"])
    assert error["message"] == f"the entries in lines 4 and 5 are one account: object ID {OBJECT_ID}"
    assert error["exitCode"] == 2
    assert traffic.writes() == ["PUT", "PUT"]
    # Nor does the run that goes on take one of them for the other.
    again = in_sandbox("fleet apply --resume last -o json")
    assert outcomes(again) == outcomes(done)
    assert traffic.writes() == ["PUT", "PUT"]


@pytest.mark.parametrize(
    ("role_check", "outcome", "code"), [("require", "failed", 8), ("warn", "created", 0), ("skip", "created", 0)]
)
def test_an_account_without_reader(
    in_sandbox: Pallink, tmp_path: Path, role_check: str, outcome: str, code: int
) -> None:
    file = write_fleet(tmp_path, f"account: newhire@contoso.com, role-check: {role_check}", SEED[0])
    done = in_sandbox(f"fleet apply {file} --yes -o json")
    assert done.code == code
    assert outcomes(done) == {"newhire@contoso.com": outcome, INVOICES: "created"}
    entry = done.json["entries"][0]
    assert entry["exitCode"] == (6 if role_check == "require" else 0)
    assert entry["role"] == {"require": None, "warn": "none", "skip": None}[role_check]
    assert bool(entry["warnings"]) == (role_check == "warn")


@pytest.mark.parametrize(
    ("credential", "message"),
    [
        ("secret: 'env:FLEET_UNSET'", "the variable FLEET_UNSET is not set"),
        ("secret: 'env:FLEET_WRONG'", "AADSTS7000215"),
        ("secret: 'file:none.txt'", "none.txt cannot be read: no such file or directory"),
        ("certificate: 'file:none.pem'", "none.pem cannot be read: no such file or directory"),
        ("secret: 'keyvault:https://contoso-fleet.vault.sandbox.invalid/secrets/none'", "there is no secret none of"),
        ("secret: 'keyvault:https://ops.vault.azure.net/secrets/a'", "is not a key vault of sandbox"),
    ],
)
def test_a_credential_that_does_not_work(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, credential: str, message: str
) -> None:
    monkeypatch.setenv("FLEET_WRONG", "letters-that-open-nothing")
    file = write_fleet(tmp_path, f"{ONBOARDING}, {credential}", SEED[0])
    done = in_sandbox(f"fleet apply {file} --yes -o json")
    assert done.code == 8
    assert outcomes(done) == {ONBOARDING_ID: "failed", INVOICES: "created"}
    assert message in str(error_of(done, ONBOARDING_ID)["message"])
    assert last_error(done)["message"] == "could not complete 1 of 2 accounts"


@pytest.mark.parametrize("store", ["env", "file", "keyvault", "certificate"])
def test_an_application(in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    monkeypatch.setenv("FLEET_SECRET", SECRET)
    (tmp_path / "secret.txt").write_text(f"{SECRET}\r\n")
    credential = {
        "env": "secret: 'env:FLEET_SECRET'",
        "file": "secret: 'file:secret.txt'",
        "keyvault": "secret: 'keyvault:https://contoso-fleet.vault.sandbox.invalid/secrets/onboarding'",
    }.get(store)
    if credential is None:
        path = Path(Sandbox(home()).environment("certificate")["AZURE_CLIENT_CERTIFICATE_PATH"])
        (tmp_path / "ops.pem").write_bytes(path.read_bytes())
        credential = "certificate: 'file:ops.pem'"
    file = write_fleet(tmp_path, f"{ONBOARDING}, {credential}")
    # The file's folder counts, and not the working directory.
    monkeypatch.chdir("/")
    done = in_sandbox(f"fleet apply {file} --yes -o json")
    assert done.code == 0, done.stdout
    assert done.json["entries"][0]["accountKind"] == "application"
    assert in_sandbox(f"fleet verify {file}").code == 0


def test_the_runners_own_credential_is_no_accounts(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in Sandbox(home()).environment("client-secret").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PALLINK_AUTH", "client-secret")
    monkeypatch.setenv("PALLINK_ACCOUNT", ONBOARDING_ID)
    done = in_sandbox(f"fleet apply {write_fleet(tmp_path, SEED[0])} --yes -o json")
    assert outcomes(done) == {INVOICES: "created"}
    assert done.json["entries"][0]["accountKind"] == "user"


def test_the_time_is_each_accounts_own(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, *SEED)
    traffic.fail("GET", "partners", answering(429, b"{}", Retry_After="40"))
    done = in_sandbox(f"fleet apply {file} --yes --timeout 30 --concurrency 1 -o json")
    assert done.code == 8
    assert outcomes(done) == {INVOICES: "failed", APPROVERS: "created", PAYMENTS: "created"}
    error = error_of(done, INVOICES)
    assert (error["message"], error["exitCode"]) == ("not finished within 30 seconds", 7)


def test_a_tenant_that_fails_alike_is_stopped(
    in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_WRONG", "letters-that-open-nothing")
    ids = [f"{number:08}-0000-4000-8000-000000000000" for number in range(8)]
    file = write_fleet(tmp_path, *(f"client-id: {value}, secret: 'env:FLEET_WRONG'" for value in ids), SEED[0])
    done = in_sandbox(f"fleet verify {file} --concurrency 1 -o json")
    assert done.code == 8
    assert list(outcomes(done).values()) == ["failed"] * 5 + ["not-run"] * 4
    assert str(error_of(done, INVOICES)["cause"]).startswith("5 accounts of this tenant in a row failed alike: ")


@pytest.mark.skipif(os.name != "posix", reason="Windows does not remove an open file")
def test_a_run_whose_folder_is_removed_stops(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    def remove(_request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        shutil.rmtree(folder)
        return handle()

    file, folder = write_fleet(tmp_path, *SEED), tmp_path / "run"
    traffic.fail("PUT", "partners", remove)
    ended = in_sandbox(f"fleet apply {file} --yes --concurrency 1 --run-dir {folder} -o json")
    assert list(outcomes(ended).values()) == ["created", "failed", "not-run"]
    assert traffic.writes() == ["PUT"]
    command = str(last_error(ended)["command"])
    assert command == f"pallink fleet apply {file} --yes --concurrency 1 --run-dir {folder} -o json --cloud sandbox"
    again = in_sandbox(*command.split()[1:-2])
    assert totals(again) == {"unchanged": 1, "created": 2}
