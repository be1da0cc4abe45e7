"""The lines of `pallink sandbox show`, for people. Pure."""

import dataclasses
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pallink.output.wrapping import count_columns, wrap
from pallink.words import counted

if TYPE_CHECKING:
    from pallink.sandbox import AccountOverview, LinkOverview, Overview

# With fewer columns beside the names of accounts, what is said of each stands below its name.
_MIN_TEXT_WIDTH = 50


def overview_lines(overview: "Overview", columns: int | None = None) -> Iterator[str]:
    """Yield the content of a sandbox, wrapped between words; the settings, which are long, at the end.

    Args:
        overview: The content.
        columns: The width of the terminal; None: lines are as long as they are.
    """
    # The last column stays empty: consoles of Windows add an empty line after it.
    width = columns - 1 if columns else sys.maxsize
    yield from _heading(f"file  {overview.path}", width)
    for tenant in overview.tenants:
        yield ""
        yield from _heading(f"tenant {tenant.display_name}  {tenant.domain}  {tenant.id}", width)
        yield from _accounts([account for account in overview.accounts if account.tenant_id == tenant.id], width)
    counts = {name: count for name, count in dataclasses.asdict(overview.generated).items() if count}
    sections = {
        "generated (pallink sandbox grow; --fleet-file lists them)": [
            counted(count, name.removesuffix("s")) for name, count in counts.items()
        ],
        "partners": [
            f"{partner.id:<10}  {partner.name}"
            + ("" if partner.kind == "location" else f"  ({partner.kind} ID: cannot be linked to)")
            for partner in overview.partners
        ],
        "links": list(_links(overview.links)) or ["none"],
        "faults (pallink sandbox fault)": overview.faults or ["none"],
        "guest policies (pallink sandbox guest-policy)": overview.guest_policies,
    }
    for heading, items in sections.items():
        if items:
            yield ""
            yield from _heading(heading, width)
            for item in items:
                yield from _stacked(item.split(" "), (), width)
    yield ""
    yield from _heading("settings (pallink sandbox set NAME VALUE)", width)
    for setting in overview.settings:
        *others, last = map(repr, setting.allowed)
        words = [setting.name, "=", f"{setting.value!r},", "of", *(f"{value}," for value in others), last]
        yield from _stacked(words, (setting.explanation,), width)


def _accounts(accounts: "Sequence[AccountOverview]", width: int) -> Iterator[str]:
    names = [account.name + (" (default)" if account.is_default else "") for account in accounts]
    name_width = max(map(count_columns, names), default=0)
    indent = " " * (2 + name_width + 2)
    for account, name in zip(accounts, names, strict=True):
        texts = tuple(_details(account))
        if width - len(indent) < _MIN_TEXT_WIDTH:
            yield from _stacked(name.split(" "), texts, width)
            continue
        for heading, text in zip((name, *[""] * len(texts)), texts, strict=False):
            first = f"  {heading}".ljust(len(indent))
            yield from wrap(text.split(" "), width, first=first, indent=f"{indent}  ")


def _heading(text: str, width: int) -> Iterator[str]:
    yield from wrap(text.split(" "), width, indent=" " * 4)


def _stacked(name: Sequence[str], texts: Sequence[str], width: int) -> Iterator[str]:
    """Yield the lines of a name, which is given in words, and below it those of the texts about it."""
    yield from wrap(name, width, first=" " * 2, indent=" " * 4)
    for text in texts:
        yield from wrap(text.split(" "), width, first=" " * 6, indent=" " * 8)


def _details(account: "AccountOverview") -> Iterator[str]:
    """Yield what is said of an account."""
    # A UPN says who it is, a client ID does not.
    kind = account.kind if "@" in account.name else f"{account.kind} {account.display_name}"
    yield f"{kind}, object ID {account.object_id}"
    if account.client_secret:
        yield f"client secret {account.client_secret}"
    for issuer in account.trusts:
        yield f"trusts {issuer}"
    if account.sign_in_error:
        yield f"refused with AADSTS{account.sign_in_error}"
    yield from account.roles or ("no role",)


def _links(links: "Iterable[LinkOverview]") -> Iterator[str]:
    """Yield a line for each link, but one for those of all generated accounts."""
    states = []
    for link in links:
        if link.is_generated:
            states.append(link.state)
        else:
            yield f"{link.account} in {link.tenant}: {link.partner_id} ({link.partner_name}), {link.state}"
    if states:
        counts = ", ".join(f"{count} {state}" for state, count in Counter(states).items())
        yield f"of generated accounts: {counts}"
