"""The ID of a tenant that is named by a domain: the login host's metadata has it."""

import re

from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from pallink.account import is_guid
from pallink.azure.auth.errors import explain_sign_in
from pallink.azure.cloud_metadata import describe_cloud
from pallink.azure.errors import body_of
from pallink.azure.transport import GuardedTransport
from pallink.clouds import CLOUDS, Cloud
from pallink.errors import PallinkError, UnexpectedAnswerError
from pallink.http.policy import EgressPolicy
from pallink.http.pool import ConnectionPool
from pallink.settings import Settings

_TENANT_IN_ISSUER = re.compile(r"/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)", re.IGNORECASE)
_ERROR = 400


def find_cloud(settings: Settings, pool: ConnectionPool) -> Cloud:
    """Return the cloud, with its emulator mounted if it has one.

    Raises:
        PallinkError: The cloud cannot be used.
        UsageError: A variable of proxies or certificates is wrong; nothing was sent to sign in.
    """
    cloud = CLOUDS.get(settings.cloud)
    if cloud is None:
        pool.check_environment(settings.cloud)
        cloud = describe_cloud(settings.cloud, pool)
    if cloud.emulator is not None:
        cloud.emulator.mount(pool, cloud.resource_manager)
    pool.check_environment(cloud.login, cloud.resource_manager)
    return cloud


def resolve_tenant(settings: Settings, pool: ConnectionPool) -> str | None:
    """Return the ID of the tenant that the settings name, if they name one. Sends one request, for a domain only.

    Raises:
        PallinkError: There is no such tenant, or no response.
    """
    if settings.tenant is None or is_guid(settings.tenant):
        return settings.tenant
    cloud = find_cloud(settings, pool)
    policy = EgressPolicy(resource_manager=cloud.resource_manager, login=cloud.login)
    return _request_tenant_id(settings.tenant, cloud, GuardedTransport(pool, policy))


def _request_tenant_id(domain: str, cloud: Cloud, transport: GuardedTransport) -> str:
    login = cloud.login
    request = HttpRequest("GET", f"{login}/{domain}/v2.0/.well-known/openid-configuration")
    try:
        response = transport.send(request)
    except AzureError as error:
        raise explain_sign_in(error, transport.last_sign_in, login=login) from error
    body = body_of(response)
    match = _TENANT_IN_ISSUER.search(str(body.get("issuer", "")))
    if match is not None:
        return match[1]
    if "error" in body or response.status_code >= _ERROR:
        failure: PallinkError = explain_sign_in(
            ValueError("Entra ID sent no error"), transport.last_sign_in, login=login
        )
        raise failure
    raise UnexpectedAnswerError(
        f"could not resolve tenant {domain}",
        cause=f"the metadata of {login} names no tenant for it",
        remedy="give --tenant the tenant's ID (a GUID)",
    )
