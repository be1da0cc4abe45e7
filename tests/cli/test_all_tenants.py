"""--all-tenants: link, show, verify, check and unlink in every tenant of a user, with one sign-in."""

import json

import pytest

from pallink.cli.prompter import TerminalPrompter
from pallink.sandbox.state.guest_policies import GuestPolicy
from tests.cli.people import CONTOSO, FABRIKAM, INVOICES, Desk
from tests.fleet.files import totals
from tests.fleet.test_tenants import FIRST, SECOND, THIRD, by_tenant
from tests.harness import Traffic

EVERYWHERE = {CONTOSO, FABRIKAM, FIRST, SECOND, THIRD}


@pytest.fixture(autouse=True)
def no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def test_link_verify_show_and_unlink(consultant: Desk) -> None:
    linked = consultant.run("link 719878 --all-tenants --yes -o json")
    assert linked.code == 0, linked.stderr
    assert by_tenant(linked) == dict.fromkeys(EVERYWHERE, "created")
    assert totals(consultant.run("link 719878 --all-tenants --yes -o json")) == {"unchanged": 5}
    assert consultant.run("verify 719878 --all-tenants").code == 0
    shown = consultant.run("show --all-tenants -o json")
    assert (shown.code, {entry["partnerId"] for entry in shown.json["entries"]}) == (0, {"719878"})
    unlinked = consultant.run("unlink 719878 --all-tenants --yes -o json")
    assert (unlinked.code, totals(unlinked)) == (0, {"deleted": 5})
    shown = consultant.run("show --all-tenants -o json")
    assert (shown.code, {entry["partnerId"] for entry in shown.json["entries"]}) == (0, {None})


def test_a_run_is_listed_and_can_be_resumed(consultant: Desk) -> None:
    consultant.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    done = consultant.run("link 719878 --all-tenants --yes")
    assert done.code == 8
    assert "  pallink link --all-tenants\n" in consultant.pallink("fleet runs").stdout
    consultant.sandbox.set_guest_policy(GuestPolicy.NONE, ["tenant-0001.example"])
    resumed = consultant.run("fleet apply --resume last -o json")
    assert (resumed.code, totals(resumed)) == (0, {"created": 5})


def test_verify_says_where_the_account_is_not_as_wanted(consultant: Desk) -> None:
    consultant.run("link 719878 --all-tenants --yes --exclude-tenant tenant-0001.example")
    assert consultant.run(f"link 6183402 --account {INVOICES} --tenant {FIRST}").code == 0
    done = consultant.run("verify 719878 --all-tenants")
    assert done.code == 9
    assert "error: the account is not as wanted in 1 of 5 tenants\n" in done.stderr
    assert "    pallink link 719878 --all-tenants --cloud sandbox\n" in done.stderr
    assert "\ndiffers    invoices@contoso.com  Tenant 0001  6183402, not 719878" in f"\n{done.stdout}"
    consultant.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    assert consultant.run("verify 719878 --all-tenants").code == 8


def test_another_partners_link_is_replaced_only_with_replace(consultant: Desk) -> None:
    assert consultant.run(f"link 6183402 --account {INVOICES} --tenant {FIRST}").code == 0
    refused = consultant.run("link 719878 --all-tenants --yes -o json")
    assert (refused.code, by_tenant(refused)[FIRST]) == (8, "needs-replace")
    assert totals(consultant.run("link 719878 --all-tenants --yes --replace -o json")) == {"updated": 1, "unchanged": 4}


def test_check_names_the_tenants_without_reader(consultant: Desk) -> None:
    assert consultant.run("check --all-tenants").code == 0
    done = consultant.run("check --all-tenants --account newhire@contoso.com -o json")
    assert (done.code, by_tenant(done)) == (9, {CONTOSO: "differs"})
    assert done.json["entries"][0]["role"] == "none"
    assert "subscriptions" not in done.json["entries"][0]


def test_a_dry_run_writes_nothing(consultant: Desk, traffic: Traffic) -> None:
    done = consultant.run("link 719878 --all-tenants --dry-run")
    assert done.code == 0
    assert done.stdout.endswith("\n5 tenants: 5 to create\n")
    assert traffic.writes() == []


def test_the_plan_is_confirmed_on_a_terminal(consultant: Desk, traffic: Traffic) -> None:
    declined = consultant.run("link 719878 --all-tenants", tty=True, stdin="n\n")
    assert declined.code == 130
    assert "Apply this plan? [y/N]: " in declined.stderr
    assert traffic.writes() == []
    assert consultant.run("link 719878 --all-tenants", tty=True, stdin="y\n").code == 0
    assert traffic.writes() == ["PUT"] * 5


@pytest.mark.parametrize("command", ["link 719878", "unlink"])
def test_without_a_terminal_yes_is_required(consultant: Desk, traffic: Traffic, command: str) -> None:
    refused = consultant.run(f"{command} --all-tenants")
    assert refused.code == 2
    assert "error: --yes is required without a prompt" in refused.stderr
    assert traffic.sent == []


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("link 719878 --exclude-tenant a.example", "--exclude-tenant is for --all-tenants"),
        ("show --exclude-tenant a.example", "--exclude-tenant is for --all-tenants"),
        ("verify 719878 --all-tenants --tenant contoso.com", "--tenant contradicts --all-tenants"),
        ("check --all-tenants --tenant contoso.com", "--tenant contradicts --all-tenants"),
        ("unlink --all-tenants --yes --exclude-tenant a.example", "--exclude-tenant names a.example"),
        ("link 12 --all-tenants --yes", "12"),
    ],
)
def test_what_is_refused(consultant: Desk, traffic: Traffic, command: str, message: str) -> None:
    refused = consultant.run(command)
    assert refused.code == 2
    assert message in refused.stderr
    assert traffic.of_partners() == []


def test_applications_are_refused(consultant: Desk, traffic: Traffic) -> None:
    consultant.environment("client-secret")
    refused = consultant.run("link 719878 --all-tenants --yes --auth client-secret")
    assert refused.code == 4
    assert "error: a sign-in with a client secret is for one tenant" in refused.stderr
    assert traffic.of_partners() == []


def test_one_stored_sign_in_opens_all(served_consultant: Desk) -> None:
    served_consultant.sandbox.set_guest_policy(GuestPolicy.CROSS_TENANT_ACCESS, ["tenant-0002.example"])
    done = served_consultant.run("link 719878 --all-tenants --yes -o json")
    assert (done.code, totals(done)) == (8, {"created": 4, "failed": 1})
    assert by_tenant(done)[SECOND] == "failed"


def test_those_that_need_a_person_are_asked_for_one_at_a_time_and_kept(served_consultant: Desk) -> None:
    """The claims of each tenant are passed on; afterwards its refresh token opens the tenant without a prompt."""
    desk = served_consultant
    desk.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    desk.sandbox.set_guest_policy(GuestPolicy.TERMS_OF_USE, ["tenant-0002.example"])
    desk.sandbox.set_guest_policy(GuestPolicy.CROSS_TENANT_ACCESS, ["tenant-0003.example"])
    desk.seen.clear()
    done = desk.run("link 719878 --all-tenants --yes -o json", tty=True, stdin="\n\n")
    assert (done.code, totals(done)) == (8, {"created": 4, "failed": 1}), done.stderr
    assert f"account: {INVOICES} in tenant-0001.example (1 of 2)\n" in done.stderr
    assert "cause: the tenant requires multifactor authentication, and this sign-in did not have it\n" in done.stderr
    assert done.stderr.count("Press Enter to sign in to this tenant, or s and Enter to skip it: ") == 2
    assert done.stderr.count("sign in: ") == 2
    assert "note: a tenant whose cross-tenant access settings trust" in done.stderr
    redeemed = [request.body for request in desk.seen if b"grant-type%3Adevice_code" in request.body]
    assert [b"acrs" in body for body in redeemed] == [True, False]
    verified = desk.run("verify 719878 --all-tenants -o json")
    assert (verified.code, totals(verified)) == (8, {"unchanged": 4, "failed": 1})


def test_a_tenant_can_be_skipped(served_consultant: Desk) -> None:
    served_consultant.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example", "tenant-0002.example"])
    done = served_consultant.run("link 719878 --all-tenants --yes -o json", tty=True, stdin="s\n\n")
    assert (done.code, totals(done)) == (8, {"created": 4, "needs-sign-in": 1})
    assert by_tenant(done)[FIRST] == "needs-sign-in"
    assert done.stderr.count("sign in: ") == 1


def test_another_person_at_the_prompt_is_refused_before_the_partner_api(served_consultant: Desk) -> None:
    desk = served_consultant
    desk.sandbox.grow(accounts=1)
    desk.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    another = "user-0001@tenant-0001.example"
    desk.patch.setattr(TerminalPrompter, "show_device_code", lambda _, __, code: desk.sandbox.approve(code, another))
    desk.seen.clear()
    done = desk.run("link 719878 --all-tenants --yes -o json", tty=True, stdin="\n")
    assert (done.code, totals(done)) == (8, {"created": 4, "failed": 1})
    (entry,) = [entry for entry in done.json["entries"] if entry["outcome"] == "failed"]
    assert entry["error"]["code"] == "WrongAccount"
    assert len([request for request in desk.seen if request.method == "PUT"]) == 4
    (kept,) = json.loads(desk.pallink("whoami --all -o json").stdout)
    assert (kept["account"], kept["tenantId"]) == (INVOICES, CONTOSO)
