"""Variables of proxies and certificates that cannot be used: exit code 2, the variable's name, and nothing sent."""

import shlex
import socket
import ssl
import sys
from pathlib import Path

import pytest
import trustme

from pallink.errors import UsageError
from pallink.http import trust
from pallink.http.environment import check_proxy
from tests.cli.people import Desk, served
from tests.harness import Pallink
from tests.tcp_server import says, tcp_server

COMMANDS = ["show", "link 719878", "login --allow-plain-text-cache"]


@pytest.fixture(autouse=True)
def application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", "8fe81352-b317-4e31-9d5b-b42cafcd167c")
    monkeypatch.setenv("AZURE_CLIENT_ID", "6be1d7c7-4712-4123-a241-8b8918c455f9")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "sandbox-onboarding-secret")


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where pallink looks up a name or an address, which it does before it connects."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *words, **_: pytest.fail(f"connects to {words}"))


@pytest.fixture
def der(authority: trustme.CA, tmp_path: Path) -> Path:
    """Return a certificate in the form that Windows exports by default."""
    path = tmp_path / "my authority.cer"
    path.write_bytes(ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode()))
    return path


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("cloud", ["AzureCloud", "https://arm.example"])
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_that_is_missing(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, *, command: str, cloud: str, variable: str
) -> None:
    monkeypatch.setenv(variable, "/nowhere/bundle.pem")
    refused = pallink(f"{command} --cloud {cloud} --debug")
    assert refused.code == 2, refused.stderr
    assert "> GET" not in refused.stderr, "a request is shown that was not sent"
    assert (
        f"error: the file in {variable} cannot be read: '/nowhere/bundle.pem': no such file or directory\n"
        in refused.stderr
    )
    assert f"hint: correct {variable}, or unset it\n" in refused.stderr


@pytest.mark.usefixtures("no_connection")
def test_a_bundle_in_der(pallink: Pallink, monkeypatch: pytest.MonkeyPatch, der: Path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(der))
    refused = pallink("show")
    assert refused.code == 2, refused.stderr
    assert "the file in REQUESTS_CA_BUNDLE is not a PEM file with certificates" in refused.stderr
    assert "cause: it is DER, the binary form\n" in refused.stderr
    command = refused.stderr.splitlines()[-1].strip()
    assert shlex.split(command)[-4:] == ["-in", str(der), "-out", f"{der}.pem"]


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize(
    "content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_bundle_without_a_certificate(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "bundle.pem").write_bytes(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "bundle.pem"))
    refused = pallink("show")
    assert refused.code == 2, refused.stderr
    assert "cause: OpenSSL finds no certificate in it\n" in refused.stderr


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize("is_der", [True, False], ids=["DER", "missing"])
def test_the_file_of_openssl(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, der: Path, is_der: bool
) -> None:
    monkeypatch.setattr(trust, "_HAS_ITS_OWN_STORE", False)
    monkeypatch.setenv("SSL_CERT_FILE", str(der if is_der else tmp_path / "missing.pem"))
    refused = pallink("show")
    assert refused.code == 2, refused.stderr
    assert "error: the file in SSL_CERT_FILE " in refused.stderr
    # Where the operating system has a store of its own, nothing reads that variable.
    monkeypatch.setattr(trust, "_HAS_ITS_OWN_STORE", True)
    trust.check_trust()


NO_PROXIES = {
    "socks5://127.0.0.1:1080": "SOCKS proxies are not supported",
    "SOCKS5H://127.0.0.1:1080": "SOCKS proxies are not supported",
    "ftp://proxy:21": "it begins with neither http:// nor https://",
    "://proxy": "it begins with neither http:// nor https://",
    "http://": "it has no host",
    "http://:3128": "it has no host",
    "http:/proxy:3128": "http has no :// after it",
    "http//proxy:3128": "http has no :// after it",
    "https:proxy:3128": "https has no :// after it",
    "http//user:word@proxy:3128": "http has no :// after it",
    "http://proxy:3128/path": "it has a path or a query after the host and the port",
    "http://proxy:3128?x=1": "it has a path or a query after the host and the port",
    "http://proxy:99999": "its host or its port is invalid",
    "http://proxy:port": "its host or its port is invalid",
    "http://pro xy:3128": "its host or its port is invalid",
    "http://[::1:3128": "its host or its port is invalid",
    "http://user:pass/word@proxy:3128": "its host or its port is invalid",
}


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize(("url", "cause"), NO_PROXIES.items(), ids=NO_PROXIES)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_what_is_no_proxy(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, variable: str, url: str, cause: str
) -> None:
    monkeypatch.setenv(variable, url)
    refused = pallink("show")
    assert refused.code == 2, refused.stderr
    name = variable.upper() if sys.platform == "win32" else variable
    assert f"error: {name} is not the URL of an HTTP proxy\n" in refused.stderr
    assert f"cause: {cause}\n" in refused.stderr
    assert f"hint: set {name} to http" in refused.stderr
    assert "word" not in refused.stderr.replace("password", "")


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize(
    ("url", "corrected"),
    [
        ("http//proxy:3128", "http://proxy:3128"),
        ("HTTPS:/proxy.example", "HTTPS://proxy.example"),
        ("http///[::1]:3128", "http://[::1]:3128"),
        # What may be a password is not shown; what would be wrong still is not proposed.
        ("http//user:word@proxy:3128", None),
        ("http//proxy:port", None),
    ],
)
def test_a_proxy_without_the_colon_and_slashes_is_corrected(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, url: str, corrected: str | None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    refused = pallink("show")
    assert refused.code == 2, refused.stderr
    general = "http://HOST:PORT; percent-encode a user name and a password before HOST"
    assert f"hint: set HTTPS_PROXY to {corrected or general}\n" in refused.stderr


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy:3128",
        "http://proxy:3128/",
        "proxy:3128",
        "proxy",
        "HTTP://PROXY:3128",
        "https://proxy.example",
        "http://squid_proxy:3128",
        "http://user:p%40ss%2Fword@proxy:3128",
        "http://[::1]:3128",
        "http://10.0.0.1:8080",
    ],
)
def test_what_is_a_proxy(url: str) -> None:
    check_proxy(url)


def test_a_proxy_of_the_system_is_named_as_such() -> None:
    with pytest.raises(UsageError, match="the system's proxy setting is not the URL of an HTTP proxy"):
        check_proxy("socks5://127.0.0.1:1080")


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_https_where_the_proxy_speaks_http(pallink: Pallink, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    with tcp_server(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        monkeypatch.setenv(variable, f"https://127.0.0.1:{port}")
        refused = pallink("show --cloud https://localhost:1")
    assert refused.code == 2, refused.stderr
    assert f"error: {variable} begins with https://, and the proxy speaks plain HTTP\n" in refused.stderr
    assert f"hint: change {variable} to begin with http://\n" in refused.stderr


def test_a_proxy_that_is_not_used_may_be_any(desk: Desk) -> None:
    with served(desk) as there:
        there.environment("client-secret")
        desk.patch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
        desk.patch.setenv("NO_PROXY", "localhost")
        assert there.run("show").code == 3


@pytest.mark.usefixtures("clock")
def test_a_folder_of_certificates_is_no_error(desk: Desk, tmp_path: Path) -> None:
    with served(desk) as there:
        there.environment("client-secret")
        desk.patch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
        failed = there.run("show")
    assert failed.code == 7, failed.stderr
    assert "its certificate is not trusted" in failed.stderr


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize(
    ("variable", "value"), [("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem"), ("HTTPS_PROXY", "socks5://127.0.0.1:1080")]
)
def test_the_embedded_sandbox_needs_neither(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert pallink("show --cloud sandbox").code == 3
