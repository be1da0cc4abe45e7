"""CI, the pre-commit hooks, the templates for issues and pull requests, and CONTRIBUTING.md."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.published_schemas import problems
from tools.program import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
CI = (ROOT / ".ci" / "run").read_text("utf-8")

SCHEMAS = {
    ".github/workflows/ci.yml": ["vendor.github-workflows", "custom.github-workflows-require-timeout"],
    ".github/ISSUE_TEMPLATE/bug.yml": ["vendor.github-issue-forms"],
    ".github/ISSUE_TEMPLATE/config.yml": ["vendor.github-issue-config"],
    ".github/ISSUE_TEMPLATE/feature.yml": ["vendor.github-issue-forms"],
}


def load(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(("path", "schema"), [(path, schema) for path, found in SCHEMAS.items() for schema in found])
def test_github_files_match_their_published_schemas(path: str, schema: str) -> None:
    assert problems(schema, ROOT / path) == ""


def test_every_github_file_has_a_schema() -> None:
    assert {path.relative_to(ROOT).as_posix() for path in GITHUB.rglob("*.y*ml")} == set(SCHEMAS)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_pin_actions_and_only_read(path: Path) -> None:
    uses = re.findall(r"uses: *(.*)", path.read_text("utf-8"))
    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), f"{action} is not pinned"
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())


def test_ci_runs_on_every_supported_system_and_python() -> None:
    (job,) = load(GITHUB / "workflows" / "ci.yml")["jobs"].values()
    matrix = job["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["system"]} == {"ubuntu", "macos", "windows"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert f">={matrix['python'][0]}" == project["requires-python"]
    assert set(named) <= set(matrix["python"])
    assert job["defaults"]["run"]["shell"] == "bash"
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]


def test_pre_commit_runs_the_linters_of_ci_from_the_environment() -> None:
    (repository,) = load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    entries = {hook["id"]: hook["entry"] for hook in repository["hooks"]}
    assert list(entries) == ["ruff-format", "ruff-check", "mypy"]
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        tool, *arguments = hook["entry"].removesuffix(" --force-exclude").split()
        assert re.search(rf'/{tool}"? ?{" ".join(arguments)}', CI), hook["entry"]


def test_the_contributing_guide_names_what_exists() -> None:
    paths = re.findall(r"`((?:[\w.]+/)+[\w.]*)`", CONTRIBUTING)
    assert len(paths) > 15
    for path in paths:
        assert (ROOT / path).exists(), path
    for module in re.findall(r"`python -m ([\w.]+)", CONTRIBUTING):
        path = ROOT / module.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").exists(), module
