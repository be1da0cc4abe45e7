"""What every test gets: an environment of its own, and nothing of the machine's."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from hypothesis import is_hypothesis_test, settings

from pallink.sandbox.http import server
from tests.exhaustive import USUAL_EXAMPLES
from tests.harness import join_threads

pytest_plugins = [
    "tests.fixtures.action",
    "tests.fixtures.bench",
    "tests.fixtures.command_line",
    "tests.fixtures.keys",
    "tests.fixtures.totals",
]

# No test depends on the machine's speed, and none leaves a database of examples behind.
settings.register_profile("exhaustive", deadline=None, database=None, max_examples=USUAL_EXAMPLES)
settings.register_profile("pallink", settings.get_profile("exhaustive"), max_examples=USUAL_EXAMPLES // 3)

_SCRUBBED_PREFIXES = (
    "PALLINK_",
    "AZURE_",
    "GITHUB_",
    "SYSTEM_",
    "ACTIONS_",
    "AZURESUBSCRIPTION_",
    "IDENTITY_",
    "IMDS_",
    "MSI_",
    "SSH_",
    "AGENT_",
    "SSL_",
    "RUNNER_",
    "INPUT_",
)
_SCRUBBED = {
    "CI",
    "TF_BUILD",
    "COLUMNS",
    "NO_COLOR",
    "FORCE_COLOR",
    "PY_COLORS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "BROWSER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
}


def is_exhaustive(config: pytest.Config) -> bool:
    return str(config.option.markexpr) == "exhaustive"


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("exhaustive" if is_exhaustive(config) else "pallink")
    gc.set_threshold(20_000, 20, 20)
    # What a run or a process of a test has compiled is there for the next one: compiling takes half of a short command.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # A shell's background ignores SIGINT, and pallink leaves an ignored signal alone.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run property tests both by default and, with more examples, in the exhaustive run."""
    if is_exhaustive(config):
        for item in items:
            if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
                item.add_marker("exhaustive")


def pytest_collection_finish() -> None:
    """Leave the collected tests to the end: a garbage collection that looks through them finds nothing."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run chosen files in one process: workers would take longer to start than they save."""
    return 0 if all(".py" in argument for argument in config.args) else None


@pytest.fixture(scope="session")
def system_trust(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file in place of the system's certificate authorities, which take longer to read than a command."""
    file = tmp_path_factory.mktemp("trust") / "authorities.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    return file


@pytest.fixture(scope="session", autouse=True)
def servers_that_end_soon() -> Iterator[None]:
    """Let a served sandbox end within a hundredth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "_POLL_INTERVAL", 0.01)
        yield


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system_trust: Path) -> None:
    """No setting of the machine reaches a test, and no test reaches the user's own sandbox or cache."""
    for name in list(os.environ):
        if name.upper().startswith(_SCRUBBED_PREFIXES) or name.upper() in _SCRUBBED:
            monkeypatch.delenv(name)
    monkeypatch.setenv("PALLINK_SANDBOX_HOME", str(tmp_path / "sandbox"))
    monkeypatch.setenv("PALLINK_HOME", str(tmp_path / "pallink"))
    # Where azure-identity keeps its token caches.
    for name in ("HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "user"))
    monkeypatch.setenv("PALLINK_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SSL_CERT_FILE", str(system_trust))
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture(autouse=True)
def no_thread_outlives_its_test(own_environment: None) -> Iterator[None]:
    """Join the threads that a command left behind, which would meet the next test's sandbox."""
    del own_environment  # Torn down later: the threads still run in it.
    yield
    join_threads()
