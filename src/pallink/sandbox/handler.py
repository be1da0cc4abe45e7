"""The sandbox's one request handler, which every door leads to."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_data_path

from pallink.sandbox import changes, entra, resource_manager
from pallink.sandbox.call import Call
from pallink.sandbox.messages import Request, Response
from pallink.sandbox.overview import Overview, overview
from pallink.sandbox.settings import RESPONSE_DELAY, setting_named
from pallink.sandbox.store import Store
from pallink.sandbox.world import RoleAssignment

ORIGIN = "https://sandbox.invalid"
"""Where the sandbox is found in process. RFC 2606 reserves the top-level domain: the name never resolves."""


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
        sleep: Waits for a number of seconds, as long as the setting `response-delay` says.
    """

    def __init__(
        self,
        home: Path,
        *,
        clock: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = Store(home)
        self._clock = clock
        self._sleep = sleep

    def handle(self, request: Request) -> Response:
        """Answers a request, whatever it asks for; its path alone tells which service it is for.

        Raises:
            SandboxStateError: The file is corrupt, was made by another version, or cannot be created or written.
        """
        with self._store.transaction() as state:
            call = Call(request, state, self._clock().astimezone(UTC))
            answer = resource_manager.answer if resource_manager.owns(request.segments) else entra.answer
            response = answer(call)
            delay = int(state.setting(RESPONSE_DELAY))
        # Out of the transaction: those who wait keep nobody else waiting.
        if delay:
            self._sleep(delay / 1000)
        return response

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

    def assign(self, *, principal_id: str, role: str, scope: str | None = None) -> RoleAssignment:
        """Gives a role to an account or a group; see `pallink.sandbox.changes.assign`.

        Raises:
            ValueError: There is no such account, group, role or scope; the message says which.
            SandboxStateError: As for `handle`.
        """
        with self._store.transaction() as state:
            return changes.assign(state, principal_id=principal_id, role=role, scope=scope)

    def activate(self, *, account_id: str, role: str, scope: str) -> RoleAssignment:
        """Activates a role that an account is eligible for; see `pallink.sandbox.changes.activate`.

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
