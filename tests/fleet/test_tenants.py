"""tenants: all in a fleet file, and pallink fleet discover: one account in every tenant that it is in."""

import json
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

import pytest

from pallink import fleet
from pallink.fleet.file import read_fleet
from pallink.sandbox.state.guest_policies import GuestPolicy
from tests.cli.people import CONTOSO, FABRIKAM, INVOICES, Desk
from tests.fleet.files import totals, write_fleet
from tests.fleet.test_validate import SCHEMA, in_file, problems
from tests.harness import Pallink, Run, Traffic

FIRST, SECOND, THIRD = (str(uuid5(NAMESPACE_DNS, f"tenant-000{number}.example")) for number in (1, 2, 3))
EVERYWHERE = f"account: {INVOICES}, tenants: all"


def by_tenant(done: Run) -> dict[str, str]:
    return {entry["tenantId"]: entry["outcome"] for entry in done.json["entries"]}


def test_one_entry_stands_for_every_tenant(consultant: Desk, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, EVERYWHERE)
    applied = consultant.run(f"fleet apply {file} --yes -o json")
    assert applied.code == 0, applied.stderr
    assert by_tenant(applied) == dict.fromkeys((CONTOSO, FABRIKAM, FIRST, SECOND, THIRD), "created")
    verified = consultant.run(f"fleet verify {file} -o json")
    assert (verified.code, totals(verified)) == (0, {"unchanged": 5})
    again = consultant.run(f"fleet apply {file} --yes -o json")
    assert totals(again) == {"unchanged": 5}


def test_the_plan_names_each_tenant(consultant: Desk, traffic: Traffic, tmp_path: Path) -> None:
    consultant.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    consultant.sandbox.set_guest_policy(GuestPolicy.MANAGED_DEVICE, ["tenant-0002.example"])
    shown = consultant.run(f"fleet plan {write_fleet(tmp_path, EVERYWHERE)}")
    rows = [line.split()[:3] for line in shown.stdout.splitlines()[:5]]
    assert rows == [
        ["?", INVOICES, "Tenant"],
        ["!", INVOICES, "Tenant"],
        ["+", INVOICES, "Contoso"],
        ["+", INVOICES, "Fabrikam"],
        ["+", INVOICES, "Tenant"],
    ]
    assert f"account: {INVOICES} in Tenant 0001 (tenant-0001.example)\n" in shown.stderr
    assert f"--account {INVOICES} --tenant {FIRST} --auth device-code\n" in shown.stderr
    assert traffic.writes() == []


@pytest.mark.parametrize("policy", [GuestPolicy.MFA, GuestPolicy.TERMS_OF_USE, GuestPolicy.CONSENT])
def test_a_tenant_that_a_prompt_opens_needs_a_sign_in(consultant: Desk, tmp_path: Path, policy: GuestPolicy) -> None:
    consultant.sandbox.set_guest_policy(policy, ["tenant-0001.example"])
    done = consultant.run(f"fleet apply {write_fleet(tmp_path, EVERYWHERE)} --yes -o json")
    assert (done.code, totals(done)) == (8, {"created": 4, "needs-sign-in": 1})
    (entry,) = [entry for entry in done.json["entries"] if entry["outcome"] == "needs-sign-in"]
    assert entry["error"]["command"].startswith("pallink login ")
    assert f"--tenant {FIRST}" in entry["error"]["command"]


@pytest.mark.parametrize(
    "policy",
    [GuestPolicy.MANAGED_DEVICE, GuestPolicy.CROSS_TENANT_ACCESS, GuestPolicy.DISABLED, GuestPolicy.REMOVED],
)
def test_a_tenant_that_no_prompt_opens_failed(consultant: Desk, tmp_path: Path, policy: GuestPolicy) -> None:
    consultant.sandbox.set_guest_policy(policy, ["tenant-0001.example"])
    done = consultant.run(f"fleet apply {write_fleet(tmp_path, EVERYWHERE)} --yes -o json")
    assert (done.code, totals(done)) == (8, {"created": 4, "failed": 1})
    assert by_tenant(done)[FIRST] == "failed"
    remedies = [entry["error"]["remedy"] for entry in done.json["entries"] if entry["error"]]
    assert any("leave it out: exclude-tenants tenant-0001.example" in remedy for remedy in remedies) == (
        policy is GuestPolicy.REMOVED
    )


def test_excluded_tenants_and_an_entry_for_one_tenant(consultant: Desk, tmp_path: Path) -> None:
    file = write_fleet(
        tmp_path,
        f"account: {INVOICES}, tenants: all, exclude-tenants: [TENANT-0001.example, contoso.com]",
        f"account: {INVOICES}, tenant: fabrikam.onmicrosoft.com, partner: '6183402'",
        f"account: {INVOICES}, tenant: {SECOND}, state: unlinked",
    )
    done = consultant.run(f"fleet apply {file} --yes -o json")
    assert done.code == 0, done.stderr
    assert by_tenant(done) == {THIRD: "created", FABRIKAM: "created", SECOND: "unchanged"}
    partners = {entry["tenantId"]: entry["partnerId"] for entry in done.json["entries"]}
    assert partners == {THIRD: "719878", FABRIKAM: "6183402", SECOND: None}


def test_tenants_are_selected_by_their_domain(consultant: Desk, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, EVERYWHERE)
    done = consultant.run(f"fleet plan {file} --select tenant=tenant-* --exclude tenant={THIRD} -o json")
    assert set(by_tenant(done)) == {FIRST, SECOND}


def test_a_misspelt_tenant_is_not_linked(consultant: Desk, traffic: Traffic, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, f"{EVERYWHERE}, exclude-tenants: tenant-0001.exmaple")
    refused = consultant.run(f"fleet apply {file} --yes")
    assert refused.code == 2
    assert "error: exclude-tenants names tenant-0001.exmaple, and the account is in no such tenant" in refused.stderr
    assert f"    pallink tenants --cloud sandbox --account {INVOICES}\n" in refused.stderr
    assert traffic.of_partners() == []


def test_excluding_every_tenant_leaves_none(consultant: Desk, tmp_path: Path) -> None:
    file = write_fleet(
        tmp_path, "account: auditor@fabrikam.onmicrosoft.com, tenants: all, exclude-tenants: " + FABRIKAM
    )
    refused = consultant.run(f"fleet verify {file}")
    assert refused.code == 2
    assert "error: exclude-tenants leaves no tenant" in refused.stderr


def test_delegated_tenants_are_left_out(consultant: Desk, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, "account: lighthouse@contoso.com, tenants: all, role-check: skip")
    assert by_tenant(consultant.run(f"fleet apply {file} --yes -o json")) == {CONTOSO: "created"}


def test_an_account_that_cannot_sign_in_ends_the_command(consultant: Desk, traffic: Traffic, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, "account: invoices@contoso.com", "account: former@contoso.com, tenants: all")
    refused = consultant.run(f"fleet apply {file} --yes")
    assert refused.code == 4
    assert "line 5 of the fleet file is about all tenants of former@contoso.com" in refused.stderr
    assert traffic.of_partners() == []


def test_a_plan_lists_the_tenants_that_there_were(consultant: Desk, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    assert consultant.run(f"fleet plan {write_fleet(tmp_path, EVERYWHERE)} --out {plan}").code == 0
    consultant.sandbox.grow(tenants=4)
    applied = consultant.run(f"fleet apply {plan} -o json")
    assert (applied.code, totals(applied)) == (0, {"created": 5})


def test_one_stored_sign_in_opens_all(served_consultant: Desk, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, EVERYWHERE)
    done = served_consultant.run(f"fleet apply {file} --yes -o json")
    assert (done.code, totals(done)) == (0, {"created": 5}), done.stderr


def test_several_stored_sign_ins_of_one_person_are_not_ambiguous(served_consultant: Desk, tmp_path: Path) -> None:
    """As after a prompt of one of the tenants was met with `pallink login`."""
    served_consultant.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    kept = f"login --auth device-code --allow-plain-text-cache --tenant {FIRST}"
    assert served_consultant.run(kept).code == 0
    done = served_consultant.run(f"fleet apply {write_fleet(tmp_path, EVERYWHERE)} --yes -o json")
    assert (done.code, totals(done)) == (0, {"created": 5}), done.stderr
    listed = served_consultant.run("tenants --links -o json")
    assert {row["partnerId"] for row in json.loads(listed.stdout)} == {"719878"}


def test_the_python_api(consultant: Desk, tmp_path: Path) -> None:
    loaded = fleet.load(write_fleet(tmp_path, EVERYWHERE))
    assert [result.outcome for result in fleet.apply(loaded, cloud=consultant.cloud)] == [fleet.Outcome.CREATED] * 5


ACCOUNT = "account: invoices@contoso.com, partner: '719878'"
ENTRIES = {
    "all tenants": (f"{ACCOUNT}, tenants: all, exclude-tenants: [a.example, {FIRST}]", "", []),
    "of the Azure CLI": (f"{ACCOUNT}, tenants: all, auth: azure-cli", "", []),
    "instead of the default": (f"{ACCOUNT}, tenants: all", "tenant: contoso.com", []),
    "by default": (ACCOUNT, "tenants: all, exclude-tenants: a.example", []),
    "not as by default": (f"{ACCOUNT}, tenant: a.example", "tenants: all, exclude-tenants: b.example", []),
    "some": (f"{ACCOUNT}, tenants: some", "", ["tenants must be one of all"]),
    "both": (
        f"{ACCOUNT}, tenants: all, tenant: a.example",
        "",
        ["tenants cannot be combined with tenant: keep one of them"],
    ),
    "only exclusions": (
        f"{ACCOUNT}, tenant: a.example, exclude-tenants: b.example",
        "",
        ["exclude-tenants requires tenants: all"],
    ),
    "no tenant": (
        f"{ACCOUNT}, tenants: all, exclude-tenants: [a.example, 'b c']",
        "",
        ["exclude-tenants must be IDs (GUIDs) or domains of tenants, as in contoso.onmicrosoft.com"],
    ),
    "an application": (
        f"client-id: {FIRST}, partner: '719878', secret: 'env:S', tenants: all",
        "",
        ["tenants: all is for users: auth client-secret signs in to one tenant"],
    ),
    "a client ID alone": (
        f"client-id: {FIRST}, partner: '719878', tenants: all",
        "",
        ["tenants: all is for users: missing account"],
    ),
    "an object ID": (
        f"account: {FIRST}, partner: '719878', tenants: all",
        "",
        ["with tenants: all, account must be the name that the user signs in with: IDs differ by tenant"],
    ),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_what_is_wrong_with_an_entry(pallink: Pallink, tmp_path: Path, name: str) -> None:
    entry, defaults, expected = ENTRIES[name]
    found = problems(pallink, tmp_path, in_file(entry, defaults=defaults))
    assert [problem.partition(": ")[2] for problem in found] == expected


def test_one_entry_for_all_tenants_of_an_account(pallink: Pallink, tmp_path: Path) -> None:
    found = problems(pallink, tmp_path, in_file(f"{ACCOUNT}, tenants: all", f"{ACCOUNT}, tenants: all"))
    assert found == ["5:1: invoices@contoso.com in all tenants is in line 4 too, with the same partner"]


def test_validate_counts_them_apart(pallink: Pallink, tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text(
        "account,tenant,tenants,exclude-tenants,partner\na@b.example,b.example,,,719878\nc@b.example,,all,x.example|y.example,719878\n"
    )
    done = pallink("fleet", "validate", str(path))
    assert done.stdout == "valid: 1 account in 1 tenant, 1 account in all of its tenants\n"
    assert read_fleet(path).entries[1].excluded_tenants == ("x.example", "y.example")


def test_the_schema_has_the_keys() -> None:
    assert SCHEMA["properties"]["accounts"]["items"]["properties"]["tenants"]["const"] == "all"


def test_discover_writes_a_file_that_can_be_applied(consultant: Desk, tmp_path: Path) -> None:
    file = tmp_path / "customers.yaml"
    done = consultant.run(f"fleet discover 719878 {file} --exclude-tenant contoso.onmicrosoft.com")
    assert done.code == 0, done.stderr
    assert done.stderr.endswith(f"fleet: {INVOICES} in 4 tenants: {file}\n")
    assert file.read_text().splitlines()[3] == (
        f'  - {{name: "fabrikam.onmicrosoft.com", account: "{INVOICES}", tenant: "{FABRIKAM}"}}  # Fabrikam'
    )
    applied = consultant.run(f"fleet apply {file} --yes -o json")
    assert (applied.code, set(by_tenant(applied))) == (0, {FABRIKAM, FIRST, SECOND, THIRD})


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("719878 fleet.csv", 2, "cannot write a fleet to"),
        ("719878 there.yaml", 2, "exists already"),
        ("719878 missing/fleet.yaml", 1, "the fleet file cannot be written to"),
        ("12 fleet.yaml", 2, "12"),
        ("719878 fleet.yaml --exclude-tenant nowhere.example", 2, "--exclude-tenant names nowhere.example"),
    ],
)
def test_what_discover_refuses(consultant: Desk, tmp_path: Path, words: str, code: int, message: str) -> None:
    (tmp_path / "there.yaml").write_text("mine")
    partner, name, *more = words.split()
    refused = consultant.pallink("fleet", "discover", partner, str(tmp_path / name), *more, "--cloud", "sandbox")
    assert refused.code == code
    assert message in refused.stderr
    assert [path.name for path in tmp_path.iterdir() if path.suffix in (".yaml", ".csv")] == ["there.yaml"]
    assert (tmp_path / "there.yaml").read_text() == "mine"
