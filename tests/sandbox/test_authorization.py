"""Role assignments and role definitions, as the API tells them."""

from urllib.parse import quote

import pytest

from pallink.sandbox import Response
from tests.sandbox.client import (
    APPROVERS,
    CONTOSO,
    DEVELOPMENT,
    INVOICES,
    NEW_HIRE,
    ONBOARDING,
    OPERATIONS,
    PRODUCTION,
    READER,
    Caller,
    Client,
    document,
    error_of,
    parsed,
)

FINANCE_SYSTEMS = "b470e81d-e040-4dba-aeba-bb1fb0bc9ca0"
ACCESS = "c3d6a0b1-9f52-4e7c-8a64-2b1f7e90d5c8"
OWNER = "8a1203c8-9a84-41bb-89a9-9439358a87bc"
AUTHORIZATION = "providers/Microsoft.Authorization"


def assignments(caller: Caller, condition: str | None = None, subscription: str = PRODUCTION) -> Response:
    filtered = "" if condition is None else f"&$filter={quote(condition)}"
    path = f"/subscriptions/{subscription}/{AUTHORIZATION}/roleAssignments?api-version=2022-04-01{filtered}"
    return caller.send("GET", path)


def principals(response: Response) -> set[str]:
    return {each["properties"]["principalId"] for each in document(response)["value"]}


def test_an_assignment_in_its_whole_shape(client: Client) -> None:
    response = assignments(client.caller(), f"atScope() and assignedTo('{INVOICES}')")

    (assignment,) = document(response)["value"]
    properties = assignment.pop("properties")
    assert assignment == {
        "id": f"/subscriptions/{PRODUCTION}/{AUTHORIZATION}/roleAssignments/b29da052-d8df-4193-a987-46c088462638",
        "type": "Microsoft.Authorization/roleAssignments",
        "name": "b29da052-d8df-4193-a987-46c088462638",
    }
    assert properties["roleDefinitionId"] == f"/subscriptions/{PRODUCTION}/{AUTHORIZATION}/roleDefinitions/{READER}"
    assert (properties["principalId"], properties["principalType"]) == (INVOICES, "User")
    assert properties["scope"] == f"/subscriptions/{PRODUCTION}"
    assert properties["condition"] is None
    assert response.headers["x-ms-ratelimit-remaining-subscription-reads"].isdigit()


@pytest.mark.parametrize("subscription", [PRODUCTION, DEVELOPMENT])
def test_what_is_inherited_is_told_where_it_was_assigned_and_to_which_group(client: Client, subscription: str) -> None:
    caller = client.caller("svc_approvers@contoso.com")

    response = assignments(caller, f"atScope() and assignedTo('{APPROVERS}')", subscription)

    (assignment,) = document(response)["value"]
    properties = assignment["properties"]
    workloads = "/providers/Microsoft.Management/managementGroups/workloads"
    assert (properties["principalId"], properties["principalType"]) == (FINANCE_SYSTEMS, "Group")
    assert properties["scope"] == workloads
    assert properties["roleDefinitionId"] == f"/{AUTHORIZATION}/roleDefinitions/{READER}"
    assert assignment["id"].startswith(f"{workloads}/{AUTHORIZATION}/roleAssignments/")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, {INVOICES, FINANCE_SYSTEMS, ONBOARDING, OWNER, ACCESS}),
        ("atScope()", {INVOICES, FINANCE_SYSTEMS, ONBOARDING, OWNER, ACCESS}),
        (f"assignedTo('{APPROVERS}')", {FINANCE_SYSTEMS}),
        (f"AtScope() AND assignedto('{APPROVERS.upper()}')", {FINANCE_SYSTEMS}),
        (f"principalId eq '{APPROVERS}'", set()),  # Knows nothing of groups.
        (f"principalId eq '{FINANCE_SYSTEMS}'", {FINANCE_SYSTEMS}),
        (f"atScope() and assignedTo('{NEW_HIRE}')", set()),
    ],
)
def test_filters(client: Client, condition: str | None, expected: set[str]) -> None:
    assert principals(assignments(client.caller(), condition)) == expected


@pytest.mark.parametrize("condition", ["", "atScope", "principalId ne 'x'", "assignedTo('x') or atScope()"])
def test_any_other_filter_is_refused(client: Client, condition: str) -> None:
    assert error_of(assignments(client.caller(), condition)) == (400, "UnsupportedFilter")


def test_who_holds_nothing_may_not_read_assignments(client: Client) -> None:
    response = assignments(client.caller("newhire@contoso.com"))

    assert error_of(response) == (403, "AuthorizationFailed")
    assert parsed(response)["error"]["message"].startswith(
        f"The client 'newhire@contoso.com' with object id '{NEW_HIRE}' does not have authorization to perform action "
        f"'Microsoft.Authorization/roleAssignments/read' over scope '/subscriptions/{PRODUCTION}' or the scope is"
    )


def test_subscriptions_of_nobody_and_of_others(client: Client) -> None:
    caller = client.caller()
    unknown = assignments(caller, subscription="11111111-2222-3333-4444-555555555555")
    assert error_of(unknown) == (404, "SubscriptionNotFound")
    foreign = assignments(caller, subscription=OPERATIONS)
    assert error_of(foreign) == (401, "InvalidAuthenticationTokenTenant")
    assert "WWW-Authenticate" in foreign.headers


@pytest.mark.parametrize("scope", ["", f"/subscriptions/{PRODUCTION}"])
def test_a_role_definition(client: Client, scope: str) -> None:
    caller = client.caller()
    contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c"

    path = f"{scope}/{AUTHORIZATION}/roleDefinitions"
    definition = document(caller.send("GET", f"{path}/{contributor.upper()}?api-version=2022-04-01"))

    assert definition["id"] == f"{scope}/{AUTHORIZATION}/roleDefinitions/{contributor}"
    assert (definition["name"], definition["type"]) == (contributor, "Microsoft.Authorization/roleDefinitions")
    properties = definition["properties"]
    assert (properties["roleName"], properties["type"]) == ("Contributor", "BuiltInRole")
    (permission,) = properties["permissions"]
    assert permission["actions"] == ["*"]
    assert len(permission["notActions"]) == 11
    for condition in ("", "&$filter=atScopeAndBelow()"):
        listed = document(caller.send("GET", f"{path}?api-version=2022-04-01{condition}"))["value"]
        assert definition in listed
    refused = caller.send("GET", f"{path}?api-version=2022-04-01&$filter=x")
    assert error_of(refused) == (400, "UnsupportedFilter")


@pytest.mark.parametrize(("name", "found"), [("reader", [READER]), ("No such role", [])])
def test_a_role_definition_by_its_name(client: Client, name: str, found: list[str]) -> None:
    path = f"/{AUTHORIZATION}/roleDefinitions?api-version=2022-05-01-preview&$filter=roleName eq '{name}'"
    assert [each["name"] for each in document(client.caller().send("GET", path))["value"]] == found


def test_a_role_definition_that_nobody_made(client: Client) -> None:
    path = f"/{AUTHORIZATION}/roleDefinitions/{CONTOSO}?api-version=2022-04-01"
    assert error_of(client.caller().send("GET", path)) == (404, "RoleDefinitionDoesNotExist")


def test_role_definitions_of_a_subscription_take_a_role_there(client: Client) -> None:
    caller = client.caller("newhire@contoso.com")
    path = f"/{AUTHORIZATION}/roleDefinitions/{READER}?api-version=2022-04-01"

    assert caller.send("GET", path).status == 200
    assert error_of(caller.send("GET", f"/subscriptions/{PRODUCTION}{path}")) == (403, "AuthorizationFailed")


def test_nobody_is_eligible_for_anything(client: Client) -> None:
    path = f"//{AUTHORIZATION}/roleEligibilityScheduleInstances?api-version=2020-10-01"
    caller = client.caller()
    assert document(caller.send("GET", f"{path}&$filter=asTarget()")) == {"value": []}
    assert error_of(caller.send("GET", f"{path}&$filter=x")) == (400, "UnsupportedFilter")


# --- Resource groups --------------------------------------------------------------------------------------------------

FINANCE = "0e3bd0a4-6f3c-4bd5-a8a5-5d0f53a30f1b"
REPORTS = "5a0c8b7e-0b0e-4c53-9d43-2f9b7c1d6a02"
GROUPS = f"/subscriptions/{FINANCE}/resourcegroups"


def groups(caller: Caller, more: str = "") -> Response:
    return caller.send("GET", f"{GROUPS}?api-version=2021-04-01{more}")


def test_a_resource_group_in_its_whole_shape(client: Client) -> None:
    response = groups(client.caller("reports@contoso.com"))
    assert document(response)["value"] == [
        {
            "id": f"/subscriptions/{FINANCE}/resourceGroups/invoicing",
            "name": "invoicing",
            "type": "Microsoft.Resources/resourceGroups",
            "location": "westeurope",
            "properties": {"provisioningState": "Succeeded"},
        }
    ]
    assert response.headers["x-ms-ratelimit-remaining-subscription-reads"].isdigit()


def test_only_resource_groups_that_the_account_may_read_are_listed(client: Client) -> None:
    scope = f"/subscriptions/{FINANCE}/resourceGroups"
    client.sandbox.assign(principal_id=NEW_HIRE, role="Reader", scope=f"{scope}/Shop")
    client.sandbox.assign(principal_id=APPROVERS, role="Reader", scope=f"{scope}/shop/providers/P/t/n")
    client.sandbox.assign(principal_id=APPROVERS, role="Billing Reader", scope=f"{scope}/invoicing")
    client.sandbox.assign(principal_id=INVOICES, role="Reader", scope=f"/subscriptions/{FINANCE}")
    for account, expected in (
        ("newhire@contoso.com", ["Shop"]),
        ("reports@contoso.com", ["invoicing"]),
        ("svc_approvers@contoso.com", []),
        ("invoices@contoso.com", ["invoicing", "Shop"]),
    ):
        listed = document(groups(client.caller(account)))["value"]
        assert [group["name"] for group in listed] == expected, account
    (first,) = document(groups(client.caller(), "&$top=1"))["value"]
    assert first["name"] == "invoicing"
    assert error_of(groups(client.caller(), "&$top=x")) == (400, "InvalidTopParameter")
    assert error_of(groups(client.caller("owner@contoso.com"))) == (403, "AuthorizationFailed")


def test_role_assignments_of_a_resource_group(client: Client) -> None:
    client.sandbox.assign(principal_id=REPORTS, role="Reader", scope=f"{GROUPS}/invoicing/providers/P/t/n")
    client.sandbox.assign(principal_id=REPORTS, role="Billing Reader", scope=f"/subscriptions/{FINANCE}")

    def scopes(condition: str, group: str = "INVOICING") -> list[str]:
        path = f"{GROUPS}/{group}/{AUTHORIZATION}/roleAssignments?api-version=2022-04-01&$filter={quote(condition)}"
        listed = document(client.caller("reports@contoso.com").send("GET", path))["value"]
        return [each["properties"]["scope"].casefold() for each in listed]

    above, group = f"/subscriptions/{FINANCE}", f"{GROUPS}/invoicing"
    assert scopes(f"atScope() and assignedTo('{REPORTS}')") == [group, above]
    assert scopes(f"assignedTo('{REPORTS}')") == [group, above, f"{group}/providers/p/t/n"]


@pytest.mark.parametrize(
    ("account", "group", "expected"),
    [
        ("billing@contoso.com", "nowhere", (404, "ResourceGroupNotFound")),
        ("owner@contoso.com", "invoicing", (403, "AuthorizationFailed")),
    ],
)
def test_refused_role_assignments_of_a_resource_group(
    client: Client, account: str, group: str, expected: tuple[int, str]
) -> None:
    path = f"{GROUPS}/{group}/{AUTHORIZATION}/roleAssignments?api-version=2022-04-01"
    assert error_of(client.caller(account).send("GET", path)) == expected
