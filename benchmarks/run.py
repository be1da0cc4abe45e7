"""Compare pallink's time with that of a plain script and, if it is installed, `az`; see README.md."""

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
from served import (
    APPLICATION,
    CLIENT,
    CONSULTANT,
    OWN_TENANTS,
    PARTNER,
    SECRET,
    TENANT,
    Served,
    generated_tenants,
    plain_environment,
    served,
)

import pallink

HERE = Path(__file__).parent
PALLINK = [str(Path(sys.executable).with_name("pallink"))]

# A request in the timeline at the end of --debug: when it began, and how long it took.
REQUEST = re.compile(r"^[* ] +\d+ +(\d+) +(\d+) +\S+  (?:GET|POST|PUT|PATCH|DELETE) ", re.MULTILINE)


def start_up(runs: int, _served: Served) -> None:
    """Compare help and version with those of a one-command program."""
    for option in ("--version", "--help"):
        first = Command(f"pallink {option}", [[*PALLINK, option]])
        small = Command("one-command Typer program", [[sys.executable, str(HERE / "one_command.py"), option]])
        run_in_turn([first, small], runs=runs, environment=plain_environment(), before=lambda: None)
        print_comparison(f"pallink {option}", first, [small])


def requests(_runs: int, cloud: Served) -> None:
    """Count the requests, and those that have to wait for one another."""
    print("\n### Requests, cold, by client secret, a custom cloud's metadata kept, 100 ms per response\n")
    print("| command | requests | longest chain |")
    print("|---|---|---|")
    cloud.fresh(0)
    # Once without counting, so that the cloud's metadata is cached, as it is on every day but the first.
    _run([*PALLINK, "whoami", "--cloud", cloud.origin], cloud)
    for words in (["link", PARTNER], ["verify", PARTNER, "--role-check", "warn"], ["show"]):
        cloud.fresh(0)
        if words[0] != "link":
            _run([*PALLINK, "link", PARTNER, "--cloud", cloud.origin, "--quiet", "-o", "json"], cloud)
        cloud.sandbox.set("response-delay", "100")
        cloud.sandbox.requested.clear()
        stderr = _run([*PALLINK, *words, "--cloud", cloud.origin, "--debug"], cloud)
        spans = [(int(start), int(start) + int(length)) for start, length in REQUEST.findall(stderr)]
        print(f"| pallink {words[0]} | {len(spans)} | {longest_chain(spans)} |")
        if words[0] == "link":
            requested = sorted(cloud.sandbox.requested)
    for command in [_plain_script(cloud), *_az(cloud)]:
        cloud.fresh(0)
        for step in command.steps:
            _run(step, cloud)
        count = len(cloud.sandbox.requested)
        print(f"| {command.name} | {count} | {count} |")
        if command.name == "plain script":
            are_the_same = sorted(cloud.sandbox.requested) == requested
    print(f"\nThe plain script sends the same requests as pallink link: {'yes' if are_the_same else 'no'}", flush=True)


def longest_chain(spans: Sequence[tuple[int, int]]) -> int:
    """Return the length of the longest chain of spans (start, end) that begin after the previous one has ended."""
    chain: dict[tuple[int, int], int] = {}
    for span in sorted(spans, key=lambda span: span[1]):
        chain[span] = 1 + max((length for other, length in chain.items() if other[1] <= span[0]), default=0)
    return max(chain.values(), default=0)


def link(runs: int, cloud: Served) -> None:
    """Compare a cold link by client secret, without delay and with 100 ms per response."""
    for delay in (0, 100):
        first = Command("pallink link", [[*PALLINK, "link", PARTNER, "-o", "json", "--cloud", cloud.origin]])
        others = [_plain_script(cloud), *_az(cloud)]
        run_in_turn([first, *others], runs=runs, environment=cloud.environment, before=partial(cloud.fresh, delay))
        print_comparison(f"pallink link, cold, {delay} ms per response", first, others)


def many(runs: int, cloud: Served) -> None:
    """Compare check over 1 to 1,000 subscriptions, 100 ms per response."""
    print("\n### pallink check, 100 ms per response, and the plain script, one subscription after the other\n")
    print(
        "| generated subscriptions | runs | wall s | plain script s | times as fast (min to max) | CPU ms | memory MiB"
        " | CPU ms per additional one | memory KiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    previous: tuple[int, float, float] | None = None
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
        per_subscription = ["", ""]
        if cpu is not None and memory is not None:
            if previous is not None:
                added = count - previous[0]
                per_subscription = [
                    number((cpu - previous[1]) / added, 1000, 1),
                    number((memory - previous[2]) / added, 1024, 1),
                ]
            previous = count, cpu, memory
        print(
            f"| {count} | {runs} | {number(check.median('wall'), digits=2)} | {number(script.median('wall'), digits=2)}"
            f" | {ratios(script, check, 'wall')} | {number(cpu, 1000)} | {number(memory, digits=1)}"
            f" | {' | '.join(per_subscription)} |",
            flush=True,
        )


def fleet(runs: int, cloud: Served) -> None:
    """Compare fleet apply over 1,000 applications in 40 tenants with a script, 100 ms per response; and its memory."""
    concurrency = "32"
    runs = max(1, runs // 5)
    file = Path(cloud.environment["PALLINK_HOME"]).with_name("fleet.yaml")
    print(f"\n### pallink fleet apply, 40 tenants, {concurrency} at a time, and a script in threads\n")
    print("| accounts | ms per response | command | runs | accounts/s | CPU ms each | memory MiB | CPU ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for accounts, delay in ((1000, 100), (10_000, 0)):
        words = [
            "fleet",
            "apply",
            str(file),
            "--yes",
            "--cloud",
            cloud.origin,
            "-o",
            "none",
            "--quiet",
            "--concurrency",
            concurrency,
        ]
        apply = Command("pallink fleet apply", [[*PALLINK, *words]])
        script = Command(
            "plain script", [[sys.executable, str(HERE / "plain_fleet.py"), cloud.origin, str(file), concurrency]]
        )
        commands = [apply, script] if delay else [apply]
        run_in_turn(
            commands,
            runs=runs if delay else 1,
            environment=cloud.environment,
            before=partial(cloud.fresh_fleet, delay, accounts, file),
            warm_up=False,
        )
        for command in commands:
            wall, cpu = command.median("wall"), command.median("cpu")
            rate = number(accounts / (wall or 1), digits=1)
            print(
                f"| {accounts:,} | {delay} | {command.name} | {len(command.runs)} | {rate}"
                f" | {number(cpu, 1000 / accounts, 1)} | {number(command.median('memory'), digits=1)}"
                f" | {ratios(apply, command, 'cpu')} |",
                flush=True,
            )
    _az_loop(cloud)


def tenants(runs: int, cloud: Served) -> None:
    """Compare verify in 100 tenants of one user, many at a time, with one at a time; 100 ms per response."""
    count, delay = 100, 100
    runs = max(1, runs // 5)
    at_cloud = ["--cloud", cloud.origin]
    login = [*PALLINK, "login", "--auth", "device-code", "--allow-plain-text-cache", *at_cloud]
    verify = [*PALLINK, "verify", PARTNER, *at_cloud]
    file = Path(cloud.environment["PALLINK_HOME"]).with_name("tenants.yaml")
    file.write_text(f"version: 1\naccounts:\n  - {{account: {CONSULTANT}, tenants: all, partner: '{PARTNER}'}}\n")
    fleet_verify = [*PALLINK, "fleet", "verify", str(file), *at_cloud, "--concurrency"]
    every = Command("pallink verify --all-tenants", [[*verify, "--all-tenants"]])
    wider = Command("pallink fleet verify, 32 at a time", [[*fleet_verify, "32"]])
    one = Command("pallink fleet verify, one at a time", [[*fleet_verify, "1"]])
    loop = Command(
        "a loop over pallink verify --tenant", [[*verify, "--tenant", domain] for domain in generated_tenants(10)]
    )
    numbers = {every.name: count, wider.name: count, one.name: count, loop.name: len(loop.steps)}
    environment = cloud.as_user()
    before = partial(cloud.fresh_sign_in, delay, lambda: _run(login, cloud, environment=environment))
    cloud.fresh(0)
    cloud.limit_as_documented()
    cloud.sandbox.grow(tenants=count - len(OWN_TENANTS), guest=CONSULTANT)
    before()
    _run([*PALLINK, "link", PARTNER, "--all-tenants", "--yes", *at_cloud], cloud, environment=environment)
    requested: dict[str, int] = {}
    for _ in range(runs):
        for command in (every, wider, one, loop):
            before()
            command.run(environment)
            requested[command.name] = len(cloud.sandbox.requested)
    print(f"\n### {count} tenants of one user, {delay} ms per response, new tokens, at the documented limits\n")
    print("| command | tenants | runs | wall s | CPU s | memory MiB | requests each | times as fast, each |")
    print("|---|---|---|---|---|---|---|---|")
    for command in (every, wider, one, loop):
        number_of_tenants = numbers[command.name]
        print(
            f"| {command.name} | {number_of_tenants} | {len(command.runs)} | {number(command.median('wall'), digits=2)}"
            f" | {number(command.median('cpu'), digits=2)} | {number(command.median('memory'))}"
            f" | {requested[command.name] / number_of_tenants:.1f}"
            f" | {ratios(one, command, 'wall', factor=number_of_tenants / count)} |",
            flush=True,
        )


def _az_loop(cloud: Served, accounts: int = 10, delay: int = 100) -> None:
    """Print how many accounts a loop over `az` links in a second, if it is installed."""
    for command in _az(cloud):
        environment = cloud.environment
        before = partial(cloud.fresh, delay)
        run_in_turn([command], runs=accounts, environment=environment, before=before, warm_up=False)
        wall = command.median("wall") or 0
        print(f"\n{command.name}, one account after the other, {delay} ms per response: {1 / wall:.2f} accounts/s")


def _plain_script(cloud: Served, *words: str) -> Command:
    return Command("plain script", [[sys.executable, str(HERE / "plain_script.py"), cloud.origin, PARTNER, *words]])


def _az(cloud: Served) -> Iterator[Command]:
    """Yield the same job with `az`, if it is installed."""
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
    stdout = subprocess.run([az, "version"], capture_output=True, check=True, env=plain_environment()).stdout
    return str(json.loads(stdout)["azure-cli"])


def _run(
    step: Sequence[str], cloud: Served, stream: str = "stderr", *, environment: dict[str, str] | None = None
) -> str:
    done = subprocess.run(step, env=environment or cloud.environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(step)} exited with {done.returncode}:\n{done.stderr}")
    return str(getattr(done, stream))


def _describe_machine(runs: int) -> None:
    """Print the machine and the versions, and notes if the installation differs from that of users."""
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}")
    names = ("pallink", "typer", "azure-identity", "azure-core", "msal", "requests")
    print(", ".join(f"{name} {version(name)}" for name in names))
    print(f"medians of {runs} runs in turn; ratios are pallink against the other, pair by pair")
    origin = distribution("pallink").read_text("direct_url.json")
    if origin and json.loads(origin).get("dir_info", {}).get("editable"):
        print("note: pallink is installed editable, and starts more slowly than in a regular installation")
    if not Path(importlib.util.cache_from_source(str(pallink.__file__))).exists():
        print("note: pallink has no bytecode yet; its first run compiles it")


SECTIONS: dict[str, Callable[[int, Served], None]] = {
    "start-up": start_up,
    "requests": requests,
    "link": link,
    "many": many,
    "fleet": fleet,
    "tenants": tenants,
}


def main() -> None:
    """Run the selected sections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="measured runs of each command (default: 10)")
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"some of {', '.join(SECTIONS)} (default: all)")
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
