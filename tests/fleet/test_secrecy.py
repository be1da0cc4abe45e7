"""No secret of a fleet's accounts is shown or kept, and each account's token is in its own requests alone."""

import json
import threading
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

from pallink.fleet.result import EntryResult
from pallink.fleet.task import Task
from pallink.fleet.work import Work
from pallink.sandbox import home
from pallink.sandbox.http.adapter import SandboxAdapter
from pallink.sandbox.state.store import Store
from tests.cli.test_settling import Handle, answering
from tests.exhaustive import combinations
from tests.fixtures.totals import Totals
from tests.fleet.files import totals as outcomes_of, write_fleet
from tests.harness import Pallink, Run, Traffic
from tests.sandbox.client import claims

COUNT = 50

_entry: ContextVar[str | None] = ContextVar("entry", default=None)


def client_id(number: int) -> str:
    return f"{number:08}-1111-4000-8000-000000000000"


def canary(number: int) -> str:
    """A secret of letters only, so that no escape makes it look otherwise."""
    return "canary" + "".join(chr(ord("a") + int(digit)) for digit in f"{number:014}")


@pytest.fixture
def count() -> int:
    """Return how many applications the fleet has, where a test does not say."""
    return COUNT


@pytest.fixture
def fleet(pallink: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> str:
    """Return a fleet file with applications of the sandbox, each with a secret of its own."""
    del pallink  # It makes the sandbox.

    def change(world: dict[str, Any]) -> None:
        world["tenants"][0]["applications"] += [
            {
                "client_id": client_id(number),
                "object_id": f"{number:08}-2222-4000-8000-000000000000",
                "display_name": f"app-{number}",
                "client_secret": canary(number),
            }
            for number in range(count)
        ]

    with Store(home()).transaction() as state:
        state.change_world(change)
    for number in range(0, count, 2):
        monkeypatch.setenv(f"FLEET_{number}", canary(number))
        (tmp_path / f"secret-{number + 1}.txt").write_text(f"{canary(number + 1)}\n")
    return write_fleet(
        tmp_path,
        *(
            f"client-id: {client_id(number)}, "
            + (f"secret: 'file:secret-{number}.txt'" if number % 2 else f"secret: 'env:FLEET_{number}'")
            for number in range(count)
        ),
        defaults="role-check: skip",
    )


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Record whose credentials each entry's requests carry, and which tokens there were (under "")."""
    seen: dict[str, set[str]] = {"": set()}
    lock, send, work = threading.Lock(), SandboxAdapter.send, Work.__call__

    def for_entry(self: Work, task: Task) -> EntryResult:
        # Each thread has a context of its own, which those that it starts inherit.
        _entry.set(task.entry.client_id)
        return work(self, task)

    def watched_send(self: SandboxAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        response = send(self, request, *args, **kwargs)
        callers = set(parse_qs(str(request.body or "")).get("client_id", ()))
        token = str(request.headers.get("Authorization") or "").removeprefix("Bearer ")
        with lock:
            if token:
                callers.add(claims(token)["appid"])
                seen[""].add(token)
            seen.setdefault(_entry.get() or "none", set()).update(callers)
        return response

    monkeypatch.setattr(Work, "__call__", for_entry)
    monkeypatch.setattr(SandboxAdapter, "send", watched_send)
    return seen


def echo_secret(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
    """A login host that repeats what it was sent."""
    body = {"error": "invalid_client", "error_description": f"AADSTS7000215: Invalid: {request.body!r}"}
    return answering(401, json.dumps(body).encode())(request, handle)


def echo_token(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
    """A service that repeats what it was sent."""
    message = f"Not valid: {request.headers['Authorization']}"
    body = {"error": {"code": "BadRequest", "message": message}}
    return answering(400, json.dumps(body).encode())(request, handle)


def hunt(tmp_path: Path, tokens: set[str], totals: Totals, *runs: Run) -> None:
    """Fail if a secret or a token is in what commands wrote, to streams or to files."""
    texts = [text.encode() for run in runs for text in (run.stdout, run.stderr)]
    # The sandbox knows the secrets, and so do the files that the fleet file refers to.
    files = [
        path for path in tmp_path.rglob("*") if path.is_file() and "sandbox" not in path.relative_to(tmp_path).parts
    ]
    texts += [path.read_bytes() for path in files if not path.name.startswith("secret-")]
    secrets = [canary(number) for number in range(COUNT)] + [token.rpartition(".")[2] for token in tokens]
    found = [secret for secret in secrets for text in texts if secret.encode() in text]
    totals.count_hunt(places=len(texts), secrets=len(secrets), finds=len(found))
    assert found == []


def assert_own_credentials(watched: dict[str, set[str]], count: int) -> None:
    """Fail unless each entry's requests carried credentials of that entry alone."""
    assert watched.pop("none", set()) == set()
    assert watched == {client_id(number): {client_id(number)} for number in range(count)}


# By default all that can be shown, of a fleet that is just larger than its concurrency.
@pytest.mark.parametrize(
    ("log", "output", "concurrency", "count"),
    [
        ("--debug", "json", 16, 20),
        *combinations(
            ["", "--verbose", "--debug"],
            ["table", "json", "jsonl", "tsv"],
            [1, 16, 64],
            [COUNT],
            default=lambda *_: False,
        ),
    ],
)
def test_no_secret_is_shown_or_kept(
    in_sandbox: Pallink,
    traffic: Traffic,
    fleet: str,
    *,
    watched: dict[str, set[str]],
    totals: Totals,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    log: str,
    output: str,
    concurrency: int,
    count: int,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    options = f"{log} -o {output} --concurrency {concurrency}"
    reports = " ".join(f"--{name} {tmp_path}/report.{name}" for name in ("junit", "markdown", "csv"))
    planned = in_sandbox(f"fleet plan {fleet} --out {tmp_path}/plan.json {options}")
    for _ in range(3):
        traffic.fail("POST", "/token", echo_secret)
        traffic.fail("PUT", "partners", echo_token)
    applied = in_sandbox(f"fleet apply {tmp_path}/plan.json {reports} {options}")
    assert applied.code == 8
    assert applied.stdout.count("[redacted]") + applied.stderr.count("[redacted]") >= 2
    resumed = in_sandbox(f"fleet apply --resume last {options}")
    verified = in_sandbox(f"fleet verify {fleet} {options}")
    assert verified.code == 0
    tokens = watched.pop("")
    hunt(tmp_path, tokens, totals, planned, applied, resumed, verified)
    assert len(tokens) >= count
    assert_own_credentials(watched, count)


@pytest.mark.parametrize(
    ("concurrency", "rounds"),
    combinations([16, 64], [1, 5], default=lambda *_: False),
)
def test_each_token_is_in_its_own_accounts_requests(
    in_sandbox: Pallink, fleet: str, watched: dict[str, set[str]], concurrency: int, rounds: int
) -> None:
    for _ in range(rounds):
        done = in_sandbox(f"fleet apply {fleet} --yes --concurrency {concurrency} -o json")
        assert done.code == 0
    assert outcomes_of(done) == {("created" if rounds == 1 else "unchanged"): COUNT}
    del watched[""]
    assert_own_credentials(watched, COUNT)


def test_a_defect_shows_no_secret(
    in_sandbox: Pallink, fleet: str, totals: Totals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(self: Work, task: Task, *_: object) -> EntryResult:
        del self
        raise ValueError(f"with {canary(int(task.entry.client_id[:8] if task.entry.client_id else 0))}")

    monkeypatch.setattr(Work, "_write", defect)
    done = in_sandbox(f"fleet apply {fleet} --yes --limit 3 -o json")
    assert done.code == 8
    assert [entry["error"]["message"] for entry in done.json["entries"]] == [
        "pallink has a defect: ValueError: with [redacted]"
    ] * 3
    hunt(tmp_path, set(), totals, done)
