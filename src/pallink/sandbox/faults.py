"""Faults: rules that make requests fail, to rehearse what rarely happens in Azure.

A rule matches requests by method and path, and says what happens to them and how often. It holds until it is cleared
or the sandbox is reset.
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
    EXPIRED_TOKEN = "expired-token"  # noqa: S105 - The name of a fault.
    STALE = "stale"

    @property
    def explanation(self) -> str:
        """What happens to the request, for display."""
        return FAULTS[self]


# Faults that replace the usual response: the rule decides whether the request is handled all the same.
_MAY_TAKE_EFFECT = frozenset(
    {FaultKind.STATUS, FaultKind.CLOSED, FaultKind.WRONG_JSON, FaultKind.HTML, FaultKind.REDIRECT}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """Which requests fail, how, and how often.

    Attributes:
        kind: What happens to a matching request.
        method: The method to match, in capitals; None matches any.
        path: The path to match, ignoring case; `*` matches any characters, slashes included.
        nth: The first matching request that fails, counted from 1.
        times: How many requests fail from there on; None means all.
        takes_effect: Whether the request is carried out, although the response does not say so.
        delay: Seconds before the response is sent or the connection is closed.
        status: The HTTP status, for kind `status`.
        body: The body, for kind `status`; None means an error in Resource Manager's format.
        headers: The headers, for kind `status`.
        location: The target, for kind `redirect`; None means another host.

    Raises:
        ValueError: A value is invalid, or not supported with the kind; the message says which.
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
            f"{self.kind} takes no status, body or header": not is_status
            and (self.status is not None or self.body is not None or bool(self.headers)),
            "status needs a status from 200 to 599": is_status and not 200 <= (self.status or 0) <= 599,  # noqa: PLR2004
            f"{self.kind} takes no location": self.kind is not FaultKind.REDIRECT and self.location is not None,
            f"takes-effect is not supported with {self.kind}": self.takes_effect and self.kind not in _MAY_TAKE_EFFECT,
            f"the delay must be from 0 to {MAX_DELAY:.0f} seconds": not 0 <= self.delay <= MAX_DELAY,
            "delay needs a delay greater than 0": self.kind is FaultKind.DELAY and self.delay == 0,
            "nth must be at least 1": self.nth < 1,
            "times must be at least 1": self.times is not None and self.times < 1,
            "a header must be one line of printable ASCII, with no space in its name": not all(
                (name + value).isascii() and (name + value).isprintable() and name and " " not in name
                for name, value in (*self.headers, ("Location", self.location or ""))
            ),
        }
        for problem, is_present in problems.items():
            if is_present:
                raise ValueError(problem)

    def matches(self, request: Request) -> bool:
        """Return whether the rule is for a request."""
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
        """Return whether the next matching request fails, where `seen` came before."""
        return self.nth <= seen + 1 and (self.times is None or seen + 1 < self.nth + self.times)

    def __str__(self) -> str:
        """Return the rule in words, in the order of the arguments of `pallink sandbox fault add`."""
        fault = f"{self.kind} {self.status}" if self.status else str(self.kind)
        parts = [f"{fault} for {self.method or 'any method'} {self.path}"]
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
    """A rule that is stored in the sandbox.

    Attributes:
        number: The number to clear it by.
        rule: The rule.
        seen: How many requests it has matched so far.
    """

    number: int
    rule: FaultRule
    seen: int


def list_faults(state: State) -> tuple[Fault, ...]:
    """Return the stored rules, oldest first."""
    return tuple(Fault(number, _parse(document), seen) for number, document, seen in state.faults())


def add_fault(state: State, rule: FaultRule) -> Fault:
    """Store a rule."""
    return Fault(state.add_fault(json.dumps(asdict(rule))), rule, 0)


def handle_with_faults(call: Call, handle: Callable[[Call], Response]) -> Response:
    """Return the response to a request, with the first rule that is due applied.

    Every rule that matches counts the request, due or not.

    Args:
        call: The request.
        handle: Called for the usual response.
    """
    matching = [fault for fault in list_faults(call.state) if fault.rule.matches(call.request)]
    for fault in matching:
        call.state.count_fault(fault.number)
    rule = next((fault.rule for fault in matching if fault.rule.is_due(fault.seen)), None)
    if rule is None:
        return handle(call)
    response = _apply(rule, call, handle)
    return replace(response, delay=response.delay + rule.delay)


def _apply(rule: FaultRule, call: Call, handle: Callable[[Call], Response]) -> Response:
    make_replacement = _REPLACEMENTS.get(rule.kind)
    if make_replacement is not None:
        if rule.takes_effect:
            handle(call)
        return make_replacement(rule, call)
    response = handle(replace(call, is_stale=rule.kind is FaultKind.STALE))
    return replace(response, delivery=Delivery.TRUNCATED) if rule.kind is FaultKind.TRUNCATED else response


def _status(rule: FaultRule, call: Call) -> Response:
    assert rule.status is not None  # noqa: S101 - FaultRule requires it for this kind.
    status = rule.status
    if rule.body is not None:
        response = Response(status, {"Content-Type": "application/json; charset=utf-8"}, rule.body.encode())
    elif status >= HTTPStatus.BAD_REQUEST:
        code = HTTPStatus(status).phrase.title().replace(" ", "") if status in set(HTTPStatus) else "Unknown"
        message = f"A fault of the sandbox set the status {status}."
        response = json_response(status, {"error": {"code": code, "message": message}})
    else:
        response = Response(status)
    response = Response(status, dict(rule.headers), response.body).with_headers(response.headers)
    is_azure = resource_manager.owns(call.request.segments)
    return response.with_headers(resource_manager.headers(call)) if is_azure else response


_REPLACEMENTS: dict[FaultKind, Callable[[FaultRule, Call], Response]] = {
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
