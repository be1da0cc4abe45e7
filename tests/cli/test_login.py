"""login, logout and whoami: what is kept, where, for whom, and that it can be got rid of."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msal_extensions import FilePersistence  # type: ignore[import-untyped]

from pallink.azure.auth import token_cache as token_store
from pallink.sandbox import Sandbox, home
from pallink.sandbox.state.guest_policies import GuestPolicy
from pallink.signin.store import store_for
from tests.cli.people import APPLICATION, APPROVERS, CONTOSO, FABRIKAM, INVOICES, SECRET, Desk
from tests.exhaustive import combinations
from tests.harness import Pallink, Traffic

KEPT = "--allow-plain-text-cache"
# As --debug shows it.
TOKEN_REQUEST = re.compile(r"> \S+ https://\S+/oauth2/")


pytestmark = pytest.mark.usefixtures("no_keyring")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, ...]:
    """Everywhere that something may be kept."""
    return tmp_path / "user", tmp_path / "pallink", tmp_path / "sandbox" / "sign-ins", tmp_path / "cache"


def files(folders: tuple[Path, ...]) -> Iterator[Path]:
    for folder in folders:
        yield from (each for each in folder.rglob("*") if each.is_file())


def sign_in_requests(traffic: Traffic) -> list[str]:
    return [path for _, path in traffic.sent if "/oauth2/" in path]


@pytest.mark.exhaustive
def test_a_sign_in_is_kept_for_new_processes_and_removed_for_real(folders: tuple[Path, ...]) -> None:
    environ = {**os.environ, "PALLINK_CLOUD": "sandbox"}
    if sys.platform == "linux":
        # No session bus: no keyring in the new processes either.
        environ = {name: value for name, value in environ.items() if name != "DBUS_SESSION_BUS_ADDRESS"}

    def pallink(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pallink", *words],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )

    signed_in = pallink("login", "--account", INVOICES, KEPT, "-o", "json")
    assert signed_in.returncode == 0, signed_in.stderr
    assert json.loads(signed_in.stdout)["stored"] is True

    shown = pallink("whoami", "-o", "json", "--debug")
    assert (shown.returncode, json.loads(shown.stdout)["account"]) == (0, INVOICES)
    assert "because it is stored" in shown.stderr
    assert not TOKEN_REQUEST.search(shown.stderr), "the second command signed in anew"

    linked = pallink("link", "719878", "--account", INVOICES, "--debug")
    assert linked.returncode == 0, linked.stderr
    assert not TOKEN_REQUEST.search(linked.stderr)

    assert pallink("logout").returncode == 0
    left = [each for each in files(folders) if each.stat().st_size]
    assert left == []
    refused = pallink("whoami")
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "error: not signed in" in refused.stderr
    assert "pallink login --cloud sandbox" in refused.stderr


def test_the_first_sign_in_can_be_renewed_without_asking(desk: Desk, traffic: Traffic) -> None:
    desk.sandbox.set("token-lifetime", "60")
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    traffic.sent.clear()
    assert desk.run("whoami").code == 0
    assert set(sign_in_requests(traffic)) == {f"/{CONTOSO}/oauth2/v2.0/token"}, "a refresh, without a prompt"


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps files by access lists")
def test_what_is_kept_is_for_its_owner_alone_and_holds_no_secret(desk: Desk, folders: tuple[Path, ...]) -> None:
    desk.environment("client-secret")
    assert desk.run(f"login --auth client-secret {KEPT}").code == 0
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    kept = list(files(folders))
    assert {each.suffix for each in kept} == {".json", ".tokens", ""}
    for each in kept:
        assert stat.S_IMODE(each.stat().st_mode) == 0o600, each
        assert SECRET not in each.read_text()
        if each.suffix == ".json":
            assert "eyJ" not in each.read_text(), "a token beside the store of tokens"


def test_several_accounts_and_tenants_are_kept_side_by_side(desk: Desk, pallink: Pallink) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    assert desk.run("whoami -o json").json["account"] == INVOICES
    assert desk.run(f"login --account {APPROVERS} {KEPT}").code == 0
    assert desk.run(f"login --account {INVOICES} --tenant fabrikam.onmicrosoft.com {KEPT}").code == 0
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0, "instead of the first, not beside it"

    listed = json.loads(pallink("whoami --all -o json").stdout)
    assert len(listed) == 3
    assert {(each["account"], each["tenantId"]) for each in listed} == {
        (INVOICES, CONTOSO),
        (APPROVERS, CONTOSO),
        (INVOICES, FABRIKAM),
    }
    assert APPROVERS in pallink("whoami --all").stdout

    for words, account, tenant in (
        (f"--account {APPROVERS}", APPROVERS, CONTOSO),
        (f"--tenant {FABRIKAM}", INVOICES, FABRIKAM),
        ("--tenant fabrikam.onmicrosoft.com", INVOICES, FABRIKAM),
        (f"--account {INVOICES} --tenant {CONTOSO}", INVOICES, CONTOSO),
    ):
        shown = desk.run(f"whoami {words} -o json --verbose")
        assert (shown.json["account"], shown.json["tenantId"], shown.json["stored"]) == (account, tenant, True)


# By default those that are made by one and named by the other.
@pytest.mark.parametrize(
    ("named_by", "made_by"),
    combinations(
        [FABRIKAM, "fabrikam.onmicrosoft.com", "FABRIKAM.onmicrosoft.com"],
        [FABRIKAM, "fabrikam.onmicrosoft.com"],
        default=lambda named_by, made_by: (
            (named_by, made_by) in {(FABRIKAM, "fabrikam.onmicrosoft.com"), ("FABRIKAM.onmicrosoft.com", FABRIKAM)}
        ),
    ),
)
def test_a_tenant_is_the_same_by_its_id_and_by_its_domain(desk: Desk, made_by: str, named_by: str) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    assert desk.run(f"login --account {INVOICES} --tenant {made_by} {KEPT}").code == 0
    for tenant, tenant_id in ((named_by, FABRIKAM), ("contoso.com", CONTOSO), ("contoso.onmicrosoft.com", CONTOSO)):
        shown = desk.run(f"whoami --tenant {tenant} -o json")
        assert shown.code == 0, shown.stderr
        assert (shown.json["tenantId"], shown.json["stored"]) == (tenant_id, True)
        assert desk.run(f"show --tenant {tenant}").code == 3
    gone = desk.run(f"logout --tenant {named_by} -o json")
    assert gone.code == 0, gone.stderr
    assert [each["tenantId"] for each in gone.json["signedOut"]] == [FABRIKAM]
    assert desk.run(f"logout --tenant {named_by}").code == 0
    assert "no such sign-in is stored for sandbox; --cloud or --all" in desk.run(f"logout --tenant {named_by}").stderr
    assert desk.run("whoami -o json").json["tenantId"] == CONTOSO


def test_logout_of_a_domain_that_does_not_exist(desk: Desk) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    refused = desk.run("logout --tenant nowhere.example.com")
    assert refused.code == 4
    assert "AADSTS90002" in refused.stderr
    assert desk.run("whoami -o json").json["stored"] is True


@pytest.mark.parametrize("tenant", [FABRIKAM, "fabrikam.onmicrosoft.com"])
def test_a_stored_sign_in_opens_another_tenant_of_its_account(desk: Desk, traffic: Traffic, tenant: str) -> None:
    desk.reader_of_device_codes(INVOICES)
    assert desk.run(f"login --auth device-code --account {INVOICES} {KEPT}").code == 0
    traffic.sent.clear()
    shown = desk.run(f"whoami --tenant {tenant} --no-input --verbose -o json")
    assert shown.code == 0, shown.stderr
    assert (shown.json["account"], shown.json["tenantId"], shown.json["accountKind"]) == (INVOICES, FABRIKAM, "guest")
    assert "because it is stored for another tenant" in shown.stderr
    assert sign_in_requests(traffic) == [f"/{FABRIKAM}/oauth2/v2.0/token"]
    assert len([path for _, path in traffic.sent if "openid-configuration" in path and tenant in path]) <= 2
    assert desk.run("whoami -o json").json["tenantId"] == CONTOSO, "the default stays what it was"


def test_the_id_of_a_tenant_is_requested_once(desk: Desk, traffic: Traffic) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    desk.environment("client-secret")
    desk.patch.delenv("AZURE_TENANT_ID")
    traffic.sent.clear()
    # Both the choice among the sign-ins and the check of the account need it.
    shown = desk.run("whoami --auth client-secret --tenant contoso.onmicrosoft.com -o json")
    assert (shown.code, shown.json["account"], shown.json["tenantId"]) == (0, APPLICATION, CONTOSO), shown.stderr
    named = "/contoso.onmicrosoft.com/v2.0/.well-known/openid-configuration"
    assert [path for _, path in traffic.sent if path == named] == [named]


@pytest.mark.parametrize("method", ["", "--auth client-secret"])
def test_a_tenant_id_in_upper_case_is_the_same_tenant(desk: Desk, traffic: Traffic, method: str) -> None:
    if method:
        desk.environment("client-secret")
    assert desk.run(f"login {method} {KEPT}").code == 0
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        desk.patch.delenv(name, raising=False)
    traffic.sent.clear()
    shown = desk.run(f"whoami --tenant {CONTOSO.upper()} -o json")
    assert shown.code == 0, shown.stderr
    assert (shown.json["tenantId"], shown.json["stored"]) == (CONTOSO, True)
    assert sign_in_requests(traffic) == []


def test_where_another_tenant_needs_a_person_the_whole_command_is_shown(desk: Desk) -> None:
    desk.reader_of_device_codes(INVOICES)
    assert desk.run(f"login --auth device-code --account {INVOICES} {KEPT}").code == 0
    desk.sandbox.set("sign-in-error", "50173")
    refused = desk.run("link 719878 --yes --tenant fabrikam.onmicrosoft.com")
    assert refused.code == 4, refused.stderr
    command = f"pallink login {KEPT} --cloud sandbox --account {INVOICES} --tenant fabrikam.onmicrosoft.com"
    assert f"    {command} --auth device-code\n" in refused.stderr


@pytest.mark.parametrize("is_stored", [True, False])
@pytest.mark.parametrize("policy", [GuestPolicy.MFA, GuestPolicy.TERMS_OF_USE, GuestPolicy.CONSENT])
def test_in_the_sandbox_the_command_for_another_tenant_signs_in_there_in_person(
    desk: Desk, policy: GuestPolicy, *, is_stored: bool
) -> None:
    desk.sandbox.set_guest_policy(policy, ["fabrikam.onmicrosoft.com"])
    if is_stored:
        assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    in_fabrikam = f"link 719878 --account {INVOICES} --tenant fabrikam.onmicrosoft.com"
    refused = desk.run(in_fabrikam)
    assert refused.code == 4
    (command,) = (line.strip() for line in refused.stderr.splitlines() if line.startswith("    pallink login"))
    assert command.endswith("--auth device-code")
    desk.reader_of_device_codes(INVOICES)
    words = command.removeprefix("pallink ").replace("--cloud sandbox ", "")
    assert desk.run(words if is_stored else f"{words} {KEPT}").code == 0
    assert desk.run(in_fabrikam).code == 0


def test_a_stored_sign_in_that_is_no_guest_of_the_other_tenant(desk: Desk, traffic: Traffic) -> None:
    assert desk.run(f"login --account {APPROVERS} {KEPT}").code == 0
    refused = desk.run(f"link 719878 --yes --tenant {FABRIKAM}")
    assert refused.code == 4
    assert "AADSTS50020" in refused.stderr
    assert "have an administrator of that tenant invite the account" in refused.stderr
    assert traffic.of_partners() == []


def test_a_record_cannot_name_another_account_for_another_tenant(desk: Desk, traffic: Traffic) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    (record,) = (home() / "sign-ins").glob("*.json")
    record.write_text(
        json.dumps({**json.loads(record.read_text()), "account": APPROVERS, "username": "somebody@contoso.com"})
    )
    traffic.sent.clear()
    refused = desk.run(f"link 719878 --yes --tenant {FABRIKAM}")
    assert refused.code == 4
    assert traffic.of_partners() == []


def test_a_guest_is_named_by_the_name_at_home(desk: Desk, traffic: Traffic) -> None:
    for command in ("show", "login", "logout"):
        refused = desk.run(f"{command} --account invoices_contoso.com#EXT#@fabrikam.onmicrosoft.com")
        assert refused.code == 2
        assert "guests sign in with the name that they have in their home tenant" in refused.stderr
        assert f"use --account {INVOICES}, and --tenant" in refused.stderr
    assert traffic.sent == []


def test_the_tenants_of_stored_sign_ins_have_names(desk: Desk) -> None:
    """The domain that was typed at login, and which one is the user's own."""
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    assert desk.run(f"login --account {INVOICES} --tenant fabrikam.onmicrosoft.com {KEPT}").code == 0
    listed = desk.run("whoami --all").stdout
    assert f"tenant          {CONTOSO} (home)\n" in listed
    assert f"tenant          fabrikam.onmicrosoft.com ({FABRIKAM})\n" in listed
    asked = desk.run("whoami", tty=True, stdin="1\n").stderr
    assert f"  1  {INVOICES} in {CONTOSO} (home)\n  2  {INVOICES} in fabrikam.onmicrosoft.com\n" in asked
    for words in ("show", f"show --account {INVOICES}"):
        refused = desk.run(words)
        account = "" if "--account" in words else f" --account {INVOICES}"
        assert refused.stderr.endswith(f"    pallink {words} --cloud sandbox{account} --tenant {CONTOSO}\n")
    assert desk.run(f"login --account {INVOICES} --tenant contoso.com {KEPT}").code == 0
    assert f"tenant          contoso.com ({CONTOSO}, home)\n" in desk.run("whoami --all").stdout
    assert f"signed out: {INVOICES} in contoso.com (home)\n" in desk.run("logout --tenant contoso.com").stderr


def test_with_several_a_terminal_asks_and_anything_else_needs_an_account(desk: Desk, traffic: Traffic) -> None:
    for account in (INVOICES, APPROVERS):
        assert desk.run(f"login --account {account} {KEPT}").code == 0
    traffic.sent.clear()
    refused = desk.run("link 719878 --yes")
    assert refused.code == 4
    assert "could not choose among 2 stored sign-ins" in refused.stderr
    assert INVOICES in refused.stderr
    assert APPROVERS in refused.stderr
    assert f"    pallink link 719878 --yes --cloud sandbox --account {INVOICES}\n" in refused.stderr
    refused = desk.run("logout")
    assert (refused.code, f"    pallink logout --cloud sandbox --account {INVOICES}\n" in refused.stderr) == (4, True)
    assert traffic.sent == []

    asked = desk.run("whoami -o json", tty=True, stdin="7\n2\n")
    assert asked.json["account"] == APPROVERS
    assert f"1  {INVOICES}" in asked.stderr
    assert asked.stderr.count("Which sign-in? [1-2]:") == 2
    ended = desk.run("whoami", tty=True, stdin="")
    assert ended.code == 130
    assert ended.stderr.partition("Which sign-in? [1-2]:")[2].splitlines()[1].endswith(" interrupted")
    assert desk.run("whoami --no-input", tty=True).code == 4

    assert desk.run(f"logout --account {APPROVERS}").code == 0
    assert desk.run("whoami -o json").json["account"] == INVOICES
    assert desk.run(f"whoami --account {APPROVERS} -o json").json["stored"] is False


def test_logout_all_leaves_nothing_in_any_cloud(desk: Desk, served_desk: Desk, folders: tuple[Path, ...]) -> None:
    served_desk.reader_of_device_codes(APPROVERS)
    assert served_desk.run(f"login --auth device-code {KEPT}").code == 0
    served_desk.environment("client-secret")
    assert served_desk.run(f"login --auth client-secret {KEPT}").code == 0
    (store_for("").folder / f"{'a' * 32}.tokens").write_text("tokens of a sign-in that was interrupted")
    desk.origin = "https://sandbox.invalid"
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    assert len(json.loads(desk.run("whoami --all -o json").stdout)) == 3

    done = desk.run("logout --all")
    assert done.code == 0
    assert done.stderr.count("signed out: ") == 3
    assert [each.name for each in files(folders) if each.stat().st_size and "cloud-" not in each.name] == []
    assert json.loads(desk.run("whoami --all -o json").stdout) == []
    assert desk.run("logout --all").stderr == "note: no such sign-in is stored\n"


def test_an_application_is_kept_until_its_token_ends(desk: Desk, traffic: Traffic, clock_ahead: Any) -> None:
    desk.environment("client-secret")
    assert desk.run(f"login --auth client-secret {KEPT}").code == 0
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        desk.patch.delenv(name)
    traffic.sent.clear()
    shown = desk.run("link 719878 --yes -o json")
    assert (shown.code, shown.json["account"]) == (0, APPLICATION), shown.stderr
    assert sign_in_requests(traffic) == []
    clock_ahead(2 * 60 * 60)
    expired = desk.run("show")
    assert expired.code == 4
    assert f"the stored sign-in of {APPLICATION} has expired" in expired.stderr
    assert (
        f"    pallink login {KEPT} --cloud sandbox --account {APPLICATION} --tenant {CONTOSO} --client-id {APPLICATION}"
        " --auth client-secret\n"
    ) in expired.stderr


@pytest.fixture
def clock_ahead(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the clock that azure-identity looks at."""
    import time  # noqa: PLC0415

    now = time.time

    def move(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: now() + seconds)

    return move


def test_a_refresh_token_that_was_revoked(desk: Desk) -> None:
    desk.sandbox.set("token-lifetime", "60")
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    desk.sandbox.set("sign-in-error", "700082")
    refused = desk.run("show")
    assert refused.code == 4
    assert "AADSTS700082" in refused.stderr
    assert "the stored sign-in has expired: it was not used for 90 days" in refused.stderr
    assert f"pallink login {KEPT} --cloud sandbox --account {INVOICES} --tenant {CONTOSO}" in refused.stderr


def test_tokens_that_somebody_deleted(desk: Desk) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    for each in store_for("sandbox").folder.glob("*.tokens"):
        each.unlink()
    refused = desk.run("show")
    assert refused.code == 4
    assert f"the stored sign-in of {INVOICES} has expired" in refused.stderr
    assert desk.run("logout").code == 0


def test_tokens_that_azure_takes_no_more(desk: Desk) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    desk.sandbox.reset()
    refused = desk.run(f"show --account {INVOICES}")
    assert refused.code == 4
    assert "Azure refuses the account" in refused.stderr
    assert f"    pallink login {KEPT} --cloud sandbox --account {INVOICES} --tenant {CONTOSO}\n" in refused.stderr


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 2}', '{"version": 2, "id": "../x"}', '{"version": 1}'])
def test_a_broken_record_is_passed_over(desk: Desk, content: str) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    (record,) = (home() / "sign-ins").glob("*.json")
    record.with_name(f"{'0' * 32}.json").write_text(content)
    assert desk.run("whoami -o json").json["stored"] is True


def test_a_record_cannot_name_another_cache_or_another_account(desk: Desk, traffic: Traffic) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    (record,) = (home() / "sign-ins").glob("*.json")
    written = json.loads(record.read_text())
    record.write_text(json.dumps({**written, "id": "msal.cache"}))
    assert desk.run("whoami -o json").json["stored"] is False
    record.write_text(
        json.dumps({**written, "account": APPROVERS, "object_id": "13993e34-d56f-43ab-8bd7-cc9a9669780f"})
    )
    traffic.sent.clear()
    refused = desk.run(f"link 719878 --account {APPROVERS}")
    assert refused.code == 4
    assert f"the sign-in changed from {APPROVERS} to {INVOICES}" in refused.stderr
    assert traffic.of_partners() == []


def test_without_encryption_nothing_is_kept_and_nobody_signs_in(
    desk: Desk, folders: tuple[Path, ...], traffic: Traffic
) -> None:
    refused = desk.run(f"login --account {INVOICES}")
    assert refused.code == 4
    assert "error: could not store the sign-in: tokens cannot be encrypted on this machine" in refused.stderr
    assert f"    pallink login {KEPT} --cloud sandbox --account {INVOICES}" in refused.stderr
    assert list(files(folders)) == []
    assert traffic.sent == []


@pytest.mark.parametrize("way_back", ["sandbox reset", f"login {KEPT}"])
def test_the_sandboxs_users_come_back_after_a_logout(desk: Desk, pallink: Pallink, way_back: str) -> None:
    assert desk.run(f"login {KEPT}").code == 0
    assert desk.run("logout").code == 0
    assert desk.run("show").code == 4
    done = pallink(way_back) if way_back == "sandbox reset" else desk.run(way_back)
    assert done.code == 0
    assert desk.run("whoami -o json").json["account"] == INVOICES


def test_a_reset_of_the_sandbox_removes_the_sign_ins_whose_tokens_it_voids(
    desk: Desk, pallink: Pallink, folders: tuple[Path, ...]
) -> None:
    assert desk.run(f"login --account {APPROVERS} {KEPT}").code == 0
    assert pallink("sandbox reset").code == 0
    assert json.loads(pallink("whoami --all -o json").stdout) == []
    assert [path for path in files(folders) if path.suffix in (".json", ".tokens")] == []
    assert desk.run("show").code == 3, "the default user signs in by itself"


@pytest.mark.parametrize(
    "failing", ["login", f"login {KEPT} --account none@contoso.com", "login --auth managed-identity"]
)
def test_a_failed_login_leaves_the_user_signed_out(desk: Desk, failing: str) -> None:
    assert desk.run(f"login {KEPT}").code == 0
    assert desk.run("logout").code == 0
    assert desk.run(failing).code == 4
    refused = desk.run("whoami")
    assert (refused.code, "error: not signed in\n" in refused.stderr) == (4, True)


@pytest.mark.parametrize("claims", ["", " --claims eyJhIjoxfQ"])
def test_a_login_that_may_not_prompt_shows_itself_with_all_its_options(desk: Desk, claims: str) -> None:
    refused = desk.run(f"login --auth device-code --account {INVOICES} {KEPT}{claims} --no-input")
    assert refused.code == 4
    command = f"pallink login {KEPT}{claims} --cloud sandbox --account {INVOICES} --auth device-code"
    assert refused.stderr.endswith(f"    {command}\n")


def test_where_tokens_can_be_encrypted_nothing_has_to_be_allowed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, traffic: Traffic
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(token_store, "_persistence", lambda path: FilePersistence(str(path)))
        done = desk.run(f"login --account {INVOICES} -o json")
        assert done.json["stored"] is True
        assert "warning" not in done.stderr
        assert desk.run("whoami -o json").json["stored"] is True
    # The same machine from a remote session, where the keyring is out of reach.
    traffic.sent.clear()
    refused = desk.run("link 719878 --yes")
    assert refused.code == 4
    assert f"the stored sign-in of {INVOICES} cannot be read" in refused.stderr
    assert desk.run("logout").code == 4, "its tokens would stay where they are"
    assert traffic.sent == []


@pytest.mark.parametrize("auth", ["workload-identity", "github", "azure-pipelines", "managed-identity"])
def test_what_cannot_be_kept_says_so(desk: Desk, folders: tuple[Path, ...], auth: str) -> None:
    desk.environment(auth)
    refused = desk.run(f"login --auth {auth} {KEPT}")
    assert (refused.code, refused.stdout) == (4, "")
    assert "error: nothing to store: each command signs in with" in refused.stderr
    assert list(files(folders)) == []


def test_a_sign_in_of_the_wrong_account_is_not_kept(desk: Desk, folders: tuple[Path, ...]) -> None:
    desk.reader_of_device_codes(APPROVERS)
    refused = desk.run(f"login --auth device-code --account {INVOICES} {KEPT}")
    assert refused.code == 4
    assert f"{APPROVERS} signed in, not {INVOICES}" in refused.stderr
    assert [each for each in files(folders) if each.stat().st_size] == []


def test_a_person_signs_in_by_device_code_once(desk: Desk, traffic: Traffic) -> None:
    desk.reader_of_device_codes(INVOICES)
    asked = desk.run(f"login --auth device-code --account {INVOICES} {KEPT}", tty=True)
    assert asked.code == 0, asked.stderr
    assert f"to sign in as {INVOICES}, run in another terminal by " in asked.stderr
    traffic.sent.clear()
    linked = desk.run(f"link 719878 --auth device-code --account {INVOICES}")
    assert linked.code == 0
    assert "to sign in" not in linked.stderr
    assert sign_in_requests(traffic) == []


def test_a_person_is_told_where_to_enter_the_code(served_desk: Desk) -> None:
    served_desk.reader_of_device_codes(INVOICES)
    asked = served_desk.run("whoami --auth device-code")
    assert asked.code == 0
    assert "sign in: to sign in, open https://localhost:" in asked.stderr
    assert " in any browser and enter the code " in asked.stderr


def test_a_person_signs_in_by_browser_once(served_desk: Desk) -> None:
    served_desk.browser()
    asked = served_desk.run(f"login --account {INVOICES} {KEPT}", tty=True)
    assert asked.code == 0, asked.stderr
    assert f"a browser opens: sign in there as {INVOICES}" in asked.stderr
    served_desk.seen.clear()
    linked = served_desk.run(f"link 719878 --account {INVOICES}")
    assert linked.code == 0, linked.stderr
    assert [request.path for request in served_desk.seen if "/oauth2/" in request.path] == []


def test_nobody_waits_for_a_person_on_the_commands_time(desk: Desk, clock: Any) -> None:
    desk.reader_of_device_codes(INVOICES)
    read = desk.sandbox.approve

    def slowly(self: Sandbox, *args: Any, **rest: Any) -> str:
        del self
        clock.now += 600
        return read(*args, **rest)

    desk.patch.setattr(Sandbox, "approve", slowly)
    assert desk.run(f"show --auth device-code --account {INVOICES}").code == 3


def test_the_second_proof_that_a_write_demands_is_a_matter_of_signing_in(desk: Desk, traffic: Traffic) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    desk.sandbox.set("mfa-for-writes", "401")
    assert desk.run("show").code == 3
    refused = desk.run("link 719878 --yes")
    assert refused.code == 4, refused.stderr
    (command,) = (line.split() for line in refused.stderr.splitlines() if line.startswith("    pallink login"))
    assert desk.run("show").code == 3
    desk.reader_of_device_codes(INVOICES)
    assert desk.pallink(*command[1:]).code == 0
    assert desk.run("link 719878 --yes").code == 0
    assert traffic.writes() == ["PUT", "PUT"]


@pytest.mark.parametrize("status", ["401", "403"])
@pytest.mark.parametrize("is_stored", [False, True])
def test_a_demand_names_one_complete_command_whatever_its_status(desk: Desk, status: str, *, is_stored: bool) -> None:
    if is_stored:
        assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    desk.sandbox.set("mfa-for-writes", status)
    account = " --yes" if is_stored else f" --account {INVOICES}"
    refused = desk.run(f"link 719878{account}")
    assert refused.code == 4, refused.stderr
    assert "failed: Azure requires a new sign-in (" in refused.stderr
    assert "cause: for this the tenant requires multifactor authentication, and the sign-in did not" in refused.stderr
    (command,) = (line.split() for line in refused.stderr.splitlines() if line.startswith("    "))
    assert command[:3] == ["pallink", "login", "--claims"]
    kept = f"{KEPT} --cloud sandbox --account {INVOICES} --tenant {CONTOSO}"
    signed_in = kept if is_stored else f"--cloud sandbox --account {INVOICES}"
    assert " ".join(command[4:]) == f"{signed_in} --auth device-code"
    desk.reader_of_device_codes(INVOICES)
    if not is_stored:
        # Nothing could keep that sign-in: the command that can has the same claims.
        unkept = desk.pallink(*command[1:])
        assert unkept.code == 4
        (again,) = (line.split() for line in unkept.stderr.splitlines() if line.startswith("    "))
        assert again[:3] == ["pallink", "login", KEPT]
        assert command[3] in again
        command = again
    assert desk.pallink(*command[1:]).code == 0
    assert desk.run("link 719878 --yes").code == 0


@pytest.mark.parametrize(
    ("reason", "cause", "remedy"),
    [
        ("policies", "the tenant's conditional access policies have changed since this sign-in", "sign in again"),
        ("revocation", "the session was revoked: the password was changed", "sign in again"),
        ("location", "from another network address (203.0.113.7) than the tenant", "through the same network"),
    ],
)
def test_a_challenge_says_what_it_is_about(desk: Desk, reason: str, cause: str, remedy: str) -> None:
    desk.sandbox.set("challenge-reason", reason)
    desk.sandbox.set("claims-challenge", "always")
    refused = desk.run(f"show --account {INVOICES}")
    assert refused.code == 4, refused.stderr
    (line,) = (line for line in refused.stderr.splitlines() if line.startswith("cause: "))
    assert cause in line
    assert remedy in refused.stderr
    assert "    pallink login --claims " in refused.stderr


def test_an_application_is_not_told_to_sign_in_as_a_person_does(desk: Desk) -> None:
    desk.environment("client-secret")
    desk.sandbox.set("claims-challenge", "always")
    refused = desk.run("show --auth client-secret")
    assert refused.code == 4
    assert "pallink login" not in refused.stderr
    assert "hint: have the tenant's administrator exempt the application from the policy\n" in refused.stderr


def test_the_session_of_az_is_renewed_by_az(desk: Desk) -> None:
    desk.az(INVOICES)
    desk.sandbox.set("mfa-for-writes", "401")
    refused = desk.run(f"link 719878 --auth azure-cli --account {INVOICES} --tenant {CONTOSO} -o json")
    assert refused.code == 4, refused.stderr
    error = json.loads(refused.stderr)
    assert error["code"] == "MoreProofNeeded"
    assert error["command"].startswith(f"az login --tenant {CONTOSO} --claims-challenge ey")
    assert "requires multifactor authentication" in error["cause"]
    assert error["link"] == "unchanged"


def test_a_refusal_of_the_renewal_is_told_with_the_challenge(desk: Desk) -> None:
    assert desk.run(f"login --account {INVOICES} {KEPT}").code == 0
    desk.sandbox.set("mfa-for-writes", "401")
    refused = desk.run("link 719878 --yes")
    assert refused.code == 4
    assert "\ncause: the sign-in failed: AADSTS50076: " in refused.stderr


def test_a_claims_challenge_is_met_without_a_word_where_that_is_possible(desk: Desk, traffic: Traffic) -> None:
    desk.environment("client-secret")
    desk.sandbox.set("claims-challenge", "once")
    done = desk.run("link 719878 --auth client-secret --no-input")
    assert done.code == 0, done.stderr
    desk.sandbox.set("claims-challenge", "always")
    refused = desk.run("show --auth client-secret")
    assert refused.code == 4, refused.stderr
    assert "Azure requires a new sign-in" in refused.stderr
    assert traffic.writes() == ["PUT"]
