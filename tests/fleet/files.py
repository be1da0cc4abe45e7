"""Fleet files for tests, and what the commands that read them report."""

import json
from collections.abc import Iterator
from pathlib import Path

from tests.harness import Run

USERS = ("payments", "payroll", "reporting", "backups", "monitoring", "ledger")
"""Users of the sandbox's Contoso who hold Reader, as `NAME@contoso.com`."""

SEED = (
    "account: invoices@contoso.com",
    "account: svc_approvers@contoso.com",
    "account: payments@contoso.com, partner: '6183402'",
)
"""Two service accounts, and a third one that is another partner's."""

ONBOARDING = "client-id: 6be1d7c7-4712-4123-a241-8b8918c455f9"


def write_fleet(folder: Path, *entries: str, defaults: str = "", name: str = "fleet.yaml") -> str:
    """Write a YAML file with these entries, the first in line 4, and return its path.

    Unless an entry says otherwise, it is in Contoso, and its partner is 719878.
    """
    path = folder / name
    usual = ", ".join(filter(None, ("partner: '719878'", "tenant: contoso.onmicrosoft.com", defaults)))
    lines = ["version: 1", f"defaults: {{{usual}}}", "accounts:", *(f"  - {{{entry}}}" for entry in entries)]
    path.write_text("\n".join(lines))
    return str(path)


def outcomes(run: Run) -> dict[str, str]:
    """Return the outcome of each account, by its name, that `-o json` wrote."""
    return {entry["name"]: entry["outcome"] for entry in run.json["entries"]}


def totals(run: Run) -> dict[str, int]:
    """Return the totals that `-o json` wrote, without those that are 0."""
    return {name: count for name, count in run.json["totals"].items() if count and name != "accounts"}


def error_of(run: Run, name: str) -> dict[str, object]:
    """Return the error object of an account, by its name, that `-o json` wrote."""
    (error,) = (entry["error"] for entry in run.json["entries"] if entry["name"] == name)
    assert isinstance(error, dict)
    return error


def last_error(run: Run) -> dict[str, object]:
    """Return the error object on stderr, which is all that a program reads there."""
    (line,) = run.stderr.splitlines()
    error = json.loads(line)
    assert isinstance(error, dict)
    return error


def records(folder: Path) -> Iterator[dict[str, object]]:
    """Yield the records of the journal in a run's folder."""
    for line in (folder / "journal.jsonl").read_text().splitlines():
        yield json.loads(line)
