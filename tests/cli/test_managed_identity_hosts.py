"""Managed identities of machines with Azure Arc, and the user of Azure Cloud Shell."""

import os
import sys
from pathlib import Path

import pytest
from msal.managed_identity import AZURE_ARC, DEFAULT_TO_VM  # type: ignore[import-untyped]

from pallink.azure.auth import ambient
from pallink.http.policy import TokenEndpoint
from pallink.sandbox import home
from pallink.sandbox.entra.managed_identity import ARC_KEY, ARC_KEY_FILE
from pallink.signin import SignIn, SignInMethod
from tests.cli.people import APPROVERS, BUILD_AGENT, CONTOSO, FABRIKAM, INVOICES, PARTNER_LINK, Desk
from tests.harness import Traffic

SIGN_IN = SignIn(SignInMethod.MANAGED_IDENTITY, "a reason")


def test_a_machine_with_azure_arc_links_its_identity(desk: Desk, traffic: Traffic) -> None:
    desk.azure_arc()
    linked = desk.run(f"link 719878 --role-check skip --auth managed-identity --account {BUILD_AGENT} --debug -o json")
    assert linked.code == 0, linked.stderr
    assert (linked.json["accountKind"], linked.json["action"]) == ("managedIdentity", "created")
    assert [path for _, path in traffic.sent if "azure-arc" in path] == ["/azure-arc" + ambient._IMDS_PATH] * 2
    assert ARC_KEY not in linked.stderr


def test_a_user_assigned_identity_of_azure_arc(desk: Desk) -> None:
    desk.azure_arc()
    shown = desk.run(f"whoami --auth managed-identity --client-id {PARTNER_LINK} -o json")
    assert (shown.code, shown.json["account"]) == (0, PARTNER_LINK), shown.stderr


@pytest.mark.parametrize(
    "is_missing", [True, pytest.param(False, marks=pytest.mark.skipif(sys.platform == "win32", reason="no modes"))]
)
def test_the_key_of_azure_arc_that_may_not_be_read(desk: Desk, traffic: Traffic, *, is_missing: bool) -> None:
    desk.azure_arc()
    key = home() / ARC_KEY_FILE
    if is_missing:
        key.unlink()
    elif os.geteuid() == 0:
        pytest.skip("root may read every file")
    else:
        key.chmod(0)
    refused = desk.run("link 719878 --yes --auth managed-identity")
    assert refused.code == 4, refused.stderr
    assert "the key of the Azure Arc agent cannot be read" in refused.stderr
    assert "member of the group himds" in refused.stderr
    assert traffic.of_partners() == []


def test_a_machine_with_the_agent_of_azure_arc_needs_no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ambient, "get_managed_identity_source", lambda: AZURE_ARC)
    endpoint = ambient.managed_identity_endpoint(SIGN_IN)
    assert (endpoint.url, endpoint.has_challenge) == (ambient._ARC, True)
    monkeypatch.setattr(ambient, "get_managed_identity_source", lambda: DEFAULT_TO_VM)
    assert ambient.managed_identity_endpoint(SIGN_IN).url == ambient.IMDS


@pytest.mark.parametrize(
    ("method", "authorization", "is_allowed"),
    [
        ("GET", None, True),
        ("GET", "Basic content-of-the-file", True),
        ("GET", "Bearer a-token", False),
        ("POST", None, False),
    ],
)
def test_no_token_goes_to_the_agent_of_azure_arc(method: str, authorization: str | None, *, is_allowed: bool) -> None:
    endpoint = TokenEndpoint("http://localhost:40342/x", "GET", has_challenge=True)
    assert endpoint.allows(method, authorization) is is_allowed
    assert not TokenEndpoint("http://169.254.169.254/x", "GET").allows("GET", "Basic x")


def test_cloud_shell_is_the_user_of_the_portal(desk: Desk, traffic: Traffic) -> None:
    desk.environment("cloud-shell")
    shown = desk.run("whoami --auth managed-identity -o json")
    assert (shown.code, shown.json["account"], shown.json["accountKind"]) == (0, INVOICES, "user"), shown.stderr
    assert ("POST", "/cloud-shell/oauth2/token") in traffic.sent
    assert desk.run("link 719878 --auth managed-identity").code == 2, "whom the portal signed in has to be stated"
    assert desk.run(f"link 719878 --auth managed-identity --account {INVOICES} --tenant {CONTOSO}").code == 0
    assert traffic.writes() == ["PUT"]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (f"--account {APPROVERS}", f"{INVOICES} signed in, not {APPROVERS}"),
        (f"--tenant {FABRIKAM}", f"signed in to tenant {CONTOSO}, not to {FABRIKAM}"),
        (f"--client-id {PARTNER_LINK}", "Azure Cloud Shell has none"),
    ],
)
def test_cloud_shell_has_no_other_user_and_no_other_tenant(
    desk: Desk, traffic: Traffic, option: str, said: str
) -> None:
    desk.environment("cloud-shell")
    refused = desk.run(f"link 719878 --yes --auth managed-identity {option}")
    assert refused.code == 4, refused.stderr
    assert said in refused.stderr
    assert "az login" not in refused.stderr
    assert traffic.of_partners() == []


def test_what_cloud_shell_refuses_is_told_in_its_words(desk: Desk, traffic: Traffic) -> None:
    from tests.cli.test_settling import answering  # noqa: PLC0415

    desk.environment("cloud-shell")
    body = b'{"error": {"code": "AudienceNotSupported", "message": "Audience x is not a supported audience."}}'
    traffic.fail("POST", "/cloud-shell/", answering(400, body))
    refused = desk.run("show --auth managed-identity")
    assert refused.code == 4, refused.stderr
    assert "cannot sign in with a managed identity: Audience x is not a supported audience\n" in refused.stderr


def test_arc_and_cloud_shell_work_with_the_served_sandbox(served_desk: Desk) -> None:
    served_desk.azure_arc()
    assert served_desk.run("whoami --auth managed-identity -o json").json["account"] == BUILD_AGENT
    for name in ("IDENTITY_ENDPOINT", "IMDS_ENDPOINT"):
        served_desk.patch.delenv(name)
    served_desk.environment("cloud-shell")
    assert served_desk.run("whoami --auth managed-identity -o json").json["account"] == INVOICES


def test_the_file_that_the_endpoint_names_is_for_its_owner_alone(desk: Desk) -> None:
    desk.azure_arc()
    path = Path(home() / ARC_KEY_FILE)
    assert path.read_text() == ARC_KEY
    assert sys.platform == "win32" or path.stat().st_mode & 0o077 == 0


def test_a_login_host_of_another_cloud_is_a_wrong_command_line(desk: Desk, traffic: Traffic) -> None:
    desk.environment("client-secret")
    desk.patch.setenv("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us")
    refused = desk.pallink("show")
    assert refused.code == 2
    assert "AZURE_AUTHORITY_HOST is the login host of AzureUSGovernment, and --cloud is AzureCloud" in refused.stderr
    assert "use --cloud AzureUSGovernment" in refused.stderr
    assert traffic.sent == []
