"""Signs in and hands out the gateways, all on one guarded transport."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pallink.account import Account
from pallink.azure.auth.authenticate import Authenticated, ClientFactory, authenticate, resolve_stored_sign_in
from pallink.clouds import Cloud
from pallink.deadline import Deadline
from pallink.http.pool import new_session
from pallink.settings import Settings
from pallink.signin import SignInMethod
from pallink.signin.prompter import Prompter

if TYPE_CHECKING:
    from pallink.azure.links import ManagementPartner
    from pallink.azure.roles import RoleAssignments

# For reads only; writes are sent once. The waits between them are cut by the command's deadline.
_READ_RETRIES = 4


@dataclass
class Connection:
    """A signed-in account and what can be asked on its behalf.

    Attributes:
        close: closes the connections to the service.
    """

    _entry: Authenticated
    _client: Callable[[Callable[..., Any]], Any]
    close: Callable[[], None]

    @property
    def cloud(self) -> Cloud:
        """Where."""
        return self._entry.cloud

    @property
    def account(self) -> Account:
        """Who."""
        return self._entry.account

    @property
    def method(self) -> SignInMethod:
        """How it signed in."""
        return self._entry.sign_in.method

    @property
    def stored(self) -> bool:
        """Whether by a sign-in that `pallink login` kept."""
        return self._entry.sign_in.stored is not None

    @property
    def expires_on(self) -> str | None:
        """When its token ends, ISO 8601."""
        ends = self._entry.signed_in.expires_on
        return ends.isoformat().replace("+00:00", "Z") if ends else None

    @cached_property
    def links(self) -> "ManagementPartner":
        """The account's link."""
        # Each part of the SDK is loaded for those commands that ask it.
        from pallink.azure.links import ManagementPartner  # noqa: PLC0415

        return ManagementPartner(self._client, self.cloud.resource_manager)

    @cached_property
    def roles(self) -> "RoleAssignments":
        """The account's subscriptions, role assignments and tenant."""
        from pallink.azure.roles import RoleAssignments  # noqa: PLC0415

        return RoleAssignments(self._client, self.account, self.cloud.resource_manager)


def connect(settings: Settings, deadline: Deadline, person: Prompter, *, writable: bool) -> Connection:
    """Sign in and make sure that the right account did; asks nothing of Resource Manager yet.

    Args:
        settings: which cloud, who, how.
        deadline: the time of the whole command.
        person: who can be asked.
        writable: whether PUT, PATCH and DELETE may be sent at all.

    Raises:
        PallinkError: nobody, or somebody else than the required account, signed in; or the cloud cannot be used.
    """
    # Chosen before anything is sent: an environment that cannot sign in needs no network to be told so.
    sign_in = resolve_stored_sign_in(settings, person)
    session = new_session()
    try:
        authenticated = authenticate(settings, sign_in, ClientFactory(session, deadline, person, writable=writable))
    except BaseException:
        session.close()
        raise

    def client(kind: Callable[..., Any]) -> Any:
        return kind(
            credential=authenticated.signed_in,
            base_url=authenticated.cloud.resource_manager,
            credential_scopes=[authenticated.cloud.scope],
            transport=authenticated.transport,
            permit_redirects=False,
            retry_total=_READ_RETRIES,
        )

    return Connection(authenticated, client, session.close)
