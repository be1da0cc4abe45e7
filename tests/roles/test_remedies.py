"""What is printed for Azure itself: commands with the real IDs in them, ready to paste."""

import ast
import shlex

import pytest

from pallink.account import Account, AccountKind
from pallink.errors import PallinkError
from pallink.roles import (
    EligibleRole,
    ReaderReport,
    RoleAssignment,
    RoleCommands,
    Subscription,
    add_eligible_roles,
    diagnose_reader,
    judge,
    judge_invisible,
    suggest_credit_role,
)
from pallink.roles.assignments import describe_origin
from pallink.roles.definitions import CREDIT_ROLE, READER

OBJECT_ID = "11111111-0000-0000-0000-00000000000a"
GROUP = "22222222-0000-0000-0000-000000000001"
USER = Account(AccountKind.USER, "svc@world.example", OBJECT_ID, "tenant")
ONE = Subscription("33333333-0000-0000-0000-000000000001", "One")
TWO = Subscription("33333333-0000-0000-0000-000000000002", "Two")
ACTIVATION = "77777777-0000-0000-0000-000000000001"


def holding(*role_ids: str, subscription: Subscription = ONE, principal_id: str = OBJECT_ID) -> ReaderReport:
    assignments = [RoleAssignment(f"/x/{role_id}", subscription.scope, principal_id) for role_id in role_ids]
    return ReaderReport((judge(subscription, assignments, USER),), visible=(subscription,))


def eligible_for(scope: str, name: str | None = None) -> EligibleRole:
    return EligibleRole(f"/x/roleDefinitions/{READER.id}", scope, GROUP, "schedule", "Reader", name)


def error(report: ReaderReport, account: Account = USER) -> PallinkError:
    found = diagnose_reader(report, RoleCommands(account, activation_id=ACTIVATION))
    assert found is not None
    assert found.exit_code == 6
    return found


@pytest.mark.parametrize(
    ("kind", "principal_type"),
    [
        (AccountKind.USER, "User"),
        (AccountKind.GUEST, "User"),
        (AccountKind.APPLICATION, "ServicePrincipal"),
        (AccountKind.MANAGED_IDENTITY, "ServicePrincipal"),
    ],
)
def test_the_assignment(kind: AccountKind, principal_type: str) -> None:
    account = Account(kind, "svc", OBJECT_ID, "tenant")
    assert error(holding(), account).command == (
        f"pallink role assign --to {OBJECT_ID} --subscription {ONE.id} --tenant tenant\n"
        f"az role assignment create --assignee-object-id {OBJECT_ID} --assignee-principal-type {principal_type}"
        f' --role Reader --scope "/subscriptions/{ONE.id}"'
    )


def test_the_hint_is_one_clause_and_names_the_portal_too() -> None:
    assert error(holding()).remedy == (
        "have an administrator assign Reader with pallink or az, or in the portal under Access control (IAM)"
    )


def test_the_cause_says_whose_rule_it_is() -> None:
    assert error(holding()).cause == (
        "it has no role on One; pallink, not Azure, requires Reader to link, unless --role-check is warn or skip"
    )


def test_what_it_does_not_see_and_what_it_does() -> None:
    unseen = ReaderReport((judge_invisible(TWO),), all_required=True)
    assert (error(unseen).cause or "").startswith("it does not see Two, nor any other subscription; pallink")
    seeing = ReaderReport((*holding().subscriptions, judge_invisible(TWO)), all_required=True, visible=(ONE,))
    assert (error(seeing).cause or "").startswith("it does not see Two, only One; it has no role on One; pallink")


def test_without_a_subscription_the_administrators_own_is_meant() -> None:
    found = error(ReaderReport())
    assert "pallink role assign --to 11111111-0000-0000-0000-00000000000a --subscription SUBSCRIPTION" in (
        found.command or ""
    )
    assert '--scope "/subscriptions/$(az account show --query id --output tsv)"' in (found.command or "")
    assert (found.cause or "").startswith(
        "it sees no subscription in this tenant, and needs none for Power Platform alone; pallink"
    )


def test_a_command_for_each_subscription_that_has_to_pass() -> None:
    report = ReaderReport((*holding().subscriptions, judge_invisible(TWO)), all_required=True, visible=(ONE,))
    first, *others = (error(report).command or "").splitlines()
    assert f"--subscription {ONE.id} --subscription {TWO.id} --tenant" in first
    assert [ONE.id in others[0], TWO.id in others[1], len(others)] == [True, True, 2]


def test_another_cloud_is_named() -> None:
    commands = RoleCommands(USER, cloud="AzureChinaCloud")
    assert commands.assign_on([ONE.scope]).splitlines()[0].endswith("--tenant tenant --cloud AzureChinaCloud")


def test_the_activation() -> None:
    report = add_eligible_roles(holding(), [eligible_for(ONE.scope)], USER)
    found = error(report)
    words = shlex.split(found.command or "")
    assert words[:5] == ["az", "rest", "--method", "PUT", "--url"]
    path = "providers/Microsoft.Authorization/roleAssignmentScheduleRequests"
    assert words[5] == f"{ONE.scope}/{path}/{ACTIVATION}?api-version=2020-10-01"
    assert not set('"$`\\!%') & set(words[7]), "a shell would change it"
    properties = ast.literal_eval(words[7])["properties"]
    assert properties["principalId"] == OBJECT_ID
    assert properties["roleDefinitionId"] == f"/x/roleDefinitions/{READER.id}"
    assert (properties["requestType"], properties["linkedRoleEligibilityScheduleId"]) == ("SelfActivate", "schedule")
    assert found.message == (
        "the Reader role is not active: svc@world.example is eligible for it on One, but has not activated it"
    )
    assert found.remedy == "activate Reader as svc@world.example, with az, or in the portal under My roles"


@pytest.mark.parametrize("scope", ["/", "/providers/Microsoft.Management/managementGroups/top"])
def test_the_activation_above_subscriptions(scope: str) -> None:
    found = error(add_eligible_roles(ReaderReport(), [eligible_for(scope, "Top")], USER))
    assert "eligible for it on Top and what is below it, but has not activated it" in found.message
    url = shlex.split(found.command or "")[5]
    assert url.startswith(f"{scope.rstrip('/')}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests/")


def test_what_is_eligible_above_does_not_vouch_for_one_that_has_to_pass() -> None:
    """Nobody knows whether the subscription is below that management group."""
    report = ReaderReport(holding().subscriptions, all_required=True, visible=(ONE,))
    found = add_eligible_roles(report, [eligible_for("/providers/Microsoft.Management/managementGroups/top")], USER)
    assert found.verdict == "none"


def test_credit() -> None:
    commands = RoleCommands(USER)
    advice = suggest_credit_role(holding(READER.id), commands)
    assert advice is not None
    assert '--role "Support Request Contributor"' in advice[1]
    assert suggest_credit_role(holding(READER.id, CREDIT_ROLE.id), commands) is None
    assert suggest_credit_role(holding(), commands) is None
    # Nobody has told whether a role that is not listed earns any.
    assert suggest_credit_role(holding(READER.id, "43d0d8ad-25c7-4714-9337-8ba259a9fe05"), commands) is None


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("/", "inherited from the root of the tenant"),
        ("/providers/Microsoft.Management/managementGroups/top", "inherited from management group top"),
        ("/PROVIDERS/microsoft.management/MANAGEMENTGROUPS/Top", "inherited from management group Top"),
        ("/subscriptions/x", "assigned on the subscription"),
        ("/subscriptions/x/resourceGroups/rg", "assigned on resource group rg only"),
        ("/subscriptions/x/resourceGroups/rg/providers/P/t/n", "assigned on n only, inside the subscription"),
        ("/somewhere/else", "assigned at /somewhere/else"),
    ],
)
def test_the_origin_in_words(scope: str, words: str) -> None:
    assert describe_origin(scope) == words
