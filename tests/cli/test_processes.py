"""Real processes: many at once against one sandbox, and one on a real terminal."""

import json
import os
import subprocess
import sys

import pytest

from tests.exhaustive import combinations

ACCOUNTS = ("invoices@contoso.com", "svc_approvers@contoso.com", "owner@contoso.com")
COMMANDS = ("link 719878", "link 6183402", "show", "unlink --yes", "verify 719878")
SECRET_VARIABLES = {
    "AZURE_TENANT_ID": "contoso.onmicrosoft.com",
    "AZURE_CLIENT_ID": "6be1d7c7-4712-4123-a241-8b8918c455f9",
    "AZURE_CLIENT_SECRET": "sandbox-onboarding-secret",
}


def start(*words: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "pallink", *words, "--cloud", "sandbox"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


# By default eight processes at once are enough: tests/sandbox/test_store.py.
@pytest.mark.exhaustive
def test_forty_processes_at_once_against_one_sandbox() -> None:
    """Links, shows and unlinks over several accounts, the first use of the sandbox included."""
    jobs = []
    for index in range(40):
        account = ACCOUNTS[index % 3]
        command = COMMANDS[index % len(COMMANDS)].split()
        jobs.append((command, start(*command, "--account", account, "-o", "json")))
    for command, process in jobs:
        stdout, stderr = process.communicate(timeout=300)
        # What a single process would get in one of the states that the account may be in at that moment.
        possible = {"link": {0, 5}, "show": {0, 3}, "unlink": {0, 5}, "verify": {0, 3, 5}}[command[0]]
        assert process.returncode in possible, (command, stderr)
        if process.returncode == 0:
            assert json.loads(stdout)["partnerId"] in ("719878", "6183402", None)
    for account in ACCOUNTS:
        stdout, stderr = start("show", "--account", account, "-o", "json").communicate(timeout=60)
        assert "not linked" in stderr or json.loads(stdout)["partnerId"] in ("719878", "6183402")


def test_an_application_links_from_a_process_of_its_own() -> None:
    process = start("link", "719878", "--auth", "client-secret", "-o", "json", **SECRET_VARIABLES)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert json.loads(stdout)["action"] == "created"


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is a POSIX thing")
def test_on_a_real_terminal_it_asks_and_answers() -> None:
    import pty  # noqa: PLC0415 - not on Windows

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pallink", "link", "719878", "--cloud", "sandbox"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, b"y\n")
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait(timeout=60) == 0
    text = shown.decode()
    assert "Link this account? [y/N]" in text
    assert "Mekorma" in text
    assert "\x1b[" in text


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is another thing on Windows")
# By default what signs in nowhere: tests/cli/test_everywhere.py runs a command that does.
@pytest.mark.parametrize(
    "command",
    combinations(
        ["sandbox show", "whoami --cloud sandbox -o json", "--help"],
        default=lambda command: not command.startswith("whoami"),
    ),
)
def test_a_reader_that_has_gone_is_no_traceback(command: str) -> None:
    # `true` ends at once and reads nothing.
    line = f"'{sys.executable}' -m pallink {command} | true"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)  # noqa: S607
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
