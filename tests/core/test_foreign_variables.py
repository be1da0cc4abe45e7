"""Variables of Terraform, Azure Pipelines and azure-identity that pallink does not read, or must not pass over."""

import pytest

from pallink.errors import SignInError, UsageError
from pallink.settings import Settings
from pallink.signin import Environment, resolve_sign_in
from pallink.signin.foreign_variables import check_authority_host
from tests.core.test_sign_in_choice import CLIENT, SECRET, TENANT, WHO

TERRAFORM = {"ARM_TENANT_ID": TENANT, "ARM_CLIENT_ID": CLIENT, "ARM_CLIENT_SECRET": "s3cret-s3cret"}
PIPELINES = {"tenantId": TENANT, "servicePrincipalId": CLIENT, "servicePrincipalKey": "s3cret-s3cret"}


@pytest.mark.parametrize(
    ("environ", "settings", "cause", "remedies"),
    [
        (
            TERRAFORM,
            {},
            "ARM_CLIENT_ID is read by Terraform, and not by pallink",
            ["AZURE_CLIENT_SECRET to the value of ARM_CLIENT_SECRET", "AZURE_TENANT_ID to the value of ARM_TENANT_ID"],
        ),
        (
            TERRAFORM,
            {"auth": "client-secret"},
            "ARM_CLIENT_ID is read by Terraform",
            ["AZURE_CLIENT_ID to the value of ARM_CLIENT_ID"],
        ),
        (
            {"AZURE_TENANT_ID": TENANT, "ARM_CLIENT_ID": CLIENT, "ARM_OIDC_TOKEN_FILE_PATH": "/token"},
            {},
            "ARM_CLIENT_ID is read by Terraform",
            ["AZURE_FEDERATED_TOKEN_FILE to the value of ARM_OIDC_TOKEN_FILE_PATH"],
        ),
        (
            PIPELINES,
            {},
            "servicePrincipalId is read by the AzureCLI task of Azure Pipelines",
            [
                "AZURE_TENANT_ID to the value of tenantId",
                "AZURE_CLIENT_SECRET to the value of servicePrincipalKey",
            ],
        ),
        (
            {"tenantId": TENANT, "servicePrincipalId": CLIENT, "idToken": "s3cret-s3cret"},
            {},
            "servicePrincipalId and idToken are read by the AzureCLI task of Azure Pipelines",
            ["use --auth azure-pipelines, with SYSTEM_ACCESSTOKEN: $(System.AccessToken)"],
        ),
        (
            {"MSI_ENDPOINT": "http://localhost:50342/oauth2/token"},
            {},
            "MSI_ENDPOINT is set: this host has a managed identity",
            ["add --auth managed-identity"],
        ),
        ({"TF_BUILD": "True"}, {}, "a job of Azure Pipelines without a service connection", ["in an AzureCLI@2 step"]),
    ],
)
def test_another_programs_variables_are_named_with_those_that_pallink_reads(
    environ: dict[str, str], settings: dict[str, str], cause: str, remedies: list[str]
) -> None:
    with pytest.raises(SignInError) as refused:
        resolve_sign_in(Settings(**settings), Environment(environ=environ))  # type: ignore[arg-type]
    assert cause in str(refused.value.cause)
    for remedy in remedies:
        assert remedy in str(refused.value.remedy)
    assert refused.value.command is None, "it would sign in a user"
    assert "s3cret" not in f"{refused.value.cause}{refused.value.remedy}"


def test_they_do_not_matter_where_pallinks_own_are_set() -> None:
    chosen = resolve_sign_in(Settings(), Environment(environ=WHO | SECRET | TERRAFORM))
    assert chosen.method == "client-secret"  # type: ignore[union-attr]
    with pytest.raises(SignInError) as refused:
        resolve_sign_in(Settings(), Environment(environ={"ARM_TENANT_ID": TENANT}))
    assert "ARM_" not in str(refused.value.cause)


@pytest.mark.parametrize(
    ("host", "cloud", "named"),
    [
        ("https://login.microsoftonline.us/", "AzureCloud", "use --cloud AzureUSGovernment, or unset"),
        ("login.microsoftonline.us", "AzureCloud", "use --cloud AzureUSGovernment, or unset"),
        ("https://login.chinacloudapi.cn", "AzureUSGovernment", "use --cloud AzureChinaCloud, or unset"),
        ("https://login.microsoftonline.com", "AzureChinaCloud", "use --cloud AzureCloud, or unset"),
        ("https://[login.microsoftonline.us", "AzureCloud", "the https:// URL of its Resource Manager, or unset"),
        ("https://adfs.local.azurestack.external", "AzureCloud", "the https:// URL of its Resource Manager, or unset"),
    ],
)
def test_the_login_host_of_another_cloud_is_an_error_that_names_the_cloud(host: str, cloud: str, named: str) -> None:
    with pytest.raises(UsageError, match=f"AZURE_AUTHORITY_HOST is .*, and --cloud is {cloud}$") as refused:
        resolve_sign_in(
            Settings(cloud), Environment(environ={**WHO, **SECRET, "AZURE_AUTHORITY_HOST": host}, can_prompt=True)
        )
    assert named in str(refused.value.remedy)


@pytest.mark.parametrize(
    ("host", "cloud"),
    [
        ("https://login.microsoftonline.com/", "AzureCloud"),
        ("LOGIN.microsoftonline.com", "AzureCloud"),
        ("https://login.windows.net", "AzureCloud"),
        ("https://login.microsoftonline.us", "AzureUSGovernment"),
        ("", "AzureCloud"),
        ("https://login.microsoftonline.us", "sandbox"),
        ("https://login.microsoftonline.com", "https://management.local.azurestack.external"),
    ],
)
def test_the_login_host_of_this_cloud_is_none(host: str, cloud: str) -> None:
    check_authority_host({"AZURE_AUTHORITY_HOST": host}, cloud)
