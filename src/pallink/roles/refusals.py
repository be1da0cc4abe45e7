"""The errors for what Azure refuses about role assignments. Pure.

The codes are those of Microsoft's documentation ("Troubleshoot Azure RBAC").
"""

from dataclasses import dataclass

from pallink.account import Account, home_name
from pallink.errors import AccessDeniedError, PallinkError, RequestTrace, ServiceError, SignInError
from pallink.redact.text import one_clause
from pallink.roles.grant import AssignableRole, Principal
from pallink.roles.scopes import Scope
from pallink.settings import Settings

# Of the message of AuthorizationFailed, where the caller holds a role with a condition.
_CONDITION = "condition that is not fulfilled"

_ADMINISTRATORS = "Owner, User Access Administrator or Role Based Access Control Administrator"
_UNKNOWN_SCOPES = frozenset(
    {"SubscriptionNotFound", "ResourceGroupNotFound", "ManagementGroupNotFound", "NotFound", "InvalidSubscriptionId"}
)

_SIGNED_IN_AS_IT = "signed in as that account, this prints it"


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """What was requested, for the message.

    Attributes:
        verb: As in `assign` or `remove`.
        administrator: The account that requested it.
        scope: Where.
        principal: The account that the role is for.
        cloud: The cloud, as `--cloud` names it.
        role: The role; None where all are listed.
    """

    verb: str
    administrator: Account
    scope: Scope
    principal: Principal
    cloud: str
    role: AssignableRole | None = None

    @property
    def doing(self) -> str:
        """What was requested, in words."""
        return f"{self.verb} {self.role.name if self.role else 'role assignments'} on {self.scope}"


def explain_refusal(code: str | None, message: str, request: RoleRequest, trace: RequestTrace) -> PallinkError | None:
    """Return the error for what the service itself refused; None for anything else.

    Args:
        code: The service's error code.
        message: Its message.
        request: What was requested.
        trace: The identifiers of the response.
    """
    reported = f"Azure reports {code}: {one_clause(message)}"
    error = _explain_administrator(code, reported, request) or _explain_request(code, reported, request)
    return error and error.replace(trace=trace)


def _explain_administrator(code: str | None, reported: str, request: RoleRequest) -> PallinkError | None:
    """Return the error for what the administrator may not do."""
    administrator = request.administrator.name
    if code == "AuthorizationFailed" and _CONDITION in reported:
        return AccessDeniedError(
            f"could not {request.doing}: the role of {administrator} has a condition against it",
            cause=reported,
            remedy=f"choose a role and an account that the condition allows, or ask for {_ADMINISTRATORS}",
        )
    if code == "AuthorizationFailed":
        return AccessDeniedError(
            f"could not {request.doing}: {administrator} may not {request.verb} roles there",
            cause=reported,
            remedy=f"name an {_ADMINISTRATORS} with --account",
        )
    if code == "InvalidAuthenticationTokenTenant":
        return SignInError(
            f"could not {request.doing}: it is in another tenant than {administrator} signed in to",
            cause=reported,
            remedy="name the tenant of the subscription with --tenant",
        )
    return None


def _explain_request(code: str | None, reported: str, request: RoleRequest) -> PallinkError | None:
    """Return the error for a scope, an account or a role that the service does not accept."""
    if code in _UNKNOWN_SCOPES:
        return ServiceError(
            f"could not {request.doing}: unknown scope",
            cause=reported,
            remedy="correct the scope, or --tenant",
        )
    if code in {"PrincipalNotFound", "InvalidPrincipalId"}:
        return ServiceError(
            f"could not {request.doing}: the tenant has no account {request.principal}",
            cause=reported,
            remedy=f"pass the object ID that the account has in this tenant; {_SIGNED_IN_AS_IT}",
            command=show_object_id("ACCOUNT", request.cloud, request.administrator.tenant_id),
        )
    if code == "RoleDefinitionDoesNotExist":
        return ServiceError(
            f"could not {request.doing}: the tenant has no such role",
            cause=reported,
            remedy="correct --role",
        )
    if code == "RoleAssignmentUpdateNotPermitted":
        return ServiceError(
            f"could not {request.doing}: another role assignment has its ID",
            cause=reported,
            remedy="remove that role assignment, then try again",
        )
    if code == "RoleAssignmentLimitExceeded":
        return ServiceError(
            f"could not {request.doing}: Azure allows no further role assignment there",
            cause=reported,
            remedy="remove role assignments that are not needed, or assign the role on a management group",
        )
    return None


def show_object_id(name: str, cloud: str, tenant_id: str) -> str:
    """Return the command that prints an account's object ID in a tenant. It fails unless that account signs in.

    Args:
        name: The account's UPN or object ID.
        cloud: The cloud.
        tenant_id: The tenant.
    """
    # A guest signs in with the name that it has at home.
    account = home_name(name) or name
    return Settings(cloud, tenant=tenant_id).command("whoami", "--account", account, "--query", "objectId", "-o", "tsv")


def no_such_account(name: str, cloud: str, tenant_id: str) -> ServiceError:
    """Return the error for an account that Microsoft Graph does not find."""
    is_name = "@" in name
    return ServiceError(
        f"the tenant {tenant_id} has no account {name}",
        cause="Microsoft Graph does not find it; a guest has another name in this tenant than at home"
        if is_name
        else "Microsoft Graph finds no user and no application with this ID",
        remedy=f"check the spelling, or pass the object ID; {_SIGNED_IN_AS_IT}",
        # An ID that the tenant does not have signs in no account there.
        command=show_object_id(name if is_name else "ACCOUNT", cloud, tenant_id),
    )


def graph_refused(
    name: str, cloud: str, administrator: Account, reason: str, trace: RequestTrace | None = None
) -> AccessDeniedError:
    """Return the error for a look-up that Microsoft Graph refuses, as it often does to guests and applications."""
    return AccessDeniedError(
        f"could not look up {name} in Microsoft Graph: {administrator.name} may not read the directory",
        cause=reason,
        remedy=f"pass the object ID instead; {_SIGNED_IN_AS_IT}",
        command=show_object_id(name, cloud, administrator.tenant_id),
        trace=trace,
    )
