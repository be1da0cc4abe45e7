"""A result as a few aligned lines that a person reads at a glance."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pallink.account import AccountKind
from pallink.links.model import Action
from pallink.output.terminal import Terminal
from pallink.redact.text import one_line
from pallink.result import AccountResult, CheckResult, Result, VerifyResult, WriteResult
from pallink.roles import ReaderReport, SubscriptionVerdict, Verdict, names


class Row(NamedTuple):
    """One line: what it is about, what there is to say, and how it went (good, bad, or neither)."""

    label: str
    text: str
    mood: str = ""


# What fits on one screen.
_MAX_GROUPS = 8

_STYLES = {"good": "green", "bad": "red", "": ""}


def write_table(result: Result | AccountResult, terminal: Terminal) -> None:
    """Write the rows of a result to stdout: wrapped and coloured on a terminal, one line each elsewhere."""
    arrow = " → " if terminal.can_show("→") else " -> "
    shown = [Row(each.label, one_line(each.text), each.mood) for each in rows(result, arrow)]
    if terminal.is_terminal(terminal.stdout):
        _draw(shown, terminal)
        return
    width = max(len(each.label) for each in shown)
    encoding = terminal.stdout.encoding or "ascii"
    lines = (f"{row.label:<{width}}  {row.text}".rstrip() for row in shown)
    terminal.write("".join(line.encode(encoding, "replace").decode(encoding) + "\n" for line in lines))


def rows(result: Result | AccountResult, arrow: str = " -> ") -> list[Row]:
    """The rows of a result; what an account or a link is called comes first, the rest in the order of interest."""
    found = [
        Row("account", f"{result.account} ({_kind(result.account_kind)})"),
        Row("tenant", f"{result.tenant_name} ({result.tenant_id})" if result.tenant_name else result.tenant_id),
    ]
    if isinstance(result, AccountResult):
        return [
            *found,
            Row("object ID", result.object_id),
            Row("cloud", result.cloud),
            Row("signed in with", f"{result.auth} (stored)" if result.stored else result.auth),
            *([Row("token until", result.expires_on)] if result.expires_on else []),
        ]
    if result.reader is not None:
        found += _reader_rows(result.reader, every=isinstance(result, CheckResult))
    return [*found, *_link_rows(result, arrow)]


def _link_rows(result: Result, arrow: str) -> Iterable[Row]:
    linked = _partner(result.partner_id, result.partner_name)
    match result:
        case WriteResult():
            previous = _partner(result.previous_partner_id, result.previous_partner_name)
            change = linked if result.action is Action.UNCHANGED else f"{previous}{arrow}{linked}"
            yield Row("link", change)
            done = f"{result.action} (dry run: nothing was written)" if result.dry_run else result.action.value
            yield Row("result", done, "" if result.dry_run else "good")
        case VerifyResult():
            yield Row("link", linked)
            yield Row("expected", result.expected_partner_id)
            yield Row("result", "matches" if result.matches else "does not match", "good" if result.matches else "bad")
        case _:
            yield Row("link", linked)
            if result.updated_time:
                yield Row("since", result.updated_time)


def _reader_rows(report: ReaderReport, *, every: bool) -> Iterable[Row]:
    if not report.subscriptions and not report.disabled and not report.eligible:
        yield Row("Reader", "no: it sees no subscription", "bad")
        return
    best = report.best
    if not every and best is not None:
        yield Row("Reader", f"{_state(report)}: {best.subscription.name}: {best}", _mood(report.passes))
        return
    passing = sum(each.verdict.passes for each in report.subscriptions)
    if not report.subscriptions:
        yield Row("Reader", "no: on no subscription that counts", "bad")
    else:
        yield Row("Reader", f"{_state(report)}: on {passing} of {_counted(report.subscriptions)}", _mood(report.passes))
    groups: dict[tuple[str, str], list[SubscriptionVerdict]] = {}
    for each in report.subscriptions:
        groups.setdefault((each.verdict, str(each)), []).append(each)
    for (verdict, explanation), members in list(groups.items())[:_MAX_GROUPS]:
        yield Row("", f"{verdict}: {explanation}", _mood(members[0].verdict.passes))
        yield Row("", f"on {names([each.subscription for each in members])}")
    if len(groups) > _MAX_GROUPS:
        yield Row("", f"and {len(groups) - _MAX_GROUPS} more findings: -o json has them all")
    for role in report.eligible:
        where = role.scope_name or role.scope
        yield Row("", f"eligible: {role.role_name or role.role_id} on {where}, not activated", "bad")
    if report.disabled:
        yield Row("", f"disabled, not counted: {names(report.disabled)}")


def _counted(subscriptions: Sequence[SubscriptionVerdict]) -> str:
    return f"{len(subscriptions)} subscription{'' if len(subscriptions) == 1 else 's'}"


def _state(report: ReaderReport) -> str:
    return "yes" if report.passes else "unknown" if report.verdict is Verdict.UNKNOWN else "no"


def _mood(passes: bool) -> str:
    return "good" if passes else "bad"


def _partner(partner_id: str | None, partner_name: str | None) -> str:
    if partner_id is None:
        return "none"
    return f"{partner_id} ({partner_name})" if partner_name else partner_id


def _kind(kind: AccountKind) -> str:
    return "managed identity" if kind is AccountKind.MANAGED_IDENTITY else kind.value


def _draw(shown: list[Row], terminal: Terminal) -> None:
    # rich takes 50 ms to import; who pipes a table does not pay for it.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    colour = terminal.has_colour(terminal.stdout)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for row in shown:
        grid.add_row(Text(row.label, style="bold"), Text(row.text, style=_STYLES[row.mood]))
    with terminal.writing() as stdout:
        console = Console(
            file=stdout, no_color=not colour, highlight=False, color_system="standard" if colour else None
        )
        console.print(grid)
