"""`pallink role assign --fleet`: one administrator assigns a role to the accounts of a fleet file."""

import json
import re
import shlex
import textwrap
from pathlib import Path

import pytest

from pallink.sandbox import Sandbox, home
from tests.cli.people import CONTOSO, Desk
from tests.cli.test_formats import validate
from tests.cli.test_settling import answering, lost_after
from tests.fleet.files import ONBOARDING, error_of, last_error, outcomes, totals, write_fleet
from tests.harness import Clock, Pallink, Run, Traffic
from tools.program import ROOT

OWNER = "owner@contoso.com"
OWNER_ID = "8a1203c8-9a84-41bb-89a9-9439358a87bc"
INVOICES, APPROVERS, NEW_HIRE = "invoices@contoso.com", "svc_approvers@contoso.com", "newhire@contoso.com"
NEW_HIRE_ID = "0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3"
ONBOARDING_ID = "6be1d7c7-4712-4123-a241-8b8918c455f9"
PRODUCTION = "738477cd-6b20-448f-9a34-9d5592cff509"
FINANCE = "0e3bd0a4-6f3c-4bd5-a8a5-5d0f53a30f1b"
DEVELOPMENT = "subscription: Contoso Development"
SEED = (f"account: {INVOICES}, {DEVELOPMENT}", f"account: {APPROVERS}, {DEVELOPMENT}, tags: [approvals]")


def assign(in_sandbox: Pallink, file: str, *words: str, account: str = OWNER, **rest: object) -> Run:
    return in_sandbox("role", "assign", "--fleet", file, "--account", account, *words, **rest)


# --- What is assigned -------------------------------------------------------------------------------------------------


def test_the_seed_case_twice(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, *SEED)
    for outcome in ("created", "unchanged"):
        done = assign(in_sandbox, file, "--yes", "-o", "json")
        assert (done.code, outcomes(done)) == (0, {INVOICES: outcome, APPROVERS: outcome})
        validate(done.json, "role assign --fleet")
        assert [entry["assignments"][0]["action"] for entry in done.json["entries"]] == [outcome] * 2
        assert {entry["account"] for entry in done.json["entries"]} == {OWNER}
        applied = in_sandbox(f"fleet apply {file} --yes -o json")
        assert (applied.code, outcomes(applied)) == (0, {INVOICES: outcome, APPROVERS: outcome})
        checked = in_sandbox(f"fleet check {file} -o json")
        assert (checked.code, totals(checked)) == (0, {"unchanged": 2})
    assert [method for method, path in traffic.sent if "roleAssignments" in path and method != "GET"] == ["PUT"] * 2


def test_the_pages_show_what_comes(in_sandbox: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    pages = {name: (ROOT / "docs" / "how-to" / f"{name}.md").read_text("utf-8") for name in ("fleets", "assign-roles")}
    (accounts,) = re.findall(r"(account;tenant;partner\n(?: +.*;.*\n)+)", pages["fleets"])
    monkeypatch.chdir(tmp_path)
    Path("accounts.csv").write_text(textwrap.dedent(" " * 4 + accounts), "utf-8")
    for page in pages.values():
        (line,) = re.findall(r"pallink (role assign --fleet .*?)(?: --cloud sandbox --yes)?\n", page)
        assert (
            line == 'role assign --fleet accounts.csv --subscription "Contoso Development" --account owner@contoso.com'
        )
    words = shlex.split(line)
    asked = in_sandbox(*words, tty=True, stdin="n\n")
    question = asked.stderr.removeprefix("sandbox: this is pallink's embedded sandbox, not Azure\n").partition("[y/N]:")
    assert "".join(question[:2]) in pages["assign-roles"]
    assert in_sandbox(*words, "--yes").stdout in pages["fleets"]
    with Path("accounts.csv").open("a", encoding="utf-8") as file:
        file.write("newhire@contoso.com;contoso.onmicrosoft.com;719878\n")
    checked = in_sandbox("fleet check accounts.csv")
    assert checked.code == 9
    assert checked.stdout + checked.stderr[checked.stderr.index("error: ") :] in pages["fleets"]


def test_accounts_are_named_in_every_way(in_sandbox: Pallink, tmp_path: Path) -> None:
    Sandbox(home()).assign(principal_id=OWNER_ID, role="Owner", scope="/")
    file = write_fleet(tmp_path, f"account: {NEW_HIRE_ID}", ONBOARDING + ", secret: env:NONE", f"account: {APPROVERS}")
    done = assign(in_sandbox, file, "--yes", "-o", "json", "--management-group", "workloads")
    assert outcomes(done) == dict.fromkeys((NEW_HIRE_ID, ONBOARDING_ID, APPROVERS), "created")
    assert [entry["principalType"] for entry in done.json["entries"]] == ["User", "ServicePrincipal", "User"]
    assert [entry["principalName"] for entry in done.json["entries"]] == [NEW_HIRE, "onboarding", APPROVERS]


def test_scopes_of_the_command_line_take_the_place_of_the_files(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, f"account: {NEW_HIRE}, {DEVELOPMENT}", f"account: {APPROVERS}")
    done = assign(in_sandbox, file, "--yes", "-o", "json", "--subscription", PRODUCTION)
    scopes = [row["scope"] for entry in done.json["entries"] for row in entry["assignments"]]
    assert scopes == [f"/subscriptions/{PRODUCTION}"] * 2


def test_a_selection(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, *SEED)
    assert outcomes(assign(in_sandbox, file, "--yes", "-o", "json", "--select", "tag=approvals")) == {
        APPROVERS: "created"
    }
    assert outcomes(assign(in_sandbox, file, "--yes", "-o", "json", "--limit", "1")) == {INVOICES: "created"}


def test_what_needs_no_role_is_left_out(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    without = (f"account: {APPROVERS}, state: unlinked", f"account: {NEW_HIRE}, role-check: skip")
    done = assign(in_sandbox, write_fleet(tmp_path, SEED[0], *without), "--yes")
    assert done.code == 0
    assert done.stdout.splitlines()[-1] == "1 account: 1 created"
    assert "note: 2 accounts need no role: state is unlinked, or role-check is skip" in done.stderr
    traffic.sent.clear()
    none = assign(in_sandbox, write_fleet(tmp_path, *without), "--yes")
    assert none.code == 2
    assert "no selected account of" in none.stderr
    assert traffic.sent == []


def test_a_dry_run_writes_nothing(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    done = assign(in_sandbox, write_fleet(tmp_path, *SEED), "--dry-run")
    assert done.code == 0
    assert done.stdout == (
        f"+  {INVOICES}       Contoso  Reader on Contoso Development\n"
        f"+  {APPROVERS}  Contoso  Reader on Contoso Development\n"
        "\n2 accounts: 2 to create\n"
    )
    assert {method for method, path in traffic.sent if "roleAssignments" in path} == {"GET"}
    entry = assign(in_sandbox, write_fleet(tmp_path, *SEED), "--dry-run", "-o", "json").json["entries"][0]
    assert (entry["dryRun"], entry["outcome"], entry["assignments"][0]["id"]) == (True, "created", None)


def test_subscriptions_and_the_tenant_are_read_once(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    assign(in_sandbox, write_fleet(tmp_path, *SEED), "--yes")
    paths = [path for _, path in traffic.sent]
    assert (paths.count("/subscriptions"), paths.count("/tenants")) == (1, 1)


# --- The question -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reply", "code"), [("y\n", 0), ("n\n", 130)])
def test_one_question_for_all(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, reply: str, code: int) -> None:
    file = write_fleet(tmp_path, *SEED)
    asked = assign(in_sandbox, file, "--no-wait", tty=True, stdin=reply)
    assert asked.code == code
    text = " ".join(asked.stderr.split())
    assert "administrator owner@contoso.com (user) tenant Contoso (8fe81352-" in text
    assert "role Reader: changes no resource + invoices@contoso.com Contoso Reader on Contoso Development" in text
    assert "2 accounts: 2 to create Assign this role to these 2 accounts? [y/N]:" in text
    assert text.count("[y/N]") == 1
    assert len([entry for entry in traffic.sent if entry[0] == "PUT"]) == (0 if code else 2)
    if code:
        assert "not confirmed: nothing was changed" in text
    else:
        assert "[y/N]" not in assign(in_sandbox, file, tty=True).stderr  # Nothing is to be done.


def test_an_interrupted_question_ends_its_line(in_sandbox: Pallink, tmp_path: Path) -> None:
    """The end of stdin interrupts it."""
    words = (["--fleet", write_fleet(tmp_path, *SEED)], ["--to", NEW_HIRE, "--subscription", PRODUCTION])
    for account in words:
        ended = in_sandbox("role", "assign", *account, "--account", OWNER, tty=True, stdin="")
        assert ended.code == 130
        assert ended.stderr.splitlines()[-3].endswith("[y/N]: ")
        assert ended.stderr.splitlines()[-1] == "cause: nothing was written"


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "words", "account", "code", "sentences"),
    [
        (
            f"account: {NEW_HIRE}",
            [],
            INVOICES,
            6,
            ["invoices@contoso.com may not assign roles there", "AuthorizationFailed"],
        ),
        (
            f"account: {NEW_HIRE}",
            ["--role", "Contributor", "--allow-write-role"],
            "access@contoso.com",
            6,
            ["the role of access@contoso.com has a condition against it", "AuthorizationFailed"],
        ),
        ("account: ghost@contoso.com", [], OWNER, 1, ["has no account ghost@contoso.com", "a guest has another name"]),
        (f"account: {PRODUCTION}", [], OWNER, 1, [f"the tenant has no account {PRODUCTION}", "PrincipalNotFound"]),
        (
            "account: f1239f52-b370-47a3-a267-efc4fc5c7079",
            [],
            OWNER,
            1,
            ["the tenant has no account f1239f52", "the object ID that the account has in this tenant"],
        ),
        (f"account: {NEW_HIRE}", ["--role", "Contributor"], OWNER, 2, ["allows more than reading", "more than Reader"]),
        (f"account: {NEW_HIRE}", ["--role", "Emperor"], OWNER, 1, ["unknown role 'Emperor'", "correct --role"]),
        (f"account: {NEW_HIRE}", ["--subscription", "Nowhere"], OWNER, 2, ["sees no subscription named 'Nowhere'"]),
        (f"account: {NEW_HIRE}", ["--subscription", OWNER_ID], OWNER, 1, ["unknown scope", "SubscriptionNotFound"]),
        (
            f"account: {NEW_HIRE}",
            ["--subscription", "48bc0535-a7c3-4936-8fa8-8f708c6a93d0"],
            OWNER,
            4,
            ["it is in another tenant than owner@contoso.com signed in to", "InvalidAuthenticationTokenTenant"],
        ),
        (
            "account: auditor@fabrikam.onmicrosoft.com, tenant: fabrikam.onmicrosoft.com",
            [],
            OWNER,
            4,
            ["auditor@fabrikam.onmicrosoft.com is in another tenant than owner@contoso.com signed in to"],
        ),
    ],
)
def test_refusals(  # noqa: PLR0917 - a table
    in_sandbox: Pallink,
    tmp_path: Path,
    entry: str,
    words: list[str],
    account: str,
    code: int,
    sentences: list[str],
) -> None:
    """The account that is refused fails, and another one is assigned its role, if that can be."""
    scope = [] if "--subscription" in words else ["--subscription", PRODUCTION]
    refused = assign(in_sandbox, write_fleet(tmp_path, entry), *words, *scope, "--yes", "-o", "json", account=account)
    assert refused.code == 8
    (found,) = refused.json["entries"]
    validate(refused.json, "role assign --fleet")
    assert found["exitCode"] == code
    assert found["outcome"] == ("needs-sign-in" if "fabrikam" in entry else "failed")
    text = " ".join(str(found["error"][part]) for part in ("message", "cause", "remedy"))
    assert all(sentence in text for sentence in sentences), text
    assert found["error"]["remedy"]
    assert last_error(refused)["message"] == "the role was not assigned to 1 of 1 account"


def test_the_others_are_assigned_their_role(in_sandbox: Pallink, tmp_path: Path) -> None:
    Sandbox(home()).set("graph-reads", "refused-to-all")
    file = write_fleet(tmp_path, f"account: {NEW_HIRE_ID}", SEED[0])
    done = assign(in_sandbox, file, "--yes", "--subscription", PRODUCTION, "-o", "json")
    assert (done.code, outcomes(done)) == (8, {NEW_HIRE_ID: "created", INVOICES: "failed"})
    error = error_of(done, INVOICES)
    command = (
        f"pallink whoami --account invoices@contoso.com --query objectId -o tsv --cloud sandbox --tenant {CONTOSO}"
    )
    assert (error["exitCode"], error["command"]) == (6, command)
    assert "owner@contoso.com may not read the directory" in str(error["message"])
    assert error["remedy"] == "pass the object ID instead; signed in as that account, this prints it"


def test_accounts_of_other_tenants_are_not_tried(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    elsewhere = "account: auditor@fabrikam.onmicrosoft.com, tenant: fabrikam.onmicrosoft.com"
    excluded = f"account: {NEW_HIRE}, tenant: '', tenants: all, exclude-tenants: [contoso.onmicrosoft.com]"
    file = write_fleet(tmp_path, SEED[0], elsewhere, excluded)
    done = assign(in_sandbox, file, "--yes", "--subscription", "Contoso Development")
    assert done.code == 8
    assert not any("auditor" in path or "newhire" in path for _, path in traffic.sent)
    assert done.stdout.splitlines()[-1] == "3 accounts: 1 created, 2 needs-sign-in"
    lines = done.stderr.splitlines()
    assert "hint: for other tenants sign in as an administrator there" in lines
    assert lines[-1] == (
        f"    pallink role assign --fleet {file} --subscription SUBSCRIPTION --select tenant=fabrikam.onmicrosoft.com"
        " --cloud sandbox --tenant fabrikam.onmicrosoft.com"
    )


def test_an_account_in_all_tenants_is_meant_in_this_one(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, f"account: {INVOICES}, tenant: '', tenants: all, {DEVELOPMENT}")
    assert outcomes(assign(in_sandbox, file, "--yes", "-o", "json")) == {INVOICES: "created"}


def test_a_scope_is_needed_for_each(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    refused = assign(in_sandbox, write_fleet(tmp_path, SEED[0], f"account: {NEW_HIRE}"), "--yes")
    assert refused.code == 2
    assert f"missing scope for {NEW_HIRE}" in refused.stderr
    assert "the entry in line 5 of the fleet file has no subscription\ncause: nothing was sent\n" in refused.stderr
    several = assign(in_sandbox, write_fleet(tmp_path, f"account: {NEW_HIRE}", f"account: {APPROVERS}"), "--yes")
    assert f"missing scope for 2 accounts, such as {NEW_HIRE}" in several.stderr
    assert traffic.sent == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--yes"], "missing option --to or --fleet"),
        (["--fleet", "FILE", "--to", NEW_HIRE, "--yes"], "--fleet cannot be combined with --to"),
        (["--to", NEW_HIRE, "--select", "tag=x", "--yes"], "--select requires --fleet"),
        (["--to", NEW_HIRE, "--limit", "2", "--yes"], "--limit requires --fleet"),
        (["--fleet", "FILE"], "--yes is required without a prompt"),
        (["--fleet", "FILE", "--select", "tag=none", "--yes"], "no account of the fleet file matches"),
        (["--fleet", "none.yaml", "--yes"], "the fleet file none.yaml cannot be read"),
    ],
)
def test_wrong_command_lines(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, words: list[str], sentence: str
) -> None:
    file = write_fleet(tmp_path, *SEED)
    refused = in_sandbox("role", "assign", *(file if word == "FILE" else word for word in words))
    assert refused.code == 2
    assert sentence in refused.stderr
    assert traffic.sent == []


def test_a_file_with_a_problem_is_refused(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    refused = assign(in_sandbox, write_fleet(tmp_path, "acount: a"), "--yes")
    assert refused.code == 2
    assert "invalid fleet file" in refused.stderr
    assert traffic.sent == []


# --- Who signs in -----------------------------------------------------------------------------------------------------


def test_stored_sign_ins_of_the_fleet_are_not_taken(desk: Desk, no_keyring: None, tmp_path: Path) -> None:
    del no_keyring
    for account in (INVOICES, APPROVERS, OWNER):
        assert desk.run(f"login --account {account} --allow-plain-text-cache").code == 0
    done = desk.run(f"role assign --fleet {write_fleet(tmp_path, *SEED)} --yes -o json")
    assert (done.code, {entry["account"] for entry in done.json["entries"]}) == (0, {OWNER})


def test_the_administrator_is_no_account_of_the_fleet_by_accident(in_sandbox: Pallink, tmp_path: Path) -> None:
    """The sandbox signs in its default account, whom no option names."""
    done = in_sandbox(f"role assign --fleet {write_fleet(tmp_path, SEED[0])} --yes -o json")
    assert (done.code, error_of(done, INVOICES)["code"]) == (8, "WrongAccount")


# --- Writes, and time -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("clock")
def test_a_write_that_nothing_settles_is_unknown(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    def lost_then_no_reads(request: object, handle: object) -> object:
        traffic.fail("GET", "roleAssignments/", answering(403, b"{}"))
        return lost_after(request, handle)  # type: ignore[arg-type]

    traffic.fail("PUT", "roleAssignments", lost_then_no_reads)  # type: ignore[arg-type]
    file = write_fleet(tmp_path, *SEED)
    done = assign(in_sandbox, file, "--yes", "-o", "json")
    assert (done.code, outcomes(done)) == (8, {INVOICES: "unknown", APPROVERS: "created"})
    assert error_of(done, INVOICES)["code"] == "UnsettledWrite"
    again = assign(in_sandbox, file, "--yes", "-o", "json")
    assert (again.code, totals(again)) == (0, {"unchanged": 2})


def test_what_was_done_before_an_error_is_a_warning(in_sandbox: Pallink, tmp_path: Path) -> None:
    Sandbox(home()).assign(principal_id=OWNER_ID, role="Reader", scope=f"/subscriptions/{FINANCE}")
    file = write_fleet(tmp_path, f"account: {NEW_HIRE}, subscription: [{PRODUCTION}, {FINANCE}]")
    (entry,) = assign(in_sandbox, file, "--yes", "-o", "json").json["entries"]
    assert (entry["outcome"], entry["exitCode"]) == ("failed", 6)
    assert entry["warnings"] == [f"created on subscription Contoso Production ({PRODUCTION})"]


def test_it_waits_for_all_at_the_end(in_sandbox: Pallink, clock: Clock, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, *SEED)
    done = assign(in_sandbox, file, "--yes", "--wait", "-o", "json")
    assert [row["effective"] for entry in done.json["entries"] for row in entry["assignments"]] == [True, True]
    Sandbox(home()).reset()
    Sandbox(home()).set("role-propagation", "3600")
    late = assign(in_sandbox, file, "--yes", "--wait", "-o", "json")
    assert (late.code, totals(late)) == (7, {"created": 2})
    assert last_error(late)["message"] == "the role has not taken effect for 2 of 2 accounts"
    assert 580 < sum(clock.waits) < 620


def test_what_was_written_is_reported_where_the_wait_fails(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path
) -> None:
    def created_then_unreadable(request: object, handle: object) -> object:
        del request
        traffic.fail("GET", "roleAssignments", answering(403, b"{}"))
        return handle()  # type: ignore[operator]

    traffic.fail("PUT", "roleAssignments", created_then_unreadable)  # type: ignore[arg-type]
    file = write_fleet(tmp_path, *SEED)
    done = assign(in_sandbox, file, "--yes", "--wait", "-o", "json")
    validate(done.json, "role assign --fleet")
    assert (done.code, totals(done)) == (8, {"created": 2})
    (unseen,) = (entry for entry in done.json["entries"] if entry["error"])
    assert unseen["assignments"][0]["effective"] is None
    error = last_error(done)
    assert error["message"] == "could not determine for 1 of 2 accounts whether the role has taken effect"
    assert error["cause"] == f"it is assigned, but {unseen['error']['message']}"
    again = assign(in_sandbox, file, "--yes", "--wait", "-o", "json")
    assert (again.code, totals(again)) == (0, {"unchanged": 2})


def test_lines_say_what_came_of_the_wait(in_sandbox: Pallink, tmp_path: Path) -> None:
    lines = assign(in_sandbox, write_fleet(tmp_path, *SEED), "--yes", "--wait", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["assignments"][0]["effective"] for line in lines] == [True, True]


def test_what_could_not_be_planned_is_no_dry_run(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, "account: ghost@contoso.com", SEED[0], defaults=DEVELOPMENT)
    for words, is_dry in (("--dry-run", True), ("--yes", False)):
        entries = assign(in_sandbox, file, words, "-o", "json").json["entries"]
        assert [entry["dryRun"] for entry in entries] == [is_dry] * 2


def test_each_account_has_its_own_time(in_sandbox: Pallink, clock: Clock, traffic: Traffic, tmp_path: Path) -> None:
    for path in ("invoices", "approvers"):
        traffic.fail("GET", path, answering(429, b"{}", Retry_After="40"))
    done = assign(in_sandbox, write_fleet(tmp_path, *SEED), "--yes", "-o", "json", "--timeout", "60")
    assert (done.code, totals(done), sum(clock.waits)) == (0, {"created": 2}, 80)


def test_one_that_takes_too_long_does_not_end_the_others(
    in_sandbox: Pallink, clock: Clock, traffic: Traffic, tmp_path: Path
) -> None:
    traffic.fail("GET", "invoices", answering(429, b"{}", Retry_After="90"))
    done = assign(in_sandbox, write_fleet(tmp_path, *SEED), "--yes", "-o", "json", "--timeout", "60")
    assert (done.code, outcomes(done)) == (8, {INVOICES: "failed", APPROVERS: "created"})
    assert error_of(done, INVOICES)["exitCode"] == 7
    assert clock.waits == []


# --- Outputs ----------------------------------------------------------------------------------------------------------


def test_lines_as_they_come_and_cells(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, *SEED)
    lines = assign(in_sandbox, file, "--yes", "-o", "jsonl").stdout.splitlines()
    assert len(lines) == 2
    table = assign(in_sandbox, file, "--yes", "--query", "entries[].[name, outcome]", "-o", "tsv")
    assert table.stdout.splitlines() == [f"{INVOICES}\tunchanged", f"{APPROVERS}\tunchanged"]
