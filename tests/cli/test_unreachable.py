"""Why there was no response, by real servers and proxies on loopback: the right cause, and no library's own words."""

import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from pallink.azure import transport
from pallink.sandbox import Request, Response
from tests.cli.people import Desk, served
from tests.harness import Pallink, Run
from tests.tcp_server import Handle, alerts, damages, dead_address, says, tcp_server, wants_a_certificate

PLAIN = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
# A ServerHello of TLS 1.0 (RFC 2246, 7.4.1.3), and the alert protocol_version of a server that has no newer one.
OLD_HELLO = b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01" + b"r" * 32 + b"\x00\x00\x2f\x00"
OLD_ALERT = b"\x15\x03\x01\x00\x02\x02\x46"


# Their waits between two tries take no time.
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture(autouse=True)
def application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", "8fe81352-b317-4e31-9d5b-b42cafcd167c")
    monkeypatch.setenv("AZURE_CLIENT_ID", "6be1d7c7-4712-4123-a241-8b8918c455f9")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "sandbox-onboarding-secret")


def assert_unreachable(done: Run, cause: str, remedy: str) -> None:
    """Require exit code 7 with this cause, and no text of urllib3's."""
    assert done.code == 7, done.stderr
    lines = done.stderr.splitlines()
    assert any(line.startswith(f"cause: {cause}") for line in lines), done.stderr
    assert any(line.startswith("hint: ") and remedy in line for line in lines), done.stderr
    for word in ("ConnectionPool", "HTTPSConnection", "Max retries", "Traceback"):
        assert word not in done.stderr
    assert ("certificate is not trusted" in done.stderr) is ("certificate is not trusted" in cause)


SERVERS: list[tuple[Callable[[trustme.CA], Handle], str, str]] = [
    (lambda _: says(PLAIN), "what it sent is not TLS, as from a server for plain HTTP", "the port in --cloud"),
    (lambda _: says(b"SSH-2.0-OpenSSH_9.9\r\n"), "what it sent is not TLS", "the port in --cloud"),
    (lambda _: says(OLD_HELLO), "it supports no TLS version that this machine allows", "TLS 1.2 or newer"),
    (lambda _: says(OLD_ALERT), "it supports no TLS version that this machine allows", "TLS 1.2 or newer"),
    (
        lambda authority: wants_a_certificate(authority, ssl.TLSVersion.TLSv1_3),
        "it requires a client certificate, which pallink never sends",
        "check --cloud",
    ),
    (
        lambda authority: wants_a_certificate(authority, ssl.TLSVersion.TLSv1_2),
        "it refused TLS: no common cipher, or a client certificate is required",
        "check --cloud",
    ),
    (lambda _: alerts(112), "it does not know this host name", "check --cloud"),
    (lambda _: alerts(80), "the TLS connection failed (", "check --cloud"),
    (damages, "the TLS connection was damaged on the way", "try again"),
    (lambda _: alerts(20), "the TLS connection was damaged on the way", "try again"),
    (lambda _: says(b""), "the connection broke before the response was complete", "try again"),
]
NAMES = [
    "plain HTTP",
    "another protocol",
    "TLS 1.0",
    "TLS 1.0 by an alert",
    "a client certificate in TLS 1.3",
    "a client certificate in TLS 1.2",
    "an unknown name",
    "an internal error",
    "a bad record",
    "a bad record by an alert",
    "nothing",
]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(("handle", "cause", "remedy"), SERVERS, ids=NAMES)
def test_what_a_server_does_wrong_is_said(
    pallink: Pallink, authority: trustme.CA, handle: Callable[[trustme.CA], Handle], cause: str, remedy: str
) -> None:
    with tcp_server(handle(authority)) as port:
        assert_unreachable(pallink(f"show --cloud https://localhost:{port} --debug"), cause, remedy)


def test_an_untrusted_certificate_is_said_in_openssl_s_words(pallink: Pallink) -> None:
    with tcp_server(damages(trustme.CA())) as port:
        done = pallink(f"show --cloud https://localhost:{port} --debug")
    assert_unreachable(
        done, "its certificate is not trusted (unable to get local issuer certificate)", "REQUESTS_CA_BUNDLE"
    )


PROXIES = [
    (
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        "the proxy requires a user name and a password",
        "USER:PASSWORD@HOST",
    ),
    (b"HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy does not allow connections to it", "NO_PROXY"),
    (b"HTTP/1.0 502 Bad Gateway\r\n\r\n", "the proxy could not connect to it (status 502)", "the proxy"),
    (b"", "the connection broke", "the proxy"),
    (b"SSH-2.0-OpenSSH_9.9\r\n", "the connection broke", "the proxy"),
]


@pytest.mark.parametrize(("reply", "cause", "remedy"), PROXIES, ids=["407", "403", "502", "nothing", "no HTTP"])
def test_what_a_proxy_refuses_is_said(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, reply: bytes, cause: str, remedy: str
) -> None:
    with tcp_server(says(reply)) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        assert_unreachable(pallink("show --cloud https://localhost:1 --debug"), cause, remedy)


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("127.0.0.1:1", "the proxy does not respond: it refuses the connection"),
        ("proxy.invalid:3128", "the proxy does not respond: its name cannot be resolved"),
    ],
)
def test_a_proxy_that_is_not_there_is_said(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, address: str, cause: str
) -> None:
    look_up = socket.getaddrinfo

    def look_up_here(host: str, *rest: Any, **options: Any) -> Any:
        if host == "proxy.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)
    monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
    assert_unreachable(pallink("show --cloud https://localhost:1 --debug"), cause, "HTTPS_PROXY")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse what a full queue cannot take")
def test_a_host_whose_first_address_is_dead_is_reached_at_the_second(desk: Desk) -> None:
    look_up = socket.getaddrinfo
    desk.patch.setattr(transport, "_CONNECT_TIMEOUT", 3600.0)
    with served(desk) as there, dead_address() as dead:
        desk.patch.setattr(socket, "getaddrinfo", lambda *words, **options: [dead, *look_up(*words, **options)])
        there.environment("client-secret")
        done = there.run("link 719878 -o json --timeout 3600")
    assert (done.code, done.json["action"]) == (0, "created"), done.stderr


def test_a_host_name_that_cannot_be_one_is_not_resolved(pallink: Pallink) -> None:
    done = pallink(f"show --cloud https://{'a' * 64}.example")
    assert_unreachable(done, "its name cannot be resolved", "--cloud")


@pytest.mark.parametrize(
    "path", ["/metadata/endpoints", "/contoso.onmicrosoft.com/v2.0/.well-known/openid-configuration"]
)
def test_a_look_up_that_fails_once_is_tried_again(desk: Desk, path: str) -> None:
    failed: list[str] = []

    def once(request: Request) -> Response | None:
        if request.path != path or failed:
            return None
        failed.append(path)
        return Response(503)

    with served(desk, once) as there:
        done = there.run("show --tenant contoso.onmicrosoft.com")
    assert (done.code, failed) == (3, [path]), done.stderr
