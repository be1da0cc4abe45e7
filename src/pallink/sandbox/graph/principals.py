"""Users, groups and service principals: the reads that `az` and pallink send for role assignments.

They are below `v1.0` at `graph.HOST`, where `HOST` is that of the sandbox's other services, and where only tokens for
Microsoft Graph are accepted. For `az`, which has to reach the served sandbox by `localhost`, they are below `v1.0` of
the sandbox's origin too, where the audience of the tokens is the sandbox's.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from pallink.sandbox.call import Call
from pallink.sandbox.entra import bearer
from pallink.sandbox.entra.bearer import Caller
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.http.messages import Request, Response, json_response
from pallink.sandbox.state import settings
from pallink.sandbox.state.world import Account, AccountKind, Group, Tenant

_VERSION = "v1.0"
_MAX_IDS = 1000  # Documented for getByIds.

_PRINCIPAL_NAME = re.compile(r"userPrincipalName eq '([^']*)'", re.IGNORECASE)
_BY_APPLICATION_ID = re.compile(r"servicePrincipals\(appId='([^']*)'\)", re.IGNORECASE)
_APPLICATION_ID = re.compile(r"(?:appId eq|servicePrincipalNames/any\((\w+):\s*\1 eq) '([^']*)'\)?", re.IGNORECASE)


class _GraphError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def owns(request: Request) -> bool:
    """Return whether a request is for Microsoft Graph."""
    return _is_own_host(request) or request.segments[:1] == (_VERSION,)


def _is_own_host(request: Request) -> bool:
    return urlsplit(request.url).netloc.lower().startswith("graph.")


def handle(call: Call) -> Response:
    """Return the response to a request to Microsoft Graph."""
    request_id = str(uuid4())
    try:
        response = _dispatch(call)
    except ApiError as error:
        challenge = {"WWW-Authenticate": error.headers["WWW-Authenticate"]}
        response = _error(call, request_id, 401, "InvalidAuthenticationToken", str(error)).with_headers(challenge)
    except _GraphError as error:
        response = _error(call, request_id, error.status, error.code, str(error))
    return response.with_headers(
        {
            "Cache-Control": "no-cache",
            "request-id": request_id,
            "client-request-id": _client_request_id(call, request_id),
        }
    )


def _error(call: Call, request_id: str, status: int, code: str, message: str) -> Response:
    inner = {
        "date": f"{call.now:%Y-%m-%dT%H:%M:%S}",
        "request-id": request_id,
        "client-request-id": _client_request_id(call, request_id),
    }
    return json_response(status, {"error": {"code": code, "message": message, "innerError": inner}})


def _client_request_id(call: Call, request_id: str) -> str:
    return call.request.header("client-request-id") or request_id


def _dispatch(call: Call) -> Response:
    request = call.request
    caller = bearer.authenticate(call, request.origin) if _is_own_host(request) else bearer.authenticate(call)
    reads = call.state.setting(settings.GRAPH_READS)
    if reads == "refused-to-all" or (reads == "refused" and not caller.account.is_person):
        raise _GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    if call.request.segments[:1] != (_VERSION,):
        raise _GraphError(400, "BadRequest", "Invalid version.")
    if call.request.method == "GET" and (match := _BY_APPLICATION_ID.fullmatch("/".join(call.request.segments[1:]))):
        return _get_by_application_id(call, caller, match[1])
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
    return _one(call, caller, caller.account, "users")


def _list_users(call: Call, caller: Caller) -> Response:
    users = [account for account in caller.tenant.accounts if account.is_person]
    return _list(call, caller, "users", users, _PRINCIPAL_NAME)


def _list_service_principals(call: Call, caller: Caller) -> Response:
    applications = [account for account in caller.tenant.accounts if not account.is_person]
    return _list(call, caller, "servicePrincipals", applications, _APPLICATION_ID)


def _list(
    call: Call, caller: Caller, collection: str, accounts: list[Account], name_filter: re.Pattern[str]
) -> Response:
    condition = call.request.query.get("$filter")
    if condition is not None:
        match = name_filter.fullmatch(condition)
        if match is None:
            raise _GraphError(400, "Request_UnsupportedQuery", f"The sandbox does not know the filter '{condition}'.")
        wanted = match[match.re.groups].lower()
        accounts = [account for account in accounts if _principal_name(account, caller.tenant).lower() == wanted]
    context = f"{call.request.origin}/{_VERSION}/$metadata#{collection}"
    return json_response(
        200, {"@odata.context": context, "value": [_account(account, caller.tenant) for account in accounts]}
    )


def _get_user(call: Call, caller: Caller) -> Response:
    identifier = call.request.segments[2].lower()
    for account in caller.tenant.accounts:
        if account.is_person and identifier in {_principal_name(account, caller.tenant).lower(), account.object_id}:
            return _one(call, caller, account, "users")
    raise _not_found(identifier)


def _get_service_principal(call: Call, caller: Caller) -> Response:
    object_id = call.request.segments[2].lower()
    account = caller.tenant.account(object_id)
    if account is None or account.is_person:
        raise _not_found(object_id)
    return _one(call, caller, account, "servicePrincipals")


def _get_by_application_id(call: Call, caller: Caller, application_id: str) -> Response:
    for account in caller.tenant.accounts:
        if not account.is_person and account.name == application_id.lower():
            return _one(call, caller, account, "servicePrincipals")
    raise _not_found(application_id)


def _one(call: Call, caller: Caller, account: Account, collection: str) -> Response:
    fields = _account(account, caller.tenant)
    if selected := call.request.query.get("$select"):
        fields = {name: value for name, value in fields.items() if name in selected.split(",")}
    context = f"{call.request.origin}/{_VERSION}/$metadata#{collection}/$entity"
    return json_response(200, {"@odata.context": context, **fields})


def _not_found(identifier: str) -> _GraphError:
    return _GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{identifier}' does not exist or one of its queried reference-property objects are not present.",
    )


def _get_by_ids(call: Call, caller: Caller) -> Response:
    """Return the accounts and groups with the given object IDs; unknown IDs are omitted."""
    if call.request.segments[2].lower() != "getbyids":
        raise _GraphError(400, "BadRequest", f"Resource not found for the segment '{call.request.segments[2]}'.")
    try:
        ids = json.loads(call.request.body)["ids"]
    except (ValueError, KeyError, TypeError):
        ids = None
    if not isinstance(ids, list) or len(ids) > _MAX_IDS or not all(isinstance(object_id, str) for object_id in ids):
        raise _GraphError(400, "Request_BadRequest", f"'ids' must be a list of at most {_MAX_IDS} object IDs.")
    wanted = {object_id.lower() for object_id in ids}
    accounts = [account for account in caller.tenant.accounts if account.object_id in wanted]
    objects = [{"@odata.type": _type(account), **_account(account, caller.tenant)} for account in accounts]
    objects += [_group(group) for group in caller.tenant.groups if group.object_id in wanted]
    context = f"{call.request.origin}/{_VERSION}/$metadata#directoryObjects"
    return json_response(200, {"@odata.context": context, "value": objects})


def _type(account: Account) -> str:
    return "#microsoft.graph.user" if account.is_person else "#microsoft.graph.servicePrincipal"


def _account(account: Account, tenant: Tenant) -> dict[str, Any]:
    if account.is_person:
        return {
            "id": account.object_id,
            "displayName": account.display_name,
            "userPrincipalName": _principal_name(account, tenant),
        }
    kind = "ManagedIdentity" if account.resource_id else "Application"
    return {
        "id": account.object_id,
        "displayName": account.display_name,
        "appId": account.name,
        "servicePrincipalNames": [account.name],
        "servicePrincipalType": kind,
    }


def _principal_name(account: Account, tenant: Tenant) -> str:
    """Return the name of an account in a tenant: that of a guest is made of the name at home."""
    if account.kind is not AccountKind.GUEST:
        return account.name
    return f"{account.name.replace('@', '_')}#EXT#@{tenant.default_domain}"


def _group(group: Group) -> dict[str, Any]:
    return {"@odata.type": "#microsoft.graph.group", "id": group.object_id, "displayName": group.display_name}


# By method, first segment below the version, and number of segments after it.
_ROUTES: dict[tuple[str, str, int], Callable[[Call, Caller], Response]] = {
    ("GET", "me", 0): _me,
    ("GET", "users", 0): _list_users,
    ("GET", "users", 1): _get_user,
    ("GET", "serviceprincipals", 0): _list_service_principals,
    ("GET", "serviceprincipals", 1): _get_service_principal,
    ("POST", "directoryobjects", 1): _get_by_ids,
}
