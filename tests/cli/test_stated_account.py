"""A write needs its account stated: by an option, by the environment's application, or by a yes."""

import re
import shlex
from pathlib import Path

import pytest

from pallink.account import AccountKind
from pallink.signin import METHODS, SignIn, SignInMethod, StoredSignIn
from tests.cli.people import APPLICATION, APPROVERS, INVOICES, PARTNER_LINK, Desk
from tests.harness import Pallink, Traffic

ROOT = Path(__file__).parents[2]
KEPT = "--allow-plain-text-cache"
REFUSED = "--account or --yes is required without a prompt"

STORED = StoredSignIn(
    id="0" * 32,
    cloud="sandbox",
    auth="client-secret",
    account=APPLICATION,
    kind=AccountKind.APPLICATION,
    object_id="o",
    tenant_id="t",
    client_id=APPLICATION,
    home_account_id=None,
    username=None,
    tenant=None,
    authority_tenant="t",
    plain_text=True,
    signed_in_on="2026-01-01T00:00:00Z",
)


@pytest.mark.parametrize(
    ("method", "states"),
    [
        (SignInMethod.BROWSER, False),
        (SignInMethod.DEVICE_CODE, False),
        (SignInMethod.CLIENT_SECRET, True),
        (SignInMethod.CERTIFICATE, True),
        (SignInMethod.WORKLOAD_IDENTITY, True),
        (SignInMethod.GITHUB, True),
        (SignInMethod.AZURE_PIPELINES, True),
        (SignInMethod.MANAGED_IDENTITY, False),
        (SignInMethod.AZURE_CLI, False),
        (SignInMethod.SANDBOX_USER, True),
    ],
)
def test_which_sign_in_states_its_account(method: SignInMethod, states: bool) -> None:
    assert SignIn(method, "").states_account is states
    assert not SignIn(method, "", stored=STORED).states_account
    if method is SignInMethod.MANAGED_IDENTITY:
        assert SignIn(method, "", client_id=PARTNER_LINK).states_account


def test_the_table_has_every_method() -> None:
    assert len(METHODS) == len(SignInMethod)


def refused_command(stderr: str) -> str:
    """The command that the error shows, without `pallink` and the cloud that `Desk.run` adds."""
    (command,) = re.findall(r"^    pallink (.*)$", stderr, re.MULTILINE)
    return str(command)


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize("tty", [False, True])
@pytest.mark.parametrize("command", ["link 719878 --role-check warn", "update 719878 --subscription x"])
def test_a_stored_sign_in_is_named_before_it_writes(
    desk: Desk, pallink: Pallink, traffic: Traffic, command: str, tty: bool
) -> None:
    assert desk.run(f"login --account {APPROVERS} {KEPT}").code == 0
    before = list(traffic.sent)
    refused = desk.run(f"{command}{' --no-input' if tty else ''}", tty=tty)
    assert refused.code == 2
    assert REFUSED in refused.stderr
    assert f"pallink would use the stored sign-in of {APPROVERS}" in refused.stderr
    assert traffic.sent == before
    shown = refused_command(refused.stderr)
    assert shown.startswith(command)
    assert shown.endswith(f"--account {APPROVERS}")
    if command.startswith("link"):
        assert pallink(*shlex.split(shown)).code == 0
        assert traffic.writes() == ["PUT"]


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize("others", [[], ["contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"]])
def test_nothing_is_sent_for_the_tenant_of_a_sign_in_that_is_refused(
    desk: Desk, traffic: Traffic, others: list[str]
) -> None:
    for tenant in ["", *others]:
        assert desk.run(f"login --account {INVOICES} {f'--tenant {tenant}' if tenant else ''} {KEPT}").code == 0
    before = list(traffic.sent)
    refused = desk.run("link 719878 --tenant fabrikam.onmicrosoft.com")
    assert (refused.code, REFUSED in refused.stderr) == (2, True)
    assert traffic.sent == before


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize("said", [f"--account {APPROVERS}", "--yes", "--dry-run"])
def test_what_states_the_account_of_a_stored_sign_in(desk: Desk, said: str) -> None:
    desk.run(f"login --account {APPROVERS} {KEPT}")
    assert desk.run(f"link 719878 {said}").code == 0


@pytest.mark.usefixtures("no_keyring")
def test_a_variable_states_it_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.run(f"login --account {APPROVERS} {KEPT}")
    monkeypatch.setenv("PALLINK_ACCOUNT", APPROVERS)
    assert desk.run("link 719878").code == 0


@pytest.mark.usefixtures("no_keyring")
def test_reading_needs_no_account(desk: Desk) -> None:
    desk.run(f"login --account {APPROVERS} {KEPT}")
    assert desk.run("show").code == 3
    assert desk.run("check").code == 0
    assert desk.run("verify 719878").code == 3


@pytest.mark.parametrize("method", ["client-secret", "certificate", "workload-identity", "github", "azure-pipelines"])
def test_the_application_of_the_environment_is_stated(desk: Desk, method: str) -> None:
    desk.environment(method)
    done = desk.run(f"link 719878 --auth {method} -o json")
    assert (done.code, done.json["account"]) == (0, APPLICATION)


def test_a_managed_identity_is_stated_by_its_client_id(desk: Desk) -> None:
    refused = desk.run("link 719878 --auth managed-identity")
    assert (refused.code, REFUSED in refused.stderr) == (2, True)
    done = desk.run(f"link 719878 --auth managed-identity --client-id {PARTNER_LINK} -o json")
    assert (done.code, done.json["account"]) == (0, PARTNER_LINK)


@pytest.mark.parametrize("auth", ["device-code", "azure-cli"])
def test_who_may_sign_in_at_all_is_not_stated(desk: Desk, traffic: Traffic, auth: str) -> None:
    desk.az()
    refused = desk.run(f"link 719878 --auth {auth} -o json")
    assert refused.code == 2
    assert '"code": "Usage"' in refused.stderr
    assert f"pallink link 719878 --auth {auth} -o json --cloud sandbox --account ACCOUNT" in refused.stderr
    assert traffic.sent == []


def test_the_default_user_of_the_sandbox_is_stated_by_its_world(desk: Desk) -> None:
    assert desk.run("link 719878 -o json").json["account"] == INVOICES


def test_the_missing_yes_of_unlink_is_shown(desk: Desk, pallink: Pallink, traffic: Traffic) -> None:
    desk.run("link 719878")
    refused = desk.run("unlink 719878")
    assert refused.code == 2
    assert "error: --yes is required without a prompt" in refused.stderr
    cause = "cause: pallink removes a link only after a confirmation, and stdin or stderr is not a terminal\n"
    assert cause in refused.stderr
    assert "and --no-input is set\n" in desk.run("unlink 719878 --no-input", tty=True).stderr
    assert pallink(*shlex.split(refused_command(refused.stderr))).code == 0
    assert traffic.writes() == ["PUT", "DELETE"]


@pytest.mark.parametrize(
    ("account", "more", "shown"),
    [
        (INVOICES, "", "Reader   yes: Contoso Production: Reader, assigned on the subscription"),
        ("newhire@contoso.com", "--role-check warn", "Reader   no: it sees no subscription"),
        ("reports@contoso.com", "", "Reader   yes: Contoso Finance: Reader, assigned on resource group invoicing only"),
        ("lighthouse@contoso.com", "", "Reader   unknown: Fabrikam Operations: tenant cfea1764"),
        (INVOICES, "--role-check skip", "Reader   not checked"),
    ],
)
def test_the_question_shows_the_reader_verdict(desk: Desk, account: str, more: str, shown: str) -> None:
    desk.environment("client-secret")
    desk.sandbox.set("sign-in-page", "skipped")
    desk.reader_of_device_codes(account)
    asked = desk.run(f"link 719878 --auth device-code {more}", tty=True, stdin="n\n")
    assert asked.code == 130
    assert f"  {shown}" in asked.stderr


def test_the_question_of_unlink_shows_none(desk: Desk) -> None:
    desk.run("link 719878")
    asked = desk.run("unlink", tty=True, stdin="n\n")
    assert "Remove the link of this account?" in asked.stderr
    assert "Reader" not in asked.stderr


def test_a_command_names_the_cloud_that_a_variable_chose(pallink: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pasted where the variable is not set, it would reach Azure."""
    monkeypatch.setenv("PALLINK_CLOUD", "sandbox")
    refused = pallink("unlink 719878 --account invoices@contoso.com")
    assert refused.stderr.endswith("    pallink unlink 719878 --account invoices@contoso.com --yes --cloud sandbox\n")
    named = pallink("unlink 719878 --account invoices@contoso.com --cloud=sandbox")
    assert named.stderr.endswith("    pallink unlink 719878 --account invoices@contoso.com --cloud=sandbox --yes\n")


def test_a_command_names_the_account_that_variables_chose(pallink: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pasted where they are not set, it would work on another account's link."""
    chosen = {
        "PALLINK_CLOUD": "sandbox",
        "PALLINK_AUTH": "device-code",
        "PALLINK_ACCOUNT": INVOICES,
        "PALLINK_TENANT": "contoso.com",
        "PALLINK_CLIENT_ID": APPLICATION,
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    refused = pallink("unlink 719878 --account owner@contoso.com")
    words = f"--yes --tenant contoso.com --cloud sandbox --auth device-code --client-id {APPLICATION}"
    assert refused.stderr.endswith(f"    pallink unlink 719878 --account owner@contoso.com {words}\n")
    many = pallink("unlink 719878 --tenant contoso.com --tenant fabrikam.onmicrosoft.com")
    assert many.stderr.count("--tenant contoso.com") == 1
    assert f"--account {INVOICES}" in many.stderr
    fleet = pallink(f"fleet apply {ROOT / 'examples' / 'fleet.csv'}")
    assert fleet.stderr.endswith("fleet.csv --yes --cloud sandbox\n")


def test_a_text_that_is_not_a_method_is_not_repeated(pallink: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALLINK_AUTH", "S3cret")
    assert pallink("unlink --cloud sandbox").stderr.endswith("    pallink unlink --cloud sandbox --yes\n")


def test_a_text_that_is_not_a_method_does_not_stop_a_logout(pallink: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALLINK_AUTH", "magic")
    assert pallink("logout --all --cloud sandbox").code == 0
