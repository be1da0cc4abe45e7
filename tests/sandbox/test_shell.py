"""The lines that `pallink sandbox serve` prints: they are run as they are, by the shell that they are for.

Those for `az` and Node are run by conformance/run.py, which brings these programs.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell

from pallink.sandbox import Sandbox
from pallink.sandbox.http.server import SandboxServer
from pallink.sandbox.names import Shell
from pallink.sandbox.shell import Section, assignment, sections
from tests.sandbox.client import Client

NAMES = ["settings", "pallink", "az", "curl", "python", "node"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    # A path that a shell would take apart.
    with SandboxServer(Sandbox(tmp_path_factory.mktemp("it's a $HOME"))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.stop()
        thread.join()


def lines(server: SandboxServer, shell: Shell) -> dict[str, Section]:
    found = {each.name: each for each in sections(shell, server.origin, server.authority)}
    assert list(found) == NAMES
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="There sh is no part of the system.")
@pytest.mark.parametrize("name", ["pallink", "curl", "python"])
def test_the_lines_work_as_printed(server: SandboxServer, tmp_path: Path, name: str) -> None:
    if name == "curl" and shutil.which("curl") is None:
        pytest.skip("curl is not installed.")
    found = lines(server, Shell.SH)
    if name != "pallink":  # It links, and the others use the link.
        assert Client(server.authority.parent).application().partners("PUT", "719878").status in {200, 409}
    script = "\n".join(["set -e", *found["settings"].lines, *found[name].lines, ""])
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "PALLINK_HOME": str(tmp_path),
        "PALLINK_CACHE_HOME": str(tmp_path),
    }
    done = subprocess.run(["sh"], input=script, env=environment, capture_output=True, text=True, check=False)  # noqa: S607
    assert done.returncode == 0, done.stderr
    if name == "curl":
        assert json.loads(done.stdout.splitlines()[-1])["properties"]["partnerName"] == "Mekorma"
    else:
        assert "Mekorma" in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_powershell_can_read_its_lines(server: SandboxServer, name: str) -> None:
    text = "\n".join(lines(server, Shell.POWERSHELL)[name].lines)
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
    assert not parser.parse(text.encode()).root_node.has_error
    assert "export " not in text


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="PowerShell is not installed.")
def test_powershell_reads_the_values_as_meant(server: SandboxServer) -> None:
    script = "\n".join([*lines(server, Shell.POWERSHELL)["settings"].lines[:-1], "$env:REQUESTS_CA_BUNDLE"])
    done = subprocess.run(["pwsh", "-NoProfile", "-Command", script], capture_output=True, text=True, check=True)  # noqa: S607
    assert done.stdout.strip() == str(server.authority)


@pytest.mark.parametrize(
    ("shell", "line"), [(Shell.SH, "export A='it'\"'\"'s $B'"), (Shell.POWERSHELL, "$env:A = 'it''s $B'")]
)
def test_a_value_is_taken_as_it_is(shell: Shell, line: str) -> None:
    assert assignment(shell, "A", "it's $B") == line
