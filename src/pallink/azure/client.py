"""The signed-in account's clients: its link, and what it sees of its tenant."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pallink.azure.auth.authenticate import Authenticated, authenticate, choose_sign_in
from pallink.azure.auth.sign_ins import RunSignIns
from pallink.azure.connection import CloudConnection
from pallink.errors import SignInError
from pallink.http.policy import Rule
from pallink.settings import Settings
from pallink.signin.again import with_sign_in_command
from pallink.signin.methods import SignIn
from pallink.signin.prompter import Prompter

if TYPE_CHECKING:
    from pallink.azure.links import ManagementPartner
    from pallink.azure.role_grants import RoleGrants
    from pallink.azure.roles import RoleAssignments

# For reads only; writes are sent once. The waits between them are cut short by the job's deadline.
_READ_RETRIES = 4


@dataclass
class AzureClient:
    """What can be requested on behalf of the account that signed in.

    Attributes:
        authenticated: The account, and how it signed in.
    """

    authenticated: Authenticated
    _own_connection: CloudConnection | None

    @cached_property
    def links(self) -> "ManagementPartner":
        """The account's link."""
        # Each part of the SDK is imported by those commands that need it.
        from pallink.azure.links import ManagementPartner  # noqa: PLC0415

        return ManagementPartner(self._sdk_client, self.authenticated.cloud.resource_manager)

    @cached_property
    def roles(self) -> "RoleAssignments":
        """The account's subscriptions, role assignments and tenant."""
        from pallink.azure.roles import RoleAssignments  # noqa: PLC0415

        authenticated = self.authenticated
        return RoleAssignments(self._sdk_client, authenticated.account, authenticated.cloud.resource_manager)

    @cached_property
    def grants(self) -> "RoleGrants":
        """The role assignments of any account, as an administrator sees and changes them."""
        from pallink.azure.role_grants import RoleGrants  # noqa: PLC0415

        authenticated = self.authenticated
        return RoleGrants(self._sdk_client, authenticated.account, authenticated.cloud)

    def close(self) -> None:
        """Close the connections to the service, unless other sessions share them."""
        if self._own_connection is not None:
            self._own_connection.close()

    def _sdk_client(self, client_class: Callable[..., Any]) -> Any:
        authenticated = self.authenticated
        return client_class(
            credential=authenticated.credential,
            base_url=authenticated.cloud.resource_manager,
            credential_scopes=[authenticated.cloud.scope],
            transport=authenticated.transport,
            permit_redirects=False,
            retry_total=_READ_RETRIES,
        )


def connect(
    settings: Settings,
    prompter: Prompter,
    rules: tuple[Rule, ...],
    *,
    shared: CloudConnection | None = None,
    sign_in: SignIn | None = None,
    environ: Mapping[str, str] | None = None,
    excluded: Collection[str] = (),
    is_for_all_tenants: bool = False,
    sign_ins: RunSignIns | None = None,
) -> AzureClient:
    """Sign in and make sure that the right account did; asks nothing of Resource Manager yet.

    Args:
        settings: Which cloud, who, how.
        prompter: Who is asked where that is needed.
        rules: What may be sent to Resource Manager.
        shared: The connections of several sessions; None: the session has its own, and closes them.
        sign_in: How to sign in; None: it is chosen.
        environ: The variables that may state a sign-in; None: those of the process.
        excluded: The accounts whose stored sign-ins do not count.
        is_for_all_tenants: Whether a stored sign-in of the user in any tenant will do.
        sign_ins: The sign-ins of the run that the session belongs to; None: those of its connections.

    Raises:
        PallinkError: The sign-in failed, another account signed in, or the cloud cannot be used.
    """
    connection = shared or CloudConnection(settings.cloud, sign_ins=sign_ins)
    own = connection if shared is None else None
    try:
        if sign_in is None:
            # Chosen first: an environment that cannot sign in needs no network to be told so.
            sign_in = choose_sign_in(
                connection,
                settings,
                prompter,
                environ=environ,
                excluded=excluded,
                is_for_all_tenants=is_for_all_tenants,
            )
        prompter.check_sign_in(sign_in)
        return AzureClient(authenticate(connection, settings, sign_in, prompter, rules=rules), own)
    except BaseException as error:
        if own is not None:
            own.close()
        if isinstance(error, SignInError):
            # Only here is known how this run signed in.
            raise with_sign_in_command(error, settings, sign_in) from error.__cause__
        raise
