"""The main job from the first link to the last, as the README tells it."""

import shlex
from datetime import datetime

import pytest

from tests.harness import Pallink, Traffic

INVOICES = "a423e88c-fb42-4a0f-bc27-18c0c8a37472"
NEWHIRE = "0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3"


def test_a_link_is_created_once_and_then_unchanged(in_sandbox: Pallink, traffic: Traffic) -> None:
    first = in_sandbox("link 719878 -o json")
    assert (first.code, first.json["action"], first.json["partnerName"]) == (0, "created", "Mekorma")
    assert traffic.writes() == ["PUT"]

    second = in_sandbox("link 719878 -o json")
    assert (second.code, second.json["action"]) == (0, "unchanged")
    assert traffic.writes() == ["PUT"], "the second run sent a write"

    shown = in_sandbox("show -o json")
    assert shown.code == 0
    same = ("partnerId", "partnerName", "state", "version", "createdTime", "updatedTime", "id", "objectId", "tenantId")
    assert {name: shown.json[name] for name in same} == {name: first.json[name] for name in same}
    assert shown.json["objectId"] == INVOICES


def test_another_partners_link_is_never_overwritten_silently(in_sandbox: Pallink, traffic: Traffic) -> None:
    in_sandbox("link 719878")
    refused = in_sandbox("link 6183402")
    assert refused.code == 5
    assert "719878 (Mekorma)" in refused.stderr
    assert "6183402" in refused.stderr
    assert refused.stdout == ""
    assert traffic.writes() == ["PUT"]
    assert in_sandbox("show -o json").json["partnerId"] == "719878"


@pytest.mark.parametrize("command", ["link 6183402", "verify 6183402"])
@pytest.mark.parametrize("who", ["", " --account invoices@contoso.com --tenant contoso.com"])
def test_a_second_partner_is_for_another_account(in_sandbox: Pallink, command: str, who: str) -> None:
    in_sandbox("link 719878")
    refused = in_sandbox(f"{command}{who}")
    assert refused.code == 5
    assert "\ncause: an account has one partner in each tenant" in refused.stderr
    assert "\nhint: link another account to the other partner, or replace the partner of this one\n" in refused.stderr
    tenant = " --tenant contoso.com" if who else ""
    assert [line for line in refused.stderr.splitlines() if line.startswith("    ")] == [
        f"    pallink link 6183402 --account OTHER_ACCOUNT --cloud sandbox{tenant}",
        f"    pallink update 6183402 --cloud sandbox{who or ' --account invoices@contoso.com'}",
    ]


LEAVER = (
    "cause: only former@contoso.com itself can remove its link\ncause: recognition ends when its access to Azure ends\n"
)


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("unlink --yes --account former@contoso.com", True),
        ("unlink 719878 --yes --account former@contoso.com --auth client-secret", True),
        ("unlink --yes --auth client-secret --tenant fabrikam.onmicrosoft.com", False),
        ("show --account former@contoso.com", False),
        ("link 719878 --account former@contoso.com", False),
    ],
)
def test_a_leavers_link_is_removed_by_the_leaver_alone(
    in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch, traffic: Traffic, line: str, is_told: bool
) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", "contoso.onmicrosoft.com")
    monkeypatch.setenv("AZURE_CLIENT_ID", "6be1d7c7-4712-4123-a241-8b8918c455f9")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "sandbox-onboarding-secret")
    refused = in_sandbox(line)
    assert refused.code == 4, refused.stderr
    assert (LEAVER in refused.stderr) is is_told
    assert traffic.of_partners() == []


@pytest.mark.parametrize("command", ["update 6183402", "link 6183402 --replace"])
def test_a_link_is_changed_by_patch(in_sandbox: Pallink, traffic: Traffic, command: str) -> None:
    in_sandbox("link 719878")
    changed = in_sandbox(f"{command} -o json")
    assert changed.code == 0
    assert changed.json["action"] == "updated"
    assert changed.json["previousPartnerId"] == "719878"
    assert changed.json["partnerId"] == "6183402"
    assert changed.json["version"] == 2
    assert traffic.writes() == ["PUT", "PATCH"]


def test_update_to_the_same_partner_is_unchanged(in_sandbox: Pallink, traffic: Traffic) -> None:
    in_sandbox("link 719878")
    assert in_sandbox("update 719878 -o json").json["action"] == "unchanged"
    assert traffic.writes() == ["PUT"]


def test_unlink_wants_a_yes_then_deletes_then_has_nothing_to_do(in_sandbox: Pallink, traffic: Traffic) -> None:
    in_sandbox("link 719878")
    asked = len(traffic.sent)
    refused = in_sandbox("unlink")
    assert refused.code == 2
    assert "--yes" in refused.stderr
    assert len(traffic.sent) == asked, "a request was sent before the yes"

    deleted = in_sandbox("unlink --yes -o json")
    assert (deleted.code, deleted.json["action"]) == (0, "deleted")
    assert (deleted.json["partnerId"], deleted.json["previousPartnerId"]) == (None, "719878")

    again = in_sandbox("unlink --yes -o json")
    assert (again.code, again.json["action"]) == (0, "unchanged")
    assert traffic.writes() == ["PUT", "DELETE"]

    shown = in_sandbox("show")
    assert shown.code == 3
    assert "pallink link" in shown.stderr


def test_unlink_with_an_id_removes_only_that_partners_link(in_sandbox: Pallink) -> None:
    in_sandbox("link 719878")
    refused = in_sandbox("unlink 6183402 --yes")
    assert refused.code == 5
    assert "719878 (Mekorma)" in refused.stderr
    assert "hint: remove the link to 719878 instead\n    pallink unlink 719878" in refused.stderr
    assert in_sandbox("unlink 719878 --yes -o json").json["action"] == "deleted"


def test_verify_tells_the_three_states_apart(in_sandbox: Pallink, traffic: Traffic) -> None:
    missing = in_sandbox("verify 719878 -o json")
    assert (missing.code, missing.json["matches"], missing.json["partnerId"]) == (3, False, None)
    assert "pallink link 719878 --cloud sandbox" in missing.stderr

    in_sandbox("link 6183402")
    different = in_sandbox("verify 719878 -o json")
    assert (different.code, different.json["matches"]) == (5, False)
    assert "6183402 (Fourth Coffee Consulting)" in different.stderr

    in_sandbox("update 719878")
    same = in_sandbox("verify 719878 -o json")
    assert (same.code, same.json["matches"], same.json["expectedPartnerId"]) == (0, True, "719878")
    assert traffic.writes() == ["PUT", "PATCH"]


def test_update_without_a_link_is_not_linked(in_sandbox: Pallink, traffic: Traffic) -> None:
    refused = in_sandbox("update 719878")
    assert refused.code == 3
    assert "error: not linked: invoices@contoso.com has no link in tenant Contoso\n" in refused.stderr
    assert "cause: Azure returned no link for this account\n" in refused.stderr
    assert "pallink link 719878 --cloud sandbox" in refused.stderr
    assert traffic.writes() == []


def test_a_role_check_is_kept_in_what_is_to_be_run_instead(in_sandbox: Pallink) -> None:
    missing = in_sandbox("update 719878 --role-check skip")
    assert "    pallink link 719878 --role-check skip --cloud sandbox" in missing.stderr
    in_sandbox("link 719878")
    words = ["--role-check", "warn", "--subscription", "Contoso Production"]
    elsewhere = in_sandbox("link", "6183402", *words)
    reader = shlex.join(words)
    assert f"    pallink link 6183402 {reader} --account OTHER_ACCOUNT" in elsewhere.stderr
    assert f"    pallink update 6183402 {reader} --cloud sandbox" in elsewhere.stderr
    refused = in_sandbox("unlink 6183402 --yes")
    assert refused.stderr.endswith("    pallink unlink 719878 --cloud sandbox --account invoices@contoso.com\n")


@pytest.mark.parametrize("command", ["link 719878", "check"])
def test_without_reader_nothing_is_written_and_the_remedy_is_ready_to_paste(
    in_sandbox: Pallink, traffic: Traffic, command: str
) -> None:
    refused = in_sandbox(f"{command} --account newhire@contoso.com")
    assert refused.code == 6
    hint, command = refused.stderr.splitlines()[-2:]
    assert hint == "hint: have an administrator assign Reader, in the sandbox with pallink sandbox assign"
    assert command == (
        f"    pallink sandbox assign --assignee-object-id {NEWHIRE} --assignee-principal-type User --role Reader"
    )
    assert traffic.writes() == []


def test_the_role_check_can_be_skipped_or_made_a_warning(in_sandbox: Pallink) -> None:
    warned = in_sandbox("link 719878 --account newhire@contoso.com --role-check warn -o json")
    assert (warned.code, warned.json["role"]) == (0, "none")
    assert "warning: the Reader role is missing" in warned.stderr
    skipped = in_sandbox("link 719878 --account newhire@contoso.com --role-check skip -o json")
    assert (skipped.code, skipped.json["role"]) == (0, None)
    assert "warning" not in skipped.stderr


def test_verify_warns_about_the_role_and_fails_where_it_is_required(in_sandbox: Pallink) -> None:
    in_sandbox("link 719878 --account newhire@contoso.com --role-check skip")
    assert in_sandbox("verify 719878 --account newhire@contoso.com").code == 0
    assert in_sandbox("verify 719878 --account newhire@contoso.com --role-check require").code == 6


def test_a_different_partner_comes_before_a_missing_role(in_sandbox: Pallink) -> None:
    in_sandbox("link 719878 --account newhire@contoso.com --role-check skip")
    refused = in_sandbox("link 6183402 --account newhire@contoso.com")
    assert refused.code == 5
    assert "the Reader role is missing" in refused.stderr
    assert in_sandbox("verify 6183402 --account newhire@contoso.com --role-check require").code == 5


def test_reader_through_a_group_and_a_management_group(in_sandbox: Pallink) -> None:
    checked = in_sandbox("check --account svc_approvers@contoso.com -o json")
    assert (checked.code, checked.json["role"]) == (0, "reader")
    assert [each["name"] for each in checked.json["subscriptions"]] == ["Contoso Production", "Contoso Development"]
    assert {each["scope"] for each in checked.json["subscriptions"]} == {
        "/providers/Microsoft.Management/managementGroups/workloads"
    }
    assert all(each["groupId"] for each in checked.json["subscriptions"])


@pytest.mark.parametrize("command", ["link 719878", "update 6183402", "link 6183402 --replace", "unlink"])
def test_a_dry_run_says_what_would_be_done_and_writes_nothing(
    in_sandbox: Pallink, traffic: Traffic, command: str
) -> None:
    expected = "created"
    if command != "link 719878":
        in_sandbox("link 719878")
        expected = "deleted" if command == "unlink" else "updated"
    before = traffic.writes()
    tried = in_sandbox(f"{command} --dry-run -o json")
    assert (tried.code, tried.json["action"], tried.json["dryRun"]) == (0, expected, True)
    assert traffic.writes() == before


def test_one_account_has_a_link_of_its_own_in_each_tenant(in_sandbox: Pallink) -> None:
    at_home = in_sandbox("link 719878 -o json").json
    as_guest = in_sandbox("link 6183402 --tenant fabrikam.onmicrosoft.com -o json").json
    assert (at_home["accountKind"], as_guest["accountKind"]) == ("user", "guest")
    assert as_guest["tenantName"] == "Fabrikam"
    assert at_home["objectId"] != as_guest["objectId"]
    assert in_sandbox("show -o json").json["partnerId"] == "719878"


@pytest.mark.parametrize("partner_id", ["2087415", "99999999"])
def test_a_partner_id_that_the_service_refuses(in_sandbox: Pallink, partner_id: str) -> None:
    refused = in_sandbox(f"link {partner_id}")
    assert refused.code == 1
    assert f"error: partner {partner_id} was rejected by the service: The Partner ID is not valid\n" in refused.stderr
    assert "cause: no partner location has this ID" in refused.stderr
    assert "location ID from Partner Center" in refused.stderr
    assert "correlation ID" in refused.stderr


def test_whoami_does_not_touch_the_partner_api(in_sandbox: Pallink, traffic: Traffic) -> None:
    found = in_sandbox("whoami -o json")
    assert found.code == 0
    result = found.json
    assert datetime.fromisoformat(result.pop("expiresOn")).tzinfo is not None
    assert result == {
        "cloud": "sandbox",
        "account": "invoices@contoso.com",
        "accountKind": "user",
        "objectId": INVOICES,
        "tenantId": "8fe81352-b317-4e31-9d5b-b42cafcd167c",
        "tenantName": "Contoso",
        "auth": "sandbox-user",
        "stored": False,
    }
    assert traffic.of_partners() == []


def test_the_sandbox_says_each_time_that_it_is_not_azure(in_sandbox: Pallink) -> None:
    for command in ("link 719878", "show", "verify 719878", "check", "whoami", "update 6183402", "unlink --yes"):
        done = in_sandbox(command)
        assert "sandbox, not Azure" in done.stderr, command
        assert "not Azure" not in done.stdout
