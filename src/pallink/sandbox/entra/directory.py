"""Who and what a request to Entra ID names: tenant, account, program, resource."""

import re
from dataclasses import dataclass

from pallink.sandbox.entra import errors as entra_errors
from pallink.sandbox.state.world import Account, Tenant, World

RESOURCE_MANAGER = "https://management.azure.com"
"""The audience of Azure's own Resource Manager. The sandbox takes it, and its own origin, for the same resource."""

_ANY_TENANT = frozenset({"organizations", "common"})
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DEFAULT_SCOPE = "/.default"


@dataclass(frozen=True, slots=True)
class Client:
    """A program that asks for tokens; `application` is None for one that people run, which has nothing to prove."""

    id: str
    display_name: str
    application: Account | None


def find_tenant(world: World, name: str) -> Tenant | None:
    """Returns the tenant with this ID or verified domain; None for `organizations` and `common`, which leave it open.

    Raises:
        EntraError: There is no such tenant.
    """
    if name.lower() in _ANY_TENANT:
        return None
    if tenant := world.tenant(name):
        return tenant
    if "." in name or _GUID.fullmatch(name):
        raise entra_errors.tenant_not_found(name)
    raise entra_errors.malformed_tenant(name)


def find_client(world: World, tenant: Tenant, client_id: str) -> Client:
    """Returns the program with this client ID: one of Microsoft's, or one of the tenant's own.

    Raises:
        EntraError: The tenant knows no such program.
    """
    if not client_id:
        raise entra_errors.missing_parameter("client_id")
    if public := world.public_client(client_id):
        return Client(public.client_id, public.display_name, None)
    if application := tenant.application(client_id):
        return Client(application.name, application.display_name, application)
    raise entra_errors.application_not_found(client_id, tenant.display_name)


def find_identity(tenant: Tenant, person: Account, client: Client, origin: str) -> Account:
    """Returns the account that a person has in a tenant, as a member or as a guest.

    Raises:
        EntraError: The person has none there.
    """
    if account := tenant.identity_of(person):
        return account
    home = f"{origin}/{person.home_tenant_id}/"
    raise entra_errors.not_in_tenant(person.name, home, tenant.display_name, f"'{client.id}'({client.display_name})")


def resource_of(scope: str, origin: str) -> str:
    """Returns the resource that a scope is for: the audience of the token to come.

    Args:
        scope: What was asked for, separated by spaces: `https://management.azure.com/.default`, or the same of this
            sandbox, with one slash or two, and whatever OpenID Connect wants beside it.
        origin: Where it was asked for.

    Raises:
        EntraError: It names no resource that there is.
    """
    for part in scope.split():
        resource = part.removesuffix(_DEFAULT_SCOPE)
        if resource != part and resource.removesuffix("/") in {RESOURCE_MANAGER, origin}:
            return resource
    raise entra_errors.invalid_scope(scope)
