"""Run third-party clients against the served sandbox: `python -m conformance`; see README.md."""

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

from conformance.expected import APPLICATION, Steps, differences, role_differences

HERE = Path(__file__).parent
BIN = "Scripts" if sys.platform == "win32" else "bin"
PALLINK = [sys.executable, "-m", "pallink"]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pallink-conformance"


class NotRunError(Exception):
    """A client could not be run, because something that it needs is missing."""


@dataclass
class Served:
    """The sandbox, served by a separate process.

    Attributes:
        origin: Its URL, without a path.
        environment: The variables of a client: certificates to trust, the application, and no other Azure settings.
        sections: The lines that it printed for other terminals, by section.
        folder: A folder for the clients' files.
    """

    origin: str
    environment: dict[str, str]
    sections: dict[str, str]
    folder: Path

    def pallink(self, *words: str) -> str:
        """Run pallink on the served sandbox's file, and return its stdout."""
        return subprocess.run(
            [*PALLINK, *words], env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def links(self) -> list[dict[str, Any]]:
        """Return the links that are stored in the sandbox, independently of its responses."""
        links: list[dict[str, Any]] = json.loads(self.pallink("sandbox", "show", "-o", "json"))["links"]
        return links


@contextlib.contextmanager
def served() -> Iterator[Served]:
    """Serve a new sandbox for the duration of the block, and check that it stops cleanly."""
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
            stderr: list[str] = []
            reader = threading.Thread(target=lambda: stderr.extend(process.stderr or ()), daemon=True)
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
                yield Served(described["origin"], environment, _sections("".join(stderr)), folder)
            finally:
                process.terminate()
                process.wait(timeout=60)
                reader.join(60)
        if sys.platform != "win32" and (process.returncode or "stopped" not in stderr[-1]):
            raise SystemExit(f"pallink sandbox serve exited with {process.returncode}:\n{''.join(stderr)}")


def _application(environment: dict[str, str]) -> dict[str, str]:
    command = [*PALLINK, "sandbox", "env", "client-secret", "-o", "json"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    variables: dict[str, str] = json.loads(done.stdout)
    return variables


def _sections(text: str) -> dict[str, str]:
    """Split the printed lines into sections: a heading with the name, then the lines up to an empty one."""
    return dict(re.findall(r"^# (\w+): .*\n((?:.+\n)+)", text, re.MULTILINE))


# --- The clients' environments ---------------------------------------------------------------------------------------


@dataclass
class Tools:
    """Creates the clients' environments at their first use, in a folder that later runs reuse.

    Attributes:
        cache: The folder.
    """

    cache: Path

    def python(self, name: str) -> Path:
        """Return the program folder of a virtual environment with requirements/NAME.txt installed."""
        requirements = HERE / "requirements" / f"{name}.txt"
        wanted = f"{sys.version_info[:2]}\n{requirements.read_text(encoding='utf-8')}"
        folder = self.cache / name
        made = folder / "made-of"
        if not made.exists() or made.read_text(encoding="utf-8") != wanted:
            _log(f"creating {folder}")
            venv.create(folder, clear=True, with_pip=True)
            python = str(folder / BIN / "python")
            _install(
                [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)]
            )
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
            _log(f"creating {folder}")
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, folder)
            _install([npm, "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder)
            made.write_text(lock, encoding="utf-8")
        return folder


def _install(command: Sequence[str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotRunError(f"{' '.join(command)} exited with {done.returncode}: {(done.stderr or done.stdout).strip()}")


# --- The clients -----------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """The outcome of one client.

    Attributes:
        summary: The result in a few words.
        problems: The differences from what was expected; None if the client was not run.
    """

    summary: str
    problems: list[str] | None = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """The outcome in one word, for the table."""
        return "not run" if self.problems is None else "FAILED" if self.problems else "passed"


def steps(
    cloud: Served,
    command: Sequence[str],
    extra: dict[str, str],
    cwd: Path | None = None,
    *,
    find: Callable[[Steps, Steps], list[str]] = differences,
) -> Outcome:
    """Run a client's steps, print their results, and compare them with the expected ones."""
    started = time.perf_counter()
    done = subprocess.run(
        command, env={**cloud.environment, **extra}, cwd=cwd, stdout=subprocess.PIPE, text=True, check=False
    )
    took = time.perf_counter() - started
    print(done.stdout, end="", flush=True)
    if done.returncode:
        return Outcome("it ended early", [f"it exited with {done.returncode}"])
    taken = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    problems = find(taken, cloud.links())
    return Outcome(f"{len(taken)} steps in {took:.1f} s", problems)


def python_sync(cloud: Served, tools: Tools, _cases: int) -> Outcome:
    """Run azure-mgmt-managementpartner, synchronous."""
    return steps(cloud, [str(tools.python("python") / "python"), str(HERE / "clients" / "python_sync.py")], {})


def python_async(cloud: Served, tools: Tools, _cases: int) -> Outcome:
    """Run azure-mgmt-managementpartner, asynchronous."""
    return steps(cloud, [str(tools.python("python") / "python"), str(HERE / "clients" / "python_async.py")], {})


def node(cloud: Served, tools: Tools, _cases: int) -> Outcome:
    """Run @azure/arm-managementpartner."""
    folder = tools.node()
    # Node looks for packages from the module's own folder.
    module = shutil.copy(HERE / "clients" / "node.mjs", folder)
    return steps(cloud, ["node", str(module)], {}, folder)


def _az_variables(cloud: Served, tools: Tools) -> dict[str, str]:
    return {
        "AZ": str(tools.python("az") / ("az.bat" if sys.platform == "win32" else "az")),
        "AZURE_CONFIG_DIR": str(cloud.folder / "az"),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_NO_COLOR": "true",
        "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",  # It would prompt for a subscription.
    }


def az(cloud: Served, tools: Tools, _cases: int) -> Outcome:
    """Run the Azure CLI."""
    cloud.pallink("sandbox", "set", "device-code-answer", "approved")
    return steps(cloud, [sys.executable, str(HERE / "clients" / "azure_cli.py")], _az_variables(cloud, tools))


def az_roles(cloud: Served, tools: Tools, _cases: int) -> Outcome:
    """Run the Azure CLI and pallink on the same role assignments, with the application as an owner."""
    scope = "/subscriptions/738477cd-6b20-448f-9a34-9d5592cff509"
    cloud.pallink("sandbox", "assign", "--assignee-object-id", APPLICATION, "--role", "Owner", "--scope", scope)
    command = [sys.executable, "-m", "conformance.clients.azure_cli_roles"]
    return steps(cloud, command, _az_variables(cloud, tools), HERE.parent, find=role_differences)


def lines(cloud: Served, tools: Tools, _cases: int) -> Outcome:
    """Run the lines that `pallink sandbox serve` prints, unmodified."""
    if sys.platform == "win32" or shutil.which("sh") is None:
        raise NotRunError("sh is not installed")
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
        _log(f"running the lines for {name}")
        own = [tools.python(name)] if name in {"az", "python"} else places
        path = os.pathsep.join([*map(str, [*own, *places]), cloud.environment["PATH"]])
        script = f"set -e\n{cloud.sections['settings']}{cloud.sections[name]}"
        bare = {key: value for key, value in cloud.environment.items() if not key.startswith(("AZURE_", "REQUESTS_"))}
        done = subprocess.run(
            ["sh"],  # noqa: S607 - the system's
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
            problems.append(f"the lines for {name} exited with {done.returncode}")
    left = f"; not run: {', '.join(missing)}" if missing else ""
    return Outcome(f"{', '.join(ran)}{left}", problems)


def schemathesis(cloud: Served, tools: Tools, cases: int) -> Outcome:
    """Send generated requests, from the description in openapi.yaml."""
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
    problems = [f"it exited with {done.returncode}"] if done.returncode else []
    if counted is None or int(counted[1]) < cases:
        problems.append("it ran fewer cases than requested")
    return Outcome(f"{counted[0]} test cases" if counted else "no count", problems)


def _token(cloud: Served) -> str:
    """Return an access token of the application, acquired with azure-identity."""
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
    "az-roles": az_roles,
    "lines": lines,
    "schemathesis": schemathesis,
}


def _log(text: str) -> None:
    print(f"conformance: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Run the selected clients, and return the exit code of `conclude`."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("--only", default=",".join(CLIENTS), help=f"some of {','.join(CLIENTS)}")
    parser.add_argument("--cases", type=int, default=500, help="Schemathesis' test cases per operation")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"for the clients' environments; default: {CACHE}")
    chosen = parser.parse_args()
    names = [name.strip() for name in chosen.only.split(",")]
    if unknown := set(names) - CLIENTS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; allowed are {', '.join(CLIENTS)}")
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
    """Print the table, and return 1 if a client failed, else 2 if one was not run, else 0."""
    print("\n| client | verdict | |\n|---|---|---|")
    for name, outcome in outcomes.items():
        print(f"| {name} | {outcome.verdict} | {outcome.summary} |")
    if any(outcome.problems for outcome in outcomes.values()):
        return 1
    return 2 if any(outcome.problems is None for outcome in outcomes.values()) else 0
