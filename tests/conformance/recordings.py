"""What Microsoft's own test suites recorded of the partner API: the only answers of the real service that are public.

Each recording is a session: requests in their order, with the answers as they came, tokens left out. The files:

- azure-cli-extensions, src/managementpartner/.../recordings/test_{create,delete,show,update}_managementpartner.yaml:
  11 February 2018, before links had a `partnerName`. One account; its versions go on from file to file.
- azure-powershell, src/ManagementPartner/.../SessionRecords/.../Test{Remove,Update}Parnter.json: 30 July 2018.
- azure-sdk-for-python, sdk/managementpartner/.../recordings/test_mgmt_managementpartner.test_managementpartner_*.yaml:
  21 May 2021, in production; an account that is not linked.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_CLI = "azure-cli-extensions, 2018-02-11"
_POWERSHELL = "azure-powershell, 2018-07-30"
_PYTHON = "azure-sdk-for-python, 2021-05-21"

WRITES_2018 = "x-ms-ratelimit-remaining-tenant-writes"
WRITES_2021 = "x-ms-ratelimit-remaining-tenant-resource-requests"


@dataclass(frozen=True)
class Exchange:
    """A request and its recorded answer; `body` is empty where there was none, `length` its Content-Length."""

    method: str
    partner_id: str
    status: int
    body: str
    length: int
    counted_by: str | None


@dataclass(frozen=True)
class Session:
    """What was recorded one after the other, by one account that had no active link before."""

    name: str
    source: str
    exchanges: tuple[Exchange, ...]

    def __str__(self) -> str:
        return f"{self.name} ({self.source})"


def _cli(partner_id: str, version: int, updated: str) -> str:
    return (
        f'{{"id":"/providers/microsoft.managementpartner/partners/{partner_id}",'
        f'"type":"Microsoft.ManagementPartner/partners","name":"{partner_id}","etag":{version},'
        f'"properties":{{"partnerId":"{partner_id}","tenantId":"1b1121dd-6900-412a-af73-e8d44f81e1c1",'
        f'"objectId":"aa67f786-0552-423e-8849-244ed12bf581","version":{version},"updatedTime":"{updated}",'
        '"createdTime":"2018-01-20T01:23:40.5280496Z","state":"Active"}}'
    )


def _powershell(partner_id: str, version: int, updated: str) -> str:
    return (
        f'{{"id":"/providers/microsoft.managementpartner/partners/{partner_id}",'
        f'"type":"Microsoft.ManagementPartner/partners","name":"{partner_id}","etag":{version},'
        f'"properties":{{"partnerId":"{partner_id}","partnerName":"Test_Test_DhirajTesting",'
        '"tenantId":"72f988bf-86f1-41af-91ab-2d7cd011db47","objectId":"ac9a0626-3ff0-46e2-9974-bbfba246f6dc",'
        f'"version":{version},"updatedTime":"{updated}","createdTime":"2018-02-21T20:07:21.1341292Z","state":"Active"}}}}'
    )


_NOT_LINKED = (
    '{"error":{"code":"ManagementPartnerNotFound","message":"This user or service principal is not linked with a '
    'Partner ID"},"code":"ManagementPartnerNotFound","message":"This user or service principal is not linked with a '
    'Partner ID"}'
)
_INVALID = (
    '{"error":{"code":"PartnerIdInvalid","message":"The Partner ID is not valid"},"code":"PartnerIdInvalid","message":'
    '"The Partner ID is not valid"}'
)


def _delete(partner_id: str, counted_by: str) -> Exchange:
    return Exchange("DELETE", partner_id, 200, "", 0, counted_by)


def sessions() -> Iterator[Session]:
    """Yield every session."""
    first, second = (
        _cli("123456", 57, "2018-02-11T22:18:03.2858169Z"),
        _cli("123456", 59, "2018-02-11T22:18:08.1612112Z"),
    )
    third = _cli("123456", 61, "2018-02-11T22:18:10.5395747Z")
    before, after = (
        _cli("123456", 63, "2018-02-11T22:18:13.2210806Z"),
        _cli("123457", 64, "2018-02-11T22:18:14.2210619Z"),
    )
    yield Session(
        "create, delete; create, delete; create, show, delete; create, update, delete",
        _CLI,
        (
            Exchange("PUT", "123456", 200, first, 391, WRITES_2018),
            _delete("123456", WRITES_2018),
            Exchange("PUT", "123456", 200, second, 391, WRITES_2018),
            _delete("123456", WRITES_2018),
            Exchange("PUT", "123456", 200, third, 391, WRITES_2018),
            Exchange("GET", "123456", 200, third, 391, None),
            _delete("123456", WRITES_2018),
            Exchange("PUT", "123456", 200, before, 391, WRITES_2018),
            Exchange("PATCH", "123457", 200, after, 391, WRITES_2018),
            _delete("123457", WRITES_2018),
        ),
    )
    six_digits, again = "2018-07-30T21:12:18.350161Z", "2018-07-30T21:13:59.318186Z"
    yield Session(
        "create, delete; create, update, delete",
        _POWERSHELL,
        (
            Exchange("PUT", "5127255", 200, _powershell("5127255", 18, six_digits), 433, WRITES_2018),
            _delete("5127255", WRITES_2018),
            Exchange("PUT", "5127255", 200, _powershell("5127255", 20, again), 433, WRITES_2018),
            Exchange(
                "PATCH", "5127254", 200, _powershell("5127254", 21, "2018-07-30T21:14:00.4011829Z"), 434, WRITES_2018
            ),
            _delete("5127254", WRITES_2018),
        ),
    )
    for name, exchange in (
        ("create with an ID that nobody has", Exchange("PUT", "123456", 400, _INVALID, 143, WRITES_2021)),
        ("delete when not linked", _delete("123456", WRITES_2021)),
        ("show when not linked", Exchange("GET", "123456", 404, _NOT_LINKED, 231, None)),
        ("update when not linked", Exchange("PATCH", "123457", 404, _NOT_LINKED, 231, WRITES_2021)),
    ):
        yield Session(name, _PYTHON, (exchange,))
