"""How applications prove themselves without a secret, by the real classes and by assertions that do not hold."""

import json
import os
import stat
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import (
    AzurePipelinesCredential,
    CertificateCredential,
    ClientAssertionCredential,
    WorkloadIdentityCredential,
)
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pallink.sandbox import ORIGIN, Response, Sandbox, SandboxStateError
from pallink.sandbox.certificates import KeyPair, new_application_certificate, thumbprints
from pallink.sandbox.entra.federation import new_token
from pallink.sandbox.http.adapter import SandboxAdapter
from tests.sandbox.client import (
    CONTOSO,
    FABRIKAM,
    ONBOARDING,
    ONBOARDING_CLIENT,
    ONBOARDING_SECRET,
    SCOPE,
    Client,
    Clock,
    claims,
    document,
    entra_error_of,
    parsed,
)

TOKEN_ENDPOINT = f"{ORIGIN}/{CONTOSO}/oauth2/v2.0/token"
AUDIENCE = "api://AzureADTokenExchange"


# --- By the real classes ---------------------------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount(ORIGIN, SandboxAdapter(sandbox))
        yield session


@pytest.fixture
def options(session: requests.Session) -> dict[str, Any]:
    transport = RequestsTransport(session=session, session_owner=False)
    return {"authority": ORIGIN, "disable_instance_discovery": True, "transport": transport}


def certificate(variables: Mapping[str, str], options: dict[str, Any]) -> Any:
    path = variables["AZURE_CLIENT_CERTIFICATE_PATH"]
    return CertificateCredential(variables["AZURE_TENANT_ID"], variables["AZURE_CLIENT_ID"], path, **options)


def workload_identity(variables: Mapping[str, str], options: dict[str, Any]) -> Any:
    return WorkloadIdentityCredential(
        tenant_id=variables["AZURE_TENANT_ID"],
        client_id=variables["AZURE_CLIENT_ID"],
        token_file_path=variables["AZURE_FEDERATED_TOKEN_FILE"],
        **options,
    )


def github(variables: Mapping[str, str], options: dict[str, Any]) -> Any:
    def assertion() -> str:
        answer = options["transport"].session.get(
            f"{variables['ACTIONS_ID_TOKEN_REQUEST_URL']}&{urlencode({'audience': AUDIENCE})}",
            headers={"Authorization": f"Bearer {variables['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
        )
        return str(answer.json()["value"])

    return ClientAssertionCredential(variables["AZURE_TENANT_ID"], variables["AZURE_CLIENT_ID"], assertion, **options)


def azure_pipelines(variables: Mapping[str, str], options: dict[str, Any]) -> Any:
    return AzurePipelinesCredential(
        tenant_id=variables["AZURESUBSCRIPTION_TENANT_ID"],
        client_id=variables["AZURESUBSCRIPTION_CLIENT_ID"],
        service_connection_id=variables["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"],
        system_access_token=variables["SYSTEM_ACCESSTOKEN"],
        **options,
    )


METHODS = {
    "certificate": certificate,
    "workload-identity": workload_identity,
    "github": github,
    "azure-pipelines": azure_pipelines,
}


@pytest.mark.parametrize("method", METHODS)
def test_the_real_class_signs_in(
    method: str, sandbox: Sandbox, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = sandbox.environment(method)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    token = claims(METHODS[method](variables, options).get_token(SCOPE).token)

    assert (token["oid"], token["appid"], token["idtyp"]) == (ONBOARDING, ONBOARDING_CLIENT, "app")


@pytest.mark.parametrize("method", ["certificate", "workload-identity"])
def test_what_is_in_a_file_is_void_after_a_reset(method: str, sandbox: Sandbox, options: dict[str, Any]) -> None:
    credential = METHODS[method](sandbox.environment(method), options)
    sandbox.reset()
    with pytest.raises(ClientAuthenticationError, match=r"AADSTS(700027|50027)"):
        credential.get_token(SCOPE)


@pytest.mark.parametrize(("method", "name"), [("certificate", "CERTIFICATE_PATH"), ("workload-identity", "TOKEN_FILE")])
def test_what_is_written_is_for_nobody_else(sandbox: Sandbox, method: str, name: str) -> None:
    for _ in range(2):
        (file,) = [Path(value) for key, value in sandbox.environment(method).items() if name in key]
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.parent == sandbox.describe().path.parent


@pytest.mark.skipif(os.name != "posix", reason="Windows has access lists instead of modes")
@pytest.mark.parametrize("method", ["certificate", "workload-identity"])
def test_no_link_that_waits_for_a_file_is_followed(sandbox: Sandbox, tmp_path: Path, method: str) -> None:
    home = sandbox.describe().path.parent
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in ("application.pem", "workload-identity-token"):
        for suffix in ("", f".{os.getpid()}", ".tmp"):
            (home / f"{name}{suffix}").symlink_to(victim)
    sandbox.environment(method)
    assert victim.read_text() == "precious"


@pytest.mark.skipif(os.name != "posix", reason="Windows has access lists instead of modes")
def test_no_key_goes_into_a_folder_that_others_can_write(sandbox: Sandbox) -> None:
    home = sandbox.describe().path.parent
    home.chmod(0o770)
    with pytest.raises(SandboxStateError, match="can be changed by other users"):
        sandbox.environment("certificate")
    assert not list(home.glob("*.pem*"))


def test_the_variables_of_a_secret(sandbox: Sandbox) -> None:
    assert sandbox.environment("client-secret") == {
        "AZURE_TENANT_ID": CONTOSO,
        "AZURE_CLIENT_ID": ONBOARDING_CLIENT,
        "AZURE_CLIENT_SECRET": ONBOARDING_SECRET,
    }


def test_there_are_no_variables_for_anything_else(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="unknown sign-in method 'password': use one of client-secret, certificate, "):
        sandbox.environment("password")


def test_a_certificate_is_registered_for_an_application(sandbox: Sandbox, pair: KeyPair) -> None:
    sandbox.register_certificate(ONBOARDING_CLIENT.upper(), pair.private_key + pair.certificate)
    sandbox.register_certificate(ONBOARDING_CLIENT, pair.der)
    with pytest.raises(ValueError, match="no application with the client ID 'nobody'"):
        sandbox.register_certificate("nobody", pair.der)
    for nonsense in (b"", b"-----BEGIN nonsense", b"nonsense"):
        with pytest.raises(ValueError, match=r"."):
            sandbox.register_certificate(ONBOARDING_CLIENT, nonsense)


# --- Assertions that are refused -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return new_application_certificate("a test", now=Clock().now)


@pytest.fixture(scope="module")
def another_pair() -> KeyPair:
    return new_application_certificate("another", now=Clock().now)


def encoded(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(pair: KeyPair, header: dict[str, Any], payload: dict[str, Any]) -> str:
    """A token as an application makes it; it can be made wrong in every part."""
    text = f"{encoded(header)}.{encoded(payload)}"
    key: Any = load_pem_private_key(pair.private_key, None)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    scheme = pss if header.get("alg") == "PS256" else padding.PKCS1v15()
    return f"{text}.{encoded(key.sign(text.encode(), scheme, hashes.SHA256()))}"


def show(client: Client, assertion: str, tenant: str = CONTOSO, **form: str) -> Response:
    fields = {
        "grant_type": "client_credentials",
        "client_id": ONBOARDING_CLIENT,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
        "scope": SCOPE,
    }
    return client.ask_token(tenant, **{**fields, **form})


def own_claims(client: Client, **other: Any) -> dict[str, Any]:
    now = int(client.clock.now.timestamp())
    return {
        "aud": TOKEN_ENDPOINT,
        "iss": ONBOARDING_CLIENT,
        "sub": ONBOARDING_CLIENT,
        "nbf": now,
        "exp": now + 600,
        **other,
    }


@pytest.fixture
def by_certificate(client: Client, pair: KeyPair) -> Callable[..., Response]:
    client.sandbox.register_certificate(ONBOARDING_CLIENT, pair.certificate)

    def ask(payload: dict[str, Any] | None = None, signer: KeyPair = pair, **header: Any) -> Response:
        names = {"x5t#S256": thumbprints(pair.der)["x5t#S256"]}
        return show(client, signed(signer, {"alg": "PS256", **names, **header}, payload or own_claims(client)))

    return ask


def test_a_certificate_is_named_by_either_thumbprint(
    client: Client, by_certificate: Callable[..., Response], pair: KeyPair
) -> None:
    assert by_certificate().status == 200
    sha1 = thumbprints(pair.der)["x5t"]
    for algorithm in ("RS256", "PS256"):
        header = {"alg": algorithm, "x5t": sha1 + "="}  # msal pads it.
        assert show(client, signed(pair, header, own_claims(client))).status == 200
    assert by_certificate(own_claims(client, aud=f"{ORIGIN}/{CONTOSO}/v2.0")).status == 200
    upper = signed(
        pair, {"alg": "RS256", "x5t": sha1}, own_claims(client, aud=TOKEN_ENDPOINT.replace(CONTOSO, "contoso.com"))
    )
    assert show(client, upper, tenant="contoso.com").status == 200


def test_a_certificate_is_refused(
    client: Client, by_certificate: Callable[..., Response], another_pair: KeyPair
) -> None:
    refused = (401, "invalid_client")
    other = thumbprints(another_pair.der)
    assert entra_error_of(by_certificate(**{"x5t#S256": other["x5t#S256"]})) == (*refused, 700027)
    assert entra_error_of(by_certificate(x5t=other["x5t"])) == (*refused, 700027)
    assert entra_error_of(by_certificate(signer=another_pair)) == (*refused, 700027)
    assert entra_error_of(by_certificate(alg="RS512")) == (*refused, 700027)
    foreign = f"{ORIGIN}/{FABRIKAM}/oauth2/v2.0/token"
    assert entra_error_of(by_certificate(own_claims(client, aud=foreign))) == (*refused, 700023)
    assert entra_error_of(by_certificate(own_claims(client, sub="somebody"))) == (*refused, 700021)
    assert entra_error_of(by_certificate(own_claims(client, iss="somebody"))) == (*refused, 700021)
    for times in ({"exp": "soon"}, {"exp": 10**20}, {"nbf": None}):
        assert entra_error_of(by_certificate(own_claims(client, **times))) == (*refused, 50027)


def test_an_assertion_has_its_time(client: Client, by_certificate: Callable[..., Response]) -> None:
    old, early = own_claims(client), own_claims(client)
    early["nbf"] += 301
    assert entra_error_of(by_certificate(early)) == (401, "invalid_client", 700024)
    client.clock.advance(timedelta(seconds=899))
    assert by_certificate(old).status == 200
    client.clock.advance(timedelta(seconds=1))
    assert entra_error_of(by_certificate(old)) == (401, "invalid_client", 700024)


def test_a_certificate_expires(client: Client, by_certificate: Callable[..., Response]) -> None:
    client.clock.advance(timedelta(days=824))
    response = by_certificate(own_claims(client))
    assert entra_error_of(response)[2] == 700027
    assert "[Reason - The key used is expired." in parsed(response)["error_description"]


@pytest.mark.parametrize(
    "assertion", ["", "a", "a.b", "a.b.c", "é.é.é", "W10.W10.", "bnVsbA.bnVsbA.", "..", "e30.e30.e30"]
)
def test_what_is_no_assertion_is_refused(client: Client, assertion: str) -> None:
    status, error, number = entra_error_of(show(client, assertion))
    assert (status, error) == (401, "invalid_client")
    assert number in {50027, 700211}


def test_the_type_of_an_assertion_has_to_be_said(client: Client) -> None:
    assert entra_error_of(show(client, "a.b.c", client_assertion_type=""))[2] == 900144


def test_an_application_of_its_own_names_a_certificate(client: Client, pair: KeyPair) -> None:
    assert entra_error_of(show(client, signed(pair, {"alg": "RS256"}, own_claims(client))))[2] == 50027


# --- Tokens of others ------------------------------------------------------------------------------------------------


def github_answer(client: Client, query: str = "&audience=api://AzureADTokenExchange", bearer: str = "") -> Response:
    variables = client.sandbox.environment("github")
    url = variables["ACTIONS_ID_TOKEN_REQUEST_URL"].removeprefix(ORIGIN)
    token = bearer or variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    return client.send("GET", url + query, headers={"authorization": f"Bearer {token}"})


def test_github_says_which_job_it_is(client: Client) -> None:
    token = claims(document(github_answer(client))["value"])
    assert token["iss"] == "https://token.actions.githubusercontent.com"
    assert token["sub"] == "repo:contoso/onboarding:ref:refs/heads/main"
    assert (token["aud"], token["exp"] - token["iat"]) == (AUDIENCE, 300)
    assert claims(document(github_answer(client, ""))["value"])["aud"] == "https://github.com/contoso"


def test_github_wants_its_own_token(client: Client) -> None:
    assert github_answer(client, bearer="another").status == 401
    path = client.sandbox.environment("github")["ACTIONS_ID_TOKEN_REQUEST_URL"].removeprefix(ORIGIN)
    assert client.send("GET", path).status == 401
    assert client.send("POST", path).status == 405


def test_a_token_of_github_expires(client: Client) -> None:
    token = document(github_answer(client))["value"]
    assert show(client, token).status == 200
    client.clock.advance(timedelta(seconds=600))  # Its own five minutes, and five of tolerance.
    assert entra_error_of(show(client, token)) == (401, "invalid_client", 700024)


def test_a_token_for_another_audience_is_refused(client: Client) -> None:
    token = document(github_answer(client, ""))["value"]
    assert entra_error_of(show(client, token)) == (401, "invalid_client", 700212)


def test_a_token_of_another_job_is_refused(client: Client) -> None:
    with client.sandbox._store.transaction() as state:
        issuer, key = state.world.token_issuer("github"), state.signing_key
    now = int(client.clock.now.timestamp())
    another = replace(issuer, subject="repo:contoso/onboarding:pull_request")
    token = new_token(another, key, audience=AUDIENCE, issued_on=now)
    forged = new_token(issuer, b"another key", audience=AUDIENCE, issued_on=now)

    assert entra_error_of(show(client, token)) == (401, "invalid_client", 700213)
    assert entra_error_of(show(client, forged)) == (401, "invalid_client", 50027)
    unknown = new_token(replace(issuer, issuer="https://example.com"), key, audience=AUDIENCE, issued_on=now)
    assert entra_error_of(show(client, unknown)) == (401, "invalid_client", 700211)


def azure_pipelines_answer(client: Client, method: str = "POST", path: str = "", **headers: str) -> Response:
    variables = client.sandbox.environment("azure-pipelines")
    connection = variables["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"]
    path = path or f"?api-version=7.1&serviceConnectionId={connection}"
    given = {"authorization": f"Bearer {variables['SYSTEM_ACCESSTOKEN']}", **headers}
    return client.send(method, variables["SYSTEM_OIDCREQUESTURI"].removeprefix(ORIGIN) + path, headers=given)


def test_azure_pipelines_says_which_service_connection_it_is(client: Client) -> None:
    token = claims(document(azure_pipelines_answer(client))["oidcToken"])
    assert token["sub"] == "sc://contoso/onboarding/partner-link"
    assert token["iss"].startswith("https://vstoken.dev.azure.com/")


def test_azure_pipelines_refuses(client: Client) -> None:
    assert azure_pipelines_answer(client, "GET").status == 405
    assert azure_pipelines_answer(client, path="?api-version=7.1&serviceConnectionId=another").status == 404
    assert azure_pipelines_answer(client, path="?serviceConnectionId=another").status == 400
    assert azure_pipelines_answer(client, authorization="Bearer another").status == 302
    suppressed = {"authorization": "Bearer another", "X-TFS-FedAuthRedirect": "Suppress"}
    assert azure_pipelines_answer(client, **suppressed).status == 401


def test_a_token_of_others_opens_nothing_by_itself(client: Client) -> None:
    token = document(github_answer(client, "&audience=https://management.azure.com"))["value"]
    headers = {"authorization": f"Bearer {token}"}
    assert client.send("GET", "/subscriptions?api-version=2022-12-01", headers=headers).status == 401
