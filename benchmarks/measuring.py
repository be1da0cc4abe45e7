"""Runs commands in turn, and makes tables of what they took."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


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


def run_in_turn(
    commands: Sequence[Command],
    *,
    runs: int,
    environment: dict[str, str],
    before: Callable[[], None],
    warm_up: bool = True,
) -> None:
    """Run the commands in turn (A, B, A, B, ...).

    Args:
        commands: those to compare; what is measured is noted in them.
        runs: counted runs of each.
        environment: theirs.
        before: called before each run.
        warm_up: whether a first round is not counted.
    """
    for _ in range(runs + warm_up):
        for command in commands:
            before()
            command.run(environment)
    if warm_up:
        for command in commands:
            del command.runs[0]


def print_comparison(title: str, first: Command, others: Sequence[Command]) -> None:
    """Print the medians, and the ratios of the first command to each other one."""
    print(f"\n### {title}, {len(first.runs)} runs\n")
    print("| command | wall ms | CPU ms | memory MiB | wall ratio (min to max) | CPU ratio |")
    print("|---|---|---|---|---|---|")
    for command in (first, *others):
        wall, cpu = ratios(first, command, "wall"), ratios(first, command, "cpu")
        print(
            f"| {command.name} | {number(command.median('wall'), 1000)} | {number(command.median('cpu'), 1000)}"
            f" | {number(command.median('memory'))} | {wall} | {cpu} |"
        )
    print(flush=True)


def ratios(first: Command, other: Command, what: str) -> str:
    """The first command against the other, pair by pair: the median, and the spread."""
    if first is other:
        return ""
    pairs = [(getattr(a, what), getattr(b, what)) for a, b in zip(first.runs, other.runs, strict=True)]
    found = [a / b for a, b in pairs if a is not None and b]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})" if found else ""


def number(value: float | None, factor: float = 1, digits: int = 0) -> str:
    """A figure for a table; empty where there is none."""
    return "" if value is None else f"{value * factor:.{digits}f}"


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
