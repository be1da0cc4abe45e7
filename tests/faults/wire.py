"""What went over the wire, seen below the client and beside the sandbox: nothing of pallink's own accounts of it."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pallink.sandbox import Request, Response, Sandbox
from pallink.sandbox.http.adapter import SandboxAdapter
from pallink.sandbox.http.messages import Delivery


@dataclass(frozen=True)
class Row:
    """The link as the sandbox's file has it: the partner ID while it is active, and the number of writes so far."""

    partner_id: str | None
    version: int


@dataclass(frozen=True)
class Exchange:
    """A request, and what came of it.

    Attributes:
        before: the link when it arrived.
        after: the link once it was handled.
        answer: what the client got; None where the connection or the client's patience ended first.
    """

    method: str
    url: str
    before: Row
    after: Row
    answer: Response | None

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def is_of_partners(self) -> bool:
        return "/microsoft.managementpartner/" in self.path.casefold()

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
        if self.answer is None or self.answer.delivery is not Delivery.WHOLE:
            return None
        try:
            return json.loads(self.answer.body)
        except ValueError:
            return None

    @property
    def correlation_ids(self) -> set[str]:
        """What the answer could be traced by."""
        names = ("x-ms-correlation-request-id", "client-request-id", "x-ms-request-id", "request-id")
        headers = {} if self.answer is None else {k.lower(): v for k, v in self.answer.headers.items()}
        return {headers[name] for name in names if name in headers}


@dataclass
class Wire:
    """Everything that was sent, in the order in which it was answered."""

    home: Path
    exchanges: list[Exchange] = field(default_factory=list)

    def row(self) -> Row:
        """The link of whichever account wrote last: each cell has one account only."""
        with closing(sqlite3.connect(self.home / "sandbox.sqlite3", timeout=60)) as connection:
            query = "SELECT partner_id, state, version FROM link ORDER BY version DESC LIMIT 1"
            found = connection.execute(query).fetchone()
        if found is None:
            return Row(None, 0)
        return Row(found[0] if found[1] == "Active" else None, found[2])


@contextmanager
def watched(wire: Wire, patch: pytest.MonkeyPatch, wait: Any) -> Iterator[None]:
    """Lets every request to the sandbox be recorded, and its waits be those of the given clock."""
    handle, send = Sandbox.handle, SandboxAdapter.send
    answered = threading.local()

    def recorded(sandbox: Sandbox, request: Request) -> Response:
        answered.response = handle(sandbox, request)
        response: Response = answered.response
        return response

    def sent(adapter: SandboxAdapter, request: Any, *args: Any, **kwargs: Any) -> Any:
        adapter._sandbox.wait = wait
        before, arrived = wire.row(), False
        try:
            answer = send(adapter, request, *args, **kwargs)
            arrived = True
            return answer
        finally:
            response = answered.response if arrived else None
            wire.exchanges.append(Exchange(request.method, request.url, before, wire.row(), response))

    with patch.context() as inner:
        inner.setattr(Sandbox, "handle", recorded)
        inner.setattr(SandboxAdapter, "send", sent)
        yield
