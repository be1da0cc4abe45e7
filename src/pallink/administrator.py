"""The Python API for the roles of other accounts, as `pallink role` assigns, removes and lists them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from pallink.account import Account
from pallink.errors import UsageError
from pallink.redact.environment import environment_secrets
from pallink.redact.secrets import Secrets
from pallink.role_result import ConfirmRoles, RoleResult
from pallink.role_session import RoleSession, open_role_session
from pallink.roles.grant import WantedRole
from pallink.roles.scopes import WantedScopes
from pallink.settings import Settings


class Administrator:
    """A signed-in administrator. Made by `connect_administrator`; a context manager."""

    def __init__(self, session: RoleSession, secrets: Secrets) -> None:
        self._session = session
        self._secrets = secrets

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session and its connections."""
        self._session.close()

    @property
    def account(self) -> Account:
        """The account that signed in."""
        return self._session.administrator

    def assign(
        self,
        to: str,
        *,
        role: str = "Reader",
        subscriptions: Sequence[str] = (),
        resource_groups: Sequence[str] = (),
        management_groups: Sequence[str] = (),
        scopes: Sequence[str] = (),
        allow_write_role: bool = False,
        dry_run: bool = False,
        wait: bool = False,
        confirm: ConfirmRoles | None = None,
    ) -> RoleResult:
        """Give an account a role on scopes where it does not have it.

        Args:
            to: UPN, object ID or client ID of the account.
            role: The role's name, or the ID of its definition.
            subscriptions: IDs or names of subscriptions.
            resource_groups: Names of resource groups of the one subscription, instead of all of it.
            management_groups: IDs of management groups.
            scopes: The paths of any of these, as in `/subscriptions/ID`.
            allow_write_role: Whether the role may allow more than reading.
            dry_run: Return what would be done, and write nothing.
            wait: Wait until Azure lists the role assignments, at most ten minutes.
            confirm: Called before the first write; where it returns False, `CancelledError` is raised.

        Raises:
            UsageError: An argument is invalid, or the role allows more than reading.
            PallinkError: See `pallink.errors`. What was assigned before an error is in its warnings.
        """
        wanted = _required(_wanted(subscriptions, resource_groups, management_groups, scopes))
        with self._job() as session:
            return session.assign(
                to,
                wanted,
                WantedRole.parse(role),
                allow_write_role=allow_write_role,
                dry_run=dry_run,
                wait=wait,
                confirm=confirm,
            )

    def remove(
        self,
        to: str,
        *,
        role: str = "Reader",
        subscriptions: Sequence[str] = (),
        resource_groups: Sequence[str] = (),
        management_groups: Sequence[str] = (),
        scopes: Sequence[str] = (),
        dry_run: bool = False,
        confirm: ConfirmRoles | None = None,
    ) -> RoleResult:
        """Remove a role from an account: its own assignments at just these scopes. Arguments as for `assign`."""
        wanted = _required(_wanted(subscriptions, resource_groups, management_groups, scopes))
        with self._job() as session:
            return session.remove(to, wanted, WantedRole.parse(role), dry_run=dry_run, confirm=confirm)

    def show(
        self,
        to: str,
        *,
        subscriptions: Sequence[str] = (),
        resource_groups: Sequence[str] = (),
        management_groups: Sequence[str] = (),
        scopes: Sequence[str] = (),
    ) -> RoleResult:
        """Return the role assignments that count for an account. Without a scope: on all visible subscriptions."""
        with self._job() as session:
            return session.show(to, _wanted(subscriptions, resource_groups, management_groups, scopes))

    @contextmanager
    def _job(self) -> Iterator[RoleSession]:
        """Give a job its own time, and keep the session's secrets out of its errors."""
        self._session.deadline.restart()
        with self._secrets.active():
            yield self._session


def connect_administrator(
    *,
    cloud: str = "AzureCloud",
    account: str | None = None,
    tenant: str | None = None,
    client_id: str | None = None,
    auth: str | None = None,
    timeout: float = 120.0,
    writable: bool = True,
) -> Administrator:
    """Sign in an administrator, who assigns roles to other accounts.

    Args:
        cloud: As for `pallink.connect`.
        account: UPN, object ID or client ID of the administrator that must sign in.
        tenant: GUID or domain of the tenant.
        client_id: The application to sign in as, or through.
        auth: The sign-in method, as `--auth` takes it.
        timeout: Seconds for the sign-in, and for each job after it, retries and waits included.
        writable: Whether the session may write at all.

    Raises:
        UsageError: An argument is invalid.
        SignInError: The sign-in failed; `WrongAccountError` when another account signed in.
        UnreachableError: There was no response.
    """
    settings = Settings(cloud, account, tenant, client_id, auth, timeout)
    secrets = Secrets(*environment_secrets(os.environ))
    with secrets.active():
        return Administrator(open_role_session(settings, command="role", writable=writable), secrets)


def _wanted(*names: Sequence[str]) -> WantedScopes:
    """Return the scopes that subscriptions, resource groups, management groups and paths name."""
    return WantedScopes(*map(tuple, names))


def _required(wanted: WantedScopes) -> WantedScopes:
    """Return the scopes, if there are any.

    Raises:
        UsageError: There is none.
    """
    if not wanted:
        raise UsageError(
            "missing scope: a subscription, a management group or a scope is required",
            cause="pallink does not choose the scope of a role assignment",
            remedy="pass subscriptions, management_groups or scopes",
        )
    return wanted
