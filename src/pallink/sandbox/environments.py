"""What a program's environment has to say for it to sign in, in the variables of azure-identity and CI systems."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pallink.sandbox import certificates
from pallink.sandbox.entra import federation, managed_identity
from pallink.sandbox.names import ORIGIN
from pallink.sandbox.state.files import write_private
from pallink.sandbox.state.store import State
from pallink.sandbox.state.world import Account, AccountKind


@dataclass(frozen=True, slots=True)
class _Wish:
    state: State
    path: Path
    origin: str
    now: datetime

    def application(self, method: str) -> Account:
        """Returns the first application that can sign in like this."""
        issuers = {issuer.name for issuer in self.state.world.token_issuers}
        for tenant in self.state.world.tenants:
            for account in tenant.accounts:
                trusted = {each.name for each in account.federated_credentials}
                if account.kind is AccountKind.SERVICE_PRINCIPAL and (method not in issuers or method in trusted):
                    return account
        raise ValueError(f"No application of the sandbox's can sign in by {method}.")

    def write(self, name: str, content: bytes) -> str:
        """Writes a file for the user alone, beside the sandbox's own, and returns its path."""
        file = self.path.with_name(name)
        write_private(file, content)
        return str(file)


def environment(state: State, path: Path, method: str, *, origin: str, now: datetime) -> dict[str, str]:
    """Returns the variables for one way to sign in; see `Sandbox.environment`.

    Raises:
        ValueError: There is no such way.
        SandboxStateError: A file cannot be written.
    """
    if method not in _MAKERS:
        raise ValueError(f"'{method}' is no way to sign in by variables: there are {', '.join(_MAKERS)}.")
    return _MAKERS[method](_Wish(state, path, origin, now))


def register_certificate(state: State, client_id: str, certificate: bytes) -> None:
    """Registers a certificate; see `Sandbox.register_certificate`.

    Raises:
        ValueError: It is no certificate, or there is no such application.
    """
    if not any(tenant.application(client_id) for tenant in state.world.tenants):
        raise ValueError(f"The world knows no application with the client ID '{client_id}'.")
    state.register_certificate(client_id.lower(), certificates.to_der(certificate))


def _application(wish: _Wish, method: str) -> dict[str, str]:
    application = wish.application(method)
    return {"AZURE_TENANT_ID": application.tenant_id, "AZURE_CLIENT_ID": application.name}


def _client_secret(wish: _Wish) -> dict[str, str]:
    secret = wish.application("client-secret").client_secret or ""
    return {**_application(wish, "client-secret"), "AZURE_CLIENT_SECRET": secret}


def _certificate(wish: _Wish) -> dict[str, str]:
    variables = _application(wish, "certificate")
    pair = certificates.new_application_certificate(wish.application("certificate").display_name, now=wish.now)
    wish.state.register_certificate(variables["AZURE_CLIENT_ID"], pair.der)
    file = wish.write("application.pem", pair.private_key + pair.certificate)
    return {**variables, "AZURE_CLIENT_CERTIFICATE_PATH": file}


def _workload_identity(wish: _Wish) -> dict[str, str]:
    token = federation.new_token(
        wish.state.world.token_issuer("workload-identity"),
        wish.state.signing_key,
        audience=federation.AUDIENCE,
        issued_on=int(wish.now.timestamp()),
    )
    file = wish.write("workload-identity-token", token.encode())
    return {**_application(wish, "workload-identity"), "AZURE_FEDERATED_TOKEN_FILE": file}


def _github(wish: _Wish) -> dict[str, str]:
    return {
        **_application(wish, "github"),
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{wish.origin}{federation.GITHUB_PATH}?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": wish.state.world.token_issuer("github").request_token or "",
    }


def _azure_pipelines(wish: _Wish) -> dict[str, str]:
    application = _application(wish, "azure-pipelines")
    issuer = wish.state.world.token_issuer("azure-pipelines")
    return {
        "TF_BUILD": "True",
        "SYSTEM_OIDCREQUESTURI": f"{wish.origin}{federation.AZURE_PIPELINES_PATH}",
        "SYSTEM_ACCESSTOKEN": issuer.request_token or "",
        "AZURESUBSCRIPTION_TENANT_ID": application["AZURE_TENANT_ID"],
        "AZURESUBSCRIPTION_CLIENT_ID": application["AZURE_CLIENT_ID"],
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": issuer.service_connection_id or "",
    }


def _managed_identity(wish: _Wish) -> dict[str, str]:
    world = wish.state.world
    user_assigned = next(
        account
        for tenant in world.tenants
        for account in tenant.accounts
        if account.kind is AccountKind.MANAGED_IDENTITY and not account.is_system_assigned
    )
    variables = {"AZURE_CLIENT_ID": user_assigned.name}
    if wish.origin == ORIGIN:
        return variables  # In process the adapter stands in for the machine's own address.
    return {**variables, "AZURE_POD_IDENTITY_AUTHORITY_HOST": wish.origin}


def _app_service(wish: _Wish) -> dict[str, str]:
    return {
        "IDENTITY_ENDPOINT": f"{wish.origin}{managed_identity.IDENTITY_PATH}",
        "IDENTITY_HEADER": managed_identity.IDENTITY_HEADER,
    }


_MAKERS: Mapping[str, Callable[[_Wish], dict[str, str]]] = {
    "client-secret": _client_secret,
    "certificate": _certificate,
    "workload-identity": _workload_identity,
    "github": _github,
    "azure-pipelines": _azure_pipelines,
    "managed-identity": _managed_identity,
    "app-service": _app_service,
}
