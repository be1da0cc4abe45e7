"""pallink.fleet, for Python programs."""

from collections.abc import Generator
from pathlib import Path

import pytest

from pallink import fleet
from pallink.errors import UsageError
from pallink.fleet.result import EntryResult, Outcome
from pallink.fleet.runs import RunStatus, list_runs
from tests.fleet.files import SEED, write_fleet
from tests.harness import Pallink, Traffic

pytestmark = pytest.mark.usefixtures("pallink")


def outcomes(results: list[EntryResult]) -> dict[str, Outcome]:
    return {result.entry.name.partition("@")[0]: result.outcome for result in results}


def test_plan_apply_verify(traffic: Traffic, tmp_path: Path) -> None:
    file = fleet.load(write_fleet(tmp_path, *SEED))
    plan = fleet.plan(file, cloud="sandbox")
    assert [result.outcome for result in plan.results] == [Outcome.CREATED] * 3
    assert [result.entry.line for result in plan.results] == [4, 5, 6]
    assert traffic.writes() == []
    assert outcomes(list(fleet.apply(plan, cloud="sandbox"))) == dict.fromkeys(
        ("invoices", "svc_approvers", "payments"), Outcome.CREATED
    )
    assert {result.outcome for result in fleet.apply(file, cloud="sandbox")} == {Outcome.UNCHANGED}
    assert {result.outcome for result in fleet.verify(file, cloud="sandbox")} == {Outcome.UNCHANGED}
    assert traffic.writes() == ["PUT"] * 3


def test_a_plan_that_is_stale(in_sandbox: Pallink, tmp_path: Path) -> None:
    plan = fleet.plan(fleet.load(write_fleet(tmp_path, *SEED)), cloud="sandbox", replace=True)
    assert in_sandbox("link 6183402 --account invoices@contoso.com").code == 0
    assert outcomes(list(fleet.apply(plan, cloud="sandbox")))["invoices"] is Outcome.STALE


def test_closing_the_iterator_ends_the_run(traffic: Traffic, tmp_path: Path) -> None:
    file = fleet.load(write_fleet(tmp_path, *SEED))
    results = fleet.apply(file, cloud="sandbox", concurrency=1)
    assert isinstance(results, Generator)
    assert next(results).outcome is Outcome.CREATED
    results.close()
    writes = len(traffic.writes())
    assert 1 <= writes <= 2
    (run,) = list_runs()
    assert (run.status, run.done) == (RunStatus.UNFINISHED, writes)
    assert len(list(fleet.resume("last", cloud="sandbox"))) == 3 - writes
    assert traffic.writes() == ["PUT"] * 3
    assert list_runs()[0].status is RunStatus.FINISHED


def test_what_is_refused(traffic: Traffic, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        fleet.load(write_fleet(tmp_path, "acount: a, tenant: x"))
    assert refused.value.message.endswith("fleet.yaml has 2 problems")
    assert "line 4: unknown key 'acount': did you mean account?" in str(refused.value.cause)
    file = fleet.load(write_fleet(tmp_path, *SEED))
    plan = fleet.plan(file, cloud="sandbox")
    traffic.sent.clear()
    with pytest.raises(UsageError, match="is for the cloud sandbox, not for AzureCloud"):
        fleet.apply(plan)
    with pytest.raises(UsageError, match="--concurrency must be 1 to 64"):
        fleet.verify(file, cloud="sandbox", concurrency=0)
    with pytest.raises(UsageError, match="there is no run to resume"):
        fleet.resume("last", cloud="sandbox")
    assert traffic.sent == []


def test_a_run_that_cannot_begin_holds_no_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another attempt in the same process is not told that the run is in use."""
    file = fleet.load(write_fleet(tmp_path, SEED[0]))
    with monkeypatch.context() as patch:

        def broken(*_: object, **__: object) -> None:
            raise OSError("an example")

        patch.setattr("pallink.azure.connection.new_pool", broken)
        with pytest.raises(OSError, match="an example"):
            list(fleet.apply(file, cloud="sandbox"))
    assert [result.outcome for result in fleet.resume("last", cloud="sandbox")] == [Outcome.CREATED]
