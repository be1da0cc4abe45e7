"""The partner API as it was recorded, one test for each interaction; then the open points, every answer to each."""

import json
import re

import pytest

from pallink.sandbox import Response
from tests.sandbox.client import CONTOSO, INVOICES, PARTNERS, Client, document, error_of, parsed

MESSAGES = {
    "ManagementPartnerNotFound": "This user or service principal is not linked with a Partner ID",
    "PartnerIdInvalid": "The Partner ID is not valid",
}


def assert_error(response: Response, status: int, code: str) -> None:
    """An error of the provider's own says everything twice."""
    message = MESSAGES[code]
    assert response.status == status
    assert parsed(response) == {"error": {"code": code, "message": message}, "code": code, "message": message}


def assert_empty(response: Response) -> None:
    assert (response.status, response.body) == (200, b"")
    assert "Content-Type" not in response.headers


def test_get_when_not_linked(client: Client) -> None:
    assert_error(client.caller().send("GET", f"{PARTNERS}?api-version=2018-02-01"), 404, "ManagementPartnerNotFound")


def test_get_is_one_object_with_and_without_a_trailing_slash(client: Client) -> None:
    caller = client.caller()
    created = document(caller.partners("PUT", "719878"))

    assert document(caller.send("GET", f"{PARTNERS}?api-version=2018-02-01")) == created
    assert document(caller.send("GET", f"{PARTNERS}/?api-version=2018-02-01")) == created


def test_get_by_id_tells_not_linked_and_linked_elsewhere_the_same(client: Client) -> None:
    caller = client.caller()
    not_linked = caller.partners("GET", "719878")
    assert_error(not_linked, 404, "ManagementPartnerNotFound")

    created = document(caller.partners("PUT", "719878"))

    assert document(caller.partners("GET", "719878")) == created
    assert caller.partners("GET", "6183402").body == not_linked.body


def test_the_operations_of_the_provider(client: Client) -> None:
    path = "/providers/Microsoft.ManagementPartner/operations?api-version=2018-02-01"
    names = [each["name"] for each in document(client.caller().send("GET", path))["value"]]
    assert names == [f"Microsoft.ManagementPartner/partners/{action}" for action in ("read", "write", "delete")]


def test_put_creates_with_200(client: Client) -> None:
    response = client.caller().partners("PUT", "5127255")

    assert document(response) == {
        "id": "/providers/microsoft.managementpartner/partners/5127255",
        "type": "Microsoft.ManagementPartner/partners",
        "name": "5127255",
        "etag": 1,
        "properties": {
            "partnerId": "5127255",
            "partnerName": "Test_Test_DhirajTesting",
            "tenantId": CONTOSO,
            "objectId": INVOICES,
            "version": 1,
            "updatedTime": "2026-03-14T15:09:26.5358971Z",
            "createdTime": "2026-03-14T15:09:26.5358971Z",
            "state": "Active",
        },
    }


@pytest.mark.parametrize("partner_id", ["1234567", "2087415", "mekorma", "0719878", "%C3%A9"])
def test_put_refuses_what_is_no_location_id(client: Client, partner_id: str) -> None:
    caller = client.caller()

    assert_error(caller.partners("PUT", partner_id), 400, "PartnerIdInvalid")
    assert_error(caller.partners("GET"), 404, "ManagementPartnerNotFound")


def test_put_without_an_id_is_refused(client: Client) -> None:
    assert error_of(client.caller().partners("PUT")) == (405, "MethodNotAllowed")


def test_put_ignores_a_body(client: Client) -> None:
    caller = client.caller()

    assert caller.send("PUT", f"{PARTNERS}/719878?api-version=2018-02-01", body=b'{"partnerId":"1"}').status == 200
    assert document(caller.partners("GET"))["name"] == "719878"


def test_patch_changes_the_id(client: Client) -> None:
    caller = client.caller()
    created = document(caller.partners("PUT", "719878"))["properties"]

    changed = document(caller.partners("PATCH", "6183402"))

    assert (changed["name"], changed["etag"]) == ("6183402", 2)
    assert changed["properties"]["partnerName"] == "Fourth Coffee Consulting"
    assert changed["properties"]["createdTime"] == created["createdTime"]
    assert changed["properties"]["updatedTime"] == "2026-03-14T15:09:26.5358972Z"


def test_patch_to_the_same_id_is_a_write_too(client: Client) -> None:
    caller = client.caller()
    caller.partners("PUT", "719878")

    assert document(caller.partners("PATCH", "719878"))["etag"] == 2


def test_patch_when_not_linked(client: Client) -> None:
    assert_error(client.caller().partners("PATCH", "719878"), 404, "ManagementPartnerNotFound")


def test_patch_refuses_what_is_no_location_id(client: Client) -> None:
    caller = client.caller()
    created = document(caller.partners("PUT", "719878"))

    assert_error(caller.partners("PATCH", "2087415"), 400, "PartnerIdInvalid")
    assert document(caller.partners("GET")) == created


def test_delete(client: Client) -> None:
    caller = client.caller()
    caller.partners("PUT", "719878")

    assert_empty(caller.partners("DELETE", "719878"))
    assert_error(caller.partners("GET"), 404, "ManagementPartnerNotFound")
    assert_error(caller.partners("PATCH", "719878"), 404, "ManagementPartnerNotFound")


def test_delete_when_not_linked(client: Client) -> None:
    assert_empty(client.caller().partners("DELETE", "719878"))


def test_a_second_delete_is_no_write(client: Client) -> None:
    caller = client.caller()
    caller.partners("PUT", "719878")
    for _ in range(2):
        assert_empty(caller.partners("DELETE", "719878"))

    assert document(caller.partners("PUT", "719878"))["etag"] == 3


def test_a_link_made_again_keeps_the_time_it_was_first_created(client: Client) -> None:
    caller = client.caller()
    created = document(caller.partners("PUT", "719878"))["properties"]
    caller.partners("DELETE", "719878")

    again = document(caller.partners("PUT", "6183402"))

    assert (again["name"], again["etag"], again["properties"]["state"]) == ("6183402", 3, "Active")
    assert again["properties"]["createdTime"] == created["createdTime"]
    assert again["properties"]["updatedTime"] > created["updatedTime"]


def test_updated_time_has_seven_digits_and_sometimes_six(client: Client) -> None:
    caller = client.caller()
    times = [document(caller.partners("PUT", "719878"))["properties"]["updatedTime"]]
    times += [document(caller.partners("PATCH", "719878"))["properties"]["updatedTime"] for _ in range(9)]

    digits = [re.fullmatch(r"2026-03-14T15:09:26\.(\d+)Z", time) for time in times]
    assert [len(match[1]) for match in digits if match] == [7] * 9 + [6]
    assert len(set(times)) == len(times)


def test_the_link_needs_no_role(client: Client) -> None:
    assert client.caller("newhire@contoso.com").partners("PUT", "719878").status == 200


def test_each_account_has_its_own_link(client: Client) -> None:
    mine, another, application = client.caller(), client.caller("svc_approvers@contoso.com"), client.application()
    mine.partners("PUT", "719878")

    assert another.partners("GET").status == 404
    assert_empty(another.partners("DELETE", "719878"))
    assert document(application.partners("PUT", "6183402"))["etag"] == 1
    assert document(mine.partners("GET"))["name"] == "719878"


def test_a_guest_has_another_link_in_each_tenant(client: Client) -> None:
    at_home, as_guest = client.caller(), client.caller(tenant="fabrikam.onmicrosoft.com")

    assert document(at_home.partners("PUT", "719878"))["properties"]["objectId"] == INVOICES
    assert as_guest.partners("GET").status == 404
    properties = document(as_guest.partners("PUT", "719878"))["properties"]
    assert properties["tenantId"] != CONTOSO
    assert properties["objectId"] != INVOICES


def test_writes_tell_what_is_left_of_the_tenants_allowance(client: Client) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        response = client.caller().partners(method, "719878")
        assert response.headers["x-ms-ratelimit-remaining-tenant-resource-requests"] == "99"


# --- Open points -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("linked_to", ["719878", "6183402"])
@pytest.mark.parametrize(
    "value", ["409 PartnerIdAlreadyLinked", "409 Conflict", "400 PartnerIdAlreadyLinked", "400 Conflict"]
)
def test_put_when_already_linked(client: Client, value: str, linked_to: str) -> None:
    client.sandbox.set("already-linked", value)
    caller = client.caller()
    created = document(caller.partners("PUT", linked_to))

    refused = caller.partners("PUT", "719878")

    body = parsed(refused)
    assert f"{refused.status} {body['code']}" == value
    assert body == {"error": {"code": body["code"], "message": body["message"]}, **body}
    assert document(caller.partners("GET")) == created


def test_put_when_already_linked_is_a_conflict_by_default(client: Client) -> None:
    caller = client.caller()
    caller.partners("PUT", "719878")
    refused = caller.partners("PUT", "719878")
    assert (refused.status, parsed(refused)["code"]) == (409, "PartnerIdAlreadyLinked")


def test_get_after_delete_can_show_the_deleted_link(client: Client) -> None:
    client.sandbox.set("get-after-delete", "deleted-link")
    caller = client.caller()
    assert_error(caller.partners("GET"), 404, "ManagementPartnerNotFound")
    caller.partners("PUT", "719878")
    caller.partners("DELETE", "719878")

    for partner_id in ("", "719878"):
        link = document(caller.partners("GET", partner_id))
        assert (link["etag"], link["properties"]["version"], link["properties"]["state"]) == (2, 2, "Deleted")
    assert_error(caller.partners("GET", "6183402"), 404, "ManagementPartnerNotFound")
    assert document(caller.partners("PUT", "719878"))["properties"]["state"] == "Active"


def test_delete_of_another_id_is_not_found_by_default(client: Client) -> None:
    caller = client.caller()
    created = document(caller.partners("PUT", "719878"))

    assert_error(caller.partners("DELETE", "6183402"), 404, "ManagementPartnerNotFound")
    assert document(caller.partners("GET")) == created


def test_delete_of_another_id_can_be_ignored(client: Client) -> None:
    client.sandbox.set("delete-other-id", "ignored")
    caller = client.caller()
    created = document(caller.partners("PUT", "719878"))

    assert_empty(caller.partners("DELETE", "6183402"))
    assert document(caller.partners("GET")) == created


def test_delete_of_another_id_can_delete(client: Client) -> None:
    client.sandbox.set("delete-other-id", "deletes")
    caller = client.caller()
    caller.partners("PUT", "719878")

    assert_empty(caller.partners("DELETE", "6183402"))
    assert_error(caller.partners("GET"), 404, "ManagementPartnerNotFound")


def test_version_can_be_a_string_while_the_etag_stays_a_number(client: Client) -> None:
    client.sandbox.set("version-type", "string")
    link = document(client.caller().partners("PUT", "719878"))
    assert (link["properties"]["version"], link["etag"]) == ("1", 1)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_the_provider_can_be_absent(client: Client, method: str) -> None:
    client.sandbox.set("provider", "absent")
    response = client.caller().partners(method, "719878")
    assert error_of(response) == (404, "InvalidResourceNamespace")
    assert "'Microsoft.ManagementPartner'" in json.loads(response.body)["error"]["message"]
