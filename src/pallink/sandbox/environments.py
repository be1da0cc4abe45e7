"""Environment variables to sign in to the sandbox with, as azure-identity and CI systems name them."""

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
class _Context:
    state: State
    path: Path
    origin: str
    now: datetime

    def application(self, method: str) -> Account:
        """Return the first application that can sign in with a method.

        Raises:
            ValueError: No application can.
        """
        issuers = {issuer.name for issuer in self.state.world.token_issuers}
        for tenant in self.state.world.tenants:
            for account in tenant.accounts:
                trusted = {credential.name for credential in account.federated_credentials}
                if account.kind is AccountKind.SERVICE_PRINCIPAL and (method not in issuers or method in trusted):
                    return account
        raise ValueError(f"the sandbox has no application that can sign in with {method}")

    def write(self, name: str, content: bytes) -> str:
        """Write a file that only the current user can read, beside the sandbox's file, and return its path."""
        file = self.path.with_name(name)
        write_private(file, content)
        return str(file)


def build_environment(state: State, path: Path, method: str, *, origin: str, now: datetime) -> dict[str, str]:
    """Return the variables for a sign-in method; see `Sandbox.environment`.

    Raises:
        ValueError: The method is unknown.
        SandboxStateError: A file cannot be written.
    """
    if method not in _BUILDERS:
        raise ValueError(f"unknown sign-in method '{method}': use one of {', '.join(_BUILDERS)}")
    return _BUILDERS[method](_Context(state, path, origin, now))


def register_certificate(state: State, client_id: str, certificate: bytes) -> None:
    """Register a certificate for an application; see `Sandbox.register_certificate`.

    Raises:
        ValueError: The certificate is invalid, or the application is unknown.
    """
    if not any(tenant.application(client_id) for tenant in state.world.tenants):
        raise ValueError(f"the sandbox has no application with the client ID '{client_id}'")
    state.register_certificate(client_id.lower(), certificates.to_der(certificate))


def _application(context: _Context, method: str) -> dict[str, str]:
    application = context.application(method)
    return {"AZURE_TENANT_ID": application.tenant_id, "AZURE_CLIENT_ID": application.name}


def _client_secret(context: _Context) -> dict[str, str]:
    secret = context.application("client-secret").client_secret or ""
    return {**_application(context, "client-secret"), "AZURE_CLIENT_SECRET": secret}


def _certificate(context: _Context) -> dict[str, str]:
    variables = _application(context, "certificate")
    pair = certificates.new_application_certificate(context.application("certificate").display_name, now=context.now)
    context.state.register_certificate(variables["AZURE_CLIENT_ID"], pair.der)
    file = context.write("application.pem", pair.private_key + pair.certificate)
    return {**variables, "AZURE_CLIENT_CERTIFICATE_PATH": file}


def _workload_identity(context: _Context) -> dict[str, str]:
    token = federation.new_token(
        context.state.world.token_issuer("workload-identity"),
        context.state.signing_key,
        audience=federation.AUDIENCE,
        issued_on=int(context.now.timestamp()),
    )
    file = context.write("workload-identity-token", token.encode())
    return {**_application(context, "workload-identity"), "AZURE_FEDERATED_TOKEN_FILE": file}


def _github(context: _Context) -> dict[str, str]:
    return {
        **_application(context, "github"),
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{context.origin}{federation.GITHUB_PATH}?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": context.state.world.token_issuer("github").request_token or "",
    }


def _azure_pipelines(context: _Context) -> dict[str, str]:
    application = _application(context, "azure-pipelines")
    issuer = context.state.world.token_issuer("azure-pipelines")
    return {
        "TF_BUILD": "True",
        "SYSTEM_OIDCREQUESTURI": f"{context.origin}{federation.AZURE_PIPELINES_PATH}",
        "SYSTEM_ACCESSTOKEN": issuer.request_token or "",
        "AZURESUBSCRIPTION_TENANT_ID": application["AZURE_TENANT_ID"],
        "AZURESUBSCRIPTION_CLIENT_ID": application["AZURE_CLIENT_ID"],
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": issuer.service_connection_id or "",
    }


def _managed_identity(context: _Context) -> dict[str, str]:
    identities = context.state.world.managed_identities
    user_assigned = next(account for account in identities if not account.is_system_assigned)
    variables = {"AZURE_CLIENT_ID": user_assigned.name}
    if context.origin == ORIGIN:
        return variables  # In process, the adapter is mounted at IMDS's own address.
    return {**variables, "AZURE_POD_IDENTITY_AUTHORITY_HOST": context.origin}


def _app_service(context: _Context) -> dict[str, str]:
    return {
        "IDENTITY_ENDPOINT": f"{context.origin}{managed_identity.IDENTITY_PATH}",
        "IDENTITY_HEADER": managed_identity.IDENTITY_HEADER,
    }


def _azure_arc(context: _Context) -> dict[str, str]:
    context.write(managed_identity.ARC_KEY_FILE, managed_identity.ARC_KEY.encode())
    return {
        "IDENTITY_ENDPOINT": f"{context.origin}{managed_identity.ARC_PATH}",
        "IMDS_ENDPOINT": context.origin,
    }


def _cloud_shell(context: _Context) -> dict[str, str]:
    return {"MSI_ENDPOINT": f"{context.origin}{managed_identity.CLOUD_SHELL_PATH}"}


_BUILDERS: Mapping[str, Callable[[_Context], dict[str, str]]] = {
    "client-secret": _client_secret,
    "certificate": _certificate,
    "workload-identity": _workload_identity,
    "github": _github,
    "azure-pipelines": _azure_pipelines,
    "managed-identity": _managed_identity,
    "app-service": _app_service,
    "azure-arc": _azure_arc,
    "cloud-shell": _cloud_shell,
}
