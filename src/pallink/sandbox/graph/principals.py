"""Microsoft Graph in miniature: who is in the directory. It only reads, and only what `az` asks about role assignments.

It is found at the sandbox's own origin below `v1.0`, so its audience is the sandbox's one.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from pallink.sandbox.arm.routes import ArmError
from pallink.sandbox.call import Call
from pallink.sandbox.entra import bearer
from pallink.sandbox.entra.bearer import Caller
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state import settings
from pallink.sandbox.state.world import Account, Group

_VERSION = "v1.0"
_MAX_IDS = 1000  # In one request of getByIds, as documented.

_PRINCIPAL_NAME = re.compile(r"userPrincipalName eq '([^']*)'", re.IGNORECASE)
_APPLICATION_ID = re.compile(r"(?:appId eq|servicePrincipalNames/any\((\w+):\s*\1 eq) '([^']*)'\)?", re.IGNORECASE)


class _GraphError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def owns(segments: tuple[str, ...]) -> bool:
    """Tells whether a path is Microsoft Graph's."""
    return segments[:1] == (_VERSION,)


def answer(call: Call) -> Response:
    """Answers a request to Microsoft Graph."""
    request_id = str(uuid4())
    try:
        response = _dispatch(call)
    except ArmError as error:
        challenge = {"WWW-Authenticate": error.headers["WWW-Authenticate"]}
        response = _failed(call, request_id, 401, "InvalidAuthenticationToken", str(error)).with_headers(challenge)
    except _GraphError as error:
        response = _failed(call, request_id, error.status, error.code, str(error))
    return response.with_headers(
        {
            "Cache-Control": "no-cache",
            "request-id": request_id,
            "client-request-id": _client_request_id(call, request_id),
        }
    )


def _failed(call: Call, request_id: str, status: int, code: str, message: str) -> Response:
    inner = {
        "date": f"{call.now:%Y-%m-%dT%H:%M:%S}",
        "request-id": request_id,
        "client-request-id": _client_request_id(call, request_id),
    }
    return json_response(status, {"error": {"code": code, "message": message, "innerError": inner}})


def _client_request_id(call: Call, request_id: str) -> str:
    return call.request.header("client-request-id") or request_id


def _dispatch(call: Call) -> Response:
    caller = bearer.authenticate(call)
    if not caller.account.is_person and call.state.setting(settings.GRAPH_READS) == "refused":
        raise _GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    collection, *rest = (*map(str.lower, call.request.segments[1:3]), *call.request.segments[3:]) or ("",)
    handler = _ROUTES.get((call.request.method, collection, len(rest)))
    if handler is None:
        if any(key[1:] == (collection, len(rest)) for key in _ROUTES):
            raise _GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
        raise _GraphError(400, "BadRequest", f"Resource not found for the segment '{collection}'.")
    return handler(call, caller)


def _me(call: Call, caller: Caller) -> Response:
    if not caller.account.is_person:
        raise _GraphError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    return _one(call, caller.account, "users")


def _list_users(call: Call, caller: Caller) -> Response:
    people = [each for each in caller.tenant.accounts if each.is_person]
    return _list(call, "users", people, _PRINCIPAL_NAME)


def _list_service_principals(call: Call, caller: Caller) -> Response:
    applications = [each for each in caller.tenant.accounts if not each.is_person]
    return _list(call, "servicePrincipals", applications, _APPLICATION_ID)


def _list(call: Call, collection: str, accounts: list[Account], named: re.Pattern[str]) -> Response:
    condition = call.request.query.get("$filter")
    if condition is not None:
        match = named.fullmatch(condition)
        if match is None:
            raise _GraphError(400, "Request_UnsupportedQuery", f"The sandbox does not know the filter '{condition}'.")
        accounts = [each for each in accounts if each.name == match[match.re.groups].lower()]
    context = f"{call.request.origin}/{_VERSION}/$metadata#{collection}"
    return json_response(200, {"@odata.context": context, "value": [_account(each) for each in accounts]})


def _get_user(call: Call, caller: Caller) -> Response:
    wanted = call.request.segments[2].lower()
    for each in caller.tenant.accounts:
        if each.is_person and wanted in {each.name, each.object_id}:
            return _one(call, each, "users")
    raise _missing(wanted)


def _get_service_principal(call: Call, caller: Caller) -> Response:
    wanted = call.request.segments[2].lower()
    account = caller.tenant.account(wanted)
    if account is None or account.is_person:
        raise _missing(wanted)
    return _one(call, account, "servicePrincipals")


def _one(call: Call, account: Account, collection: str) -> Response:
    context = f"{call.request.origin}/{_VERSION}/$metadata#{collection}/$entity"
    return json_response(200, {"@odata.context": context, **_account(account)})


def _missing(object_id: str) -> _GraphError:
    return _GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present.",
    )


def _get_by_ids(call: Call, caller: Caller) -> Response:
    """Answers with what there is of a list of object IDs; those that nobody has are left out without a word."""
    if call.request.segments[2].lower() != "getbyids":
        raise _GraphError(400, "BadRequest", f"Resource not found for the segment '{call.request.segments[2]}'.")
    try:
        wanted = json.loads(call.request.body)["ids"]
    except (ValueError, KeyError, TypeError):
        wanted = None
    if not isinstance(wanted, list) or len(wanted) > _MAX_IDS or not all(isinstance(each, str) for each in wanted):
        raise _GraphError(400, "Request_BadRequest", f"'ids' has to be a list of at most {_MAX_IDS} object IDs.")
    ids = {each.lower() for each in wanted}
    found = [{"@odata.type": _type(each), **_account(each)} for each in caller.tenant.accounts if each.object_id in ids]
    found += [_group(each) for each in caller.tenant.groups if each.object_id in ids]
    context = f"{call.request.origin}/{_VERSION}/$metadata#directoryObjects"
    return json_response(200, {"@odata.context": context, "value": found})


def _type(account: Account) -> str:
    return "#microsoft.graph.user" if account.is_person else "#microsoft.graph.servicePrincipal"


def _account(account: Account) -> dict[str, Any]:
    if account.is_person:
        return {"id": account.object_id, "displayName": account.display_name, "userPrincipalName": account.name}
    kind = "ManagedIdentity" if account.resource_id else "Application"
    return {
        "id": account.object_id,
        "displayName": account.display_name,
        "appId": account.name,
        "servicePrincipalNames": [account.name],
        "servicePrincipalType": kind,
    }


def _group(group: Group) -> dict[str, Any]:
    return {"@odata.type": "#microsoft.graph.group", "id": group.object_id, "displayName": group.display_name}


# By method, the path's first segment, and how many follow.
_ROUTES: dict[tuple[str, str, int], Callable[[Call, Caller], Response]] = {
    ("GET", "me", 0): _me,
    ("GET", "users", 0): _list_users,
    ("GET", "users", 1): _get_user,
    ("GET", "serviceprincipals", 0): _list_service_principals,
    ("GET", "serviceprincipals", 1): _get_service_principal,
    ("POST", "directoryobjects", 1): _get_by_ids,
}
