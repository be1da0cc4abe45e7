"""The commands: pallink sandbox approve, serve and env. What they do is tested elsewhere; here is how they say it."""

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest

from pallink.sandbox import METHODS, ORIGIN, Request, Sandbox, environments, home
from tests.harness import Pallink
from tests.sandbox.client import AZURE_CLI, CONTOSO, ONBOARDING_CLIENT, ONBOARDING_SECRET, SCOPE

RunWords = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(pallink: Pallink) -> RunWords:
    def run_words(*words: str) -> tuple[int, str, str]:
        done = pallink("sandbox", *words)
        return done.code, done.stdout, done.stderr

    return run_words


def new_code() -> str:
    body = urlencode({"client_id": AZURE_CLI, "scope": SCOPE}).encode()
    answer = Sandbox(home()).handle(Request("POST", f"{ORIGIN}/common/oauth2/v2.0/devicecode", {}, body))
    return str(json.loads(answer.body)["user_code"])


def test_approve(run: RunWords) -> None:
    assert run("approve", new_code()) == (0, "", "sandbox: invoices@contoso.com approved the sign-in\n")
    words = ("--account", "owner@contoso.com", "--deny")
    assert run("approve", new_code(), *words) == (0, "", "sandbox: owner@contoso.com declined the sign-in\n")


def test_approve_says_what_is_wrong(run: RunWords) -> None:
    code, out, err = run("approve", "ABC")
    assert (code, out) == (2, "")
    assert err.startswith("error: the device code 'ABC' is unknown\n")
    code, _, err = run("approve", new_code(), "--account", "nobody@contoso.com")
    assert code == 2
    assert "no user 'nobody@contoso.com'" in err


@pytest.mark.skipif(sys.platform == "win32", reason="Its users have another shell.")
def test_env_for_a_shell(run: RunWords) -> None:
    variables = {"TENANT_ID": CONTOSO, "CLIENT_ID": ONBOARDING_CLIENT, "CLIENT_SECRET": ONBOARDING_SECRET}
    lines = "".join(f"export AZURE_{name}={value}\n" for name, value in variables.items())
    assert run("env", "client-secret") == (0, lines, "")


@pytest.mark.parametrize("method", METHODS)
def test_env_as_json(run: RunWords, method: str) -> None:
    code, out, err = run("env", method, "--origin", "https://localhost:8443/", "-o", "json")
    assert (code, err) == (0, "")
    variables = json.loads(out)
    assert variables
    assert all("sandbox.invalid" not in value for value in variables.values())
    for name in ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"):
        assert name not in variables or Path(variables[name]).is_file()


def test_env_says_what_there_is(run: RunWords) -> None:
    code, out, err = run("env", "password")
    assert (code, out) == (2, "")
    assert err.startswith("error: unknown sign-in method 'password': use one of client-secret, certificate, ")
    assert err.endswith("hint: see the help\n    pallink sandbox env --help\n")


def test_serve_says_that_a_port_is_taken(run: RunWords) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = run("serve", "--port", str(port))
    assert (code, out) == (2, "")
    assert err.startswith(f"error: cannot listen on port {port}: ")
    assert "choose another port" in err


def test_a_setting_of_a_sign_in(run: RunWords) -> None:
    assert run("set", "sign-in-error", "50057")[0] == 0
    code, _, err = run("set", "sign-in-error", "1")
    assert code == 2
    assert "'50057'" in err


def test_show_tells_of_managed_identities(run: RunWords) -> None:
    _, out, _ = run("show")
    assert "8f9a1347-d810-4f92-ba97-c4cdba4b6d5f  managed identity partner-link, object ID" in out
    assert "refused with AADSTS53003" in out
    assert "trusts github: repo:contoso/onboarding:ref:refs/heads/main" in out


def test_every_way_to_sign_in_by_variables_is_made() -> None:
    assert tuple(environments._BUILDERS) == METHODS
