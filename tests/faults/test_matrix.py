"""Every request of every command with every fault, once and always, and one oracle for all of them."""

from collections.abc import Iterable

import pytest

from pallink.sandbox import Sandbox
from tests.bench import Bench, Observation
from tests.exhaustive import combinations
from tests.faults.cells import (
    REPRESENTATIVES,
    SCENARIOS,
    WORLDS,
    Cell,
    Class,
    Scenario,
    Target,
    cells,
    groups,
    representative_cells,
)
from tests.faults.mutants import MUTANTS, Mutant
from tests.faults.oracle import violations
from tests.fixtures.totals import Totals
from tests.harness import Clock


def run(bench: Bench, cell: Cell) -> Observation:
    """Run a cell's command line with its fault."""
    bench.prepare(*cell.scenario.history, settings=WORLDS[cell.world])
    Sandbox(bench.home).add_fault(cell.rule)
    return bench.run(f"{cell.scenario.command} -o json", clock=Clock())


def judge(bench: Bench, totals: Totals, judged: Iterable[Cell]) -> None:
    """Run cells, and fail with all that is wrong with them."""
    found = []
    for cell in judged:
        broken = violations(cell, run(bench, cell))
        found += [f"{cell}: {violation}" for violation in broken]
        totals.count_cell(cell.dimensions, len(broken))
    assert found == []


# The other worlds differ only in the partner API's responses to writes.
@pytest.mark.parametrize(
    ("scenario", "world"),
    combinations(SCENARIOS, WORLDS, default=lambda _, world: world == "as recorded"),
    ids=str,
)
def test_nothing_goes_wrong(bench: Bench, world: str, scenario: Scenario) -> None:
    """Without a fault a command ends as it should, and sends just the requests that the matrix is made of."""
    bench.prepare(*scenario.history, settings=WORLDS[world])
    seen = bench.run(f"{scenario.command} -o json", clock=Clock())
    assert seen.code == scenario.code
    unmet = list(scenario.requests)
    for method, path in seen.requested:
        unmet.remove(next(target for target in unmet if target.matches(method, path)))
    assert unmet == []


@pytest.mark.parametrize("kind", REPRESENTATIVES, ids=lambda kind: kind.name)
def test_one_fault_of_a_class(bench: Bench, totals: Totals, kind: Class) -> None:
    judge(bench, totals, representative_cells(kind))


@pytest.mark.exhaustive
@pytest.mark.parametrize(("world", "scenario", "target"), list(groups()), ids=str)
def test_whatever_goes_wrong(bench: Bench, totals: Totals, world: str, scenario: Scenario, target: Target) -> None:
    judge(bench, totals, cells(world, scenario, target))


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_broken_client_is_caught(bench: Bench, monkeypatch: pytest.MonkeyPatch, mutant: Mutant) -> None:
    mutant.broken(monkeypatch)
    judged = (
        cell
        for world, scenario, target in groups()
        if world == "as recorded" and scenario.command == mutant.command and target.is_link
        for cell in cells(world, scenario, target)
        if target.method in mutant.methods and cell.fault.name == mutant.fault
    )
    broken = (violation for cell in judged for violation in violations(cell, run(bench, cell)))
    assert any(violation.startswith(f"{mutant.rule}: ") for violation in broken), "nothing was noticed"
