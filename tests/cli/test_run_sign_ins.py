"""The sign-ins of one run: a token cache that its sessions share, and a new sign-in that opens the other tenants."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pallink.azure.auth import token_cache
from pallink.azure.auth.sign_ins import RunSignIns
from pallink.cli.prompter import TerminalPrompter
from pallink.concurrency import gather
from pallink.sandbox import Request, Response
from pallink.sandbox.state.guest_policies import GuestPolicy
from pallink.signin.store import store_for
from tests.cli.people import APPROVERS, CONTOSO, FABRIKAM, INVOICES, Desk, renamed, served
from tests.fleet.files import outcomes, totals, write_fleet
from tests.fleet.test_tenants import EVERYWHERE, FIRST, SECOND, by_tenant


@pytest.fixture(autouse=True)
def no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def token_requests(desk: Desk) -> int:
    return len([request for request in desk.seen if request.method == "POST"])


@pytest.fixture
def cache_calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the token caches that are read and written."""
    calls: Counter[str] = Counter()

    def count(name: str) -> None:
        real = getattr(token_cache, name)

        def counted(*args: Any, **options: Any) -> Any:
            calls[name] += 1
            return real(*args, **options)

        monkeypatch.setattr(token_cache, name, counted)

    count("load")
    count("save")
    return calls


def test_all_sessions_of_a_run_share_one_token_cache(served_consultant: Desk, cache_calls: Counter[str]) -> None:
    """It is read once, written once, and has a token for each tenant when the next run begins."""
    desk = served_consultant
    done = desk.run("link 719878 --all-tenants --yes -o json")
    assert (done.code, totals(done)) == (0, {"created": 5})
    assert (cache_calls["save"], token_requests(desk)) == (1, 4)
    cache_calls.clear()
    desk.seen.clear()
    assert desk.run("verify 719878 --all-tenants").code == 0
    assert (cache_calls["save"], token_requests(desk)) == (0, 0)


def test_a_cache_is_read_once_by_many_threads(desk: Desk, no_keyring: None, cache_calls: Counter[str]) -> None:  # noqa: ARG001
    for account in (INVOICES, APPROVERS):
        assert desk.run(f"login --account {account} --allow-plain-text-cache").code == 0
    cache_calls.clear()
    first, second = store_for("sandbox").all()
    sign_ins = RunSignIns()
    opened = gather(*[lambda stored=stored: sign_ins.open(stored) for stored in (first, second) * 8])
    assert {(stored.account, id(cache)) for stored, cache in opened} == {
        (stored.account, id(sign_ins.open(stored)[1])) for stored in (first, second)
    }
    assert cache_calls["load"] == 2, "each has a cache of its own, out of reach of the other"


@pytest.fixture
def newcomer(consultant: Desk) -> Iterator[Desk]:
    """A consultant at a served sandbox with no sign-in stored, who enters device codes."""
    with served(consultant) as elsewhere:
        elsewhere.reader_of_device_codes(INVOICES)
        yield elsewhere


def prompts(stderr: str) -> int:
    return stderr.count("sign in: ")


def stored(desk: Desk) -> object:
    return json.loads(desk.pallink("whoami --all -o json").stdout)


def writes(desk: Desk) -> int:
    return len([request for request in desk.seen if request.method == "PUT"])


@pytest.mark.parametrize("tty", [True, False])
def test_a_new_sign_in_opens_all_tenants(newcomer: Desk, tty: bool) -> None:
    done = newcomer.run("link 719878 --all-tenants --auth device-code --yes -o json", tty=tty)
    assert (done.code, totals(done), prompts(done.stderr)) == (0, {"created": 5}, 1), done.stderr
    assert stored(newcomer) == []


def test_a_new_sign_in_with_the_browser_opens_all_tenants(newcomer: Desk) -> None:
    newcomer.browser(INVOICES)
    done = newcomer.run("link 719878 --all-tenants --auth browser --yes -o json")
    assert (done.code, totals(done), prompts(done.stderr)) == (0, {"created": 5}, 1), done.stderr


def test_a_plan_and_what_follows_it_need_one_sign_in(newcomer: Desk) -> None:
    done = newcomer.run("link 719878 --all-tenants --auth device-code -o json", tty=True, stdin="y\n")
    assert (done.code, totals(done), prompts(done.stderr)) == (0, {"created": 5}, 1), done.stderr


def test_a_tenant_that_wants_more_than_the_new_sign_in_is_asked_for(newcomer: Desk) -> None:
    """With its claims, and kept no longer than the run either."""
    newcomer.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    done = newcomer.run("link 719878 --all-tenants --auth device-code --yes -o json", tty=True, stdin="\n")
    assert (done.code, totals(done), prompts(done.stderr)) == (0, {"created": 5}, 2), done.stderr
    assert f"account: {INVOICES} in Tenant 0001 (tenant-0001.example), 1 of 1\n" in done.stderr
    assert stored(newcomer) == []
    redeemed = [request.body for request in newcomer.seen if b"grant-type%3Adevice_code" in request.body]
    assert ["acrs" in str(body) for body in redeemed] == [False, True]


def test_a_resumed_run_signs_in_as_the_run_did(newcomer: Desk) -> None:
    """With the method that --auth named, as the same home account, and with the names of the tenants."""
    newcomer.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example", "tenant-0002.example"])
    done = newcomer.run("link 719878 --all-tenants --auth device-code --yes -o json")
    assert (done.code, totals(done)) == (8, {"created": 3, "needs-sign-in": 2}), done.stderr
    resumed = newcomer.run("fleet apply --resume last -o json", tty=True, stdin="\n")
    assert (resumed.code, totals(resumed), prompts(resumed.stderr)) == (0, {"created": 5}, 2), resumed.stderr
    assert f"account: {INVOICES} in Tenant 0001 (tenant-0001.example), 1 of 2\n" in resumed.stderr
    (run,) = json.loads(newcomer.pallink("fleet runs -o json").stdout)
    header = json.loads((Path(run["folder"]) / "journal.jsonl").read_text(encoding="utf-8").splitlines()[0])["header"]
    assert {entry["resolved"]["homeAccountId"].rpartition(".")[2] for entry in header["plan"]["entries"]} == {CONTOSO}


def test_a_tenant_that_wants_more_is_named_without_a_terminal(newcomer: Desk) -> None:
    newcomer.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    done = newcomer.run("link 719878 --all-tenants --auth device-code --yes -o json")
    assert (done.code, totals(done), prompts(done.stderr)) == (8, {"created": 4, "needs-sign-in": 1}, 1), done.stderr
    (entry,) = [entry for entry in done.json["entries"] if entry["outcome"] == "needs-sign-in"]
    command = entry["error"]["command"]
    assert command.startswith("pallink login --claims ")
    assert command.endswith(f" --account {INVOICES} --tenant {FIRST} --auth device-code")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--no-input --auth device-code", "this sign-in method needs a prompt, and --no-input is set"),
        ("", "not signed in"),
    ],
)
def test_without_a_prompt_no_new_sign_in_is_made(newcomer: Desk, options: str, message: str) -> None:
    refused = newcomer.run(f"link 719878 --all-tenants --yes {options}")
    assert refused.code == 4
    assert message in refused.stderr
    assert token_requests(newcomer) == 0


def test_another_account_at_the_first_prompt_is_refused(newcomer: Desk) -> None:
    approve = newcomer.sandbox.approve
    newcomer.patch.setattr(TerminalPrompter, "show_device_code", lambda _, __, code: approve(code, APPROVERS))
    refused = newcomer.run(f"link 719878 --all-tenants --yes --auth device-code --account {INVOICES}")
    assert refused.code == 4
    assert f"error: {APPROVERS} signed in, not {INVOICES}" in refused.stderr
    assert writes(newcomer) == 0


def test_entries_of_one_user_need_one_sign_in(newcomer: Desk, tmp_path: Path) -> None:
    """The first of them is asked for; its sign-in opens the tenants of the others, but not those of another account."""
    newcomer.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0002.example"])
    asked: list[str] = []

    def read(_: TerminalPrompter, message: str, code: str) -> None:
        account = APPROVERS if APPROVERS in message else INVOICES
        asked.append(account)
        newcomer.sandbox.approve(code, account)

    newcomer.patch.setattr(TerminalPrompter, "show_device_code", read)
    file = write_fleet(
        tmp_path,
        *(f"account: {INVOICES}, auth: device-code, tenant: {tenant}" for tenant in (CONTOSO, FABRIKAM, FIRST, SECOND)),
        f"account: {APPROVERS}, auth: device-code, tenant: {CONTOSO}",
    )
    done = newcomer.run(f"fleet apply {file} --yes -o json", tty=True, stdin="\n")
    assert (done.code, totals(done)) == (0, {"created": 5}), done.stderr
    assert asked == [INVOICES, APPROVERS, INVOICES]
    assert outcomes(done)[APPROVERS] == "created"
    assert stored(newcomer) == []


def test_all_tenants_of_a_fleet_file_need_one_sign_in(newcomer: Desk, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, f"{EVERYWHERE}, auth: device-code")
    refused = newcomer.run(f"fleet apply {file} --yes")
    assert refused.code == 4
    assert "line 4 of the fleet file is about all tenants of invoices@contoso.com" in refused.stderr
    done = newcomer.run(f"fleet apply {file} --yes -o json", tty=True)
    assert (done.code, totals(done), prompts(done.stderr)) == (0, {"created": 5}, 1), done.stderr


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize("is_stored", [True, False])
def test_another_person_of_the_same_name_at_a_prompt_is_refused(consultant: Desk, is_stored: bool) -> None:
    """As a personal account that has the address of a work account: the home account tells them apart."""
    desk, another = consultant, "user-0001@tenant-0001.example"
    desk.sandbox.grow(accounts=1)
    desk.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])

    def instead(request: Request) -> Response | None:
        if FIRST not in request.url or b"grant-type%3Adevice_code" not in request.body:
            return None
        response = desk.sandbox.handle(request)
        tokens = json.loads(response.body)
        tokens |= {name: renamed(tokens[name], INVOICES) for name in ("access_token", "id_token") if name in tokens}
        return replace(response, body=json.dumps(tokens).encode())

    with served(desk, instead):
        desk.reader_of_device_codes(INVOICES)
        if is_stored:
            assert desk.run("login --auth device-code --allow-plain-text-cache").code == 0
        approve = desk.sandbox.approve
        asked: list[str] = []

        def read(_: TerminalPrompter, __: str, code: str) -> None:
            asked.append(code)
            approve(code, another if is_stored or len(asked) == 2 else INVOICES)

        desk.patch.setattr(TerminalPrompter, "show_device_code", read)
        desk.seen.clear()
        done = desk.run("link 719878 --all-tenants --auth device-code --yes -o json", tty=True, stdin="\n")
        assert (done.code, totals(done)) == (8, {"created": 4, "failed": 1}), done.stderr
        assert by_tenant(done)[FIRST] == "failed"
        (entry,) = [entry for entry in done.json["entries"] if entry["outcome"] == "failed"]
        assert entry["error"]["code"] == "WrongAccount"
        assert entry["error"]["message"] == f"{INVOICES} signed in with another home account than before"
        assert writes(desk) == 4
        assert not [
            request
            for request in desk.seen
            if "managementpartner" in request.url.casefold() and FIRST in str(request.headers)
        ]
        assert len(json.loads(desk.pallink("whoami --all -o json").stdout)) == is_stored


def test_the_account_that_was_picked_is_the_one_in_all_tenants(served_consultant: Desk) -> None:
    """Though another stored sign-in, of another home account, has the same name."""
    desk = served_consultant
    desk.patch.setattr(TerminalPrompter, "show_device_code", lambda _, __, code: desk.sandbox.approve(code, APPROVERS))
    assert desk.run("login --auth device-code --allow-plain-text-cache").code == 0
    records = sorted(store_for(desk.origin).folder.glob("*.json"), key=lambda path: json.loads(path.read_text())["id"])
    accounts = [json.loads(path.read_text())["account"] for path in records]
    path = records[accounts.index(APPROVERS)]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"account": INVOICES, "username": INVOICES}))
    number = accounts.index(INVOICES) + 1
    done = desk.run("link 719878 --all-tenants --yes -o json", tty=True, stdin=f"{number}\n")
    assert (done.code, totals(done)) == (0, {"created": 5}), done.stderr


def test_the_sign_in_after_one_that_expired_opens_the_other_tenants(served_consultant: Desk, tmp_path: Path) -> None:
    """Each entry was refused with the old refresh token; only one is asked for."""
    desk = served_consultant
    (tokens,) = store_for(desk.origin).folder.glob("*.tokens")
    tokens.write_text(json.dumps(json.loads(tokens.read_text()) | {"RefreshToken": {}, "AccessToken": {}}))
    file = write_fleet(tmp_path, *(f"account: {INVOICES}, tenant: {tenant}" for tenant in (CONTOSO, FABRIKAM, FIRST)))
    done = desk.run(f"fleet apply {file} --yes -o json", tty=True, stdin="\n")
    assert (done.code, totals(done), prompts(done.stderr)) == (0, {"created": 3}, 1), done.stderr
