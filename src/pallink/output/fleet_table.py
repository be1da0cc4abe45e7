"""The table of a fleet: one line an account, those first that need attention. Pure."""

import textwrap
from collections.abc import Callable, Mapping, Sequence

from pallink.errors import SignInError
from pallink.fleet.entry import Entry, LinkState
from pallink.fleet.plan_file import SYMBOLS
from pallink.fleet.result import ATTENTION, EntryResult, Outcome, count_results
from pallink.redact.text import one_line

_PLAN_WORDS: Mapping[str, str] = {
    "+": "to create",
    "~": "to replace",
    "-": "to remove",
    "=": "unchanged",
    "!": "for a person",
    "?": "could not be read",
}
# Characters. Longer cells would push the others off the screen.
_MAX_CELL = 60


Cell = Callable[[EntryResult], str]
"""Returns what the table shows of an account between its tenant and what a person should know of it."""


def render_results(
    results: Sequence[EntryResult],
    *,
    is_plan: bool,
    max_rows: int | None = None,
    columns: int | None = None,
    cell: Cell | None = None,
) -> str:
    """Return the table and a line of totals.

    Args:
        results: The results.
        is_plan: Whether they say what would be done, each with a symbol.
        max_rows: How many accounts are shown; None: all.
        columns: How long a line may be; None: as long as it is.
        cell: What is shown of each account; None: its partner.
    """
    ordered = sorted(results, key=lambda result: ATTENTION.index(result.outcome))
    shown = ordered if max_rows is None or len(ordered) <= max_rows else ordered[:max_rows]
    rows = [_row(result, is_plan=is_plan, cell=cell) for result in shown]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(len(rows[0]) if rows else 0)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if len(shown) < len(ordered):
        lines.append(f"... and {len(ordered) - len(shown):,} more")
    # The last column stays empty: consoles of Windows add an empty line after it.
    totals = textwrap.wrap(totals_line(results, is_plan=is_plan), columns - 1 if columns else 10_000)
    return "".join(f"{_cut(line, columns)}\n" for line in (*lines, "", *totals))


def totals_line(results: Sequence[EntryResult], *, is_plan: bool) -> str:
    """Return how many accounts have each outcome, on one line."""
    if is_plan:
        marks = [symbol_of(result.outcome) for result in results]
        parts = [f"{marks.count(mark)} {words}" for mark, words in _PLAN_WORDS.items() if mark in marks]
    else:
        outcomes = [result.outcome for result in results]
        parts = [f"{outcomes.count(outcome)} {outcome}" for outcome in reversed(ATTENTION) if outcome in outcomes]
    total = count_results(results)
    return f"{total}: {', '.join(parts)}" if parts else total


def entry_line(result: EntryResult, *, is_plan: bool, cell: Cell | None = None) -> str:
    """Return one line for an account as it is done."""
    return "  ".join(text for text in _row(result, is_plan=is_plan, cell=cell) if text)


def symbol_of(outcome: Outcome) -> str:
    """Return how a plan marks an outcome."""
    return SYMBOLS.get(outcome, "?")


def _cut(line: str, columns: int | None) -> str:
    return line if columns is None or len(line) < columns else f"{line[: columns - 4]}..."


def _row(result: EntryResult, *, is_plan: bool, cell: Cell | None) -> tuple[str, ...]:
    entry, fields = result.entry, result.fields
    tenant = str(fields.get("tenantName") or entry.tenant_name or entry.tenant_domain or entry.tenant)
    mark = symbol_of(result.outcome) if is_plan else result.outcome.value
    shown = (entry.name, tenant, cell(result) if cell else partner_cell(entry, result.outcome, fields))
    return mark, *(one_line(text, _MAX_CELL) for text in shown), _reason(result)


def partner_cell(entry: Entry, outcome: Outcome, fields: Mapping[str, object]) -> str:
    """Return the partner before and after, `?` for a link that was not read; of an unchanged link, the partner.

    Args:
        entry: The entry.
        outcome: How it ended.
        fields: The fields of its result.
    """
    now, before = fields.get("partnerId"), fields.get("previousPartnerId")
    wanted = entry.partner_id if entry.state is LinkState.LINKED else None
    match outcome:
        case Outcome.CREATED | Outcome.UPDATED | Outcome.DELETED:
            return f"{before or 'none'} -> {now or 'none'}"
        case Outcome.UNCHANGED:
            return str(now or "none")
        case Outcome.NEEDS_REPLACE | Outcome.DIFFERS | Outcome.STALE:
            return str(now or "none") if now == wanted else f"{now or 'none'}, not {wanted or 'none'}"
    if now:
        return str(now)
    is_only_shown = entry.state is LinkState.LINKED and wanted is None
    return "?" if is_only_shown else f"? -> {wanted or 'none'}"


def _reason(result: EntryResult) -> str:
    """Return what a person should know of a result."""
    if result.outcome is Outcome.NEEDS_SIGN_IN:
        return "needs a sign-in"
    if isinstance(result.error, SignInError) and result.error.cause:
        # What Entra ID says is several lines long.
        return one_line(f"sign-in failed: {result.error.cause}", 200)
    if result.error is not None:
        cause = result.error.cause if result.outcome is Outcome.NOT_RUN else None
        return one_line(cause or result.error.message, 200)
    return one_line("; ".join(result.warnings), 200)
