"""A bench for commands that are interrupted at a chosen request or line."""

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from pallink.concurrency import THREAD_NAME
from pallink.sandbox.http.adapter import SandboxAdapter
from tests.cli.conftest import no_thread_outlives_its_test, pallink
from tests.harness import Pallink
from tests.interruption.oracle import Ending, row
from tests.sandbox.client import CONTOSO, ONBOARDING_CLIENT, ONBOARDING_SECRET, Client

__all__ = ["no_thread_outlives_its_test", "pallink"]

PARTNER, OTHER = "719878", "6183402"

Asked = tuple[str, str]
Send = Callable[[], requests.Response]


@dataclass
class Bench:
    """Runs one command line, with something that happens at each request.

    Attributes:
        sent: method and path of each request of the last command.
    """

    pallink: Pallink
    patch: pytest.MonkeyPatch
    home: Path
    templates: Path
    sent: list[Asked] = field(default_factory=list)

    def linked(self, *history: str | None) -> None:
        """A sandbox in which the account was linked to these, one after the other; None: the link was removed."""
        # What an interrupted command has sent is answered by itself.
        for thread in threading.enumerate():
            if thread.name == THREAD_NAME:
                thread.join(timeout=60)
        template = self.templates / "-".join(map(str, ("linked", *history)))
        if not template.exists():
            client = Client(template)
            application = client.application()
            now: str | None = None
            for each in history:
                method = "DELETE" if each is None else "PATCH" if now else "PUT"
                assert application.partners(method, each or now or "").status == 200
                now = each
        self.home.mkdir(exist_ok=True)
        shutil.copyfile(template / "sandbox.sqlite3", self.home / "sandbox.sqlite3")

    def run(self, command: str, happen: Callable[[Asked, Send], requests.Response] = lambda _, send: send()) -> Ending:
        """Run a command as the onboarding application; `happen` answers each request."""
        self.sent = []
        send = SandboxAdapter.send
        before = row(self.home)

        def watched(adapter: SandboxAdapter, request: requests.PreparedRequest, *args: Any, **kw: Any) -> Any:
            asked = (str(request.method), urlsplit(str(request.url)).path)
            self.sent.append(asked)
            return happen(asked, lambda: send(adapter, request, *args, **kw))

        with self.patch.context() as patch:
            patch.setattr(SandboxAdapter, "send", watched)
            done = self.pallink(*command.split(), "--cloud", "sandbox", "--auth", "client-secret")
        return Ending(done.code, done.stderr, before, row(self.home), self.has_written)

    @property
    def has_written(self) -> bool:
        return any(method != "GET" and "managementpartner" in path.casefold() for method, path in self.sent)


@pytest.fixture
def bench(pallink: Pallink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    for name, value in {
        "AZURE_TENANT_ID": CONTOSO,
        "AZURE_CLIENT_ID": ONBOARDING_CLIENT,
        "AZURE_CLIENT_SECRET": ONBOARDING_SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    return Bench(pallink, monkeypatch, Path(os.environ["PALLINK_SANDBOX_HOME"]), tmp_path / "templates")
