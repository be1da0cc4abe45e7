"""Times pallink beside a plain script and, where it is installed, `az`; see README.md."""

import argparse
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import distribution, version
from pathlib import Path

from measuring import Command, number, print_comparison, ratios, run_in_turn
from served import APPLICATION, CLIENT, PARTNER, SECRET, TENANT, Served, plain_environment, served

import pallink

HERE = Path(__file__).parent
PALLINK = [str(Path(sys.executable).with_name("pallink"))]

# What --debug prints at its end. The longest chain is of requests each of which began when the one before had ended.
REQUEST = re.compile(r"^[* ] +\d+ +(\d+) +(\d+) +\S+  (?:GET|POST|PUT|PATCH|DELETE) ", re.MULTILINE)


def start_up(runs: int, _served: Served) -> None:
    """Help and version against a one-command program."""
    for option in ("--version", "--help"):
        first = Command(f"pallink {option}", [[*PALLINK, option]])
        small = Command("one-command Typer program", [[sys.executable, str(HERE / "one_command.py"), option]])
        run_in_turn([first, small], runs=runs, environment=plain_environment(), before=lambda: None)
        print_comparison(f"pallink {option}", first, [small])


def requests(_runs: int, cloud: Served) -> None:
    """How many requests, and how many of them in a row."""
    print("\n### Requests, cold, by client secret, a custom cloud's metadata kept, 100 ms per response\n")
    print("| command | requests | longest chain |")
    print("|---|---|---|")
    cloud.fresh(0)
    # Once uncounted, so that the cloud's metadata is kept as it is on every day but the first.
    _run([*PALLINK, "whoami", "--cloud", cloud.origin], cloud)
    for words in (["link", PARTNER], ["verify", PARTNER, "--role-check", "warn"], ["show"]):
        cloud.fresh(0)
        if words[0] != "link":
            _run([*PALLINK, "link", PARTNER, "--cloud", cloud.origin, "--quiet", "-o", "json"], cloud)
        cloud.sandbox.set("response-delay", "100")
        cloud.sandbox.asked.clear()
        said = _run([*PALLINK, *words, "--cloud", cloud.origin, "--debug"], cloud)
        spans = [(int(start), int(start) + int(length)) for start, length in REQUEST.findall(said)]
        print(f"| pallink {words[0]} | {len(spans)} | {longest_chain(spans)} |")
        if words[0] == "link":
            asked = sorted(cloud.sandbox.asked)
    for command in [_plain_script(cloud), *_az(cloud)]:
        cloud.fresh(0)
        for step in command.steps:
            _run(step, cloud)
        count = len(cloud.sandbox.asked)
        print(f"| {command.name} | {count} | {count} |")
        if command.name == "plain script":
            are_the_same = sorted(cloud.sandbox.asked) == asked
    print(f"\nThe plain script and pallink link ask for the same: {'yes' if are_the_same else 'no'}", flush=True)


def longest_chain(spans: Sequence[tuple[int, int]]) -> int:
    """The largest number of spans (start, end) of which each begins when the one before has ended."""
    chain: dict[tuple[int, int], int] = {}
    for span in sorted(spans, key=lambda each: each[1]):
        chain[span] = 1 + max((length for other, length in chain.items() if other[1] <= span[0]), default=0)
    return max(chain.values(), default=0)


def link(runs: int, cloud: Served) -> None:
    """A cold link by client secret, without a delay and with 100 ms per response."""
    for delay in (0, 100):
        first = Command("pallink link", [[*PALLINK, "link", PARTNER, "-o", "json", "--cloud", cloud.origin]])
        others = [_plain_script(cloud), *_az(cloud)]
        run_in_turn([first, *others], runs=runs, environment=cloud.environment, before=partial(cloud.fresh, delay))
        print_comparison(f"pallink link, cold, {delay} ms per response", first, others)


def many(runs: int, cloud: Served) -> None:
    """Check over more and more subscriptions, 100 ms per response."""
    print("\n### pallink check, 100 ms per response; beside it the plain script, one subscription after the other\n")
    print(
        "| generated subscriptions | runs | wall s | plain script s | times as fast (min to max) | CPU ms | memory MiB"
        " | CPU ms for each further one | memory KiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    before: tuple[int, float, float] | None = None
    for count in (1, 10, 100, 1000):
        check = Command("pallink check", [[*PALLINK, "check", "-o", "json", "--cloud", cloud.origin]])
        script = _plain_script(cloud, "every")
        run_in_turn(
            [check, script],
            runs=runs,
            environment=cloud.environment,
            before=partial(cloud.fresh, 100, count),
            warm_up=count < 1000,
        )
        cpu, memory = check.median("cpu"), check.median("memory")
        each = ["", ""]
        if cpu is not None and memory is not None:
            if before is not None:
                further = count - before[0]
                each = [number((cpu - before[1]) / further, 1000, 1), number((memory - before[2]) / further, 1024, 1)]
            before = count, cpu, memory
        print(
            f"| {count} | {runs} | {number(check.median('wall'), digits=2)} | {number(script.median('wall'), digits=2)}"
            f" | {ratios(script, check, 'wall')} | {number(cpu, 1000)} | {number(memory, digits=1)}"
            f" | {' | '.join(each)} |",
            flush=True,
        )


def _plain_script(cloud: Served, *words: str) -> Command:
    return Command("plain script", [[sys.executable, str(HERE / "plain_script.py"), cloud.origin, PARTNER, *words]])


def _az(cloud: Served) -> Iterator[Command]:
    """The job as people do it with `az`, where it is installed."""
    az = shutil.which("az")
    if az is None:
        return
    name = "pallink-benchmark"
    if name not in _run([az, "cloud", "list", "--query", "[].name", "-o", "tsv"], cloud, "stdout"):
        _run([az, "cloud", "register", "--name", name, "--endpoint-resource-manager", cloud.origin], cloud)
        _run([az, "cloud", "set", "--name", name], cloud)
    partners = "/providers/Microsoft.ManagementPartner/partners"
    query = "api-version=2018-02-01"
    yield Command(
        f"az {_az_version(az)}",
        [
            [az, "login", "--service-principal", "--username", CLIENT, "--password", SECRET, "--tenant", TENANT],
            [az, "account", "show"],
            [az, "role", "assignment", "list", "--assignee", APPLICATION, "--all", "--include-inherited"],
            [az, "rest", "--method", "put", "--url", f"{partners}/{PARTNER}?{query}"],
            [az, "rest", "--method", "get", "--url", f"{partners}?{query}"],
        ],
    )


def _az_version(az: str) -> str:
    said = subprocess.run([az, "version"], capture_output=True, check=True, env=plain_environment()).stdout
    return str(json.loads(said)["azure-cli"])


def _run(step: Sequence[str], cloud: Served, stream: str = "stderr") -> str:
    done = subprocess.run(step, env=cloud.environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(step)} ended with {done.returncode}:\n{done.stderr}")
    return str(getattr(done, stream))


def _describe_machine(runs: int) -> None:
    """Say what was measured where, and what about it is not as people have it."""
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}")
    names = ("pallink", "typer", "azure-identity", "azure-core", "msal", "requests")
    print(", ".join(f"{name} {version(name)}" for name in names))
    print(f"medians of {runs} runs in turn; ratios are pallink against the other, pair by pair")
    origin = distribution("pallink").read_text("direct_url.json")
    if origin and json.loads(origin).get("dir_info", {}).get("editable"):
        print("note: pallink is installed editable: people install it otherwise, and its start is quicker then")
    if not Path(importlib.util.cache_from_source(str(pallink.__file__))).exists():
        print("note: pallink has no bytecode yet: its first run compiles it")


SECTIONS: dict[str, Callable[[int, Served], None]] = {
    "start-up": start_up,
    "requests": requests,
    "link": link,
    "many": many,
}


def main() -> None:
    """Run the sections that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="counted runs of each command (default: 10)")
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"of {', '.join(SECTIONS)} (default: all)")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",")
    unknown = sorted(set(chosen) - set(SECTIONS))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    _describe_machine(arguments.runs)
    with served() as cloud:
        for name in chosen:
            SECTIONS[name](arguments.runs, cloud)


if __name__ == "__main__":
    main()
