"""The sandbox's one request handler, which every door leads to."""

import os
import time
from collections.abc import Callable
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
from pallink.sandbox.overview import Overview, overview
from pallink.sandbox.state import changes, files
from pallink.sandbox.state.settings import RESPONSE_DELAY, setting_named
from pallink.sandbox.state.store import Store
from pallink.sandbox.state.world import RoleAssignment


def home() -> Path:
    """Returns the folder of the sandbox's state: `PALLINK_SANDBOX_HOME`, or else one among the user's data."""
    if folder := os.environ.get("PALLINK_SANDBOX_HOME"):
        return Path(folder)
    return user_data_path("pallink", appauthor=False) / "sandbox"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """Entra ID and Azure Resource Manager in miniature.

    Every method is safe to call from any number of threads and processes at once.

    Args:
        home: The folder that its file is in, or will be: it is made at the first use.
        clock: Tells the time, with a time zone.
        wait: Waits for a number of seconds: the doors let it, as long as an answer's `delay` says.
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
        """Answers a request, whatever it asks for; its path alone tells which service it is for.

        It does not wait: the answer says how long its `delay` is.

        Raises:
            SandboxStateError: The file is corrupt, was made by another version, or cannot be created or written.
        """
        with self._store.transaction() as state:
            call = Call(request, state, self._now())
            response = faults.answer(call, self._answer)
            # Whoever brought the request waits, outside the transaction: nobody else is kept waiting.
            return replace(response, delay=response.delay + int(state.setting(RESPONSE_DELAY)) / 1000)

    @staticmethod
    def _answer(call: Call) -> Response:
        if federation.owns(call.request.segments):
            return federation.answer(call)
        if managed_identity.owns(call.request.segments):
            return managed_identity.answer(call)
        if graph.owns(call.request.segments):
            return graph.answer(call)
        if resource_manager.owns(call.request.segments):
            return resource_manager.answer(call)
        return entra.answer(call)

    def environment(self, method: str, *, origin: str = ORIGIN) -> dict[str, str]:
        """Returns the environment variables that a program signs in with.

        What they name is made: a certificate that is registered for the application, or a file with a token in it,
        both in the folder of the sandbox's file, for nobody else to read, and void after a reset.

        Args:
            method: One of `environments.METHODS`: `client-secret`, `github` and so on.
            origin: Where the sandbox is found: in process, or at the address that `serve` prints.

        Raises:
            ValueError: There is no such way to sign in; the message names those that there are.
            SandboxStateError: As for `handle`, or the file cannot be written.
        """
        with self._store.transaction() as state:
            return environments.environment(state, self._store.path, method, origin=origin, now=self._now())

    def approve(self, user_code: str, account: str | None = None, *, deny: bool = False) -> str:
        """Answers a device code, as the person would whom a program asks to sign in on another device.

        Args:
            user_code: What the program shows; case, spaces and hyphens do not matter.
            account: Who signs in, a UPN or object ID; None: the world's default account.
            deny: Say no.

        Returns:
            The name of the account.

        Raises:
            ValueError: The code is unknown, expired or answered, or the account is unknown.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return device_codes.approve(state, user_code, account, deny=deny, now=self._now())

    def register_certificate(self, client_id: str, certificate: bytes) -> None:
        """Registers a certificate for an application, which can prove itself with it from then on, until a reset.

        Args:
            client_id: The application's.
            certificate: PEM or DER; a private key in the same file is not looked at.

        Raises:
            ValueError: It is no certificate, or there is no such application.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            environments.register_certificate(state, client_id, certificate)

    def server_certificate(self) -> tuple[Path, KeyPair]:
        """Returns the file of the sandbox's certificate authority, and a new certificate of its for `localhost`.

        The authority is made at the first use, in the folder of the sandbox's file; a reset leaves it alone.

        Raises:
            SandboxStateError: As for `handle`, or a file cannot be written.
        """
        with self._store.transaction():  # Which other processes wait for.
            return files.server_certificate(self._store.path.parent, now=self._now())

    def describe(self) -> Overview:
        """Returns what the sandbox holds.

        Raises:
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return overview(state, self._store.path)

    def set(self, name: str, value: str) -> None:
        """Changes a setting, until the next change or reset.

        Raises:
            ValueError: There is no such setting or value; the message names those that there are.
            SandboxStateError: As for `handle`.
        """
        setting = setting_named(name)
        setting.check(value)
        with self._store.transaction() as state:
            state.set(setting, value)

    def add_fault(self, rule: FaultRule) -> Fault:
        """Adds a rule by which requests go wrong, until it is cleared or the next reset.

        Raises:
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return faults.add(state, rule)

    def faults(self) -> tuple[Fault, ...]:
        """Returns the rules by which requests go wrong, in the order in which they were added.

        Raises:
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return faults.faults(state)

    def clear_faults(self, number: int | None = None) -> int:
        """Removes one rule, or all of them, and returns how many that were.

        Raises:
            ValueError: There is no rule with that number.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            cleared = state.clear_faults(number)
        if number is not None and not cleared:
            raise ValueError(f"There is no fault {number}.")
        return cleared

    def assign(self, *, principal_id: str, role: str, scope: str | None = None) -> RoleAssignment:
        """Gives a role to an account or a group; see `pallink.sandbox.state.changes.assign`.

        Raises:
            ValueError: There is no such account, group, role or scope; the message says which.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return changes.assign(state, principal_id=principal_id, role=role, scope=scope)

    def activate(self, *, account_id: str, role: str, scope: str) -> RoleAssignment:
        """Activates a role that an account is eligible for; see `pallink.sandbox.state.changes.activate`.

        Raises:
            ValueError: It is not eligible for that; the message says what is wrong.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return changes.activate(state, account_id=account_id, role=role, scope=scope)[1]

    def grow(self, count: int) -> int:
        """Makes the number of generated subscriptions just so high, and returns how many the first tenant has then.

        Raises:
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return changes.grow(state, count)

    def reset(self) -> None:
        """Starts over: the world as it was seeded, no links, every setting at its default, every token void.

        A corrupt file is replaced; nothing but the file, and SQLite's own files beside it, is touched.

        Raises:
            SandboxStateError: The file cannot be created or written.
        """
        self._store.reset()

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC)
