"""Every way to sign in, and what it needs: the one table, from which choice, help and documentation take it.

The variables are those that azure-identity and the CI systems already use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pallink.signin.stored import StoredSignIn

# Whichever method needs a tenant or an application takes it from these, or from --tenant and --client-id.
TENANT = "AZURE_TENANT_ID"
CLIENT = "AZURE_CLIENT_ID"
PIPELINES_TENANT = "AZURESUBSCRIPTION_TENANT_ID"
PIPELINES_CLIENT = "AZURESUBSCRIPTION_CLIENT_ID"

SECRET = "AZURE_CLIENT_SECRET"  # noqa: S105 - the name of a variable, as all of these
CERTIFICATE = "AZURE_CLIENT_CERTIFICATE_PATH"
CERTIFICATE_PASSWORD = "AZURE_CLIENT_CERTIFICATE_PASSWORD"  # noqa: S105
CERTIFICATE_CHAIN = "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"
TOKEN_FILE = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105
GITHUB_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
GITHUB_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105
PIPELINES_URL = "SYSTEM_OIDCREQUESTURI"
PIPELINES_TOKEN = "SYSTEM_ACCESSTOKEN"  # noqa: S105
PIPELINES_CONNECTION = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"


class SignInMethod(StrEnum):
    """A way to sign in; its text is what `--auth` takes."""

    BROWSER = "browser"
    DEVICE_CODE = "device-code"
    CLIENT_SECRET = "client-secret"  # noqa: S105 - the name of a method
    CERTIFICATE = "certificate"
    WORKLOAD_IDENTITY = "workload-identity"
    GITHUB = "github"
    AZURE_PIPELINES = "azure-pipelines"
    MANAGED_IDENTITY = "managed-identity"
    AZURE_CLI = "azure-cli"
    SANDBOX_USER = "sandbox-user"


@dataclass(frozen=True, slots=True)
class MethodFacts:
    """What is to be known about a method.

    Attributes:
        what: the method in words, as in "sign in with ...".
        needs: the variables that it cannot do without.
        takes: further variables that it looks at.
        stated_by: the variables that say somebody wants this method: with one of them set and another that is needed
            missing, the environment is half-stated. Those that a CI system sets by itself say nothing.
        kept: whether `pallink login` can keep it for later commands.
        somebody_elses: whether it takes a session that pallink did not start.
        works: where it can be used, of terminal, GitHub, Azure Pipelines, AKS and VM.
    """

    what: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    stated_by: frozenset[str] = frozenset()
    kept: bool = False
    somebody_elses: bool = False
    works: tuple[str, ...] = ()


_EVERYWHERE = ("terminal", "GitHub", "Azure Pipelines", "AKS", "VM")

METHODS: Mapping[SignInMethod, MethodFacts] = {
    SignInMethod.BROWSER: MethodFacts("the browser", takes=(TENANT,), kept=True, works=("terminal",)),
    SignInMethod.DEVICE_CODE: MethodFacts("a device code", takes=(TENANT,), kept=True, works=("terminal",)),
    SignInMethod.CLIENT_SECRET: MethodFacts(
        "a client secret",
        needs=(TENANT, CLIENT, SECRET),
        stated_by=frozenset({SECRET}),
        kept=True,
        works=_EVERYWHERE,
    ),
    SignInMethod.CERTIFICATE: MethodFacts(
        "a certificate",
        needs=(TENANT, CLIENT, CERTIFICATE),
        takes=(CERTIFICATE_PASSWORD, CERTIFICATE_CHAIN),
        stated_by=frozenset({CERTIFICATE}),
        kept=True,
        works=_EVERYWHERE,
    ),
    SignInMethod.WORKLOAD_IDENTITY: MethodFacts(
        "a federated token file",
        needs=(TENANT, CLIENT, TOKEN_FILE),
        stated_by=frozenset({TOKEN_FILE}),
        works=("AKS",),
    ),
    SignInMethod.AZURE_PIPELINES: MethodFacts(
        "a service connection of Azure Pipelines",
        needs=(PIPELINES_TENANT, PIPELINES_CLIENT, PIPELINES_CONNECTION, PIPELINES_URL, PIPELINES_TOKEN),
        stated_by=frozenset({PIPELINES_TENANT, PIPELINES_CLIENT, PIPELINES_CONNECTION}),
        works=("Azure Pipelines",),
    ),
    SignInMethod.GITHUB: MethodFacts(
        "the OIDC token of GitHub Actions",
        needs=(TENANT, CLIENT, GITHUB_URL, GITHUB_TOKEN),
        works=("GitHub",),
    ),
    SignInMethod.MANAGED_IDENTITY: MethodFacts(
        "a managed identity", takes=(CLIENT,), somebody_elses=True, works=("AKS", "VM")
    ),
    SignInMethod.AZURE_CLI: MethodFacts("the Azure CLI's session", somebody_elses=True, works=_EVERYWHERE),
    SignInMethod.SANDBOX_USER: MethodFacts("the sandbox's users", kept=True),
}
"""In the order in which the environment is asked which of them it states."""

OFFERED_METHODS = tuple(method for method in SignInMethod if method is not SignInMethod.SANDBOX_USER)
"""What `--auth` takes. A user of the sandbox needs none: there is nothing to prove."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that has all that it needs.

    Attributes:
        method: how.
        because: why this method was chosen, in words.
        tenant: GUID or domain to sign in to; None leaves it to the account.
        client_id: the application to sign in as, or through.
        login_hint: which user.
        inputs: the values of the method's variables, by name; never shown.
        stored: the kept sign-in that is used instead of a new one.
    """

    method: SignInMethod
    because: str
    tenant: str | None = None
    client_id: str | None = None
    login_hint: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict, repr=False)
    stored: StoredSignIn | None = None

    @property
    def what(self) -> str:
        """The method in words."""
        return METHODS[self.method].what
