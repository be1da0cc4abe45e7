"""Runs the steps of a composite action as GitHub's runner does: environment files, inputs as variables, exit codes."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*([a-z0-9_.-]+)\s*\}\}")


@dataclass
class Ended:
    """A finished action.

    Attributes:
        code: the exit code of the step that failed, else 0.
        outputs: the action's outputs.
        summary: what the steps wrote to the job's summary.
        log: what they printed.
    """

    code: int
    outputs: dict[str, str]
    summary: str
    log: str


@dataclass
class Runner:
    """A machine that runs one composite action.

    Attributes:
        action: the action's folder.
        temp: the runner's folder for temporary files.
        environ: the job's environment.
        used: the outputs of steps that use other actions, by the name of those.
    """

    action: Path
    temp: Path
    environ: dict[str, str] = field(default_factory=dict)
    used: dict[str, dict[str, str]] = field(default_factory=dict)

    def run(self, **inputs: str) -> Ended:
        """Run the action's steps until one fails. Inputs are given with underscores."""
        definition = yaml.safe_load((self.action / "action.yml").read_text("utf-8"))
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= definition["inputs"].keys()
        context = {
            f"inputs.{name}": str(given.get(name, each.get("default"))) for name, each in definition["inputs"].items()
        }
        context |= {"github.action_path": str(self.action), "runner.temp": str(self.temp)}
        summary = self.temp / "summary.md"
        summary.touch()
        log, code = "", 0
        for step in definition["runs"]["steps"]:
            if "uses" in step:
                values = self.used[step["uses"].partition("@")[0]]
            else:
                done = self._step(step, context, summary)
                log += done.stdout
                code = done.returncode
                values = read_outputs((self.temp / "output").read_text("utf-8"))
            context |= {f"steps.{step.get('id')}.outputs.{name}": value for name, value in values.items()}
            if code:
                break
        outputs = {name: _evaluated(each["value"], context) for name, each in definition["outputs"].items()}
        return Ended(code, outputs, summary.read_text("utf-8"), log)

    def _step(self, step: dict[str, Any], context: dict[str, str], summary: Path) -> "subprocess.CompletedProcess[str]":
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "an input could become a part of the script"
        script, output = self.temp / "step.sh", self.temp / "output"
        script.write_text(step["run"])
        output.write_text("")
        environ = {
            **os.environ,
            **self.environ,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(self.action),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(self.temp),
            **{name: _evaluated(value, context) for name, value in step.get("env", {}).items()},
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],  # noqa: S607
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            env=environ,
            check=False,
        )


def _evaluated(value: str, context: dict[str, str]) -> str:
    return _EXPRESSION.sub(lambda match: context.get(match[1], ""), str(value))


def read_outputs(text: str) -> dict[str, str]:
    """Return what an output file sets: `name=value`, or `name<<END` with lines up to `END`."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, multiline, end = line.partition("<<")
        if not multiline:
            name, _, found[name] = line.partition("=")
            continue
        value = []
        for each in lines:
            if each == end:
                break
            value.append(each)
        found[name] = "\n".join(value)
    return found
