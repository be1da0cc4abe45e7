"""pallink fleet plan, and apply of the plan that it wrote."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pallink.fleet.fleet_run import RunOptions, new_plan
from pallink.fleet.plan_file import Seen, describe_change
from pallink.fleet.result import Outcome
from pallink.links.model import Link
from tests.exhaustive import combinations
from tests.fleet.files import ONBOARDING, SEED, error_of, last_error, outcomes, totals, write_fleet
from tests.harness import Pallink, Traffic

INVOICES = "invoices@contoso.com"
KEPT = "--account invoices@contoso.com --yes"


def plan_of(in_sandbox: Pallink, folder: Path, *entries: str, more: str = "") -> str:
    """Write a plan for these entries, and return its path."""
    path = folder / "plan.json"
    done = in_sandbox(f"fleet plan {write_fleet(folder, *entries)} --out {path} {more}")
    assert done.code in (0, 8), done.stderr
    return str(path)


def test_the_plan_of_the_seed_case(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    done = in_sandbox(f"fleet plan {write_fleet(tmp_path, *SEED)}")
    assert done.code == 0
    assert done.stdout == (
        "+  invoices@contoso.com       Contoso  none -> 719878\n"
        "+  svc_approvers@contoso.com  Contoso  none -> 719878\n"
        "+  payments@contoso.com       Contoso  none -> 6183402\n"
        "\n"
        "3 accounts: 3 to create\n"
    )
    assert traffic.writes() == []


def test_every_symbol(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    for account in ("payroll", "reporting", "backups", "ledger"):
        assert in_sandbox(f"link 6183402 --account {account}@contoso.com").code == 0
    traffic.sent.clear()
    file = write_fleet(
        tmp_path,
        "account: invoices@contoso.com",
        "account: payroll@contoso.com",
        "account: reporting@contoso.com, state: unlinked, partner: '6183402'",
        "account: backups@contoso.com, partner: '6183402'",
        "account: needs_mfa@contoso.com",
        "account: newhire@contoso.com",
    )
    done = in_sandbox(f"fleet plan {file} --replace")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [(row[0], row[1].partition("@")[0]) for row in rows[:6]] == [
        ("?", "newhire"),
        ("!", "needs_mfa"),
        ("-", "reporting"),
        ("~", "payroll"),
        ("+", "invoices"),
        ("=", "backups"),
    ]
    assert "  6183402 -> 719878\n" in done.stdout
    assert "  6183402 -> none\n" in done.stdout
    assert done.stdout.endswith(
        "6 accounts: 1 to create, 1 to replace, 1 to remove, 1 unchanged, 1 for a person, 1 could not be read\n"
    )
    assert done.code == 8
    assert "error: could not check 2 of 6 accounts" in done.stderr
    assert "\nhint: correct each error, then run again\n    pallink fleet plan" in done.stderr
    assert traffic.writes() == []


def test_another_partners_link_needs_replace(in_sandbox: Pallink, tmp_path: Path) -> None:
    assert in_sandbox(f"link 6183402 {KEPT}").code == 0
    file = write_fleet(tmp_path, SEED[0])
    done = in_sandbox(f"fleet plan {file} --detailed-exitcode")
    assert done.code == 9
    assert done.stdout.startswith("!  invoices@contoso.com  contoso.onmicrosoft.com  6183402, not 719878  linked to a")
    assert outcomes(in_sandbox(f"fleet plan {file} -o json")) == {INVOICES: "needs-replace"}
    assert outcomes(in_sandbox(f"fleet plan {file} --replace -o json")) == {INVOICES: "updated"}


def test_the_detailed_exit_code(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, *SEED)
    differs = in_sandbox(f"fleet plan {file} --detailed-exitcode --timeout 60 --select name=invoices*")
    assert differs.code == 9
    assert "error: the fleet differs from its file: 1 of 1 account" in differs.stderr
    command = f"    pallink fleet apply {file} --select 'name=invoices*' --cloud sandbox --timeout 60"
    assert differs.stderr.splitlines()[-1] == command
    assert in_sandbox(f"fleet plan {file}").code == 0
    assert in_sandbox(f"fleet apply {file} --yes").code == 0
    same = in_sandbox(f"fleet plan {file} --detailed-exitcode -o json")
    assert same.code == 0
    assert totals(same) == {"unchanged": 3}
    assert same.stderr == "sandbox: this is pallink's embedded sandbox, not Azure\n"


def test_the_hint_names_the_plan(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, SEED[0])
    done = in_sandbox(f"fleet plan {file} --replace --detailed-exitcode")
    assert done.stderr.endswith(f"    pallink fleet apply {file} --replace --cloud sandbox\n")
    done = in_sandbox(f"fleet plan {file} --out {tmp_path}/a.json --detailed-exitcode")
    assert done.stderr.endswith(f"    pallink fleet apply {tmp_path}/a.json --cloud sandbox\n")


def test_a_plan_is_carried_out(in_sandbox: Pallink, tmp_path: Path) -> None:
    assert in_sandbox(f"link 6183402 {KEPT}").code == 0
    plan = plan_of(in_sandbox, tmp_path, *SEED, more="--replace")
    if os.name == "posix":
        assert stat.S_IMODE(Path(plan).stat().st_mode) == 0o600
    done = in_sandbox(f"fleet apply {plan} -o json")
    assert done.code == 0, done.stderr
    assert outcomes(done) == {
        INVOICES: "updated",
        "svc_approvers@contoso.com": "created",
        "payments@contoso.com": "created",
    }


def test_without_replace_in_the_plan_nothing_is_replaced(in_sandbox: Pallink, tmp_path: Path) -> None:
    assert in_sandbox(f"link 6183402 {KEPT}").code == 0
    plan = plan_of(in_sandbox, tmp_path, *SEED)
    assert outcomes(in_sandbox(f"fleet apply {plan} -o json"))[INVOICES] == "needs-replace"
    refused = in_sandbox(f"fleet apply {plan} --replace")
    assert refused.code == 2
    assert "error: --replace cannot be combined with a plan file" in refused.stderr


MEANWHILE: dict[str, tuple[str | None, str, str, str]] = {
    # The link that the plan saw, what came after it, the outcome, and the cause.
    "created": (None, "link 6183402", "stale", "the plan saw no link, and now there is a link to 6183402"),
    "created as wanted": (None, "link 719878", "unchanged", ""),
    "changed": ("6183402", "update 5127255", "stale", "(version 1), and now there is a link to 5127255"),
    "changed as wanted": ("6183402", "update 719878", "unchanged", ""),
    "removed": ("6183402", "unlink", "stale", "(version 1), and now there is no link"),
    "removed and made again": ("6183402", "link 6183402", "updated", ""),
}


# By default each outcome, and both causes of a stale plan.
@pytest.mark.parametrize(
    "case",
    combinations(MEANWHILE, default=lambda case: case not in {"changed", "created as wanted"}),
)
def test_a_link_that_changed_meanwhile(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, case: str) -> None:
    before, command, outcome, cause = MEANWHILE[case]
    if before is not None:
        assert in_sandbox(f"link {before} {KEPT}").code == 0
    plan = plan_of(in_sandbox, tmp_path, *SEED[:2], more="--replace")
    assert in_sandbox(f"{command} {KEPT}").code == 0
    traffic.sent.clear()
    done = in_sandbox(f"fleet apply {plan} -o json")
    assert outcomes(done) == {INVOICES: outcome, "svc_approvers@contoso.com": "created"}
    if outcome == "stale":
        assert done.code == 8
        assert traffic.writes() == ["PUT"]
        error = error_of(done, INVOICES)
        assert (error["code"], error["exitCode"]) == ("StalePlan", 1)
        assert cause in str(error["cause"])
        assert (error["remedy"], error["command"]) == (
            "make the plan again",
            "pallink fleet plan FILE --out PLAN_FILE --cloud sandbox",
        )
    else:
        assert done.code == 0


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [(SEED[0], "stale"), (f"{SEED[0]}, state: unlinked", "unchanged")],
)
def test_a_link_that_became_another_partners_meanwhile(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, entry: str, outcome: str
) -> None:
    """Without --replace too: what the plan saw counts first."""
    if "unlinked" in entry:
        assert in_sandbox(f"link 719878 {KEPT}").code == 0
    plan = plan_of(in_sandbox, tmp_path, entry)
    assert in_sandbox(f"link 6183402 {KEPT} --replace").code == 0
    traffic.sent.clear()
    done = in_sandbox(f"fleet apply {plan} -o json")
    assert outcomes(done) == {INVOICES: outcome}
    assert traffic.writes() == []


@pytest.mark.parametrize("more", ["", "--replace"])
def test_the_way_on_from_a_stale_plan_is_a_new_plan(
    pallink: Pallink, in_sandbox: Pallink, tmp_path: Path, more: str
) -> None:
    assert in_sandbox(f"link 6183402 {KEPT}").code == 0
    plan = plan_of(in_sandbox, tmp_path, SEED[0], more=more)
    assert in_sandbox(f"update 5127255 {KEPT}").code == 0
    done = in_sandbox(f"fleet apply {plan}")
    assert done.code == 8
    assert done.stderr.endswith("hint: make the plan again\n"), "a plan does not know which accounts were selected"
    for shown in (done, pallink("fleet runs last")):
        assert "  5127255, not 719878  the link of invoices@contoso.com has changed" in shown.stdout


def test_the_way_on_from_a_plan_that_replaces_nothing(in_sandbox: Pallink, tmp_path: Path) -> None:
    assert in_sandbox(f"link 6183402 {KEPT}").code == 0
    plan = plan_of(in_sandbox, tmp_path, *SEED)
    done = in_sandbox(f"fleet apply {plan}")
    assert done.code == 8
    assert done.stderr.endswith("hint: make the plan again with --replace to change other partners' links\n")


def test_a_link_that_was_written_again_is_stale(in_sandbox: Pallink, tmp_path: Path) -> None:
    """The same partner, but another version: another process was at work."""
    assert in_sandbox(f"link 6183402 {KEPT}").code == 0
    plan = plan_of(in_sandbox, tmp_path, SEED[0], more="--replace")
    for command in ("update 5127255", "update 6183402"):
        assert in_sandbox(f"{command} {KEPT}").code == 0
    assert outcomes(in_sandbox(f"fleet apply {plan} -o json")) == {INVOICES: "stale"}


def test_what_the_plan_could_not_read_is_not_changed(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(in_sandbox, tmp_path, f"{ONBOARDING}, secret: 'env:FLEET_SECRET'", SEED[0])
    monkeypatch.setenv("FLEET_SECRET", "sandbox-onboarding-secret")
    traffic.sent.clear()
    done = in_sandbox(f"fleet apply {plan} -o json")
    assert totals(done) == {"created": 1, "stale": 1}
    assert done.json["entries"][0]["error"]["cause"] == "the plan could not read the link, and now there is no link"
    assert traffic.writes() == ["PUT"]


def altered(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    """Return what writes a plan with a change."""

    def alter(text: str) -> str:
        plan = json.loads(text)
        change(plan)
        return json.dumps(plan)

    return alter


NO_PLANS: dict[str, tuple[Callable[[str], str], str]] = {
    "another version": (
        altered(lambda plan: plan.update(planVersion=2)),
        "cause: planVersion is 2, and this pallink reads 1",
    ),
    "another object": (lambda _: "{}", "cause: not a plan"),
    "a list": (lambda _: "[]", "cause: not a plan"),
    "another cloud": (altered(lambda plan: plan.update(cloud="AzureCloud")), "is for the cloud AzureCloud, not for"),
    "a partner that is none": (
        altered(lambda plan: plan["entries"][0].update(partner="x")),
        "cause: entries[0]: partner must be 5 to 10 digits",
    ),
    "a secret": (altered(lambda plan: plan["entries"][0].update(secret="abc")), "cause: entries[0]: secret"),
    "the same entry twice": (
        altered(lambda plan: plan["entries"].append(plan["entries"][0])),
        " too, with the same partner",
    ),
    "entries that are none": (
        altered(lambda plan: plan.update(entries=["a"])),
        "cause: entries[0]: not an entry",
    ),
    "a partner that is a number": (
        altered(lambda plan: plan["entries"][0].update(partner=719878)),
        "cause: entries[0]: invalid 'partner'",
    ),
    "an outcome that is none": (
        altered(lambda plan: plan["entries"][0]["plan"].update(outcome="x")),
        "cause: entries[0]: invalid plan",
    ),
    "a link without a version": (
        altered(lambda plan: plan["entries"][0]["plan"].update(link={"partnerId": "719878"})),
        "cause: entries[0]: invalid link",
    ),
    "an unknown field about the tenant": (
        altered(lambda plan: plan["entries"][0].update(resolved={"line": "1"})),
        "cause: entries[0]: invalid resolved",
    ),
    "a tenant's name that is a number": (
        altered(lambda plan: plan["entries"][0].update(resolved={"tenantName": 1})),
        "cause: entries[0]: invalid resolved",
    ),
    "a tenant's name in a list": (
        altered(lambda plan: plan["entries"][0].update(resolved=["tenantName"])),
        "cause: entries[0]: invalid resolved",
    ),
    "no entries": (altered(lambda plan: plan.pop("entries")), "cause: not a plan"),
    "a part": (lambda text: text[:-5], "not JSON"),
    "nothing": (lambda _: "", "plan.json:1:1: not JSON"),
    "nesting without end": (lambda _: "[" * 100_000, "plan.json:1:1: not JSON"),
}


@pytest.mark.parametrize("case", NO_PLANS)
def test_what_is_no_plan_is_refused(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, case: str) -> None:
    write, message = NO_PLANS[case]
    path = Path(plan_of(in_sandbox, tmp_path, SEED[0]))
    path.write_text(write(path.read_text()))
    traffic.sent.clear()
    refused = in_sandbox(f"fleet apply {path}")
    assert refused.code == 2
    assert message in refused.stderr
    assert "hint: " in refused.stderr
    assert traffic.sent == []


def test_a_plan_that_cannot_be_read(in_sandbox: Pallink, tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    messages = {"folder.json": "is not a file", "none.json": "cannot be read: no such file or directory"}
    if os.name == "posix":
        os.mkfifo(tmp_path / "pipe.json")
        messages["pipe.json"] = "is not a file"
    for name, message in messages.items():
        refused = in_sandbox(f"fleet apply {tmp_path / name}")
        assert refused.code == 2
        assert message in refused.stderr


@pytest.mark.parametrize("options", ["--select name=a", "--exclude tag=a", "--limit 1"])
def test_a_plan_says_which_accounts(in_sandbox: Pallink, tmp_path: Path, options: str) -> None:
    refused = in_sandbox(f"fleet apply {tmp_path}/plan.json {options}")
    assert refused.code == 2
    assert f"error: {options.partition(' ')[0]} cannot be combined with a plan file" in refused.stderr


def test_the_paths_of_a_plan_without_a_file_are_relative_to_the_working_folder() -> None:
    plan = new_plan((), RunOptions(), source="pallink show --tenant a/b")
    assert (plan.source, plan.folder) == ("pallink show --tenant a/b", str(Path.cwd()))


def test_a_plan_that_cannot_be_written(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, SEED[0])
    refused = in_sandbox(f"fleet plan {file} --out {tmp_path}/plan.yaml")
    assert refused.code == 2
    assert "plan.yaml does not end with .json" in refused.stderr
    assert traffic.sent == []
    failed = in_sandbox(f"fleet plan {file} --out {tmp_path}/missing/plan.json -o json")
    assert failed.code == 1
    assert "cannot be written to" in str(last_error(failed)["message"])


LINK = Link("719878", "Mekorma", version=3)


@pytest.mark.parametrize(
    ("seen", "current", "difference"),
    [
        (Seen(Outcome.CREATED, was_read=True), None, None),
        (Seen(Outcome.CREATED, was_read=True), LINK, "the plan saw no link, and now there is a link to"),
        (Seen(Outcome.CREATED, was_read=True), Link("719878", state="Deleted", version=9), None),
        (Seen(Outcome.UNCHANGED, was_read=True, link=LINK), Link("719878", "Other", version=3), None),
        (Seen(Outcome.UNCHANGED, was_read=True, link=LINK), Link("719878", version=4), "(version 4)"),
        (Seen(Outcome.UNCHANGED, was_read=True, link=LINK), None, "and now there is no link"),
        (Seen(Outcome.FAILED, was_read=False), None, "the plan could not read the link, and now there is no link"),
    ],
)
def test_what_makes_a_plan_stale(seen: Seen, current: Link | None, difference: str | None) -> None:
    found = describe_change(seen, current)
    assert (found is None) if difference is None else (found is not None and difference in found)
