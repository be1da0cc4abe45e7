"""--tenant given several times: link, show, verify, check and unlink in each of these tenants, as --all-tenants."""

import pytest

from pallink.sandbox.state.guest_policies import GuestPolicy
from tests.cli.people import CONTOSO, FABRIKAM, INVOICES, Desk
from tests.fleet.files import totals
from tests.fleet.test_tenants import FIRST, SECOND, by_tenant
from tests.harness import Traffic

TWO = "--tenant tenant-0001.example --tenant contoso.com"


@pytest.fixture(autouse=True)
def no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def test_link_verify_show_check_and_unlink(consultant: Desk) -> None:
    linked = consultant.run(f"link 719878 {TWO} --yes -o json")
    assert linked.code == 0, linked.stderr
    assert by_tenant(linked) == {FIRST: "created", CONTOSO: "created"}
    assert consultant.run(f"verify 719878 {TWO}").code == 0
    shown = consultant.run(f"show {TWO} -o json")
    assert {entry["tenantName"]: entry["partnerId"] for entry in shown.json["entries"]} == {
        "Tenant 0001": "719878",
        "Contoso": "719878",
    }
    assert totals(consultant.run(f"check {TWO} -o json")) == {"unchanged": 2}
    assert by_tenant(consultant.run(f"unlink {TWO} --yes -o json")) == {FIRST: "deleted", CONTOSO: "deleted"}
    assert "  pallink unlink in 2 tenants\n" in consultant.pallink("fleet runs").stdout


def test_the_list_of_tenants_is_not_read_first(consultant: Desk, traffic: Traffic) -> None:
    assert consultant.run(f"link 719878 {TWO} --yes").code == 0
    # One of them for its own name each.
    assert traffic.sent.count(("GET", "/tenants")) == 2
    assert traffic.writes() == ["PUT"] * 2


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (["contoso.com", CONTOSO, "contoso.onmicrosoft.com", FABRIKAM], [CONTOSO, FABRIKAM]),
        (["tenant-0001.example", "TENANT-0001.example", SECOND, SECOND.upper()], [FIRST, SECOND]),
        ([CONTOSO, "contoso.com"], [CONTOSO]),
    ],
)
def test_a_tenant_that_is_named_twice_is_one_row(
    consultant: Desk, traffic: Traffic, named: list[str], found: list[str]
) -> None:
    options = " ".join(f"--tenant {tenant}" for tenant in named)
    done = consultant.run(f"link 719878 {options} --yes -o json")
    assert (done.code, by_tenant(done)) == (0, dict.fromkeys(found, "created"))
    assert traffic.writes() == ["PUT"] * len(found)


def test_one_spelling_twice_is_one_tenant(consultant: Desk) -> None:
    done = consultant.run("link 719878 --tenant contoso.com --tenant CONTOSO.com --yes -o json")
    assert (done.code, done.json["action"]) == (0, "created")


def test_the_variable_sets_one_tenant(consultant: Desk, traffic: Traffic) -> None:
    consultant.patch.setenv("PALLINK_TENANT", "fabrikam.onmicrosoft.com")
    assert consultant.run("link 719878 --yes -o json").json["tenantId"] == FABRIKAM
    assert set(by_tenant(consultant.run(f"show {TWO} -o json"))) == {FIRST, CONTOSO}
    before = len(traffic.sent)
    consultant.patch.setenv("PALLINK_TENANT", "contoso.com fabrikam.onmicrosoft.com")
    refused = consultant.run("show")
    assert refused.code == 2
    assert "error: PALLINK_TENANT names several tenants\n" in refused.stderr
    assert len(traffic.sent) == before


def test_a_tenant_that_there_is_not_is_a_row(consultant: Desk) -> None:
    done = consultant.run("link 719878 --tenant contoso.com --tenant typo.example --yes -o json")
    assert (done.code, totals(done)) == (8, {"created": 1, "failed": 1})
    (failed,) = [entry for entry in done.json["entries"] if entry["error"]]
    assert "Tenant 'typo.example' not found" in failed["error"]["message"]


def test_the_command_that_mends_names_the_same_tenants(consultant: Desk) -> None:
    done = consultant.run(f"verify 719878 {TWO}")
    assert done.code == 9
    assert done.stderr.endswith(f"    pallink link 719878 {TWO} --cloud sandbox\n")
    done = consultant.run("verify 719878 --all-tenants --exclude-tenant contoso.com")
    assert done.stderr.endswith("    pallink link 719878 --all-tenants --exclude-tenant contoso.com --cloud sandbox\n")


def test_the_plan_is_confirmed_and_only_these_tenants_are_written(consultant: Desk, traffic: Traffic) -> None:
    done = consultant.run(f"link 719878 {TWO}", tty=True, stdin="y\n")
    assert done.code == 0
    assert "2 tenants: 2 to create\nApply this plan? [y/N]: " in done.stderr
    assert traffic.writes() == ["PUT"] * 2
    assert consultant.run(f"link 719878 {TWO} --dry-run").stdout.endswith("\n2 tenants: 2 unchanged\n")


def test_concurrency_is_that_of_fleets(consultant: Desk) -> None:
    assert consultant.run(f"show {TWO} --concurrency 1").code == 0
    assert consultant.run("show --all-tenants --concurrency 64").code == 0
    refused = consultant.run("show --all-tenants --concurrency 65")
    assert (refused.code, "error: --concurrency must be 1 to 64\n" in refused.stderr) == (2, True)
    consultant.patch.setenv("PALLINK_CONCURRENCY", "4")
    assert consultant.run("link 719878 --yes").code == 0


@pytest.mark.parametrize("command", ["link 719878", "unlink", "show", "verify 719878", "check"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--concurrency 4", "--concurrency requires --all-tenants or several --tenant"),
        ("--tenant contoso.com --concurrency 4", "--concurrency requires --all-tenants or several --tenant"),
        (f"{TWO} --exclude-tenant contoso.com", "--exclude-tenant requires --all-tenants"),
        (f"{TWO} --all-tenants", "--tenant cannot be combined with --all-tenants"),
        ("--tenant contoso.com --tenant a/b", "'a/b' is not a tenant"),
    ],
)
def test_what_is_refused(consultant: Desk, traffic: Traffic, command: str, options: str, message: str) -> None:
    refused = consultant.run(f"{command} {options}")
    assert refused.code == 2
    assert f"error: {message}\n" in refused.stderr
    assert traffic.sent == []


@pytest.mark.parametrize("command", ["login", "logout", "whoami", "tenants"])
def test_other_commands_take_the_last_tenant(consultant: Desk, command: str) -> None:
    refused = consultant.run(f"{command} {TWO} --tenant a/b")
    assert refused.code == 2
    assert "error: 'a/b' is not a tenant\n" in refused.stderr


def test_a_prompt_is_for_one_of_the_tenants(served_consultant: Desk) -> None:
    served_consultant.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    done = served_consultant.run(f"link 719878 {TWO} --yes", tty=True, stdin="\n")
    assert done.code == 0, done.stderr
    assert f"account: {INVOICES} in tenant-0001.example, 1 of 1\n" in done.stderr


def test_a_missing_role_is_mended_by_options_and_not_in_a_file(consultant: Desk) -> None:
    done = consultant.run("link 719878 --all-tenants --yes --account newhire@contoso.com")
    assert done.code == 8
    assert "unless --role-check is warn or skip" in done.stderr
    assert "fleet file" not in done.stderr
