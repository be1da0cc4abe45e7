"""Microsoft.ManagementPartner: the link between an account and a partner ID.

Shapes, statuses and messages are those of traffic recorded in production in 2018 and 2021; settings decide what was not
recorded. A caller reads and changes only its own link, and needs no role for that.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from pallink.sandbox.arm.routes import ArmCall, Handler, Route
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state import settings
from pallink.sandbox.state.store import Link
from pallink.sandbox.state.world import Partner

NAMESPACE = "Microsoft.ManagementPartner"


def _get(call: ArmCall) -> Response:
    """Return the link. With an ID in the path, a link to another partner is reported as not linked."""
    link = _former_link(call) if call.call.is_stale else _link(call)
    if link is None or call.parameters.get("partner", link.partner_id) != link.partner_id:
        return _not_linked()
    if not link.is_active and call.state.setting(settings.GET_AFTER_DELETE) == "not-found":
        return _not_linked()
    return _success(call, link)


def _put(call: ArmCall) -> Response:
    """Link the account. The body is ignored; the status is 200, never 201 (recorded)."""
    partner = _linkable(call)
    if partner is None:
        return _invalid()
    link = _link(call)
    if link is None:
        now = _timestamp(call.now, version=1)
        link = Link(call.tenant.id, call.account.object_id, partner.id, "Active", 1, now, now)
        call.state.save_link(link)
        return _success(call, link)
    if link.is_active:
        status, code = call.state.setting(settings.ALREADY_LINKED).split()
        return _error(int(status), code, "This user or service principal is already linked with a Partner ID")
    return _success(call, _write(call, link, partner_id=partner.id, state="Active"))


def _patch(call: ArmCall) -> Response:
    """Change the partner ID of the link; the present ID is written again, with 200 (recorded)."""
    link = _link(call)
    if link is None or not link.is_active:
        return _not_linked()
    partner = _linkable(call)
    if partner is None:
        return _invalid()
    return _success(call, _write(call, link, partner_id=partner.id))


def _delete(call: ArmCall) -> Response:
    """Remove the link; without a link, the response is the same (recorded)."""
    link = _link(call)
    if link is None or not link.is_active:
        return Response(200)
    if call.parameters["partner"] != link.partner_id:
        behavior = call.state.setting(settings.DELETE_OTHER_ID)
        if behavior == "not-found":
            return _not_linked()
        if behavior == "ignored":
            return Response(200)
    _write(call, link, state="Deleted")
    return Response(200)


def _link(call: ArmCall) -> Link | None:
    return call.state.link(call.tenant.id, call.account.object_id)


def _former_link(call: ArmCall) -> Link | None:
    return call.state.former_link(call.tenant.id, call.account.object_id)


def _linkable(call: ArmCall) -> Partner | None:
    """Return the partner that the path names; None for an unknown ID, or one that is not a location ID."""
    partner = call.world.partner(call.parameters["partner"])
    return partner if partner is not None and partner.kind == "location" else None


def _write(call: ArmCall, link: Link, *, partner_id: str | None = None, state: str | None = None) -> Link:
    """Store a change. Every write increments the version, delete included; `created_time` never changes."""
    version = link.version + 1
    changed = replace(
        link,
        partner_id=partner_id or link.partner_id,
        state=state or link.state,
        version=version,
        updated_time=_timestamp(call.now, version=version),
    )
    call.state.save_link(changed)
    return changed


def _timestamp(now: datetime, *, version: int) -> str:
    """Return a time in the service's format: seven fractional digits, without a trailing zero.

    Python has only six; the seventh is the last digit of the version, so that both lengths occur.
    """
    tick = str(version % 10).replace("0", "")
    return f"{now:%Y-%m-%dT%H:%M:%S.%f}{tick}Z"


def _with_recorded_headers(handler: Handler, *, is_write: bool = False) -> Handler:
    """Return a handler that adds the headers of the provider's responses (recorded in 2021)."""
    rate_limit = {"x-ms-ratelimit-remaining-tenant-resource-requests": "99"} if is_write else {}

    def handle(call: ArmCall) -> Response:
        return handler(call).with_headers({"request-id": str(uuid4()), **rate_limit})

    return handle


def _success(call: ArmCall, link: Link) -> Response:
    return json_response(200, _document(call, link))


def _document(call: ArmCall, link: Link) -> dict[str, Any]:
    partner = call.world.partner(link.partner_id)
    as_string = call.state.setting(settings.VERSION_TYPE) == "string"
    return {
        "id": f"/providers/microsoft.managementpartner/partners/{link.partner_id}",
        "type": "Microsoft.ManagementPartner/partners",
        "name": link.partner_id,
        "etag": link.version,
        "properties": {
            "partnerId": link.partner_id,
            "partnerName": partner.name if partner else "",
            "tenantId": link.tenant_id,
            "objectId": link.object_id,
            "version": str(link.version) if as_string else link.version,
            "updatedTime": link.updated_time,
            "createdTime": link.created_time,
            "state": link.state,
        },
    }


def _not_linked() -> Response:
    return _error(404, "ManagementPartnerNotFound", "This user or service principal is not linked with a Partner ID")


def _invalid() -> Response:
    return _error(400, "PartnerIdInvalid", "The Partner ID is not valid")


def _error(status: int, code: str, message: str) -> Response:
    """Return an error in the provider's format, which repeats code and message at the top level (recorded)."""
    error = {"code": code, "message": message}
    return json_response(status, {"error": error, **error})


def _list_operations(_call: ArmCall) -> Response:
    """List the operations of the provider, in the swagger's shape: Azure's list was not recorded."""
    operations = [
        {
            "name": f"{NAMESPACE}/partners/{action}",
            "display": {
                "provider": "Management Partner",
                "resource": "Partner",
                "operation": f"{verb} the partner",
                "description": f"{verb} the partner ID that the caller is linked to.",
            },
        }
        for action, verb in (("read", "Read"), ("write", "Set"), ("delete", "Remove"))
    ]
    return json_response(200, {"value": operations})


_API_VERSIONS = ("2018-02-01",)
_PATH = "/providers/microsoft.managementpartner"
_READ = _with_recorded_headers(_get)

ROUTES = (
    Route(f"{_PATH}/operations", {"GET": _with_recorded_headers(_list_operations)}, _API_VERSIONS),
    Route(f"{_PATH}/partners", {"GET": _READ}, _API_VERSIONS),
    Route(
        f"{_PATH}/partners/{{partner}}",
        {
            "GET": _READ,
            "PUT": _with_recorded_headers(_put, is_write=True),
            "PATCH": _with_recorded_headers(_patch, is_write=True),
            "DELETE": _with_recorded_headers(_delete, is_write=True),
        },
        _API_VERSIONS,
    ),
)
