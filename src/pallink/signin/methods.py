"""The sign-in methods and what each needs: the one table behind the choice, the help and the documentation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pallink.errors import UsageError
from pallink.signin import variables
from pallink.signin.stored import StoredSignIn

USERS_CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The application through which users sign in by default: the Azure CLI's, as in azure-identity."""


class SignInMethod(StrEnum):
    """A way to sign in. Its value is what `--auth` takes."""

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
class MethodInfo:
    """What pallink knows about a sign-in method.

    Attributes:
        label: The method in words, as in "sign in with the browser".
        required: The variables that the method needs.
        optional: Further variables that the method reads.
        selected_by: The variables that show that this method is meant: with one of them set and another required one
            missing, the environment is incomplete. Variables that a CI system sets by itself are not among them.
        is_storable: Whether `pallink login` can store the sign-in for later commands.
        platforms: Where the method works: "terminal", "GitHub", "Azure Pipelines", "AKS" or "VM".
    """

    label: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    selected_by: frozenset[str] = frozenset()
    is_storable: bool = False
    platforms: tuple[str, ...] = ()


_ALL_PLATFORMS = ("terminal", "GitHub", "Azure Pipelines", "AKS", "VM")

METHODS: Mapping[SignInMethod, MethodInfo] = {
    SignInMethod.BROWSER: MethodInfo(
        "the browser", optional=(variables.TENANT_ID,), is_storable=True, platforms=("terminal",)
    ),
    SignInMethod.DEVICE_CODE: MethodInfo(
        "a device code", optional=(variables.TENANT_ID,), is_storable=True, platforms=("terminal",)
    ),
    SignInMethod.CLIENT_SECRET: MethodInfo(
        "a client secret",
        required=(variables.TENANT_ID, variables.CLIENT_ID, variables.CLIENT_SECRET),
        selected_by=frozenset({variables.CLIENT_SECRET}),
        is_storable=True,
        platforms=_ALL_PLATFORMS,
    ),
    SignInMethod.CERTIFICATE: MethodInfo(
        "a certificate",
        required=(variables.TENANT_ID, variables.CLIENT_ID, variables.CERTIFICATE_PATH),
        optional=(variables.CERTIFICATE_PASSWORD, variables.SEND_CERTIFICATE_CHAIN),
        selected_by=frozenset({variables.CERTIFICATE_PATH}),
        is_storable=True,
        platforms=_ALL_PLATFORMS,
    ),
    SignInMethod.WORKLOAD_IDENTITY: MethodInfo(
        "a federated token file",
        required=(variables.TENANT_ID, variables.CLIENT_ID, variables.FEDERATED_TOKEN_FILE),
        selected_by=frozenset({variables.FEDERATED_TOKEN_FILE}),
        platforms=("AKS",),
    ),
    SignInMethod.AZURE_PIPELINES: MethodInfo(
        "a service connection of Azure Pipelines",
        required=(
            variables.PIPELINES_TENANT_ID,
            variables.PIPELINES_CLIENT_ID,
            variables.PIPELINES_CONNECTION_ID,
            variables.PIPELINES_REQUEST_URL,
            variables.PIPELINES_ACCESS_TOKEN,
        ),
        selected_by=frozenset(
            {variables.PIPELINES_TENANT_ID, variables.PIPELINES_CLIENT_ID, variables.PIPELINES_CONNECTION_ID}
        ),
        platforms=("Azure Pipelines",),
    ),
    SignInMethod.GITHUB: MethodInfo(
        "the OIDC token of GitHub Actions",
        required=(
            variables.TENANT_ID,
            variables.CLIENT_ID,
            variables.GITHUB_REQUEST_URL,
            variables.GITHUB_REQUEST_TOKEN,
        ),
        platforms=("GitHub",),
    ),
    SignInMethod.MANAGED_IDENTITY: MethodInfo(
        "a managed identity",
        optional=(variables.CLIENT_ID,),
        platforms=("AKS", "VM"),
    ),
    SignInMethod.AZURE_CLI: MethodInfo("the Azure CLI's session", platforms=_ALL_PLATFORMS),
    SignInMethod.SANDBOX_USER: MethodInfo("the sandbox's users", is_storable=True),
}
"""Every method, in the order in which the environment is searched for them."""

OFFERED_METHODS = tuple(method for method in SignInMethod if method is not SignInMethod.SANDBOX_USER)
"""The methods that `--auth` takes. A user of the sandbox has no password, and needs no method."""


CI_METHODS = frozenset({SignInMethod.GITHUB, SignInMethod.AZURE_PIPELINES})
"""The methods that work only in a CI job."""


PROMPTED_METHODS = (SignInMethod.BROWSER, SignInMethod.DEVICE_CODE)
"""The methods with which a person signs in."""


def parse_method(name: str) -> SignInMethod:
    """Return the method that `--auth` names.

    Raises:
        UsageError: There is no such method.
    """
    if name not in OFFERED_METHODS:
        raise UsageError(
            f"unknown sign-in method {name!r}", remedy=f"use --auth with one of {', '.join(OFFERED_METHODS)}"
        )
    return SignInMethod(name)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A complete sign-in: nothing is left to look up or to ask.

    Attributes:
        method: The method.
        reason: Why pallink chose this method, in words.
        tenant: The tenant to sign in to (GUID or domain). None leaves it to the account.
        client_id: The client ID of the application to sign in as, or through.
        login_hint: The user to sign in as.
        inputs: The values of the method's variables, by variable name. Never shown.
        stored: The stored sign-in to use instead of a new one.
        certificate: The certificate with its key, where it is not in a file that a variable names; `inputs` then says
            where it comes from. Never shown.
    """

    method: SignInMethod
    reason: str
    tenant: str | None = None
    client_id: str | None = None
    login_hint: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict, repr=False)
    stored: StoredSignIn | None = None
    certificate: bytes | None = field(default=None, repr=False)

    @property
    def is_prompted(self) -> bool:
        """Whether a person is asked to sign in."""
        return self.stored is None and self.method in PROMPTED_METHODS

    @property
    def states_account(self) -> bool:
        """Whether the settings or the environment name the account, so that no other one can sign in.

        They name an application, or a managed identity by its client ID. The sandbox's default user is part of its
        world. A stored sign-in, a browser or another program's session may be any account's.
        """
        if self.stored is not None:
            return False
        if self.method is SignInMethod.MANAGED_IDENTITY:
            return self.client_id is not None
        return bool(METHODS[self.method].required) or self.method is SignInMethod.SANDBOX_USER

    @property
    def label(self) -> str:
        """The method in words."""
        return METHODS[self.method].label
