"""The role assignments of any account, as an administrator sees and changes them, through azure-mgmt-authorization."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from azure.core.exceptions import HttpResponseError

from pallink.account import Account
from pallink.azure.errors import body_of, code_of, explain_errors
from pallink.azure.roles import authorization_client
from pallink.azure.values import items_of, name_of, text_of, texts_of
from pallink.azure.writes import sent_once
from pallink.clouds import Cloud
from pallink.errors import ServiceError, UnexpectedAnswerError
from pallink.http.errors import trace_of
from pallink.redact.text import one_line
from pallink.roles.assignments import RoleAssignment, last_segment
from pallink.roles.definitions import Permission
from pallink.roles.grant import (
    DESCRIPTION,
    AssignableRole,
    Principal,
    WantedRole,
    existing_name,
    writes_of,
)
from pallink.roles.grant_write import AssignmentExistsError
from pallink.roles.refusals import RoleRequest, explain_refusal, show_object_id
from pallink.roles.scopes import Scope

if TYPE_CHECKING:
    from azure.mgmt.authorization import AuthorizationManagementClient

_EXISTS_CODE = "RoleAssignmentExists"
_NOT_FOUND = 404


class RoleGrants:
    """Read, create and remove role assignments with the administrator's own token.

    Args:
        client: Creates a client of the SDK, given its class, on the guarded transport.
        administrator: The account that signed in.
        cloud: The cloud, for messages.
    """

    def __init__(self, client: Callable[[Callable[..., Any]], Any], administrator: Account, cloud: Cloud) -> None:
        self._client: AuthorizationManagementClient = client(authorization_client)
        self._administrator = administrator
        self._host = cloud.resource_manager
        self._show_object_id = show_object_id(cloud.name, administrator.tenant_id)

    def held(self, principal: Principal, scope: Scope, *, inside: bool = False) -> list[RoleAssignment]:
        """Return the role assignments that count for an account at a scope: inherited, and of its groups, too.

        Args:
            principal: The account.
            scope: Where.
            inside: Whether to include those inside it, such as on a resource group.

        Raises:
            PallinkError: They could not be read.
        """
        assigned_to = f"assignedTo('{principal.object_id}')"
        condition = assigned_to if inside else f"atScope() and {assigned_to}"
        with self._explaining("read", scope, principal) as options:
            listed = self._client.role_assignments.list_for_scope(_path(scope), filter=condition, **options)
            return [_assignment(item) for item in items_of(listed)]

    def read(self, scope: Scope, name: str, principal: Principal) -> RoleAssignment | None:
        """Return the role assignment with a name (GUID) at a scope; None if there is none.

        Raises:
            PallinkError: It could not be read.
        """
        with self._explaining("read", scope, principal) as options:
            try:
                return _assignment(self._client.role_assignments.get(_path(scope), name, **options))
            except HttpResponseError as error:
                if error.status_code == _NOT_FOUND and code_of(error) == "RoleAssignmentNotFound":
                    return None
                raise

    def create(self, scope: Scope, name: str, principal: Principal, role: AssignableRole) -> RoleAssignment:
        """Send the creation of a role assignment once.

        Raises:
            AssignmentExistsError: It exists under another ID.
            WriteFailure: It failed.
            PallinkError: It was not sent.
        """
        from azure.mgmt.authorization.v2022_04_01.models import RoleAssignmentCreateParameters  # noqa: PLC0415

        parameters = RoleAssignmentCreateParameters(
            role_definition_id=f"{_definitions_scope(scope)}/providers/Microsoft.Authorization/roleDefinitions/{role.id}",
            principal_id=principal.object_id,
            # The SDK's default is User, for applications too. None lets the service look it up.
            principal_type=principal.type,  # type: ignore[arg-type]
            description=DESCRIPTION,
        )
        with self._sending("assign", scope, principal, role) as options:
            try:
                created = self._client.role_assignments.create(_path(scope), name, parameters, **options)
            except HttpResponseError as error:
                if code_of(error) != _EXISTS_CODE:
                    raise
                raise AssignmentExistsError(existing_name(_message_of(error))) from error
            return _checked(_assignment(created), scope, principal, role)

    def remove(self, scope: Scope, name: str, principal: Principal) -> None:
        """Send the removal of a role assignment once. One that is already gone is not an error.

        Raises:
            WriteFailure: It failed.
            PallinkError: It was not sent.
        """
        with self._sending("remove", scope, principal) as options:
            self._client.role_assignments.delete(_path(scope), name, **options)

    def definition(self, wanted: WantedRole, scope: Scope) -> AssignableRole:
        """Return a role with what it allows, from its definition as it is visible at a scope.

        Raises:
            ServiceError: There is no such role.
            PallinkError: The definition could not be read.
        """
        with explain_errors(f"reading the definition of role {wanted.name}", self._host) as options:
            operations = self._client.role_definitions
            try:
                if wanted.id is not None:
                    found = [operations.get(_path(scope), wanted.id, **options)]
                else:
                    condition = "roleName eq '{}'".format(wanted.name.replace("'", "''"))
                    found = list(items_of(operations.list(_path(scope), filter=condition, **options)))
            except HttpResponseError as error:
                if code_of(error) != "RoleDefinitionDoesNotExist":
                    raise
                found = []
            if not found:
                raise ServiceError(
                    f"there is no role {wanted.name}",
                    cause=f"Azure knows no such role at {scope}",
                    remedy="correct --role: a built-in role's name, or the GUID of a role definition",
                )
            return _role(found[0])

    @contextmanager
    def _explaining(
        self, verb: str, scope: Scope, principal: Principal, role: AssignableRole | None = None
    ) -> Iterator[dict[str, Any]]:
        """Turn what the SDK raises in this block into an error of pallink; see `explain_errors`."""
        request = RoleRequest(verb, self._administrator.name, scope, principal, role, self._show_object_id)
        with explain_errors(f"the request to {request.doing}", self._host) as options:
            try:
                yield options
            except HttpResponseError as error:
                response = error.response
                trace = trace_of(response)
                refused = explain_refusal(code_of(error), _message_of(error), request, trace)
                if refused is None:
                    raise
                raise refused from error

    @contextmanager
    def _sending(
        self, verb: str, scope: Scope, principal: Principal, role: AssignableRole | None = None
    ) -> Iterator[dict[str, Any]]:
        """Send one write in this block, without azure-core's own retries.

        Raises:
            WriteFailure: It was sent, and failed.
            PallinkError: It was not sent.
        """
        with sent_once() as once, self._explaining(verb, scope, principal, role) as options:
            yield {**options, **once}


def _checked(created: RoleAssignment, scope: Scope, principal: Principal, role: AssignableRole) -> RoleAssignment:
    """Return the created role assignment, if it is the one that was requested.

    Raises:
        UnexpectedAnswerError: It is another one.
    """
    requested = (principal.object_id.casefold(), role.id, scope.id.strip("/").casefold())
    if (created.principal_id.casefold(), created.role_id, created.scope.strip("/").casefold()) != requested:
        raise UnexpectedAnswerError(
            f"Azure created another role assignment than the one that was requested on {scope}",
            cause=f"it reports {role.name if created.role_id == role.id else created.role_id} for "
            f"{created.principal_id} at {created.scope}",
            remedy="look at the account's roles with pallink role show",
        )
    return created


def _assignment(item: Any) -> RoleAssignment:
    return RoleAssignment(
        role_definition_id=text_of(item.role_definition_id) or "",
        scope=text_of(item.scope) or "",
        principal_id=text_of(item.principal_id) or "",
        condition=text_of(item.condition),
        id=text_of(item.id),
        principal_type=text_of(item.principal_type),
    )


def _role(definition: Any) -> AssignableRole:
    permissions = [
        permission
        for block in definition.permissions or ()
        for permission in (
            Permission(texts_of(block.actions), texts_of(block.not_actions)),
            Permission(texts_of(block.data_actions), texts_of(block.not_data_actions)),
        )
    ]
    role_id = last_segment(text_of(definition.id) or "")
    return AssignableRole(role_id, name_of(definition.role_name) or role_id, writes_of(permissions))


def _path(scope: Scope) -> str:
    """Return a scope as the SDK puts it into a URL: as it is, without the first slash."""
    return quote(scope.id.strip("/"), safe="/()")


def _definitions_scope(scope: Scope) -> str:
    """Return the scope in the ID of a role definition: the subscription; empty above subscriptions."""
    return "/".join(scope.id.split("/")[:3]) if scope.id.startswith("/subscriptions/") else ""


def _message_of(error: HttpResponseError) -> str:
    response: Any = error.response
    failure = body_of(response).get("error") if response is not None else None
    return one_line(str(failure.get("message") or "no reason given")) if isinstance(failure, dict) else ""
