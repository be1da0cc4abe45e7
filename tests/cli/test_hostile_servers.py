"""Real servers that send too much, too slowly, or no HTTP: limits in memory and in time, and the right exit code."""

import itertools
import json
import signal
import socket
import sys
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import pytest

from pallink.cli import supervisor
from pallink.concurrency import THREAD_NAME
from pallink.http import sockets
from pallink.http.response_limits import MAX_BODY_BYTES
from pallink.sandbox import Request, Response
from tests.cli.people import Desk, served
from tests.exhaustive import combinations, joined
from tests.harness import Clock, Run
from tests.https_server import Raw

MEGABYTE = 1024 * 1024
BODY = 100 * MEGABYTE
# Of all that a command allocates while it reads such a body, its own imports included.
CAP = 40 * MEGABYTE
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-ms-correlation-request-id: c0ffee\r\n"


def endless(wire: BufferedIOBase) -> None:
    """100 MB of a JSON string, by a length that is given."""
    wire.write(HEAD + f"Content-Length: {BODY}\r\n\r\n".encode())
    wire.writelines(itertools.chain([b'{"value": "'], itertools.repeat(b"x" * 65536, BODY // 65536 - 1)))


def endless_chunks(wire: BufferedIOBase) -> None:
    """100 MB in chunks, whose length nobody knows beforehand."""
    wire.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    wire.writelines(b"10000\r\n" + b" " * 65536 + b"\r\n" for _ in range(BODY // 65536))
    wire.write(b"0\r\n\r\n")


def endless_chunk(wire: BufferedIOBase) -> None:
    """100 MB in a chunk whose size is -1: http.client would read up to their end."""
    wire.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n")
    wire.writelines(itertools.repeat(b" " * 65536, BODY // 65536))


def negative_chunk(wire: BufferedIOBase) -> None:
    """A chunk of another negative size."""
    wire.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n")


@cache
def packed() -> bytes:
    """Pack 100 MB of spaces in pieces: the memory that it takes is measured with the command's."""
    packer, space = zlib.compressobj(wbits=31), b" " * MEGABYTE
    pieces = [b"[", *itertools.repeat(space, BODY // MEGABYTE), b"]"]
    return b"".join([*map(packer.compress, pieces), packer.flush()])


def bomb(wire: BufferedIOBase) -> None:
    """100 KB that unpack to 100 MB."""
    wire.write(HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(packed())}\r\n\r\n".encode() + packed())


def many_headers(wire: BufferedIOBase) -> None:
    """As many headers as anybody reads."""
    wire.write(HEAD)
    wire.writelines(f"X-Header-{number}: {'x' * 900}\r\n".encode() for number in range(100_000))
    wire.write(b"Content-Length: 2\r\n\r\n{}")


def long_header(wire: BufferedIOBase) -> None:
    """One header without an end."""
    wire.write(HEAD + b"X-Long: ")
    wire.writelines(b"x" * 65536 for _ in range(BODY // 65536))
    wire.write(b"\r\n\r\n")


def set_cookies(wire: BufferedIOBase) -> None:
    """Ninety long cookies."""
    wire.write(HEAD)
    wire.writelines(
        f"Set-Cookie: c{number}={'x' * 4000}; expires=Fri, 31-Dec-2099 23:59:59 GMT; path=/\r\n".encode()
        for number in range(90)
    )
    wire.write(b"Content-Length: 2\r\n\r\n{}")


def challenges(wire: BufferedIOBase) -> None:
    """A challenge that is a flood."""
    wire.write(b"HTTP/1.1 200 OK\r\n")
    wire.writelines(b'WWW-Authenticate: Bearer claims="' + b"e30" * 1000 + b'"\r\n' for _ in range(90))
    wire.write(b"Content-Length: 2\r\n\r\n{}")


def drip(start: bytes, drop: bytes) -> Raw:
    """A start, and then a drop now and then until the other side has gone. Each comes long before a read times out."""

    def write(wire: BufferedIOBase) -> None:
        wire.write(start)
        wire.flush()
        enough = threading.Event()
        while True:
            wire.write(drop)
            wire.flush()
            enough.wait(0.02)

    return write


FLOODS = [
    endless,
    endless_chunks,
    endless_chunk,
    negative_chunk,
    bomb,
    many_headers,
    long_header,
    set_cookies,
    challenges,
]
DRIPS = {
    "the status line": drip(b"", b"H"),
    "continue": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "headers": drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "the body": drip(HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
    "chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
}


def only(method: str, part: str, raw: Raw) -> Callable[[Request], Response | Raw | None]:
    """One kind of request gets this answer, all others that of the sandbox."""
    return lambda request: raw if request.method == method and part in request.url else None


@contextmanager
def cloud(desk: Desk, method: str, part: str, raw: Raw) -> Iterator[Desk]:
    desk.environment("client-secret")
    with served(desk, only(method, part, raw)) as there:
        there.environment("client-secret")
        yield there


def peak_of(run: Callable[[], Run]) -> tuple[Run, int]:
    tracemalloc.start()
    try:
        done = run()
        return done, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


READS = [("GET", "/metadata/endpoints"), ("POST", "/oauth2/v2.0/token"), ("GET", "ManagementPartner/partners")]


# By default every flood at one request, and one at every request.
@pytest.mark.parametrize(
    ("read", "flood"),
    combinations(READS, FLOODS, default=lambda read, flood: read == READS[-1] or flood is endless),
    ids=joined,
)
def test_a_flood_is_an_answer_that_cannot_be_used(desk: Desk, read: tuple[str, str], flood: Raw) -> None:
    with cloud(desk, *read, flood) as there:
        done, peak = peak_of(lambda: there.run("show"))
    assert done.code == 1, done.stderr
    assert "cannot be used" in done.stderr
    assert "pallink has a defect" not in done.stderr
    assert peak < CAP < BODY


# By default one whose length is known and one whose length is not.
@pytest.mark.parametrize("flood", combinations(FLOODS, default=lambda flood: flood in {endless, bomb}))
def test_after_a_write_it_is_a_lost_answer(desk: Desk, flood: Raw) -> None:
    """The write took effect and was answered with a flood: reading again settles it, and it is not sent twice."""
    with served(desk) as there:
        there.environment("client-secret")

    def instead(request: Request) -> Response | Raw | None:
        if request.method != "PUT":
            return None
        desk.sandbox.handle(request)
        written.append(request.url)
        return flood

    written: list[str] = []
    with served(desk, instead) as there:
        there.environment("client-secret")
        done, peak = peak_of(lambda: there.run("link 719878 -o json"))
    assert (done.code, done.json["action"], done.json["partnerId"]) == (0, "created", "719878"), done.stderr
    assert len(written) == 1
    assert peak < CAP


@pytest.mark.parametrize("flood", [endless, bomb])
def test_the_status_of_an_error_counts_whatever_its_body(desk: Desk, flood: Callable[[BufferedIOBase], None]) -> None:
    class Forbidden:
        """Writes the same with another status."""

        def __init__(self, wire: BufferedIOBase) -> None:
            self.wire = wire

        def write(self, data: bytes) -> None:
            self.wire.write(data.replace(b"200 OK", b"403 Forbidden"))

        def writelines(self, pieces: Iterable[bytes]) -> None:
            self.wire.writelines(pieces)

    def refused(wire: BufferedIOBase) -> None:
        flood(Forbidden(wire))  # type: ignore[arg-type]

    with cloud(desk, "GET", "ManagementPartner/partners", refused) as there:
        done, peak = peak_of(lambda: there.run("show"))
    assert done.code == 6, done.stderr
    assert peak < CAP


def is_default(read: tuple[str, str], what: str) -> bool:
    """Return whether it is one of three that drip before the headers, in them and in the body: all wait really."""
    return (read[1], what) in {
        ("/metadata/endpoints", "the status line"),
        ("/oauth2/v2.0/token", "headers"),
        ("ManagementPartner/partners", "the body"),
    }


@pytest.mark.parametrize(
    ("read", "what"),
    combinations(READS, DRIPS, default=is_default),
    ids=joined,
)
def test_an_answer_that_drips_does_not_outlast_the_timeout(desk: Desk, read: tuple[str, str], what: str) -> None:
    """The server ends when pallink has gone, and not before: a command that waited for it would wait for ever."""
    with cloud(desk, *read, DRIPS[what]) as there:
        done = there.run("show --timeout 1.5")
    assert done.code == 7, done.stderr
    assert "not finished within 1.5 seconds" in done.stderr or "it timed out" in done.stderr


# Its time is real, and has to be long enough for what comes before and after on any machine.
@pytest.mark.exhaustive
def test_a_write_whose_answer_drips_is_settled_by_reading(desk: Desk) -> None:
    def instead(request: Request) -> Response | Raw | None:
        if request.method != "PUT":
            return None
        desk.sandbox.handle(request)
        return DRIPS["the body"]

    with served(desk, instead) as there:
        there.environment("client-secret")
        done = there.run("link 719878 -o json --timeout 20")
    assert (done.code, done.json["action"]) == (0, "created"), done.stderr


def test_a_handshake_without_an_end_does_not_outlast_the_timeout(desk: Desk) -> None:
    desk.environment("client-secret")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # The system takes the connection, and nobody ever says anything.
        done = desk.pallink("show", "--cloud", f"https://localhost:{listener.getsockname()[1]}", "--timeout", "0.5")
    assert done.code == 7, done.stderr


def _join_all() -> None:
    """Wait for what no command waited for, while the server is still there: Python leaks a socket that it resets."""
    for thread in threading.enumerate():
        if thread.name == THREAD_NAME:
            thread.join()


@contextmanager
def silent_name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let the time of a command be up as soon as it looks up a host, and hold the lookup until the end.

    Yields:
        Is set when a host was looked up.
    """
    released, asked, clock = threading.Event(), threading.Event(), Clock()
    ask = socket.getaddrinfo

    def hang(*words: object, **rest: object) -> object:
        asked.set()
        clock.now += 1000
        released.wait()
        return ask(*words, **rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        clock.rule(patch)
        patch.setattr(supervisor, "_GRACE", 0.0)  # The thread that waits for the command goes by this clock too.
        patch.setattr(socket, "getaddrinfo", hang)
        try:
            yield asked
        finally:
            released.set()
            _join_all()


def test_a_name_server_that_never_answers_does_not_outlast_the_timeout(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(desk) as there:
        there.environment("client-secret")
        with silent_name_server(monkeypatch) as asked:
            done = there.run("link 719878 --timeout 2")
            assert asked.is_set()
    assert done.code == 7, done.stderr
    assert [request for request in there.seen if request.method == "PUT"] == []


def test_what_nobody_waits_for_any_more_is_not_sent_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that hangs in DNS when the time is up must not leave when DNS answers after all."""
    with served(desk) as there:
        there.environment("client-secret")
        with silent_name_server(monkeypatch) as asked:
            assert there.run("show --timeout 0.5").code == 7
            assert asked.is_set()
            assert there.seen == []
        assert there.seen == []


def test_a_write_that_was_not_sent_before_ctrl_c_is_not_sent_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that runs the command line may go on, and with it the worker."""
    reported = threading.Event()
    send = sockets._KeepsDeadline.send

    def interrupted(tls: Any, data: Any, *rest: Any) -> Any:
        if bytes(data).startswith(b"PUT"):
            signal.raise_signal(signal.SIGINT)
            reported.wait()
        return send(tls, data, *rest)

    with served(desk) as there:
        there.environment("client-secret")
        monkeypatch.setattr(sockets._KeepsDeadline, "send", interrupted)
        done = there.run("link 719878")
        reported.set()
        _join_all()
    assert done.code == 130, done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        "link: may or may not have been changed, check it with: pallink show"
    )
    assert [request.method for request in there.seen if "ManagementPartner" in request.path] == ["GET"]


def test_cookies_are_neither_kept_nor_sent_on(desk: Desk) -> None:
    def instead(request: Request) -> Response | Raw | None:
        sent.extend(name for name in request.headers if name.lower() == "cookie")
        if "/oauth2/v2.0/token" not in request.url and "/.well-known/" not in request.url:
            return None
        answer = desk.sandbox.handle(request)
        return Response(answer.status, {**answer.headers, "Set-Cookie": "esctx=secret; path=/"}, answer.body)

    sent: list[str] = []
    with served(desk, instead) as there:
        there.environment("client-secret")
        done = there.run("link 719878 --debug")
    assert done.code == 0, done.stderr
    assert sent == []
    assert "Set-Cookie: [redacted]" in done.stderr
    assert "esctx" not in done.stderr


def test_a_password_in_netrc_does_not_take_the_place_of_the_token(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = desk.folder / "netrc"
    netrc.write_text("default login somebody password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with served(desk) as there:
        there.environment("client-secret")
        assert there.run("link 719878").code == 0
    assert {str(request.headers.get("Authorization", "none"))[:6] for request in there.seen} == {"none", "Bearer"}


def test_the_limit_leaves_room_for_what_azure_answers(desk: Desk) -> None:
    """Padding up to the limit is read like any other response."""

    def instead(request: Request) -> Response | Raw | None:
        if "ManagementPartner/partners" not in request.url:
            return None
        answer = desk.sandbox.handle(request)
        body = answer.body + b" " * (MAX_BODY_BYTES - len(answer.body))
        return Response(answer.status, answer.headers, body)

    with served(desk, instead) as there:
        there.environment("client-secret")
        assert there.run("show").code == 3


@pytest.mark.skipif(sys.platform == "win32", reason="resource is a POSIX module")
def test_a_whole_process_stays_small(desk: Desk, tmp_path: Path) -> None:
    """The same, as the operating system counts it: far less than the body, interpreter and libraries included."""
    import os  # noqa: PLC0415
    import subprocess  # noqa: PLC0415

    # The program in between is small: what a process needs is counted together with what its parent had when it began.
    script = (
        "import json, resource, subprocess, sys;"
        " done = subprocess.run([sys.executable, '-m', 'pallink', *sys.argv[1:]]);"
        " print(json.dumps([done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))"
    )
    with cloud(desk, "GET", "ManagementPartner/partners", endless) as there:
        done = subprocess.run(
            [sys.executable, "-c", script, "show", "--cloud", there.cloud],
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ),
            cwd=tmp_path,
        )
    code, most = json.loads(done.stdout)
    # Kibibytes on Linux, bytes on macOS.
    megabytes = most / (1024 if sys.platform != "darwin" else MEGABYTE)
    assert code == 1, done.stderr
    assert megabytes < 95, "with 100 MB of body it would be some 180"
