"""Two pallinks at once on one account, in every order in which their requests can reach the service."""

import contextvars
import itertools
import json
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from pallink.cli.app import main
from pallink.sandbox import Sandbox
from pallink.sandbox.http.adapter import SandboxAdapter
from tests.harness import Clock, Run, Stream
from tests.interruption.conftest import OTHER, PARTNER, Bench
from tests.interruption.oracle import Row, row

THIRD = "5127255"
_HANGS = 60

# Whose a request is: the threads that a command starts have its context.
_WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who")


@dataclass(frozen=True)
class Exchange:
    """A request to the partner API, and the link before and after it."""

    who: str
    method: str
    before: Row
    after: Row

    @property
    def took_effect(self) -> bool:
        return self.before != self.after


@dataclass
class Turns:
    """Lets one request to the partner API pass after the other, in a given order.

    Attributes:
        order: whose turn it is, one after the other. Who has ended is passed over; when all turns were taken, whoever
            comes is let pass.
    """

    order: list[str]
    exchanges: list[Exchange] = field(default_factory=list)
    _ended: set[str] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, who: str, method: str, bench: Bench, send: Any) -> requests.Response:
        with self._changed:
            assert self._changed.wait_for(lambda: self._is_on(who), _HANGS), "nobody goes on"
            before = row(bench.home)
            try:
                return send()  # type: ignore[no-any-return]
            finally:
                self.exchanges.append(Exchange(who, method, before, row(bench.home)))
                if self.order:
                    self.order.pop(0)
                self._changed.notify_all()

    def end(self, who: str) -> None:
        with self._changed:
            self._ended.add(who)
            self._changed.notify_all()

    def _is_on(self, who: str) -> bool:
        while self.order and self.order[0] in self._ended:
            self.order.pop(0)
        return not self.order or self.order[0] == who


class Streams:
    """A standard stream of this process that is another one for each command."""

    def __init__(self) -> None:
        self.of: dict[str, Stream] = {who: Stream() for who in "AB"}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of[_WHO.get()], name)


def run_both(bench: Bench, commands: dict[str, str], order: tuple[str, ...]) -> tuple[dict[str, Run], list[Exchange]]:
    """Run A and B at once, and let their requests to the partner API pass in this order."""
    turns, codes, clock = Turns(list(order)), {}, Clock()
    stdout, stderr, stdin = Streams(), Streams(), Streams()
    send = SandboxAdapter.send

    def watched(adapter: SandboxAdapter, request: requests.PreparedRequest, *args: Any, **kw: Any) -> Any:
        path = urlsplit(str(request.url)).path
        if "managementpartner" not in path.casefold():
            return send(adapter, request, *args, **kw)
        return turns.take(_WHO.get(), str(request.method), bench, lambda: send(adapter, request, *args, **kw))

    def one(who: str) -> None:
        _WHO.set(who)
        try:
            line = f"{commands[who]} --cloud sandbox --auth client-secret --role-check skip -o json"
            codes[who] = main((line if "unlink" not in line else line.replace(" --role-check skip", "")).split())
        finally:
            turns.end(who)

    with bench.patch.context() as patch:
        patch.setattr(SandboxAdapter, "send", watched)
        clock.rule(patch)
        for name, stream in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            patch.setattr(sys, name, stream)
        threads = [threading.Thread(target=contextvars.Context().run, args=(one, who)) for who in "AB"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_HANGS)
            assert not thread.is_alive()
    return {who: Run(codes[who], stdout.of[who].text, stderr.of[who].text) for who in "AB"}, turns.exchanges


def violations(who: str, command: str, done: Run, exchanges: list[Exchange]) -> Iterator[str]:  # noqa: C901, PLR0912
    """What one command says that the service's history does not bear out."""
    mine = [each for each in exchanges if each.who == who]
    effective = [each for each in mine if each.took_effect]
    states = [each.before for each in exchanges[exchanges.index(mine[0]) :]] + [exchanges[-1].after]
    warned = "somebody else changed it in between" in done.stderr
    if done.code == 0:
        result = done.json
        linked = result["partnerId"]
        if result["action"] == "unchanged":
            if effective:
                yield "says unchanged, but wrote"
            if linked not in {each.partner_id for each in states}:
                yield f"says that {linked} was linked, which never was"
            return
        if result["action"] == "deleted" and not effective and _removed_by_the_other(who, exchanges):
            return  # The service answers 200 to whoever comes second too, and tells nobody whose removal it was.
        if len(effective) != 1:
            yield f"says {result['action']}, and {len(effective)} of its writes took effect"
            return
        (write,) = effective
        expected = {"PUT": "created", "PATCH": "updated", "DELETE": "deleted"}[write.method]
        if result["action"] != expected or linked != write.after.partner_id:
            yield f"says {result['action']} and {linked}, but its {write.method} led to {write.after}"
        read = [each.after for each in exchanges[: exchanges.index(write)] if each.who == who and each.method == "GET"]
        if write.method != "PUT" and write.before != read[-1] and not warned and _could_know(write, result):
            yield f"wrote over {write.before}, and had read {read[-1]}, without a word"
        if write.before == read[-1] and warned and write.method != "DELETE":
            yield "warns of somebody else, and nobody wrote in between"
        if result["previousPartnerId"] != read[-1].partner_id:
            yield f"says that {result['previousPartnerId']} was linked before, but {read[-1]} was read"
        return
    error = json.loads(done.stderr)
    if error["link"] == "unchanged" and effective:
        yield f"says that it changed nothing, and {effective} took effect"
    match done.code:
        case 5:
            if all(each.partner_id in {None, _wanted(command)} for each in states):
                yield "says that another partner is linked, which never was"
        case 3:
            if all(each.partner_id for each in states):
                yield "says that there is no link, but there always was one"
        case 7:
            if error["code"] != "UnsettledWrite" or "pallink show" not in error["command"]:
                yield f"ends with 7: {done.stderr}"
        case _:
            yield f"ends with {done.code}: {done.stderr}"


def _removed_by_the_other(who: str, exchanges: list[Exchange]) -> bool:
    return any(each.who != who and each.method == "DELETE" and each.took_effect for each in exchanges)


def _could_know(write: Exchange, result: dict[str, Any]) -> bool:
    """Whether an answer told the version after the write: a link that is gone has none where GET answers 404."""
    return write.method != "DELETE" or result.get("version") is not None


def _wanted(command: str) -> str | None:
    return next((word for word in command.split() if word.isdigit()), None)


PAIRS = {
    "link and link, the same ID": ((), f"link {PARTNER}", f"link {PARTNER}"),
    "link and link, different IDs": ((), f"link {PARTNER}", f"link {OTHER}"),
    "the same after a removal": ((OTHER, None), f"link {PARTNER}", f"link {OTHER}"),
    "link and unlink": ((PARTNER,), f"link {PARTNER}", "unlink --yes"),
    "link another and unlink": ((PARTNER,), f"link {OTHER} --replace", "unlink --yes"),
    "unlink and unlink": ((PARTNER,), "unlink --yes", f"unlink {PARTNER} --yes"),
    "update and update": ((PARTNER,), f"update {OTHER}", f"update {THIRD}"),
    "update and unlink": ((PARTNER,), f"update {OTHER}", f"unlink {PARTNER} --yes"),
}
WORLDS = {
    "as recorded": {},
    "409 Conflict": {"already-linked": "409 Conflict", "delete-other-id": "ignored"},
    "400 PartnerIdAlreadyLinked": {
        "already-linked": "400 PartnerIdAlreadyLinked",
        "delete-other-id": "deletes",
        "get-after-delete": "deleted-link",
    },
    "400 Conflict": {"already-linked": "400 Conflict", "get-after-delete": "deleted-link"},
}
# Each reads, writes, and reads again where it has to; further requests come as they come.
ORDERS = sorted(set(itertools.permutations("AAABBB")))


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("pair", PAIRS)
def test_in_every_order_both_say_what_happened(bench: Bench, pair: str, world: str) -> None:
    history, first, second = PAIRS[pair]
    commands = {"A": first, "B": second}
    seen = set()
    for order in ORDERS:
        bench.linked(*history)
        for name, value in WORLDS[world].items():
            Sandbox(bench.home).set(name, value)
        done, exchanges = run_both(bench, commands, order)
        seen.add(tuple((each.who, each.method) for each in exchanges))
        for who in "AB":
            told = list(violations(who, commands[who], done[who], exchanges))
            assert told == [], (order, who, [(each.who, each.method, each.after) for each in exchanges], done)
        assert versions(bench) == list(range(1, row(bench.home).version + 1)), "each write is one version"
    # Both read before either wrote, and whoever came first wrote first.
    starts = {tuple(each[:3]) for each in seen}
    for one, other in ("AB", "BA"):
        assert any([who for who, _ in start[:2]] in ([one, other], [other, one]) for start in starts), seen


def versions(bench: Bench) -> list[int]:
    with closing(sqlite3.connect(bench.home / "sandbox.sqlite3")) as connection:
        return [version for (version,) in connection.execute("SELECT version FROM link ORDER BY version")]
