"""Secrets in the wrong place: on the command line, in another variable, in a child process, in Python's warnings."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import quote

import pytest

from pallink.cli import job as commands
from pallink.sandbox import Request, Response
from tests.cli.people import CONTOSO, Desk
from tests.exhaustive import combinations
from tests.runner import Runner
from tests.secrets.ground import Ground
from tests.secrets.watch import Usual
from tools.program import ROOT

IN_SANDBOX = ["--cloud", "sandbox"]

WRONG_OPTIONS = [
    "--client-secret {}",
    "--client-secret={}",
    "--secret {}",
    "--password {}",
    "-p {}",
    "--token {}",
    "--certificate-password {}",
    "--unknown={}",
    "--unknown {}",
    "{}",
    "--output {}",
    "--timeout {}",
    "--query {}[",
    "--auth {}",
    "--tenant {}",
    "--client-id {}",
    "--cloud {}",
    "--cloud https://user:{}@management.example",
    "--cloud https://management.example/?code={}",
    "--cloud http://{}/",
    "--account {}",
    "--subscription {}",
    "--role-check {}",
]


# What the default run writes on the command line: an unknown option, an argument, and two values that are checked.
DEFAULT_OPTIONS = {"--client-secret {}", "{}", "--tenant {}", "--cloud https://user:{}@management.example"}


@pytest.mark.parametrize(
    ("command", "options"),
    combinations(
        ["link 719878", "show", "login"],
        WRONG_OPTIONS,
        default=lambda command, options: command == "link 719878" and options in DEFAULT_OPTIONS,
    ),
)
def test_a_secret_of_the_environment_on_the_command_line(ground: Ground, command: str, options: str) -> None:
    """The shell wrote it there: `--tenant $AZURE_CLIENT_SECRET`."""
    ground.prepare("client-secret")
    for output in ("table", "json"):
        words = [*command.split(), "-o", output, "--auth", "client-secret"]
        if not options.startswith("--cloud"):
            words += IN_SANDBOX
        for kind in ("client secret", "OIDC request token"):
            if kind == "OIDC request token":
                ground.desk.patch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ground.secrets[kind])
            filled = [word.format(ground.secrets[kind]) for word in options.split()]
            ground.run(*words, *filled)


@pytest.mark.parametrize("option", ["--client-secret", "--secret", "--password", "-p", "--token", "--cloud"])
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_secret_that_only_the_command_line_knows(ground: Ground, option: str, output: str) -> None:
    secret = "https://user:Kx8~verysecret-indeed@management.example" if option == "--cloud" else "Kx8~verysecret-indeed"
    for words in ([option, secret], [f"{option}={secret}"]):
        if option == "-p" and len(words) == 1:
            continue
        done = ground.run("show", *words, "-o", output)
        assert done.code == 2
        assert "verysecret" not in done.stdout + done.stderr


VARIABLES = [
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "SYSTEM_OIDCREQUESTURI",
    "IDENTITY_ENDPOINT",
    "AZURESUBSCRIPTION_CLIENT_ID",
    "PALLINK_CLOUD",
    "PALLINK_OUTPUT",
    "PALLINK_TIMEOUT",
    "PALLINK_AUTH",
    "PALLINK_ACCOUNT",
    "PALLINK_TENANT",
    "PALLINK_CLIENT_ID",
    "PALLINK_QUERY",
    "HTTPS_PROXY",
]


# By default every variable with the secret that is set most often.
@pytest.mark.parametrize(
    ("kind", "variable"),
    combinations(
        ["client secret", "certificate password", "pipelines token"],
        VARIABLES,
        default=lambda kind, _variable: kind == "client secret",
    ),
)
def test_a_secret_in_another_variable(ground: Ground, variable: str, kind: str) -> None:
    method = {
        "AZURE_CLIENT_CERTIFICATE_PATH": "certificate",
        "AZURE_FEDERATED_TOKEN_FILE": "workload-identity",
        "ACTIONS_ID_TOKEN_REQUEST_URL": "github",
        "SYSTEM_OIDCREQUESTURI": "azure-pipelines",
        "AZURESUBSCRIPTION_CLIENT_ID": "azure-pipelines",
        "IDENTITY_ENDPOINT": "app-service",
    }.get(variable, "client-secret")
    auth = ground.prepare(method)
    ground.desk.patch.setenv("SYSTEM_ACCESSTOKEN", ground.secrets["pipelines token"])
    for value in ("{}", "https://user:{}@ci.example/token", "http://{}/x"):
        ground.desk.patch.setenv(variable, value.format(ground.secrets[kind]))
        for command in ("verify 719878", "show"):
            words = [*command.split(), *([] if variable == "PALLINK_CLOUD" else IN_SANDBOX), *auth, "--debug"]
            ground.run(*words)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("http://user:{quoted}@127.0.0.1:9", 7),
        ("http://user:{}@127.0.0.1:9", 2),
        ("http://user:{}@", 2),
        ("socks5://user:{}@x:9", 2),
        ("::{}@:", 2),
    ],
)
def test_the_password_of_a_proxy_that_does_not_answer(ground: Ground, written: str, code: int) -> None:
    ground.prepare("client-secret")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        password = ground.secrets["proxy password"]
        ground.desk.patch.setenv(name, written.format(password, quoted=quote(password, safe="")))
    for output in ("table", "json"):
        failed = ground.run(
            "show", "--cloud", "https://management.example", "--auth", "client-secret", "--debug", "-o", output
        )
        assert failed.code == code, failed.stderr


def process(ground: Ground, *words: str, **environ: str) -> "subprocess.CompletedProcess[bytes]":
    """A process of its own, in Python's development mode, whose warnings are all shown."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "always", "-X", "faulthandler", "-m", "pallink", *words],
        capture_output=True,
        check=False,
        env={**os.environ, **environ},
    )
    line = " ".join(words)
    ground.hunt.look(f"stdout of the process {line}", done.stdout)
    ground.hunt.look(f"stderr of the process {line}", done.stderr)
    return done


@pytest.mark.parametrize(
    "method",
    combinations(["client-secret", "certificate-pfx", "github"], default=lambda method: method == "client-secret"),
)
def test_a_process_with_all_its_warnings(ground: Ground, method: str) -> None:
    auth = ground.prepare(method)
    # Its tokens pass another door: what can be hunted is what was planted, and what was presented is known by then.
    for words in (["verify", "719878", "--junit", str(ground.folder / "verdict.xml")], ["whoami"]):
        done = process(ground, *words, *IN_SANDBOX, *auth, "--debug")
        assert done.returncode in (0, 3), done.stderr
        assert b"eyJ" not in done.stdout + done.stderr, "no token, whoever issued it"


@pytest.mark.skipif(sys.platform == "win32", reason="a script of sh")
def test_a_child_process_is_told_no_secret(ground: Ground) -> None:
    """The command line of `az`: everybody on the machine can read it while it runs."""
    auth = ground.prepare("azure-cli")
    program, told = ground.folder / "bin" / "az", ground.folder / "az-was-told.txt"
    script = program.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\nprintf '%s\\n' \"$0\" \"$@\" >> '{told}'\n")
    program.write_text(script)
    for job in ("whoami", "link 719878 --yes"):
        assert ground.run(*job.split(), *IN_SANDBOX, *auth, "--debug").code == 0
    assert "get-access-token" in told.read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="the steps are for bash")
def test_what_the_action_hands_on(ground: Ground, python: Path) -> None:
    ground.prepare("client-secret")
    temp = ground.folder / "runner"
    temp.mkdir()
    ended = Runner(ROOT, temp, used={"actions/setup-python": {"python-path": str(python)}}).run(
        command="verify", partner_id="719878", cloud="sandbox", auth="client-secret"
    )
    assert ended.code in (0, 1, 3), ended.log
    for place, text in {"log": ended.log, "summary": ended.summary, "outputs": repr(ended.outputs)}.items():
        ground.hunt.look(f"the action's {place}", text)


def test_a_token_file_named_as_a_certificate(ground: Ground, desk: Desk) -> None:
    ground.prepare("workload-identity")
    path = ground.folder / "sandbox" / "workload-identity-token"
    desk.patch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(path))
    desk.patch.setenv("AZURE_TENANT_ID", CONTOSO)
    refused = ground.run("show", *IN_SANDBOX, "--auth", "certificate", "--debug")
    assert refused.code == 4


@pytest.mark.skipif(sys.platform == "win32", reason="raise_signal of SIGTERM ends a process there")
@pytest.mark.parametrize("output", ["table", "json"])
def test_what_is_said_of_an_interruption(ground: Ground, output: str) -> None:
    """The thread that waits for the command prints it; the name of the partner repeats the client secret."""
    released = threading.Event()

    def repeat(_: Request, usual: Usual) -> Response:
        link = json.loads(usual().body)
        link["properties"]["partnerName"] = ground.secrets["client secret"]
        return Response(200, {}, json.dumps(link).encode())

    def interrupted(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)
        released.wait()

    auth = ground.prepare("client-secret")
    ground.watch.otherwise("PUT", "/partners", repeat)
    ground.desk.patch.setattr(commands, "write_result", interrupted)
    ended = ground.run("link", "719878", *IN_SANDBOX, *auth, "-o", output)
    released.set()
    assert ended.code == 130
    assert '"link": "changed"' in ended.stderr if output == "json" else "[redacted]" in ended.stderr
