import math
import shlex

import pytest
from hypothesis import given, strategies as st

from pallink.errors import UsageError
from pallink.exit_codes import ExitCode
from pallink.settings import Settings
from tests.core.samples import CLIENT, TENANT


def test_what_is_not_stated() -> None:
    settings = Settings()
    assert (settings.cloud, settings.timeout) == ("AzureCloud", 120)
    assert (settings.account, settings.tenant, settings.client_id, settings.auth) == (None, None, None, None)


def test_the_cloud_is_kept_in_its_own_spelling() -> None:
    assert Settings(cloud="azureusgovernment").cloud == "AzureUSGovernment"
    assert Settings(cloud="https://management.azure.com/").cloud == "AzureCloud"


@pytest.mark.parametrize(
    "tenant",
    [TENANT, TENANT.upper(), "contoso.com", "Contoso.onmicrosoft.com", "a.b-c.example", "xn--bcher-kva.example"],
)
def test_a_tenant_is_a_guid_or_a_domain(tenant: str) -> None:
    assert Settings(tenant=tenant).tenant == tenant


@pytest.mark.parametrize(
    "tenant",
    [
        "",
        " ",
        "contoso",
        "common",
        "organizations",
        f"{TENANT}\n",
        f"{TENANT}/x",
        "contoso.com/../common",
        "contoso.com?x",
        "-contoso.com",
        "contoso-.com",
        "contoso..com",
        ".contoso.com",
        "contoso.com.",
        "contoso .com",
        "a@contoso.com",
        "c\u043entoso.com",
    ],
    ids=repr,
)
def test_anything_else_is_refused_as_a_tenant(tenant: str) -> None:
    with pytest.raises(UsageError) as refusal:
        Settings(tenant=tenant)
    assert refusal.value.message == f"{tenant!r} is not a tenant"
    assert "--tenant, PALLINK_TENANT or AZURE_TENANT_ID" in str(refusal.value.remedy)
    assert refusal.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("client_id", ["", "my-app", f"{CLIENT} ", CLIENT.replace("-", "")], ids=repr)
def test_a_client_id_is_a_guid(client_id: str) -> None:
    assert Settings(client_id=CLIENT).client_id == CLIENT
    with pytest.raises(UsageError) as refusal:
        Settings(client_id=client_id)
    assert refusal.value.message.endswith("is not a client ID")
    assert "--client-id, PALLINK_CLIENT_ID or AZURE_CLIENT_ID" in str(refusal.value.remedy)


@pytest.mark.parametrize("account", ["", " ", "\n"], ids=repr)
def test_an_empty_account_is_refused(account: str) -> None:
    with pytest.raises(UsageError, match="the account is empty"):
        Settings(account=account)


@pytest.mark.parametrize("timeout", [0, -1, -math.inf, math.nan])
def test_no_time_is_refused(timeout: float) -> None:
    with pytest.raises(UsageError, match="--timeout must be greater than 0"):
        Settings(timeout=timeout)


@pytest.mark.parametrize("cloud", ["", "Azure", "http://arm.example"])
def test_an_unknown_cloud_is_refused(cloud: str) -> None:
    with pytest.raises(UsageError):
        Settings(cloud=cloud)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        pytest.param(Settings(), "pallink show", id="defaults are left out"),
        pytest.param(Settings(cloud="azurecloud"), "pallink show", id="default cloud in another case"),
        pytest.param(
            Settings(cloud="sandbox", account="invoices@contoso.com", tenant=TENANT),
            f"pallink show --cloud sandbox --account invoices@contoso.com --tenant {TENANT}",
            id="cloud, account, tenant",
        ),
        pytest.param(Settings(account="$(id) o'x@y"), "pallink show --account '$(id) o'\"'\"'x@y'", id="quoted"),
    ],
)
def test_the_command_for_the_same_account(settings: Settings, line: str) -> None:
    assert settings.command("show") == line


@given(st.tuples(st.text(), st.text()).map("@".join), st.lists(st.text()))
def test_a_command_keeps_each_word(account: str, words: list[str]) -> None:
    line = Settings(account=account).command(*words)
    assert shlex.split(line) == ["pallink", *words, "--account", account]


@pytest.mark.parametrize(
    ("account", "home"),
    [
        ("invoices_contoso.com#EXT#@fabrikam.onmicrosoft.com", "invoices@contoso.com"),
        ("svc_approvers_contoso.com#ext#@fabrikam.onmicrosoft.com", "svc_approvers@contoso.com"),
    ],
)
def test_a_guest_signs_in_with_the_name_at_home(account: str, home: str) -> None:
    with pytest.raises(UsageError, match="is the name of a guest") as refused:
        Settings(account=account)
    assert f"use --account {home}," in str(refused.value.remedy)


@pytest.mark.parametrize("account", ["a_b@contoso.com", "#EXT#@contoso.com", "a#EXT#@contoso.com"])
def test_what_only_looks_like_a_guest_is_taken_as_it_is(account: str) -> None:
    assert Settings(account=account).account == account
