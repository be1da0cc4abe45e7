"""The table of a result: a few aligned lines, for people."""

from collections.abc import Iterable
from typing import NamedTuple

from pallink.account import AccountKind
from pallink.links.model import Action
from pallink.output.terminal import Terminal
from pallink.redact.text import one_line
from pallink.result import AccountResult, CheckResult, Result, VerifyResult, WriteResult
from pallink.roles import ReaderReport, SubscriptionVerdict, Verdict, join_names
from pallink.words import counted


class Row(NamedTuple):
    """One line of the table.

    Attributes:
        label: The heading of the line; empty if it continues the previous one.
        text: The value.
        status: `good`, `bad` or empty, which chooses the colour.
    """

    label: str
    text: str
    status: str = ""


# What fits on a screen.
_MAX_GROUPS = 8

_STYLES = {"good": "green", "bad": "red", "": ""}


def write_table(result: Result | AccountResult, terminal: Terminal) -> None:
    """Write a result to stdout, wrapped and coloured on a terminal, with one line a row elsewhere."""
    arrow = " → " if terminal.can_show("→") else " -> "
    write_rows(make_rows(result, arrow), terminal)


def write_rows(rows: Iterable[Row], terminal: Terminal) -> None:
    """Write rows to stdout, wrapped and coloured on a terminal, with one line a row elsewhere."""
    shown = [row._replace(text=one_line(row.text)) for row in rows]
    if terminal.is_terminal(terminal.stdout):
        _draw(shown, terminal)
        return
    width = max(len(row.label) for row in shown)
    encoding = terminal.stdout.encoding or "ascii"
    lines = (f"{row.label:<{width}}  {row.text}".rstrip() for row in shown)
    terminal.write("".join(line.encode(encoding, "replace").decode(encoding) + "\n" for line in lines))


def make_rows(result: Result | AccountResult, arrow: str = " -> ") -> list[Row]:
    """Return the rows of a result, the account first.

    Args:
        result: The result.
        arrow: Stands between the previous and the new partner.
    """
    rows = [
        Row("account", f"{result.account} ({_describe_kind(result.account_kind)})"),
        Row("tenant", _describe_tenant(result)),
    ]
    if isinstance(result, AccountResult):
        return [
            *rows,
            Row("object ID", result.object_id),
            Row("cloud", result.cloud),
            Row("signed in with", f"{result.auth} (stored)" if result.stored else result.auth),
            *([Row("token until", result.expires_on)] if result.expires_on else []),
        ]
    if result.reader is not None:
        rows += _reader_rows(result.reader, with_all=isinstance(result, CheckResult))
    return [*rows, *_link_rows(result, arrow)]


def _describe_tenant(result: Result | AccountResult) -> str:
    name, details = result.tenant_name, ""
    if isinstance(result, AccountResult):
        name, details = name or result.tenant_domain, ", home" if result.is_in_home_tenant else ""
    if name:
        return f"{name} ({result.tenant_id}{details})"
    return f"{result.tenant_id} (home)" if details else result.tenant_id


def _link_rows(result: Result, arrow: str) -> Iterable[Row]:
    linked = _describe_partner(result.partner_id, result.partner_name)
    match result:
        case WriteResult():
            previous = _describe_partner(result.previous_partner_id, result.previous_partner_name)
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


def reader_row(report: ReaderReport) -> Row:
    """Return the verdict on an account in one row, with the subscription and the role that it rests on."""
    best = report.best
    if best is None:
        sees_any = report.disabled or report.eligible
        return Row(
            "Reader", f"no: {'not on any enabled subscription' if sees_any else 'it sees no subscription'}", "bad"
        )
    return Row(
        "Reader", f"{_yes_or_no(report)}: {best.subscription.name}: {best}", _status(report.passes, best.verdict)
    )


def _reader_rows(report: ReaderReport, *, with_all: bool) -> Iterable[Row]:
    if not report.subscriptions and not report.disabled and not report.eligible:
        yield reader_row(report)
        return
    if not with_all and report.best is not None:
        yield reader_row(report)
        return
    passing = sum(_has_reader(report, subscription) for subscription in report.subscriptions)
    if not report.subscriptions:
        yield Row("Reader", "no: not on any enabled subscription", "bad")
    else:
        yield Row(
            "Reader",
            f"{_yes_or_no(report)}: on {passing:,} of {counted(len(report.subscriptions), 'subscription')}",
            _status(report.passes, report.verdict),
        )
    groups: dict[tuple[Verdict, str], list[SubscriptionVerdict]] = {}
    for subscription in report.subscriptions:
        groups.setdefault((subscription.verdict, str(subscription)), []).append(subscription)
    for (verdict, explanation), members in list(groups.items())[:_MAX_GROUPS]:
        yield Row("", f"{verdict}: {explanation}", _status(report.accepts(members[0]), verdict))
        yield Row("", f"on {join_names([member.subscription for member in members])}")
    if len(groups) > _MAX_GROUPS:
        yield Row("", f"and {counted(len(groups) - _MAX_GROUPS, 'more finding')}: -o json has them all")
    for role in report.eligible:
        where = role.scope_name or role.scope
        yield Row("", f"eligible: {role.role_name or role.role_id} on {where}, not activated", "bad")
    if report.disabled:
        yield Row("", f"disabled, not counted: {join_names(report.disabled)}")


def _has_reader(report: ReaderReport, subscription: SubscriptionVerdict) -> bool:
    return report.accepts(subscription) and subscription.verdict is not Verdict.DELEGATED


def _yes_or_no(report: ReaderReport) -> str:
    if report.verdict in (Verdict.UNKNOWN, Verdict.DELEGATED):
        return "unknown"
    return "yes" if report.passes else "no"


def _status(passes: bool, verdict: Verdict) -> str:
    return "bad" if not passes else "" if verdict is Verdict.DELEGATED else "good"


def _describe_partner(partner_id: str | None, partner_name: str | None) -> str:
    if partner_id is None:
        return "none"
    return f"{partner_id} ({partner_name})" if partner_name else partner_id


def _describe_kind(kind: AccountKind) -> str:
    return "managed identity" if kind is AccountKind.MANAGED_IDENTITY else kind.value


def _draw(shown: list[Row], terminal: Terminal) -> None:
    # rich takes 50 ms to import, and is only needed on a terminal.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    colour = terminal.has_colour(terminal.stdout)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for row in shown:
        grid.add_row(Text(row.label, style="bold"), Text(row.text, style=_STYLES[row.status]))
    with terminal.checked_stdout() as stdout:
        console = Console(
            file=stdout, no_color=not colour, highlight=False, color_system="standard" if colour else None
        )
        console.print(grid)
