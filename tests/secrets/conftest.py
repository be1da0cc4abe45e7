"""The hunt's ground, and its count at the end of the run."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.main import get_command

from pallink.cli.commands import login
from tests.cli.people import Desk
from tests.harness import Clock
from tests.secrets.canaries import Hunt
from tests.secrets.ground import Ground, ground_at

_parser = cache(get_command)
_COUNT = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_COUNT] = {"places": 0, "secrets": 0, "finds": 0}


@pytest.fixture
def ground(
    desk: Desk, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Ground]:
    """A machine with canaries; when the test is over every file is looked at, and a find fails it."""
    made = ground_at(desk, tmp_path, monkeypatch, Hunt())
    # A third of a command's time, and thousands are run here.
    monkeypatch.setattr("pallink.cli.app.get_command", _parser, raising=False)
    monkeypatch.setattr(login, "Deadline", clock.deadline)
    yield made
    made.look_at_files()
    count = request.config.stash[_COUNT]
    count["places"] += made.hunt.places
    count["secrets"] += len(made.hunt.kinds)
    count["finds"] += len(made.hunt.finds)
    assert made.hunt.finds == []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    count = config.stash[_COUNT]
    if count["places"]:
        terminalreporter.write_line(
            f"the hunt for secrets: {count['places']} places looked at for {count['secrets']} secrets,"
            f" {count['finds']} finds"
        )
