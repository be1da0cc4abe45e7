"""The sandbox beside what Microsoft's own test suites recorded: the same requests, the same answers.

All but what belongs to the account and the day is compared.
"""

import json
import re
from typing import Any

import pytest

from pallink.sandbox import Response
from tests.conformance.recordings import WRITES_2021, Exchange, Session, sessions
from tests.sandbox.client import CONTOSO, INVOICES, Client

# Partner IDs of the recordings, and those of the sandbox in their place. In 2021 nobody had 123456.
LINKABLE = {"123456": "719878", "123457": "6183402", "5127255": "5127255", "5127254": "6183402"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6,7}Z")
FIXED_HEADERS = {
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "X-Content-Type-Options": "nosniff",
}

SESSIONS = list(sessions())


def test_the_recordings_are_whole() -> None:
    """What was typed here is as long as what the service sent."""
    for session in SESSIONS:
        for exchange in session.exchanges:
            assert len(exchange.body) == exchange.length, exchange
    assert sum(len(session.exchanges) for session in SESSIONS) == 19


@pytest.mark.parametrize("session", SESSIONS, ids=str)
def test_the_sandbox_answers_as_recorded(client: Client, session: Session) -> None:
    caller = client.caller()
    is_linkable = len(session.exchanges) > 1
    versions: list[tuple[int, int]] = []
    for exchange in session.exchanges:
        partner_id = LINKABLE[exchange.partner_id] if is_linkable else exchange.partner_id
        response = caller.partners(exchange.method, partner_id)
        assert response.status == exchange.status
        assert_headers(response, exchange)
        if exchange.status == 200 and exchange.body:
            told, recorded = json.loads(response.body), json.loads(exchange.body)
            versions.append((told["etag"], recorded["etag"]))
            assert_same_link(told, recorded, partner_id)
        else:
            assert response.body.decode() == exchange.body
    # Every write counts, deletions too, and so the distances are the same.
    assert len({recorded - told for told, recorded in versions}) == (1 if versions else 0)


def assert_headers(response: Response, exchange: Exchange) -> None:
    headers = response.headers
    assert FIXED_HEADERS.items() <= headers.items()
    assert headers.get("Content-Type") == ("application/json; charset=utf-8" if exchange.body else None)
    for name in ("request-id", "x-ms-request-id", "x-ms-correlation-request-id"):
        assert re.fullmatch(r"[0-9a-f-]{36}", headers[name])
    assert re.fullmatch(r"[A-Z0-9]+:\d{8}T\d{6}Z:[0-9a-f-]{36}", headers["x-ms-routing-request-id"])
    # Of the two names that were recorded the sandbox has the later one, on writes alone.
    assert (WRITES_2021 in headers) == (exchange.counted_by is not None)


def assert_same_link(told: dict[str, Any], recorded: dict[str, Any], partner_id: str) -> None:
    """The same fields in the same order, with the same types, and the account's own values in their place."""
    before_july_2018 = "partnerName" not in recorded["properties"]
    names = list(told["properties"])
    assert list(told) == list(recorded)
    assert [name for name in names if not (before_july_2018 and name == "partnerName")] == list(recorded["properties"])
    own = {"partnerId": partner_id, "tenantId": CONTOSO, "objectId": INVOICES}
    assert own.items() <= told["properties"].items()
    assert told["id"] == recorded["id"].replace(recorded["name"], partner_id)
    assert (told["name"], told["type"]) == (partner_id, recorded["type"])
    assert told["properties"]["state"] == recorded["properties"]["state"]
    for link in (told, recorded):
        assert link["properties"]["version"] == link["etag"]
        assert isinstance(link["etag"], int)
        for name in ("updatedTime", "createdTime"):
            assert TIME.fullmatch(link["properties"][name])


def test_the_created_time_outlives_a_deletion(client: Client) -> None:
    for session in SESSIONS:
        bodies = [json.loads(each.body) for each in session.exchanges if each.status == 200 and each.body]
        assert len({each["properties"]["createdTime"] for each in bodies}) <= 1
    caller = client.caller()
    created = [json.loads(caller.partners(method, "719878").body or b"{}") for method in ("PUT", "DELETE", "PUT")]
    assert created[0]["properties"]["createdTime"] == created[2]["properties"]["createdTime"]
