"""pallink tenants: where an account is, and its link in each tenant, with one sign-in."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import NAMESPACE_DNS, uuid5

import pytest

from pallink.sandbox import Request, Response
from pallink.sandbox.state.guest_policies import GuestPolicy
from tests.cli.people import CONTOSO, FABRIKAM, INVOICES, Desk, renamed, served
from tests.harness import Run, Traffic
from tests.sandbox.client import Client

KEPT = "--allow-plain-text-cache"
FIRST, SECOND, THIRD = (str(uuid5(NAMESPACE_DNS, f"tenant-000{number}.example")) for number in (1, 2, 3))


def objects(done: Run) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(done.stdout)
    return listed


def test_the_tenants_with_what_the_account_is_there(consultant: Desk, traffic: Traffic) -> None:
    done = consultant.run("tenants -o json")
    assert done.code == 0, done.stderr
    rows = objects(done)
    assert [(row["tenantName"], row["defaultDomain"], row["accountKind"]) for row in rows[:3]] == [
        ("Contoso", "contoso.onmicrosoft.com", "user"),
        ("Fabrikam", "fabrikam.onmicrosoft.com", "guest"),
        ("Tenant 0001", "tenant-0001.example", "guest"),
    ]
    assert {row["tenantId"] for row in rows} == {CONTOSO, FABRIKAM, FIRST, SECOND, THIRD}
    assert {(row["account"], row["tenantCategory"], row["linkRead"]) for row in rows} == {(INVOICES, "Home", False)}
    sent = [(method, path) for method, path in traffic.sent if "oauth2" not in path]
    assert sent == [("GET", "/tenants")]


def test_all_pages_are_read(consultant: Desk, traffic: Traffic) -> None:
    consultant.sandbox.set("page-size", "2")
    assert len(objects(consultant.run("tenants -o json"))) == 5
    assert traffic.sent.count(("GET", "/tenants")) == 3


def test_a_guest_whose_home_is_not_known(consultant: Desk) -> None:
    rows = objects(consultant.run(f"tenants -o json --tenant {FABRIKAM}"))
    kinds = {row["tenantId"]: row["accountKind"] for row in rows}
    assert (kinds[FABRIKAM], kinds[CONTOSO]) == ("guest", None)
    assert "unknown" in consultant.run(f"tenants --tenant {FABRIKAM}").stdout


@pytest.mark.parametrize("tenant", ["nosuch.example", "11111111-2222-3333-4444-555555555555"])
def test_a_tenant_that_does_not_exist_leads_to_the_list_of_tenants(desk: Desk, tenant: str) -> None:
    account = f"--account {INVOICES}"
    assert desk.run(f"login {KEPT} {account}").code == 0
    for words in (f"show {account} --tenant {tenant}", f"login {KEPT} {account} --tenant {tenant}"):
        refused = desk.run(f"{words} -o json")
        assert refused.code == 4
        error = json.loads(refused.stderr)
        assert error["remedy"].endswith("; this lists the tenants of the account")
        assert error["command"] == f"pallink tenants --cloud sandbox {account}"
    several = desk.run(f"show {account} --tenant contoso.com --tenant {tenant} -o json")
    (entry,) = [entry for entry in several.json["entries"] if entry["error"]]
    assert (entry["outcome"], entry["error"]["command"]) == ("failed", f"pallink tenants --cloud sandbox {account}")


def test_an_application_lists_no_tenants(desk: Desk) -> None:
    desk.environment("client-secret")
    refused = desk.run("show --auth client-secret --tenant nosuch.example -o json")
    error = json.loads(refused.stderr)
    assert (error["command"], error["remedy"]) == (
        None,
        "check AZURE_TENANT_ID or --tenant, and that --cloud is its cloud",
    )


def test_the_table(consultant: Desk) -> None:
    shown = consultant.run("tenants").stdout.splitlines()
    assert shown[0].split() == ["tenant", "account", "domain", "ID"]
    assert shown[1].split() == ["Contoso", "member", "contoso.onmicrosoft.com", CONTOSO]


def test_a_narrow_terminal_says_that_the_ids_are_not_shown(consultant: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    *rows, note = consultant.run("tenants", tty=True).stdout.splitlines()
    assert rows[1].split()[1:] == ["member", "contoso.onmicrosoft.com"]
    assert CONTOSO not in "".join(rows)
    needed = re.fullmatch(r"tenant IDs are not shown: they need (\d+) columns, or -o json", note)
    assert needed
    monkeypatch.setenv("COLUMNS", needed[1])
    assert CONTOSO in consultant.run("tenants", tty=True).stdout.splitlines()[1]
    monkeypatch.setenv("COLUMNS", str(int(needed[1]) - 1))
    assert CONTOSO not in consultant.run("tenants", tty=True).stdout


@pytest.mark.parametrize("links", ["", "--links"])
def test_a_very_narrow_terminal_shows_everything_below_the_name(
    consultant: Desk, monkeypatch: pytest.MonkeyPatch, links: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    shown = consultant.run(f"tenants {links}", tty=True).stdout
    link = "  link: none\n" if links else ""
    assert shown.startswith(
        f"Contoso\n  account: member\n{link}  domain: contoso.onmicrosoft.com\n  ID:\n  {CONTOSO}\n"
    )
    assert shown.count("  ID:\n") == 5
    assert max(map(len, shown.splitlines())) < 40


def test_the_links(consultant: Desk) -> None:
    assert consultant.run(f"link 719878 --account {INVOICES} --tenant tenant-0002.example").code == 0
    done = consultant.run("tenants --links -o json")
    assert done.code == 0, done.stderr
    rows = {row["tenantId"]: row for row in objects(done)}
    assert {row["linkRead"] for row in rows.values()} == {True}
    assert (rows[SECOND]["partnerId"], rows[SECOND]["partnerName"], rows[SECOND]["state"]) == (
        "719878",
        "Mekorma",
        "Active",
    )
    assert {row["partnerId"] for row in rows.values()} == {"719878", None}
    assert rows[FIRST]["objectId"] == str(uuid5(uuid5(NAMESPACE_DNS, "tenant-0001.example"), INVOICES))
    shown = consultant.run("tenants --links").stdout
    assert "guest    719878 Mekorma  tenant-0002.example" in shown
    assert "guest    none            tenant-0001.example" in shown


def test_a_tenants_name_is_not_asked_for_again(consultant: Desk, traffic: Traffic) -> None:
    assert consultant.run("tenants --links").code == 0
    assert traffic.sent.count(("GET", "/tenants")) == 1
    assert traffic.of_partners() == ["GET"] * 5


def test_a_link_that_could_not_be_read_is_never_none(consultant: Desk) -> None:
    consultant.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    consultant.sandbox.set_guest_policy(GuestPolicy.CROSS_TENANT_ACCESS, ["tenant-0002.example"])
    done = consultant.run("tenants --links")
    assert done.code == 8
    assert "not read: needs a sign-in" in done.stdout
    assert "not read: blocked" in done.stdout
    assert "error: could not read the link in 2 of 5 tenants" in done.stderr
    assert "\nhint: correct each error, then run again\n    pallink tenants --links" in done.stderr
    assert (
        "account: invoices@contoso.com in Tenant 0002 (tenant-0002.example)\nerror: the sign-in failed: AADSTS500213"
        in done.stderr
    )
    rows = {row["tenantId"]: row for row in objects(consultant.run("tenants --links -o json"))}
    assert (rows[FIRST]["linkRead"], rows[FIRST]["error"]["exitCode"]) == (False, 4)
    assert f"--tenant {FIRST}" in rows[FIRST]["error"]["command"]
    assert rows[THIRD]["linkRead"] is True


def test_a_tenant_that_removed_the_guest_has_no_option_that_there_is_not(consultant: Desk) -> None:
    consultant.sandbox.set_guest_policy(GuestPolicy.REMOVED, ["tenant-0001.example"])
    done = consultant.run("tenants --links")
    assert done.code == 8
    assert "\nhint: have an administrator of that tenant invite the account again\n" in done.stderr
    assert "--exclude-tenant" not in done.stderr


def test_a_fault_of_the_service_is_not_read_either(consultant: Desk) -> None:
    assert consultant.pallink("sandbox fault add status --status 403 --path */partners* --times 1").code == 0
    done = consultant.run("tenants --links --concurrency 1")
    assert done.code == 8
    assert "member   not read  contoso.onmicrosoft.com" in done.stdout


def test_tenants_that_delegate_have_no_link_of_this_account(consultant: Desk, traffic: Traffic) -> None:
    done = consultant.run("tenants --links --account lighthouse@contoso.com")
    assert done.code == 0
    assert "delegated  in the managing tenant" in done.stdout
    assert "note: delegated through Azure Lighthouse: fabrikam.onmicrosoft.com" in done.stderr
    assert not [path for _, path in traffic.sent if FABRIKAM in path]


@pytest.mark.parametrize(
    ("method", "note"),
    [
        ("client-secret", "this one is of one tenant"),
        ("managed-identity", "a managed identity, and Azure Cloud Shell, sign in to one tenant only"),
    ],
)
def test_applications_are_in_one_tenant(consultant: Desk, method: str, note: str) -> None:
    consultant.environment(method)
    done = consultant.run(f"tenants --auth {method}")
    assert (done.code, len(done.stdout.splitlines())) == (0, 2)
    assert note in " ".join(done.stderr.split())
    refused = consultant.run(f"tenants --links --auth {method}")
    assert refused.code == 4
    assert "is for one tenant" in refused.stderr


def test_cloud_shell_lists_all_and_opens_one(consultant: Desk) -> None:
    consultant.environment("cloud-shell")
    assert len(objects(consultant.run("tenants --auth managed-identity -o json"))) == 5
    refused = consultant.run("tenants --links --auth managed-identity")
    assert refused.code == 4
    assert "cause: a managed identity, and Azure Cloud Shell, get tokens for one tenant only" in refused.stderr
    # Another login with the same method would be of no use.
    assert refused.stderr.splitlines()[-1] == "    pallink login --cloud sandbox"


def test_a_variable_that_keeps_azure_identity_in_one_tenant(
    consultant: Desk, monkeypatch: pytest.MonkeyPatch, traffic: Traffic
) -> None:
    monkeypatch.setenv("AZURE_IDENTITY_DISABLE_MULTITENANTAUTH", "true")
    refused = consultant.run("tenants --links")
    assert refused.code == 2
    assert "error: AZURE_IDENTITY_DISABLE_MULTITENANTAUTH keeps the sign-in in one tenant" in refused.stderr
    assert traffic.of_partners() == []


def test_a_sign_in_that_is_not_stored_opens_all_too(consultant: Desk) -> None:
    consultant.reader_of_device_codes(INVOICES)
    done = consultant.run("tenants --links --auth device-code -o json")
    assert done.code == 0, done.stderr
    assert [row["linkRead"] for row in objects(done)] == [True] * 5
    assert done.stderr.count("sign in: ") == 1


def test_one_stored_sign_in_opens_all(served_consultant: Desk) -> None:
    served_consultant.sandbox.set_guest_policy(GuestPolicy.MFA, ["tenant-0001.example"])
    done = served_consultant.run("tenants --links -o json")
    assert done.code == 8
    rows = {row["tenantId"]: row for row in objects(done)}
    assert [identity for identity, row in rows.items() if not row["linkRead"]] == [FIRST]
    assert rows[FIRST]["error"]["code"] == "MoreProofNeeded"
    assert "login --claims" in rows[FIRST]["error"]["command"]
    assert {row["accountKind"] for row in rows.values()} == {"user", "guest"}


def of_third_tenant(desk: Desk, request: Request) -> Response:
    """Return a token of the same person for another tenant than the request names."""
    return desk.sandbox.handle(replace(request, url=request.url.replace(SECOND, THIRD)))


def of_another_person(desk: Desk, request: Request) -> Response:
    """Return a token of another user for the tenant that the request names."""
    client = Client(Path(os.environ["PALLINK_SANDBOX_HOME"]))
    client.sandbox = desk.sandbox
    origin = request.url.partition(f"/{SECOND}")[0]
    tokens = client.tokens("user-0002@tenant-0002.example", SECOND, origin=origin)
    return Response(200, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(tokens).encode())


def of_the_same_name(desk: Desk, request: Request) -> Response:
    """Return a token of another user who has the name of the first, as after one person got the name of another."""
    response = of_another_person(desk, request)
    tokens = json.loads(response.body)
    tokens |= {name: renamed(tokens[name], INVOICES) for name in ("access_token", "id_token")}
    return replace(response, body=json.dumps(tokens).encode())


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (of_the_same_name, "the sign-in changed from invoices@contoso.com to another account of this name"),
        (of_third_tenant, f"signed in to tenant {THIRD}, not to {SECOND}"),
        (of_another_person, "the sign-in changed from invoices@contoso.com to user-0002@tenant-0002.example"),
    ],
)
@pytest.mark.usefixtures("no_keyring")
def test_a_token_for_another_tenant_or_person_is_refused_before_the_partner_api(
    consultant: Desk, wrong: Callable[[Desk, Request], Response], sentence: str
) -> None:
    consultant.sandbox.grow(accounts=2)

    def instead(request: Request) -> Response | None:
        form = parse_qs(request.body.decode()) if request.method == "POST" else {}
        if form.get("grant_type") == ["refresh_token"] and SECOND in request.url:
            return wrong(consultant, request)
        return None

    with served(consultant, instead) as desk:
        desk.reader_of_device_codes(INVOICES)
        assert desk.run(f"login --auth device-code {KEPT}").code == 0
        desk.seen.clear()
        done = desk.run("tenants --links -o json")
    rows = {row["tenantId"]: row for row in objects(done)}
    assert done.code == 8
    assert [tenant_id for tenant_id, row in rows.items() if not row["linkRead"]] == [SECOND]
    assert sentence in rows[SECOND]["error"]["message"]
    assert len([request for request in desk.seen if "managementpartner" in request.url.casefold()]) == 4
