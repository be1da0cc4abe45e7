"""Run one pallink command as a step of GitHub Actions or Azure Pipelines: its exit code, and its result as outputs.

    step.py PROGRAMS

PROGRAMS is the folder of pallink; `run.sh` says what the environment holds. The outputs are `linked`, `partner-id`,
`partner-name`, `exit-code` and `report`. In Azure Pipelines their names have underscores instead of hyphens.
"""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pallink.exit_codes import ExitCode
from pallink.os_errors import os_reason
from pallink.redact.text import one_line

_COMMANDS = ("verify", "link", "update", "show", "check")
_COMMANDS_WITH_PARTNER = ("verify", "link", "update")
_OPTIONS = ("account", "tenant", "client-id", "auth", "cloud")
# Left-over settings of the job must not change the output.
_UNSET = ("PALLINK_QUERY", "PALLINK_QUIET")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# As a shell's.
_CANNOT_START = 127


def read_input(name: str) -> str:
    """Return an input of the step; empty if it is not given."""
    return os.environ.get(f"INPUT_{name.upper().replace('-', '_')}", "")


def arguments(command: str, partner_id: str, report: Path | None) -> list[str]:
    """Return pallink's arguments.

    Args:
        command: The command.
        partner_id: The partner.
        report: The JUnit report to write; None if none is wanted.
    """
    words = [command, "--no-input", "--output", "json"]
    words += [f"--{name}={value}" for name in _OPTIONS if (value := read_input(name))]
    words += ["--junit", str(report)] if report else []
    return [*words, "--", partner_id] if command in _COMMANDS_WITH_PARTNER else words


class Cancellation:
    """Passes the signals that cancel the job on to a program, which may not run yet."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._is_cancelled = False
        for number in _SIGNALS:
            signal.signal(number, self._cancel)

    def _cancel(self, *_: object) -> None:
        self._is_cancelled = True
        if self._process is not None:
            self._process.terminate()

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Pass the signals on to a process, an earlier one too."""
        self._process = process
        if self._is_cancelled:
            process.terminate()


def run(words: Sequence[str], result: Path, cancellation: Cancellation) -> int:
    """Run a program and return its exit code, or that of the signal that ended it.

    Args:
        words: The program and its arguments.
        result: The file for its stdout.
        cancellation: What passes the signals on to it.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _UNSET}
    try:
        with result.open("wb") as stdout:
            process = subprocess.Popen(words, stdout=stdout, env=environ)
    except OSError as error:
        sys.stderr.write(f"error: pallink cannot be started: {os_reason(error)}: {error.filename or words[0]}\n")
        return _CANNOT_START
    cancellation.watch(process)
    code = process.wait()
    if -code in _SIGNALS:
        # Before pallink could handle it.
        sys.stderr.write("error: interrupted\n")
        return int(ExitCode.INTERRUPTED)
    if code < 0:
        sys.stderr.write(f"error: pallink was ended by signal {-code}\n")
        return 128 - code
    return code


def outputs(result: Mapping[str, Any] | None, exit_code: int, partner_id: str, report: str) -> dict[str, str]:
    """Return the outputs as text, without what controls a terminal or a CI system; unknown values are empty.

    Args:
        result: The object that pallink printed; None if it printed none.
        exit_code: pallink's exit code.
        partner_id: The expected partner.
        report: The path of the JUnit report; empty if none was written.
    """
    found = result or {}
    linked = ""
    if exit_code in (ExitCode.NOT_LINKED, ExitCode.LINKED_ELSEWHERE):
        linked = "false"
    elif "partnerId" in found:
        linked = "true" if found["partnerId"] == partner_id and not found.get("dryRun") else "false"
    return {
        "linked": linked,
        "partner-id": one_line(str(found.get("partnerId") or "")),
        "partner-name": one_line(str(found.get("partnerName") or "")),
        "exit-code": str(exit_code),
        "report": report,
    }


def for_github(values: Mapping[str, str]) -> str:
    """Return the text for the file that GITHUB_OUTPUT names, with a random delimiter: a path may have line breaks."""
    end = f"end-{uuid.uuid4()}"
    return "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())


def for_azure_pipelines(values: Mapping[str, str]) -> str:
    """Return the logging commands that set output variables of an Azure Pipelines step."""

    def escaped(value: str) -> str:
        return value.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")

    return "".join(
        f"##vso[task.setvariable variable={name.replace('-', '_')};isoutput=true]{escaped(value)}\n"
        for name, value in values.items()
    )


def set_outputs(values: Mapping[str, str]) -> None:
    """Set the outputs for the CI system that runs this script."""
    if github := os.environ.get("GITHUB_OUTPUT"):
        try:
            with Path(github).open("a", encoding="utf-8", newline="\n") as file:
                file.write(for_github(values))
        except OSError as error:
            # The exit code says more than the outputs.
            sys.stderr.write(f"warning: the outputs cannot be written to {github}: {os_reason(error)}\n")
    if os.environ.get("TF_BUILD"):
        sys.stdout.write(for_azure_pipelines(values))


def _decoded(text: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def main(programs: str) -> int:
    """Run the command of the inputs, and return the exit code of the step."""
    cancellation = Cancellation()
    home = Path(os.environ["PALLINK_ACTION_HOME"])
    command, partner_id = read_input("command") or "verify", read_input("partner-id")
    report = home / "pallink-junit.xml" if command == "verify" else None
    if report:
        report.unlink(missing_ok=True)
    result = home / "pallink-result.json"
    result.unlink(missing_ok=True)
    if command in _COMMANDS:
        pallink = Path(programs) / ("pallink.exe" if os.name == "nt" else "pallink")
        code = run([str(pallink), *arguments(command, partner_id, report)], result, cancellation)
    else:
        commands = f"{', '.join(_COMMANDS[:-1])} or {_COMMANDS[-1]}"
        sys.stderr.write(f"error: the input command is '{one_line(command)}': it must be {commands}\n")
        code = int(ExitCode.USAGE)
    text = result.read_text("utf-8", errors="replace") if result.is_file() else ""
    written = str(report) if report and report.is_file() else ""
    # First, because stdout may be closed or full.
    set_outputs(outputs(_decoded(text), code, partner_id, written))
    sys.stdout.write(text)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
