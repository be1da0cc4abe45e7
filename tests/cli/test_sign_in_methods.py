"""Every method signs in through azure-identity's own class and links; and nobody but the required account does."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import azure.identity
import pytest

from pallink.signin import OFFERED_METHODS
from tests.cli.people import (
    APPLICATION,
    APPROVERS,
    BUILD_AGENT,
    FABRIKAM,
    INVOICES,
    PARTNER_LINK,
    Desk,
    served,
)
from tests.exhaustive import combinations
from tests.harness import Traffic


class Way(NamedTuple):
    """A way to sign in: how it is prepared, who comes out, and which class of azure-identity did it."""

    auth: str
    prepare: Callable[[Desk], None]
    account: str
    credential: str
    is_served: bool = False


WAYS = [
    Way("browser", lambda desk: desk.browser(INVOICES), INVOICES, "InteractiveBrowserCredential", is_served=True),
    Way("device-code", lambda desk: desk.reader_of_device_codes(INVOICES), INVOICES, "DeviceCodeCredential"),
    Way("client-secret", lambda desk: desk.environment("client-secret"), APPLICATION, "ClientSecretCredential"),
    Way("certificate", lambda desk: desk.environment("certificate"), APPLICATION, "CertificateCredential"),
    Way(
        "workload-identity",
        lambda desk: desk.environment("workload-identity"),
        APPLICATION,
        "WorkloadIdentityCredential",
    ),
    Way("github", lambda desk: desk.environment("github"), APPLICATION, "ClientAssertionCredential"),
    Way("azure-pipelines", lambda desk: desk.environment("azure-pipelines"), APPLICATION, "AzurePipelinesCredential"),
    Way("managed-identity", lambda _: None, BUILD_AGENT, "ManagedIdentityCredential"),
    Way(
        "managed-identity",
        lambda desk: desk.environment("managed-identity"),
        PARTNER_LINK,
        "ManagedIdentityCredential",
    ),
    Way("managed-identity", lambda desk: desk.environment("app-service"), BUILD_AGENT, "ManagedIdentityCredential"),
    Way("managed-identity", lambda desk: desk.azure_arc(), BUILD_AGENT, "ManagedIdentityCredential"),
    Way("managed-identity", lambda desk: desk.environment("cloud-shell"), INVOICES, "ManagedIdentityCredential"),
    Way("azure-cli", lambda desk: desk.az(INVOICES), INVOICES, "AzureCliCredential"),
]
# The same, with somebody else at hand than invoices@contoso.com.
OTHERS = [
    way._replace(prepare=prepare, account=account)
    # In Cloud Shell there is only the user of the portal, who is that account.
    for way, prepare, account in zip(
        [*WAYS[:-2], WAYS[-1]],
        [
            lambda desk: desk.browser(APPROVERS),
            lambda desk: desk.reader_of_device_codes(APPROVERS),
            *(way.prepare for way in WAYS[2:-2]),
            lambda desk: desk.az(APPROVERS),
        ],
        [APPROVERS, APPROVERS, *(way.account for way in WAYS[2:-2]), APPROVERS],
        strict=True,
    )
]


@pytest.fixture
def at(desk: Desk) -> Iterator[Callable[[Way], Desk]]:
    """Prepares a desk for a way to sign in."""
    with ExitStack() as stack:

        def prepare(way: Way) -> Desk:
            if way.is_served:
                stack.enter_context(served(desk))
            way.prepare(desk)
            return desk

        yield prepare


def named(way: Way) -> str:
    return f"{way.auth}-{way.account[:8]}"


def by_name(ways: list[Way]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("way", ways, ids=named)


def test_no_method_is_left_out() -> None:
    assert {way.auth for way in WAYS} == set(OFFERED_METHODS)


@by_name(WAYS)
def test_each_method_signs_in_and_links(way: Way, at: Callable[[Way], Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    kind = getattr(azure.identity, way.credential)
    begin = kind.__init__

    def noted(self: object, *args: object, **options: object) -> None:
        used.append(type(self).__mro__)
        begin(self, *args, **options)

    monkeypatch.setattr(kind, "__init__", noted)
    done = at(way).run(f"link 719878 --role-check skip --auth {way.auth} --account {way.account} -o json")
    assert done.code == 0, done.stderr
    assert (done.json["account"], done.json["action"]) == (way.account, "created")
    assert any(kind in each for each in used), used


@by_name(WAYS)
def test_the_reason_is_told(way: Way, at: Callable[[Way], Desk]) -> None:
    shown = at(way).run(f"whoami --auth {way.auth} --verbose -o json")
    assert f"signing in with {way.auth}, because --auth names it" in shown.stderr
    assert (shown.json["auth"], shown.json["account"]) == (way.auth, way.account)
    assert shown.json["accountKind"] == {INVOICES: "user", APPLICATION: "application"}.get(
        way.account, "managedIdentity"
    )


# By default a write by every method, and every command by one of them.
@pytest.mark.parametrize(
    ("command", "way"),
    combinations(
        ["link 719878", "show", "verify 719878", "unlink --yes"],
        OTHERS,
        default=lambda command, way: command == "link 719878" or way.auth == "client-secret",
    ),
    ids=lambda value: named(value) if isinstance(value, Way) else value,
)
def test_anybody_else_than_the_account_is_refused(
    way: Way, at: Callable[[Way], Desk], traffic: Traffic, command: str
) -> None:
    desk = at(way)
    refused = desk.run(f"{command} --auth {way.auth} --account {INVOICES}")
    assert refused.code == 4
    assert f"error: {way.account} signed in, not {INVOICES}" in refused.stderr
    asked = [request.path for request in desk.seen] + [path for _, path in traffic.sent]
    assert asked or way.auth == "azure-cli"
    assert not [path for path in asked if "managementpartner" in path.lower()]


@by_name([way for way in WAYS if way.auth not in ("azure-cli", "managed-identity")])
@pytest.mark.parametrize("tenant", [FABRIKAM, "fabrikam.onmicrosoft.com"])
def test_another_tenant_is_refused(way: Way, at: Callable[[Way], Desk], traffic: Traffic, tenant: str) -> None:
    desk = at(way)
    if way.account == INVOICES:
        # A guest there: the sign-in goes to the tenant that is named, and it is another account.
        shown = desk.run(f"whoami --auth {way.auth} --tenant {tenant} -o json")
        assert (shown.code, shown.json["tenantId"], shown.json["accountKind"]) == (0, FABRIKAM, "guest")
        return
    refused = desk.run(f"link 719878 --yes --auth {way.auth} --tenant {tenant}")
    assert refused.code == 4
    assert not [path for _, path in traffic.sent if "managementpartner" in path.lower()]


@by_name([way for way in WAYS if way.auth in ("azure-cli", "managed-identity")])
@pytest.mark.parametrize("tenant", [FABRIKAM, "fabrikam.onmicrosoft.com"])
def test_a_session_in_another_tenant_is_refused(
    way: Way, at: Callable[[Way], Desk], traffic: Traffic, tenant: str
) -> None:
    refused = at(way).run(f"link 719878 --yes --auth {way.auth} --tenant {tenant}")
    assert refused.code == 4
    assert f"{way.account} signed in to tenant 8fe81352-b317-4e31-9d5b-b42cafcd167c, not to {tenant}" in refused.stderr
    assert not [path for _, path in traffic.sent if "managementpartner" in path.lower()]


@pytest.mark.parametrize("auth", ["azure-cli", "managed-identity"])
@pytest.mark.parametrize("command", ["link 719878", "update 719878", "link 719878 --no-input"])
def test_a_session_that_pallink_did_not_start_needs_an_account_or_a_yes(
    desk: Desk, traffic: Traffic, auth: str, command: str
) -> None:
    desk.az()
    refused = desk.run(f"{command} --auth {auth}", tty="--no-input" in command)
    assert refused.code == 2
    assert "--account or --yes is required without a prompt" in refused.stderr
    assert f"    pallink {command} --auth {auth} --cloud sandbox --account ACCOUNT" in refused.stderr
    assert traffic.sent == []
    assert desk.run(f"link 719878 --auth {auth} --yes --role-check skip").code == 0
    assert desk.run(f"show --auth {auth}").code == 0
    assert "[y/N]" in desk.run(f"unlink --auth {auth}", tty=True, stdin="n\n").stderr


def test_a_tenant_by_its_domain_is_a_condition(desk: Desk) -> None:
    desk.environment("client-secret")
    for tenant in ("contoso.com", "contoso.onmicrosoft.com", "CONTOSO.com"):
        assert desk.run(f"whoami --auth client-secret --tenant {tenant}").code == 0
    refused = desk.run("whoami --auth client-secret --tenant nowhere.example.com")
    assert refused.code == 4
    assert "AADSTS90002" in refused.stderr
    assert "the tenant does not exist" in refused.stderr
