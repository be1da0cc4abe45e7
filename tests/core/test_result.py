import json
from typing import Any

import pytest

from pallink.account import Account, AccountKind
from pallink.links.model import Action, Link
from pallink.result import AccountResult, CheckResult, Result, VerifyResult, WriteResult
from pallink.roles import ReaderReport, Subscription, SubscriptionVerdict, Verdict
from tests.core.samples import OBJECT, OTHER_PARTNER, PARTNER, TENANT

ACCOUNT = Account(AccountKind.MANAGED_IDENTITY, "invoices@contoso.com", OBJECT, TENANT)
IDENTITY: dict[str, Any] = {"cloud": "AzureCloud", "identity": ACCOUNT, "tenant_name": "Contoso"}
LINK = Link(
    PARTNER,
    "Contoso Apps",
    TENANT,
    OBJECT,
    version=18,
    created_time="2018-02-21T20:07:21.1341292Z",
    updated_time="2018-07-30T21:12:18.350161Z",
    id=f"/providers/microsoft.managementpartner/partners/{PARTNER}",
)
SHOWN_IDENTITY = {
    "cloud": "AzureCloud",
    "account": "invoices@contoso.com",
    "accountKind": "managedIdentity",
    "objectId": OBJECT,
    "tenantId": TENANT,
    "tenantName": "Contoso",
}
SHOWN = SHOWN_IDENTITY | {
    "partnerId": PARTNER,
    "partnerName": "Contoso Apps",
    "state": "Active",
    "version": 18,
    "createdTime": "2018-02-21T20:07:21.1341292Z",
    "updatedTime": "2018-07-30T21:12:18.350161Z",
    "id": f"/providers/microsoft.managementpartner/partners/{PARTNER}",
    "role": "reader",
}
GROUP = "99999999-0000-4000-8000-000000000000"
REPORT = ReaderReport(
    (
        SubscriptionVerdict(Subscription("1", "Production"), Verdict.READER, "Reader", "/subscriptions/1", GROUP),
        SubscriptionVerdict(Subscription("2", "Test"), Verdict.NONE),
    )
)
COMMON: dict[str, Any] = {
    **IDENTITY,
    "link": LINK,
    "warnings": ("a warning",),
    "reader": REPORT,
}


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        pytest.param(Result(**COMMON), SHOWN, id="show"),
        pytest.param(
            WriteResult(**COMMON, action=Action.UPDATED, previous=Link(OTHER_PARTNER, "Before")),
            SHOWN | {"action": "updated", "previousPartnerId": OTHER_PARTNER, "dryRun": False},
            id="link, update, unlink",
        ),
        pytest.param(
            VerifyResult(**COMMON, expected_partner_id=PARTNER, matches=True),
            SHOWN | {"expectedPartnerId": PARTNER, "matches": True},
            id="verify",
        ),
        pytest.param(
            CheckResult(**COMMON),
            SHOWN
            | {
                "subscriptions": [
                    {
                        "subscriptionId": "1",
                        "name": "Production",
                        "enabled": True,
                        "verdict": "reader",
                        "role": "Reader",
                        "scope": "/subscriptions/1",
                        "groupId": GROUP,
                        "condition": None,
                        "reason": None,
                    },
                    {
                        "subscriptionId": "2",
                        "name": "Test",
                        "enabled": True,
                        "verdict": "none",
                        "role": None,
                        "scope": None,
                        "groupId": None,
                        "condition": None,
                        "reason": None,
                    },
                ]
            },
            id="check",
        ),
        pytest.param(
            AccountResult.of(
                ACCOUNT,
                cloud="AzureCloud",
                tenant_name="Contoso",
                auth="client-secret",
                stored=True,
                expires_on="2026-11-23T08:00:00Z",
            ),
            SHOWN_IDENTITY | {"auth": "client-secret", "stored": True, "expiresOn": "2026-11-23T08:00:00Z"},
            id="whoami",
        ),
    ],
)
def test_the_fields_of_a_result_and_their_order_are_frozen(
    result: Result | AccountResult, shown: dict[str, Any]
) -> None:
    assert list(result.as_dict().items()) == list(shown.items())


def test_all_fields_are_there_where_there_is_no_link() -> None:
    result = WriteResult(**IDENTITY, action=Action.DELETED).as_dict()
    assert list(result) == [*SHOWN, "action", "previousPartnerId", "dryRun"]
    assert {name for name, value in result.items() if value is None} == (set(SHOWN) - set(SHOWN_IDENTITY)) | {
        "previousPartnerId"
    }


def report_of(verdict: Verdict) -> ReaderReport:
    return ReaderReport((SubscriptionVerdict(Subscription("1", "Production"), verdict),), all_required=True)


def test_a_check_that_looked_at_no_subscription_has_an_empty_list() -> None:
    assert CheckResult(**IDENTITY).as_dict()["subscriptions"] == []


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("action", Action)
def test_values_are_plain_enough_for_any_format(action: Action, verdict: Verdict) -> None:
    shown = WriteResult(**IDENTITY, reader=report_of(verdict), action=action).as_dict()
    assert {type(value) for value in shown.values()} <= {str, bool, int, type(None)}
    assert json.loads(json.dumps(shown)) == shown


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (Action, ["created", "updated", "unchanged", "deleted"]),
        (
            Verdict,
            [
                "reader",
                "more-than-reader",
                "eligible",
                "unknown",
                "partial",
                "delegated",
                "conditional",
                "other-role",
                "none",
            ],
        ),
        (AccountKind, ["user", "guest", "application", "managedIdentity"]),
    ],
    ids=["action", "role", "accountKind"],
)
def test_the_texts_of_a_field_are_frozen(values: type[Action | Verdict | AccountKind], texts: list[str]) -> None:
    assert [each.value for each in values] == texts
