"""Fleets against a service that fails, and processes that are killed: what is said afterwards is true."""

import random
import sys
from pathlib import Path

import pytest

from tests.fleet.faults import apply_and_verify
from tests.fleet.kills import kill_and_resume

# By default one small fleet that is killed.
SEEDS = [(1, 6), *(pytest.param(seed, 100, marks=pytest.mark.exhaustive) for seed in range(2, 8))]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize(("seed", "accounts"), SEEDS)
def test_an_apply_that_was_killed_is_resumed(tmp_path: Path, seed: int, accounts: int) -> None:
    assert kill_and_resume(tmp_path, accounts, random.Random(seed)) == []  # noqa: S311 - not for cryptography


# It runs five processes; tests/faults tries what a response means, and tests/fleet what becomes of an entry.
@pytest.mark.exhaustive
@pytest.mark.parametrize(("seed", "accounts"), SEEDS[:3])
def test_where_responses_fail_every_entry_is_done_or_truthfully_reported(
    tmp_path: Path, seed: int, accounts: int
) -> None:
    wrong = apply_and_verify(tmp_path, accounts, random.Random(seed))  # noqa: S311 - not for cryptography
    assert not wrong, "\n".join(wrong)
