"""What the journal of a run says of its entries. Pure."""

from pallink.fleet.entry import Entry
from pallink.fleet.plan_file import InvalidPlanError, Plan, intent_from_dict, parse_plan
from pallink.fleet.result import ATTENTION, EntryResult, Outcome, stated_fields
from pallink.fleet.run_state import RunState
from pallink.links.history import InterruptedWrite
from pallink.result import Json

# What `EntryResult.as_dict` adds to the fields of a result.
_NO_FIELDS = ("name", "exitCode", "error")


def entry_name(key: tuple[str, str]) -> str:
    """Return what tells an entry apart in the journal.

    Args:
        key: `Entry.key`.
    """
    return " ".join(key)


def recorded_work(plan: Plan, state: RunState) -> tuple[list[EntryResult], dict[tuple[str, str], InterruptedWrite]]:
    """Return the results of the entries that have an outcome, and the writes that may have been sent, by entry key.

    Args:
        plan: The plan of the run.
        state: What the journal says.

    Raises:
        InvalidPlanError: The journal was edited.
    """
    entries = {entry_name(entry.key): entry for entry in plan.entries}
    for name in (*state.outcomes, *state.intents):
        if name not in entries:
            raise InvalidPlanError(f"unknown entry {name}")
    results = [_result(entries[name], outcome) for name, outcome in state.outcomes.items()]
    return results, {entries[name].key: _interrupted_write(name, intent) for name, intent in state.intents.items()}


def run_entries(state: RunState) -> list[tuple[Entry, Json]]:
    """Return each entry of a run with its result object, those first that need attention.

    Args:
        state: What the journal says.

    Raises:
        InvalidPlanError: The journal was edited.
    """
    plan = parse_plan(state.header.get("plan"))
    results = [(entry, _entry_of_run(entry, state, plan.cloud)) for entry in plan.entries]
    return sorted(results, key=lambda result: ATTENTION.index(result[1]["outcome"]))


def _entry_of_run(entry: Entry, state: RunState, cloud: str) -> Json:
    name = entry_name(entry.key)
    # Without an outcome, the write of an intent may have been sent.
    outcome = Outcome.UNKNOWN if name in state.intents else Outcome.NOT_RUN
    unrecorded = EntryResult(entry=entry, outcome=outcome, fields=stated_fields(entry, cloud))
    result = unrecorded.as_dict() | dict(state.outcomes.get(name, {}))
    if result["outcome"] not in ATTENTION:
        raise InvalidPlanError(f"{name}: invalid outcome")
    return result


def _result(entry: Entry, outcome: object) -> EntryResult:
    """Return the result that was recorded as `EntryResult.as_dict`."""
    match outcome:
        case {"outcome": str(word), "warnings": list(warnings), **others} if word in ATTENTION and all(
            isinstance(warning, str) for warning in warnings
        ):
            fields = {str(name): value for name, value in others.items() if name not in _NO_FIELDS}
            return EntryResult(entry=entry, outcome=Outcome(word), fields=fields, warnings=tuple(warnings))
    raise InvalidPlanError(f"{entry_name(entry.key)}: invalid outcome")


def _interrupted_write(name: str, intent: object) -> InterruptedWrite:
    try:
        return intent_from_dict(intent)
    except InvalidPlanError as error:
        raise InvalidPlanError(f"{name}: {error}") from error
