"""A served sandbox with generated applications, a fleet file of them, and a log of what took effect."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pallink.cli.commands.sandbox_fleet import write_fleet
from pallink.sandbox import Request, Response, Sandbox
from pallink.sandbox.http.messages import Delivery
from pallink.sandbox.http.server import SandboxServer

CLOSED = Response(0, delivery=Delivery.CLOSED)
"""The connection is closed without a response."""

_TENANTS = 5
_OK = 200


class LoggedSandbox(Sandbox):
    """A sandbox that knows the object ID of each successful write of a link, in order."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.linked: list[str] = []
        self._lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        """Handle a request as the sandbox does."""
        response = super().handle(request)
        if request.method == "PUT" and is_of_partners(request) and response.status == _OK:
            with self._lock:
                self.linked.append(_object_id(request.headers["Authorization"]))
        return response


def is_of_partners(request: Request) -> bool:
    """Return whether a request is about a link."""
    return "managementpartner" in urlsplit(request.url).path.casefold()


def _object_id(authorization: str) -> str:
    claims = authorization.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["oid"])


@dataclass
class Cloud:
    """A served sandbox.

    Attributes:
        origin: Its URL.
        fleet: A fleet file of its generated applications.
        environment: The variables of a client.
    """

    origin: str
    fleet: Path
    environment: dict[str, str]

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start a fleet command with `-o json`."""
        command = [sys.executable, "-m", "pallink", "fleet", *words, "--cloud", self.origin, "-o", "json"]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )


@contextmanager
def serve(sandbox: LoggedSandbox, folder: Path, accounts: int) -> Iterator[Cloud]:
    """Serve a new sandbox for the duration of the block, with a fleet of so many accounts."""
    sandbox.grow(applications=accounts, tenants=_TENANTS)
    write_fleet(folder / "fleet.yaml", sandbox.generated_accounts())
    with SandboxServer(sandbox) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        environment = {
            **os.environ,
            "REQUESTS_CA_BUNDLE": str(server.authority),
            "PALLINK_HOME": str(folder / "home"),
            "PALLINK_CACHE_HOME": str(folder / "cache"),
        }
        try:
            yield Cloud(server.origin, folder / "fleet.yaml", environment)
        finally:
            server.stop()
            thread.join()
