"""Secrets of a key vault, through Microsoft's own client against the sandbox: what is read, refused, sent and shown."""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.keyvault.secrets._shared import http_challenge_cache
from requests import PreparedRequest, Response

from pallink.azure import vault as azure_vault
from pallink.azure.connection import CloudConnection
from pallink.azure.vault import VaultReader
from pallink.clouds import cloud_from_metadata
from pallink.deadline import Deadline
from pallink.errors import AccessDeniedError, PallinkError, SignInError, UnexpectedAnswerError
from pallink.fleet.entry import SecretReference, SecretStore
from pallink.fleet.secrets import SecretResolver
from pallink.redact.secrets import Secrets, redact
from pallink.sandbox import Sandbox, home
from pallink.sandbox.http.server import SandboxServer
from pallink.settings import Settings
from tests.cli.people import APPLICATION, CONTOSO, SECRET
from tests.cli.test_settling import answering
from tests.harness import Clock, Traffic
from tools.troubleshooting import has_entry

VAULT = "https://contoso-fleet.vault.sandbox.invalid"
URL = f"{VAULT}/secrets/onboarding"
EARLIER = "0b7f3c1d9a5e4f62b8d04c7ae15f9d21"
OWNER = Settings("sandbox", account="owner@contoso.com")


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    http_challenge_cache.clear()
    with Deadline(30).active(), Secrets().active():
        yield


@pytest.fixture
def connection() -> Iterator[CloudConnection]:
    with CloudConnection("sandbox") as connection:
        yield connection


def refusal(act: Callable[[], object], code: int) -> PallinkError:
    with pytest.raises(PallinkError) as refused:
        act()
    error = refused.value
    assert error.exit_code == code, error
    assert has_entry(error.message), error.message
    assert SECRET not in f"{error.message} {error.cause} {error.remedy} {error.command} {error!r}"
    return error


def to_the_vault(traffic: Traffic) -> list[tuple[str, str]]:
    return [(method, path) for method, path in traffic.sent if path.startswith("/secrets")]


def test_a_secret_is_read_and_registered(connection: CloudConnection, traffic: Traffic) -> None:
    reader = VaultReader(connection, OWNER)
    assert reader.read(URL) == SECRET
    assert redact(SECRET) == "[redacted]"
    # The first request has no token: the vault says where to sign in.
    assert to_the_vault(traffic) == [("GET", "/secrets/onboarding/")] * 2
    assert reader.read(f"{URL}/{EARLIER}") == "sandbox-onboarding-secret-before-its-renewal"
    tokens = [path for _, path in traffic.sent if path.endswith("/token")]
    assert len(tokens) == 1
    assert traffic.of_partners() == []
    reader.close()


def test_it_is_read_as_the_runner(connection: CloudConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AZURE_TENANT_ID": CONTOSO,
        "AZURE_CLIENT_ID": APPLICATION,
        "AZURE_CLIENT_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    reader = VaultReader(connection, Settings("sandbox"), vault_auth="client-secret")
    assert reader.read(f"{VAULT}/secrets/expired-secret") == "sandbox-expired-secret"
    assert reader._authenticated is not None
    assert reader._authenticated.account.client_id == APPLICATION


def test_a_managed_identity_reads(connection: CloudConnection) -> None:
    assert VaultReader(connection, Settings("sandbox"), vault_auth="managed-identity").read(URL) == SECRET


def test_a_served_sandbox_has_the_vault_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AZURE_TENANT_ID": CONTOSO,
        "AZURE_CLIENT_ID": APPLICATION,
        "AZURE_CLIENT_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    with SandboxServer(Sandbox(tmp_path / "served")) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.authority))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.origin.rpartition(":")[2]
        url = f"https://contoso-fleet.vault.localhost:{port}/secrets/onboarding"
        with CloudConnection(server.origin) as connection:
            value = VaultReader(connection, Settings(server.origin)).read(url)
        server.stop()
        thread.join(10)
    assert value == SECRET


def test_every_host_gets_its_own_token_only(connection: CloudConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    audiences = audiences_by_host(connection, monkeypatch)
    VaultReader(connection, OWNER).read(URL)
    assert audiences == {("contoso-fleet.vault.sandbox.invalid", "https://vault.sandbox.invalid")}


def audiences_by_host(connection: CloudConnection, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    from tests.sandbox.client import claims  # noqa: PLC0415 - the sandbox's own reading of a token

    seen = set()
    send = connection.pool.send

    def watched(request: PreparedRequest, **kwargs: Any) -> Response:
        if authorization := request.headers.get("Authorization"):
            host = str(request.url).split("/")[2]
            seen.add((host, claims(str(authorization).removeprefix("Bearer "))["aud"]))
        return send(request, **kwargs)

    monkeypatch.setattr(connection.pool, "send", watched)
    return seen


def test_many_threads_read_at_once(connection: CloudConnection, traffic: Traffic, tmp_path: Path) -> None:
    reader = VaultReader(connection, OWNER)
    resolver = SecretResolver(tmp_path, {}, reader.read)
    names = ["onboarding", "expired-secret", "disabled-application"] * 6
    values: dict[str, str] = {}

    def read(name: str) -> None:
        with Deadline(30).active(), Secrets().active():
            value = resolver.text(SecretReference(SecretStore.KEY_VAULT, f"{VAULT}/secrets/{name}"))
            assert redact(value) == "[redacted]"
            values[name] = value

    threads = [threading.Thread(target=read, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert values == {
        "onboarding": SECRET,
        "expired-secret": "sandbox-expired-secret",
        "disabled-application": "sandbox-disabled-application-secret",
    }
    # Each secret at most twice: with the challenge, and with the token.
    assert len(to_the_vault(traffic)) <= 6
    assert len([path for _, path in traffic.sent if path.endswith("/token")]) == 1


def test_the_first_secret_is_read_alone(connection: CloudConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    # The library completes its model classes then, without a lock.
    reader, send, is_alone = VaultReader(connection, OWNER), connection.pool.send, []

    def watched(request: PreparedRequest, **kwargs: Any) -> Response:
        if "/secrets/" in str(request.url):
            is_alone.append(reader._lock.locked())
        return send(request, **kwargs)

    monkeypatch.setattr(connection.pool, "send", watched)
    for _ in range(2):
        assert reader.read(URL) == SECRET
    # Each with the challenge and with the token, which the library keeps.
    assert is_alone == [True, True, False]


def test_an_account_without_access_is_named(connection: CloudConnection) -> None:
    reader = VaultReader(connection, Settings("sandbox", account="svc_approvers@contoso.com"))
    error = refusal(lambda: reader.read(URL), 6)
    assert isinstance(error, AccessDeniedError)
    place = "contoso-fleet.vault.sandbox.invalid"
    assert error.message == f"svc_approvers@contoso.com may not read the secret onboarding of {place}"
    assert "Key Vault Secrets User" in str(error.remedy)


@pytest.mark.parametrize("reason", ["ForbiddenByFirewall", "ForbiddenByConnection"])
def test_a_network_that_is_not_allowed_is_told(connection: CloudConnection, traffic: Traffic, reason: str) -> None:
    body = {"error": {"code": "Forbidden", "message": "Not allowed.", "innererror": {"code": reason}}}
    traffic.fail("GET", "/secrets", answer(403, body))
    error = refusal(lambda: VaultReader(connection, OWNER).read(URL), 6)
    assert error.remedy == "allow this network in the vault's firewall"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("retired", "the secret retired of contoso-fleet.vault.sandbox.invalid is disabled"),
        ("other", "there is no secret other of contoso-fleet.vault.sandbox.invalid"),
        (
            f"onboarding/{'0' * 32}",
            f"there is no secret onboarding, version {'0' * 32} of contoso-fleet.vault.sandbox.invalid",
        ),
    ],
)
def test_a_secret_that_there_is_not_is_named(connection: CloudConnection, path: str, message: str) -> None:
    assert refusal(lambda: VaultReader(connection, OWNER).read(f"{VAULT}/secrets/{path}"), 1).message == message


def test_a_vault_that_throttles_is_waited_for_and_then_given_up(connection: CloudConnection) -> None:
    Sandbox(home()).set("key-vault", "throttling")
    clock = Clock()
    with clock.deadline(25).active():
        error = refusal(lambda: VaultReader(connection, OWNER).read(URL), 7)
    assert clock.waits == [10.0, 10.0]
    assert error.message == "not finished within 25 seconds"


@pytest.mark.parametrize(
    "url",
    [
        "https://contoso-fleet.vault.azure.net/secrets/onboarding",
        "https://contoso-fleet.vault.sandbox.invalid.evil.example/secrets/onboarding",
        "https://vault.sandbox.invalid/secrets/onboarding",
        "https://a.contoso-fleet.vault.sandbox.invalid/secrets/onboarding",
        "https://contoso-fleet.vault.sandbox.invalid:8443/secrets/onboarding",
        "https://evil.example/secrets/onboarding",
    ],
)
def test_another_host_is_refused_before_anything_is_sent(
    connection: CloudConnection, traffic: Traffic, url: str
) -> None:
    error = refusal(lambda: VaultReader(connection, OWNER).read(url), 2)
    assert error.message == f"{url.partition('/secrets')[0]} is not a key vault of sandbox"
    assert error.cause == "its vaults are at NAME.vault.sandbox.invalid; nothing was sent"
    assert traffic.sent == []


@pytest.mark.parametrize(
    "url",
    [
        SECRET,
        "http://contoso-fleet.vault.sandbox.invalid/secrets/onboarding",
        "https://user:password@contoso-fleet.vault.sandbox.invalid/secrets/onboarding",
        "https://contoso-fleet.vault.sandbox.invalid\\.evil.example/secrets/onboarding",
        f"{VAULT}/secrets/",
        f"{VAULT}/keys/onboarding",
        f"{VAULT}/secrets/onboarding/1",
        f"{VAULT}/secrets/onboarding?api-version=7.0",
        f"{VAULT}/secrets/..%2fkeys",
    ],
)
def test_what_is_no_url_of_a_secret_is_refused_and_not_shown(
    connection: CloudConnection, traffic: Traffic, url: str
) -> None:
    error = refusal(lambda: VaultReader(connection, OWNER).read(url), 2)
    assert error.message == "a keyvault: reference is not the URL of a secret"
    assert url not in f"{error.message} {error.cause} {error.remedy}"
    assert traffic.sent == []


def test_a_cloud_without_a_domain_of_vaults_is_refused(
    connection: CloudConnection, monkeypatch: pytest.MonkeyPatch, traffic: Traffic
) -> None:
    metadata = {
        "authentication": {"loginEndpoint": "https://login.stack.example", "audiences": ["https://rm.stack.example"]}
    }
    cloud = cloud_from_metadata("https://rm.stack.example", metadata)
    monkeypatch.setattr(CloudConnection, "cloud", cloud)
    error = refusal(lambda: VaultReader(connection, Settings("https://rm.stack.example")).read(URL), 2)
    assert error.message.endswith("the cloud https://rm.stack.example names no domain of key vaults")
    assert traffic.sent == []


def test_without_the_extra_there_is_a_hint(
    connection: CloudConnection, monkeypatch: pytest.MonkeyPatch, traffic: Traffic
) -> None:
    monkeypatch.setitem(sys.modules, "azure.keyvault.secrets", None)
    error = refusal(lambda: VaultReader(connection, OWNER).read(URL), 2)
    assert error.message == "secrets in Key Vault cannot be read: azure-keyvault-secrets is not installed"
    assert error.command == "pip install 'pallink[keyvault]'"
    assert traffic.sent == []


def test_a_sign_in_that_failed_is_not_repeated(connection: CloudConnection, traffic: Traffic) -> None:
    reader = VaultReader(connection, Settings("sandbox", account="former@contoso.com"))
    first, second = (refusal(lambda: reader.read(URL), 4) for _ in range(2))
    assert first.message == second.message
    assert len(traffic.sent) == 1
    assert to_the_vault(traffic) == []


def answer(status: int, body: object, **headers: Any) -> Callable[..., Response]:
    return answering(status, json.dumps(body).encode(), **headers)


def challenge(tenant: str, resource: str) -> dict[str, str]:
    return {"WWW_Authenticate": f'Bearer authorization="https://sandbox.invalid/{tenant}", resource="{resource}"'}


@pytest.mark.parametrize(
    "resource",
    [
        "https://sandbox.invalid",  # verified by the library: a domain above the vault's
        "https://management.azure.com",
        "https://evil.example",
        "https://vault.azure.net",
    ],
)
def test_a_challenge_for_another_service_gets_no_token(
    connection: CloudConnection, traffic: Traffic, resource: str
) -> None:
    traffic.fail("GET", "/secrets", answer(401, {}, **challenge(CONTOSO, resource)))
    error = refusal(lambda: VaultReader(connection, OWNER).read(URL), 1)
    assert isinstance(error, UnexpectedAnswerError)
    assert error.message == f"{VAULT} asks for a token for another service than Key Vault"
    assert len(to_the_vault(traffic)) == 1


def test_a_vault_of_another_tenant_gets_no_token(connection: CloudConnection, traffic: Traffic) -> None:
    tenant = "cfea1764-3805-4abd-a169-4a8af158423d"
    headers = challenge(tenant, "https://vault.sandbox.invalid")
    traffic.fail("GET", "/secrets", answer(401, {}, **headers))
    error = refusal(lambda: VaultReader(connection, OWNER).read(URL), 4)
    assert isinstance(error, SignInError)
    assert error.message == f"the key vault {VAULT} is in another tenant than the account that reads it"
    assert error.cause == f"the vault is in {tenant}, and owner@contoso.com signed in to {CONTOSO}"
    assert len(to_the_vault(traffic)) == 1


@pytest.mark.parametrize("body", [{"value": ""}, {"value": None}, {}])
def test_a_response_without_a_value_is_an_error(
    connection: CloudConnection, traffic: Traffic, body: dict[str, Any]
) -> None:
    whole = {**body, "id": f"{URL}/{EARLIER}", "attributes": {"enabled": True}}
    traffic.fail("GET", "/secrets", answer(200, whole))
    error = refusal(lambda: VaultReader(connection, OWNER).read(URL), 1)
    assert error.message == "the secret onboarding of contoso-fleet.vault.sandbox.invalid has no value"


@pytest.mark.parametrize("body", [[], "text", {"value": SECRET, "id": 7}, None])
def test_an_invalid_response_does_not_show_the_secret(
    connection: CloudConnection, traffic: Traffic, body: object
) -> None:
    traffic.fail("GET", "/secrets", answer(200, body))
    refusal(lambda: VaultReader(connection, OWNER).read(URL), 1)


def test_a_redirect_is_not_followed(connection: CloudConnection, traffic: Traffic) -> None:
    traffic.fail("GET", "/secrets", answer(307, {}, Location="https://evil.example"))
    refusal(lambda: VaultReader(connection, OWNER).read(URL), 1)
    assert len(to_the_vault(traffic)) == 1


@pytest.mark.parametrize("value", [SECRET, "short"])
def test_debug_does_not_show_the_secret(caplog: pytest.LogCaptureFixture, traffic: Traffic, value: str) -> None:
    caplog.set_level(logging.DEBUG, "pallink")
    body = {"value": value, "id": f"{URL}/{EARLIER}", "attributes": {"enabled": True}}
    traffic.fail("GET", "/secrets", answer(200, body))
    with CloudConnection("sandbox") as connection:
        assert connection.pool.recorder is not None
        assert VaultReader(connection, OWNER).read(URL) == value
    assert "GET https://contoso-fleet.vault.sandbox.invalid/secrets/onboarding/" in caplog.text
    assert value not in caplog.text


def test_the_library_is_loaded_only_where_a_secret_is_read() -> None:
    assert "SecretClient" not in vars(azure_vault)
