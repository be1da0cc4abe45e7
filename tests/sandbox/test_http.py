"""HTTP/1.1 as clients in other languages send it: over real TLS, byte by byte."""

import http.client
import io
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from pallink.sandbox import Request, Response, Sandbox
from pallink.sandbox.faults import FaultKind, FaultRule
from pallink.sandbox.http.server import SandboxServer
from tests.sandbox.client import CONTOSO, ONBOARDING_CLIENT, ONBOARDING_SECRET, PARTNERS
from tests.sandbox.test_server import serving

METADATA = "/metadata/endpoints?api-version=2022-09-01"
TOKEN = f"/{CONTOSO}/oauth2/v2.0/token"


class _Reader(io.BufferedReader):
    """What arrives; http.client would close it after the first answer."""

    def close(self) -> None:
        pass

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self


class Answer:
    """One answer as it came."""

    def __init__(self, reader: _Reader, method: str) -> None:
        response = http.client.HTTPResponse(reader, method=method)  # type: ignore[arg-type]  # Of a socket it needs no more.
        response.begin()
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def code(self) -> str:
        assert self.headers["Content-Type"] == "application/json; charset=utf-8"
        code: str = json.loads(self.body)["error"]["code"]
        return code


class Wire:
    """A client that sends bytes, and reads answers."""

    def __init__(self, server: SandboxServer) -> None:
        self.host = urlsplit(server.origin).netloc
        context = ssl.create_default_context(cafile=server.authority)
        plain = socket.create_connection(("127.0.0.1", urlsplit(server.origin).port or 0), timeout=60)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self._reader = _Reader(self.socket.makefile("rb", buffering=0))

    def send(self, *lines: str, body: bytes = b"") -> None:
        text = "\r\n".join(line.replace("HOST", self.host) for line in (*lines, "", ""))
        self.socket.sendall(text.encode("latin-1") + body)

    def answer(self, method: str = "GET") -> Answer:
        return Answer(self._reader, method)

    def rest(self) -> bytes:
        return self._reader.read()

    def close(self) -> None:
        io.BufferedReader.close(self._reader)
        self.socket.close()


class _Echo(Sandbox):
    """Answers with what arrived, and counts it."""

    handled = 0

    def handle(self, request: Request) -> Response:
        self.handled += 1
        told = {"method": request.method, "url": request.url, "body": request.body.decode()}
        return Response(200, {"Content-Type": "application/json"}, json.dumps(told).encode())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SandboxServer]:
    with serving(Sandbox(tmp_path)) as server:
        yield server


@pytest.fixture
def echo_sandbox(tmp_path: Path) -> _Echo:
    return _Echo(tmp_path)


@pytest.fixture
def echo(echo_sandbox: _Echo) -> Iterator[SandboxServer]:
    with serving(echo_sandbox) as server:
        yield server


@contextmanager
def wire(server: SandboxServer) -> Iterator[Wire]:
    wire = Wire(server)
    try:
        yield wire
    finally:
        wire.close()


# --- Bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (["Content-Length: 5"], b"hello"),
        (["Transfer-Encoding: chunked"], b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
        (["transfer-encoding: Chunked"], b"00005;name=value\r\nhello\r\n0\r\nTrailer: ignored\r\n\r\n"),
    ],
)
def test_a_body_comes_whole_or_in_chunks(echo: SandboxServer, framing: list[str], body: bytes) -> None:
    with wire(echo) as client:
        for _ in range(2):
            client.send("POST /here HTTP/1.1", "Host: HOST", *framing, body=body)
            answer = client.answer()
            told = json.loads(answer.body)
            assert told == {"method": "POST", "url": f"https://{client.host}/here", "body": "hello"}


def test_a_token_is_given_for_a_form_in_chunks(server: SandboxServer) -> None:
    form = urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": ONBOARDING_CLIENT,
            "client_secret": ONBOARDING_SECRET,
            "scope": f"{server.origin}/.default",
        }
    ).encode()
    chunks = iter([form[:10], form[10:]])
    answer = requests.post(f"{server.origin}{TOKEN}", data=chunks, verify=str(server.authority), timeout=60)
    assert answer.request.headers["Transfer-Encoding"] == "chunked"
    assert answer.json()["token_type"] == "Bearer"


def test_who_asks_before_sending_the_body_is_told_to_go_on(echo: SandboxServer) -> None:
    with wire(echo) as client:
        client.send("PUT / HTTP/1.1", "Host: HOST", "Content-Length: 5", "Expect: 100-continue")
        assert client.socket.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.socket.sendall(b"hello")
        assert json.loads(client.answer().body)["body"] == "hello"


def test_who_has_no_body_to_send_is_answered_at_once(echo: SandboxServer) -> None:
    with wire(echo) as client:
        client.send("PUT / HTTP/1.1", "Host: HOST", "Content-Length: 0", "Expect: 100-continue")
        assert client.answer().status == 200


def test_a_body_that_is_too_long_is_refused_where_its_client_can_read_it(server: SandboxServer) -> None:
    for sent in (b"x" * (4 << 20), iter([b"x" * (1 << 20)] * 4)):
        answer = requests.post(f"{server.origin}/", data=sent, verify=str(server.authority), timeout=60)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
        assert "1048576 bytes" in answer.json()["error"]["message"]


# --- What is no request for it ---------------------------------------------------------------------------------------


def test_a_request_names_the_host_in_any_case(echo: SandboxServer) -> None:
    with wire(echo) as client:
        port = client.host.rpartition(":")[2]
        client.send("GET /a?b=c HTTP/1.1", f"Host: LocalHost:{port}")
        assert json.loads(client.answer().body)["url"] == f"https://{client.host}/a?b=c"


CHUNKED = ["POST / HTTP/1.1", "Host: HOST", "Transfer-Encoding: chunked", ""]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["GET / HTTP/1.1", "Host: sandbox.example"], 400),
        (["GET https://sandbox.example/ HTTP/1.1", "Host: HOST"], 400),
        (["GET https://[ HTTP/1.1", "Host: HOST"], 400),
        (["GET * HTTP/1.1", "Host: HOST"], 400),
        (["CONNECT HOST HTTP/1.1", "Host: HOST"], 501),
        (["GET / HTTP/1.1"], 400),
        (["GET /"], 400),
        (["nonsense"], 400),
        (["\x16\x03\x01\x02\x00 \x01"], 400),
        (["GET / HTTP/2.0", "Host: HOST"], 505),
        (["GET / ICY/1.1", "Host: HOST"], 400),
        (["GET /a b HTTP/1.1", "Host: HOST"], 400),
        (["get / HTTP/1.1", "Host: HOST"], 501),
        ([f"GET /{'a' * 70000} HTTP/1.1", "Host: HOST"], 414),
        (["GET / HTTP/1.1", f"Host: {'a' * 70000}"], 431),
        (["GET / HTTP/1.1", "Host: HOST", *("X: y",) * 200], 431),
        (["POST / HTTP/1.1", "Host: HOST", "Content-Length: -1"], 400),
        (["POST / HTTP/1.1", "Host: HOST", "Content-Length: ²"], 400),
        (["POST / HTTP/1.1", "Host: HOST", f"Content-Length: {1 << 40}"], 400),
        (["POST / HTTP/1.1", "Host: HOST", f"Content-Length: {'9' * 5000}"], 400),
        ([*CHUNKED, "x"], 400),
        ([*CHUNKED, "-1"], 400),
        ([*CHUNKED, "2", "hello"], 400),
        ([*CHUNKED, "FFFFFFFF"], 400),
        ([*CHUNKED, "f" * 70000], 400),
    ],
)
def test_what_is_no_request_for_it_is_refused_in_json(
    echo: SandboxServer, echo_sandbox: _Echo, capfd: pytest.CaptureFixture[str], lines: list[str], status: int
) -> None:
    with wire(echo) as client:
        client.send(*lines)
        answer = client.answer()
        assert (answer.status, answer.headers["Connection"]) == (status, "close")
        assert answer.code.lower() in {each.name.replace("_", "").lower() for each in HTTPStatus}
        assert client.rest() == b""
    assert echo_sandbox.handled == 0
    assert capfd.readouterr().err == ""


# --- Answers ---------------------------------------------------------------------------------------------------------


def test_head_is_get_without_the_body(server: SandboxServer) -> None:
    with wire(server) as client:
        client.send(f"GET {METADATA} HTTP/1.1", "Host: HOST")
        got = client.answer()
        client.send(f"HEAD {METADATA} HTTP/1.1", "Host: HOST")
        head = client.answer("HEAD")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Length"] == got.headers["Content-Length"] == str(len(got.body))
        client.send("HEAD / HTTP/1.1", "Host: elsewhere")
        assert (client.answer("HEAD").status, client.rest()) == (400, b"")


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PUT", "QUERY"])
def test_a_method_that_a_path_does_not_know_is_refused_by_the_sandbox(server: SandboxServer, method: str) -> None:
    with wire(server) as client:
        client.send(f"{method} {TOKEN} HTTP/1.1", "Host: HOST")
        answer = client.answer()
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", [TOKEN, METADATA, PARTNERS, "/"])
def test_every_answer_is_dated(server: SandboxServer, path: str) -> None:
    with wire(server) as client:
        client.send(f"GET {path} HTTP/1.1", "Host: HOST")
        assert parsedate_to_datetime(client.answer().headers["Date"]).tzinfo is not None


def test_requests_that_do_not_wait_are_answered_in_their_order(echo: SandboxServer) -> None:
    with wire(echo) as client:
        for number in range(20):
            client.send(f"PUT /{number} HTTP/1.1", "Host: HOST", "Content-Length: 1", body=b"x")
        told = [json.loads(client.answer().body)["url"] for _ in range(20)]
        assert told == [f"https://{client.host}/{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("lines", "stays"),
    [
        (["GET / HTTP/1.1", "Host: HOST"], True),
        (["GET / HTTP/1.1", "Host: HOST", "Connection: Close"], False),
        (["GET / HTTP/1.0", "Host: HOST"], False),
    ],
)
def test_the_connection_stays_where_the_client_wants_it(echo: SandboxServer, lines: list[str], stays: bool) -> None:
    with wire(echo) as client:
        client.send(*lines)
        answer = client.answer()
        assert answer.status == 200
        if stays:
            assert answer.headers["Connection"] is None
            client.send("GET /again HTTP/1.1", "Host: HOST")
            assert client.answer().status == 200
        else:
            assert answer.headers["Connection"] == "close"
            assert client.rest() == b""


@pytest.mark.parametrize(
    ("framing", "body"),
    [("Content-Length: 5", b"he"), ("Transfer-Encoding: chunked", b"5\r\nhe")],
)
def test_a_body_that_never_comes_is_no_request(
    echo: SandboxServer, echo_sandbox: _Echo, capfd: pytest.CaptureFixture[str], framing: str, body: bytes
) -> None:
    with wire(echo) as client:
        client.send("PUT / HTTP/1.1", "Host: HOST", framing, body=body)
        socket.socket.shutdown(client.socket, socket.SHUT_WR)
        assert client.rest() == b""
    assert echo_sandbox.handled == 0
    assert capfd.readouterr().err == ""


# --- Faults ----------------------------------------------------------------------------------------------------------


def test_a_connection_is_closed_without_an_answer(server: SandboxServer, tmp_path: Path) -> None:
    Sandbox(tmp_path).add_fault(FaultRule(kind=FaultKind.CLOSED))
    with wire(server) as client:
        client.send(f"GET {METADATA} HTTP/1.1", "Host: HOST")
        assert client.rest() == b""


def test_an_answer_breaks_off(server: SandboxServer, tmp_path: Path) -> None:
    Sandbox(tmp_path).add_fault(FaultRule(kind=FaultKind.TRUNCATED))
    with wire(server) as client:
        client.send(f"GET {METADATA} HTTP/1.1", "Host: HOST")
        with pytest.raises(http.client.IncompleteRead) as broken:
            client.answer()
    assert 0 < len(broken.value.partial) <= (broken.value.expected or 0) + 1


def test_an_answer_is_delayed_for_its_client_alone(tmp_path: Path) -> None:
    waiting, may_go_on = threading.Event(), threading.Event()
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        waiting.set()
        may_go_on.wait(60)

    sandbox = Sandbox(tmp_path, wait=wait)
    sandbox.add_fault(FaultRule(kind=FaultKind.DELAY, delay=600))
    with serving(sandbox) as server, wire(server) as slow, wire(server) as other:
        slow.send(f"GET {METADATA} HTTP/1.1", "Host: HOST")
        assert waiting.wait(60)
        other.send(f"GET {METADATA} HTTP/1.1", "Host: HOST")
        assert other.answer().status == 200
        may_go_on.set()
        assert slow.answer().status == 200
    assert waited == [600]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_has_none(server: SandboxServer, tmp_path: Path, status: int) -> None:
    rule = FaultRule(kind=FaultKind.STATUS, status=status, body="{}", headers=(("Content-Length", "7"),))
    Sandbox(tmp_path).add_fault(rule)
    with wire(server) as client:
        client.send(f"GET {METADATA} HTTP/1.1", "Host: HOST", "Connection: close")
        answer = client.answer()
        assert (answer.status, answer.body, answer.headers["Content-Length"]) == (status, b"", None)
        assert client.rest() == b""


# --- Many at once ----------------------------------------------------------------------------------------------------


def test_many_clients_at_once_lose_no_write(server: SandboxServer) -> None:
    clients, writes = 50, 4
    ready = threading.Barrier(clients)
    url = f"{server.origin}{PARTNERS}"

    def work(_: int) -> list[int]:
        with requests.Session() as session:
            session.trust_env = False
            session.verify = str(server.authority)
            form = {
                "grant_type": "client_credentials",
                "client_id": ONBOARDING_CLIENT,
                "client_secret": ONBOARDING_SECRET,
                "scope": f"{server.origin}/.default",
            }
            ready.wait(60)
            token = session.post(f"{server.origin}{TOKEN}", data=form).json()["access_token"]
            session.headers["Authorization"] = f"Bearer {token}"
            session.params = {"api-version": "2018-02-01"}
            first = session.put(f"{url}/719878")
            assert first.status_code in {HTTPStatus.OK, HTTPStatus.CONFLICT}
            versions = [session.patch(f"{url}/719878").json()["properties"]["version"] for _ in range(writes)]
            assert session.get(url).json()["properties"]["version"] >= versions[-1]
            return versions

    with ThreadPoolExecutor(clients) as pool:
        versions = [each for found in pool.map(work, range(clients)) for each in found]
    assert sorted(versions) == list(range(2, clients * writes + 2))
