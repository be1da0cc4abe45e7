"""Stored sign-ins that were revoked or expired: what each command says, with the command that signs in again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pallink.sandbox import Sandbox
from tests.cli.people import CONTOSO, INVOICES, Desk
from tests.fleet.files import totals, write_fleet
from tests.harness import Traffic

KEPT = "--allow-plain-text-cache"
COMMAND = f"pallink login {KEPT} --cloud sandbox --account {INVOICES} --tenant "
GUEST_IN = "fabrikam.onmicrosoft.com"

ENDS = {
    "revoke-sessions invoices@contoso.com": (
        "AADSTS50173: The provided grant has expired due to it being revoked",
        "cause: the sign-in was revoked: the password was changed, or the account's sessions were ended\n",
    ),
    "set refresh-token-lifetime 0": (
        "AADSTS700082: The refresh token has expired due to inactivity",
        "cause: the stored sign-in has expired: it was not used for 90 days\n",
    ),
}

pytestmark = pytest.mark.usefixtures("no_keyring")


@pytest.fixture
def signed_in(desk: Desk) -> Desk:
    """A desk with a stored sign-in that is renewed for each command."""
    desk.sandbox.set("token-lifetime", "60")
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    return desk


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("command", "tenant"),
    [
        ("show", CONTOSO),
        (f"verify 719878 --tenant {GUEST_IN}", GUEST_IN),
        ("tenants", CONTOSO),
        ("link 719878 --all-tenants --yes", CONTOSO),
    ],
)
def test_the_command_that_signs_in_again_is_shown(
    signed_in: Desk, traffic: Traffic, end: str, command: str, tenant: str
) -> None:
    assert signed_in.pallink(f"sandbox {end}").code == 0
    refused = signed_in.run(command)
    message, cause = ENDS[end]
    assert refused.code == 4
    assert f"error: the sign-in failed: {message}" in refused.stderr
    assert cause in refused.stderr
    assert f"\n    {COMMAND}{tenant}\n" in refused.stderr
    assert traffic.of_partners() == []


@pytest.mark.parametrize("end", ENDS)
def test_a_fleet_says_so_of_each_entry(signed_in: Desk, traffic: Traffic, tmp_path: Path, end: str) -> None:
    assert signed_in.pallink(f"sandbox {end}").code == 0
    tenants = ("contoso.onmicrosoft.com", GUEST_IN)
    file = write_fleet(tmp_path, *(f"account: {INVOICES}, tenant: {tenant}" for tenant in tenants))
    done = signed_in.run(f"fleet apply {file} --yes -o json")
    assert (done.code, totals(done)) == (8, {"needs-sign-in": 2})
    assert [entry["error"]["command"] for entry in done.json["entries"]] == [COMMAND + tenant for tenant in tenants]
    assert all(ENDS[end][0] in entry["error"]["message"] for entry in done.json["entries"])
    assert traffic.of_partners() == []


def test_a_new_sign_in_lasts(signed_in: Desk) -> None:
    assert signed_in.pallink(f"sandbox revoke-sessions {INVOICES}").stderr == (
        f"sandbox: revoked the sessions of {INVOICES}\n"
    )
    assert signed_in.run("show").code == 4
    assert signed_in.run(f"login --account {INVOICES} {KEPT}").code == 0
    assert signed_in.run("show").code == 3
    assert signed_in.run(f"show --tenant {GUEST_IN}").code == 3


def test_an_access_token_outlives_the_revocation(desk: Desk) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    assert desk.pallink(f"sandbox revoke-sessions {INVOICES}").code == 0
    assert desk.run("show").code == 3
    assert desk.run(f"show --tenant {GUEST_IN}").code == 4


def test_a_sign_in_lasts_as_long_as_it_is_used_every_90_days(desk: Desk) -> None:
    """The refresh token of each renewal is kept, and its 90 days begin with it."""
    today = datetime.now(UTC)
    desk.sandbox.set("token-lifetime", "60")
    for command, days_ago, code in (
        (f"login --account {INVOICES} {KEPT}", 300, 0),
        ("show", 240, 3),
        ("show", 180, 3),
        (f"show --tenant {GUEST_IN}", 120, 3),
        (f"show --tenant {GUEST_IN}", 31, 3),
        (f"show --tenant {GUEST_IN}", -60, 4),
    ):
        with desk.patch.context() as patch:
            patch.setattr(Sandbox, "_now", lambda _, days=days_ago: today - timedelta(days=days))
            done = desk.run(command)
        assert done.code == code, done.stderr
    assert "AADSTS700082" in done.stderr
