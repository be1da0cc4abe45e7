"""Kills `pallink fleet apply` at a request, resumes it, and holds what it says against the service's log.

`python -m tests.fleet.kills --moments 50 --accounts 100` does so at 50 random moments, and prints what was wrong.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pallink.sandbox import Request, Response
from tests.fleet.served import CLOSED, LoggedSandbox, serve


@dataclass
class Killer:
    """Kills a process at one request to the sandbox.

    Attributes:
        number: Which request, from 1.
        is_handled: Whether that request takes effect first.
        process: The process.
        started: Is set once there is one.
    """

    number: int
    is_handled: bool
    process: "subprocess.Popen[str] | None" = None
    started: threading.Event = field(default_factory=threading.Event)

    def kill(self) -> None:
        """Kill the process, and wait until it is gone."""
        self.started.wait()
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class KillingSandbox(LoggedSandbox):
    """A sandbox that kills who sends one of the requests."""

    def __init__(self, home: Path, killer: Killer) -> None:
        super().__init__(home)
        self._killer = killer
        self._requests = 0

    def handle(self, request: Request) -> Response:
        """Handle a request as the sandbox does, but for the one at which a process is killed."""
        with self._lock:
            self._requests += 1
            is_last = self._requests == self._killer.number
        if not is_last:
            return super().handle(request)
        if self._killer.is_handled:
            super().handle(request)
        self._killer.kill()
        return CLOSED


def kill_and_resume(folder: Path, accounts: int, chance: random.Random) -> list[str]:
    """Kill an apply at a random request, resume it, and return what is wrong then.

    Args:
        folder: For the sandbox, the fleet file and the journal.
        accounts: How many accounts the fleet has.
        chance: Chooses the request.
    """
    # Some seven requests an account; the first one of all is that of the cloud's metadata.
    killer = Killer(chance.randint(2, 6 * accounts), is_handled=chance.random() < 0.5)
    sandbox = KillingSandbox(folder / "sandbox", killer)
    with serve(sandbox, folder, accounts) as cloud:
        killer.process = cloud.start("apply", str(cloud.fleet), "--yes")
        killer.started.set()
        killer.process.communicate()
        ended = killer.process.returncode
        wrong = [] if ended == -signal.SIGKILL else [f"it ended with {ended} before the kill"]
        resumed = cloud.start("apply", "--resume", "last")
        stdout, stderr = resumed.communicate()
        if resumed.returncode != 0:
            wrong.append(f"the resumed run ended with {resumed.returncode}: {stderr}")
        else:
            wrong += _problems(json.loads(stdout), sandbox, accounts)
    where = f"killed at request {killer.number}, {'after' if killer.is_handled else 'before'} it took effect"
    return [f"{where}: {problem}" for problem in wrong]


def _problems(result: dict[str, Any], sandbox: LoggedSandbox, accounts: int) -> Iterator[str]:
    if len(result["entries"]) != accounts:
        yield f"{len(result['entries'])} results"
    for entry in result["entries"]:
        if entry["outcome"] != "created" or entry["version"] != 1:
            yield f"{entry['name']}: {entry['outcome']}, version {entry['version']}"
    writes = Counter(sandbox.linked)
    if len(writes) != accounts or set(writes.values()) != {1}:
        yield f"{len(writes)} accounts were linked, at most {max(writes.values(), default=0)} times"


def main() -> int:
    """Kill at many moments, and return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--accounts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance, wrong = random.Random(arguments.seed), 0  # noqa: S311 - not for cryptography
    for _ in range(arguments.moments):
        with tempfile.TemporaryDirectory() as folder:
            problems = kill_and_resume(Path(folder), arguments.accounts, chance)
        wrong += len(problems)
        for problem in problems:
            print(problem, flush=True)
    print(f"{arguments.moments} kills over {arguments.accounts} accounts (seed {arguments.seed}): {wrong} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
