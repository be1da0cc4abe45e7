"""Look-ups of what a request to Entra ID names: tenant, client, account, resource."""

import re
from dataclasses import dataclass

from pallink.sandbox.entra import errors as entra_errors
from pallink.sandbox.state.world import Account, Tenant, World

RESOURCE_MANAGER = "https://management.azure.com"
"""The audience of Azure Resource Manager, which the sandbox accepts as well as its own origin."""

MAX_LISTED_USERS = 100
"""How many accounts a page offers: it need not show thousands of generated ones."""

KEY_VAULT = "https://vault.azure.net"
"""The audience of Azure Key Vault, which the sandbox accepts as well as that of its own vaults."""

_ANY_TENANT = frozenset({"organizations", "common"})
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DEFAULT_SCOPE = "/.default"


@dataclass(frozen=True, slots=True)
class Client:
    """An application that requests tokens.

    Attributes:
        id: The client ID.
        display_name: The display name.
        application: The service principal that has to authenticate; None for a public client.
    """

    id: str
    display_name: str
    application: Account | None


def find_tenant(world: World, name: str) -> Tenant | None:
    """Return the tenant with an ID or verified domain; None for `organizations` and `common`, which leave it open.

    Raises:
        EntraError: The tenant is unknown.
    """
    if name.lower() in _ANY_TENANT:
        return None
    if tenant := world.tenant(name):
        return tenant
    if "." in name or _GUID.fullmatch(name):
        raise entra_errors.tenant_not_found(name)
    raise entra_errors.malformed_tenant(name)


def find_client(world: World, tenant: Tenant, client_id: str) -> Client:
    """Return the client with a client ID: one of Microsoft's, or an application of the tenant.

    Raises:
        EntraError: The client ID is missing, or unknown in the tenant.
    """
    if not client_id:
        raise entra_errors.missing_parameter("client_id")
    if public := world.public_client(client_id):
        return Client(public.client_id, public.display_name, None)
    if application := tenant.application(client_id):
        return Client(application.name, application.display_name, application)
    raise entra_errors.application_not_found(client_id, tenant.display_name)


def find_identity(tenant: Tenant, user: Account, client: Client, origin: str) -> Account:
    """Return the account of a user in a tenant, as a member or a guest.

    Raises:
        EntraError: The user has no account in the tenant.
    """
    if account := tenant.identity_of(user):
        return account
    home = f"{origin}/{user.home_tenant_id}/"
    raise entra_errors.not_in_tenant(user.name, home, tenant.display_name, f"'{client.id}'({client.display_name})")


def list_users(world: World, tenant: Tenant | None = None, hint: str = "") -> list[Account]:
    """Return the users that a page offers: the hinted one first, generated ones last, and not too many of them.

    Args:
        world: The world.
        tenant: The tenant to sign in to, in which they have an account; None if it is left open.
        hint: The UPN or object ID of the user who is likely to sign in.
    """
    users = [user for user in world.users() if tenant is None or tenant.identity_of(user)]
    users.sort(key=lambda user: (hint.lower() not in {user.name, user.object_id}, user.is_generated))
    return users[:MAX_LISTED_USERS]


def vault_resource(origin: str) -> str:
    """Return the audience of the sandbox's own vaults, which are at `NAME.vault.HOST`."""
    return origin.replace("://", "://vault.", 1)


def graph_resource(origin: str) -> str:
    """Return the origin of the sandbox's Microsoft Graph, `graph.HOST`, which is also the audience of its tokens."""
    return origin.replace("://", "://graph.", 1)


def find_resource(scope: str, origin: str) -> str:
    """Return the resource of a scope, which becomes the audience of the token.

    Args:
        scope: The scopes, separated by spaces: `/.default` of Resource Manager, Key Vault or the sandbox's own, with
            one slash or two; OpenID Connect scopes beside it are ignored.
        origin: The origin of the request.

    Raises:
        EntraError: No scope names a known resource.
    """
    known = {RESOURCE_MANAGER, origin, KEY_VAULT, vault_resource(origin), graph_resource(origin)}
    for part in scope.split():
        resource = part.removesuffix(_DEFAULT_SCOPE)
        if resource != part and resource.removesuffix("/") in known:
            return resource
    raise entra_errors.invalid_scope(scope)
