"""What the journal of a run says of its entries: what is written into it, and read from it. Pure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pallink.errors import UsageError
from pallink.fleet.plan_file import link_as_dict, link_from_dict, parse_plan, step_as_dict, step_from_dict
from pallink.fleet.result import ATTENTION, EntryResult, Outcome, stated_fields
from pallink.fleet.run_folder import JOURNAL
from pallink.fleet.saved import Saved, WrongMemberError
from pallink.links.history import InterruptedWrite

if TYPE_CHECKING:
    from pallink.fleet.entry import Entry
    from pallink.fleet.run_state import RunState
    from pallink.links.model import Link, Step
    from pallink.result import Json


def entry_name(key: tuple[str, str]) -> str:
    """Return what tells an entry apart in the journal.

    Args:
        key: `Entry.key`.
    """
    return " ".join(key)


def intent_as_dict(step: "Step", before: "Link | None") -> dict[str, Any]:
    """Return a write that is about to be sent, as plain JSON values."""
    return {"step": step_as_dict(step), "before": link_as_dict(before)}


def recorded_results(entries: Mapping[str, "Entry"], state: "RunState") -> list[EntryResult]:
    """Return the results of the entries that have an outcome.

    Args:
        entries: The entries by `entry_name`.
        state: What the journal says.

    Raises:
        WrongMemberError: The journal was changed.
    """
    return [
        _result(_named(name, entries), Saved(outcome, f"entries[{name}]")) for name, outcome in state.outcomes.items()
    ]


def interrupted_writes(entries: Mapping[str, "Entry"], state: "RunState") -> dict[tuple[str, str], InterruptedWrite]:
    """Return the writes that may have been sent, by the entry's key; arguments as for `recorded_results`.

    Raises:
        WrongMemberError: The journal was changed.
    """
    return {
        _named(name, entries).key: _interrupted(Saved(intent, f"entries[{name}]"))
        for name, intent in state.intents.items()
    }


def run_entries(state: "RunState", name: str) -> "list[tuple[Entry, Json]]":
    """Return each entry of a run with its result object, those first that need attention.

    Args:
        state: What the journal says.
        name: What the run is called in errors.

    Raises:
        UsageError: The journal was changed.
    """
    try:
        plan = parse_plan(state.header.get("plan"))
        results = [(entry, _entry_of_run(entry, state, plan.cloud)) for entry in plan.entries]
        return sorted(results, key=lambda result: ATTENTION.index(_outcome_of(*result)))
    except WrongMemberError as error:
        raise UsageError(
            f"the run in {name} cannot be read",
            cause=f"{JOURNAL}: {error}",
            remedy="name another one",
            command="pallink fleet runs",
        ) from error


def _entry_of_run(entry: "Entry", state: "RunState", cloud: str) -> "Json":
    name = entry_name(entry.key)
    # Without an outcome, the write of an intent may have been sent.
    outcome = Outcome.UNKNOWN if name in state.intents else Outcome.NOT_RUN
    unrecorded = EntryResult(entry=entry, outcome=outcome, fields=stated_fields(entry, cloud))
    return unrecorded.as_dict() | dict(state.outcomes.get(name, {}))


def _outcome_of(entry: "Entry", result: "Json") -> Outcome:
    return Saved(result, f"entries[{entry_name(entry.key)}]")["outcome"].one_of(Outcome)


def _named(name: str, entries: Mapping[str, "Entry"]) -> "Entry":
    if name not in entries:
        raise WrongMemberError(f"unknown entry {name}")
    return entries[name]


def _result(entry: "Entry", saved: Saved) -> EntryResult:
    """Return the result that `EntryResult.as_dict` was saved from."""
    others = ("name", "outcome", "exitCode", "warnings", "error")
    return EntryResult(
        entry=entry,
        outcome=saved["outcome"].one_of(Outcome),
        fields={name: member.value for name, member in saved.members() if name not in others},
        warnings=tuple(warning.expect(str) for warning in saved["warnings"]),
    )


def _interrupted(saved: Saved) -> InterruptedWrite:
    return InterruptedWrite(step_from_dict(saved["step"]), link_from_dict(saved["before"]))
