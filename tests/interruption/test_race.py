"""A few rounds of the race without faults: `tests.interruption.race` runs as many as one likes, with faults too."""

from pathlib import Path

import pytest

from tests.interruption.race import run_race


@pytest.mark.parametrize(("rounds", "processes"), [(2, 4), pytest.param(8, 12, marks=pytest.mark.exhaustive)])
def test_no_process_claims_what_did_not_happen(tmp_path: Path, rounds: int, processes: int) -> None:
    endings, false = run_race(tmp_path, rounds=rounds, processes=processes, seed=rounds, faults=False)
    assert false == []
    assert endings.total() == rounds * processes
