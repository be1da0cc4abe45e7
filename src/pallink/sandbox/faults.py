"""Faults: rules that make requests go wrong, so that people can rehearse what they hope never to meet.

A rule says which requests it is for, what happens to them, and how often. It stays until it is cleared or the sandbox
is reset.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from http import HTTPStatus

from pallink.sandbox.arm import resource_manager
from pallink.sandbox.call import Call
from pallink.sandbox.http.messages import Delivery, Request, Response, json_response
from pallink.sandbox.names import FAULTS
from pallink.sandbox.state.store import State

MAX_DELAY = 600.0  # Seconds.

_PROXY_PAGE = b"<!DOCTYPE html><html><head><title>Sign in to the network</title></head><body>Welcome!</body></html>"
_ELSEWHERE = "https://elsewhere.invalid/"


class FaultKind(StrEnum):
    """What happens to a request."""

    STATUS = "status"
    DELAY = "delay"
    CLOSED = "closed"
    TRUNCATED = "truncated"
    WRONG_JSON = "wrong-json"
    HTML = "html"
    REDIRECT = "redirect"
    EXPIRED_TOKEN = "expired-token"  # noqa: S105 - A name, no token.
    STALE = "stale"

    @property
    def explanation(self) -> str:
        """What happens, for people."""
        return FAULTS[self]


# Those that keep the usual answer back: whether the request is handled all the same is for the rule to say.
_MAY_TAKE_EFFECT = frozenset(
    {FaultKind.STATUS, FaultKind.CLOSED, FaultKind.WRONG_JSON, FaultKind.HTML, FaultKind.REDIRECT}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """Which requests something happens to, what, and how often.

    Attributes:
        kind: What happens.
        method: Of the requests that it is for, in capitals; None: any.
        path: A pattern for their path, in any case; `*` stands for any characters, slashes included.
        nth: The first of those requests that it happens to, from 1 on.
        times: To how many one after the other; None: to all from then on.
        takes_effect: Whether the request is carried out, although the answer does not say so.
        delay: Seconds until the answer, or the end of the connection.
        status: The HTTP status of kind `status`.
        body: Its body; None: an error as Resource Manager writes them.
        headers: Its headers.
        location: Where kind `redirect` leads to.

    Raises:
        ValueError: The parts do not go together; the message says which.
    """

    kind: FaultKind
    method: str | None = None
    path: str = "*"
    nth: int = 1
    times: int | None = 1
    takes_effect: bool = False
    delay: float = 0.0
    status: int | None = None
    body: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    location: str | None = None

    def __post_init__(self) -> None:
        is_status = self.kind is FaultKind.STATUS
        problems = {
            f"{self.kind} needs no status, body or header": not is_status
            and (self.status is not None or self.body is not None or bool(self.headers)),
            "status needs a status from 200 to 599": is_status and not 200 <= (self.status or 0) <= 599,  # noqa: PLR2004
            f"{self.kind} needs no location": self.kind is not FaultKind.REDIRECT and self.location is not None,
            f"with {self.kind} nobody can choose whether the request takes effect": self.takes_effect
            and self.kind not in _MAY_TAKE_EFFECT,
            f"a delay is of 0 to {MAX_DELAY:.0f} seconds": not 0 <= self.delay <= MAX_DELAY,
            "delay needs a delay": self.kind is FaultKind.DELAY and self.delay == 0,
            "the first request that it happens to is 1 or later": self.nth < 1,
            "it happens at least once": self.times is not None and self.times < 1,
            "a header is one line of printable ASCII characters, a name without spaces before the colon": not all(
                (name + value).isascii() and (name + value).isprintable() and name and " " not in name
                for name, value in (*self.headers, ("Location", self.location or ""))
            ),
        }
        for problem, is_so in problems.items():
            if is_so:
                raise ValueError(problem)

    def fits(self, request: Request) -> bool:
        """Tells whether the rule is for a request."""
        if self.method not in {None, request.method}:
            return False
        if self.kind is FaultKind.EXPIRED_TOKEN and not resource_manager.owns(request.segments):
            return False
        if self.kind is FaultKind.STALE and (
            request.method != "GET" or "microsoft.managementpartner" not in map(str.lower, request.segments)
        ):
            return False
        return fnmatchcase(request.path.lower(), self.path.lower())

    def is_due(self, seen: int) -> bool:
        """Tells whether it happens to the next request that it is for, after it has seen some."""
        return self.nth <= seen + 1 and (self.times is None or seen + 1 < self.nth + self.times)

    def __str__(self) -> str:
        """Returns the rule in words, in the order of `pallink sandbox fault add`."""
        what = f"{self.kind} {self.status}" if self.status else str(self.kind)
        parts = [f"{what} for {self.method or 'any method'} {self.path}"]
        if self.takes_effect:
            parts.append("which takes effect")
        if self.delay:
            parts.append(f"after {self.delay:g} s")
        if self.nth > 1:
            parts.append(f"from request {self.nth} on")
        parts.append({None: "always", 1: "once"}.get(self.times, f"{self.times} times"))
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that stands in the sandbox: its number there, and how many requests it was for so far."""

    number: int
    rule: FaultRule
    seen: int


def faults(state: State) -> tuple[Fault, ...]:
    """Returns the rules, in the order in which they were added."""
    return tuple(Fault(number, _parse(document), seen) for number, document, seen in state.faults())


def add(state: State, rule: FaultRule) -> Fault:
    """Adds a rule."""
    return Fault(state.add_fault(json.dumps(asdict(rule))), rule, 0)


def answer(call: Call, usual: Callable[[Call], Response]) -> Response:
    """Answers a request as the rules have it: the first one that is due decides, and every one that fits counts.

    Args:
        call: The request.
        usual: Answers where nothing goes wrong.
    """
    fitting = [each for each in faults(call.state) if each.rule.fits(call.request)]
    for each in fitting:
        call.state.count_fault(each.number)
    rule = next((each.rule for each in fitting if each.rule.is_due(each.seen)), None)
    if rule is None:
        return usual(call)
    response = _happen(rule, call, usual)
    return replace(response, delay=response.delay + rule.delay)


def _happen(rule: FaultRule, call: Call, usual: Callable[[Call], Response]) -> Response:
    instead = _INSTEAD.get(rule.kind)
    if instead is not None:
        if rule.takes_effect:
            usual(call)
        return instead(rule, call)
    response = usual(replace(call, is_stale=rule.kind is FaultKind.STALE))
    return replace(response, delivery=Delivery.TRUNCATED) if rule.kind is FaultKind.TRUNCATED else response


def _status(rule: FaultRule, call: Call) -> Response:
    assert rule.status is not None  # noqa: S101 - The rule was checked.
    status = rule.status
    given = dict(rule.headers)
    if rule.body is not None:
        response = Response(status, {"Content-Type": "application/json; charset=utf-8"}, rule.body.encode())
    elif status >= HTTPStatus.BAD_REQUEST:
        code = HTTPStatus(status).phrase.title().replace(" ", "") if status in set(HTTPStatus) else "Unknown"
        message = f"The sandbox was told to answer {status}."
        response = json_response(status, {"error": {"code": code, "message": message}})
    else:
        response = Response(status)
    response = Response(status, given, response.body).with_headers(response.headers)
    is_azure = resource_manager.owns(call.request.segments)
    return response.with_headers(resource_manager.headers(call)) if is_azure else response


_INSTEAD: dict[FaultKind, Callable[[FaultRule, Call], Response]] = {
    FaultKind.STATUS: _status,
    FaultKind.CLOSED: lambda _rule, _call: Response(0, delivery=Delivery.CLOSED),
    FaultKind.WRONG_JSON: lambda _rule, _call: json_response(200, {"value": {"unexpected": [None, 1, "two"]}}),
    FaultKind.HTML: lambda _rule, _call: Response(200, {"Content-Type": "text/html"}, _PROXY_PAGE),
    FaultKind.REDIRECT: lambda rule, _call: Response(307, {"Location": rule.location or _ELSEWHERE}),
    FaultKind.EXPIRED_TOKEN: lambda _rule, call: resource_manager.expired_token(call),
}


def _parse(document: str) -> FaultRule:
    data = json.loads(document)
    headers = tuple((name, value) for name, value in data.pop("headers"))
    return FaultRule(**{**data, "kind": FaultKind(data["kind"]), "headers": headers})
