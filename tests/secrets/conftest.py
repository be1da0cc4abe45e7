"""The ground on which secrets are hunted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pallink.cli.commands import login
from tests.cli.people import Desk
from tests.fixtures.totals import Totals
from tests.harness import Clock
from tests.secrets.canaries import Hunt
from tests.secrets.ground import Ground, ground_at


@pytest.fixture
def ground(
    desk: Desk, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, totals: Totals
) -> Iterator[Ground]:
    """Return a machine with canaries; after the test every file is searched, and a find fails it."""
    made = ground_at(desk, tmp_path, monkeypatch, Hunt())
    monkeypatch.setattr(login, "Deadline", clock.deadline)
    yield made
    made.look_at_files()
    hunt = made.hunt
    totals.count_hunt(places=hunt.places, secrets=len(hunt.kinds), finds=len(hunt.finds))
    assert hunt.finds == []
