"""The totals at the end of a run: those of one process, and those of several workers together."""

import json

from tests.fixtures.totals import Totals


def counted(world: str, *, violations: int = 0) -> Totals:
    totals = Totals()
    totals.count_cell({"world": world, "often": "once"}, violations)
    totals.count_hunt(places=3, secrets=2, finds=0)
    return totals


def test_a_run_without_either_prints_nothing() -> None:
    assert Totals().lines() == []


def test_what_workers_counted_is_added() -> None:
    totals = Totals()
    for worker in (counted("as recorded"), counted("400 Conflict", violations=2), counted("as recorded")):
        # As it comes from a worker, which sends plain values.
        totals.add(Totals(**json.loads(json.dumps(vars(worker)))))
    assert totals.lines() == [
        "fault matrix: 3 cells (world 2, often 1), 2 violations",
        "the hunt for secrets: 9 places looked at for 6 secrets, 0 finds",
    ]
