"""Runs cells: each in a copy of a sandbox in which its link was made before."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pallink.sandbox import Sandbox
from tests.faults.cells import WORLDS, Cell, Scenario
from tests.faults.oracle import Observation
from tests.faults.wire import Wire, watched
from tests.harness import Clock, Pallink
from tests.sandbox.client import Client

SECONDS = 120.0


@dataclass
class Bench:
    """Where cells run.

    Attributes:
        templates: a folder for the sandboxes that cells start from.
        home: the folder of the sandbox that the next cell uses.
    """

    pallink: Pallink
    patch: pytest.MonkeyPatch
    templates: Path
    home: Path
    _made: dict[tuple[str, tuple[str | None, ...]], Path] = field(default_factory=dict)

    def run(self, cell: Cell) -> Observation:
        """Run one command line with its fault."""
        return self._run(cell.world, cell.scenario, lambda sandbox: sandbox.add_fault(cell.rule))

    def run_without_fault(self, world: str, scenario: Scenario) -> Observation:
        return self._run(world, scenario, lambda _: None)

    def _run(self, world: str, scenario: Scenario, prepare: Callable[[Sandbox], object]) -> Observation:
        self.home.mkdir(exist_ok=True)
        shutil.copyfile(self._template(world, scenario), self.home / "sandbox.sqlite3")
        prepare(Sandbox(self.home))
        clock, wire = Clock(), Wire(self.home)
        before, began = wire.row(), clock.now
        with self.patch.context() as patch, watched(wire, patch, clock.wait):
            clock.rule(patch)
            done = self.pallink(
                *scenario.command.split(), "--cloud", "sandbox", "--auth", "client-secret", "-o", "json"
            )
        return Observation(
            done.code,
            done.stdout,
            done.stderr,
            before,
            wire.row(),
            tuple(wire.exchanges),
            clock.now - began,
            SECONDS,
        )

    def _template(self, world: str, scenario: Scenario) -> Path:
        """The sandbox's file with the world's settings, and with the link as the scenario finds it."""
        key = (world, scenario.history)
        if key not in self._made:
            home = self.templates / f"{len(list(self.templates.iterdir()))}"
            client = Client(home)
            for name, value in WORLDS[world].items():
                client.sandbox.set(name, value)
            application = client.application()
            linked: str | None = None
            for partner_id in scenario.history:
                method = "DELETE" if partner_id is None else "PATCH" if linked else "PUT"
                assert application.partners(method, partner_id or linked or "").status == 200
                linked = partner_id
            self._made[key] = home / "sandbox.sqlite3"
        return self._made[key]


def sent(observation: Observation) -> list[tuple[str, str]]:
    """Method and path of each request, without what differs from sandbox to sandbox."""
    return sorted((each.method, each.path) for each in observation.exchanges)
