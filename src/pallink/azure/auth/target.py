"""Where a run signs in: the cloud, and the ID of the tenant that the settings name."""

import re
from functools import cached_property

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


class Target:
    """Where a run signs in. Cloud and tenant are looked up when they are needed, and once.

    Attributes:
        settings: The options of the run.
        pool: The connections.
    """

    def __init__(self, settings: Settings, pool: ConnectionPool) -> None:
        self.settings = settings
        self.pool = pool

    @cached_property
    def cloud(self) -> Cloud:
        """The cloud, with its emulator mounted if it has one.

        Raises:
            PallinkError: The cloud cannot be used.
            UsageError: A variable of proxies or certificates is wrong; nothing was sent to sign in.
        """
        cloud = CLOUDS.get(self.settings.cloud)
        if cloud is None:
            self.pool.check_environment(self.settings.cloud)
            cloud = describe_cloud(self.settings.cloud, self.pool)
        if cloud.emulator is not None:
            cloud.emulator.mount(self.pool, cloud.resource_manager)
        self.pool.check_environment(cloud.login, cloud.resource_manager)
        return cloud

    @cached_property
    def tenant_id(self) -> str | None:
        """The ID of the tenant that the settings name; None if they name none. Sends one request, for a domain only.

        Raises:
            PallinkError: There is no such tenant, or no response.
        """
        tenant = self.settings.tenant
        if tenant is None or is_guid(tenant):
            return tenant
        policy = EgressPolicy(resource_manager=self.cloud.resource_manager, login=self.cloud.login)
        return _request_tenant_id(tenant, self.cloud.login, GuardedTransport(self.pool, policy))


def _request_tenant_id(domain: str, login: str, transport: GuardedTransport) -> str:
    """Return the ID of the tenant that a domain belongs to: the login host's metadata has it."""
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
