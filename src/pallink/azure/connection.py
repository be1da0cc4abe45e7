"""The connections to one cloud, and what pallink looks up there once for all sessions that share them."""

import re
import threading
from functools import cached_property
from types import TracebackType
from typing import Self

from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from pallink.account import is_guid
from pallink.azure.auth.errors import explain_sign_in
from pallink.azure.auth.sign_ins import RunSignIns
from pallink.azure.cloud_metadata import describe_cloud
from pallink.azure.errors import body_of
from pallink.azure.transport import GuardedTransport
from pallink.clouds import CLOUDS, Cloud
from pallink.errors import PallinkError, UnexpectedAnswerError
from pallink.http.policy import EgressPolicy
from pallink.http.pool import DEFAULT_CONNECTIONS, new_pool

_TENANT_IN_ISSUER = re.compile(r"/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)", re.IGNORECASE)
_ERROR = 400


class CloudConnection:
    """The connections to one cloud. Cloud and tenants are looked up when they are needed, and once.

    Several sessions may share it, in several threads.

    Attributes:
        pool: The connections.
        sign_ins: The sign-ins that the sessions share.

    Args:
        cloud: The cloud's name or URL, as `Settings.cloud` has it.
        connections: How many connections to a host are kept open.
        sign_ins: Those of a run that has several connections, one after the other; None: its own.
    """

    def __init__(
        self, cloud: str, *, connections: int = DEFAULT_CONNECTIONS, sign_ins: RunSignIns | None = None
    ) -> None:
        self.pool = new_pool(connections)
        self.sign_ins = sign_ins or RunSignIns()
        self._name = cloud
        self._tenant_ids: dict[str, str] = {}
        self._locks: dict[str, threading.Lock] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Keep the tokens that were renewed, and close the connections."""
        self.sign_ins.keep()
        self.pool.close()

    @cached_property
    def cloud(self) -> Cloud:
        """The cloud, with its emulator mounted if it has one.

        Raises:
            PallinkError: The cloud cannot be used.
            UsageError: A variable of proxies or certificates is wrong; nothing was sent to sign in.
        """
        cloud = CLOUDS.get(self._name)
        if cloud is None:
            self.pool.check_environment(self._name)
            cloud = describe_cloud(self._name, self.pool)
        if cloud.emulator is not None:
            cloud.emulator.mount(self.pool, cloud.resource_manager)
        self.pool.check_environment(cloud.login, cloud.resource_manager)
        return cloud

    def tenant_id(self, tenant: str | None) -> str | None:
        """Return the ID of the tenant that an ID or a domain names; None for None. Sends a request for a domain, once.

        Raises:
            PallinkError: There is no such tenant, or no response.
        """
        if tenant is None or is_guid(tenant):
            return tenant
        domain = tenant.casefold()
        with self._locks.setdefault(domain, threading.Lock()):
            if domain not in self._tenant_ids:
                policy = EgressPolicy(resource_manager=self.cloud.resource_manager, login=self.cloud.login)
                transport = GuardedTransport(self.pool, policy)
                self._tenant_ids[domain] = _request_tenant_id(tenant, self.cloud.login, transport)
            return self._tenant_ids[domain]


def _request_tenant_id(domain: str, login: str, transport: GuardedTransport) -> str:
    """Return the ID of the tenant that a domain belongs to: the login host's metadata has it."""
    request = HttpRequest("GET", f"{login}/{domain}/v2.0/.well-known/openid-configuration")
    try:
        response = transport.read(request)
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
