"""Many accounts from one file: planned, applied, verified, resumed.

    from pallink import fleet

    accounts = fleet.load("accounts.yaml")
    for result in fleet.apply(accounts, cloud="sandbox"):
        print(result.entry.name, result.outcome)

entry        what a fleet file says of one account in one tenant
document     what stands where in a file: cells with their lines and columns
yaml_file    a YAML file as a document
csv_file     a CSV file as a document
check        a document as entries, with every problem: pure
file         a file as entries
selection    which entries a command is for: pure
tenants      the entries of one account in its tenants: pure
expansion    asks for the tenants of accounts that are to be linked in all of them
secrets      the secrets that a file refers to
sign_in      how an entry signs in that states its credential
plan_file    what an apply would do, and the file that keeps it: pure
result       what a run did for one entry, and for all: pure
breaker      when a run stops trying: pure
task         one entry while it is under way
work         the job for one entry, as the single commands do it
executor     many entries at a time
run_state    what a journal says: pure
run_folder   the folder of a run, and which process holds it
journal      what a run is about to write, and what became of it
records      what a journal says of the entries: pure
runs         the runs in the user's folder
fleet_run    a run with its connections, its secrets and its journal
api          load, plan, apply, resume, verify
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pallink.fleet.api import apply, load, plan, resume, verify
    from pallink.fleet.entry import Entry, LinkState
    from pallink.fleet.plan_file import Plan
    from pallink.fleet.result import EntryResult, Outcome

__all__ = ["Entry", "EntryResult", "LinkState", "Outcome", "Plan", "apply", "load", "plan", "resume", "verify"]

_HOMES = {
    "Entry": "pallink.fleet.entry",
    "EntryResult": "pallink.fleet.result",
    "LinkState": "pallink.fleet.entry",
    "Outcome": "pallink.fleet.result",
    "Plan": "pallink.fleet.plan_file",
    "apply": "pallink.fleet.api",
    "load": "pallink.fleet.api",
    "plan": "pallink.fleet.api",
    "resume": "pallink.fleet.api",
    "verify": "pallink.fleet.api",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Import a public name when it is first used: checking a file needs little of this."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
