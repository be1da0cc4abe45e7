"""Times pallink beside a plain script and, where it is installed, `az`; see README.md."""

import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pallink.sandbox import Sandbox
from pallink.sandbox.server import SandboxServer

HERE = Path(__file__).parent
PALLINK = [str(Path(sys.executable).with_name("pallink"))]
TENANT, CLIENT, SECRET = (
    "contoso.onmicrosoft.com",
    "6be1d7c7-4712-4123-a241-8b8918c455f9",
    "sandbox-onboarding-secret",
)
PARTNER = "719878"
APPLICATION = "c5ce5ce2-aa0c-4851-93c1-7ffe11c06a4a"
WORKLOADS = "/providers/Microsoft.Management/managementGroups/workloads"
# A row of the timeline that --debug prints: start and duration.
REQUEST = re.compile(r"^[* ] +\d+ +(\d+) +(\d+) +\S+  (?:GET|POST|PUT|PATCH|DELETE) ", re.MULTILINE)


@dataclass(frozen=True)
class Measured:
    """One run of one command. Seconds; memory in MiB, of the largest process; None where the system does not tell."""

    wall: float
    cpu: float | None
    memory: float | None


@dataclass
class Command:
    """Something to time.

    Attributes:
        name: for the table.
        steps: command lines, run one after the other as one job.
        runs: what was measured.
    """

    name: str
    steps: Sequence[Sequence[str]]
    runs: list[Measured] = field(default_factory=list)

    def run(self, environment: dict[str, str]) -> None:
        """Run the steps once, and note the sums."""
        parts = [_timed(step, environment) for step in self.steps]
        cpus = [part.cpu for part in parts if part.cpu is not None]
        memories = [part.memory for part in parts if part.memory is not None]
        self.runs.append(
            Measured(
                sum(part.wall for part in parts),
                sum(cpus) if len(cpus) == len(parts) else None,
                max(memories) if memories else None,
            )
        )

    def median(self, what: str) -> float | None:
        """The median of one figure."""
        values = [value for run in self.runs if (value := getattr(run, what)) is not None]
        return statistics.median(values) if values else None


def _timed(step: Sequence[str], environment: dict[str, str]) -> Measured:
    started = time.perf_counter()
    process = subprocess.Popen(
        step, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said = process.stderr.read() if process.stderr else b""
    if hasattr(os, "wait4"):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        # Linux counts kibibytes, macOS bytes.
        memory = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
        measured = Measured(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, memory)
    else:
        process.wait()
        measured = Measured(time.perf_counter() - started, None, None)
    if process.stderr:
        process.stderr.close()
    if process.returncode:
        raise SystemExit(f"{' '.join(step)} ended with {process.returncode}:\n{said.decode()}")
    return measured


def compare(
    title: str,
    first: Command,
    others: Sequence[Command],
    *,
    runs: int,
    environment: dict[str, str],
    before: Callable[[], None],
) -> None:
    """Run the commands in turn, a first round uncounted, and print a table of medians and paired ratios."""
    commands = [first, *others]
    for _ in range(runs + 1):
        for command in commands:
            before()
            command.run(environment)
    for command in commands:
        del command.runs[0]
    print(f"\n### {title}\n")
    print("| command | wall ms | CPU ms | memory MiB | wall ratio (min to max) | CPU ratio |")
    print("|---|---|---|---|---|---|")
    for command in commands:
        wall, cpu = _ratios(first, command, "wall"), _ratios(first, command, "cpu")
        print(
            f"| {command.name} | {_number(command.median('wall'), 1000)} | {_number(command.median('cpu'), 1000)}"
            f" | {_number(command.median('memory'))} | {wall} | {cpu} |"
        )
    print(flush=True)


def _ratios(first: Command, other: Command, what: str) -> str:
    """The first command against the other, pair by pair: the median, and the spread."""
    if first is other:
        return ""
    pairs = [(getattr(a, what), getattr(b, what)) for a, b in zip(first.runs, other.runs, strict=True)]
    ratios = [a / b for a, b in pairs if a is not None and b]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""


def _number(value: float | None, factor: float = 1) -> str:
    return "" if value is None else f"{value * factor:.0f}"


@dataclass
class Served:
    """The sandbox on loopback, and the environment in which an application signs in to it."""

    sandbox: Sandbox
    origin: str
    environment: dict[str, str]

    def fresh(self, delay: int, subscriptions: int = 0) -> None:
        """Back to the world as it came: no link, no valid token."""
        self.sandbox.reset()
        self.sandbox.set("response-delay", str(delay))
        if subscriptions:
            # The application has to see them all.
            self.sandbox.assign(principal_id=APPLICATION, role="Reader", scope=WORKLOADS)
            self.sandbox.grow(subscriptions)


@contextmanager
def served() -> Iterator[Served]:
    """Serve a sandbox of its own for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Sandbox(Path(folder) / "sandbox")
        with SandboxServer(sandbox) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            environment = {
                name: value for name, value in os.environ.items() if not name.startswith(("PALLINK_", "AZURE_"))
            }
            environment |= {
                "AZURE_TENANT_ID": TENANT,
                "AZURE_CLIENT_ID": CLIENT,
                "AZURE_CLIENT_SECRET": SECRET,
                "REQUESTS_CA_BUNDLE": str(server.authority),
                "PALLINK_CACHE_HOME": str(Path(folder) / "cache"),
                "PALLINK_HOME": str(Path(folder) / "home"),
                "AZURE_CONFIG_DIR": str(Path(folder) / "az"),
            }
            yield Served(sandbox, server.origin, environment)
            server.stop()
            thread.join()


def start_up(runs: int, _served: Served) -> None:
    """Help and version against a one-command program."""
    small = [sys.executable, str(HERE / "one_command.py"), "--help"]
    for option in ("--version", "--help"):
        compare(
            f"pallink {option}",
            Command(f"pallink {option}", [[*PALLINK, option]]),
            [Command("one-command Typer program", [small])],
            runs=runs,
            environment=dict(os.environ),
            before=lambda: None,
        )


def link(runs: int, cloud: Served) -> None:
    """A cold link by client secret, without a delay and with 100 ms per response."""
    for delay in (0, 100):
        others = [Command("plain script", [[sys.executable, str(HERE / "plain_script.py"), cloud.origin, PARTNER]])]
        others += [Command("az", steps) for steps in _az(cloud)]
        compare(
            f"pallink link, cold, {delay} ms per response",
            Command("pallink link", [[*PALLINK, "link", PARTNER, "-o", "json", "--cloud", cloud.origin]]),
            others,
            runs=runs,
            environment=cloud.environment,
            before=partial(cloud.fresh, delay),
        )


def chains(_runs: int, cloud: Served) -> None:
    """How many requests, and how many of them in a row."""
    print("\n### Requests, cold, by client secret, a custom cloud's metadata kept, 100 ms per response\n")
    print("| command | requests | longest chain |")
    print("|---|---|---|")
    # Once uncounted, so that the cloud's metadata is kept as it is on every day but the first.
    subprocess.run(
        [*PALLINK, "whoami", "--cloud", cloud.origin], env=cloud.environment, check=True, capture_output=True
    )
    for words in (["link", PARTNER], ["verify", PARTNER, "--role-check", "warn"], ["show"]):
        if words[0] != "show":
            cloud.fresh(100)
        if words[0] == "verify":
            subprocess.run(
                [*PALLINK, "link", PARTNER, "--cloud", cloud.origin, "--quiet", "-o", "json"],
                env=cloud.environment,
                check=True,
                capture_output=True,
            )
        done = subprocess.run(
            [*PALLINK, *words, "--cloud", cloud.origin, "--debug"],
            env=cloud.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        spans = [(int(start), int(start) + int(length)) for start, length in REQUEST.findall(done.stderr)]
        print(f"| pallink {words[0]} | {len(spans)} | {longest_chain(spans)} |")
    print(flush=True)


def longest_chain(spans: Sequence[tuple[int, int]]) -> int:
    """The largest number of spans (start, end) of which each begins when the one before has ended."""
    chain: dict[tuple[int, int], int] = {}
    for span in sorted(spans, key=lambda each: each[1]):
        chain[span] = 1 + max((length for other, length in chain.items() if other[1] <= span[0]), default=0)
    return max(chain.values(), default=0)


def many(runs: int, cloud: Served) -> None:
    """Check over more and more subscriptions, 100 ms per response."""
    for count in (1, 10, 100, 1000):
        one_by_one = [sys.executable, str(HERE / "plain_script.py"), cloud.origin, PARTNER, "every"]
        compare(
            f"pallink check, {count} generated subscriptions, 100 ms per response",
            Command("pallink check", [[*PALLINK, "check", "-o", "json", "--cloud", cloud.origin]]),
            [Command("plain script, one after the other", [one_by_one])],
            runs=min(runs, 3) if count == 1000 else runs,
            environment=cloud.environment,
            before=partial(cloud.fresh, 100, count),
        )


def _az(cloud: Served) -> Iterator[Sequence[Sequence[str]]]:
    """The job as people do it with `az`, where it is installed and can be pointed at the sandbox."""
    az = shutil.which("az")
    if az is None:
        return
    name = "pallink-benchmark"
    register = [
        *(az, "cloud", "register", "--name", name, "--endpoint-resource-manager", cloud.origin),
        *("--endpoint-active-directory", cloud.origin, "--endpoint-active-directory-resource-id", cloud.origin),
    ]
    if subprocess.run(register, env=cloud.environment, capture_output=True, check=False).returncode:
        print("az: the sandbox cannot be registered as a cloud; its rows are left out")
        return
    subprocess.run([az, "cloud", "set", "--name", name], env=cloud.environment, capture_output=True, check=False)
    partners = f"{cloud.origin}/providers/Microsoft.ManagementPartner/partners"
    version = "api-version=2018-02-01"
    rest = [az, "rest", "--resource", cloud.origin]
    yield [
        [az, "login", "--service-principal", "--username", CLIENT, "--password", SECRET, "--tenant", TENANT],
        [az, "account", "show"],
        [az, "role", "assignment", "list", "--all", "--include-inherited"],
        [*rest, "--method", "put", "--url", f"{partners}/{PARTNER}?{version}"],
        [*rest, "--method", "get", "--url", f"{partners}?{version}"],
    ]


SECTIONS: dict[str, Callable[[int, Served], None]] = {
    "start-up": start_up,
    "requests": chains,
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
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"medians of {arguments.runs} runs in turn; ratios are pallink against the other, pair by pair")
    with served() as cloud:
        for name in chosen:
            SECTIONS[name](arguments.runs, cloud)


if __name__ == "__main__":
    main()
