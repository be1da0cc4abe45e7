"""Every request of `pallink role assign` and `role remove` with every fault, once and always."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from pallink.roles.grant import assignment_name
from pallink.sandbox import Sandbox, home
from pallink.sandbox.faults import FaultKind, FaultRule
from pallink.sandbox.http.adapter import SandboxAdapter
from pallink.sandbox.state import changes
from pallink.sandbox.state.roles import RoleAssignment
from pallink.sandbox.state.store import Store
from tests.faults.cells import FAULTS, REPRESENTATIVES, TAKING_EFFECT, TENANTS, TOKEN, Class, Fault, Target
from tests.harness import Clock, Pallink, Traffic, join_threads
from tests.sandbox.client import CONTOSO, ONBOARDING, ONBOARDING_CLIENT, ONBOARDING_SECRET

NEW_HIRE = "0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3"
SCOPE = "/subscriptions/738477cd-6b20-448f-9a34-9d5592cff509"
NAME = assignment_name(SCOPE, NEW_HIRE, "acdd72a7-3385-48ef-bd42-f606fba81ae7")
PATH = f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/{NAME}"
LISTED, ONE = "*/roleassignments", "*/roleassignments/*"
COMMON = (
    Target("POST", TOKEN),
    Target("POST", TOKEN, nth=2),  # For Microsoft Graph.
    Target("GET", "/v1.0/users/*"),
    Target("GET", "/subscriptions"),
    Target("GET", LISTED),
    Target("GET", TENANTS),
)
TARGETS = {
    "assign": (*COMMON, Target("GET", ONE), Target("PUT", ONE)),
    "remove": (*COMMON, Target("DELETE", ONE)),
}


@dataclass(frozen=True)
class Cell:
    """One command with one fault."""

    command: str
    target: Target
    fault: Fault
    always: bool

    @property
    def is_transient(self) -> bool:
        """Whether a read is retried until it succeeds."""
        kinds = {Class.HARMLESS, Class.NO_ANSWER, Class.NOT_NOW, Class.FAILED}
        return self.fault.kind in kinds and not self.always

    def violations(self, ended: Any, is_there: bool, sent: list[tuple[str, str]]) -> Iterator[str]:
        """Yield what is wrong with how the command ended."""
        is_done = is_there is (self.command == "assign")
        error = json.loads(ended.stderr) if ended.code and ended.stderr else {}
        if "Traceback" in ended.stderr or error.get("code") == "Defect":
            yield f"a defect: {ended.stderr}"
        if ended.code not in {0, 1, 4, 6, 7} or (ended.code and not error):
            yield f"exit code {ended.code}: {ended.stderr}"
        if ended.code == 0 and not is_done:
            yield "success, though nothing was done"
        if ended.code not in {0, 7} and is_done and self.target.method in {"PUT", "DELETE"}:
            yield f"a failure, though it was done: {ended.stderr}"
        if self.is_transient and ended.code:
            yield f"a transient fault was not survived: {ended.stderr}"
        written = {entry for entry in sent if entry[0] not in {"GET", "POST"}}
        if written - {("PUT" if self.command == "assign" else "DELETE", PATH)}:
            yield f"another write: {written}"
        if self.target.path == TENANTS and ended.code:
            yield f"what is only displayed failed the command: {ended.stderr}"


def cells(command: str, target: Target) -> Iterator[Cell]:
    """Yield a request with every fault that it can have, once and always."""
    for fault in FAULTS if target.method == "GET" else FAULTS + TAKING_EFFECT:
        is_of_resource_manager = target.path != TOKEN and "v1.0" not in target.path
        if fault.kind is Class.STALE or (fault.rule["kind"] is FaultKind.EXPIRED_TOKEN and not is_of_resource_manager):
            continue
        for always in (False, True):
            yield Cell(command, target, fault, always)


def run(pallink: Pallink, patch: pytest.MonkeyPatch, cell: Cell) -> list[str]:
    """Run a command with its fault in a new sandbox, and return what is wrong with how it ended."""
    sandbox, clock, traffic = Sandbox(home()), Clock(), Traffic()
    sandbox.reset()
    sandbox.assign(principal_id=ONBOARDING, role="Owner", scope=SCOPE)
    if cell.command == "remove":
        with Store(home()).transaction() as state:
            role_id = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
            changes.add_assignment(state, CONTOSO, RoleAssignment(NAME, NEW_HIRE, "User", role_id, SCOPE))
    times = None if cell.always else 1
    sandbox.add_fault(
        FaultRule(method=cell.target.method, path=cell.target.path, nth=cell.target.nth, times=times, **cell.fault.rule)
    )
    send = SandboxAdapter.send

    def recorded(adapter: SandboxAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        adapter._sandbox.wait = clock.wait
        return traffic.meet(request, lambda: send(adapter, request, *args, **kwargs))

    words = f"role {cell.command} --to newhire@contoso.com --yes -o json --auth client-secret --cloud sandbox"
    with patch.context() as context:
        clock.rule(context)
        context.setattr(SandboxAdapter, "send", recorded)
        ended = pallink(*words.split(), "--subscription", SCOPE.rpartition("/")[2])
        join_threads()
    with Store(home()).transaction() as state:
        tenant = state.world.tenant(CONTOSO)
        assert tenant is not None
        is_there = any(assignment.name == NAME for assignment in tenant.role_assignments)
    often = "always" if cell.always else "once"
    return [
        f"{cell.command} | {cell.target} | {cell.fault} | {often}: {violation}"
        for violation in cell.violations(ended, is_there, traffic.sent)
    ]


@pytest.fixture(autouse=True)
def administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign in as an application, whose requests for tokens can be repeated."""
    monkeypatch.setenv("AZURE_TENANT_ID", CONTOSO)
    monkeypatch.setenv("AZURE_CLIENT_ID", ONBOARDING_CLIENT)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", ONBOARDING_SECRET)


@pytest.mark.parametrize(("command", "method"), [("assign", "PUT"), ("remove", "DELETE")])
def test_one_fault_of_a_class_for_the_write(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, command: str, method: str
) -> None:
    chosen = [
        cell
        for cell in cells(command, Target(method, ONE))
        if cell.fault.name.removesuffix(", took effect") in REPRESENTATIVES.values()
    ]
    assert [violation for cell in chosen for violation in run(pallink, monkeypatch, cell)] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("command", "target"), [(command, target) for command, targets in TARGETS.items() for target in targets], ids=str
)
def test_whatever_goes_wrong(pallink: Pallink, monkeypatch: pytest.MonkeyPatch, command: str, target: Target) -> None:
    found = [violation for cell in cells(command, target) for violation in run(pallink, monkeypatch, cell)]
    assert found == []
