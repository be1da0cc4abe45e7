"""`python -m conformance`: that it runs, and that it can fail. The clients that have to be fetched are left to it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import run
from conformance.expected import APPLICATION, CLIENT_ID, TENANT, differences
from conformance.run import HERE, Outcome, Served, Tools

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Served]:
    with run.served() as cloud:
        yield cloud


def test_the_python_client_passes(cloud: Served, capfd: pytest.CaptureFixture[str]) -> None:
    cloud.pallink("sandbox", "reset")
    outcome = run.steps(cloud, [sys.executable, str(HERE / "clients" / "python_sync.py")], {})
    assert (outcome.verdict, outcome.problems) == ("passed", [])
    assert '"step": "update 6183402"' in capfd.readouterr().out


# By default test_what_is_not_expected_is_one, which runs no client.
@pytest.mark.exhaustive
def test_another_world_is_noticed(cloud: Served) -> None:
    cloud.pallink("sandbox", "reset")
    cloud.pallink("sandbox", "set", "already-linked", "400 Conflict")
    outcome = run.steps(cloud, [sys.executable, str(HERE / "clients" / "python_sync.py")], {})
    assert outcome.problems == [
        "create 6183402, already linked: (400, 'Conflict') instead of (409, 'PartnerIdAlreadyLinked')"
    ]
    assert outcome.verdict == "FAILED"


def test_a_client_that_ends_early_is_noticed(cloud: Served) -> None:
    outcome = run.steps(cloud, [sys.executable, "-c", "raise SystemExit(3)"], {})
    assert outcome.problems == ["it exited with 3"]


def test_the_printed_lines_have_a_section_for_each_program(cloud: Served) -> None:
    assert list(cloud.sections) == ["settings", "pallink", "az", "curl", "python", "node"]
    assert cloud.origin in cloud.sections["az"]


def link(partner_id: str, name: str, version: int, **other: object) -> dict[str, Any]:
    properties = {"partnerId": partner_id, "partnerName": name, "version": version}
    return {**properties, "tenantId": TENANT, "objectId": APPLICATION, "state": "Active", **other}


MEKORMA = link("719878", "Mekorma", 1)
NOT_LINKED = {"status": 404, "code": "ManagementPartnerNotFound"}
STEPS: list[dict[str, Any]] = [
    {"step": "show, not linked", **NOT_LINKED},
    {"step": "create 719878", "result": MEKORMA},
    {"step": "show", "result": {"etag": 1, "properties": MEKORMA}},
    {"step": "show 719878", "result": MEKORMA},
    {"step": "show 6183402", **NOT_LINKED},
    {"step": "create 6183402, already linked", "status": 409, "code": "PartnerIdAlreadyLinked"},
    {"step": "update 1234567, unknown", "status": 400, "code": "PartnerIdInvalid"},
    {"step": "update 6183402", "result": link("6183402", "Fourth Coffee Consulting", 2)},
    {"step": "delete 6183402", "result": {}},
    {"step": "show, deleted", **NOT_LINKED},
]
LINKS = [{"account": CLIENT_ID, "partnerId": "6183402", "state": "Deleted", "version": 3}]


def test_what_is_expected_is_no_problem() -> None:
    assert differences([*STEPS, {"step": "operations", "result": {"count": 3}}], LINKS) == []


@pytest.mark.parametrize(
    ("steps", "links", "problem"),
    [
        (STEPS[1:], LINKS, "the steps are"),
        ([*STEPS, {"step": "another"}], LINKS, "another: a step"),
        ([*STEPS, {"step": "roles", "result": []}], LINKS, "roles: []"),
        (STEPS, [], "the sandbox is left with the links []"),
        (STEPS, [{**LINKS[0], "version": 4}], "the sandbox is left with"),
        ([{**STEPS[0], "code": "NotFound"}, *STEPS[1:]], LINKS, "show, not linked: (404, 'NotFound')"),
        ([{"step": "show, not linked", "result": MEKORMA}, *STEPS[1:]], LINKS, "show, not linked: ('719878'"),
        ([*STEPS[:1], {**STEPS[1], "result": {**MEKORMA, "objectId": TENANT}}, *STEPS[2:]], LINKS, "create 719878:"),
    ],
)
def test_what_is_not_expected_is_one(steps: list[dict[str, Any]], links: list[dict[str, Any]], problem: str) -> None:
    found = differences(steps, links)
    assert [each for each in found if each.startswith(problem)] == found
    assert found


def test_what_is_missing_is_not_run_and_never_passed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(run.NotRunError, match=r"Node\.js"):
        Tools(tmp_path).node()
    assert Outcome("nothing there", None).verdict == "not run"


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome("fine")], 0),
        ([Outcome("fine"), Outcome("nothing there", None)], 2),
        ([Outcome("fine"), Outcome("nothing there", None), Outcome("bad", ["a problem"])], 1),
    ],
)
def test_the_exit_code_tells(outcomes: list[Outcome], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    named = {str(number): outcome for number, outcome in enumerate(outcomes)}
    assert run.conclude(named) == code
    assert capsys.readouterr().out.count("\n| ") == len(outcomes) + 1


def test_an_unknown_client_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "--only", "fortran"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "unknown: fortran" in done.stderr) == (2, True)


def test_what_is_fetched_is_pinned_and_names_no_registry() -> None:
    for file in (HERE / "requirements").iterdir():
        assert all("==" in line for line in file.read_text(encoding="utf-8").splitlines())
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {lock["packages"][f"node_modules/{name}"]["version"] for name in wanted} == set(wanted.values())
    packages = [each for name, each in lock["packages"].items() if name]
    assert all("integrity" in each and "resolved" not in each for each in packages)


def test_the_documentation_names_the_pinned_versions() -> None:
    text = (ROOT / "docs" / "maintainers" / "conformance.md").read_text(encoding="utf-8")
    pins = [line for file in (HERE / "requirements").iterdir() for line in file.read_text("utf-8").splitlines()]
    versions = [line.partition("==")[2] for line in pins]
    versions += json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"].values()
    assert [each for each in versions if f" {each}" not in text] == []
