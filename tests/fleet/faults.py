"""A fleet whose service fails now and then: every entry ends done, or is truthfully reported.

`python -m tests.fleet.faults --accounts 200` lets a tenth of all responses fail, and prints what was wrong.
"""

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pallink.sandbox import Request, Response
from pallink.sandbox.http.messages import json_response
from tests.fleet.served import CLOSED, Cloud, LoggedSandbox, serve

_DONE = frozenset({"created", "unchanged"})
_KINDS = ("throttled", "unavailable", "lost before", "lost after")


class FailingSandbox(LoggedSandbox):
    """A sandbox of which a part of all responses fail: 429, 503, and lost before or after the request took effect.

    Attributes:
        part: Which part, from 0 to 1.
        failed: How many responses failed, by kind.
    """

    def __init__(self, home: Path, part: float, chance: random.Random) -> None:
        super().__init__(home)
        self.part = part
        self.failed: Counter[str] = Counter()
        self._chance = chance

    def handle(self, request: Request) -> Response:
        """Handle a request as the sandbox does, or fail."""
        with self._lock:
            kind = self._chance.choice(_KINDS) if self._chance.random() < self.part else None
            self.failed[kind or "none"] += 1
        match kind:
            case "throttled":
                return _rejection(429, "TooManyRequests")
            case "unavailable":
                return _rejection(503, "ServiceUnavailable")
            case "lost before":
                return CLOSED
        response = super().handle(request)
        return response if kind is None else CLOSED


def _rejection(status: int, code: str) -> Response:
    return json_response(status, {"error": {"code": code, "message": "Try again."}}, {"Retry-After": "0"})


def apply_and_verify(folder: Path, accounts: int, chance: random.Random, part: float = 0.1) -> list[str]:
    """Apply and verify a fleet while responses fail, and return what is wrong.

    Args:
        folder: For the sandbox, the fleet file and the journal.
        accounts: How many accounts the fleet has.
        chance: Chooses the responses that fail.
        part: Which part of them fails, from 0 to 1.
    """
    sandbox = FailingSandbox(folder / "sandbox", part, chance)
    with serve(sandbox, folder, accounts) as cloud:
        fleet = str(cloud.fleet)
        wrong = [
            *_run(cloud, sandbox, "apply", fleet, "--yes"),
            *_run(cloud, sandbox, "apply", "--resume", "last"),
            *_run(cloud, sandbox, "verify", fleet),
        ]
        sandbox.part = 0
        wrong += _run(cloud, sandbox, "apply", "--resume", "last", is_well=True)
        wrong += _run(cloud, sandbox, "verify", fleet, is_well=True)
    if set(Counter(sandbox.linked).values()) != {1} or len(set(sandbox.linked)) != accounts:
        wrong.append("an account was not linked just once")
    print(dict(sandbox.failed), flush=True)
    return wrong


def _run(cloud: Cloud, sandbox: FailingSandbox, *words: str, is_well: bool = False) -> list[str]:
    before = frozenset(sandbox.linked)
    process = cloud.start(*words)
    stdout, stderr = process.communicate()
    if not stdout:
        return [f"{words[0]} ended with {process.returncode}: {stderr}"]
    result = json.loads(stdout)
    if is_well and process.returncode != 0:
        return [f"{words[0]} ended with {process.returncode}: {entry['error']}" for entry in result["entries"]]
    totals = {outcome: count for outcome, count in result["totals"].items() if count}
    print(f"{words[0]}: exit {process.returncode}, {totals}", flush=True)
    return [f"{words[0]}: {problem}" for problem in _problems(result, before, frozenset(sandbox.linked))]


def _problems(result: dict[str, Any], before: frozenset[str], after: frozenset[str]) -> Iterator[str]:
    for entry in result["entries"]:
        name, outcome, error, account = entry["name"], entry["outcome"], entry["error"], entry["objectId"]
        if outcome in _DONE and account not in after:
            yield f"{name} is {outcome}, and not linked"
        if outcome == "differs" and account in after:
            yield f"{name} differs, and is linked"
        if outcome not in _DONE and error is None:
            yield f"{name} is {outcome} without an error"
        if error is not None and error["link"] == "unchanged" and account in after - before:
            yield f"{name} is {outcome} with its link unchanged, and was linked"


def main() -> int:
    """Apply and verify one fleet, and return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--part", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311 - not for cryptography
    with tempfile.TemporaryDirectory() as folder:
        wrong = apply_and_verify(Path(folder), arguments.accounts, chance, arguments.part)
    print("\n".join([*wrong, f"{arguments.accounts} accounts (seed {arguments.seed}): {len(wrong)} problems"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
