"""The sandbox's one request handler, which every transport calls."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_data_path

from pallink.sandbox import environments, faults
from pallink.sandbox.arm import resource_manager
from pallink.sandbox.call import Call
from pallink.sandbox.certificates import KeyPair
from pallink.sandbox.entra import device_codes, endpoints as entra, federation, managed_identity
from pallink.sandbox.faults import Fault, FaultRule
from pallink.sandbox.graph import principals as graph
from pallink.sandbox.http.messages import Request, Response
from pallink.sandbox.names import ORIGIN
from pallink.sandbox.overview import Overview, describe
from pallink.sandbox.state import changes, files, growth
from pallink.sandbox.state.growth import GeneratedAccount, Growth
from pallink.sandbox.state.guest_policies import GuestPolicy
from pallink.sandbox.state.roles import RoleAssignment
from pallink.sandbox.state.settings import RESPONSE_DELAY, setting_named
from pallink.sandbox.state.store import Store
from pallink.sandbox.vault import secrets as vault


def home() -> Path:
    """Return the folder of the sandbox's state: `PALLINK_SANDBOX_HOME`, or `sandbox` in pallink's user data folder."""
    if folder := os.environ.get("PALLINK_SANDBOX_HOME"):
        return Path(folder)
    return user_data_path("pallink", appauthor=False) / "sandbox"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """An emulator of Entra ID, Azure Resource Manager, Microsoft Graph and Key Vault.

    Every method is safe to call from concurrent threads and processes.

    Args:
        home: The folder of its file; both are created on first use.
        clock: Returns the current time, with a time zone.
        wait: Sleeps for a number of seconds; transports call it for a response's `delay`.
    """

    def __init__(
        self,
        home: Path,
        *,
        clock: Callable[[], datetime] = _utc_now,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.wait = wait
        self._store = Store(home)
        self._clock = clock

    def handle(self, request: Request) -> Response:
        """Return the response to a request; its path decides which service it is for, and the host of a vault.

        This does not sleep: the transport waits for the response's `delay`.

        Raises:
            SandboxStateError: The file is corrupt, was made by another version, or cannot be created or written.
        """
        with self._store.transaction() as state:
            call = Call(request, state, self._now())
            response = faults.handle_with_faults(call, self._route)
            # The transport waits, outside the transaction, so that other requests are not delayed.
            return replace(response, delay=response.delay + int(state.setting(RESPONSE_DELAY)) / 1000)

    @staticmethod
    def _route(call: Call) -> Response:
        if vault.owns(call.request):
            return vault.handle(call)
        if graph.owns(call.request):
            return graph.handle(call)
        if federation.owns(call.request.segments):
            return federation.handle(call)
        if managed_identity.owns(call.request.segments):
            return managed_identity.handle(call)
        if resource_manager.owns(call.request.segments):
            return resource_manager.handle(call)
        return entra.handle(call)

    def environment(self, method: str, *, origin: str = ORIGIN) -> dict[str, str]:
        """Return the environment variables to sign in with.

        The files that they name are created in the folder of the sandbox's file, readable for the current user only: a
        certificate, which is registered for the application, or a token. A reset voids them.

        Args:
            method: A sign-in method: one of `pallink.sandbox.METHODS`.
            origin: The sandbox's origin: in process, or the one that `pallink sandbox serve` prints.

        Raises:
            ValueError: The method is unknown; the message lists the methods.
            SandboxStateError: As for `handle`, or a file cannot be written.
        """
        with self._store.transaction() as state:
            return environments.build_environment(state, self._store.path, method, origin=origin, now=self._now())

    def approve(self, user_code: str, account: str | None = None, *, deny: bool = False) -> str:
        """Approve or decline a device code, as the user would on the sign-in page.

        Args:
            user_code: The code that the program shows; case, spaces and hyphens are ignored.
            account: The UPN or object ID of the user who signs in; None means the default account.
            deny: Decline the sign-in.

        Returns:
            The UPN of the user.

        Raises:
            ValueError: The code is unknown, expired or already used, or the account is unknown.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return device_codes.approve(state, user_code, account, deny=deny, now=self._now())

    def register_certificate(self, client_id: str, certificate: bytes) -> None:
        """Register a certificate, which the application can sign in with until a reset.

        Args:
            client_id: The client ID of the application.
            certificate: The certificate (PEM or DER); a private key beside it is ignored.

        Raises:
            ValueError: The certificate is invalid, or the application is unknown.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            environments.register_certificate(state, client_id, certificate)

    def server_certificate(self) -> tuple[Path, KeyPair]:
        """Return the file of the sandbox's certificate authority, and a new certificate for `localhost` signed by it.

        The authority is created on first use, in the folder of the sandbox's file, and survives a reset.

        Raises:
            SandboxStateError: As for `handle`, or a file cannot be written.
        """
        with self._store.transaction():  # Serves as a lock between processes.
            return files.server_certificate(self._store.path.parent, now=self._now())

    def describe(self) -> Overview:
        """Return the content of the sandbox, for display.

        Raises:
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return describe(state, self._store.path)

    def set(self, name: str, value: str) -> None:
        """Change a setting until the next change or reset.

        Raises:
            ValueError: The setting or the value is unknown; the message lists those allowed.
            SandboxStateError: As for `handle`.
        """
        setting = setting_named(name)
        setting.check(value)
        with self._store.transaction() as state:
            state.set(setting, value)

    def add_fault(self, rule: FaultRule) -> Fault:
        """Add a rule by which requests fail, until it is cleared or the sandbox is reset.

        Raises:
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return faults.add_fault(state, rule)

    def faults(self) -> tuple[Fault, ...]:
        """Return the rules by which requests fail, oldest first.

        Raises:
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return faults.list_faults(state)

    def clear_faults(self, number: int | None = None) -> int:
        """Remove one rule, or all of them, and return how many were removed.

        Raises:
            ValueError: No rule has this number.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            cleared = state.clear_faults(number)
        if number is not None and not cleared:
            raise ValueError(f"unknown fault {number}")
        return cleared

    def assign(self, *, principal_id: str, role: str, scope: str | None = None) -> RoleAssignment:
        """Assign a role to an account or a group; see `pallink.sandbox.state.changes.assign`.

        Raises:
            ValueError: The account, group, role or scope is unknown; the message says which.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return changes.assign(state, principal_id=principal_id, role=role, scope=scope)

    def activate(self, *, account_id: str, role: str, scope: str) -> RoleAssignment:
        """Activate a role that an account is eligible for; see `pallink.sandbox.state.changes.activate`.

        Raises:
            ValueError: The account is not eligible, or the account, role or scope is unknown; the message says which.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return changes.activate(state, account_id=account_id, role=role, scope=scope)[1]

    def grow(
        self,
        subscriptions: int | None = None,
        *,
        applications: int | None = None,
        accounts: int | None = None,
        tenants: int | None = None,
        guest: str | None = None,
    ) -> Growth:
        """Set how many subscriptions, applications, users and tenants are generated; see `state.growth.grow`.

        Raises:
            ValueError: The world lacks what they need; the message says what.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return growth.grow(
                state,
                subscriptions=subscriptions,
                applications=applications,
                accounts=accounts,
                tenants=tenants,
                guest=guest,
            )

    def set_guest_policy(self, policy: GuestPolicy, tenants: Sequence[str]) -> None:
        """Choose what tenants require of their guests; see `pallink.sandbox.state.changes.set_guest_policy`.

        Raises:
            ValueError: A tenant is unknown; the message says which.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            changes.set_guest_policy(state, policy, tenants)

    def revoke_sessions(self, account: str) -> str:
        """Revoke a user's sessions in all tenants, and return the UPN; see `state.changes.revoke_sessions`.

        Raises:
            ValueError: The user is unknown.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return changes.revoke_sessions(state, account, now=int(self._now().timestamp()))

    def generated_accounts(self) -> tuple[GeneratedAccount, ...]:
        """Return the generated applications, then the generated users, in the order of their numbers.

        Raises:
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return growth.list_generated(state.world)

    def generated_guest(self) -> str | None:
        """Return the UPN of the guest of the generated tenants; None if they have none.

        Raises:
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return growth.generated_guest(state.world)

    def reset(self) -> None:
        """Restore the initial world: no links, every setting at its default, every token void.

        A corrupt file is replaced. Only the file itself and SQLite's files beside it are touched.

        Raises:
            SandboxStateError: The file cannot be created or written.
        """
        self._store.reset()

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC)
