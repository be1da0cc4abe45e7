"""Run commands in turn, and print tables of the time and memory that they take."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Measured:
    """One run of one command.

    Attributes:
        wall: Seconds.
        cpu: Seconds; None if the system does not report it.
        memory: The peak of the largest process in MiB; None if the system does not report it.
    """

    wall: float
    cpu: float | None
    memory: float | None


@dataclass
class Command:
    """A command to measure.

    Attributes:
        name: Its name in the table.
        steps: The command lines, run one after the other as one job.
        runs: The measurements.
    """

    name: str
    steps: Sequence[Sequence[str]]
    runs: list[Measured] = field(default_factory=list)

    def run(self, environment: dict[str, str]) -> None:
        """Run the steps once, and record the sums."""
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

    def median(self, figure: str) -> float | None:
        """Return the median of one figure: `wall`, `cpu` or `memory`."""
        values = [value for run in self.runs if (value := getattr(run, figure)) is not None]
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
        commands: The commands to compare; the measurements are added to them.
        runs: The number of measured runs of each command.
        environment: The environment variables of the commands.
        before: Called before each run.
        warm_up: Whether to run one more round first, which is not measured.
    """
    for _ in range(runs + warm_up):
        for command in commands:
            before()
            command.run(environment)
    if warm_up:
        for command in commands:
            del command.runs[0]


def print_comparison(title: str, first: Command, others: Sequence[Command]) -> None:
    """Print the medians, and the ratios of the first command to the others."""
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


def ratios(first: Command, other: Command, figure: str, *, factor: float = 1) -> str:
    """Return the ratio of the first command to the other, pair by pair: the median with the spread.

    Args:
        first: The first command.
        other: The other one.
        figure: What is compared: `wall`, `cpu` or `memory`.
        factor: The share of the first command's work that the other one does.
    """
    if first is other:
        return ""
    pairs = [(getattr(a, figure), getattr(b, figure)) for a, b in zip(first.runs, other.runs, strict=True)]
    found = [factor * a / b for a, b in pairs if a is not None and b]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})" if found else ""


def number(value: float | None, factor: float = 1, digits: int = 0) -> str:
    """Format a figure for a table; None is empty."""
    return "" if value is None else f"{value * factor:.{digits}f}"


def _timed(step: Sequence[str], environment: dict[str, str]) -> Measured:
    started = time.perf_counter()
    process = subprocess.Popen(
        step, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    stderr = process.stderr.read() if process.stderr else b""
    if hasattr(os, "wait4"):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        # Linux reports kibibytes, macOS bytes.
        memory = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
        measured = Measured(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, memory)
    else:
        process.wait()
        measured = Measured(time.perf_counter() - started, None, None)
    if process.stderr:
        process.stderr.close()
    if process.returncode:
        raise SystemExit(f"{' '.join(step)} exited with {process.returncode}:\n{stderr.decode()}")
    return measured
