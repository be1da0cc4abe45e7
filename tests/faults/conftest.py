"""The bench, and the size of the matrix at the end of the run."""

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import no_thread_outlives_its_test, pallink
from tests.faults.bench import Bench
from tests.faults.cells import Cell
from tests.harness import Pallink
from tests.sandbox.client import CONTOSO, ONBOARDING_CLIENT, ONBOARDING_SECRET

__all__ = ["no_thread_outlives_its_test", "pallink"]

_CELLS: Counter[str] = Counter()
_SIZES: defaultdict[str, set[str]] = defaultdict(set)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("templates")


@pytest.fixture
def bench(pallink: Pallink, monkeypatch: pytest.MonkeyPatch, templates: Path, tmp_path: Path) -> Bench:
    """Where cells run: as the application that the customer's onboarding uses."""
    monkeypatch.setenv("AZURE_TENANT_ID", CONTOSO)
    monkeypatch.setenv("AZURE_CLIENT_ID", ONBOARDING_CLIENT)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", ONBOARDING_SECRET)
    return Bench(pallink, monkeypatch, templates, tmp_path / "sandbox")


Count = Callable[[Cell, int], None]


@pytest.fixture
def count() -> Count:
    """Counts a cell that was judged, and what was wrong with it."""

    def judged(cell: Cell, wrong: int) -> None:
        _CELLS["violations"] += wrong
        for dimension, value in (
            ("world", cell.world),
            ("command", str(cell.scenario)),
            ("request", f"{cell.target.method} {cell.target.path}"),
            ("fault", str(cell.fault)),
            ("often", "always" if cell.always else "once"),
        ):
            _SIZES[dimension].add(value)
        _CELLS["cells"] += 1

    return judged


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how large the matrix was."""
    if not _CELLS:
        return
    sizes = ", ".join(f"{dimension} {len(values)}" for dimension, values in _SIZES.items())
    terminalreporter.write_line(f"fault matrix: {_CELLS['cells']} cells ({sizes}), {_CELLS['violations']} violations")
