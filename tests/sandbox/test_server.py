"""The door over HTTPS: real connections on loopback, real clients."""

import errno
import http.client
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from socketserver import TCPServer
from urllib.parse import urlsplit

import pytest
import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from azure.mgmt.managementpartner import ACEProvisioningManagementPartnerAPI

from pallink.sandbox import Request, Response, Sandbox, certificates
from pallink.sandbox.http.server import SandboxServer
from tests.exhaustive import combinations
from tests.sandbox.client import CONTOSO, ONBOARDING, ONBOARDING_CLIENT, ONBOARDING_SECRET, Clock, claims

METADATA = "/metadata/endpoints?api-version=2022-09-01"


@contextmanager
def serving(sandbox: Sandbox) -> Iterator[SandboxServer]:
    with SandboxServer(sandbox) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join()


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    with serving(sandbox) as server:
        yield server


@pytest.fixture
def session(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[requests.Session]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.authority))
    with requests.Session() as session:
        yield session


def connection(server: SandboxServer) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=server.authority)
    return http.client.HTTPSConnection("127.0.0.1", urlsplit(server.origin).port, context=context, timeout=60)


def test_it_listens_on_loopback_only(server: SandboxServer) -> None:
    assert set(server.addresses) <= {"127.0.0.1", "::1"}
    assert "127.0.0.1" in server.addresses


def test_a_port_in_use_at_either_address_is_not_taken(sandbox: Sandbox, server: SandboxServer) -> None:
    port = urlsplit(server.origin).port or 0
    with pytest.raises(OSError) as caught:  # noqa: PT011 - Each system words it in its own way.
        SandboxServer(sandbox, port)
    assert caught.value.errno == errno.EADDRINUSE
    if "::1" in server.addresses:
        with socket.socket(socket.AF_INET6) as other:
            other.bind(("::1", 0))
            other.listen()
            with pytest.raises(OSError) as caught:  # noqa: PT011 - See above.
                SandboxServer(sandbox, other.getsockname()[1])
            assert caught.value.errno == errno.EADDRINUSE


def test_it_answers_by_name_and_by_address(server: SandboxServer, session: requests.Session) -> None:
    names = ["localhost", *(f"[{each}]" if ":" in each else each for each in server.addresses)]
    for name in names:
        origin = server.origin.replace("localhost", name)
        described = session.get(f"{origin}{METADATA}").json()
        assert described["resourceManager"] == described["authentication"]["loginEndpoint"] == origin


def test_it_agrees_on_http_1_1(server: SandboxServer) -> None:
    context = ssl.create_default_context(cafile=server.authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    port = urlsplit(server.origin).port
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        assert secured.selected_alpn_protocol() == "http/1.1"


def test_an_application_links_itself_over_the_wire(server: SandboxServer, session: requests.Session) -> None:
    transport = RequestsTransport(session=session, session_owner=False)
    credential = ClientSecretCredential(
        CONTOSO,
        ONBOARDING_CLIENT,
        ONBOARDING_SECRET,
        authority=server.origin,
        disable_instance_discovery=True,
        transport=transport,
    )
    client = ACEProvisioningManagementPartnerAPI(
        credential, base_url=server.origin, credential_scopes=[f"{server.origin}/.default"], transport=transport
    )
    assert client.partner.create("719878").object_id == ONBOARDING
    assert client.partners.get().partner_name == "Mekorma"


def test_a_managed_identity_signs_in_over_the_wire(
    sandbox: Sandbox, server: SandboxServer, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sandbox.environment("managed-identity", origin=server.origin).items():
        monkeypatch.setenv(name, value)
    transport = RequestsTransport(session=session, session_owner=False)
    token = ManagedIdentityCredential(transport=transport, retry_total=0).get_token(f"{server.origin}/.default")
    assert claims(token.token)["aud"] == server.origin


def test_a_client_that_says_nothing_keeps_nobody_waiting(server: SandboxServer, session: requests.Session) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(server.origin).port or 0), timeout=60):
        assert session.get(f"{server.origin}{METADATA}").status_code == 200


@pytest.mark.parametrize("does_handshake", [False, True])
def test_an_idle_client_is_disconnected(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], does_handshake: bool
) -> None:
    monkeypatch.setattr("pallink.sandbox.http.server._RequestHandler.timeout", 0.1)
    with serving(sandbox) as server:
        client = connection(server)
        if does_handshake:
            client.connect()
        else:
            client.sock = socket.create_connection(("127.0.0.1", client.port), timeout=60)
        assert client.sock.recv(1) == b""
        client.close()
    assert capfd.readouterr().err == ""


def test_without_file_descriptors_it_pauses_and_goes_on(
    server: SandboxServer, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[float] = []
    accept = TCPServer.get_request

    def get_request(listener: TCPServer) -> tuple[socket.socket, object]:
        times.append(time.monotonic())
        if len(times) <= 3:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return accept(listener)

    monkeypatch.setattr(TCPServer, "get_request", get_request)
    monkeypatch.setattr("pallink.sandbox.http.server._POLL_INTERVAL", 0.1)
    assert session.get(f"{server.origin}{METADATA}").status_code == 200
    assert all(later - earlier > 0.05 for earlier, later in pairwise(times[:4]))


TOO_MANY = "sandbox: too many connections: those idle for longest are closed\n"


def test_with_too_many_connections_those_idle_for_longest_are_closed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pallink.sandbox.http.server._max_connections", lambda: 3)

    def is_served(client: http.client.HTTPSConnection) -> bool:
        try:
            client.request("GET", METADATA)
            return client.getresponse().read() != b""
        except (OSError, http.client.HTTPException):
            return False

    with serving(sandbox) as server, ExitStack() as stack:
        clients = [stack.enter_context(closing(connection(server))) for _ in range(5)]
        assert [is_served(client) for client in clients] == [True] * 5, "a new client waits for none of the others"
        for client in clients:
            client.auto_open = 0
        for client in clients[:2]:  # A request that arrived before the end of its connection would be served.
            assert client.sock.recv(1) == b""
        assert [is_served(client) for client in clients] == [False, False, True, True, True]
    assert capfd.readouterr().err == TOO_MANY


def test_a_connection_whose_request_is_handled_is_not_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pallink.sandbox.http.server._max_connections", lambda: 1)
    sandbox = _Slow(tmp_path)
    with serving(sandbox) as server:
        busy, other = connection(server), connection(server)
        busy.request("GET", METADATA)
        sandbox.asked.wait(60)
        other.connect()
        sandbox.may_answer.set()
        assert busy.getresponse().status == 200
        busy.close()
        other.close()


def test_a_request_that_arrives_while_its_connection_is_closed_is_the_last_one(server: SandboxServer) -> None:
    with closing(connection(server)) as client:
        for expected in (None, "close"):
            client.request("GET", METADATA)
            response = client.getresponse()
            assert response.read()
            assert (response.status, response.getheader("Connection")) == (200, expected)
            for listener in server._listeners:
                listener.idle.clear()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has a limit of file descriptors for each process")
def test_at_its_limit_of_file_descriptors_it_still_serves(tmp_path: Path) -> None:
    environment = {**os.environ, "PALLINK_SANDBOX_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = ["sh", "-c", 'ulimit -n 60; exec "$@"', "sh", sys.executable, "-m", "pallink", "sandbox", "serve"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        origin = process.stdout.readline().strip()
        idle = [socket.create_connection(("127.0.0.1", urlsplit(origin).port or 0), timeout=60) for _ in range(100)]
        with requests.Session() as session:
            session.trust_env = False
            address = origin.replace("localhost", "127.0.0.1")
            authority = str(tmp_path / "certificate-authority.pem")
            for _ in range(3):
                assert session.get(f"{address}{METADATA}", verify=authority).status_code == 200
        for client in idle:
            client.close()
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err.count(TOO_MANY) == 1


def test_no_thread_and_no_socket_stays(sandbox: Sandbox) -> None:
    before = set(threading.enumerate())
    with serving(sandbox) as server:
        idle, silent = connection(server), connection(server)
        idle.request("GET", METADATA)
        assert idle.getresponse().read()
        silent.sock = socket.create_connection(("127.0.0.1", silent.port), timeout=60)
        for _ in range(5):
            client = connection(server)
            client.request("GET", METADATA, headers={"Connection": "close"})
            assert client.getresponse().read()
            client.close()
    assert set(threading.enumerate()) == before
    assert idle.sock is not None
    for client in (idle, silent):
        assert client.sock.recv(1) == b""
        client.close()


def test_a_request_that_takes_too_long_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pallink.sandbox.http.server._SHUTDOWN_TIMEOUT", 0.1)
    sandbox = _Slow(tmp_path)
    with serving(sandbox) as server:
        client = connection(server)
        client.request("GET", METADATA)
        sandbox.asked.wait(60)
    with pytest.raises(http.client.RemoteDisconnected):
        client.getresponse()
    client.close()
    sandbox.may_answer.set()


def test_a_client_that_does_not_trust_it_makes_no_noise(
    server: SandboxServer, session: requests.Session, capfd: pytest.CaptureFixture[str]
) -> None:
    with requests.Session() as stranger:
        stranger.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            stranger.get(server.origin)
    with socket.create_connection(("127.0.0.1", urlsplit(server.origin).port or 0), timeout=60) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while plain.recv(1024):
            pass
    assert session.get(f"{server.origin}{METADATA}").status_code == 200
    assert capfd.readouterr().err == ""


def test_one_connection_carries_many_requests(server: SandboxServer) -> None:
    client = connection(server)
    for _ in range(3):
        client.request("GET", METADATA)
        response = client.getresponse()
        assert response.status == 200
        assert json.loads(response.read())["name"] == "Sandbox"
    client.close()


def test_a_file_that_cannot_be_used_is_told(sandbox: Sandbox, server: SandboxServer, session: requests.Session) -> None:
    sandbox.describe().path.write_bytes(b"no database")
    response = session.get(f"{server.origin}{METADATA}")
    assert (response.status_code, response.json()["error"]["code"]) == (500, "SandboxUnusable")


class _Defective(Sandbox):
    def handle(self, request: Request) -> Response:
        raise ZeroDivisionError(request.method)


def test_a_defect_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(_Defective(tmp_path)) as server:
        client = connection(server)
        client.request("GET", "/")
        response = client.getresponse()
        assert (response.status, json.loads(response.read())["error"]["code"]) == (500, "InternalServerError")
        client.close()
    assert "ZeroDivisionError: GET" in capfd.readouterr().err


class _Slow(Sandbox):
    """Answers when it is let."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def handle(self, request: Request) -> Response:
        self.asked.set()
        self.may_answer.wait(60)
        return super().handle(request)


def test_what_is_being_answered_is_answered_before_it_stops(tmp_path: Path) -> None:
    sandbox = _Slow(tmp_path)
    with SandboxServer(sandbox) as server, ThreadPoolExecutor(2) as pool:
        running = pool.submit(server.serve_forever)
        client, idle = connection(server), connection(server)
        sandbox.may_answer.set()
        idle.request("GET", METADATA)
        assert idle.getresponse().read()
        sandbox.may_answer.clear()
        sandbox.asked.clear()
        client.request("GET", METADATA)
        sandbox.asked.wait(60)
        server.stop()
        running.result(60)
        closing = pool.submit(server.close)
        sandbox.may_answer.set()
        answer = client.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (200, "close")
        closing.result(60)
        assert idle.sock is not None
        assert idle.sock.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            connection(server).connect()
        client.close()
        idle.close()


# --- The certificate authority ---------------------------------------------------------------------------------------


def test_the_authority_is_made_once_and_its_key_is_for_nobody_else(tmp_path: Path) -> None:
    clock = Clock()
    sandbox = Sandbox(tmp_path, clock=clock)
    file, first = sandbox.server_certificate()
    content = file.read_bytes()
    assert b"PRIVATE KEY" not in content
    assert stat.S_IMODE((tmp_path / "certificate-authority-key.pem").stat().st_mode) == 0o600

    again, second = sandbox.server_certificate()
    assert (again, again.read_bytes()) == (file, content)
    assert first.certificate != second.certificate
    sandbox.reset()
    assert sandbox.server_certificate()[0].read_bytes() == content

    clock.advance(timedelta(days=800))
    assert sandbox.server_certificate()[0].read_bytes() != content


@pytest.mark.skipif(os.name != "posix", reason="Windows has access lists instead of modes")
@pytest.mark.parametrize("name", ["certificate-authority.pem", "certificate-authority-key.pem"])
def test_an_authority_that_another_user_could_have_put_there_is_replaced(
    sandbox: Sandbox, tmp_path: Path, name: str
) -> None:
    file, _ = sandbox.server_certificate()
    content = file.read_bytes()
    (tmp_path / name).chmod(0o666)
    assert sandbox.server_certificate()[0].read_bytes() != content
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_an_authority_for_other_addresses_is_made_anew(sandbox: Sandbox, tmp_path: Path) -> None:
    file, _ = sandbox.server_certificate()
    older = certificates.new_application_certificate("pallink sandbox", now=Clock().now)
    file.write_bytes(older.certificate)
    (tmp_path / "certificate-authority-key.pem").write_bytes(older.private_key + older.certificate)
    assert sandbox.server_certificate()[0].read_bytes() != older.certificate


# By default each file missing or damaged.
@pytest.mark.parametrize(
    ("content", "name"),
    combinations(
        [None, b"", b"-----BEGIN nonsense", b"nonsense"],
        ["certificate-authority.pem", "certificate-authority-key.pem"],
        default=lambda content, name: (
            (content, name)
            in {
                (None, "certificate-authority.pem"),
                (b"-----BEGIN nonsense", "certificate-authority.pem"),
                (b"", "certificate-authority-key.pem"),
            }
        ),
    ),
)
def test_an_authority_that_cannot_be_read_is_made_anew(sandbox: Sandbox, name: str, content: bytes | None) -> None:
    file, _ = sandbox.server_certificate()
    before = file.read_bytes()
    damaged = file.with_name(name)
    if content is None:
        damaged.unlink()
    else:
        damaged.write_bytes(content)
    sandbox.server_certificate()
    assert file.read_bytes() != before
    with serving(sandbox) as server, requests.Session() as session:
        session.trust_env = False
        assert session.get(f"{server.origin}{METADATA}", verify=str(server.authority)).status_code == 200


# --- The command -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process can answer.")
# By default the signal of a system that shuts down: tests/cli ends `sandbox serve` as Ctrl-C does.
@pytest.mark.parametrize(
    "how", combinations([signal.SIGTERM, signal.SIGINT], default=lambda how: how is signal.SIGTERM)
)
def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path, how: signal.Signals) -> None:
    environment = {**os.environ, "PALLINK_SANDBOX_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "pallink", "sandbox", "serve"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        origin = process.stdout.readline().strip()
        authority = tmp_path / "certificate-authority.pem"
        with requests.Session() as session:
            session.trust_env = False
            described = session.get(f"{origin}{METADATA}", verify=str(authority)).json()
        process.send_signal(how)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, ""), err
    assert described["resourceManager"] == origin
    assert f"export REQUESTS_CA_BUNDLE={authority}" in err
    assert f"pallink link 719878 --cloud {origin}\n" in err
    assert f"az cloud register --name sandbox --endpoint-resource-manager {origin}\n" in err
    assert err.endswith("sandbox: stopped\n")
