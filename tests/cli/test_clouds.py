"""Another Resource Manager by its URL: over a real HTTPS server, with real certificates."""

import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from pallink import private_files
from pallink.sandbox import Request, Response, Sandbox
from tests.harness import Pallink, full_disk
from tests.https_server import https_server, serve_sandbox


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", "contoso.onmicrosoft.com")
    monkeypatch.setenv("AZURE_CLIENT_ID", "6be1d7c7-4712-4123-a241-8b8918c455f9")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "sandbox-onboarding-secret")


@dataclass
class Served:
    """A cloud on loopback: where it is, and what it was asked."""

    origin: str
    seen: list[Request] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.seen]


@pytest.fixture
def cloud(authority: trustme.CA, tmp_path: Path) -> Iterator[Served]:
    seen: list[Request] = []
    with https_server(serve_sandbox(Sandbox(tmp_path / "served"), seen), authority) as origin:
        yield Served(origin, seen)


pytestmark = pytest.mark.usefixtures("application")


@pytest.mark.usefixtures("trusted")
def test_a_cloud_is_known_by_its_metadata(pallink: Pallink, cloud: Served) -> None:
    done = pallink(f"link 719878 -o json --cloud {cloud.origin}")
    assert (done.code, done.json["action"], done.json["cloud"]) == (0, "created", cloud.origin), done.stderr
    assert cloud.paths()[0] == "GET /metadata/endpoints"
    assert "not Azure" not in done.stderr


@pytest.mark.usefixtures("trusted")
def test_its_metadata_is_kept(pallink: Pallink, cloud: Served, tmp_path: Path) -> None:
    for _ in range(2):
        assert pallink(f"check --cloud {cloud.origin}/").code == 0
    assert cloud.paths().count("GET /metadata/endpoints") == 1

    (kept,) = (tmp_path / "cache").glob("cloud-*.json")
    written = json.loads(kept.read_text())
    kept.write_text(json.dumps({**written, "fetched": written["fetched"] - 24 * 60 * 60 - 1}))
    assert pallink(f"check --cloud {cloud.origin}").code == 0
    assert cloud.paths().count("GET /metadata/endpoints") == 2, "metadata older than a day was used"


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("content", ["", "{", "[]", '{"origin": "https://elsewhere.example"}'])
def test_a_broken_cache_is_no_error(pallink: Pallink, cloud: Served, tmp_path: Path, content: str) -> None:
    assert pallink(f"check --cloud {cloud.origin}").code == 0
    (kept,) = (tmp_path / "cache").glob("cloud-*.json")
    kept.write_text(content)
    assert pallink(f"check --cloud {cloud.origin}").code == 0


@pytest.mark.usefixtures("trusted")
def test_a_cache_that_somebody_poisoned_is_judged_like_an_answer(
    pallink: Pallink, cloud: Served, tmp_path: Path
) -> None:
    assert pallink(f"check --cloud {cloud.origin}").code == 0
    (kept,) = (tmp_path / "cache").glob("cloud-*.json")
    written = json.loads(kept.read_text())
    written["document"]["authentication"]["audiences"] = ["https://management.azure.com/"]
    kept.write_text(json.dumps(written))
    assert pallink(f"check --cloud {cloud.origin}").code == 0
    assert cloud.paths().count("GET /metadata/endpoints") == 2


def _let_others_write_the_folder(kept: Path) -> None:
    kept.parent.chmod(0o777)


def _let_the_group_write_the_file(kept: Path) -> None:
    kept.chmod(0o660)


def _give_the_folder_away(kept: Path) -> None:
    _give_away(kept.parent)


def _give_the_file_away(kept: Path) -> None:
    _give_away(kept)


def _give_away(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
    os.chown(path, 12345, 12345)


@pytest.mark.skipif(os.name != "posix", reason="Windows has access lists instead of modes")
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    "weaken",
    [_let_others_write_the_folder, _let_the_group_write_the_file, _give_the_folder_away, _give_the_file_away],
)
def test_no_secret_goes_where_a_file_of_another_user_says(
    pallink: Pallink, cloud: Served, tmp_path: Path, authority: trustme.CA, weaken: Callable[[Path], None]
) -> None:
    stolen: list[Request] = []

    def steal(request: Request) -> Response:
        stolen.append(request)
        return Response(500)

    assert pallink(f"check --cloud {cloud.origin}").code == 0
    (kept,) = (tmp_path / "cache").glob("cloud-*.json")
    with https_server(steal, authority) as thief:
        written = json.loads(kept.read_text())
        written["document"]["authentication"]["loginEndpoint"] = f"{thief}/"
        kept.write_text(json.dumps(written))
        weaken(kept)
        assert pallink(f"check --cloud {cloud.origin}").code == 0
    assert stolen == []
    assert cloud.paths().count("GET /metadata/endpoints") == 2


@pytest.mark.skipif(os.name != "posix", reason="Windows has access lists instead of modes")
@pytest.mark.usefixtures("trusted")
def test_the_cache_is_its_owners_under_any_umask(
    pallink: Pallink, cloud: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALLINK_CACHE_HOME", str(tmp_path / "new" / "cache"))
    before = os.umask(0)
    try:
        assert pallink(f"check --cloud {cloud.origin}").code == 0
    finally:
        os.umask(before)
    (kept,) = (tmp_path / "new" / "cache").iterdir()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (kept, kept.parent, kept.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]
    assert pallink(f"check --cloud {cloud.origin}").code == 0
    assert cloud.paths().count("GET /metadata/endpoints") == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
@pytest.mark.usefixtures("trusted")
def test_a_cache_that_is_a_fifo_holds_nothing_up(pallink: Pallink, cloud: Served, tmp_path: Path) -> None:
    assert pallink(f"check --cloud {cloud.origin}").code == 0
    (kept,) = (tmp_path / "cache").glob("cloud-*.json")
    kept.unlink()
    os.mkfifo(kept, 0o600)
    assert pallink(f"check --cloud {cloud.origin} --timeout 20").code == 0
    assert kept.is_file(), "it was not replaced"


@pytest.mark.usefixtures("trusted")
@pytest.mark.skipif(os.name != "posix", reason="Windows has no limit on the size of a file")
def test_a_cache_that_cannot_be_written_leaves_no_file(pallink: Pallink, cloud: Served, tmp_path: Path) -> None:
    written: list[Path] = []
    with pytest.MonkeyPatch.context() as patch:
        write = private_files.write

        def write_on_a_full_disk(path: Path, content: bytes) -> None:
            written.append(path)
            with full_disk():
                write(path, content)

        patch.setattr(private_files, "write", write_on_a_full_disk)
        assert pallink(f"check --cloud {cloud.origin}").code == 0
    assert written
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.usefixtures("clock")
def test_a_certificate_that_nobody_trusts_is_refused(pallink: Pallink, cloud: Served) -> None:
    refused = pallink(f"link 719878 --cloud {cloud.origin}")
    assert refused.code == 7
    assert "its certificate is not trusted" in refused.stderr
    assert "REQUESTS_CA_BUNDLE" in refused.stderr
    assert cloud.seen == []


def test_the_operating_systems_trust_store_is_honoured(
    pallink: Pallink, cloud: Served, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "system.pem"
    authority.cert_pem.write_to_path(str(bundle))
    # What OpenSSL takes for the system's trust store; on macOS and Windows it is another one.
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    done = pallink(f"check --cloud {cloud.origin}")
    assert done.code == 0, done.stderr


@pytest.mark.usefixtures("clock")
def test_certificates_are_verified_whatever_a_variable_says(
    pallink: Pallink, cloud: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AZURE_CLI_DISABLE_CONNECTION_VERIFICATION"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    assert pallink(f"check --cloud {cloud.origin}").code == 7
    assert cloud.seen == []


@pytest.mark.usefixtures("trusted")
def test_a_url_that_answers_html(pallink: Pallink, authority: trustme.CA) -> None:
    page = Response(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Sign in to the guest network</html>")
    with https_server(lambda _: page, authority) as origin:
        refused = pallink(f"link 719878 --cloud {origin}")
    assert refused.code == 1
    assert f"error: {origin} is not the Resource Manager of a cloud" in refused.stderr
    assert "text/html" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.usefixtures("trusted", "clock")
@pytest.mark.parametrize("status", [404, 500])
def test_a_url_without_metadata(pallink: Pallink, authority: trustme.CA, status: int) -> None:
    with https_server(lambda _: Response(status, {"Content-Type": "application/json"}, b"{}"), authority) as origin:
        refused = pallink(f"link 719878 --cloud {origin}")
    assert refused.code == 1
    assert f"status {status}" in refused.stderr


@pytest.mark.usefixtures("trusted")
def test_metadata_that_redirects_is_not_followed(pallink: Pallink, authority: trustme.CA) -> None:
    seen: list[Request] = []

    def redirect(request: Request) -> Response:
        seen.append(request)
        return Response(302, {"Location": "https://localhost:1/metadata/endpoints"}, b"")

    with https_server(redirect, authority) as origin:
        refused = pallink(f"link 719878 --cloud {origin}")
    assert refused.code == 1
    assert "status 302" in refused.stderr
    assert len(seen) == 1


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    "authentication",
    [
        {"loginEndpoint": "https://login.microsoftonline.com", "audiences": ["https://localhost"]},
        {"loginEndpoint": "https://LOGIN.microsoftonline.us./", "audiences": ["https://localhost"]},
        {"loginEndpoint": "https://localhost", "audiences": ["https://management.azure.com/"]},
        {"loginEndpoint": "https://localhost", "audiences": ["https://localhost", "https://graph.microsoft.com"]},
        {"loginEndpoint": "https://localhost", "audiences": ["https://database.windows.net/"]},
        {"loginEndpoint": "https://login.sovcloud-identity.fr", "audiences": ["https://localhost"]},
    ],
)
def test_hostile_metadata_gets_no_token(
    pallink: Pallink, authority: trustme.CA, authentication: dict[str, object]
) -> None:
    seen: list[Request] = []

    def hostile(request: Request) -> Response:
        seen.append(request)
        body = json.dumps({"name": "AzureCloud", "authentication": authentication}).encode()
        return Response(200, {"Content-Type": "application/json"}, body)

    with https_server(hostile, authority) as origin:
        refused = pallink(f"link 719878 --cloud {origin}")
    assert refused.code == 1
    assert "which belongs to " in refused.stderr
    assert [request.path for request in seen] == ["/metadata/endpoints"], "something was sent to a hostile cloud"


@pytest.mark.usefixtures("trusted")
def test_metadata_with_the_audience_of_another_service_gets_no_token(pallink: Pallink, authority: trustme.CA) -> None:
    authentication = {"loginEndpoint": "https://localhost", "audiences": ["https://vault.example"]}
    body = json.dumps({"authentication": authentication}).encode()
    with https_server(lambda _: Response(200, {"Content-Type": "application/json"}, body), authority) as origin:
        refused = pallink(f"link 719878 --cloud {origin}")
    assert refused.code == 1
    assert f"error: the cloud metadata of {origin} cannot be used" in refused.stderr
    assert "cause: its audience https://vault.example is another service" in refused.stderr


@pytest.mark.usefixtures("clock")
def test_a_cloud_that_nobody_serves(pallink: Pallink) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    refused = pallink(f"link 719878 --cloud https://127.0.0.1:{port}")
    assert refused.code == 7
    assert f"https://127.0.0.1:{port} cannot be reached" in refused.stderr
    assert "refuses the connection" in refused.stderr


@pytest.mark.usefixtures("trusted")
def test_a_token_goes_to_resource_manager_only(pallink: Pallink, cloud: Served) -> None:
    assert pallink(f"link 719878 --cloud {cloud.origin}").code == 0
    for request in cloud.seen:
        is_open = any(part in request.path for part in ("/oauth2/", "/.well-known/", "/metadata/"))
        assert (request.header("Authorization") is None) is is_open, request.path
