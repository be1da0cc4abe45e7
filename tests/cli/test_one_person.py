"""A consultant who is a guest in many tenants: one sign-in, a link in each, and a nightly check of them all."""

import json
import re

import pytest

from pallink.sandbox.state.guest_policies import GuestPolicy
from tests.cli.people import INVOICES, Desk, served
from tests.fleet.files import totals
from tools.program import ROOT


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize(
    ("tenants", "with_mfa"), [(6, 2), pytest.param(40, 5, marks=pytest.mark.exhaustive)], ids=["6", "40"]
)
def test_one_sign_in_links_in_every_tenant(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tenants: int, with_mfa: int
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    # The sandbox's own two tenants count.
    desk.sandbox.grow(tenants=tenants - 2, guest=INVOICES)
    names = [f"tenant-{number:04}.example" for number in range(1, tenants - 1)]
    mfa, blocked = names[:with_mfa], names[-1]
    desk.sandbox.set_guest_policy(GuestPolicy.MFA, mfa)
    desk.sandbox.set_guest_policy(GuestPolicy.MANAGED_DEVICE, [blocked])
    desk.reader_of_device_codes(INVOICES)
    with served(desk):
        signed_in = desk.run("login --auth device-code --allow-plain-text-cache")
        assert (signed_in.code, signed_in.stderr.count("sign in: ")) == (0, 1)

        planned = desk.run("link 719878 --all-tenants", tty=True, stdin="y\n" + "\n" * with_mfa)

        assert planned.code == 8
        assert (
            f"{tenants} tenants: {tenants - with_mfa - 1} to create, {with_mfa} for a person, 1 could not be read\n"
            in planned.stderr
        )
        assert planned.stdout.endswith(f"\n{tenants} tenants: {tenants - 1} created, 1 failed\n")
        assert f"note: {with_mfa} of {tenants} tenants need a sign-in, one at a time\n" in planned.stderr
        assert re.findall(rf"account: {INVOICES} in Tenant \d+ \((\S+)\), (\d) of {with_mfa}", planned.stderr) == [
            (name, str(number)) for number, name in enumerate(mfa, 1)
        ]
        assert f"account: {INVOICES} in Tenant {tenants - 2:04} ({blocked})\n" in planned.stderr
        assert "sign-in failed: a conditional access policy requires a managed" in planned.stdout
        assert len([request for request in desk.seen if request.method == "PUT"]) == tenants - 1

        verified = desk.run("verify 719878 --all-tenants -o json")

        assert (verified.code, totals(verified)) == (8, {"unchanged": tenants - 1, "failed": 1})
        (named,) = [entry["tenantName"] for entry in verified.json["entries"] if entry["error"]]
        assert named == f"Tenant {tenants - 2:04}"


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize("is_stored", [False, True], ids=["by name", "stored"])
def test_the_refusal_that_the_how_to_guide_rehearses(desk: Desk, is_stored: bool) -> None:
    """Also for a stored sign-in that has used the other tenant, whose access token it keeps."""
    page = (ROOT / "docs/how-to/link-a-user.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", page.partition("## Several accounts")[2], re.DOTALL)
    lines = [line.partition(" || ")[0] for block in blocks[1:4] for line in block.splitlines()]
    if is_stored:
        assert desk.run(f"login --account {INVOICES} --allow-plain-text-cache").code == 0
    *used, grow, policy, link, end = (line.removeprefix("pallink ") for line in lines)
    assert [desk.pallink(line).code for line in used] == [0, 0]
    assert [desk.pallink(line).code for line in (grow, policy)] == [0, 0]
    refused = desk.pallink(f"{link} -o json")
    assert (refused.code, "AADSTS50076" in refused.stderr) == (4, True)
    desk.reader_of_device_codes(INVOICES)
    login = json.loads(refused.stderr)["command"].removeprefix("pallink ")
    assert desk.pallink(login if is_stored else f"{login} --allow-plain-text-cache").code == 0
    assert [desk.pallink(line).code for line in (link, end)] == [0, 0]
