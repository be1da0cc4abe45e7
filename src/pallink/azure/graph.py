"""Microsoft Graph: which account a name or a client ID means. One kind of read, with tokens of its own.

They are requested only when an account has to be looked up, and go to no other host than Microsoft Graph's.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from azure.core import PipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, CustomHookPolicy, RetryPolicy
from azure.core.rest import HttpRequest

from pallink.account import is_guid
from pallink.azure.auth.authenticate import Authenticated
from pallink.azure.connection import CloudConnection
from pallink.azure.errors import body_of, code_of, explain_errors
from pallink.azure.transport import GuardedTransport
from pallink.azure.values import name_of
from pallink.errors import AccessDeniedError, SignInError, UsageError, WrongAccountError
from pallink.http.errors import trace_of
from pallink.http.policy import EgressPolicy, GraphEndpoint
from pallink.redact.text import one_line
from pallink.roles.grant import Principal
from pallink.roles.refusals import graph_refused, no_such_account, show_object_id

_READ_RETRIES = 4
_REFUSED_STATUSES = frozenset({401, 403})
_NOT_FOUND = 404


class Directory:
    """Looks up accounts in the administrator's tenant.

    Args:
        connection: The cloud, and the connections, which the caller closes.
        authenticated: The administrator.
    """

    def __init__(self, connection: CloudConnection, authenticated: Authenticated) -> None:
        self._connection = connection
        self._authenticated = authenticated
        self._client: PipelineClient[Any, Any] | None = None

    def find(self, identifier: str) -> Principal:
        """Return the account that a UPN, an object ID or a client ID means.

        An object ID needs no look-up: where there is none, it is taken as it is, and the service finds out its type.

        Raises:
            ServiceError: The tenant has no such account.
            AccessDeniedError: Microsoft Graph refuses the look-up of a name.
            PallinkError: There was no response.
        """
        cloud, tenant_id = self._connection.cloud.name, self._authenticated.account.tenant_id
        graph = self._connection.cloud.graph
        if not is_guid(identifier):
            if graph is None:
                raise UsageError(
                    f"could not look up {identifier}: the cloud {cloud} names no Microsoft Graph",
                    cause="its metadata has no microsoftGraphResourceId that belongs to it",
                    remedy="give the object ID instead; signed in as that account, this prints it",
                    command=show_object_id(identifier, cloud, tenant_id),
                )
            found = self._user(identifier)
            if found is None:
                raise no_such_account(identifier, cloud, tenant_id)
            return found
        object_id = identifier.casefold()
        if graph is None:
            return Principal(object_id)
        try:
            return self._application(object_id) or self._user(object_id) or Principal(object_id)
        except AccessDeniedError:
            return Principal(object_id)

    def _user(self, identifier: str) -> Principal | None:
        return self._get(f"users/{quote(identifier, safe='')}", "User", "userPrincipalName", identifier)

    def _application(self, client_id: str) -> Principal | None:
        return self._get(f"servicePrincipals(appId='{client_id}')", "ServicePrincipal", "displayName", client_id)

    def _get(self, path: str, kind: str, name_field: str, identifier: str) -> Principal | None:
        """Return the object at a path; None if there is none.

        Raises:
            AccessDeniedError: Microsoft Graph refuses it, or Entra ID refuses a token for it.
            PallinkError: There was no usable response.
        """
        graph, administrator = str(self._connection.cloud.graph), self._authenticated.account
        cloud = self._connection.cloud.name
        request = HttpRequest("GET", f"{graph}/v1.0/{path}", params={"$select": f"id,{name_field}"})
        with explain_errors(f"looking up {identifier}", graph) as options:
            try:
                response = self._pipeline(graph).send_request(request, **options)
                response.raise_for_status()
            except WrongAccountError:
                raise
            except SignInError as error:
                raise graph_refused(identifier, cloud, administrator, error.message, error.trace) from error
            except HttpResponseError as error:
                if error.status_code == _NOT_FOUND and code_of(error) == "Request_ResourceNotFound":
                    return None
                if error.status_code not in _REFUSED_STATUSES:
                    raise
                reason = f"Microsoft Graph reports {one_line(code_of(error) or f'status {error.status_code}')}"
                raise graph_refused(identifier, cloud, administrator, reason, trace_of(error.response)) from error
            found = body_of(response)
            return Principal(_object_id(found), kind, name_of(found.get(name_field)))

    def _pipeline(self, graph: str) -> "PipelineClient[Any, Any]":
        if self._client is None:
            pool, cloud = self._connection.pool, self._connection.cloud
            if cloud.emulator is not None:
                cloud.emulator.mount(pool, graph)
            pool.check_environment(graph)
            scope = f"{graph}/.default"
            credential = self._authenticated.credential.for_scope(scope)
            self._client = PipelineClient(
                graph,
                policies=[
                    RetryPolicy(retry_total=_READ_RETRIES),
                    BearerTokenCredentialPolicy(credential, scope),
                    CustomHookPolicy(),
                ],
                transport=GuardedTransport(
                    pool, EgressPolicy(cloud.resource_manager, service=GraphEndpoint(graph, graph))
                ),
            )
        return self._client


def _object_id(found: Mapping[str, Any]) -> str:
    """Return an object ID that is a GUID: it becomes part of requests."""
    object_id = found.get("id")
    if isinstance(object_id, str) and is_guid(object_id):
        return object_id.casefold()
    raise ValueError("an account without an object ID")
