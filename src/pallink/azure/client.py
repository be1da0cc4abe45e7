"""The signed-in account's clients: its link, and what it sees of its tenant."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pallink.azure.auth.authenticate import Authenticated, authenticate, choose_sign_in
from pallink.azure.auth.target import Target
from pallink.errors import SignInError
from pallink.http.policy import Rule
from pallink.http.pool import ConnectionPool, new_pool
from pallink.settings import Settings
from pallink.signin.again import with_sign_in_command
from pallink.signin.prompter import Prompter

if TYPE_CHECKING:
    from pallink.azure.links import ManagementPartner
    from pallink.azure.roles import RoleAssignments
    from pallink.signin.methods import SignIn

# For reads only; writes are sent once. The waits between them are cut short by the job's deadline.
_READ_RETRIES = 4


@dataclass
class AzureClient:
    """What can be requested on behalf of the account that signed in.

    Attributes:
        authenticated: The account, and how it signed in.
    """

    authenticated: Authenticated
    _pool: ConnectionPool

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

    def close(self) -> None:
        """Close the connections to the service."""
        self._pool.close()

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


def connect(settings: Settings, prompter: Prompter, rules: tuple[Rule, ...]) -> AzureClient:
    """Sign in and make sure that the right account did; asks nothing of Resource Manager yet.

    Args:
        settings: Which cloud, who, how.
        prompter: Who is asked where that is needed.
        rules: What may be sent to Resource Manager.

    Raises:
        PallinkError: The sign-in failed, another account signed in, or the cloud cannot be used.
    """
    pool = new_pool()
    target = Target(settings, pool)
    sign_in: SignIn | None = None
    try:
        # Chosen first: an environment that cannot sign in needs no network to be told so.
        sign_in = choose_sign_in(target, prompter)
        prompter.check_sign_in(sign_in)
        return AzureClient(authenticate(target, sign_in, prompter, rules=rules), pool)
    except BaseException as error:
        pool.close()
        if isinstance(error, SignInError):
            # Only here is known how this run signed in.
            raise with_sign_in_command(error, settings, sign_in) from error.__cause__
        raise
