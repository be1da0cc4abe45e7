"""What the README, the help, CI and the examples say is what the program does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pallink import __version__

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def shell_block(marker: str) -> str:
    match = re.search(rf"<!-- {marker} -->\n```sh\n(.*?)\n```", README, re.DOTALL)
    assert match, marker
    return match[1]


def test_the_two_lines_of_the_readme_are_one_line_each_and_ci_runs_them() -> None:
    first, tests = shell_block("first-line"), shell_block("test-line")
    assert "\n" not in first + tests
    assert first.endswith("pallink link 719878 --cloud sandbox --yes")
    assert tests.endswith("pytest")
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "readme_line first-line" in ci
    assert '"$(readme_line test-line)"' in ci
    assert '"$(readme_line test-line) -m exhaustive"' in ci


def test_what_the_readme_shows_is_what_one_sees(tmp_path: Path) -> None:
    shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert shown
    done = subprocess.run(
        [sys.executable, "-m", "pallink", *["link", "719878", "--cloud", "sandbox", "--yes"]],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PALLINK_SANDBOX_HOME": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    assert done.stderr + done.stdout == shown[1]


def test_the_python_example_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example
    exec(compile(example[1], "README.md", "exec"), {})  # noqa: S102 - it is ours
    assert capsys.readouterr().out == "created Mekorma\nTrue\n"


def test_the_changelog_has_the_version_or_what_is_unreleased() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "## Unreleased" in changelog or f"## {__version__}" in changelog
