"""Lets programs that nobody here wrote work with the served sandbox: `python -m conformance`; see README.md."""

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.expected import differences

HERE = Path(__file__).parent
BIN = "Scripts" if sys.platform == "win32" else "bin"
PALLINK = [sys.executable, "-m", "pallink"]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pallink-conformance"


class NotRunError(Exception):
    """Something that a client needs is not on this machine."""


@dataclass
class Served:
    """The sandbox, served by a process of its own.

    Attributes:
        origin: Where.
        environment: The variables of whoever works with it: trust, the application, and nothing of Azure's beside.
        sections: The lines that it printed for other terminals, by section.
        folder: For what a client leaves behind.
    """

    origin: str
    environment: dict[str, str]
    sections: dict[str, str]
    folder: Path

    def pallink(self, *words: str) -> str:
        """Run pallink on the sandbox's own file, and return what it prints."""
        return subprocess.run(
            [*PALLINK, *words], env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def links(self) -> list[dict[str, Any]]:
        """Return the links as the sandbox has them, whatever a client was told."""
        links: list[dict[str, Any]] = json.loads(self.pallink("sandbox", "show", "-o", "json"))["links"]
        return links


@contextlib.contextmanager
def served() -> Iterator[Served]:
    """Serve a sandbox of its own for as long as the block lasts, and see to it that it stops in good order."""
    with tempfile.TemporaryDirectory(prefix="pallink-conformance-") as name:
        folder = Path(name)
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PALLINK_", "AZURE_", "ARM_")) and key not in {"REQUESTS_CA_BUNDLE", "CI"}
        }
        environment |= {
            "PALLINK_SANDBOX_HOME": str(folder / "sandbox"),
            "PALLINK_HOME": str(folder / "home"),
            "PALLINK_CACHE_HOME": str(folder / "cache"),
        }
        with subprocess.Popen(
            [*PALLINK, "sandbox", "serve", "--shell", "sh", "-o", "json"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            said: list[str] = []
            reader = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
            reader.start()
            try:
                document = "".join(iter(process.stdout.readline, "}\n")) + "}"
                described = json.loads(document)
                authority = described["authority"]
                environment |= {
                    "SANDBOX_ORIGIN": described["origin"],
                    "REQUESTS_CA_BUNDLE": authority,
                    "NODE_EXTRA_CA_CERTS": authority,
                    **_application(environment),
                }
                yield Served(described["origin"], environment, _sections("".join(said)), folder)
            finally:
                process.terminate()
                process.wait(timeout=60)
                reader.join(60)
        if sys.platform != "win32" and (process.returncode or "stopped" not in said[-1]):
            raise SystemExit(f"pallink sandbox serve ended with {process.returncode}:\n{''.join(said)}")


def _application(environment: dict[str, str]) -> dict[str, str]:
    command = [*PALLINK, "sandbox", "env", "client-secret", "-o", "json"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    variables: dict[str, str] = json.loads(done.stdout)
    return variables


def _sections(text: str) -> dict[str, str]:
    """Take the printed lines apart: a heading that names the section, then its lines, until an empty one."""
    return dict(re.findall(r"^# (\w+): .*\n((?:.+\n)+)", text, re.MULTILINE))


# --- What the clients run in -----------------------------------------------------------------------------------------


@dataclass
class Tools:
    """Makes the clients' environments, at their first use, in a folder that later runs find again."""

    cache: Path

    def python(self, name: str) -> Path:
        """Return the folder of the programs of a virtual environment with requirements/NAME.txt in it."""
        requirements = HERE / "requirements" / f"{name}.txt"
        wanted = f"{sys.version_info[:2]}\n{requirements.read_text(encoding='utf-8')}"
        folder = self.cache / name
        made = folder / "made-of"
        if not made.exists() or made.read_text(encoding="utf-8") != wanted:
            _note(f"making {folder}")
            venv.create(folder, clear=True, with_pip=True)
            python = str(folder / BIN / "python")
            _must([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)])
            made.write_text(wanted, encoding="utf-8")
        return folder / BIN

    def node(self) -> Path:
        """Return the folder in which Node finds the packages of package.json."""
        if shutil.which("node") is None or (npm := shutil.which("npm")) is None:
            raise NotRunError("Node.js with npm is not installed")
        lock = (HERE / "package-lock.json").read_text(encoding="utf-8")
        folder = self.cache / "node"
        made = folder / "made-of"
        if not made.exists() or made.read_text(encoding="utf-8") != lock:
            _note(f"making {folder}")
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, folder)
            _must([npm, "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder)
            made.write_text(lock, encoding="utf-8")
        return folder


def _must(command: Sequence[str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotRunError(f"{' '.join(command)} ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")


# --- The clients -----------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What became of a client.

    Attributes:
        summary: In a few words.
        problems: What was not as it should be; None: it was not run.
    """

    summary: str
    problems: list[str] | None = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """The word for the table."""
        return "not run" if self.problems is None else "FAILED" if self.problems else "passed"


def steps(cloud: Served, command: Sequence[str], extra: dict[str, str], cwd: Path | None = None) -> Outcome:
    """Let a client take its steps, show what it was told, and compare that with what it should have been told."""
    started = time.perf_counter()
    done = subprocess.run(
        command, env={**cloud.environment, **extra}, cwd=cwd, stdout=subprocess.PIPE, text=True, check=False
    )
    took = time.perf_counter() - started
    print(done.stdout, end="", flush=True)
    if done.returncode:
        return Outcome("it ended early", [f"it ended with {done.returncode}"])
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    problems = differences(told, cloud.links())
    return Outcome(f"{len(told)} steps in {took:.1f} s", problems)


def python_sync(cloud: Served, tools: Tools, _cases: int) -> Outcome:
    """azure-mgmt-managementpartner, synchronous."""
    return steps(cloud, [str(tools.python("python") / "python"), str(HERE / "clients" / "python_sync.py")], {})


def python_async(cloud: Served, tools: Tools, _cases: int) -> Outcome:
    """azure-mgmt-managementpartner, asynchronous."""
    return steps(cloud, [str(tools.python("python") / "python"), str(HERE / "clients" / "python_async.py")], {})


def node(cloud: Served, tools: Tools, _cases: int) -> Outcome:
    """@azure/arm-managementpartner."""
    folder = tools.node()
    # Packages are looked for from where a module lies.
    module = shutil.copy(HERE / "clients" / "node.mjs", folder)
    return steps(cloud, ["node", str(module)], {}, folder)


def az(cloud: Served, tools: Tools, _cases: int) -> Outcome:
    """The Azure CLI."""
    extra = {
        "AZ": str(tools.python("az") / ("az.bat" if sys.platform == "win32" else "az")),
        "AZURE_CONFIG_DIR": str(cloud.folder / "az"),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_NO_COLOR": "true",
        "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",  # It would ask which subscription.
    }
    cloud.pallink("sandbox", "set", "device-code-answer", "approved")
    return steps(cloud, [sys.executable, str(HERE / "clients" / "azure_cli.py")], extra)


def lines(cloud: Served, tools: Tools, _cases: int) -> Outcome:
    """The lines that `pallink sandbox serve` prints, as they are."""
    if sys.platform == "win32" or shutil.which("sh") is None:
        raise NotRunError("there is no sh")
    places = [Path(sys.executable).parent]
    missing = [] if shutil.which("curl") else ["curl"]
    folder = cloud.folder
    try:
        folder = tools.node()
    except NotRunError:
        missing.append("node")
    wanted = {"settings", "pallink", "az", "curl", "python", "node"}
    problems = [f"no section for {name}" for name in sorted(wanted - cloud.sections.keys())]
    ran = []
    for name in ("pallink", "az", "curl", "python", "node"):
        if name in missing or name not in cloud.sections:
            continue
        _note(f"the lines for {name}")
        own = [tools.python(name)] if name in {"az", "python"} else places
        path = os.pathsep.join([*map(str, [*own, *places]), cloud.environment["PATH"]])
        script = f"set -e\n{cloud.sections['settings']}{cloud.sections[name]}"
        bare = {key: value for key, value in cloud.environment.items() if not key.startswith(("AZURE_", "REQUESTS_"))}
        done = subprocess.run(
            ["sh"],  # noqa: S607 - Of the system.
            input=script,
            env={**bare, "PATH": path},
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        print(done.stdout, flush=True)
        ran.append(name)
        if done.returncode or "Mekorma" not in done.stdout:
            problems.append(f"the lines for {name} ended with {done.returncode}")
    left = f"; not run: {', '.join(missing)}" if missing else ""
    return Outcome(f"{', '.join(ran)}{left}", problems)


def schemathesis(cloud: Served, tools: Tools, cases: int) -> Outcome:
    """Requests that nobody thought of, from the description in openapi.yaml."""
    program = tools.python("schemathesis") / "schemathesis"
    done = subprocess.run(
        [
            str(program),
            *("--config-file", str(HERE / "schemathesis.toml"), "run", str(HERE / "openapi.yaml")),
            *("--url", cloud.origin, "--tls-verify", cloud.environment["REQUESTS_CA_BUNDLE"]),
            *("--header", f"Authorization: Bearer {_token(cloud)}"),
            *("--checks", "all", "--max-examples", str(cases), "--continue-on-failure", "--no-color"),
            *("--generation-database", "none", "--report-dir", str(cloud.folder / "report")),
        ],
        env=cloud.environment,
        cwd=cloud.folder,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(done.stdout, flush=True)
    counted = re.search(r"(\d+) generated[^\n]*", done.stdout)
    problems = [f"it ended with {done.returncode}"] if done.returncode else []
    if counted is None or int(counted[1]) < cases:
        problems.append("it counted fewer cases than it was asked for")
    return Outcome(f"{counted[0]} test cases" if counted else "no count", problems)


def _token(cloud: Served) -> str:
    """Return an access token of the application's, got as any program would."""
    script = (
        "import os; from azure.identity import ClientSecretCredential as C; e = os.environ; o = e['SANDBOX_ORIGIN'];"
        "print(C(e['AZURE_TENANT_ID'], e['AZURE_CLIENT_ID'], e['AZURE_CLIENT_SECRET'], authority=o,"
        " disable_instance_discovery=True).get_token(o + '/.default').token)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=cloud.environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


CLIENTS: dict[str, Callable[[Served, Tools, int], Outcome]] = {
    "python": python_sync,
    "python-async": python_async,
    "node": node,
    "az": az,
    "lines": lines,
    "schemathesis": schemathesis,
}


def _note(text: str) -> None:
    print(f"conformance: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Run the clients that are chosen, and return what `conclude` does."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("--only", default=",".join(CLIENTS), help=f"some of {','.join(CLIENTS)}")
    parser.add_argument("--cases", type=int, default=500, help="Schemathesis' test cases for each operation")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"for the clients' environments; default: {CACHE}")
    chosen = parser.parse_args()
    names = [name.strip() for name in chosen.only.split(",")]
    if unknown := set(names) - CLIENTS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(CLIENTS)}")
    outcomes: dict[str, Outcome] = {}
    with served() as cloud:
        for name in names:
            print(f"\n## {name}\n", flush=True)
            cloud.pallink("sandbox", "reset")
            try:
                outcomes[name] = CLIENTS[name](cloud, Tools(chosen.cache), chosen.cases)
            except NotRunError as error:
                outcomes[name] = Outcome(str(error), None)
            for problem in outcomes[name].problems or ():
                print(f"PROBLEM: {problem}", flush=True)
    return conclude(outcomes)


def conclude(outcomes: dict[str, Outcome]) -> int:
    """Print the table; return 1 where a client failed, else 2 where one was not run, else 0."""
    print("\n| client | verdict | |\n|---|---|---|")
    for name, outcome in outcomes.items():
        print(f"| {name} | {outcome.verdict} | {outcome.summary} |")
    if any(each.problems for each in outcomes.values()):
        return 1
    return 2 if any(each.problems is None for each in outcomes.values()) else 0
