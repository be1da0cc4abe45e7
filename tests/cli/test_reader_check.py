"""The Reader check's options, its bad input, and what it says when Azure does not tell."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests import worlds
from tests.cli.test_settling import Fault, answering, lost_before
from tests.exhaustive import combinations, joined
from tests.harness import Clock, Pallink, Traffic
from tests.worlds import FIRST, SECOND, given, subscription

PRODUCTION = "738477cd-6b20-448f-9a34-9d5592cff509"
FINANCE = "0e3bd0a4-6f3c-4bd5-a8a5-5d0f53a30f1b"
REPORTS = "reports@contoso.com"


def test_one_screen_tells_where_reader_comes_from(in_sandbox: Pallink) -> None:
    checked = in_sandbox("check --account svc_approvers@contoso.com", tty=True)
    assert checked.code == 0
    assert len(checked.stdout.splitlines()) < 24
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", checked.stdout).split())
    assert "yes: on 2 of 2 subscriptions" in text
    assert (
        "reader: Reader, inherited from management group workloads,"
        " through group b470e81d-e040-4dba-aeba-bb1fb0bc9ca0 on Contoso Production, Contoso Development"
    ) in text


def test_what_earns_credit_is_said_as_information(in_sandbox: Pallink, pallink: Pallink) -> None:
    checked = in_sandbox("check")
    assert checked.code == 0
    assert "note: Reader is enough for recognition; partner earned credit also needs" in checked.stderr
    assert "    pallink sandbox assign --assignee-object-id" in checked.stderr
    assert "note:" not in in_sandbox("check --quiet").stderr
    assert "note:" not in in_sandbox("check --account owner@contoso.com").stderr

    role = ("--role", "Support Request Contributor", "--scope", f"/subscriptions/{PRODUCTION}")
    pallink("sandbox", "assign", "--assignee-object-id", checked_object_id(in_sandbox), *role)
    again = in_sandbox("check")
    assert (again.code, "note:" in again.stderr) == (0, False)


def checked_object_id(in_sandbox: Pallink) -> str:
    object_id = in_sandbox("whoami -o json").json["objectId"]
    assert isinstance(object_id, str)
    return object_id


# --- Which subscriptions have to pass ---------------------------------------------------------------------------------


def test_a_missing_role_is_a_warning_where_the_link_is_refused(in_sandbox: Pallink) -> None:
    assert in_sandbox("link 6183402 --role-check skip").code == 0
    missing = re.findall("^error: (.+)$", in_sandbox("check", "--subscription", FINANCE).stderr, re.MULTILINE)
    refused = in_sandbox("link", "719878", "--subscription", FINANCE)
    assert refused.code == 5
    assert re.findall("^warning: (.+)$", refused.stderr, re.MULTILINE) == missing != []


@pytest.mark.parametrize("command", ["link 719878", "update 719878", "verify 719878 --role-check require", "check"])
def test_a_named_subscription_has_to_pass(in_sandbox: Pallink, traffic: Traffic, command: str) -> None:
    in_sandbox("link 6183402 --role-check skip" if "update" in command else "link 719878 --role-check skip")
    before = traffic.writes()
    refused = in_sandbox(*command.split(), "--subscription", "Contoso Production", "--subscription", FINANCE)
    assert refused.code == 6
    assert f"the Reader role is missing: invoices@contoso.com does not have it on {FINANCE}" in refused.stderr
    assert f"cause: it does not see {FINANCE}, only Contoso Production\n" in refused.stderr
    assert f"--scope /subscriptions/{FINANCE}" in refused.stderr
    assert f"--scope /subscriptions/{PRODUCTION}" not in refused.stderr
    assert traffic.writes() == before
    assert in_sandbox(*command.split(), "--subscription", PRODUCTION).code == 0


@pytest.mark.parametrize("command", ["link 719878", "update 719878", "verify 719878", "check"])
@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("Contoso Prod", "error: the account sees no subscription named 'Contoso Prod'"),
        ("", "error: the name of a subscription is empty"),
        (PRODUCTION[:-1], f"error: '{PRODUCTION[:-1]}' is not a subscription ID"),
        (f"{{{PRODUCTION}}}", f"error: '{{{PRODUCTION}}}' is not a subscription ID"),
        (PRODUCTION.replace("-", ""), f"error: '{PRODUCTION.replace('-', '')}' is not a subscription ID"),
    ],
)
def test_what_names_no_subscription(
    in_sandbox: Pallink, traffic: Traffic, command: str, named: str, sentence: str
) -> None:
    refused = in_sandbox(*command.split(), "--subscription", named)
    assert refused.code == 2
    assert sentence in refused.stderr
    assert "the account sees Contoso Production" in refused.stderr
    assert traffic.writes() == []
    assert refused.stdout == ""


def test_an_account_that_sees_nothing_is_told_so(in_sandbox: Pallink) -> None:
    refused = in_sandbox("check", "--account", "newhire@contoso.com", "--subscription", "Anything")
    assert refused.code == 2
    assert "the account sees no subscription" in refused.stderr


def test_an_ambiguous_name_is_refused_with_the_ids(in_sandbox: Pallink) -> None:
    worlds.build(
        subscriptions=[subscription(1, "Twin"), subscription(2, "TWIN")],
        role_assignments=[given("Reader", scope="/")],
    )
    refused = in_sandbox("check --subscription twin")
    assert refused.code == 2
    assert "2 subscriptions are named 'twin'" in refused.stderr
    assert f"{FIRST}, {SECOND}" in refused.stderr
    assert in_sandbox(f"check --subscription {SECOND}").code == 0


def test_a_disabled_subscription_that_has_to_pass_does_not(in_sandbox: Pallink) -> None:
    refused = in_sandbox("check", "--account", "archive@contoso.com", "--subscription", "Contoso Archive")
    assert refused.code == 6
    assert "cause: Contoso Archive is disabled\n" in refused.stderr
    assert "disabled, not counted: Contoso Archive" in refused.stdout


def test_named_twice_is_looked_at_once(in_sandbox: Pallink, traffic: Traffic) -> None:
    checked = in_sandbox("check", "--subscription", PRODUCTION, "--subscription", "contoso production", "-o", "json")
    assert len(checked.json["subscriptions"]) == 1
    assert len([path for _, path in traffic.sent if "roleAssignments" in path]) == 1


def test_naming_subscriptions_cannot_be_combined_with_skipping_the_check(in_sandbox: Pallink, traffic: Traffic) -> None:
    refused = in_sandbox(f"link 719878 --subscription {PRODUCTION} --role-check skip")
    assert refused.code == 2
    assert "--subscription cannot be combined with --role-check skip" in refused.stderr
    assert traffic.of_partners() == []


# --- What a missing role means ----------------------------------------------------------------------------------------


ROLE_CHECKS = [
    ("link 719878", 6),
    ("link 719878 --role-check require", 6),
    ("link 719878 --role-check warn", 0),
    ("link 719878 --role-check skip", 0),
    ("verify 6183402", 0),
    ("verify 6183402 --role-check require", 6),
    ("verify 6183402 --role-check skip", 0),
    ("update 719878", 6),
    ("update 719878 --role-check warn", 0),
]


# By default all that --role-check can say of an account without any role, and `link` for every account.
@pytest.mark.parametrize(
    ("account", "check"),
    combinations(
        ["newhire", "auditor", "billing", "operator", "delegate", "archive"],
        ROLE_CHECKS,
        default=lambda account, check: account == "newhire" or check == ROLE_CHECKS[0],
    ),
    ids=joined,
)
def test_role_check(in_sandbox: Pallink, account: str, check: tuple[str, int]) -> None:
    command, code = check
    who = f"--account {account}@contoso.com"
    if "link" not in command:
        assert in_sandbox(f"link 6183402 --role-check skip {who}").code == 0
    done = in_sandbox(f"{command} {who}")
    assert done.code == code, done.stderr
    warned = "warning: " in done.stderr
    assert warned is ("warn" in command or command == "verify 6183402")


# --- What Azure does not tell -----------------------------------------------------------------------------------------


NO_ANSWER = [
    pytest.param([answering(429, b"{}", Retry_After="3600")], id="throttled"),
    pytest.param([lost_before] * 4, id="connection lost"),
    pytest.param([answering(503, b"")] * 4, id="503"),
]


@pytest.mark.parametrize("faults", NO_ANSWER)
def test_no_answer_is_unknown_and_7(in_sandbox: Pallink, traffic: Traffic, clock: Clock, faults: list[Fault]) -> None:
    for fault in faults:
        traffic.fail("GET", "roleAssignments", fault)
    checked = in_sandbox("check -o json --timeout 600")
    assert checked.code == 7, checked.stderr
    assert checked.json["role"] == "unknown"
    assert [each["verdict"] for each in checked.json["subscriptions"]] == ["unknown"]
    assert checked.json["subscriptions"][0]["reason"]
    assert "could not determine whether" in checked.stderr
    assert sum(clock.waits) < 600


@pytest.mark.parametrize("command", ["link 719878", "verify 719878 --role-check require", "update 719878"])
def test_no_answer_comes_before_what_is_wrong_with_the_link(
    in_sandbox: Pallink, traffic: Traffic, command: str
) -> None:
    in_sandbox("link 6183402")
    before = traffic.writes()
    traffic.fail("GET", "roleAssignments", answering(429, b"{}", Retry_After="3600"))
    refused = in_sandbox(command)
    assert refused.code == 7
    assert traffic.writes() == before


def test_no_answer_is_only_a_warning_where_the_role_is(in_sandbox: Pallink, traffic: Traffic) -> None:
    traffic.fail("GET", "roleAssignments", answering(429, b"{}", Retry_After="3600"))
    linked = in_sandbox("link 719878 --role-check warn -o json")
    assert (linked.code, linked.json["role"]) == (0, "unknown")
    assert "warning: could not determine whether invoices@contoso.com has Reader" in linked.stderr


def test_one_that_passes_makes_up_for_one_that_gave_no_answer(in_sandbox: Pallink, traffic: Traffic) -> None:
    traffic.fail("GET", "roleAssignments", answering(429, b"{}", Retry_After="3600"))
    checked = in_sandbox("check --account svc_approvers@contoso.com -o json")
    assert (checked.code, checked.json["role"]) == (0, "reader")
    assert sorted(each["verdict"] for each in checked.json["subscriptions"]) == ["reader", "unknown"]


def test_both_have_to_answer_where_both_have_to_pass(in_sandbox: Pallink, traffic: Traffic) -> None:
    traffic.fail("GET", "roleAssignments", answering(429, b"{}", Retry_After="3600"))
    both = ("--subscription", "Contoso Production", "--subscription", "Contoso Development")
    assert in_sandbox("check", "--account", "svc_approvers@contoso.com", *both).code == 7


@pytest.mark.parametrize("part", ["roleAssignments", "roleDefinitions"])
def test_a_refusal_is_unknown_and_6(in_sandbox: Pallink, traffic: Traffic, part: str) -> None:
    body = b'{"error": {"code": "AuthorizationFailed", "message": "no"}}'
    for _ in range(2 if part == "roleDefinitions" else 1):
        traffic.fail("GET", part, answering(403, body))
    checked = in_sandbox("check --account operator@contoso.com -o json")
    assert (checked.code, checked.json["role"]) == (6, "unknown")
    assert "could not read whether" in checked.stderr


def test_a_defect_of_azures_is_unknown_and_1(in_sandbox: Pallink, traffic: Traffic) -> None:
    traffic.fail("GET", "roleAssignments", answering(400, b'{"error": {"code": "Oops", "message": "no"}}'))
    checked = in_sandbox("check -o json")
    assert (checked.code, checked.json["role"]) == (1, "unknown")


def test_an_ended_sign_in_ends_the_check(in_sandbox: Pallink, traffic: Traffic) -> None:
    traffic.fail("GET", "roleAssignments", answering(401, b'{"error": {"code": "ExpiredAuthenticationToken"}}'))
    assert in_sandbox("check").code == 4


def test_that_the_eligible_roles_cannot_be_read_changes_no_verdict(in_sandbox: Pallink, traffic: Traffic) -> None:
    traffic.fail("GET", "roleEligibilityScheduleInstances", answering(400, b'{"error": {"code": "AadPremium"}}'))
    checked = in_sandbox("check --account auditor@contoso.com -o json")
    assert (checked.code, checked.json["role"]) == (6, "none")


def test_a_next_page_on_another_host_is_not_asked_for(in_sandbox: Pallink, traffic: Traffic) -> None:
    body = b'{"value": [], "nextLink": "https://evil.example/subscriptions?api-version=2022-12-01"}'
    traffic.fail("GET", "/subscriptions", answering(200, body))
    checked = in_sandbox("check")
    assert checked.code == 1
    assert "refused to send GET https://evil.example/subscriptions" in checked.stderr


WARNING = "warning: recognition covers only resource group invoicing in Contoso Finance"


@pytest.mark.parametrize("setting", ["refused", "listed"])
def test_a_role_on_a_resource_group_alone(in_sandbox: Pallink, pallink: Pallink, setting: str) -> None:
    """Nobody has recorded whether Azure lists the role at the subscription: it is found either way."""
    pallink("sandbox", "set", "role-inside-only", setting)
    checked = in_sandbox(f"check --account {REPORTS} -o json")
    assert (checked.code, checked.json["role"]) == (0, "partial")
    linked = in_sandbox(f"link 719878 --account {REPORTS}")
    assert linked.code == 0
    for command in ("check", "verify 719878 --role-check require"):
        assert WARNING in in_sandbox(f"{command} --account {REPORTS}").stderr
    assert WARNING in linked.stderr


@pytest.mark.parametrize("setting", ["refused", "listed"])
@pytest.mark.parametrize("command", ["link 719878", "verify 719878 --role-check require", "check"])
def test_a_role_on_a_resource_group_is_not_one_on_a_named_subscription(
    in_sandbox: Pallink, pallink: Pallink, traffic: Traffic, command: str, setting: str
) -> None:
    pallink("sandbox", "set", "role-inside-only", setting)
    if "verify" in command:
        assert in_sandbox(f"link 719878 --account {REPORTS}").code == 0
    before = traffic.writes()
    refused = in_sandbox(f"{command} --account {REPORTS} --subscription {FINANCE}")
    assert refused.code == 6
    assert f"the Reader role is missing: {REPORTS} does not have it on Contoso Finance" in refused.stderr
    assert "on Contoso Finance it has Reader, assigned on resource group invoicing only\n" in refused.stderr
    assert traffic.writes() == before


def test_several_parts_are_named(in_sandbox: Pallink) -> None:
    scope = f"/subscriptions/{FIRST}/resourceGroups/rg/providers/Microsoft.Web/sites/shop"
    worlds.build(
        subscriptions=[subscription(number, f"S{number}", resource_groups=["rg"]) for number in range(1, 6)],
        role_assignments=[
            given("Reader", scope=scope),
            given("Billing Reader", subscription="S1"),
            *(given("Reader", subscription=f"S{number}", resource_group="rg") for number in range(2, 6)),
        ],
    )
    warned = in_sandbox("link 719878")
    assert warned.code == 0
    assert (
        "warning: recognition covers only resource shop in S1, resource group rg in S2, resource group rg in S3"
        " and 2 more: no Reader was found on a whole subscription"
    ) in warned.stderr


def group_requests(traffic: Traffic) -> list[str]:
    return [path for _, path in traffic.sent if "/resourcegroups" in path.casefold()]


def test_resource_groups_are_looked_at_only_if_the_subscription_refuses(in_sandbox: Pallink, traffic: Traffic) -> None:
    for account in ("invoices", "billing", "newhire", "operator"):
        in_sandbox(f"check --account {account}@contoso.com")
    assert group_requests(traffic) == []
    in_sandbox(f"check --account {REPORTS}")
    finance = f"/subscriptions/{FINANCE}/resource"
    assert group_requests(traffic) == [
        f"{finance}groups",
        f"{finance}Groups/invoicing/providers/Microsoft.Authorization/roleAssignments",
    ]


def test_resource_groups_are_not_looked_at_if_another_subscription_passes(
    in_sandbox: Pallink, traffic: Traffic
) -> None:
    worlds.build(
        role_assignments=[
            given("Reader", subscription="First", resource_group="rg"),
            given("Reader", subscription="Second"),
        ]
    )
    assert in_sandbox("link 719878").code == 0
    assert group_requests(traffic) == []


def test_the_number_of_requests_for_resource_groups_is_bounded(in_sandbox: Pallink, traffic: Traffic) -> None:
    count, groups = 15, [f"rg{number}" for number in range(1, 16)]
    worlds.build(
        subscriptions=[subscription(number, f"S{number}", resource_groups=groups) for number in range(1, count + 1)],
        role_assignments=[
            given("Support Request Contributor", subscription=f"S{number}", resource_group=group)
            for number in range(1, count + 1)
            for group in groups
        ],
    )
    checked = in_sandbox("check -o json")
    assert (checked.code, checked.json["role"]) == (6, "unknown")
    assert len(group_requests(traffic)) == 10 * (1 + 10)


@pytest.mark.parametrize("part", ["/resourcegroups", "/resourceGroups/invoicing/"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        pytest.param(answering(403, b'{"error": {"code": "AuthorizationFailed", "message": "no"}}'), 6, id="403"),
        pytest.param(answering(429, b"{}", Retry_After="3600"), 7, id="throttled"),
        pytest.param(answering(200, b"[]"), 1, id="other JSON"),
    ],
)
def test_resource_groups_that_cannot_be_read(
    in_sandbox: Pallink, traffic: Traffic, part: str, fault: Fault, code: int
) -> None:
    traffic.fail("GET", part, fault)
    checked = in_sandbox(f"check --account {REPORTS} -o json")
    assert checked.code == code, checked.stderr
    assert checked.json["role"] == "unknown"


@pytest.mark.parametrize("name", ['"../x"', '"a/b"', '"rg."', '""', "null", "7"])
def test_what_names_no_resource_group_becomes_part_of_no_url(in_sandbox: Pallink, traffic: Traffic, name: str) -> None:
    traffic.fail("GET", "/resourcegroups", answering(200, f'{{"value": [{{"name": {name}}}]}}'.encode()))
    assert in_sandbox(f"check --account {REPORTS}").code == 1
    assert len(group_requests(traffic)) == 1


# --- Subscriptions of other tenants (Azure Lighthouse) ----------------------------------------------------------------

LIGHTHOUSE = "lighthouse@contoso.com"
OPERATIONS = "48bc0535-a7c3-4936-8fa8-8f708c6a93d0"
NOT_CHECKED = "could not be checked: delegated through Azure Lighthouse, where roles are not listed"


@pytest.mark.parametrize("named", ["", f" --subscription {OPERATIONS}"])
@pytest.mark.parametrize("command", ["link 719878", "check", "verify 719878 --role-check require", "update 6183402"])
def test_a_delegated_subscription_passes_with_a_warning(
    in_sandbox: Pallink, traffic: Traffic, command: str, named: str
) -> None:
    in_sandbox(f"link 719878 --role-check skip --account {LIGHTHOUSE}")
    done = in_sandbox(f"{command} --account {LIGHTHOUSE} -o json{named}")
    assert (done.code, done.json["role"]) == (0, "delegated")
    assert f"warning: Reader on Fabrikam Operations {NOT_CHECKED}" in done.stderr
    assert "assign" not in done.stderr
    assert not any("roleassignments" in path.casefold() for _, path in traffic.sent)


def test_a_delegated_subscription_is_not_called_one_with_reader(in_sandbox: Pallink) -> None:
    checked = in_sandbox(f"check --account {LIGHTHOUSE}")
    assert "Reader   unknown: on 0 of 1 subscription\n" in checked.stdout
    assert "delegated: tenant cfea1764-3805-4abd-a169-4a8af158423d delegates it through Azure Light" in checked.stdout
    assert "Reader   unknown: Fabrikam Operations" in in_sandbox(f"link 719878 --account {LIGHTHOUSE}").stdout


@pytest.mark.parametrize(
    ("assignments", "role", "warned"),
    [
        ([given("Reader")], "reader", ""),
        ([given("Owner")], "more-than-reader", ""),
        ([given("Reader", subscription="First", resource_group="rg")], "partial", "recognition covers only"),
        ([given("Billing Reader")], "delegated", f"Reader on Far, Away {NOT_CHECKED}"),
        ([], "delegated", f"Reader on Far, Away {NOT_CHECKED}"),
    ],
)
def test_delegated_subscriptions_beside_its_own(
    in_sandbox: Pallink, assignments: list[Any], role: str, warned: str
) -> None:
    delegated = (subscription(7, "Far"), subscription(8, "Away"))
    worlds.build(worlds.customer(*delegated, principal=worlds.TEAM), role_assignments=assignments)
    checked = in_sandbox("check -o json")
    assert (checked.code, checked.json["role"]) == (0, role)
    assert ("warning: " in checked.stderr) is bool(warned)
    assert warned in checked.stderr
    verdicts = {entry["name"]: entry["verdict"] for entry in checked.json["subscriptions"]}
    assert (verdicts["Far"], verdicts["Away"]) == ("delegated", "delegated")


def test_a_missing_role_is_mended_where_it_can_be(in_sandbox: Pallink) -> None:
    worlds.build(worlds.customer(subscription(7, "Far")), role_assignments=[given("Billing Reader")])
    refused = in_sandbox("check --subscription Far --subscription First -o json")
    assert (refused.code, refused.json["role"]) == (6, "other-role")
    refused = in_sandbox("check --subscription Far --subscription First")
    assert "does not have it on First" in refused.stderr
    assert f"--scope /subscriptions/{FIRST}" in refused.stderr
    assert subscription(7, "")["id"] not in refused.stderr


# --- Whose rule it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("account", "fault"),
    [
        ("newhire", None),
        ("auditor", None),
        ("billing", None),
        ("delegate", None),
        ("archive", None),
        ("invoices", ("roleAssignments", answering(403, b"{}"))),
        ("invoices", ("roleAssignments", answering(429, b"{}", Retry_After="3600"))),
        ("invoices", ("roleAssignments", answering(400, b"{}"))),
        ("invoices", ("/subscriptions", answering(403, b"{}"))),
        ("invoices", ("/subscriptions", answering(429, b"{}", Retry_After="3600"))),
        ("invoices", ("/subscriptions", answering(400, b"{}"))),
    ],
)
def test_every_message_of_the_gate_says_whose_rule_it_is(
    in_sandbox: Pallink, traffic: Traffic, account: str, fault: tuple[str, Fault] | None
) -> None:
    if fault is not None:
        traffic.fail("GET", *fault)
    refused = in_sandbox(f"link 719878 --account {account}@contoso.com")
    assert refused.code in (1, 6, 7)
    rule = "cause: pallink, not Azure, requires Reader to link, unless --role-check is warn or skip"
    assert rule in refused.stderr.splitlines()
    if fault is not None:
        traffic.fail("GET", *fault)
    warned = in_sandbox(f"link 719878 --account {account}@contoso.com --role-check warn --dry-run")
    (warning,) = [line for line in warned.stderr.splitlines() if line.startswith("warning: ")]
    assert warning.endswith("; pallink does not require it, because role-check is warn")


# --- What the documentation promises ----------------------------------------------------------------------------------

DOCUMENT = (Path(__file__).parents[2] / "docs" / "explanation" / "reader-check.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("account", "role"), re.findall(r"^\| `(\S+@contoso\.com)` \| `([\w-]+)`", DOCUMENT, re.MULTILINE)
)
def test_the_documented_accounts_have_their_verdicts(in_sandbox: Pallink, account: str, role: str) -> None:
    assert in_sandbox(f"check --account {account} -o json").json["role"] == role


def test_the_documented_screen_is_the_programs(in_sandbox: Pallink) -> None:
    (screen,) = re.findall(r"^\$ pallink (check .*)\n((?:.*\n)+?)```", DOCUMENT, re.MULTILINE)[:1]
    shown = in_sandbox(screen[0].replace(" --cloud sandbox", ""))
    printed = shown.stderr.splitlines(keepends=True)
    assert printed[0] + shown.stdout + "".join(printed[1:]) == screen[1]
