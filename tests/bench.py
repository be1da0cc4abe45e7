"""Runs command lines in prepared sandboxes, and observes them at the sandbox's file and below the client.

Nothing here relies on what pallink says of itself: `tests.faults` and `tests.interruption` hold that against this.
"""

import contextvars
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from pallink.sandbox import Request, Response, Sandbox
from pallink.sandbox.http.adapter import SandboxAdapter
from pallink.sandbox.http.messages import Delivery
from tests.harness import Clock, Pallink, join_threads
from tests.sandbox.client import Client

PARTNER, OTHER = "719878", "6183402"
DEFAULT_TIMEOUT = 120.0
"""Seconds that a command has without `--timeout`."""

Asked = tuple[str, str]
"""Method and path of a request."""
Send = Callable[[], requests.Response]
Respond = Callable[[Asked, Send], requests.Response]
"""Responds to a request, usually by sending it on."""

CALLER: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="")
"""Which of several concurrent commands a request is from: a command's threads have its context."""


@dataclass(frozen=True)
class Row:
    """The link in the sandbox's file.

    Attributes:
        partner_id: The partner ID while the link is active, else None.
        version: The number of writes so far.
    """

    partner_id: str | None = None
    version: int = 0


def row(home: Path) -> Row:
    """Return the link of the account that wrote last: every test here has one account only."""
    with closing(sqlite3.connect(home / "sandbox.sqlite3", timeout=60)) as connection:
        found = connection.execute("SELECT partner_id, state, version FROM link ORDER BY version DESC LIMIT 1")
        for partner_id, state, version in found:
            return Row(partner_id if state == "Active" else None, version)
    return Row()


@dataclass(frozen=True)
class Exchange:
    """A request, its response, and the link around it.

    Attributes:
        before: The link when the request arrived.
        after: The link when it had been handled.
        response: What the client got; None where the connection broke or the client gave up first.
        caller: The value of `CALLER` for the command that sent it.
    """

    method: str
    url: str
    before: Row
    after: Row
    response: Response | None
    caller: str = ""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def is_of_partners(self) -> bool:
        return is_of_partners(self.path)

    @property
    def is_write(self) -> bool:
        return self.is_of_partners and self.method != "GET"

    @property
    def partner_id(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def took_effect(self) -> bool:
        return self.after != self.before

    @property
    def document(self) -> Any:
        """The JSON that the client could read; None where there was none."""
        if self.response is None or self.response.delivery is not Delivery.WHOLE:
            return None
        try:
            return json.loads(self.response.body)
        except ValueError:
            return None

    @property
    def correlation_ids(self) -> set[str]:
        """The identifiers by which Microsoft's support finds the request."""
        names = ("x-ms-correlation-request-id", "client-request-id", "x-ms-request-id", "request-id")
        headers = {} if self.response is None else {k.lower(): v for k, v in self.response.headers.items()}
        return {headers[name] for name in names if name in headers}


def is_of_partners(path: str) -> bool:
    """Return whether a path is one of the partner API."""
    return "/microsoft.managementpartner/" in f"{path.casefold()}/"


@dataclass(frozen=True)
class Observation:
    """How a command line ended.

    Attributes:
        before: The link when it began.
        after: The link when it had ended.
        exchanges: The requests that were handled, in the order in which they were.
        requested: Method and path of every request, handled or not.
        seconds: How long it took by the clock that it waited by; 0 without one.
    """

    code: int
    stdout: str
    stderr: str
    before: Row
    after: Row
    exchanges: tuple[Exchange, ...] = ()
    requested: tuple[Asked, ...] = ()
    seconds: float = 0.0

    @property
    def result(self) -> dict[str, Any]:
        """The result object."""
        return dict(json.loads(self.stdout)) if self.stdout else {}

    @property
    def error(self) -> dict[str, Any]:
        """The error object."""
        return dict(json.loads(self.stderr)) if self.code and self.stderr else {}

    @property
    def has_written(self) -> bool:
        """Whether a write was at least about to be sent."""
        return any(method != "GET" and is_of_partners(path) for method, path in self.requested)


class Wire:
    """Records what goes to the sandbox of one folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.exchanges: list[Exchange] = []
        self.requested: list[Asked] = []

    @contextmanager
    def recording(self, patch: pytest.MonkeyPatch, respond: Respond, clock: Clock | None) -> Iterator[None]:
        """Record while the context lasts.

        Args:
            patch: Is undone in the end.
            respond: Gets every request to the sandbox, and a function that sends it on and records it.
            clock: The clock by which the sandbox delays its responses; None: they are really delayed.
        """
        handle, send = Sandbox.handle, SandboxAdapter.send
        handled = threading.local()

        def handled_by(sandbox: Sandbox, request: Request) -> Response:
            response = handle(sandbox, request)
            handled.response = response
            return response

        def recorded(adapter: SandboxAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
            if clock is not None:
                adapter._sandbox.wait = clock.wait
            before, arrived, handled.response = row(self.home), False, None
            try:
                sent = send(adapter, request, *args, **kwargs)
                arrived = True
                return sent
            finally:
                response = handled.response if arrived else None
                self.exchanges.append(
                    Exchange(
                        str(request.method), str(request.url), before, row(self.home), response, caller=CALLER.get()
                    )
                )

        def requested(adapter: SandboxAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
            asked = (str(request.method), urlsplit(str(request.url)).path)
            self.requested.append(asked)
            return respond(asked, lambda: recorded(adapter, request, *args, **kwargs))

        with patch.context() as inner:
            inner.setattr(Sandbox, "handle", handled_by)
            inner.setattr(SandboxAdapter, "send", requested)
            yield


def send_on(_asked: Asked, send: Send) -> requests.Response:
    """Let a request reach the sandbox."""
    return send()


@dataclass
class Bench:
    """Runs command lines as the application that a customer's onboarding uses.

    Attributes:
        templates: The folder of the sandboxes that were made before, by their settings and their link's history.
        home: The folder of the sandbox that the next command uses.
    """

    pallink: Pallink
    patch: pytest.MonkeyPatch
    templates: Path
    home: Path

    def prepare(self, *history: str | None, settings: Mapping[str, str] | None = None) -> None:
        """Begin with a fresh sandbox.

        Args:
            history: The partner IDs that the account was linked to, one after the other; None: the link was removed.
            settings: The sandbox's settings by name.
        """
        template = self._template(history, settings or {})
        self.home.mkdir(exist_ok=True)
        shutil.copyfile(template / "sandbox.sqlite3", self.home / "sandbox.sqlite3")

    def run(self, command: str, respond: Respond = send_on, *, clock: Clock | None = None) -> Observation:
        """Run a command and observe it.

        Args:
            command: The command line.
            respond: Responds to the requests.
            clock: Tells the command's time, if given.
        """
        wire, before = Wire(self.home), row(self.home)
        began = clock.now if clock else 0.0
        with self.patch.context() as patch, wire.recording(patch, respond, clock):
            if clock is not None:
                clock.rule(patch)
            done = self.pallink(*command.split(), "--cloud", "sandbox", "--auth", "client-secret")
            # An interrupted command does not wait for its requests.
            join_threads()
        return Observation(
            done.code,
            done.stdout,
            done.stderr,
            before,
            row(self.home),
            tuple(wire.exchanges),
            tuple(wire.requested),
            clock.now - began if clock else 0.0,
        )

    def _template(self, history: tuple[str | None, ...], settings: Mapping[str, str]) -> Path:
        name = "-".join(map(str, ("linked", *history, *sorted(settings.items()))))
        template = self.templates / "".join(character if character.isalnum() else "-" for character in name)
        if not template.exists():
            client = Client(template)
            for setting, value in settings.items():
                client.sandbox.set(setting, value)
            application = client.application()
            linked: str | None = None
            for partner_id in history:
                method = "DELETE" if partner_id is None else "PATCH" if linked else "PUT"
                assert application.partners(method, partner_id or linked or "").status == 200
                linked = partner_id
        return template
