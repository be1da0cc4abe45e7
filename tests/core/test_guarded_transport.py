"""What the transport lets pass beside the login host and Resource Manager: one address, one method, one token."""

import base64
import json
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
import requests
from azure.core.exceptions import ServiceRequestError
from azure.core.rest import HttpRequest
from requests.adapters import HTTPAdapter

from pallink.azure.egress import METADATA, rules_for
from pallink.azure.transport import GuardedTransport
from pallink.deadline import Deadline
from pallink.errors import RefusedRequestError, UnreachableError
from pallink.http.policy import EgressPolicy, GraphEndpoint, TokenEndpoint, VaultEndpoint, is_token_service
from pallink.http.pool import new_pool

LOGIN, RESOURCE_MANAGER = "https://login.example", "https://management.example"
OIDC = "https://ci.example/token"
READING = ("show", "verify", "check", "whoami")
IMDS = "http://169.254.169.254/metadata/identity/oauth2/token"
BEARER = {"Authorization": "Bearer job-token"}
ARM = {"Authorization": "Bearer arm-token"}


class Sent(Exception):  # noqa: N818 - no error: the request passed
    """A request that the guards let pass."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What got past the guards; nothing leaves the machine."""
    seen: list[Any] = []

    def send(self: HTTPAdapter, request: Any, **rest: Any) -> Any:
        del self
        seen.append((request, rest))
        raise Sent

    monkeypatch.setattr(HTTPAdapter, "send", send)
    return seen


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    with Deadline(10).active():
        yield


def transport(endpoint: TokenEndpoint | None = None) -> GuardedTransport:
    rules = rules_for(None, writable=True)
    policy = EgressPolicy(RESOURCE_MANAGER, LOGIN, rules=rules, anonymous=METADATA, token_endpoint=endpoint)
    return GuardedTransport(new_pool(), policy)


GITHUB = TokenEndpoint(OIDC, "GET", bearer="job-token")
MACHINE = TokenEndpoint(IMDS, "GET")


@pytest.mark.parametrize(
    ("endpoint", "method", "url", "headers"),
    [
        (GITHUB, "GET", f"{OIDC}?audience=x", BEARER),
        (MACHINE, "GET", f"{IMDS}?resource=x", {"Metadata": "true"}),
        (GITHUB, "GET", f"{RESOURCE_MANAGER}/subscriptions", ARM),
        (GITHUB, "POST", f"{LOGIN}/t/oauth2/v2.0/token", {}),
    ],
)
def test_what_belongs_there_passes(
    sent: list[Any], *, endpoint: TokenEndpoint, method: str, url: str, headers: dict[str, str]
) -> None:
    with pytest.raises(Sent):
        transport(endpoint).send(HttpRequest(method, url, headers=headers))
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("endpoint", "method", "url", "headers"),
    [
        (GITHUB, "GET", OIDC, ARM),
        (GITHUB, "GET", OIDC, {}),
        (GITHUB, "POST", OIDC, BEARER),
        (GITHUB, "GET", "https://ci.example/other", BEARER),
        (GITHUB, "GET", "https://ci.example:8443/token", BEARER),
        (GITHUB, "GET", "http://ci.example/token", BEARER),
        (GITHUB, "GET", "https://evil.example/token", BEARER),
        (GITHUB, "GET", f"{RESOURCE_MANAGER}/subscriptions", BEARER),
        (GITHUB, "GET", f"{LOGIN}/t", BEARER),
        (GITHUB, "GET", IMDS, {}),
        (MACHINE, "GET", IMDS, ARM),
        (MACHINE, "POST", IMDS, {}),
        (MACHINE, "GET", "http://169.254.169.254/metadata/instance", {}),
        (MACHINE, "GET", "http://169.254.169.254.evil.example/metadata/identity/oauth2/token", {}),
        (MACHINE, "GET", "https://169.254.169.254/metadata/identity/oauth2/token", {}),
        (MACHINE, "GET", OIDC, {}),
        (MACHINE, "GET", "http://management.example/", ARM),
    ],
)
def test_nothing_else_passes(
    sent: list[Any], *, endpoint: TokenEndpoint, method: str, url: str, headers: dict[str, str]
) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        transport(endpoint).send(HttpRequest(method, url, headers=headers))
    assert sent == []
    assert "token" not in str(refused.value).replace("/token", "")


def test_an_address_of_the_machine_itself_is_not_asked_by_a_proxy(
    sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    with pytest.raises(Sent):
        transport(MACHINE).send(HttpRequest("GET", IMDS))
    ((_, rest),) = sent
    assert not {name for name in rest["proxies"] if name != "no_proxy"}
    assert rest["timeout"][0] == 2.0


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (IMDS, True),
        ("http://169.254.129.2:8081/msi/token", True),
        ("http://localhost:42356/msi/token", True),
        ("http://LOCALHOST/msi/token", True),
        ("http://127.0.0.1:41741/msi/token", True),
        ("http://127.0.0.2/", True),
        ("http://[::1]:41741/msi/token", True),
        ("https://identity.example/token", True),
        ("http://169.254.evil.example/", False),
        ("http://169.254.169.254.evil.example/", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://localhost.evil.example/", False),
        ("http://169.254.169.254@evil.example/", False),
        ("http://169.254.169.254:80@evil.example/", False),
        ("http://127.0.0.1\\@evil.example/", False),
        ("http://127.0.0.1#@evil.example/", False),
        ("http://evil.example/169.254.169.254", False),
        ("http://0xa9fea9fe/", False),
        ("http://2852039166/", False),
        ("http://0251.0376.0251.0376/", False),
        ("http://169.255.0.1/", False),
        ("http://10.0.0.1/", False),
        ("http://[fe80::1]/", False),
        ("http://[fd00:ec2::254]/", False),
        ("http://[::ffff:10.0.0.1]/", False),
        ("http://[::1", False),
        ("http://localhost:99999/", False),
        ("http:///msi/token", False),
        ("https:///msi/token", False),
        ("https://user:password@identity.example/", False),
        ("ftp://localhost/", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_a_token_service_is_on_this_machine_or_reached_by_https(url: str, expected: bool) -> None:
    assert is_token_service(url) is expected


def test_no_token_is_shown() -> None:
    assert "job-token" not in repr(GITHUB)


@pytest.mark.parametrize(
    ("first_takes", "tries"), [(10.0, 1), (9.5, 2)], ids=["nothing is left for another", "the next one is cut off"]
)
def test_why_there_was_no_answer_outlasts_the_time(
    monkeypatch: pytest.MonkeyPatch, first_takes: float, tries: int
) -> None:
    now = 0.0
    failures = [(requests.exceptions.ProxyError("no"), first_takes), (requests.ConnectTimeout("late"), 0.4)]
    tried = 0

    def send(self: HTTPAdapter, request: Any, **rest: Any) -> Any:
        nonlocal now, tried
        del self, request, rest
        error, takes = failures[tried]
        now += takes
        tried += 1
        raise error

    monkeypatch.setattr(HTTPAdapter, "send", send)
    made = transport()
    request = HttpRequest("GET", f"{LOGIN}/t")
    with Deadline(10, now=lambda: now).active():
        with pytest.raises(ServiceRequestError) as first:
            made.send(request)
        with pytest.raises(ServiceRequestError):
            made.send(request)
        with pytest.raises(ServiceRequestError) as given_up:
            made.sleep(1.6)
    assert given_up.value is first.value
    assert tried == tries


def test_the_failure_of_another_request_says_nothing_of_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def send(self: HTTPAdapter, request: Any, **rest: Any) -> Any:
        nonlocal now
        del self, request, rest
        now = 10.0
        raise requests.ConnectionError

    monkeypatch.setattr(HTTPAdapter, "send", send)
    made = transport()
    with Deadline(10, now=lambda: now).active():
        with pytest.raises(ServiceRequestError):
            made.send(HttpRequest("GET", f"{LOGIN}/t"))
        with pytest.raises(UnreachableError, match="not finished within 10 seconds"):
            made.send(HttpRequest("GET", f"{LOGIN}/t"))


PARTNERS = f"{RESOURCE_MANAGER}/providers/Microsoft.ManagementPartner/partners"


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize(
    ("command", "allowed"),
    [("link", {"PUT", "PATCH"}), ("update", {"PATCH"}), ("unlink", {"DELETE"}), *((name, set()) for name in READING)],
)
def test_a_command_sends_only_the_writes_that_it_is_for(command: str, allowed: set[str]) -> None:
    policy = EgressPolicy(RESOURCE_MANAGER, LOGIN, rules=rules_for(command, writable=True))
    made = GuardedTransport(new_pool(), policy)
    passed = set()
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        try:
            made.send(HttpRequest(method, f"{PARTNERS}/719878", headers=ARM))
        except Sent:
            passed.add(method)
        except RefusedRequestError:
            pass
    assert passed == allowed


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize(
    "url",
    [
        f"{RESOURCE_MANAGER}/subscriptions/1/resourceGroups/x",
        f"{PARTNERS}/719878/..",
        f"{PARTNERS}/",
        f"{PARTNERS}/7198780/authorize",
        f"{PARTNERS}/%37198780",
        f"{RESOURCE_MANAGER}/providers/Microsoft.ManagementPartner/operations",
    ],
)
def test_a_writable_session_writes_to_nothing_but_the_link(url: str) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        with pytest.raises(RefusedRequestError):
            transport().send(HttpRequest(method, url, headers=ARM))


def test_a_dry_run_may_read_and_nothing_else() -> None:
    assert {rule.methods for rule in rules_for("link", writable=False)} == {frozenset({"GET"})}


def test_a_policy_cannot_be_changed() -> None:
    policy = EgressPolicy(RESOURCE_MANAGER)
    with pytest.raises(FrozenInstanceError):
        policy.login = LOGIN  # type: ignore[misc]


VAULT, AUDIENCE = "https://ops.vault.example", "https://vault.example"
SECRET = f"{VAULT}/secrets/fabrikam"


def token_for(audience: str) -> dict[str, str]:
    header, claims = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, {"aud": audience})
    )
    return {"Authorization": f"Bearer {header}.{claims}.signature"}


def vault_transport() -> GuardedTransport:
    rules = rules_for(None, writable=True)
    policy = EgressPolicy(
        RESOURCE_MANAGER, LOGIN, rules=rules, anonymous=METADATA, service=VaultEndpoint(VAULT, AUDIENCE)
    )
    return GuardedTransport(new_pool(), policy)


@pytest.mark.parametrize(
    "headers", [{}, token_for(AUDIENCE), token_for(f"{AUDIENCE}/"), token_for("cfa8b339-82a2-471a-a3c9-0fc0be7a4093")]
)
@pytest.mark.parametrize("path", ["", "/", f"/{'0' * 32}", "/?api-version=7.4"])
def test_a_vaults_secret_is_read_with_a_token_for_vaults(sent: list[Any], path: str, headers: dict[str, str]) -> None:
    with pytest.raises(Sent):
        vault_transport().send(HttpRequest("GET", f"{SECRET}{path}", headers=headers))
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("GET", SECRET, token_for(RESOURCE_MANAGER)),
        ("GET", SECRET, token_for("https://evil.vault.example")),
        ("GET", SECRET, token_for("")),
        ("GET", SECRET, {"Authorization": "Bearer opaque"}),
        ("GET", SECRET, {"Authorization": f"Basic {token_for(AUDIENCE)['Authorization'].partition(' ')[2]}"}),
        ("PUT", SECRET, token_for(AUDIENCE)),
        ("DELETE", SECRET, token_for(AUDIENCE)),
        ("GET", f"{VAULT}/secrets", token_for(AUDIENCE)),
        ("GET", f"{SECRET}/versions", token_for(AUDIENCE)),
        ("GET", f"{VAULT}/keys/fabrikam", token_for(AUDIENCE)),
        ("GET", f"{VAULT}:8443/secrets/fabrikam", token_for(AUDIENCE)),
        ("GET", SECRET.replace("https", "http"), token_for(AUDIENCE)),
        ("GET", "https://other.vault.example/secrets/fabrikam", token_for(AUDIENCE)),
        ("GET", f"{RESOURCE_MANAGER}/subscriptions", token_for(AUDIENCE)),
        ("GET", f"{RESOURCE_MANAGER}/metadata/endpoints", {}),
        ("POST", f"{LOGIN}/t/oauth2/v2.0/token", {}),
    ],
)
def test_nothing_else_is_sent_where_a_vault_is_read(
    sent: list[Any], method: str, url: str, headers: dict[str, str]
) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        vault_transport().send(HttpRequest(method, url, headers=headers))
    assert sent == []
    assert refused.value.cause == f"only secrets of {VAULT} may be read, with a token for Key Vault"
    assert "signature" not in str(refused.value)


def test_without_a_vault_in_the_policy_none_is_reached(sent: list[Any]) -> None:
    for headers in ({}, token_for(AUDIENCE), ARM):
        with pytest.raises(RefusedRequestError):
            transport().send(HttpRequest("GET", SECRET, headers=headers))
    assert sent == []


GRAPH = "https://graph.example"
CLIENT = "6be1d7c7-4712-4123-a241-8b8918c455f9"


def graph_transport() -> GuardedTransport:
    rules = rules_for("role assign", writable=True)
    service = GraphEndpoint(GRAPH, GRAPH)
    return GuardedTransport(new_pool(), EgressPolicy(RESOURCE_MANAGER, LOGIN, rules=rules, service=service))


@pytest.mark.parametrize("headers", [token_for(GRAPH), token_for("00000003-0000-0000-c000-000000000000")])
@pytest.mark.parametrize(
    "path",
    [
        "users/anna%40contoso.com?$select=id",
        "users/a_b.com%23EXT%23%40contoso.com",
        f"servicePrincipals(appId='{CLIENT}')",
    ],
)
def test_an_account_is_looked_up_with_a_token_for_graph(sent: list[Any], path: str, headers: dict[str, str]) -> None:
    with pytest.raises(Sent):
        graph_transport().send(HttpRequest("GET", f"{GRAPH}/v1.0/{path}", headers=headers))
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("GET", f"{GRAPH}/v1.0/users/anna", {}),
        ("GET", f"{GRAPH}/v1.0/users/anna", token_for(RESOURCE_MANAGER)),
        ("PATCH", f"{GRAPH}/v1.0/users/anna", token_for(GRAPH)),
        ("DELETE", f"{GRAPH}/v1.0/users/anna", token_for(GRAPH)),
        ("GET", f"{GRAPH}/v1.0/users", token_for(GRAPH)),
        ("GET", f"{GRAPH}/v1.0/users/anna/messages", token_for(GRAPH)),
        ("GET", f"{GRAPH}/v1.0/servicePrincipals(appId='x')", token_for(GRAPH)),
        ("GET", f"{GRAPH}/beta/users/anna", token_for(GRAPH)),
        ("GET", "https://other.example/v1.0/users/anna", token_for(GRAPH)),
        ("GET", f"{RESOURCE_MANAGER}/subscriptions", token_for(GRAPH)),
        ("POST", f"{LOGIN}/t/oauth2/v2.0/token", {}),
    ],
)
def test_nothing_else_is_sent_where_an_account_is_looked_up(
    sent: list[Any], method: str, url: str, headers: dict[str, str]
) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        graph_transport().send(HttpRequest(method, url, headers=headers))
    assert sent == []
    expected = f"only single users and applications of {GRAPH} may be read, with a token for Microsoft Graph"
    assert refused.value.cause == expected


# --- Role assignments -------------------------------------------------------------------------------------------------

SUBSCRIPTION = "/subscriptions/738477cd-6b20-448f-9a34-9d5592cff509"
ASSIGNMENT = f"/providers/Microsoft.Authorization/roleAssignments/{CLIENT}"


def role_transport(command: str, *, writable: bool) -> GuardedTransport:
    return GuardedTransport(
        new_pool(), EgressPolicy(RESOURCE_MANAGER, LOGIN, rules=rules_for(command, writable=writable))
    )


@pytest.mark.parametrize(
    "scope",
    [
        SUBSCRIPTION,
        f"{SUBSCRIPTION}/resourceGroups/r%C3%BCck.up",
        "/providers/Microsoft.Management/managementGroups/workloads",
    ],
)
@pytest.mark.parametrize(
    ("command", "writable", "allowed"),
    [
        ("role assign", True, {"GET", "PUT"}),
        ("role remove", True, {"GET", "DELETE"}),
        ("role assign", False, {"GET"}),
        ("role show", False, {"GET"}),
        ("role show", True, {"GET"}),
        ("link", True, set()),
        ("check", False, set()),
    ],
)
def test_which_command_writes_role_assignments(
    sent: list[Any], scope: str, command: str, writable: bool, allowed: set[str]
) -> None:
    for method in ("GET", "PUT", "PATCH", "POST", "DELETE"):
        expected = Sent if method in allowed else RefusedRequestError
        request = HttpRequest(method, f"{RESOURCE_MANAGER}{scope}{ASSIGNMENT}", headers=ARM)
        with pytest.raises(expected):
            role_transport(command, writable=writable).send(request)
    assert len(sent) == len(allowed)


@pytest.mark.parametrize("command", ["role assign", "role remove", "role show"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/providers/Microsoft.ManagementPartner/partners"),
        ("PUT", "/providers/Microsoft.ManagementPartner/partners/719878"),
        ("DELETE", "/providers/Microsoft.ManagementPartner/partners/719878"),
        ("PUT", f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{CLIENT}"),
        ("PUT", ASSIGNMENT),
        ("DELETE", SUBSCRIPTION),
        ("POST", f"{SUBSCRIPTION}/providers/Microsoft.ManagementPartner/register"),
    ],
)
def test_what_no_command_for_roles_sends(sent: list[Any], command: str, method: str, path: str) -> None:
    with pytest.raises(RefusedRequestError):
        role_transport(command, writable=True).send(HttpRequest(method, f"{RESOURCE_MANAGER}{path}", headers=ARM))
    assert sent == []
