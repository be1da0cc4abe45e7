"""Runs pallink in this process: the real command line over the real SDK, with the sandbox below it."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from pallink import api, role_session, session
from pallink.cli import job, role_job, supervisor
from pallink.concurrency import THREAD_NAME
from pallink.deadline import Deadline
from pallink.fleet import role_run


def join_threads() -> None:
    """Wait for the threads that commands left behind when they timed out or were interrupted."""
    for thread in threading.enumerate():
        if thread.name == THREAD_NAME:
            thread.join(timeout=60)
            assert not thread.is_alive()


class Stream(io.TextIOWrapper):
    """A standard stream in memory that may claim to be a terminal."""

    def __init__(self, text: str = "", *, tty: bool = False, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(text.encode(encoding)), encoding=encoding, newline="", write_through=True)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    @property
    def text(self) -> str:
        """The text that was written."""
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


@dataclass(frozen=True)
class Run:
    """How a command line ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The result object."""
        value = json.loads(self.stdout)
        assert isinstance(value, dict)
        return value


Pallink = Callable[..., Run]


@contextmanager
def full_disk(size: int = 0) -> Iterator[None]:
    """Let no file grow beyond a size (bytes), as on a full disk. Windows has no such limit."""
    import resource  # noqa: PLC0415 - POSIX only

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@dataclass
class Traffic:
    """Records the requests to the sandbox, and lets chosen ones fail.

    Attributes:
        sent: Method and path of the requests, in order.
    """

    sent: list[tuple[str, str]] = field(default_factory=list)
    _faults: list[tuple[str, str, Callable[..., requests.Response]]] = field(default_factory=list)

    def of_partners(self) -> list[str]:
        """Return the methods that went to the partner API, in order."""
        return [method for method, path in self.sent if "managementpartner" in path.casefold()]

    def writes(self) -> list[str]:
        """Return the writes among them."""
        return [method for method in self.of_partners() if method != "GET"]

    def fail(self, method: str, path: str, fault: Callable[..., requests.Response]) -> None:
        """Let the next request with this method, and this text in its path, meet a fault."""
        self._faults.append((method, path, fault))

    def meet(self, request: requests.PreparedRequest, handle: Callable[[], requests.Response]) -> requests.Response:
        """Respond to a request by the first fault that fits it, else by the sandbox."""
        path = urlsplit(str(request.url)).path
        self.sent.append((str(request.method), path))
        for index, (method, part, fault) in enumerate(self._faults):
            if method == request.method and part.casefold() in path.casefold():
                del self._faults[index]
                return fault(request, handle)
        return handle()

    def forget(self) -> None:
        """Drop the faults that were not met."""
        self._faults.clear()

    def assert_all_met(self) -> None:
        """Fail if a fault was not met: the test would show nothing."""
        assert not self._faults


@dataclass
class Clock:
    """A clock that moves only when the command waits."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        """Return the deadline of a command that begins now."""
        return Deadline(seconds, now=lambda: self.now, sleep=self.wait)

    def rule(self, patch: pytest.MonkeyPatch) -> None:
        """Let a command go by this clock alone: no request times out by real time."""
        clock = self

        class ClockedDeadline(Deadline):
            def __init__(self, seconds: float) -> None:
                super().__init__(seconds, now=lambda: clock.now, sleep=clock.wait)

        for module in (api, session, job, role_session, role_job, role_run):
            patch.setattr(module, "Deadline", ClockedDeadline)
        # Nor does the thread that waits for the command tell the time by this clock.
        patch.setattr(supervisor, "_GRACE", float("inf"))
