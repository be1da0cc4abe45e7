"""pallink fleet apply --resume: what is done stays done, and a write that may have been sent is never sent blindly."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from pallink.fleet import run_folder
from pallink.fleet.api import load
from pallink.fleet.executor import Executor
from pallink.fleet.fleet_run import RunOptions, begin_apply, new_plan
from pallink.fleet.journal import Journal
from pallink.fleet.run_folder import runs_folder
from tests.cli.test_settling import Handle
from tests.fleet.files import SEED, USERS, error_of, last_error, outcomes, records, totals, write_fleet
from tests.harness import Pallink, Traffic, full_disk

INVOICES = "invoices@contoso.com"
APPROVERS = "svc_approvers@contoso.com"
PAYMENTS = "payments@contoso.com"

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no limits")


def begin(file: str, *, run_dir: Path | None = None, **options: Any) -> Journal:
    """Begin an apply as a process that then ends, and return its journal."""
    fleet, run_options = load(file), RunOptions(cloud="sandbox", **options)
    journal = begin_apply(new_plan(fleet.entries, run_options, source=fleet.path), run_options, run_dir=run_dir).journal
    assert journal is not None
    return journal


def intend(journal: Journal, account: str, action: str, partner: str | None, before: dict[str, Any] | None) -> None:
    """Record that a write is about to be sent, after which the process ends."""
    step = {"action": action, "partnerId": partner}
    journal.intend(f"{account} contoso.onmicrosoft.com", {"step": step, "before": before})
    journal.close()


def link(partner: str, version: int, state: str = "Active") -> dict[str, Any]:
    return {"partnerId": partner, "partnerName": None, "state": state, "version": version}


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Executor, "_sleep", lambda _run, _task, _seconds: None)
    monkeypatch.setattr(run_folder, "_LOCK_TIMEOUT", 0)


# What is done, and what is not.


def test_what_is_done_is_not_requested_again(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, *SEED, "account: former@contoso.com")
    first = in_sandbox(f"fleet apply {file} --yes -o json")
    assert totals(first) == {"created": 3, "failed": 1}
    traffic.sent.clear()
    again = in_sandbox("fleet apply --resume last -o json")
    assert again.code == 8
    assert outcomes(again) == outcomes(first)
    assert again.json["run"] == first.json["run"]
    assert [entry["partnerId"] for entry in again.json["entries"][:3]] == ["719878", "719878", "6183402"]
    assert traffic.of_partners() == []


@pytest.mark.parametrize("named_by", ["last", "ID", "folder"])
def test_a_run_by_each_of_its_names(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named_by: str
) -> None:
    run_dir = tmp_path / "here" if named_by == "folder" else None
    journal = begin(write_fleet(tmp_path, *SEED), run_dir=run_dir)
    journal.close()
    name = {"last": "last", "ID": journal.run_id, "folder": "here"}[named_by]
    monkeypatch.chdir(tmp_path)
    done = in_sandbox(f"fleet apply --resume {name} -o json")
    assert (done.code, totals(done)) == (0, {"created": 3})
    assert traffic.writes() == ["PUT"] * 3
    again = in_sandbox(f"fleet apply --resume {name}")
    assert again.stdout.endswith("3 accounts: 3 created\n")
    assert traffic.writes() == ["PUT"] * 3


def test_the_folder_of_a_run_is_named_in_the_hint(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, "account: newhire@contoso.com")
    done = in_sandbox(f"fleet apply {file} --yes --run-dir {tmp_path}/run")
    assert done.stderr.endswith(f"    pallink fleet apply --resume {tmp_path}/run --cloud sandbox\n")
    refused = in_sandbox(f"fleet apply {file} --yes --run-dir {tmp_path}/run")
    assert refused.code == 2
    assert "holds the journal of another run" in refused.stderr
    assert refused.stderr.endswith(f"    pallink fleet apply --resume {tmp_path}/run --cloud sandbox\n")


def test_a_resumed_run_streams_every_account(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, SEED[0], "account: newhire@contoso.com")
    assert in_sandbox(f"fleet apply {file} --yes").code == 8
    lines = [json.loads(line) for line in in_sandbox("fleet apply --resume last -o jsonl").stdout.splitlines()]
    assert [(entry["name"], entry["outcome"]) for entry in lines] == [
        (INVOICES, "created"),
        ("newhire@contoso.com", "failed"),
    ]


def test_what_the_runs_list_says(pallink: Pallink, in_sandbox: Pallink, tmp_path: Path) -> None:
    journal = begin(write_fleet(tmp_path, *SEED))
    journal.close()
    assert pallink("fleet runs").stdout.splitlines()[1].split()[:2] == [journal.run_id, "unfinished"]
    assert in_sandbox("fleet apply --resume last").code == 0
    assert pallink("fleet runs").stdout.splitlines()[1].split()[:5] == [journal.run_id, "finished", "3", "of", "3"]
    shown = pallink("fleet", "runs", "last", "-o", "json").json
    assert [entry["outcome"] for entry in shown["entries"]] == ["created"] * 3
    assert len(pallink("fleet runs last").stdout.splitlines()) >= 4


def test_a_failed_unlink_shows_no_partner(pallink: Pallink, in_sandbox: Pallink, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, "account: former@contoso.com, state: unlinked")
    assert in_sandbox(f"fleet apply {file} --yes").code == 8
    shown = pallink("fleet runs last").stdout.splitlines()
    assert shown[1].split()[3:6] == ["?", "->", "none"]


# A write whose outcome is not recorded.

CREATION, CHANGE = ("created", "719878", None), ("updated", "719878", link("6183402", 1))
REMOVAL = ("deleted", "719878", link("719878", 1))
LINKED, UNLINKED = "partner: '719878'", "state: unlinked, partner: '719878'"

Intent = tuple[str, str, dict[str, Any] | None]
INTERRUPTED: dict[str, tuple[str, list[str], Intent, list[str], str, list[str]]] = {
    # The entry, what happened before, the intent, whether the write took effect, the outcome, and what is sent now.
    "a creation that took effect": (LINKED, [], CREATION, ["link 719878"], "created", []),
    "a creation that did not": (LINKED, [], CREATION, [], "created", ["PUT"]),
    "a change that took effect": (LINKED, ["link 6183402"], CHANGE, ["update 719878"], "updated", []),
    "a change that did not": (LINKED, ["link 6183402"], CHANGE, [], "updated", ["PATCH"]),
    "a removal that took effect": (UNLINKED, ["link 719878"], REMOVAL, ["unlink"], "deleted", []),
    "a removal that did not": (UNLINKED, ["link 719878"], REMOVAL, [], "deleted", ["DELETE"]),
    "a creation, and then another process": (
        LINKED,
        [],
        CREATION,
        ["link 719878", "update 6183402"],
        "needs-replace",
        [],
    ),
}


@pytest.mark.parametrize("case", INTERRUPTED)
def test_a_write_without_an_outcome(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, case: str) -> None:
    entry, before, (action, partner, seen), effect, outcome, sent = INTERRUPTED[case]
    for command in before:
        assert in_sandbox(f"{command} --account {INVOICES} --yes").code == 0
    journal = begin(write_fleet(tmp_path, f"account: {INVOICES}, {entry}"), replace="PATCH" in sent or "change" in case)
    intend(journal, INVOICES, action, partner, seen)
    for command in effect:
        assert in_sandbox(f"{command} --account {INVOICES} --yes").code == 0
    traffic.sent.clear()
    done = in_sandbox("fleet apply --resume last -o json")
    assert outcomes(done) == {INVOICES: outcome}
    assert traffic.writes() == sent
    assert done.code == (8 if outcome == "needs-replace" else 0)
    assert traffic.of_partners()[0] == "GET"
    # The next run says the same, and sends nothing.
    again = in_sandbox("fleet apply --resume last -o json")
    assert outcomes(again) == {INVOICES: outcome}
    assert traffic.writes() == sent


def test_a_process_that_is_killed_after_its_write(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    """The response is lost, and the journal is not written any more."""
    file = write_fleet(tmp_path, *SEED)

    def killed(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        del request
        response = handle()
        # What a killed process does not get to: from here on, its journal is closed.
        descriptors = [folder / "journal.jsonl" for folder in runs_folder().iterdir()]
        (kept,) = (path.read_bytes() for path in descriptors)
        saved.append((descriptors[0], kept))
        return response

    saved: list[tuple[Path, bytes]] = []
    traffic.fail("PUT", "partners", killed)
    assert in_sandbox(f"fleet apply {file} --yes --concurrency 1").code == 0
    ((path, content),) = saved
    path.write_bytes(content + b'{"kind":"outco')
    assert in_sandbox(f"unlink --account {APPROVERS} --yes").code == 0
    traffic.sent.clear()
    done = in_sandbox("fleet apply --resume last -o json")
    assert outcomes(done) == {INVOICES: "created", APPROVERS: "created", PAYMENTS: "unchanged"}
    assert traffic.writes() == ["PUT"]


def test_a_journal_holds_an_intent_before_each_write(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    """Each write is recorded when it is sent."""

    def recorded(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        lines = list(records(folder))
        seen.append((str(request.method), lines[-1]["kind"], lines[-1]["entry"]))
        return handle()

    folder, seen = tmp_path / "run", list[tuple[str, object, object]]()
    traffic.fail("PUT", "partners", recorded)
    traffic.fail("PUT", "partners", recorded)
    assert (
        in_sandbox(f"fleet apply {write_fleet(tmp_path, *SEED[:2])} --yes --concurrency 1 --run-dir {folder}").code == 0
    )
    assert seen == [
        ("PUT", "intent", f"{INVOICES} contoso.onmicrosoft.com"),
        ("PUT", "intent", f"{APPROVERS} contoso.onmicrosoft.com"),
    ]
    assert [line["kind"] for line in records(folder)] == ["run", "intent", "outcome", "intent", "outcome"]


def test_a_replacing_run_goes_on_replacing(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    assert in_sandbox(f"link 6183402 --account {INVOICES}").code == 0
    begin(write_fleet(tmp_path, SEED[0]), replace=True).close()
    traffic.sent.clear()
    done = in_sandbox("fleet apply --resume last -o json")
    assert outcomes(done) == {INVOICES: "updated"}
    assert traffic.writes() == ["PATCH"]


# What is refused.


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("fleet.yaml", "FILE"),
        ("--replace", "--replace"),
        ("--select name=a", "--select"),
        ("--exclude name=a", "--exclude"),
        ("--limit 1", "--limit"),
        ("--run-dir x", "--run-dir"),
    ],
)
def test_options_that_contradict_the_run(in_sandbox: Pallink, options: str, named: str) -> None:
    refused = in_sandbox(f"fleet apply --resume last {options}")
    assert refused.code == 2
    assert f"error: {named} cannot be combined with --resume" in refused.stderr


def test_a_run_of_another_cloud(pallink: Pallink, in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    begin(write_fleet(tmp_path, *SEED)).close()
    refused = pallink("fleet apply --resume last")
    assert refused.code == 2
    assert "is for the cloud sandbox, not for AzureCloud" in refused.stderr
    assert "hint: use --cloud sandbox" in refused.stderr
    assert traffic.sent == []
    assert in_sandbox("fleet apply --resume last").code == 0


def test_a_run_that_is_not_there(in_sandbox: Pallink) -> None:
    assert "there is no run to resume" in in_sandbox("fleet apply --resume last").stderr
    unknown = in_sandbox("fleet apply --resume 20261126-204512-0000")
    assert unknown.code == 2
    assert "error: unknown run 20261126-204512-0000" in unknown.stderr


def test_a_run_that_another_process_works_on(in_sandbox: Pallink, tmp_path: Path, traffic: Traffic) -> None:
    with begin(write_fleet(tmp_path, *SEED)) as journal:
        refused = in_sandbox("fleet apply --resume last")
        assert refused.code == 2
        assert f"error: the run in {journal.folder} is in use by process {os.getpid()}" in refused.stderr
    assert traffic.sent == []


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (
            ('"outcome":"created"', '"outcome":"invented"'),
            ": invoices@contoso.com contoso.onmicrosoft.com: invalid outcome\n",
        ),
        (('"planVersion":1', '"planVersion":2'), "planVersion is 2, and"),
        (('"719878"', '"x"'), ": partner must be 5 to 10 digits"),
        (('"warnings":[]', '"warnings":null'), ": invoices@contoso.com contoso.onmicrosoft.com: invalid outcome\n"),
        (('"entry":"invoices', '"entry":"others'), "unknown entry others@contoso.com contoso.onmicrosoft.com\n"),
    ],
)
def test_a_journal_that_was_changed(
    in_sandbox: Pallink, traffic: Traffic, tmp_path: Path, change: tuple[str, str], cause: str
) -> None:
    file = write_fleet(tmp_path, SEED[0])
    assert in_sandbox(f"fleet apply {file} --yes").code == 0
    (folder,) = runs_folder().iterdir()
    path = folder / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line.replace(*change) for line in lines))
    traffic.sent.clear()
    refused = in_sandbox("fleet apply --resume last")
    assert refused.code == 2, refused.stderr
    assert "cannot be resumed\ncause: journal.jsonl: " in refused.stderr
    assert cause in refused.stderr
    assert refused.stderr.endswith("hint: start a new run, which reads the links first\n")
    assert traffic.sent == []
    # It is not held any more.
    path.write_text("".join(lines))
    assert in_sandbox("fleet apply --resume last").code == 0


@pytest.mark.parametrize(
    ("intent", "problem"),
    [
        ({}, "invalid intent"),
        ({"step": {"action": "invented", "partnerId": None}, "before": None}, "invalid step"),
        ({"step": {"action": "created", "partnerId": "719878"}, "before": {}}, "invalid link"),
    ],
)
def test_an_intent_that_was_changed(
    in_sandbox: Pallink, tmp_path: Path, intent: dict[str, object], problem: str
) -> None:
    with begin(write_fleet(tmp_path, SEED[0])) as journal:
        journal.intend("invoices@contoso.com contoso.onmicrosoft.com", intent)
    refused = in_sandbox("fleet apply --resume last")
    assert refused.code == 2
    assert f"cause: journal.jsonl: invoices@contoso.com contoso.onmicrosoft.com: {problem}\n" in refused.stderr


def test_a_changed_run_is_not_shown(pallink: Pallink, in_sandbox: Pallink, tmp_path: Path) -> None:
    assert in_sandbox(f"fleet apply {write_fleet(tmp_path, SEED[0])} --yes").code == 0
    (folder,) = runs_folder().iterdir()
    path = folder / "journal.jsonl"
    path.write_text(path.read_text().replace('"outcome":"created"', '"outcome":"invented"'))
    assert (refused := pallink("fleet runs last")).code == 2
    assert refused.stderr == (
        f"error: the run in {folder} cannot be read\n"
        "cause: journal.jsonl: invoices@contoso.com contoso.onmicrosoft.com: invalid outcome\n"
        "hint: name another one\n    pallink fleet runs\n"
    )


# A disk that is full.


@contextmanager
def disk_full_at(journal: Path, traffic: Traffic) -> Iterator[None]:
    """Let the disk be full from the first write to the partner API on."""
    limit = full_disk(0)

    def fill(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        del request
        response = handle()
        nonlocal limit
        limit = full_disk(journal.stat().st_size)
        limit.__enter__()
        return response

    traffic.fail("PUT", "partners", fill)
    try:
        yield
    finally:
        limit.__exit__(None, None, None)


@posix_only
def test_a_disk_that_is_full(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    # The journal is larger than the sandbox's file, which still can be written.
    accounts = (f"account: {name}@contoso.com, tags: [{'x' * 100_000}]" for name in USERS[1:])
    file = write_fleet(tmp_path, *SEED, *accounts)
    folder = tmp_path / "run"
    with disk_full_at(folder / "journal.jsonl", traffic):
        done = in_sandbox(f"fleet apply {file} --yes --concurrency 1 --run-dir {folder} -o json")
    assert done.code == 8
    assert list(outcomes(done).values()) == ["created", "failed", *["not-run"] * 6]
    assert traffic.writes() == ["PUT"]
    assert "journal cannot be written" in done.json["entries"][0]["warnings"][0]
    assert error_of(done, APPROVERS)["code"] == "Journal"
    assert "journal cannot be written" in str(error_of(done, PAYMENTS)["cause"])
    assert [line["kind"] for line in records(folder)] == ["run", "intent"]
    again = in_sandbox(*str(last_error(done)["command"]).split()[1:], "-o", "json")
    assert totals(again) == {"created": 8}
    assert traffic.writes() == ["PUT"] * 8


@posix_only
def test_a_disk_that_is_full_from_the_beginning(in_sandbox: Pallink, traffic: Traffic, tmp_path: Path) -> None:
    file = write_fleet(tmp_path, *SEED)
    with full_disk():
        failed = in_sandbox(f"fleet apply {file} --yes -o json")
    assert failed.code == 1
    assert last_error(failed)["code"] == "Journal"
    assert traffic.sent == []
