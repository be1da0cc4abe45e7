"""--all-tenants: link, show, verify, check and unlink in every tenant of a user, with one sign-in."""

import json

import pytest

from pallink.cli.prompter import TerminalPrompter
from pallink.fleet.tenants import describe_delegated
from pallink.sandbox.state.guest_policies import GuestPolicy
from pallink.tenants import Tenant
from tests.cli.people import CONTOSO, FABRIKAM, INVOICES, Desk
from tests.fleet.files import last_error, totals
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
    assert "error: the account is not linked as expected in 1 of 5 tenants\n" in done.stderr
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
    done = consultant.run("check --all-tenants")
    assert (done.code, "unchanged  invoices@contoso.com  Tenant 0001  reader, not linked\n" in done.stdout) == (0, True)
    consultant.run("link 719878 --all-tenants --yes")
    assert "Fabrikam     reader, linked to 719878\n" in consultant.run("check --all-tenants").stdout
    done = consultant.run("check --all-tenants --account newhire@contoso.com -o json")
    assert (done.code, by_tenant(done)) == (9, {CONTOSO: "differs"})
    assert done.json["entries"][0]["role"] == "none"
    assert "subscriptions" not in done.json["entries"][0]
    told = consultant.run("check --all-tenants --account newhire@contoso.com").stderr
    assert told.endswith(
        "error: Reader is missing in 1 of 1 tenant\n"
        "hint: have an administrator of each tenant assign Reader\n"
        "    pallink role assign --to 0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3 --subscription SUBSCRIPTION"
        f" --tenant {CONTOSO} --cloud sandbox\n"
    )
    told = consultant.run("check --all-tenants --account auditor@contoso.com").stderr
    assert "\nhint: activate Reader where the account is eligible for it\n    pallink sandbox activate " in told


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
    assert "cause: stdin or stderr is not a terminal\n" in refused.stderr
    assert traffic.sent == []


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("link 719878 --exclude-tenant a.example", "--exclude-tenant requires --all-tenants"),
        ("show --exclude-tenant a.example", "--exclude-tenant requires --all-tenants"),
        ("verify 719878 --all-tenants --tenant contoso.com", "--tenant cannot be combined with --all-tenants"),
        ("check --all-tenants --tenant contoso.com", "--tenant cannot be combined with --all-tenants"),
        ("unlink --all-tenants --yes --exclude-tenant a.example", "--exclude-tenant names a.example"),
        (
            f"show --all-tenants --exclude-tenant a.example --account {INVOICES}",
            f"    pallink tenants --cloud sandbox --account {INVOICES}\n",
        ),
        ("link 12 --all-tenants --yes", "12"),
    ],
)
def test_what_is_refused(consultant: Desk, traffic: Traffic, command: str, message: str) -> None:
    refused = consultant.run(command)
    assert refused.code == 2
    assert message in refused.stderr
    assert traffic.of_partners() == []


def test_a_tenant_that_removed_the_guest_can_be_left_out(consultant: Desk) -> None:
    consultant.sandbox.set_guest_policy(GuestPolicy.REMOVED, ["tenant-0001.example"])
    done = consultant.run("show --all-tenants -o json")
    (error,) = [entry["error"] for entry in done.json["entries"] if entry["error"]]
    assert "AADSTS50020" in error["message"]
    assert error["remedy"] == "have an administrator of that tenant invite the account again"
    assert consultant.run("show --all-tenants --exclude-tenant tenant-0001.example").code == 0


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
    assert f"account: {INVOICES} in Tenant 0001 (tenant-0001.example), 1 of 2\n" in done.stderr
    assert "cause: the tenant requires multifactor authentication, and this sign-in did not have it\n" in done.stderr
    assert done.stderr.count("Press Enter to sign in to this tenant, or s and Enter to skip it: ") == 2
    assert done.stderr.count("sign in: ") == 2
    assert "note: a tenant that trusts the multifactor authentication of your home tenant" in done.stderr
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


def test_what_is_neither_a_sign_in_nor_a_skip_is_asked_again(served_consultant: Desk) -> None:
    question = "Press Enter to sign in to this tenant, or s and Enter to skip it: "
    served_consultant.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example", "tenant-0002.example"])
    done = served_consultant.run("link 719878 --all-tenants --yes -o json", tty=True, stdin="no\nskip\n")
    assert (done.code, totals(done)) == (8, {"created": 3, "needs-sign-in": 2})
    assert (done.stderr.count(question), done.stderr.count("sign in: ")) == (3, 0)
    # The end of stdin skips the tenant, and ends the line.
    assert f"{question}\n" in done.stderr


def test_a_dry_run_prompts_for_no_further_sign_in(served_consultant: Desk) -> None:
    served_consultant.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    done = served_consultant.run("link 719878 --all-tenants --dry-run", tty=True, stdin="\n")
    assert done.code == 8
    assert "!  invoices@contoso.com  Tenant 0001  ? -> 719878     needs a sign-in\n" in done.stdout
    assert done.stdout.endswith("\n5 tenants: 4 to create, 1 for a person\n")
    assert "Press Enter" not in done.stderr


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


@pytest.mark.parametrize(
    ("is_declined", "reason"),
    [(True, "was declined"), (False, "the account belongs to another tenant and is not a guest")],
)
def test_a_sign_in_in_person_that_fails_says_why(served_consultant: Desk, is_declined: bool, reason: str) -> None:
    """And not that the tenant requires a stronger one, which is why a person was asked."""
    desk = served_consultant
    desk.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])

    def respond(_: TerminalPrompter, __: str, code: str) -> None:
        desk.sandbox.approve(code, "owner@contoso.com", deny=is_declined)

    desk.patch.setattr(TerminalPrompter, "show_device_code", respond)
    done = desk.run("link 719878 --all-tenants --yes -o json", tty=True, stdin="\n")
    assert done.code == 8
    (error,) = [entry["error"] for entry in done.json["entries"] if entry["error"]]
    assert reason in error["cause"]
    assert "claims challenge" not in error["message"]


POLICIES = [
    (GuestPolicy.REMOVED, "the account belongs to another tenant and is not a guest of this one"),
    (GuestPolicy.DISABLED, "the guest account is disabled in this tenant"),
    (GuestPolicy.CROSS_TENANT_ACCESS, "that tenant does not let this account sign in (inbound access)"),
]


# By default the guest that has left: tests/fleet/test_tenants.py tries all of them with a fleet.
@pytest.mark.parametrize(
    ("policy", "reason"),
    [pytest.param(*POLICIES[0]), *(pytest.param(*row, marks=pytest.mark.exhaustive) for row in POLICIES[1:])],
)
def test_a_guest_who_is_not_let_in_is_told_why_and_not_prompted(
    served_consultant: Desk, policy: GuestPolicy, reason: str
) -> None:
    """The list of tenants may still have one that the account has left."""
    desk = served_consultant
    desk.sandbox.set_guest_policy(policy, ["tenant-0001.example"])
    done = desk.run("link 719878 --all-tenants --yes", tty=True)
    assert done.code == 8
    assert f"  sign-in failed: {reason}\n" in done.stdout
    assert done.stdout.endswith("\n5 tenants: 4 created, 1 failed\n")
    assert "Press Enter to sign in" not in done.stderr
    assert "hint: correct each error, or leave the tenant out with --exclude-tenant, then run again" in done.stderr
    assert f"cause: {reason}\n" in done.stderr
    assert desk.run("verify 719878 --all-tenants --exclude-tenant tenant-0001.example").code == 0


def test_two_home_accounts_of_one_person(served_consultant: Desk) -> None:
    """Each is linked in the tenants that it is in itself; nothing is guessed about which of them is meant."""
    desk, other = served_consultant, "user-0001@tenant-0001.example"
    desk.sandbox.grow(accounts=1)
    desk.patch.setattr(TerminalPrompter, "show_device_code", lambda _, __, code: desk.sandbox.approve(code, other))
    assert desk.run(f"login --auth device-code --account {other} --allow-plain-text-cache").code == 0
    refused = desk.run("link 719878 --all-tenants --yes")
    assert refused.code == 4
    assert INVOICES in refused.stderr
    assert other in refused.stderr
    linked = desk.run(f"link 719878 --all-tenants --yes --account {other} -o json")
    assert (linked.code, by_tenant(linked)) == (0, {FIRST: "created"})
    linked = desk.run(f"link 719878 --all-tenants --yes --account {INVOICES} -o json")
    assert (linked.code, totals(linked)) == (0, {"created": 5})
    assert {entry["account"] for entry in linked.json["entries"]} == {INVOICES}


def test_customers_that_delegate_are_named(consultant: Desk, traffic: Traffic) -> None:
    warning = "1 customer delegates to you through Azure Lighthouse, where the link in your own tenant counts: Fabrikam"
    done = consultant.run("link 719878 --all-tenants --yes --account lighthouse@contoso.com")
    assert done.stderr.count(f"warning: {warning}\n") == 1
    assert traffic.writes() == ["PUT"]
    done = consultant.run("verify 719878 --all-tenants --account lighthouse@contoso.com -o json")
    assert (done.code, done.json["warnings"]) == (0, [warning])
    quiet = consultant.run("show --all-tenants --account lighthouse@contoso.com --quiet")
    assert (quiet.code, quiet.stderr) == (0, "")
    failed = consultant.run("verify 6183402 --all-tenants --account lighthouse@contoso.com -o json")
    assert failed.code == 9
    assert last_error(failed)["warnings"] == [warning, "this is pallink's embedded sandbox, not Azure"]
    assert consultant.run("show --all-tenants -o json").json["warnings"] == []


def test_several_customers_are_one_warning() -> None:
    tenants = [Tenant(FIRST, "Own"), *(Tenant(SECOND, name, category="ProjectedBy") for name in ("A", "B"))]
    (warning,) = describe_delegated([*tenants, Tenant(THIRD, None, "c.example", "ManagedBy")])
    assert warning.startswith("3 customers delegate to you through Azure Lighthouse, ")
    assert warning.endswith(": A, B, c.example")
