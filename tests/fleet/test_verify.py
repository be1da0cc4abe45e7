"""pallink fleet verify: what differs, and what could not be checked."""

from pathlib import Path

import pytest

from tests.cli.people import INVOICES
from tests.cli.test_settling import answering
from tests.fleet.files import SEED, outcomes, write_fleet
from tests.harness import Pallink, Traffic

APPROVERS = "svc_approvers@contoso.com"


def test_verify_of_a_fleet_that_differs(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    assert in_sandbox(f"link 6183402 --account {INVOICES}").code == 0
    traffic.sent.clear()
    file = write_fleet(tmp_path, *SEED[:2], "account: newhire@contoso.com, role-check: warn")
    done = in_sandbox(f"fleet verify {file}")
    assert done.code == 9
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [
        ["differs", INVOICES],
        ["differs", APPROVERS],
        ["differs", "newhire@contoso.com"],
    ]
    assert "6183402, not 719878" in lines[0]
    assert "none, not 719878" in lines[1]
    assert done.stderr.splitlines()[-1] == f"    pallink fleet apply {file} --cloud sandbox"
    assert traffic.writes() == []


def test_a_missing_role_differs_where_it_is_required(in_sandbox: Pallink, tmp_path: Path) -> None:
    assert in_sandbox("link 719878 --account newhire@contoso.com --role-check skip").code == 0
    file = write_fleet(tmp_path, "account: newhire@contoso.com")
    assert outcomes(in_sandbox(f"fleet verify {file} -o json")) == {"newhire@contoso.com": "differs"}
    done = in_sandbox(f"fleet verify {write_fleet(tmp_path, 'account: newhire@contoso.com, role-check: warn')} -o json")
    assert (done.code, outcomes(done)) == (0, {"newhire@contoso.com": "unchanged"})


def test_an_error_is_never_not_linked(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, SEED[0])
    traffic.fail("GET", "partners", answering(404, b'{"error": {"code": "NotFound", "message": "Nothing here."}}'))
    done = in_sandbox(f"fleet verify {file} -o json")
    assert (done.code, outcomes(done)) == (8, {INVOICES: "failed"})


def test_a_timeout_without_end(in_sandbox: Pallink, tmp_path: Path) -> None:
    done = in_sandbox(f"fleet verify {write_fleet(tmp_path, SEED[0])} --timeout inf -o json")
    assert (done.code, outcomes(done)) == (9, {INVOICES: "differs"})


@pytest.mark.parametrize("command", ["verify", "plan", "apply --yes"])
def test_an_account_that_has_left_is_taken_out_of_the_file(in_sandbox: Pallink, tmp_path: Path, command: str) -> None:
    """Only the account itself can remove its link, and a disabled one signs in no more."""
    done = in_sandbox(f"fleet {command} {write_fleet(tmp_path, 'account: former@contoso.com, state: unlinked')}")
    assert (
        "hint: have an administrator of the tenant enable the account; or, if it lost its access for good, take its"
        " entry out of the file, as recognition has ended\n"
    ) in done.stderr
    linked = in_sandbox(f"fleet {command} {write_fleet(tmp_path, 'account: former@contoso.com')}")
    assert "hint: have an administrator of the tenant enable the account\n" in linked.stderr
    misspelt = write_fleet(tmp_path, "account: invoices@contoso.com, tenant: contosso.onmicrosoft.com, state: unlinked")
    assert (
        "\nhint: check --tenant, and that --cloud is its cloud; this lists the tenants of the account\n"
    ) in in_sandbox(f"fleet {command} {misspelt}").stderr


def test_an_account_without_a_link_is_shown_with_the_name_of_its_tenant(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, f"account: {INVOICES}, state: unlinked")
    assert in_sandbox(f"fleet verify {file}").stdout.startswith(f"unchanged  {INVOICES}  Contoso  none\n")
