"""Every request of every command, every fault, once and always: one oracle for all of them."""

from fnmatch import fnmatchcase

import pytest

from tests.faults.bench import Bench, sent
from tests.faults.cells import SCENARIOS, WORLDS, Scenario, Target, cells, groups
from tests.faults.conftest import Count
from tests.faults.mutants import MUTANTS, Mutant
from tests.faults.oracle import violations


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_nothing_goes_wrong(bench: Bench, world: str, scenario: Scenario) -> None:
    """Without a fault each command ends as it should, and sends just the requests that the matrix is made of."""
    seen = bench.run_without_fault(world, scenario)
    assert seen.code == scenario.code
    unmet = list(scenario.requests)
    for method, path in sent(seen):
        (found,) = [each for each in unmet if each.method == method and fnmatchcase(path.casefold(), each.path)][:1]
        unmet.remove(found)
    assert unmet == []


@pytest.mark.parametrize(("world", "scenario", "target"), list(groups()), ids=str)
def test_whatever_goes_wrong(bench: Bench, count: Count, world: str, scenario: Scenario, target: Target) -> None:
    found = []
    for cell in cells(world, scenario, target):
        broken = violations(cell, bench.run(cell))
        found += [f"{cell}: {each}" for each in broken]
        count(cell, len(broken))
    assert found == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_broken_client_is_caught(bench: Bench, monkeypatch: pytest.MonkeyPatch, mutant: Mutant) -> None:
    mutant.broken(monkeypatch)
    judged = (
        cell
        for world, scenario, target in groups()
        if world == "as recorded" and scenario.command == mutant.command and target.is_link
        for cell in cells(world, scenario, target)
        if target.method in mutant.methods
    )
    assert any(each.startswith(f"{mutant.rule}: ") for cell in judged for each in violations(cell, bench.run(cell))), (
        "nothing was noticed"
    )
