"""What pallink is made of is pinned by hash, and importing it does nothing but load it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import audit
from tools.lock import CONSTRAINTS, PATH, requirements
from tools.program import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKED = {each.name: each for each in requirements()}
LINES = PATH.read_text("utf-8").splitlines()


def test_each_locked_distribution_has_hashes_and_nothing_else_is_in_the_lock() -> None:
    body = [line for line in LINES if not line.startswith("#")]
    for before, line in zip(["", *body], body, strict=False):
        if re.fullmatch(r"[a-z0-9-]+==[^\\]+ \\", line):
            assert not before.endswith("\\")
        else:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line
            assert before.endswith("\\")
    assert len(LOCKED) == sum("==" in line.partition(";")[0] for line in body)


def test_the_lock_names_no_host() -> None:
    assert not [line for line in LINES if "://" in line or "index" in line or "find-links" in line]


def test_lock_and_constraints_agree() -> None:
    constraints = {each.name: each.specifier for each in requirements(CONSTRAINTS)}
    for name, each in LOCKED.items():
        assert constraints.get(name) == each.specifier, f"{name}: run python -m tools.lock"


@pytest.mark.parametrize("wanted", [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]])
def test_lock_and_project_agree(wanted: str) -> None:
    requirement = Requirement(wanted)
    locked = LOCKED[canonicalize_name(requirement.name)]
    (pin,) = locked.specifier
    assert locked.marker is None
    assert requirement.specifier.contains(pin.version), f"{wanted}: run python -m tools.lock"


def test_the_lock_holds_what_is_needed_here() -> None:
    """Every distribution that the dependencies of the installed ones lead to."""
    from importlib.metadata import requires  # noqa: PLC0415

    pending = [Requirement(each) for each in PROJECT["project"]["dependencies"]]
    seen = set()
    while pending:
        each = pending.pop()
        name = canonicalize_name(each.name)
        if name in seen or (each.marker and not each.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        assert name in LOCKED
        extras = each.extras or {""}
        pending += [
            inner
            for text in requires(name) or ()
            if (inner := Requirement(text)).marker is None
            or any(inner.marker.evaluate({"extra": extra}) for extra in extras)
        ]


def test_what_is_shipped_as_source_can_be_installed_by_hash() -> None:
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"/SECURITY.md", "/requirements.lock", "/constraints.txt"} <= set(included)
    for each in included:
        assert (ROOT / each.removeprefix("/")).exists(), each


def dependency(name: str, *vulns: str) -> dict[str, object]:
    return {"name": name, "version": "1", "vulns": [{"id": each} for each in vulns]}


SKIPPED: dict[str, object] = {"name": "c", "skip_reason": "Dependency not found and could not be audited"}


@pytest.mark.parametrize(
    ("report", "code", "said"),
    [
        ([dependency("a"), dependency("b")], audit.CLEAN, "no known vulnerability in 2"),
        ([dependency("a"), dependency("b", "PYSEC-1")], audit.VULNERABLE, "vulnerable: b 1 (PYSEC-1)"),
        ([dependency("a"), SKIPPED], audit.NOT_AUDITED, "knows 1 of 2"),
        ([dependency("a", "PYSEC-1"), SKIPPED], audit.VULNERABLE, "PYSEC-1"),
        ([SKIPPED, SKIPPED], audit.NOT_AUDITED, "knows 0 of 2"),
        (None, audit.NOT_AUDITED, "cannot be reached"),
    ],
)
def test_an_audit_that_did_not_happen_is_no_success(
    report: list[dict[str, object]] | None, code: int, said: str
) -> None:
    found = audit.verdict(None if report is None else {"dependencies": report}, 2)
    assert found[0] == code
    assert said in found[1]


IMPORTING = """
import importlib, os, pkgutil, sys, threading

seen = []

def watch(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.fork", "os.posix_spawn", "os.exec", "os.system", "os.spawn",
                         "pty.", "webbrowser.", "urllib.", "http.", "smtplib.", "ftplib.")):
        what = str(arguments)
        # urllib3 looks whether there is IPv6: it takes a port of this machine and gives it back. azure-identity names
        # the operating system in its User-Agent, for which Python asks uname.
        is_known = what.endswith("('::1', 0))") or "['uname', '-p']" in what or event == "socket.__new__"
        if not (with_azure and is_known):
            seen.append((event, what[:200]))
    if event == "_thread.start_new_thread":
        seen.append((event, ""))

import pallink
sys.addaudithook(watch)
names = [each.name for each in pkgutil.walk_packages(pallink.__path__, "pallink.") if each.name != "pallink.__main__"]
with_azure = False
later = [name for name in names if name.startswith(("pallink.azure", "pallink.http", "pallink.sandbox.http.adapter"))]
for name in ["pallink.__main__", *(name for name in names if name not in later), *later]:
    with_azure = name in later
    importlib.import_module(name)
import azure.identity, azure.identity._credentials.client_secret, azure.mgmt.managementpartner, msal, requests
assert len(names) > 100, names
assert threading.active_count() == 1, threading.enumerate()
print(seen)
"""


def test_importing_opens_no_connection_and_starts_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTING], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []


ACTIONS = [
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    ROOT / "action.yml",
    *sorted((ROOT / "examples").glob("github-*.yml")),
]


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.name)
def test_other_actions_are_pinned_by_commit(path: Path) -> None:
    uses = re.findall(r"uses: *(.*)", path.read_text("utf-8"))
    assert uses
    for action in uses:
        # Whoever copies the example puts the commit in place of the zeros.
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@([0-9a-f]{40} # v\d+\.\d+\.\d+|0{40})", action), f"{action} is not pinned"


def test_ci_checks_every_script_and_every_workflow() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    (shellcheck,), (zizmor,) = (
        [line.split() for line in lines if f"/{tool}" in line] for tool in ("shellcheck", "zizmor")
    )

    def checked(words: list[str]) -> set[Path]:
        found = {path for word in words if word[0] != '"' for path in ROOT.glob(word)}
        return {inner for path in found for inner in (path.rglob("*.yml") if path.is_dir() else [path])}

    folders = ("action", "examples", "tools", ".ci")
    scripts = {path for folder in folders for path in (ROOT / folder).rglob("*") if is_shell_script(path)}
    assert checked(shellcheck) == scripts
    assert checked(zizmor) == set(ACTIONS)
    assert "--offline" in zizmor


def is_shell_script(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith((b"#!/usr/bin/env bash", b"#!/bin/sh"))


SECURITY = (ROOT / "SECURITY.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("signin/store.py", ["sign-ins", "PALLINK_HOME"]),
        ("azure/cloud_metadata.py", ["cloud-", "PALLINK_CACHE_HOME"]),
        ("cli/commands/fleet_plan.py", ["--out"]),
        ("cli/fleet_arguments.py", ["--junit", "--markdown", "--csv"]),
        ("cli/commands/sandbox_fleet.py", ["--fleet-file", ".secrets"]),
        ("fleet/run_folder.py", ["journal.jsonl", "runs", "PALLINK_HOME", "--run-dir"]),
        ("azure/auth/token_cache.py", [".tokens"]),
        ("sandbox/state/store.py", ["sandbox.sqlite3"]),
        ("sandbox/handler.py", ["PALLINK_SANDBOX_HOME"]),
        ("sandbox/state/files.py", ["certificate-authority.pem", "certificate-authority-key.pem"]),
        ("reports/publish.py", ["GITHUB_STEP_SUMMARY"]),
        ("cli/commands/login.py", ["--allow-plain-text-cache"]),
    ],
)
def test_the_table_of_what_is_stored_names_the_programs_own_places(module: str, told: list[str]) -> None:
    source = (ROOT / "src" / "pallink" / module).read_text("utf-8")
    table = SECURITY.partition("## What is stored")[2].partition("\n## ")[0]
    for each in told:
        assert each in source
        assert each in table


def test_every_place_that_pallink_writes_to_is_in_that_table() -> None:
    """Whoever adds a module that writes files has to say so there, and here."""
    writes = re.compile(
        r"write_text|write_bytes|mkstemp|NamedTemporaryFile|TemporaryDirectory|open\(\"[wa]|os\.open|\.touch\("
    )
    found = {
        path.relative_to(ROOT / "src" / "pallink").as_posix()
        for path in (ROOT / "src" / "pallink").rglob("*.py")
        if writes.search(path.read_text("utf-8"))
    }
    assert found == {
        "output/terminal.py",  # the null device
        "azure/auth/token_cache.py",
        "cli/commands/sandbox_fleet.py",
        "fleet/journal.py",
        "fleet/run_folder.py",
        "private_files.py",  # also for azure/cloud_metadata.py and sandbox/state/files.py
        "reports/publish.py",
        "sandbox/http/server.py",  # a key that OpenSSL reads, gone at once
        "sandbox/state/store.py",
        "signin/store.py",
    }


def test_the_documented_installation_is_the_one_of_the_lock() -> None:
    (line,) = re.findall(r"```sh\n(.*require-hashes.*)\n```", SECURITY)
    assert line in PATH.read_text("utf-8")
