"""Signs in and hands out the gateways, all on one guarded transport."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests
from azure.mgmt.managementpartner import ACEProvisioningManagementPartnerAPI
from azure.mgmt.resource.subscriptions import SubscriptionClient

from pallink import sandbox
from pallink.account import Account, is_guid, require_account
from pallink.azure.cloud_metadata import describe_cloud
from pallink.azure.credentials import SignedIn, credential_for
from pallink.azure.partner_links import ManagementPartner
from pallink.azure.role_assignments import RoleAssignments, authorization_client
from pallink.azure.transport import GuardedTransport, new_session
from pallink.clouds import BUILT_IN, SANDBOX, Cloud
from pallink.deadline import Deadline
from pallink.sandbox.adapter import SandboxAdapter
from pallink.settings import Settings
from pallink.sign_in import SignInMethod, choose

log = logging.getLogger("pallink")

# For reads only; writes are sent once. The waits between them are cut by the command's deadline.
_READ_RETRIES = 4


@dataclass
class Connection:
    """A signed-in account and what can be asked on its behalf.

    Attributes:
        cloud: where.
        account: who.
        method: how it signed in.
        close: closes the connections to the service.
    """

    cloud: Cloud
    account: Account
    method: SignInMethod
    _client: Callable[[Callable[..., Any]], Any]
    close: Callable[[], None]

    @cached_property
    def links(self) -> ManagementPartner:
        """The account's link."""
        return ManagementPartner(self._client(ACEProvisioningManagementPartnerAPI), self.cloud.resource_manager)

    @cached_property
    def roles(self) -> RoleAssignments:
        """The account's subscriptions, role assignments and tenant."""
        return RoleAssignments(
            self._client(SubscriptionClient),
            self._client(authorization_client),
            self.account,
            self.cloud.resource_manager,
        )


def connect(settings: Settings, deadline: Deadline, *, writable: bool) -> Connection:
    """Sign in and make sure that the right account did; asks nothing of Resource Manager yet.

    Args:
        settings: which cloud, who, how.
        deadline: the time of the whole command.
        writable: whether PUT, PATCH and DELETE may be sent at all.

    Raises:
        PallinkError: nobody, or somebody else than the required account, signed in; or the cloud cannot be used.
    """
    session = new_session()
    try:
        return _connect(settings, deadline, session, writable=writable)
    except BaseException:
        session.close()
        raise


def _connect(settings: Settings, deadline: Deadline, session: requests.Session, *, writable: bool) -> Connection:
    transport = GuardedTransport(deadline, session, writable=writable)
    # Chosen before anything is sent: an environment that cannot sign in needs no network to be told so.
    sign_in = choose(settings, os.environ)
    if settings.cloud == SANDBOX:
        session.mount(sandbox.ORIGIN, SandboxAdapter(sandbox.Sandbox(sandbox.home())))
        cloud = Cloud(SANDBOX, sandbox.ORIGIN, sandbox.ORIGIN, sandbox.ORIGIN)
    else:
        cloud = BUILT_IN.get(settings.cloud) or describe_cloud(settings.cloud, transport)
    transport.allow(login=cloud.login, resource_manager=cloud.resource_manager)
    log.info("signing in with %s, because %s", sign_in.method, sign_in.because)
    signed_in = SignedIn(credential_for(sign_in, cloud, transport), cloud, transport)
    account = signed_in.account
    tenant_id = settings.tenant if settings.tenant and is_guid(settings.tenant) else None
    require_account(account, identifier=settings.account, tenant_id=tenant_id)

    def client(kind: Callable[..., Any]) -> Any:
        return kind(
            credential=signed_in,
            base_url=cloud.resource_manager,
            credential_scopes=[cloud.scope],
            transport=transport,
            permit_redirects=False,
            retry_total=_READ_RETRIES,
        )

    return Connection(cloud, account, sign_in.method, client, session.close)
