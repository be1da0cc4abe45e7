"""Variables of other programs: what they say about a sign-in, and which of pallink's they correspond to. Pure."""

from collections.abc import Mapping

from pallink.clouds import BUILT_IN, owner_of
from pallink.errors import UsageError
from pallink.signin import variables

AUTHORITY_HOST = "AZURE_AUTHORITY_HOST"

# Those of Terraform's provider, and of Azure Pipelines with `addSpnToEnvironment`, by the variable that pallink reads.
_PROGRAMS: Mapping[str, Mapping[str, str]] = {
    "Terraform": {
        "ARM_TENANT_ID": variables.TENANT_ID,
        "ARM_CLIENT_ID": variables.CLIENT_ID,
        "ARM_CLIENT_SECRET": variables.CLIENT_SECRET,
        "ARM_CLIENT_CERTIFICATE_PATH": variables.CERTIFICATE_PATH,
        "ARM_CLIENT_CERTIFICATE_PASSWORD": variables.CERTIFICATE_PASSWORD,
        "ARM_OIDC_TOKEN_FILE_PATH": variables.FEDERATED_TOKEN_FILE,
    },
    "the AzureCLI task of Azure Pipelines": {
        "tenantId": variables.TENANT_ID,
        "servicePrincipalId": variables.CLIENT_ID,
        "servicePrincipalKey": variables.CLIENT_SECRET,
    },
}
# Those of App Service, Azure Functions, Azure Arc and Azure Cloud Shell; a virtual machine sets none.
_IDENTITY_ENDPOINTS = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")
_MANAGED_IDENTITY = "add --auth managed-identity"
_PIPELINES_STEP = "run pallink in an AzureCLI@2 step, with SYSTEM_ACCESSTOKEN: $(System.AccessToken) in its env"
# A tenant alone says nothing.
_SELECTING = frozenset({"ARM_CLIENT_ID", "servicePrincipalId"})


def foreign_variables_hint(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Return cause and remedy if other variables than pallink's tell how this run could sign in."""
    for program, names in _PROGRAMS.items():
        found = [name for name in names if environ.get(name) and not environ.get(names[name])]
        selecting = next((name for name in found if name in _SELECTING), None)
        if selecting == "servicePrincipalId" and environ.get("idToken"):
            return (
                f"{selecting} and idToken are read by {program}, and not by pallink",
                "use --auth azure-pipelines, with SYSTEM_ACCESSTOKEN: $(System.AccessToken) in the env of the step",
            )
        if selecting is not None:
            pairs = ", ".join(f"{names[name]} to the value of {name}" for name in found)
            return f"{selecting} is read by {program}, and not by pallink", f"set {pairs}"
    if name := next((name for name in _IDENTITY_ENDPOINTS if environ.get(name)), None):
        return f"{name} is set: this host has a managed identity, which pallink uses only by name", _MANAGED_IDENTITY
    if environ.get("TF_BUILD"):
        return "this is a job of Azure Pipelines without a service connection", _PIPELINES_STEP
    return None


def check_authority_host(environ: Mapping[str, str], cloud: str) -> None:
    """Refuse a login host in the environment that is another cloud's: other programs would sign in there.

    Args:
        environ: The environment's variables.
        cloud: The name of the cloud of this run; only built-in ones are checked.

    Raises:
        UsageError: The variable names another login host than the cloud's.
    """
    host = environ.get(AUTHORITY_HOST, "").strip()
    if not host or cloud not in BUILT_IN:
        return
    owner = owner_of(host)
    if owner == cloud:
        return
    raise UsageError(
        f"{AUTHORITY_HOST} is the login host of {owner or 'another cloud'}, and --cloud is {cloud}",
        cause=f"pallink signs in to the cloud that --cloud names, at {BUILT_IN[cloud].login}",
        remedy=f"use --cloud {owner or 'with the https:// URL of its Resource Manager'}, or unset {AUTHORITY_HOST}",
    )
