"""Managed identities, as a virtual machine and as App Service ask for them; the real class too."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential
from msal import managed_identity as msal_managed_identity  # type: ignore[import-untyped]

from pallink.sandbox import IMDS_ORIGIN, ORIGIN, Response, Sandbox
from pallink.sandbox.entra.managed_identity import ARC_PATH, CLOUD_SHELL_PATH
from pallink.sandbox.http.adapter import SandboxAdapter
from tests.sandbox.client import CONTOSO, SCOPE, Caller, Client, claims, document, parsed

PORTAL = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"
RESOURCE = ORIGIN
BUILD_AGENT = "d793c792-e3f1-4fc6-9b92-3a226c6952cc"
PARTNER_LINK = "8f9a1347-d810-4f92-ba97-c4cdba4b6d5f"
PARTNER_LINK_OBJECT = "e2abdf35-8411-4627-b4ac-1d120c41611a"
IDENTITIES = "/subscriptions/738477cd-6b20-448f-9a34-9d5592cff509/resourcegroups/automation/providers"
PARTNER_LINK_RESOURCE = f"{IDENTITIES}/Microsoft.ManagedIdentity/userAssignedIdentities/partner-link"


def imds(client: Client, headers: dict[str, str] | None = None, method: str = "GET", **query: str) -> Response:
    fields = {"api-version": "2018-02-01", "resource": ORIGIN, **query}
    path = f"/metadata/identity/oauth2/token?{urlencode(fields)}"
    return client.send(method, path, headers={"Metadata": "true"} if headers is None else headers, origin=IMDS_ORIGIN)


def app_service(client: Client, header: str = "sandbox-identity-header", **query: str) -> Response:
    fields = {"api-version": "2019-08-01", "resource": ORIGIN, **query}
    return client.send("GET", f"/msi/token?{urlencode(fields)}", headers={"x-identity-header": header})


def test_a_machine_has_an_identity(client: Client) -> None:
    answer = document(imds(client))

    assert (answer["client_id"], answer["resource"], answer["token_type"]) == (BUILD_AGENT, ORIGIN, "Bearer")
    token = claims(answer["access_token"])
    assert (token["idtyp"], token["appid"], token["tid"]) == ("app", BUILD_AGENT, CONTOSO)
    assert token["xms_mirid"].endswith("/virtualMachines/build-agent")
    assert (token["iss"], token["aud"]) == (f"{ORIGIN}/{CONTOSO}/", ORIGIN)
    assert answer["expires_in"] == "86400"
    assert answer["expires_on"] == str(token["exp"])


@pytest.mark.parametrize(
    "selector",
    [
        {"client_id": PARTNER_LINK.upper()},
        {"object_id": PARTNER_LINK_OBJECT},
        {"msi_res_id": PARTNER_LINK_RESOURCE},
        {"mi_res_id": PARTNER_LINK_RESOURCE.upper()},
    ],
)
def test_a_user_assigned_identity_is_named(client: Client, selector: dict[str, str]) -> None:
    for answer in (document(imds(client, None, "GET", **selector)), document(app_service(client, **selector))):
        token = claims(answer["access_token"])
        assert (token["oid"], token["appid"]) == (PARTNER_LINK_OBJECT, PARTNER_LINK)
        assert token["xms_mirid"] == PARTNER_LINK_RESOURCE


@pytest.mark.parametrize(
    ("resource", "issuer"),
    [
        ("https://management.azure.com", ORIGIN),
        ("https://management.azure.com/", ORIGIN),
        (f"{ORIGIN}/", ORIGIN),
        ("https://localhost:8443", "https://localhost:8443"),
        ("https://127.0.0.1:1/", "https://127.0.0.1:1"),
    ],
)
def test_the_resource_becomes_the_audience(client: Client, resource: str, issuer: str) -> None:
    token = claims(document(imds(client, resource=resource))["access_token"])
    assert (token["aud"], token["iss"]) == (resource, f"{issuer}/{CONTOSO}/")


@pytest.mark.parametrize(
    ("query", "headers", "error"),
    [
        ({}, {}, "bad_request_102"),
        ({}, {"Metadata": "true", "X-Forwarded-For": "10.0.0.1"}, "bad_request_102"),
        ({"api-version": "1"}, None, "invalid_request"),
        ({"resource": ""}, None, "invalid_request"),
        ({"resource": "https://graph.microsoft.com"}, None, "invalid_resource"),
        ({"resource": "https://["}, None, "invalid_resource"),
        ({"client_id": CONTOSO}, None, "invalid_request"),
    ],
)
def test_the_metadata_service_refuses(
    client: Client, query: dict[str, str], headers: dict[str, str] | None, error: str
) -> None:
    response = imds(client, headers, **query)
    assert (response.status, parsed(response)["error"]) == (400, error)
    assert parsed(response)["error_description"]


def test_other_methods_and_other_headers_are_refused(client: Client) -> None:
    assert imds(client, method="POST").status == 405
    assert app_service(client, "another").status == 401
    response = app_service(client, client_id=CONTOSO)
    assert (response.status, parsed(response)["message"]) == (400, "Identity not found")


def test_a_machine_without_an_identity(client: Client) -> None:
    client.sandbox.set("managed-identity", "none")
    assert parsed(imds(client))["error_description"] == "Identity not found"
    assert imds(client, client_id=PARTNER_LINK).status == 400


def test_a_managed_identity_links_itself(client: Client) -> None:
    caller = Caller(client, document(imds(client))["access_token"])
    properties = document(caller.partners("PUT", "719878"))["properties"]
    assert properties["objectId"] == "f36e3ad5-ed22-4bd2-b4f7-a0fc6de52e25"


def test_it_has_no_secret_to_sign_in_with(client: Client) -> None:
    assert client.application_token(client_id=BUILD_AGENT).status == 400


def test_how_long_a_token_is_good_for_can_be_chosen(client: Client) -> None:
    client.sandbox.set("token-lifetime", "60")
    assert document(imds(client))["expires_in"] == "60"
    answer = document(client.application_token())
    token = claims(answer["access_token"])
    assert answer["expires_in"] == token["exp"] - token["iat"] == 60


# --- The real class --------------------------------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


@pytest.fixture
def options(sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    with requests.Session() as session:
        session.trust_env = False
        for origin in (ORIGIN, IMDS_ORIGIN):
            session.mount(origin, SandboxAdapter(sandbox))
        yield {"transport": RequestsTransport(session=session, session_owner=False), "retry_total": 0}


def test_the_real_class_on_a_machine(options: dict[str, Any]) -> None:
    assert claims(ManagedIdentityCredential(**options).get_token(SCOPE).token)["appid"] == BUILD_AGENT
    user_assigned = ManagedIdentityCredential(client_id=PARTNER_LINK, **options)
    assert claims(user_assigned.get_token(SCOPE).token)["appid"] == PARTNER_LINK


@pytest.mark.parametrize("method", ["managed-identity", "app-service", "azure-arc", "cloud-shell"])
def test_the_real_class_by_its_variables(
    sandbox: Sandbox, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    variables = sandbox.environment(method)
    folder = str(sandbox.describe().path.parent)
    monkeypatch.setitem(msal_managed_identity._supported_arc_platforms_and_their_prefixes, sys.platform, folder)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = ManagedIdentityCredential(client_id=variables.get("AZURE_CLIENT_ID"), **options)
    token = claims(found.get_token(SCOPE).token)
    expected = {"managed-identity": PARTNER_LINK, "cloud-shell": PORTAL}
    assert token["appid"] == expected.get(method, BUILD_AGENT)


def test_the_real_class_by_another_address(
    sandbox: Sandbox, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = sandbox.environment("managed-identity", origin="https://localhost:8443")
    assert variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] == "https://localhost:8443"
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", ORIGIN)
    assert claims(ManagedIdentityCredential(**options).get_token(SCOPE).token)["appid"] == BUILD_AGENT


def test_the_real_class_without_an_identity(sandbox: Sandbox, options: dict[str, Any]) -> None:
    sandbox.set("managed-identity", "none")
    with pytest.raises((ClientAuthenticationError, CredentialUnavailableError), match="Identity not found"):
        ManagedIdentityCredential(**options).get_token(SCOPE)


# --- Azure Arc and Cloud Shell ---------------------------------------------------------------------------------------


def arc(client: Client, *, authorization: str | None = None, version: str = "2020-06-01") -> Response:
    headers = {"Metadata": "true"} | ({"Authorization": authorization} if authorization else {})
    return client.send("GET", f"{ARC_PATH}?api-version={version}&resource={RESOURCE}", headers=headers)


def test_azure_arc_wants_the_content_of_the_file_that_it_names(client: Client) -> None:
    client.sandbox.environment("azure-arc")
    challenge = arc(client)
    assert challenge.status == 401
    file = Path(challenge.headers["WWW-Authenticate"].removeprefix("Basic realm="))
    assert arc(client, authorization="Basic another").status == 401
    token = claims(document(arc(client, authorization=f"Basic {file.read_text()}"))["access_token"])
    assert token["appid"] == BUILD_AGENT
    assert arc(client, version="2018-02-01").status == 400
    assert client.send("GET", f"{ARC_PATH}?api-version=2020-06-01&resource={RESOURCE}").status == 400


def cloud_shell(client: Client, resource: str = RESOURCE, *, method: str = "POST", metadata: str = "true") -> Response:
    return client.send(method, CLOUD_SHELL_PATH, body=f"resource={resource}".encode(), headers={"Metadata": metadata})


def test_cloud_shell_has_the_token_of_the_default_account(client: Client) -> None:
    answer = document(cloud_shell(client))
    token = claims(answer["access_token"])
    assert (token["upn"], token["appid"], token["idtyp"]) == ("invoices@contoso.com", PORTAL, "user")
    assert answer["expires_on"] == str(token["exp"])
    assert cloud_shell(client, method="GET").status == 405
    assert cloud_shell(client, metadata="").status == 400
    refused = cloud_shell(client, "https://other.example")
    assert (refused.status, parsed(refused)["error"]["code"]) == (400, "invalid_resource")
