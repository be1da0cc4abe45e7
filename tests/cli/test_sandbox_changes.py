"""pallink sandbox assign, activate, grow, guest-policy and revoke-sessions."""

import json
import os
import stat
from pathlib import Path
from urllib.parse import urlencode
from uuid import NAMESPACE_DNS, uuid5

import pytest

from pallink.fleet.entry import SecretStore
from pallink.fleet.file import read_fleet
from pallink.sandbox import ORIGIN, Request, Sandbox, home
from tests.harness import Pallink

NEWHIRE = "0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3"


def test_assign_takes_the_options_of_its_counterpart(pallink: Pallink, in_sandbox: Pallink) -> None:
    done = pallink(
        f"sandbox assign --assignee-object-id {NEWHIRE} --assignee-principal-type User --role Reader"
        " --scope /subscriptions/c042c020-0e10-4062-97d7-94b12521c369"
    )
    assert (done.code, done.stdout) == (0, "")
    assert f"{NEWHIRE} holds Reader at /subscriptions/c042c020" in done.stderr
    checked = in_sandbox("check --account newhire@contoso.com -o json")
    assert [each["name"] for each in checked.json["subscriptions"]] == ["Contoso Development"]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("assign --assignee-object-id nobody", "the sandbox has no account or group with the object ID 'nobody'"),
        (f"assign --assignee-object-id {NEWHIRE} --role Emperor", "the sandbox has no role named 'Emperor'"),
        (f"assign --assignee-object-id {NEWHIRE} --scope /x", "has no scope '/x'"),
        ("assign", "missing option"),
        (f"activate --assignee-object-id {NEWHIRE} --scope /", "is not eligible for the role 'Reader'"),
        ("grow -- -1", "invalid value"),
        ("grow many", "invalid value"),
        ("grow", "nothing to generate"),
        ("grow --applications 20001", "invalid value"),
        ("grow --accounts -1", "invalid value"),
        ("grow --tenants 1001", "invalid value"),
        (
            "grow --guest invoices@contoso.com",
            "the sandbox has no tenants named tenant-0001.example",
        ),
        ("grow --tenants 1 --guest none@contoso.com", "the sandbox has no user named 'none@contoso.com'"),
        ("guest-policy strict contoso.com", "invalid value"),
        ("guest-policy mfa", "missing argument"),
        ("guest-policy mfa contoso.example", "the sandbox has no tenant named 'contoso.example'"),
        ("revoke-sessions none@contoso.com", "the sandbox has no user named 'none@contoso.com'"),
        ("revoke-sessions 6be1d7c7-4712-4123-a241-8b8918c455f9", "the sandbox has no user named '6be1d7c7"),
        ("revoke-sessions", "missing argument"),
    ],
)
def test_what_cannot_be_done(pallink: Pallink, command: str, sentence: str) -> None:
    refused = pallink(f"sandbox {command}")
    assert refused.code == 2
    assert sentence in refused.stderr
    assert len([line for line in refused.stderr.splitlines() if line.startswith("error: ")]) == 1


def test_grow(pallink: Pallink) -> None:
    grown = pallink("sandbox grow 10")
    assert "generated: 10 subscriptions, 0 tenants, 0 applications, 0 accounts" in grown.stderr
    assert pallink("sandbox grow --tenants 1").stderr.endswith(
        "10 subscriptions, 1 tenant, 0 applications, 0 accounts\n"
    )
    more = pallink("sandbox grow --applications 3 --accounts 2 --tenants 2 -o json")
    assert more.json["changed"] == "generated: 10 subscriptions, 2 tenants, 3 applications, 2 accounts"


def test_guests_and_what_their_tenants_require(pallink: Pallink, in_sandbox: Pallink) -> None:
    grown = pallink("sandbox grow --tenants 2 --guest invoices@contoso.com")
    assert grown.stderr.endswith(
        "2 tenants, 0 applications, 0 accounts; invoices@contoso.com is a guest of the tenants\n"
    )
    assert pallink("sandbox grow --tenants 3").stderr.endswith("; invoices@contoso.com is a guest of the tenants\n")
    chosen = pallink("sandbox guest-policy guest-disabled tenant-0001.example")
    assert chosen.stderr == "sandbox: guest policy guest-disabled in tenant-0001.example\n"
    assert "\nguest policies (pallink sandbox guest-policy)\n  tenant-0001.example: guest-disabled\n" in (
        pallink("sandbox show").stdout
    )
    refused = in_sandbox("show --tenant tenant-0001.example")
    assert refused.code == 4
    assert "AADSTS500571" in refused.stderr
    assert in_sandbox("link 719878 --account invoices@contoso.com --tenant tenant-0002.example").code == 0


def test_show_counts_what_was_generated(pallink: Pallink) -> None:
    before = pallink("sandbox show").stdout
    assert "generated" not in before
    pallink("sandbox grow --applications 3000 --accounts 1000 --tenants 500")
    assert Sandbox(home()).handle(put_as("app-0001", "tenant-0001.example")).status == 200
    shown = pallink("sandbox show").stdout
    assert "\n  500 tenants\n  3,000 applications\n  1,000 accounts\n" in shown
    assert "\n  of generated accounts: 1 Active\n" in shown
    assert len(shown.splitlines()) < len(before.splitlines()) + 10
    assert pallink("sandbox show -o json").json["generated"]["applications"] == 3000


@pytest.mark.parametrize("name", ["fleet.yaml", "a fleet, of {mine}.yml", "fleet.CSV"])
def test_a_fleet_file_to_rehearse_with(pallink: Pallink, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for applications in (5, 12):  # The second replaces the file of the first.
        assert pallink("sandbox", "grow", f"--applications={applications}", "--fleet-file", str(path)).code == 0
    written = pallink("sandbox", "grow", "--accounts=3", "--tenants=4", "--fleet-file", str(path))
    assert written.stderr.endswith(f"; wrote {path}\n")

    fleet = read_fleet(path)

    assert fleet.problems == ()
    assert len(fleet.entries) == 15
    entry, user = fleet.entries[5], fleet.entries[12]
    assert (entry.name, entry.tenant, entry.partner_id) == ("app-0006", "tenant-0002.example", "719878")
    assert entry.client_id == str(uuid5(NAMESPACE_DNS, "app-0006.example"))
    assert (user.account, user.tenant) == ("user-0001@tenant-0001.example", "tenant-0001.example")
    assert entry.secret is not None
    assert entry.secret.store is SecretStore.FILE
    assert (path.parent / entry.secret.target).read_text() == "sandbox-secret-app-0006"
    assert b"sandbox-secret" not in path.read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="Windows has access lists instead of modes")
def test_the_secrets_of_a_fleet_file_are_its_owners(pallink: Pallink, tmp_path: Path) -> None:
    pallink("sandbox", "grow", "--applications=1", "--fleet-file", str(tmp_path / "fleet.yaml"))
    folder = tmp_path / "fleet.secrets"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "app-0001")]
    assert modes == [0o700, 0o600]


def test_a_fleet_file_that_cannot_be_written(pallink: Pallink, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("version: 1\n")
    problems = {
        tmp_path / "fleet.txt": "is not a fleet file",
        mine: "exists already, and pallink sandbox grow did not write it",
        mine / "fleet.yaml": "cannot be written: not a directory",
        tmp_path: "is not a fleet file",
    }
    (tmp_path / "folder.csv").mkdir()
    problems[tmp_path / "folder.csv"] = "cannot be written: is a directory"
    for path, problem in problems.items():
        refused = pallink("sandbox", "grow", "--applications=1", "--fleet-file", str(path))
        assert refused.code == 2
        assert problem in refused.stderr.lower()
    assert mine.read_text() == "version: 1\n"


def test_a_fleet_file_needs_an_account(pallink: Pallink, tmp_path: Path) -> None:
    refused = pallink("sandbox", "grow", "--fleet-file", str(tmp_path / "fleet.yaml"))
    assert refused.code == 2
    assert "the sandbox has no generated application or user" in refused.stderr
    assert "pallink sandbox grow --applications 10 --fleet-file" in refused.stderr
    assert list(tmp_path.glob("fleet*")) == []


def put_as(name: str, tenant: str) -> Request:
    """The request that links a generated application."""
    form = {
        "grant_type": "client_credentials",
        "client_id": str(uuid5(NAMESPACE_DNS, f"{name}.example")),
        "client_secret": f"sandbox-secret-{name}",
        "scope": f"{ORIGIN}/.default",
    }
    signed_in = Sandbox(home()).handle(
        Request("POST", f"{ORIGIN}/{tenant}/oauth2/v2.0/token", body=urlencode(form).encode())
    )
    token = json.loads(signed_in.body)["access_token"]
    url = f"{ORIGIN}/providers/Microsoft.ManagementPartner/partners/719878?api-version=2018-02-01"
    return Request("PUT", url, {"Authorization": f"Bearer {token}"})


def test_a_generated_account_is_linked(in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes the Reader check, which the command requires."""
    Sandbox(home()).grow(applications=2, accounts=2, tenants=2)
    user = in_sandbox("link 719878 --account user-0002@tenant-0002.example --tenant tenant-0002.example -o json")
    assert (user.code, user.json["action"]) == (0, "created")

    client_id = str(uuid5(NAMESPACE_DNS, "app-0002.example"))
    monkeypatch.setenv("AZURE_TENANT_ID", "tenant-0002.example")
    monkeypatch.setenv("AZURE_CLIENT_ID", client_id)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "sandbox-secret-app-0002")
    application = in_sandbox(f"link 719878 --auth client-secret --account {client_id} -o json")
    assert (application.code, application.json["action"]) == (0, "created")
    assert application.json["tenantId"] == str(uuid5(NAMESPACE_DNS, "tenant-0002.example"))
