"""One person in many tenants of the stand-in: one device code, and what becomes of each tenant."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests.cli.people import Desk
from tests.exhaustive import combinations
from tests.fleet.files import totals
from tests.harness import Pallink, Run
from tests.standin.refusals import BLOCKED, CONSENT, MFA, REFUSALS, TERMS_OF_USE, UNMANAGED_DEVICE, Refusal
from tests.standin.server import serve
from tests.standin.service import HOME, PERSON, Service, Tenant

KEPT = "--allow-plain-text-cache"
OPEN = {"partner.example", "fabrikam.example", "tailspin.example", "adatum.example"}

pytestmark = pytest.mark.usefixtures("no_keyring")

Enter = Callable[..., tuple[Desk, Service]]


@pytest.fixture
def enter(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trusted: None, authority: trustme.CA
) -> Iterator[Enter]:
    """Return a function that signs the person in with a device code, in a directory with further tenants."""
    del trusted
    with serve(Service([Tenant("Partner", "partner.example", HOME)]), authority) as service:

        def enter(*tenants: Tenant) -> tuple[Desk, Service]:
            service.tenants += tenants
            desk = Desk(pallink, monkeypatch, tmp_path, service.origin)
            signed_in = desk.run(f"login --auth device-code {KEPT}")
            assert signed_in.code == 0, signed_in.stderr
            return desk, service

        yield enter


@pytest.fixture
def consultant(enter: Enter) -> tuple[Desk, Service]:
    """A person in eight tenants, and another one that delegates: half of them open, four refuse."""
    return enter(
        Tenant("Fabrikam", "fabrikam.example"),
        Tenant("Litware", "litware.example", refusal=MFA),
        Tenant("Tailspin", "tailspin.example"),
        Tenant("Proseware", "proseware.example", refusal=BLOCKED),
        Tenant("Northwind", "northwind.example", category="ProjectedBy"),
        Tenant("Wingtip", "wingtip.example", refusal=CONSENT),
        Tenant("Adatum", "adatum.example"),
        Tenant("Contoso", "contoso.example", refusal=UNMANAGED_DEVICE),
    )


def outcomes(done: Run, service: Service) -> dict[str, str]:
    return {service.tenant(entry["tenantId"]).domain: entry["outcome"] for entry in done.json["entries"]}


def stated(service: Service, tenant: Tenant) -> set[str]:
    """Return the words of a command that signs the person in to a tenant, and to no other place."""
    return {"pallink", "login", "--account", PERSON, "--tenant", tenant.id, "--cloud", service.origin}


def test_the_tenants_are_listed_from_both_pages(consultant: tuple[Desk, Service]) -> None:
    desk, service = consultant
    listed = json.loads(desk.run("tenants -o json").stdout)
    assert [row["defaultDomain"] for row in listed] == [tenant.domain for tenant in service.tenants]
    kinds = {row["tenantName"]: (row["tenantCategory"], row["accountKind"]) for row in listed}
    assert (kinds["Partner"], kinds["Fabrikam"]) == (("Home", "user"), ("Home", "guest"))
    assert kinds["Northwind"] == ("ProjectedBy", None)
    assert service.requests.count(("GET", "/tenants")) == 2


def test_those_that_are_open_are_linked_and_the_others_say_why_not(consultant: tuple[Desk, Service]) -> None:
    desk, service = consultant
    linked = desk.run("link 719878 --all-tenants --yes -o json")
    assert (linked.code, totals(linked)) == (8, {"created": 4, "needs-sign-in": 2, "failed": 2}), linked.stderr
    assert {domain for domain, outcome in outcomes(linked, service).items() if outcome == "created"} == OPEN
    errors = {service.tenant(entry["tenantId"]).domain: entry["error"] for entry in linked.json["entries"]}
    assert "AADSTS65001" in errors["wingtip.example"]["message"]
    assert errors["proseware.example"]["cause"].startswith("a conditional access policy blocks this sign-in")
    assert "a conditional access policy requires a managed device" in errors["contoso.example"]["cause"]
    assert service.prompts == ["partner.example"]
    assert service.writes() == ["PUT"] * 4

    verified = desk.run("verify 719878 --all-tenants -o json")
    assert (verified.code, totals(verified)) == (8, {"unchanged": 4, "needs-sign-in": 2, "failed": 2})
    assert service.writes() == ["PUT"] * 4
    assert not any("discovery/instance" in path for _, path in service.requests)


@pytest.mark.parametrize("command", ["link 719878 --all-tenants --yes", "verify 719878 --all-tenants"])
def test_in_a_pipe_each_command_that_finishes_the_job_is_shown(consultant: tuple[Desk, Service], command: str) -> None:
    desk, service = consultant
    done = desk.run(command)
    assert done.code == 8
    commands = [shlex.split(line) for line in done.stderr.splitlines() if line.startswith("    pallink login ")]
    for domain in ("litware.example", "wingtip.example"):
        assert any(stated(service, service.tenant(domain)) <= set(words) for words in commands)
    assert not any(service.tenant("proseware.example").id in words for words in commands)


@pytest.mark.parametrize(
    "refusal",
    combinations(REFUSALS, default=lambda refusal: refusal in (MFA, TERMS_OF_USE, BLOCKED, UNMANAGED_DEVICE)),
    ids=str,
)
def test_every_refusal_has_its_outcome(enter: Enter, refusal: Refusal) -> None:
    """What decides is whether a sign-in in person helps, and nothing else in the body."""
    tenant = Tenant("Litware", "litware.example", refusal=refusal)
    desk, service = enter(tenant)
    done = desk.run("link 719878 --all-tenants --yes -o json")
    outcome = "needs-sign-in" if refusal.is_met_in_person else "failed"
    assert (done.code, outcomes(done, service)) == (8, {"partner.example": "created", "litware.example": outcome})
    (error,) = [entry["error"] for entry in done.json["entries"] if entry["error"]]
    assert f"AADSTS{refusal.number}: " in error["message"]
    assert "Trace ID" not in error["message"]
    assert error["cause"]
    if refusal.is_met_in_person:
        words = {*stated(service, tenant), KEPT, "--auth", "device-code", *(["--claims"] if refusal.claims else [])}
        assert words <= set(shlex.split(error["command"]))
    assert service.writes() == ["PUT"]


def test_the_command_passes_on_the_claims_and_how_the_sign_in_is_kept(enter: Enter) -> None:
    tenant = Tenant("Litware", "litware.example", refusal=MFA)
    desk, service = enter(tenant)
    done = desk.run("verify 719878 --all-tenants -o json")
    (command,) = [entry["error"]["command"] for entry in done.json["entries"] if entry["outcome"] == "needs-sign-in"]
    assert {*stated(service, tenant), KEPT, "--auth", "device-code", "--claims"} <= set(shlex.split(command))
    assert desk.pallink(*shlex.split(command)[1:]).code == 0
    assert service.challenges[-1] is not None
    assert desk.run("verify 719878 --all-tenants").code == 9


@pytest.mark.parametrize("refusal", [MFA, CONSENT, TERMS_OF_USE], ids=str)
def test_a_person_at_a_terminal_is_asked_and_linked(enter: Enter, refusal: Refusal) -> None:
    desk, service = enter(
        Tenant("Litware", "litware.example", refusal=refusal),
        Tenant("Proseware", "proseware.example", refusal=BLOCKED),
    )
    done = desk.run("link 719878 --all-tenants --yes -o json", tty=True, stdin="\n")
    assert (done.code, totals(done)) == (8, {"created": 2, "failed": 1}), done.stderr
    assert service.prompts == ["partner.example", "litware.example"]
    assert desk.run("verify 719878 --all-tenants --exclude-tenant proseware.example").code == 0
    assert len(service.prompts) == 2


def test_the_claims_of_a_refusal_are_passed_on(enter: Enter) -> None:
    desk, service = enter(Tenant("Litware", "litware.example", refusal=MFA))
    assert desk.run("link 719878 --all-tenants --yes", tty=True, stdin="\n").code == 0
    assert [claims is not None and "capolids" in claims for claims in service.challenges] == [False, True]


def test_a_token_for_another_tenant_is_refused_before_the_partner_api(enter: Enter) -> None:
    desk, service = enter(Tenant("Litware", "litware.example", issues_for=HOME))
    done = desk.run("link 719878 --all-tenants --yes -o json")
    assert (done.code, outcomes(done, service)["litware.example"]) == (8, "failed")
    assert service.writes() == ["PUT"]
    assert [tenant.partner_id for tenant in service.tenants] == ["719878", None]
