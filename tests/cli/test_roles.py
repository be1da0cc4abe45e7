"""`pallink role`: an administrator assigns, removes and lists the roles of another account."""

import json
from typing import Any

import pytest
import requests

from pallink.cli.prompter import TerminalPrompter
from pallink.roles.grant import assignment_name
from pallink.sandbox import Sandbox, home
from tests.cli.people import CONTOSO, Desk
from tests.cli.test_settling import Fault, Handle, answering, lost_after, lost_before
from tests.harness import Clock, Pallink, Run, Traffic

INVOICES, APPROVERS, NEW_HIRE = "invoices@contoso.com", "svc_approvers@contoso.com", "newhire@contoso.com"
OBJECT_IDS = {
    INVOICES: "a423e88c-fb42-4a0f-bc27-18c0c8a37472",
    APPROVERS: "13993e34-d56f-43ab-8bd7-cc9a9669780f",
    NEW_HIRE: "0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3",
}
OWNER = "owner@contoso.com"
PRODUCTION = "738477cd-6b20-448f-9a34-9d5592cff509"
FINANCE = "0e3bd0a4-6f3c-4bd5-a8a5-5d0f53a30f1b"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ONBOARDING = {"client": "6be1d7c7-4712-4123-a241-8b8918c455f9", "object": "c5ce5ce2-aa0c-4851-93c1-7ffe11c06a4a"}
DELEGATED = "0d2f4c66-6a67-4b3f-93c9-7e6a5b0f1d05"


def as_owner(pallink: Pallink, command: str, *words: str, account: str = OWNER, **rest: Any) -> Run:
    return pallink("role", *command.split(), *words, "--account", account, "--cloud", "sandbox", **rest)


def assign(pallink: Pallink, *words: str, to: str = NEW_HIRE, **rest: Any) -> Run:
    """Assigns Reader on Contoso Production, unless the words say otherwise."""
    scope = () if any(word.startswith("--") and "scope" in word for word in words) else ("--subscription", PRODUCTION)
    return as_owner(pallink, f"assign --to {to} --yes -o json", *scope, *words, **rest)


def actions(run: Run) -> list[str]:
    assert run.code == 0, run.stderr
    return [row["action"] for row in run.json["assignments"]]


# --- The seed case ----------------------------------------------------------------------------------------------------


def test_two_people_do_both_steps_twice(pallink: Pallink) -> None:
    scope = ("--subscription", "Contoso Development")
    for actions_of_roles, actions_of_links in ((["created"], "created"), (["unchanged"], "unchanged")):
        for account in (INVOICES, APPROVERS):
            assigned = as_owner(pallink, f"assign --to {account} --yes -o json", *scope)
            assert actions(assigned) == actions_of_roles
            assert assigned.json["account"] == OWNER
            assert assigned.json["principalId"] == OBJECT_IDS[account]
            linked = pallink(f"link 719878 --account {account} -o json --cloud sandbox")
            assert (linked.code, linked.json["action"]) == (0, actions_of_links)
            checked = pallink("check", "--account", account, *scope, "--cloud", "sandbox")
            assert checked.code == 0


def test_the_whole_result(pallink: Pallink) -> None:
    scope = f"/subscriptions/{PRODUCTION}"
    name = assignment_name(scope, OBJECT_IDS[NEW_HIRE], READER)
    assert assign(pallink, "--wait").json == {
        "cloud": "sandbox",
        "account": OWNER,
        "accountKind": "user",
        "objectId": "8a1203c8-9a84-41bb-89a9-9439358a87bc",
        "tenantId": "8fe81352-b317-4e31-9d5b-b42cafcd167c",
        "tenantName": "Contoso",
        "principalId": OBJECT_IDS[NEW_HIRE],
        "principalName": NEW_HIRE,
        "principalType": "User",
        "dryRun": False,
        "assignments": [
            {
                "scope": scope,
                "scopeName": f"subscription Contoso Production ({PRODUCTION})",
                "roleDefinitionId": READER,
                "roleDefinitionName": "Reader",
                "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
                "name": name,
                "condition": None,
                "action": "created",
                "effective": True,
            }
        ],
    }


def test_several_scopes_and_their_removal(pallink: Pallink) -> None:
    Sandbox(home()).assign(principal_id="8a1203c8-9a84-41bb-89a9-9439358a87bc", role="Owner", scope="/")
    words = ["--subscription", "contoso finance", "--resource-group", "invoicing", "--management-group", "workloads"]
    words += ["--scope", f"/subscriptions/{PRODUCTION}"]
    command = f"assign --to {NEW_HIRE} --yes -o json"
    assert actions(as_owner(pallink, command, *words)) == ["created"] * 3
    listed = as_owner(pallink, f"show --to {NEW_HIRE} -o json").json["assignments"]
    assert {row["scopeName"] for row in listed} == {
        f"subscription Contoso Production ({PRODUCTION})",
        "management group workloads",
        "resource group invoicing in subscription Contoso Finance",
    }
    removal = command.replace("assign", "remove")
    assert actions(as_owner(pallink, removal, *words, "--dry-run")) == ["deleted"] * 3
    assert actions(as_owner(pallink, removal, *words)) == ["deleted"] * 3
    assert actions(as_owner(pallink, removal, *words)) == ["unchanged"] * 3
    assert as_owner(pallink, f"show --to {NEW_HIRE} -o json").json["assignments"] == []


def test_the_table_for_people(pallink: Pallink) -> None:
    words = ("--to", NEW_HIRE, "--subscription", "Contoso Production")
    production = f"Reader on subscription Contoso Production ({PRODUCTION})"
    planned = as_owner(pallink, "assign --dry-run", *words).stdout
    assert f"roles          {production}: to create\nresult         dry run: nothing was written\n" in planned
    shown = as_owner(pallink, f"show --to {NEW_HIRE}").stdout
    assert shown == (
        "administrator  owner@contoso.com (user)\n"
        "tenant         Contoso (8fe81352-b317-4e31-9d5b-b42cafcd167c)\n"
        f"account        newhire@contoso.com (object ID {OBJECT_IDS[NEW_HIRE]})\n"
        "roles          none where the administrator may look\n"
    )
    assert (
        f"roles          {production}: created, in effect\n" in as_owner(pallink, "assign --yes --wait", *words).stdout
    )
    assert (
        "Reader on management group workloads, through group b470" in as_owner(pallink, f"show --to {APPROVERS}").stdout
    )


def test_what_may_not_be_read_is_left_out_with_a_warning(pallink: Pallink) -> None:
    owner = "8a1203c8-9a84-41bb-89a9-9439358a87bc"
    Sandbox(home()).assign(
        principal_id=owner, role="Reader", scope=f"/subscriptions/{FINANCE}/resourceGroups/invoicing"
    )
    shown = as_owner(pallink, f"show --to {APPROVERS} -o json")
    assert len(shown.json["assignments"]) == 1
    warning = "warning: could not read role assignments on subscription Contoso Finance"
    assert warning in shown.stderr
    assert warning not in as_owner(pallink, f"show --to {APPROVERS} -o json --quiet").stderr
    refused = as_owner(pallink, f"show --to {APPROVERS} --subscription {FINANCE}")
    assert refused.code == 6
    alone = as_owner(pallink, f"show --to {APPROVERS}", account="reports@contoso.com")
    assert (alone.code, alone.stdout) == (6, "")


# --- Who is meant -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "object_id", "kind"),
    [
        (NEW_HIRE.upper(), OBJECT_IDS[NEW_HIRE], "User"),
        (OBJECT_IDS[NEW_HIRE].upper(), OBJECT_IDS[NEW_HIRE], "User"),
        (ONBOARDING["client"], ONBOARDING["object"], "ServicePrincipal"),
        (ONBOARDING["object"], ONBOARDING["object"], "ServicePrincipal"),
    ],
)
@pytest.mark.parametrize("reads", ["allowed", "refused-to-all"])
def test_an_account_is_named_in_three_ways(pallink: Pallink, to: str, object_id: str, kind: str, reads: str) -> None:
    Sandbox(home()).set("graph-reads", reads)
    scope = "/providers/Microsoft.Management/managementGroups/workloads"
    assigned = as_owner(pallink, f"assign --to {to} --yes --scope {scope} -o json")
    if reads == "allowed" or to.casefold() == object_id:
        assert actions(assigned) == ["created"]
        assert (assigned.json["principalId"], assigned.json["principalType"]) == (object_id, kind)
    elif "@" in to:
        assert assigned.code == 6
        assert "owner@contoso.com may not read the directory" in assigned.stderr
        assert json.loads(assigned.stderr)["command"] == (
            f"pallink whoami --account {NEW_HIRE.upper()} --query objectId -o tsv --cloud sandbox --tenant {CONTOSO}"
        )
    else:
        # Nothing tells it from an object ID until the service looks for it.
        assert assigned.code == 1
        assert f"the tenant has no account {to}" in assigned.stderr


def test_a_token_goes_to_its_own_service_alone(pallink: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    handle = Sandbox.handle

    def watched(sandbox: Sandbox, request: Any) -> Any:
        sent.append(request)
        return handle(sandbox, request)

    monkeypatch.setattr(Sandbox, "handle", watched)
    assert actions(assign(pallink)) == ["created"]
    places: dict[str, set[str | None]] = {}
    for request in sent:
        token = request.header("Authorization")
        audience = None if token is None else _audience(token)
        places.setdefault(request.origin, set()).add(audience)
    assert places == {
        "https://sandbox.invalid": {None, "https://sandbox.invalid"},
        "https://graph.sandbox.invalid": {"https://graph.sandbox.invalid"},
    }
    assert [request.path for request in sent if "graph" in request.origin] == [
        f"/v1.0/users/{NEW_HIRE.replace('@', '%40')}"
    ]


def _audience(authorization: str) -> str:
    from tests.sandbox.client import claims  # noqa: PLC0415

    return str(claims(authorization.removeprefix("Bearer "))["aud"])


def test_nothing_but_the_assignment_is_written(pallink: Pallink, traffic: Traffic) -> None:
    assign(pallink, "--wait")
    name = assignment_name(f"/subscriptions/{PRODUCTION}", OBJECT_IDS[NEW_HIRE], READER)
    path = f"/subscriptions/{PRODUCTION}/providers/Microsoft.Authorization/roleAssignments/{name}"
    as_owner(pallink, f"remove --to {NEW_HIRE} --yes --subscription {PRODUCTION}")
    assert [entry for entry in traffic.sent if entry[0] not in ("GET", "POST")] == [("PUT", path), ("DELETE", path)]
    assert traffic.of_partners() == []


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "account", "code", "sentences"),
    [
        (
            ["--to", NEW_HIRE],
            INVOICES,
            6,
            ["invoices@contoso.com may not assign roles there", "User Access Administrator"],
        ),
        (
            ["--to", NEW_HIRE, "--role", "Contributor", "--allow-write-role"],
            "access@contoso.com",
            6,
            ["the role of access@contoso.com has a condition against it", "AuthorizationFailed"],
        ),
        (
            ["--to", "nobody@contoso.com"],
            OWNER,
            1,
            ["has no account nobody@contoso.com", "a guest has another name", "whoami --account nobody@contoso.com "],
        ),
        (["--to", "n_a.example#EXT#@contoso.com"], OWNER, 1, ["whoami --account n@a.example "]),
        (
            ["--to", PRODUCTION],
            OWNER,
            1,
            [f"the tenant has no account {PRODUCTION}", "PrincipalNotFound", "whoami --account ACCOUNT "],
        ),
        (["--to", "f1239f52-b370-47a3-a267-efc4fc5c7079"], OWNER, 1, ["the tenant has no account f1239f52"]),
        (["--to", NEW_HIRE, "--role", "Contributor"], OWNER, 2, ["the role Contributor allows more than reading"]),
        (["--to", NEW_HIRE, "--role", "Emperor"], OWNER, 1, ["unknown role 'Emperor'", "correct --role"]),
        (["--to", NEW_HIRE, "--role", PRODUCTION], OWNER, 1, [f"unknown role '{PRODUCTION}'", "has this ID"]),
        (
            ["--to", NEW_HIRE, "--subscription", "Nowhere"],
            OWNER,
            2,
            ["cause: owner@contoso.com signed in cause: the account sees ", "or correct --account"],
        ),
        (["--to", NEW_HIRE, "--subscription", READER], OWNER, 1, ["unknown scope", "SubscriptionNotFound"]),
        (["--to", NEW_HIRE, "--management-group", "nowhere"], OWNER, 1, ["unknown scope", "nowhere"]),
        (["--to", NEW_HIRE, "--resource-group", "nowhere"], OWNER, 1, ["unknown scope", "ResourceGroupNot"]),
        (
            ["--to", NEW_HIRE, "--subscription", "48bc0535-a7c3-4936-8fa8-8f708c6a93d0"],
            OWNER,
            4,
            ["it is in another tenant than owner@contoso.com signed in to", "with --tenant"],
        ),
        (["--to", NEW_HIRE, "--scope", "/"], OWNER, 2, ["'/' is not a scope that pallink assigns roles on"]),
        (["--to", NEW_HIRE, "--role", ""], OWNER, 2, ["'' is not a role"]),
    ],
)
def test_refusals(  # noqa: PLR0917 - a table
    pallink: Pallink, traffic: Traffic, words: list[str], account: str, code: int, sentences: list[str]
) -> None:
    named = {"--subscription", "--management-group", "--scope"} & set(words)
    scope = [] if named else ["--subscription", PRODUCTION]
    refused = as_owner(pallink, "assign --yes", *words, *scope, account=account)
    assert refused.code == code
    text = " ".join(refused.stderr.split())
    assert all(sentence in text for sentence in [*sentences, " cause: ", " hint: "]), text
    assert refused.stdout == ""
    if code == 2:
        assert not [entry for entry in traffic.sent if entry[0] == "PUT"]


def test_the_limit_of_a_subscription(pallink: Pallink) -> None:
    Sandbox(home()).set("role-assignment-limit", "1")
    refused = assign(pallink)
    assert refused.code == 1
    assert "Azure allows no further role assignment there" in refused.stderr
    assert "RoleAssignmentLimitExceeded" in refused.stderr


def test_a_guest_has_another_name(pallink: Pallink) -> None:
    Sandbox(home()).assign(principal_id="f1239f52-b370-47a3-a267-efc4fc5c7079", role="Owner", scope="/")
    words = ["--tenant", "fabrikam.onmicrosoft.com", "--subscription", "Fabrikam Operations", "-o", "json"]
    words += ["--yes", "--role", "Support Request Contributor"]
    auditor = "auditor@fabrikam.onmicrosoft.com"
    refused = as_owner(pallink, f"assign --to {INVOICES}", *words, account=auditor)
    assert refused.code == 1
    assert "a guest has another name in this tenant than at home" in refused.stderr
    for to in ("invoices_contoso.com#EXT#@fabrikam.onmicrosoft.com", "4068e629-8af2-4f43-9bcf-a27cb3299348"):
        assigned = as_owner(pallink, f"assign --to {to}", *words, account=auditor)
        assert assigned.code == 0
        assert assigned.json["principalId"] == "4068e629-8af2-4f43-9bcf-a27cb3299348"


def test_a_condition_is_not_what_was_asked_for(pallink: Pallink) -> None:
    Sandbox(home()).assign(principal_id="8a1203c8-9a84-41bb-89a9-9439358a87bc", role="Owner", scope="/")
    words = ("--to", "delegate@contoso.com", "--subscription", "Contoso Finance", "--yes")
    refused = as_owner(pallink, "assign", *words)
    assert refused.code == 1
    assert "delegate@contoso.com already has Reader on subscription Contoso Finance" in refused.stderr
    assignment_id = f"/subscriptions/{FINANCE}/providers/Microsoft.Authorization/roleAssignments/{DELEGATED}"
    assert f"pallink role remove --id {assignment_id} --cloud sandbox --account {OWNER}" in refused.stderr
    removed = as_owner(pallink, f"remove --yes -o json --id {assignment_id}")
    assert actions(removed) == ["deleted"]
    assert removed.json["assignments"][0]["condition"]
    assert actions(as_owner(pallink, "assign -o json", *words)) == ["created"]
    gone = as_owner(pallink, f"remove --yes --id {assignment_id}")
    assert gone.code == 1
    assert f"there is no role assignment {DELEGATED}" in gone.stderr
    assert gone.stderr.endswith(
        "hint: list the account's role assignments\n"
        f"    pallink role show --to ACCOUNT --cloud sandbox --account {OWNER}\n"
    )


def test_anothers_assignment_is_never_removed(pallink: Pallink) -> None:
    removed = as_owner(pallink, f"remove --to {APPROVERS} --yes -o json --management-group workloads")
    assert actions(removed) == ["unchanged"]  # It is the group's.
    assert len(as_owner(pallink, f"show --to {APPROVERS} -o json").json["assignments"]) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["assign", "--to", NEW_HIRE], "cause: pallink does not choose the scope of a role assignment"),
        (["assign", "--to", NEW_HIRE, "--resource-group", "x"], "--resource-group requires one --subscription"),
        (["remove", "--to", NEW_HIRE], "missing scope: --subscription"),
        (["assign"], "cause: pallink does not choose the account that gets a role"),
        (["remove"], "missing option --to or --id\ncause: pallink does not choose the role assignment to remove"),
        (["remove", "--id", "x"], "'x' is not the ID of a role assignment"),
        (["remove", "--to", NEW_HIRE, "--subscription", "x"], "--yes is required without a prompt"),
        (["assign", "--to", NEW_HIRE, "--subscription", "x"], "--yes is required without a prompt"),
        (
            [
                "remove",
                "--to",
                NEW_HIRE,
                "--id",
                f"/subscriptions/{FINANCE}/providers/Microsoft.Authorization/roleAssignments/{DELEGATED}",
            ],
            "--id cannot be combined with --to or a scope",
        ),
        (["show"], "missing option --to"),
    ],
)
def test_wrong_command_lines(pallink: Pallink, traffic: Traffic, words: list[str], sentence: str) -> None:
    refused = pallink("role", *words, "--cloud", "sandbox")
    assert refused.code == 2
    assert sentence in refused.stderr
    assert traffic.sent == []


# --- Who signs in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", [INVOICES, OBJECT_IDS[INVOICES]])
def test_the_account_does_not_assign_to_itself_by_accident(pallink: Pallink, traffic: Traffic, to: str) -> None:
    refused = pallink(f"role assign --to {to} --subscription {PRODUCTION} --yes --cloud sandbox")
    assert refused.code == 4
    assert "the signed-in account invoices@contoso.com is the one that gets the role" in refused.stderr
    assert "cause: pallink lets an account assign a role to itself only if --account names it\n" in refused.stderr
    assert "hint: name the administrator with --account\n" in refused.stderr
    assert [path for _, path in traffic.sent if "subscriptions" in path] == []
    named = as_owner(pallink, f"assign --to {to} --subscription {PRODUCTION} --yes", account=INVOICES)
    assert named.code == 0, named.stderr  # It has the role, so nothing is written.


def test_a_stored_sign_in_of_the_account_is_not_taken(desk: Desk, no_keyring: None) -> None:
    del no_keyring
    for account in (INVOICES, OWNER):
        assert desk.run(f"login --account {account} --allow-plain-text-cache").code == 0
    scope = f"--subscription {PRODUCTION} --yes -o json"
    for to in (INVOICES, OBJECT_IDS[INVOICES]):
        assigned = desk.run(f"role assign --to {to} {scope}")
        assert (assigned.code, assigned.json["account"]) == (0, OWNER)
    refused = desk.run(f"role assign --to {NEW_HIRE} {scope}")
    assert "could not choose among 2 stored sign-ins" in refused.stderr


def test_without_a_prompt_the_administrator_is_named(pallink: Pallink) -> None:
    words = f"role assign --to {NEW_HIRE} --subscription {PRODUCTION} --cloud sandbox"
    assert pallink(f"{words} --dry-run --account {OWNER}").code == 0
    refused = pallink(f"{words} --account {OWNER}").stderr
    assert "--yes is required without a prompt" in refused
    assert "cause: pallink changes roles only after a confirmation, and stdin or stderr is not a terminal\n" in refused


# --- The prompt -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reply", "code"), [("y\n", 0), ("n\n", 130), ("", 130)])
def test_what_is_confirmed(pallink: Pallink, traffic: Traffic, reply: str, code: int) -> None:
    words = ("--to", NEW_HIRE, "--subscription", "Contoso Production", "--no-wait")
    asked = as_owner(pallink, "assign", *words, tty=True, stdin=reply)
    assert asked.code == code
    text = " ".join(asked.stderr.split())
    for sentence in (
        "administrator owner@contoso.com (user)",
        "tenant Contoso (8fe81352-b317-4e31-9d5b-b42cafcd167c)",
        f"account newhire@contoso.com (object ID {OBJECT_IDS[NEW_HIRE]})",
        "role Reader: changes no resource",
        f"scope subscription Contoso Production ({PRODUCTION})",
        "Assign this role to the account? [y/N]:",
    ):
        assert sentence in text
    assert any(method == "PUT" for method, _ in traffic.sent) is (code == 0)
    if code == 0:
        assert "[y/N]" not in as_owner(pallink, "assign", *words, tty=True).stderr  # Nothing is to be done.
        removed = as_owner(pallink, "remove", *words[:-1], tty=True, stdin="y\n")
        assert (removed.code, "Remove this role from the account?" in removed.stderr) == (0, True)


# --- Waiting ----------------------------------------------------------------------------------------------------------


def test_it_waits_until_the_role_takes_effect(pallink: Pallink, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    Sandbox(home()).set("role-propagation", "3600")
    wait = Clock.wait

    def waited(self: Clock, seconds: float) -> None:
        wait(self, seconds)
        if len(self.waits) == 3:
            Sandbox(home()).set("role-propagation", "0")

    monkeypatch.setattr(Clock, "wait", waited)
    assigned = assign(pallink, "--wait", "--timeout", "5")
    assert assigned.json["assignments"][0]["effective"] is True
    assert clock.waits == [2, 3, 5]


def test_a_wait_that_fails_says_what_was_assigned(pallink: Pallink, traffic: Traffic) -> None:
    def created_then_unreadable(request: object, handle: object) -> object:
        del request
        traffic.fail("GET", "roleAssignments", answering(403, b"{}"))
        return handle()  # type: ignore[operator]

    traffic.fail("PUT", "roleAssignments", created_then_unreadable)  # type: ignore[arg-type]
    failed = assign(pallink, "--wait")
    assert failed.code == 6
    assert f"created on subscription Contoso Production ({PRODUCTION})" in failed.stderr


def test_it_waits_for_ten_minutes_at_most(pallink: Pallink, clock: Clock) -> None:
    Sandbox(home()).set("role-propagation", "3600")
    late = assign(pallink, "--wait")
    assert late.code == 7
    assert late.json["assignments"][0]["effective"] is False
    assert "the role has not taken effect within 10 minutes" in late.stderr
    assert 580 < sum(clock.waits) < 600
    # The service has it, though it does not list it.
    again = assign(pallink, "--no-wait")
    assert actions(again) == ["unchanged"]
    assert again.json["assignments"][0]["id"] == late.json["assignments"][0]["id"]
    assert again.json["assignments"][0]["effective"] is None


# --- Writes that get no usable response -------------------------------------------------------------------------------


DOUBTFUL = [
    (lost_after, 1),
    (lost_before, 2),
    (answering(503), 2),
    (answering(429, b"{}", Retry_After="7"), 2),
    (answering(200, b"<html>", kind="text/html"), 2),
]


# By default every doubt of an assignment, and the one of a removal that took effect.
@pytest.mark.parametrize(
    ("command", "fault", "writes"),
    [
        pytest.param(
            command,
            fault,
            writes,
            marks=() if command == "assign" or fault is lost_after else pytest.mark.exhaustive,
        )
        for command in ("assign", "remove")
        for fault, writes in DOUBTFUL
    ],
)
@pytest.mark.usefixtures("clock")
def test_a_doubtful_write_is_settled_by_reading(
    pallink: Pallink, traffic: Traffic, fault: Fault, writes: int, command: str
) -> None:
    method = {"assign": "PUT", "remove": "DELETE"}[command]
    if command == "remove":
        assign(pallink)
    traffic.fail(method, "roleAssignments", fault)
    done = as_owner(pallink, f"{command} --to {NEW_HIRE} --yes -o json --subscription {PRODUCTION}")
    assert actions(done) == ["created" if command == "assign" else "deleted"]
    assert len([entry for entry in traffic.sent if entry[0] == method]) == writes
    held = as_owner(pallink, f"show --to {NEW_HIRE} -o json").json["assignments"]
    assert len(held) == (command == "assign")


@pytest.mark.usefixtures("clock")
def test_a_write_that_nothing_settles(pallink: Pallink, traffic: Traffic) -> None:
    name = assignment_name(f"/subscriptions/{PRODUCTION}", OBJECT_IDS[NEW_HIRE], READER)

    def lost_then_no_reads(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        traffic.fail("GET", name, answering(403, b"{}"))
        return lost_after(request, handle)

    traffic.fail("PUT", name, lost_then_no_reads)
    unknown = assign(pallink)
    assert unknown.code == 7
    assert "could not determine whether Reader was assigned on subscription Contoso Production" in unknown.stderr
    assert "run the command again: what is done already stays as it is" in unknown.stderr
    assert actions(assign(pallink)) == ["unchanged"]


def test_what_the_service_has_under_another_id(pallink: Pallink, traffic: Traffic) -> None:
    """It is neither listed yet, nor has it the ID that pallink gives."""
    Sandbox(home()).assign(principal_id=OBJECT_IDS[NEW_HIRE], role="Reader", scope=f"/subscriptions/{PRODUCTION}")
    traffic.fail("GET", "roleAssignments", answering(200, b'{"value": []}'))
    assigned = assign(pallink)
    assert actions(assigned) == ["unchanged"]
    listed = as_owner(pallink, f"show --to {NEW_HIRE} -o json").json["assignments"]
    assert listed[0]["id"] == assigned.json["assignments"][0]["id"]
    assert [method for method, _ in traffic.sent if method == "PUT"] == ["PUT"]


def test_what_was_done_before_an_error_is_said(pallink: Pallink) -> None:
    words = ("--subscription", PRODUCTION, "--subscription", FINANCE)
    Sandbox(home()).assign(
        principal_id="8a1203c8-9a84-41bb-89a9-9439358a87bc", role="Reader", scope=f"/subscriptions/{FINANCE}"
    )
    refused = as_owner(pallink, f"assign --to {NEW_HIRE} --yes", *words)
    assert refused.code == 6
    assert "warning: created on subscription Contoso Production" in refused.stderr
    assert "could not assign Reader on subscription Contoso Finance" in refused.stderr


# --- Sign-ins of a person, which a token for Microsoft Graph must not repeat ------------------------------------------


def test_a_device_code_is_entered_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.reader_of_device_codes(OWNER)
    shown, show = [], TerminalPrompter.show_device_code

    def counted(prompter: TerminalPrompter, message: str, code: str) -> None:
        shown.append(code)
        show(prompter, message, code)

    monkeypatch.setattr(TerminalPrompter, "show_device_code", counted)
    assigned = desk.run(f"role assign --to {NEW_HIRE} --subscription {PRODUCTION} --auth device-code --yes -o json")
    assert actions(assigned) == ["created"]
    assert assigned.json["principalName"] == NEW_HIRE
    assert len(shown) == 1


def test_a_served_sandbox_and_a_browser(served_desk: Desk) -> None:
    served_desk.browser(OWNER)
    command = f"role assign --to {NEW_HIRE} --subscription {PRODUCTION} --auth browser --yes -o json"
    assert actions(served_desk.run(command)) == ["created"]
    assert actions(served_desk.run(command)) == ["unchanged"]
    codes = [request for request in served_desk.seen if request.form.get("grant_type") == "authorization_code"]
    assert len(codes) == 2  # One for each command.
