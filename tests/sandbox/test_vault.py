"""Key Vault: who may read which secret, and the errors that the service documents."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient

from pallink.sandbox import ORIGIN, Response, Sandbox
from pallink.sandbox.http.adapter import SandboxAdapter
from pallink.sandbox.http.server import SandboxServer
from tests.sandbox.client import (
    CONTOSO,
    FABRIKAM,
    ONBOARDING_CLIENT,
    ONBOARDING_SECRET,
    Caller,
    Client,
    document,
    parsed,
)

VAULT = "https://contoso-fleet.vault.sandbox.invalid"
AUDIENCE = "https://vault.sandbox.invalid"
EARLIER = "0b7f3c1d9a5e4f62b8d04c7ae15f9d21"


def reader(client: Client, hint: str = "owner@contoso.com", audience: str = AUDIENCE, tenant: str = CONTOSO) -> Caller:
    scope = f"{audience}/.default"
    code = client.authorize(tenant, login_hint=hint, scope=scope)["code"]
    return Caller(client, document(client.redeem(code, tenant, scope=scope))["access_token"])


def read(caller: Caller, path: str, version: str = "7.4") -> Response:
    return caller.send("GET", f"{path}?api-version={version}", origin=VAULT)


def error_of(response: Response) -> tuple[int, str, str | None]:
    error = parsed(response)["error"]
    assert error["message"]
    return response.status, error["code"], error.get("innererror", {}).get("code")


@pytest.mark.parametrize("audience", [AUDIENCE, "https://vault.azure.net", "https://vault.azure.net/"])
def test_a_reader_gets_the_current_version(client: Client, audience: str) -> None:
    response = read(reader(client, audience=audience), "/secrets/onboarding")
    bundle = document(response)
    assert bundle["value"] == ONBOARDING_SECRET
    assert bundle["id"].startswith(f"{VAULT}/secrets/onboarding/")
    assert bundle["attributes"]["enabled"] is True
    assert response.headers["x-ms-request-id"]


def test_a_version_is_read_by_its_id(client: Client) -> None:
    owner = reader(client)
    current = document(read(owner, "/secrets/onboarding/"))["id"].rpartition("/")[2]
    assert document(read(owner, f"/secrets/Onboarding/{current}"))["value"] == ONBOARDING_SECRET
    assert document(read(owner, f"/secrets/onboarding/{EARLIER}"))["value"].endswith("-before-its-renewal")


def test_each_application_has_its_secret_there(client: Client) -> None:
    owner = reader(client)
    for account in client.sandbox.describe().accounts:
        if account.client_secret:
            assert document(read(owner, f"/secrets/{account.display_name}"))["value"] == account.client_secret


def test_without_a_token_there_is_the_challenge(client: Client) -> None:
    response = client.send("GET", "/secrets/onboarding?api-version=7.4", origin=VAULT)
    assert error_of(response) == (401, "Unauthorized", None)
    challenge = f'Bearer authorization="{ORIGIN}/{CONTOSO}", resource="{AUDIENCE}"'
    assert response.headers["WWW-Authenticate"] == challenge


def test_a_token_for_resource_manager_is_refused(client: Client) -> None:
    response = read(client.caller("owner@contoso.com"), "/secrets/onboarding")
    assert error_of(response) == (401, "Unauthorized", None)
    assert "AKV10022" in response.body.decode()
    assert "WWW-Authenticate" in response.headers


def test_resource_manager_refuses_a_token_for_the_vault(client: Client) -> None:
    response = reader(client).send("GET", "/subscriptions?api-version=2022-12-01")
    assert response.status == 401


def test_a_token_of_another_tenant_is_refused(client: Client) -> None:
    response = read(reader(client, "invoices@contoso.com", tenant=FABRIKAM), "/secrets/onboarding")
    assert error_of(response) == (401, "Unauthorized", None)
    assert "AKV10032" in response.body.decode()


@pytest.mark.parametrize("token", ["nonsense", ""])
def test_an_invalid_token_is_refused(client: Client, token: str) -> None:
    assert error_of(read(Caller(client, token), "/secrets/onboarding")) == (401, "Unauthorized", None)


def test_an_expired_token_is_refused(client: Client) -> None:
    owner = reader(client)
    client.clock.advance(timedelta(hours=1))
    assert error_of(read(owner, "/secrets/onboarding")) == (401, "Unauthorized", None)


@pytest.mark.parametrize("name", ["onboarding", "no-such-secret"])
def test_an_account_without_access_learns_nothing(client: Client, name: str) -> None:
    response = read(reader(client, "svc_approvers@contoso.com"), f"/secrets/{name}")
    assert error_of(response) == (403, "Forbidden", "ForbiddenByRbac")


@pytest.mark.parametrize(
    ("path", "version", "error"),
    [
        ("/secrets/retired", "7.4", (403, "Forbidden", "SecretDisabled")),
        ("/secrets/no-such-secret", "7.4", (404, "SecretNotFound", None)),
        (f"/secrets/onboarding/{'0' * 32}", "7.4", (404, "SecretNotFound", None)),
        ("/secrets/onboarding", "", (400, "BadParameter", None)),
        ("/secrets/onboarding", "1.0", (400, "BadParameter", None)),
        ("/secrets", "7.4", (404, "NotFound", None)),
        ("/keys/onboarding", "7.4", (404, "NotFound", None)),
    ],
)
def test_what_it_does_not_have_is_an_error(
    client: Client, path: str, version: str, error: tuple[int, str, str | None]
) -> None:
    assert error_of(read(reader(client), path, version)) == error


def test_a_secret_can_only_be_read(client: Client) -> None:
    response = reader(client).send("PUT", "/secrets/onboarding?api-version=7.4", body=b"{}", origin=VAULT)
    assert error_of(response) == (405, "MethodNotAllowed", None)


def test_an_unknown_vault_is_an_error(client: Client) -> None:
    response = client.send("GET", "/secrets/a?api-version=7.4", origin="https://other.vault.sandbox.invalid")
    assert error_of(response) == (404, "VaultNotFound", None)


def test_it_throttles(client: Client) -> None:
    client.sandbox.set("key-vault", "throttling")
    response = client.send("GET", "/secrets/onboarding?api-version=7.4", origin=VAULT)
    assert error_of(response) == (429, "Throttled", None)
    assert response.headers["Retry-After"] == "10"


def test_a_managed_identity_reads(client: Client) -> None:
    path = f"/metadata/identity/oauth2/token?api-version=2018-02-01&resource={AUDIENCE}"
    response = client.send("GET", path, headers={"Metadata": "true"}, origin="http://169.254.169.254")
    caller = Caller(client, document(response)["access_token"])
    assert document(read(caller, "/secrets/onboarding"))["value"] == ONBOARDING_SECRET


def test_the_metadata_names_the_domain_of_vaults(client: Client) -> None:
    metadata = document(client.send("GET", "/metadata/endpoints?api-version=2022-09-01"))
    assert metadata["suffixes"] == {"keyVaultDns": "vault.sandbox.invalid"}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        for origin in (ORIGIN, VAULT):
            session.mount(origin, SandboxAdapter(Sandbox(tmp_path)))
        yield session


def secrets(session: requests.Session, secret: str = ONBOARDING_SECRET) -> SecretClient:
    transport: Any = RequestsTransport(session=session, session_owner=False)
    credential = ClientSecretCredential(
        CONTOSO, ONBOARDING_CLIENT, secret, authority=ORIGIN, disable_instance_discovery=True, transport=transport
    )
    return SecretClient(VAULT, credential, transport=transport, retry_total=0)


def test_microsofts_client_reads(session: requests.Session) -> None:
    client = secrets(session)
    found = client.get_secret("onboarding")
    assert (found.name, found.value) == ("onboarding", ONBOARDING_SECRET)
    assert client.get_secret("onboarding", EARLIER).properties.version == EARLIER
    with pytest.raises(ResourceNotFoundError):
        client.get_secret("no-such-secret")
    with pytest.raises(HttpResponseError) as disabled:
        client.get_secret("retired")
    assert disabled.value.status_code == 403


def test_microsofts_client_needs_the_right_secret(session: requests.Session) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        secrets(session, "wrong").get_secret("onboarding")


def test_it_is_served_on_loopback(tmp_path: Path) -> None:
    """By its own name, which the certificate is for; the test need not resolve it."""
    with SandboxServer(Sandbox(tmp_path)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        port = int(server.origin.rpartition(":")[2])
        host = "contoso-fleet.vault.localhost"
        context = ssl.create_default_context(cafile=str(server.authority))
        connection = http.client.HTTPSConnection(host, port, context=context)
        with socket.create_connection(("127.0.0.1", port)) as plain:
            connection.sock = context.wrap_socket(plain, server_hostname=host)
            connection.request("GET", "/secrets/onboarding?api-version=7.4")
            response = connection.getresponse()
            body = json.loads(response.read())
            connection.close()
        server.stop()
        thread.join()
    assert (response.status, body["error"]["code"]) == (401, "Unauthorized")
    challenge = f'Bearer authorization="{server.origin}/{CONTOSO}", resource="https://vault.localhost:{port}"'
    assert response.headers["WWW-Authenticate"] == challenge
