"""The cells of the fault matrix: every request of every command, with every fault, once and always."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from fnmatch import fnmatchcase
from typing import Any

from pallink.sandbox.faults import FaultKind, FaultRule
from tests.bench import OTHER, PARTNER

LINK, TENANTS, SUBSCRIPTIONS, ASSIGNMENTS = (
    "/providers/microsoft.managementpartner/partners",
    "/tenants",
    "/subscriptions",
    "*/roleassignments",
)
OPENID, TOKEN = "*/openid-configuration", "*/oauth2/v2.0/token"


class Goal(Enum):
    """What a command is for."""

    LINKED = auto()
    CHANGED = auto()
    UNLINKED = auto()
    VERIFIED = auto()
    SHOWN = auto()
    CHECKED = auto()
    NAMED = auto()

    @property
    def writes(self) -> bool:
        return self in {Goal.LINKED, Goal.CHANGED, Goal.UNLINKED}


@dataclass(frozen=True)
class Scenario:
    """A command line, the link that it finds, and how it ends when nothing goes wrong.

    Attributes:
        command: The command and its arguments.
        goal: What it is for.
        history: The partner IDs that were linked one after the other, None for a removal; the command finds the last.
        code: The exit code.
        wanted: The partner ID on the command line.
        may_replace: Whether it may change a link to another partner.
        is_dry: Whether it only says what it would do.
        methods: The methods of its writes.
    """

    command: str
    goal: Goal
    history: tuple[str | None, ...]
    code: int
    wanted: str | None = PARTNER
    may_replace: bool = False
    is_dry: bool = False
    methods: tuple[str, ...] = ()

    @property
    def found(self) -> str | None:
        return self.history[-1] if self.history else None

    @property
    def is_reader_checked(self) -> bool:
        return self.goal in {Goal.LINKED, Goal.CHANGED, Goal.CHECKED, Goal.VERIFIED}

    @property
    def requests(self) -> Iterator["Target"]:
        """Every request that the command sends when nothing goes wrong; a test compares."""
        yield Target("GET", OPENID)
        yield Target("POST", TOKEN)
        if self.goal is not Goal.NAMED:
            yield Target("GET", LINK)
        yield Target("GET", TENANTS)
        if self.is_reader_checked:
            yield Target("GET", SUBSCRIPTIONS)
            yield Target("GET", ASSIGNMENTS)
        for method in self.methods:
            yield Target(method, f"{LINK}/*")
            if method == "DELETE":
                yield Target("GET", LINK, nth=2)

    def __str__(self) -> str:
        found = "deleted" if self.history[-1:] == (None,) else self.found or "none"
        return f"{self.command} [{found}]"


LINKS = Scenario(f"link {PARTNER}", Goal.LINKED, (), 0, methods=("PUT",))
UPDATES = Scenario(f"update {PARTNER}", Goal.CHANGED, (OTHER,), 0, may_replace=True, methods=("PATCH",))
UNLINKS = Scenario("unlink --yes", Goal.UNLINKED, (PARTNER,), 0, wanted=None, methods=("DELETE",))
SCENARIOS = (
    LINKS,
    Scenario(f"link {PARTNER}", Goal.LINKED, (OTHER, None), 0, methods=("PUT",)),
    Scenario(f"link {PARTNER}", Goal.LINKED, (PARTNER,), 0),
    Scenario(f"link {PARTNER}", Goal.LINKED, (OTHER,), 5),
    Scenario(f"link {PARTNER} --replace", Goal.LINKED, (OTHER,), 0, may_replace=True, methods=("PATCH",)),
    Scenario(f"link {PARTNER} --dry-run", Goal.LINKED, (), 0, is_dry=True),
    UPDATES,
    Scenario(f"update {PARTNER}", Goal.CHANGED, (), 3, may_replace=True),
    UNLINKS,
    Scenario("unlink --yes", Goal.UNLINKED, (), 0, wanted=None),
    Scenario(f"unlink {PARTNER} --yes", Goal.UNLINKED, (OTHER, PARTNER), 0, methods=("DELETE",)),
    Scenario(f"unlink {PARTNER} --yes", Goal.UNLINKED, (PARTNER, OTHER), 5),
    Scenario(f"verify {PARTNER}", Goal.VERIFIED, (PARTNER,), 0),
    Scenario(f"verify {PARTNER}", Goal.VERIFIED, (), 3),
    Scenario(f"verify {PARTNER}", Goal.VERIFIED, (PARTNER, OTHER), 5),
    Scenario("show", Goal.SHOWN, (OTHER, PARTNER), 0, wanted=None),
    Scenario("show", Goal.SHOWN, (PARTNER, None), 3, wanted=None),
    Scenario("check", Goal.CHECKED, (PARTNER,), 0, wanted=None),
    Scenario("check", Goal.CHECKED, (), 0, wanted=None),
    Scenario("whoami", Goal.NAMED, (), 0, wanted=None),
)


@dataclass(frozen=True)
class Target:
    """The n-th request with this method and path."""

    method: str
    path: str
    nth: int = 1

    def matches(self, method: str, path: str) -> bool:
        """Return whether a request has this method and path."""
        return method == self.method and fnmatchcase(path.casefold(), self.path)

    @property
    def is_sign_in(self) -> bool:
        return self.path in {OPENID, TOKEN}

    @property
    def is_write(self) -> bool:
        return self.path.startswith(f"{LINK}/")

    @property
    def is_link(self) -> bool:
        return self.path.startswith(LINK)

    def __str__(self) -> str:
        return f"{self.method} {self.path}" + (f" ({self.nth})" if self.nth > 1 else "")


class Class(Enum):
    """What a response means for a client."""

    HARMLESS = auto()
    NO_ANSWER = auto()
    """No connection, no response in time, or a response that breaks off."""
    NOT_NOW = auto()
    """Throttling, and gateways that did not reach the service."""
    TOO_LATE = auto()
    """Throttling for longer than the command's timeout."""
    FAILED = auto()
    """500: the service may have carried out the request."""
    REFUSED = auto()
    """An error of the service's own, which changed nothing."""
    CONFLICT = auto()
    UNAUTHENTICATED = auto()
    FORBIDDEN = auto()
    GARBLED = auto()
    """A body that the service would not send."""
    STALE = auto()


@dataclass(frozen=True)
class Fault:
    """What happens to a request.

    Attributes:
        name: What it is called in a cell's name.
        kind: What it means for a client.
        rule: The arguments of the sandbox's `FaultRule`.
    """

    name: str
    kind: Class
    rule: dict[str, Any] = field(hash=False)

    @property
    def takes_effect(self) -> bool:
        return bool(self.rule.get("takes_effect"))

    def __str__(self) -> str:
        return self.name


def _status(name: str, kind: Class, status: int, *, body: str | None = None, **rule: Any) -> Fault:
    return Fault(name, kind, {"kind": FaultKind.STATUS, "status": status, "body": body, **rule})


_HTML = (("Content-Type", "text/html"),)
_PAGE = "<html><body>Bad gateway</body></html>"

FAULTS = (
    Fault("delay of 3 s", Class.HARMLESS, {"kind": FaultKind.DELAY, "delay": 3}),
    Fault("delay of 500 s", Class.NO_ANSWER, {"kind": FaultKind.DELAY, "delay": 500}),
    Fault("closed", Class.NO_ANSWER, {"kind": FaultKind.CLOSED}),
    Fault("closed after 30 s", Class.NO_ANSWER, {"kind": FaultKind.CLOSED, "delay": 30}),
    Fault("truncated", Class.NO_ANSWER, {"kind": FaultKind.TRUNCATED}),
    _status("408", Class.NOT_NOW, 408),
    _status("429", Class.NOT_NOW, 429, headers=(("Retry-After", "7"),)),
    _status("429 without Retry-After", Class.NOT_NOW, 429),
    _status("429 for an hour", Class.TOO_LATE, 429, headers=(("Retry-After", "3600"),)),
    _status("500", Class.FAILED, 500),
    _status("502 page", Class.NOT_NOW, 502, body=_PAGE, headers=_HTML),
    _status("503", Class.NOT_NOW, 503),
    _status("504 empty", Class.NOT_NOW, 504, body=""),
    _status("400", Class.REFUSED, 400),
    _status("404 of another code", Class.REFUSED, 404),
    _status("404 page", Class.GARBLED, 404, body=_PAGE, headers=_HTML),
    _status("409", Class.CONFLICT, 409),
    _status("410", Class.REFUSED, 410),
    _status("401", Class.UNAUTHENTICATED, 401),
    _status("401 page", Class.UNAUTHENTICATED, 401, body=_PAGE, headers=_HTML),
    Fault("expired token", Class.UNAUTHENTICATED, {"kind": FaultKind.EXPIRED_TOKEN}),
    _status("403", Class.FORBIDDEN, 403),
    _status("403 page", Class.FORBIDDEN, 403, body=_PAGE, headers=_HTML),
    _status("200 empty", Class.GARBLED, 200, body=""),
    _status("200 null", Class.GARBLED, 200, body="null"),
    _status("200 list", Class.GARBLED, 200, body="[]"),
    _status("200 half", Class.GARBLED, 200, body='{"id": "/providers/mic'),
    _status("201", Class.GARBLED, 201),
    _status("204", Class.GARBLED, 204),
    Fault("wrong JSON", Class.GARBLED, {"kind": FaultKind.WRONG_JSON}),
    Fault("page", Class.GARBLED, {"kind": FaultKind.HTML}),
    Fault("redirect", Class.GARBLED, {"kind": FaultKind.REDIRECT}),
    Fault("stale", Class.STALE, {"kind": FaultKind.STALE}),
)

# Writes, and a sign-in's POST, can take effect although the response does not say so: a gateway that sends a request
# twice returns the response to the second one.
TAKING_EFFECT = tuple(
    Fault(f"{fault}, took effect", fault.kind, {**fault.rule, "takes_effect": True})
    for fault in FAULTS
    if fault.rule["kind"]
    in {FaultKind.STATUS, FaultKind.CLOSED, FaultKind.WRONG_JSON, FaultKind.HTML, FaultKind.REDIRECT}
)

# What the default run tries: a fault that reading again settles, one that a retry outlasts, one that is final, and a
# response that must not be believed. Of each class it is the fault that clients of Azure meet most often.
REPRESENTATIVES = {
    Class.NO_ANSWER: "closed",
    Class.NOT_NOW: "503",
    Class.REFUSED: "400",
    Class.GARBLED: "page",
}

# Azure's behaviour that is not recorded: the sandbox's defaults, and every alternative.
WORLDS: dict[str, dict[str, str]] = {
    "as recorded": {},
    "409 Conflict": {
        "already-linked": "409 Conflict",
        "get-after-delete": "deleted-link",
        "delete-other-id": "ignored",
        "version-type": "string",
    },
    "400 PartnerIdAlreadyLinked": {"already-linked": "400 PartnerIdAlreadyLinked", "delete-other-id": "deletes"},
    "400 Conflict": {"already-linked": "400 Conflict", "get-after-delete": "deleted-link"},
}


@dataclass(frozen=True)
class Cell:
    """One command line with one fault."""

    world: str
    scenario: Scenario
    target: Target
    fault: Fault
    always: bool

    @property
    def rule(self) -> FaultRule:
        times = None if self.always else 1
        return FaultRule(
            method=self.target.method, path=self.target.path, nth=self.target.nth, times=times, **self.fault.rule
        )

    @property
    def dimensions(self) -> dict[str, str]:
        """The cell's place in the matrix."""
        return {
            "world": self.world,
            "command": str(self.scenario),
            "request": f"{self.target.method} {self.target.path}",
            "fault": str(self.fault),
            "often": "always" if self.always else "once",
        }

    def __str__(self) -> str:
        often = "always" if self.always else "once"
        return f"{self.world} | {self.scenario} | {self.target} | {self.fault} | {often}"


def groups() -> Iterator[tuple[str, Scenario, Target]]:
    """Yield what one test runs. The other worlds differ only in the partner API's responses to writes."""
    for world in WORLDS:
        for scenario in SCENARIOS:
            for target in scenario.requests:
                if world == "as recorded" or (target.is_link and scenario.goal.writes):
                    yield world, scenario, target


def cells(world: str, scenario: Scenario, target: Target) -> Iterator[Cell]:
    """Yield a request with every fault that it can have, once and always."""
    faults = FAULTS if target.method == "GET" else FAULTS + TAKING_EFFECT
    for fault in faults:
        if fault.kind is Class.STALE and not (target.method == "GET" and target.is_link):
            continue
        if fault.rule["kind"] is FaultKind.EXPIRED_TOKEN and target.is_sign_in:
            continue
        for always in (False, True):
            yield Cell(world, scenario, target, fault, always)


def representative_cells(kind: Class) -> Iterator[Cell]:
    """Yield the cells of the default run for one class of faults: all requests of a link, and all three writes.

    Of the reads only that of the link meets a fault once too: all are repeated alike.
    """
    fault = REPRESENTATIVES[kind]
    for scenario in (LINKS, UPDATES, UNLINKS):
        for target in scenario.requests:
            if scenario is LINKS or target.is_write:
                for cell in cells("as recorded", scenario, target):
                    is_chosen = cell.always or target.is_link
                    if is_chosen and cell.fault.name.removesuffix(", took effect") == fault:
                        yield cell
