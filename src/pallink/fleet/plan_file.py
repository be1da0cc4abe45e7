"""A fleet's plan: what an apply would do, and the file that keeps it.

The steps follow from the entries and the links that were read. A plan file holds the entries too, so that an apply
carries out what was shown, and nothing where a link has changed since. Secrets stay references.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from pallink.errors import UsageError
from pallink.fleet.check import check_document
from pallink.fleet.document import Cell, Document, Problem, Row, describe_key
from pallink.fleet.entry import Entry
from pallink.fleet.result import EntryResult, Outcome
from pallink.links.history import InterruptedWrite
from pallink.links.model import Action, Link, Step, active
from pallink.settings import RoleCheck, Settings

PLAN_VERSION = 1

SYMBOLS: Mapping[Outcome, str] = {
    Outcome.CREATED: "+",
    Outcome.UPDATED: "~",
    Outcome.DELETED: "-",
    Outcome.UNCHANGED: "=",
    Outcome.NEEDS_REPLACE: "!",
    Outcome.NEEDS_SIGN_IN: "!",
}
"""How a plan marks what would be done. Any other outcome is `?`: the link could not be read."""


class InvalidPlanError(ValueError):
    """A plan or a journal whose content pallink did not write. The message names the part."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a plan saw of one entry.

    Attributes:
        outcome: What an apply would do.
        was_read: Whether the link could be read.
        link: The link; None if there was none.
    """

    outcome: Outcome
    was_read: bool
    link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an apply would do.

    Attributes:
        cloud: The cloud's name or URL.
        source: The fleet file's absolute path; or the command that took its place, as in `pallink link --all-tenants`.
        folder: The folder that the paths of secrets are relative to.
        replace: Whether another partner's link is replaced.
        entries: The entries, in the order of the file.
        seen: What was seen of each, by the entry's key; of one that is missing here, nothing.
        created: When the links were read, ISO 8601, UTC.
        results: What was found for each entry; empty for a plan from a file, or before anything was read.
    """

    cloud: str
    source: str
    folder: str
    replace: bool
    entries: tuple[Entry, ...]
    seen: Mapping[tuple[str, str], Seen]
    created: str
    results: tuple[EntryResult, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values, for `parse_plan`."""
        return {
            "planVersion": PLAN_VERSION,
            "cloud": self.cloud,
            "source": self.source,
            "folder": self.folder,
            "replace": self.replace,
            "created": self.created,
            "entries": [_entry_as_dict(entry) | self._seen_as_dict(entry) for entry in self.entries],
        }

    def check_cloud(self, cloud: str) -> None:
        """Make sure that the plan is for a cloud.

        Raises:
            UsageError: It is for another one.
        """
        if self.cloud != cloud:
            raise UsageError(
                f"the plan of {self.source} is for the cloud {self.cloud}, not for {cloud}",
                remedy=f"use --cloud {self.cloud}",
            )

    def _seen_as_dict(self, entry: Entry) -> dict[str, Any]:
        seen = self.seen.get(entry.key)
        if seen is None:
            return {}
        return {"plan": {"outcome": seen.outcome.value, "wasRead": seen.was_read, "link": link_as_dict(seen.link)}}


def describe_change(seen: Seen, current: Link | None) -> str | None:
    """Return how the link has changed since the plan saw it; None if it has not."""
    now = active(current)
    if not seen.was_read:
        return f"the plan could not read the link, and now there is {_describe(now)}"
    before = active(seen.link)
    if (before and (before.partner_id, before.version)) == (now and (now.partner_id, now.version)):
        return None
    return f"the plan saw {_describe(before)}, and now there is {_describe(now)}"


def read_plan(path: Path, content: bytes, cloud: str) -> Plan:
    """Return the plan in a file.

    Raises:
        UsageError: It is no plan, or one of another version or for another cloud.
    """
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        raise UsageError(
            f"invalid plan {path}:{line}:{column}: not JSON",
            cause="a plan is one JSON object",
            remedy=_PLAN_AGAIN,
            command=plan_command(cloud),
        ) from None
    try:
        plan = parse_plan(value)
    except InvalidPlanError as error:
        raise UsageError(
            f"the plan {path} cannot be used", cause=str(error), remedy=_PLAN_AGAIN, command=plan_command(cloud)
        ) from error
    plan.check_cloud(cloud)
    return plan


_PLAN_AGAIN = "make the plan again"


def plan_command(cloud: str) -> str:
    """Return the command that makes a plan for a cloud."""
    return Settings(cloud).command("fleet", "plan", "FILE", "--out", "PLAN_FILE")


def parse_plan(value: object) -> Plan:
    """Return the plan of what `Plan.as_dict` returned.

    Args:
        value: Plain JSON values.

    Raises:
        InvalidPlanError: The value is not a plan, has another version, or was edited.
    """
    match value:
        case {"planVersion": int(version)} if version != PLAN_VERSION:
            raise InvalidPlanError(f"planVersion is {version}, and this pallink reads {PLAN_VERSION}")
        case {
            "planVersion": int(),
            "cloud": str(cloud),
            "source": str(source),
            "folder": str(folder),
            "replace": bool(replaces),
            "created": str(created),
            "entries": list(items),
        }:
            parts = _parse_entries(items)
        case _:
            raise InvalidPlanError("not a plan")
    checked, problems = check_document(Document([part.row for part in parts]))
    if problems:
        raise InvalidPlanError(_describe_problem(parts, problems[0]))
    entries = tuple(replace(entry, **part.resolved) for entry, part in zip(checked, parts, strict=True))
    return Plan(
        cloud=cloud,
        source=source,
        folder=folder,
        replace=replaces,
        entries=entries,
        seen={entry.key: part.seen for entry, part in zip(entries, parts, strict=True) if part.seen is not None},
        created=created,
    )


def seen_by_key(
    results: Iterable[EntryResult], links: Mapping[tuple[str, str], Link | None]
) -> dict[tuple[str, str], Seen]:
    """Return what a dry run saw of each entry, by the entry's key.

    Args:
        results: The results of the dry run.
        links: The links that were read, by the entry's key.
    """
    return {
        result.entry.key: Seen(result.outcome, result.entry.key in links, links.get(result.entry.key))
        for result in results
    }


def link_as_dict(link: Link | None) -> dict[str, Any] | None:
    """Return what tells a link from another one, as plain JSON values."""
    if link is None:
        return None
    return {
        "partnerId": link.partner_id,
        "partnerName": link.partner_name,
        "state": link.state,
        "version": link.version,
    }


def link_from_dict(value: object) -> Link | None:
    """Return the link of what `link_as_dict` returned.

    Raises:
        InvalidPlanError: It is something else.
    """
    match value:
        case None:
            return None
        case {
            "partnerId": str(partner_id),
            "partnerName": str() | None as partner_name,
            "state": str(state),
            "version": int() | None as version,
        }:
            return Link(partner_id, partner_name, state=state, version=version)
    raise InvalidPlanError("invalid link")


def step_as_dict(step: Step) -> dict[str, Any]:
    """Return a step as plain JSON values."""
    return {"action": step.action.value, "partnerId": step.partner_id}


def step_from_dict(value: object) -> Step:
    """Return the step of what `step_as_dict` returned.

    Raises:
        InvalidPlanError: It is something else.
    """
    match value:
        case {"action": str(action), "partnerId": str() | None as partner_id} if action in tuple(Action):
            return Step(Action(action), partner_id)
    raise InvalidPlanError("invalid step")


def intent_as_dict(step: Step, before: Link | None) -> dict[str, Any]:
    """Return a write that is about to be sent, as plain JSON values."""
    return {"step": step_as_dict(step), "before": link_as_dict(before)}


def intent_from_dict(value: object) -> InterruptedWrite:
    """Return the write of what `intent_as_dict` returned.

    Raises:
        InvalidPlanError: It is something else.
    """
    match value:
        case {"step": step, "before": before}:
            return InterruptedWrite(step_from_dict(step), link_from_dict(before))
    raise InvalidPlanError("invalid intent")


def _describe(link: Link | None) -> str:
    return f"a link to {link} (version {link.version})" if link else "no link"


_RESOLVED = {
    "tenantDomain": "tenant_domain",
    "tenantName": "tenant_name",
    "homeAccountId": "home_account_id",
}
"""Fields of a plan that no fleet file has, and the attributes of an entry that they hold."""


def _entry_as_dict(entry: Entry) -> dict[str, Any]:
    """Return an entry with the keys of a fleet file, and without those that say nothing."""
    values: dict[str, Any] = {
        "name": entry.name,
        "account": entry.account,
        "tenant": entry.tenant,
        "client-id": entry.client_id,
        "auth": entry.auth and entry.auth.value,
        "secret": entry.secret and str(entry.secret),
        "certificate": entry.certificate and str(entry.certificate),
        "certificate-password": entry.certificate_password and str(entry.certificate_password),
        "partner": entry.partner_id,
        "state": entry.state.value,
        "role-check": None if entry.role_check is RoleCheck.REQUIRE else entry.role_check.value,
        "subscription": list(entry.subscriptions),
        "tags": list(entry.tags),
        "line": entry.line,
        "resolved": {key: value for key, name in _RESOLVED.items() if (value := getattr(entry, name)) is not None},
    }
    return {key: value for key, value in values.items() if value not in (None, [], {})}


# A plan names no line and column of its own.
_NOWHERE = Cell(0, 0, is_quoted=True)


class _EntryParts(NamedTuple):
    """What a plan says of one entry.

    Attributes:
        row: What a fleet file says of it.
        resolved: The attributes of an entry that no fleet file has.
        seen: What was seen of it; None if nothing was.
    """

    row: Row
    resolved: dict[str, Any]
    seen: Seen | None


def _parse_entries(items: Iterable[object]) -> list[_EntryParts]:
    parts = []
    for index, item in enumerate(items):
        try:
            parts.append(_parse_entry(item))
        except InvalidPlanError as error:
            raise InvalidPlanError(f"entries[{index}]: {error}") from error
    return parts


def _describe_problem(parts: Sequence[_EntryParts], problem: Problem) -> str:
    """Return the first problem with its entry; one between entries, as it is."""
    for index, part in enumerate(parts):
        if found := check_document(Document([part.row]))[1]:
            return f"entries[{index}]: {found[0].message}"
    return problem.message


def _parse_entry(value: object) -> _EntryParts:
    match value:
        case {"line": int(line), **others}:
            resolved = _parse_resolved(others.pop("resolved", {}))
            seen = _parse_seen(others.pop("plan")) if "plan" in others else None
            return _EntryParts(_parse_row(line, others), resolved, seen)
    raise InvalidPlanError("not an entry")


def _parse_row(line: int, values: Mapping[Any, object]) -> Row:
    """Return the keys and values of a fleet file that `_entry_as_dict` took from an entry."""
    cells = {key: _parse_cell(key, value) for key, value in values.items()}
    return Row(line, cells, {key: replace(_NOWHERE, text=key) for key in cells})


def _parse_cell(key: str, value: object) -> Cell:
    match value:
        case str():
            return replace(_NOWHERE, text=value)
        case list() if all(isinstance(item, str) for item in value):
            return replace(_NOWHERE, items=tuple(replace(_NOWHERE, text=item) for item in value))
    raise InvalidPlanError(f"invalid {describe_key(key)}")


def _parse_resolved(value: object) -> dict[str, Any]:
    match value:
        case dict() if all(name in _RESOLVED and isinstance(text, str) for name, text in value.items()):
            return {_RESOLVED[name]: text for name, text in value.items()}
    raise InvalidPlanError("invalid resolved")


def _parse_seen(value: object) -> Seen:
    match value:
        case {"outcome": str(outcome), "wasRead": bool(was_read), "link": link} if outcome in tuple(Outcome):
            return Seen(Outcome(outcome), was_read, link_from_dict(link))
    raise InvalidPlanError("invalid plan")
