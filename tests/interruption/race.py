"""Many processes race on one account; what each of them says is held against the service's log.

`python -m tests.interruption.race --rounds 300 --processes 20` prints the number of false claims, and exits with 1 if
there is one. Each process has a door of its own to the same sandbox, over HTTPS, so the log tells whose request it was.
With `--faults`, half of the writes of every other round fail: refused by a gateway, lost before or after they took
effect, or carried out after a later request of another process.
"""

import argparse
import json
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pallink.sandbox import Request, Response, Sandbox
from pallink.sandbox.http.messages import Delivery, json_response
from pallink.sandbox.http.server import SandboxServer
from tests.bench import Exchange, Row, is_of_partners, row
from tests.harness import Run, Stream

PARTNERS = ("719878", "6183402", "5127255")
WRITES = {"created": "PUT", "updated": "PATCH", "deleted": "DELETE"}

_LATE = "Azure may still carry it out"
_BY_READING = "reading showed that the link was"
_CONTESTED = ("another process changed", "another process linked", "in one write")
_PRELOADED = ["tests.bench", "pallink.azure.client", "pallink.azure.links", "pallink.azure.roles"]
_MAX_DELAY = 0.3  # Seconds before a process begins.
_GATEWAY = json_response(504, {"error": {"code": "GatewayTimeout", "message": "The gateway timed out."}})
_CLOSED = Response(0, delivery=Delivery.CLOSED)


@dataclass
class Service:
    """One sandbox behind several doors. Requests to the partner API pass one at a time.

    Attributes:
        home: The folder of its file.
        chance: Decides which requests fail.
        log: Every request to the partner API that was handled, in order.
        fails: Whether writes fail now.
    """

    home: Path
    chance: random.Random
    log: list[Exchange] = field(default_factory=list)
    fails: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _late: list[tuple["Door", Request]] = field(default_factory=list)

    def respond(self, door: "Door", request: Request) -> Response:
        """Respond to a request to the partner API."""
        with self._lock:
            if self._late and self.chance.random() < 1 / 2:
                self._carry_out(*self._late.pop(0))
            if not self.fails or self.chance.random() < (1 / 2 if request.method != "GET" else 9 / 10):
                return self._carry_out(door, request)
            fault = self.chance.choice(("lost", "lost after effect", "late", "timed out after effect", "refused"))
            if request.method != "GET" and fault == "late":
                self._late.append((door, request))
                return _GATEWAY
            if fault.endswith("after effect"):
                self._carry_out(door, request)
            return _CLOSED if fault.startswith("lost") else _GATEWAY if "timed" in fault else Response(503)

    def end_round(self) -> None:
        """Carry out what is late."""
        with self._lock:
            while self._late:
                self._carry_out(*self._late.pop(0))

    def _carry_out(self, door: "Door", request: Request) -> Response:
        before = row(self.home)
        response = door.usual(request)
        self.log.append(Exchange(request.method, request.url, before, row(self.home), response, door.caller))
        return response


class Door(Sandbox):
    """The sandbox as one process reaches it."""

    def __init__(self, service: Service, caller: str) -> None:
        super().__init__(service.home)
        self.caller = caller
        self._service = service

    def handle(self, request: Request) -> Response:
        return self._service.respond(self, request) if is_of_partners(request.path) else self.usual(request)

    def usual(self, request: Request) -> Response:
        return super().handle(request)


@dataclass(frozen=True)
class Ended:
    """A process that ended.

    Attributes:
        caller: Whose door it used.
        command: The command line.
        run: How it ended.
        first: The length of the log when it began.
        last: The length of the log when it had ended.
    """

    caller: str
    command: str
    run: Run
    first: int
    last: int


def violations(ended: Ended, log: Sequence[Exchange]) -> Iterator[str]:
    """Yield what a process says that the log does not bear out."""
    window = log[ended.first : ended.last]
    mine = [exchange for exchange in window if exchange.caller == ended.caller and exchange.took_effect]
    late = [exchange for exchange in log[ended.last :] if exchange.caller == ended.caller and exchange.took_effect]
    if "Traceback" in ended.run.stderr:
        yield "a traceback"
    elif ended.run.code == 0:
        yield from _violations_of_result(ended, window, mine, late)
    else:
        yield from _violations_of_error(ended, window, [*mine, *late])


def _violations_of_result(
    ended: Ended, window: Sequence[Exchange], mine: list[Exchange], late: list[Exchange]
) -> Iterator[str]:
    result, said = ended.run.json, ended.run.stderr
    action, linked = result["action"], result["partnerId"]
    states = _states(window)
    if late and _LATE not in said:
        yield f"{late} came after it had ended, without a warning"
    if linked not in {state.partner_id for state in states}:
        yield f"says that {linked} is linked, which never was"
    if result["previousPartnerId"] not in {state.partner_id for state in states}:
        yield f"says that {result['previousPartnerId']} was linked before, which never was"
    if action == "unchanged":
        if mine and not any(words in said for words in _CONTESTED):
            yield f"says unchanged, and {mine} took effect"
        return
    done = [exchange for exchange in mine if exchange.method == WRITES[action] and exchange.after.partner_id == linked]
    if not done:
        others = [exchange for exchange in window if exchange.took_effect and exchange.after.partner_id == linked]
        # A DELETE gets a 200 where there is nothing to remove, and no response says whose removal it was. Reading
        # cannot tell a PATCH from a DELETE and a PUT of others either, which is what the warning is for.
        if not others or (action != "deleted" and _BY_READING not in said):
            yield f"says {action}, which none of its requests did: {mine}"
    elif _has_repeated(window, ended.caller) and not any(words in said for words in (*_CONTESTED, _LATE)):
        yield f"says {action}, and {mine} took effect, one after the other"
    version = result.get("version")
    if done and linked and version not in {state.version for state in states}:
        yield f"says version {version}, which never was"


def _violations_of_error(ended: Ended, window: Sequence[Exchange], mine: list[Exchange]) -> Iterator[str]:
    error = json.loads(ended.run.stderr)
    states = {state.partner_id for state in _states(window)}
    if error["link"] == "unchanged" and mine:
        yield f"says that it changed nothing, and {mine} took effect"
    match ended.run.code:
        case 3 if None not in states:
            yield "says that there is no link, but there always was one"
        case 5 if not states - {None, *(word for word in ended.command.split() if word in PARTNERS)}:
            yield "says that another partner is linked, which never was"
        case 3 | 5 | 7:
            return
        case code:
            yield f"ends with {code}"


def _has_repeated(window: Sequence[Exchange], caller: str) -> bool:
    """Return whether two of its writes took effect with no other process's in between, which would have undone one."""
    callers = [exchange.caller for exchange in window if exchange.took_effect]
    return any(first == second == caller for first, second in pairwise(callers))


def _states(window: Sequence[Exchange]) -> list[Row]:
    return [state for exchange in window for state in (exchange.before, exchange.after)]


def random_command(chance: random.Random) -> str:
    """Return one of the commands that write."""
    partner = chance.choice(PARTNERS)
    command = chance.choice(
        (f"link {partner}", f"link {partner} --replace", f"update {partner}", f"unlink {partner}", "unlink")
    )
    return command if "unlink" in command else f"{command} --role-check skip"


def run_process(pipe: Connection, command: str, environment: dict[str, str], delay: float) -> None:
    """Run one command line as a process, and send how it ended."""
    from pallink.cli.app import main  # noqa: PLC0415 - in the process alone

    os.environ.clear()
    os.environ.update(environment)
    sys.stdin, sys.stdout, sys.stderr = Stream(), Stream(), Stream()
    time.sleep(delay)
    code = main(f"{command} --yes -o json --auth client-secret --timeout 30".split())
    pipe.send((code, sys.stdout.text, sys.stderr.text))


class Race:
    """Rounds of processes on one account.

    Args:
        folder: Where their files are.
        seed: Makes what is random repeatable, but for the order in which the processes run.
        processes: How many run at the same time.
    """

    def __init__(self, folder: Path, seed: int, processes: int) -> None:
        self.service = Service(folder / "sandbox", random.Random(seed))  # noqa: S311 - to be repeatable
        self._chance = random.Random(seed + 1)  # noqa: S311
        self._folder = folder
        self._callers = [f"P{number}" for number in range(processes)]
        self._environments: dict[str, dict[str, str]] = {}
        # Each is a process of its own, forked from one that has the imports: they would take most of the time.
        start = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        self._processes: Any = multiprocessing.get_context(start)
        self._processes.set_forkserver_preload(_PRELOADED)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Open a door for each caller."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "PALLINK_"))}
        with ExitStack() as stack:
            for caller in self._callers:
                door = Door(self.service, caller)
                server = stack.enter_context(SandboxServer(door))
                thread = threading.Thread(target=server.serve_forever)
                thread.start()
                stack.callback(thread.join)
                stack.callback(server.stop)
                self._environments[caller] = {
                    **kept,
                    **door.environment("client-secret", origin=server.origin),
                    "REQUESTS_CA_BUNDLE": str(server.authority),
                    "PALLINK_CLOUD": server.origin,
                    "PALLINK_CACHE_HOME": str(self._folder / caller / "cache"),
                    "PALLINK_HOME": str(self._folder / caller / "home"),
                }
            yield

    def run_round(self, *, fails: bool) -> list[Ended]:
        """Run one command of each caller at the same time."""
        self.service.fails = fails
        first = len(self.service.log)
        ended: list[Ended] = []
        threads = [threading.Thread(target=self._run, args=(caller, first, ended)) for caller in self._callers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.service.end_round()
        return ended

    def _run(self, caller: str, first: int, ended: list[Ended]) -> None:
        command = random_command(self._chance)
        ours, theirs = self._processes.Pipe(duplex=False)
        arguments = (theirs, command, self._environments[caller], self._chance.random() * _MAX_DELAY)
        process = self._processes.Process(target=run_process, args=arguments)
        process.start()
        theirs.close()
        run = Run(*ours.recv())
        process.join()
        ended.append(Ended(caller, command, run, first, len(self.service.log)))


def run_race(folder: Path, *, rounds: int, processes: int, seed: int, faults: bool) -> tuple[Counter[str], list[str]]:
    """Return how often each exit code and action occurred, and every false claim."""
    race = Race(folder, seed, processes)
    endings: Counter[str] = Counter()
    false: list[str] = []
    with race.serving():
        for number in range(rounds):
            for ended in race.run_round(fails=faults and number % 2 == 1):
                name = ended.run.json["action"] if ended.run.code == 0 else json.loads(ended.run.stderr)["code"]
                endings[f"{ended.run.code} {name}"] += 1
                false += [f"{ended}: {found}" for found in violations(ended, race.service.log)]
    return endings, false


def main() -> int:
    """Run the race that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--processes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        endings, false = run_race(
            Path(folder),
            rounds=options.rounds,
            processes=options.processes,
            seed=options.seed,
            faults=options.faults,
        )
    print(*false, sep="\n")
    print(*(f"{count:6} {ending}" for ending, count in endings.most_common()), sep="\n")
    print(f"{endings.total()} processes in {time.monotonic() - began:.0f} s, {len(false)} false claims")
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
