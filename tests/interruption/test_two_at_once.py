"""Two concurrent commands on one account, in every order in which their requests can reach the service."""

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

import pytest
import requests

from pallink.cli.app import main
from tests.bench import CALLER, OTHER, PARTNER, Asked, Bench, Exchange, Send, Wire, is_of_partners, row
from tests.exhaustive import combinations
from tests.harness import Clock, Run, Stream

THIRD = "5127255"
_HANGS = 60


@dataclass
class Turns:
    """Lets requests to the partner API pass one at a time, in a given order.

    Attributes:
        order: The callers in turn. A caller that has ended is passed over; after the last turn requests pass as they
            come.
    """

    order: list[str]
    _ended: set[str] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def respond(self, asked: Asked, send: Send) -> requests.Response:
        if not is_of_partners(asked[1]):
            return send()
        caller = CALLER.get()
        with self._changed:
            assert self._changed.wait_for(lambda: self._is_on(caller), _HANGS), "no request passes"
            try:
                return send()
            finally:
                if self.order:
                    self.order.pop(0)
                self._changed.notify_all()

    def end(self, caller: str) -> None:
        with self._changed:
            self._ended.add(caller)
            self._changed.notify_all()

    def _is_on(self, caller: str) -> bool:
        while self.order and self.order[0] in self._ended:
            self.order.pop(0)
        return not self.order or self.order[0] == caller


class Streams:
    """A standard stream of this process that is another one for each caller."""

    def __init__(self) -> None:
        self.of: dict[str, Stream] = {caller: Stream() for caller in "AB"}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of[CALLER.get()], name)


def run_both(bench: Bench, commands: dict[str, str], order: tuple[str, ...]) -> tuple[dict[str, Run], list[Exchange]]:
    """Run A and B at once, let their requests to the partner API pass in this order, and return those."""
    turns, codes, clock, wire = Turns(list(order)), {}, Clock(), Wire(bench.home)
    stdout, stderr, stdin = Streams(), Streams(), Streams()

    def run(caller: str) -> None:
        CALLER.set(caller)
        try:
            line = f"{commands[caller]} --cloud sandbox --auth client-secret --role-check skip -o json"
            codes[caller] = main((line if "unlink" not in line else line.replace(" --role-check skip", "")).split())
        finally:
            turns.end(caller)

    with bench.patch.context() as patch, wire.recording(patch, turns.respond, clock):
        clock.rule(patch)
        for name, stream in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            patch.setattr(sys, name, stream)
        threads = [threading.Thread(target=contextvars.Context().run, args=(run, caller)) for caller in "AB"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_HANGS)
            assert not thread.is_alive()
    runs = {caller: Run(codes[caller], stdout.of[caller].text, stderr.of[caller].text) for caller in "AB"}
    return runs, [exchange for exchange in wire.exchanges if exchange.is_of_partners]


def violations(caller: str, command: str, done: Run, exchanges: list[Exchange]) -> Iterator[str]:  # noqa: C901, PLR0912
    """Yield what one command says that the service's history does not bear out."""
    mine = [exchange for exchange in exchanges if exchange.caller == caller]
    effective = [exchange for exchange in mine if exchange.took_effect]
    states = [exchange.before for exchange in exchanges[exchanges.index(mine[0]) :]] + [exchanges[-1].after]
    warned = "another process changed it in between" in done.stderr
    if done.code == 0:
        result = done.json
        linked = result["partnerId"]
        if result["action"] == "unchanged":
            if effective:
                yield "says unchanged, but wrote"
            if linked not in {state.partner_id for state in states}:
                yield f"says that {linked} was linked, which never was"
            return
        if result["action"] == "deleted" and not effective and _removed_by_the_other(caller, exchanges):
            return  # The second removal gets a 200 too, and no response says whose removal it was.
        if len(effective) != 1:
            yield f"says {result['action']}, and {len(effective)} of its writes took effect"
            return
        (write,) = effective
        expected = {"PUT": "created", "PATCH": "updated", "DELETE": "deleted"}[write.method]
        if result["action"] != expected or linked != write.after.partner_id:
            yield f"says {result['action']} and {linked}, but its {write.method} led to {write.after}"
        read = [exchange.after for exchange in mine[: mine.index(write)] if exchange.method == "GET"]
        if write.method != "PUT" and write.before != read[-1] and not warned and _could_know(write, result):
            yield f"wrote over {write.before}, and had read {read[-1]}, without a word"
        if write.before == read[-1] and warned and write.method != "DELETE":
            yield "warns of another write, and there was none in between"
        if result["previousPartnerId"] != read[-1].partner_id:
            yield f"says that {result['previousPartnerId']} was linked before, but {read[-1]} was read"
        return
    error = json.loads(done.stderr)
    if error["link"] == "unchanged" and effective:
        yield f"says that it changed nothing, and {effective} took effect"
    match done.code:
        case 5:
            if all(state.partner_id in {None, _wanted(command)} for state in states):
                yield "says that another partner is linked, which never was"
        case 3:
            if all(state.partner_id for state in states):
                yield "says that there is no link, but there always was one"
        case 7:
            if error["code"] != "UnsettledWrite" or "pallink show" not in error["command"]:
                yield f"ends with 7: {done.stderr}"
        case _:
            yield f"ends with {done.code}: {done.stderr}"


def _removed_by_the_other(caller: str, exchanges: list[Exchange]) -> bool:
    return any(
        exchange.caller != caller and exchange.method == "DELETE" and exchange.took_effect for exchange in exchanges
    )


def _could_know(write: Exchange, result: dict[str, Any]) -> bool:
    """Return whether a response had the version after the write: where GET returns 404, a removed link has none."""
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


# By default a pair that competes for different ends, in the world that Azure's documentation describes.
@pytest.mark.parametrize(
    ("pair", "world"),
    combinations(
        PAIRS,
        WORLDS,
        default=lambda pair, world: (pair, world) == ("link and link, different IDs", "as recorded"),
    ),
)
def test_in_every_order_both_say_what_happened(bench: Bench, pair: str, world: str) -> None:
    history, first, second = PAIRS[pair]
    commands = {"A": first, "B": second}
    seen = set()
    for order in ORDERS:
        bench.prepare(*history, settings=WORLDS[world])
        done, exchanges = run_both(bench, commands, order)
        seen.add(tuple((exchange.caller, exchange.method) for exchange in exchanges))
        for caller in "AB":
            broken = list(violations(caller, commands[caller], done[caller], exchanges))
            assert broken == [], (order, caller, exchanges, done)
        assert versions(bench) == list(range(1, row(bench.home).version + 1)), "each write is one version"
    # Both read before either wrote, in both orders.
    starts = {requests_sent[:3] for requests_sent in seen}
    for one, other in ("AB", "BA"):
        assert any([caller for caller, _ in start[:2]] in ([one, other], [other, one]) for start in starts), seen


def versions(bench: Bench) -> list[int]:
    with closing(sqlite3.connect(bench.home / "sandbox.sqlite3")) as connection:
        return [version for (version,) in connection.execute("SELECT version FROM link ORDER BY version")]
