"""Fixtures that drive the command line; see `tests.harness`."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pallink.cli.app import main
from pallink.concurrency import THREAD_NAME
from pallink.sandbox.http.adapter import SandboxAdapter
from pallink.sandbox.http.server import SandboxServer
from tests.cli.people import Desk, served
from tests.harness import Clock, Pallink, Run, Stream, Traffic
from tools.troubleshooting import has_entry


@pytest.fixture(autouse=True)
def no_thread_outlives_its_test() -> Iterator[None]:
    """What a command does not wait for, a test does: else it would meet the next test's sandbox."""
    yield
    for thread in threading.enumerate():
        if thread.name == THREAD_NAME:
            thread.join(timeout=60)
            assert not thread.is_alive()


@pytest.fixture
def pallink(monkeypatch: pytest.MonkeyPatch) -> Pallink:
    """Runs one command line, given as its words or as one string."""

    def run(*words: str, stdin: str = "", tty: bool = False, encoding: str = "utf-8") -> Run:
        arguments = words[0].split() if len(words) == 1 else list(words)
        # A stream that is not kept would be closed when it is collected.
        streams = Stream(stdin, tty=tty), Stream(tty=tty, encoding=encoding), Stream(tty=tty, encoding=encoding)
        with monkeypatch.context() as patch:
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                patch.setattr(sys, name, stream)
            code = main(arguments)
        said = [line.partition("error: ")[2] for line in streams[2].text.splitlines() if line.startswith("error: ")]
        assert all(map(has_entry, said)), f"docs/troubleshooting.md has no entry for {said}"
        return Run(code, streams[1].text, streams[2].text)

    return run


@pytest.fixture
def serve_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """`sandbox serve` ends as soon as it serves, as by Ctrl-C."""

    def interrupted(_: SandboxServer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SandboxServer, "serve_forever", interrupted)


@pytest.fixture
def in_sandbox(pallink: Pallink) -> Pallink:
    """The same, with `--cloud sandbox` at the end."""

    def run(*words: str, **rest: Any) -> Run:
        arguments = words[0].split() if len(words) == 1 else list(words)
        return pallink(*arguments, "--cloud", "sandbox", **rest)

    return run


@pytest.fixture
def traffic(monkeypatch: pytest.MonkeyPatch) -> Iterator[Traffic]:
    """Watches what reaches the sandbox, at the adapter below azure-core's transport."""
    seen = Traffic()
    send = SandboxAdapter.send

    def watched(
        self: SandboxAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        return seen.meet(request, lambda: send(self, request, *args, **kwargs))

    monkeypatch.setattr(SandboxAdapter, "send", watched)
    yield seen
    seen.assert_all_met()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Nobody waits in a test: time passes only by the waits of the command itself."""
    clock = Clock()
    clock.rule(monkeypatch)
    return clock


@pytest.fixture
def desk(pallink: Pallink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    """A machine to sign in on; its sandbox is in process."""
    return Desk(pallink, monkeypatch, tmp_path)


@pytest.fixture
def served_desk(desk: Desk) -> Iterator[Desk]:
    """The same with the sandbox at an HTTPS address, where a browser reaches it."""
    with served(desk) as elsewhere:
        yield elsewhere
