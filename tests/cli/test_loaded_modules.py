"""Each command that signs in loads only what its sign-in, its questions and its output need.

In processes of their own, against the sandbox over HTTPS: what is asserted is what is in `sys.modules` at the end.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from pallink.sandbox import Sandbox
from pallink.sandbox.http.server import SandboxServer
from tests.sandbox.client import Client

# A process with threads that are still on their way out leaves by os._exit.
PROGRAM = """
import atexit, os, sys
from pallink.__main__ import main

def report():
    print("LOADED", *sys.modules, file=sys.stderr, flush=True)

def leave(code, leave=os._exit):
    report()
    leave(code)

atexit.register(report)
os._exit = leave
main()
"""

PARTNER_API = "azure.mgmt.managementpartner"
SUBSCRIPTIONS = "azure.mgmt.resource.subscriptions"
ROLES = "azure.mgmt.authorization"
ELIGIBLE_ROLES = "azure.mgmt.authorization.v2020_10_01"
OF_SOME = {
    PARTNER_API,
    SUBSCRIPTIONS,
    ROLES,
    ELIGIBLE_ROLES,
    "jmespath",
    "pallink.azure.auth.certificate",
    "pallink.azure.auth.login",
    "pallink.debug",
    "pallink.output.table",
    "pallink.reports",
    "pallink.sandbox.handler",
    "rich",
    "yaml",
}
"""What some commands need and others must not pay for."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables with which an application signs in to a sandbox that is served for all of these tests."""
    folder = tmp_path_factory.mktemp("served")
    sandbox = Sandbox(folder)
    with SandboxServer(sandbox) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "PALLINK_"))}
        variables = {
            **kept,
            **sandbox.environment("client-secret", origin=server.origin),
            "REQUESTS_CA_BUNDLE": str(server.authority),
            "PALLINK_CLOUD": server.origin,
            "PALLINK_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
            "PALLINK_HOME": str(tmp_path_factory.mktemp("home")),
            "PALLINK_SANDBOX_HOME": str(tmp_path_factory.mktemp("embedded")),
        }
        # What `show`, `verify`, `update` and `unlink` find.
        assert Client(folder).application().partners("PUT", "719878").status == 200
        yield variables
        server.stop()
        thread.join()


def loaded_by(words: str, environment: dict[str, str]) -> set[str]:
    """Those of `OF_SOME` that a command line has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words.split()],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    return OF_SOME & set(done.stderr.rpartition("LOADED")[2].split())


LOADED = [
    ("link 719878 -o json", {PARTNER_API, SUBSCRIPTIONS, ROLES}),
    ("link 719878 -o json --role-check skip", {PARTNER_API, SUBSCRIPTIONS}),
    ("show -o json", {PARTNER_API, SUBSCRIPTIONS}),
    ("show -o tsv", {PARTNER_API, SUBSCRIPTIONS}),
    ("show", {PARTNER_API, SUBSCRIPTIONS, "pallink.output.table"}),
    ("show --query partnerId -o tsv", {PARTNER_API, SUBSCRIPTIONS, "jmespath"}),
    ("show -o yaml", {PARTNER_API, SUBSCRIPTIONS, "yaml"}),
    ("show -o json --debug", {PARTNER_API, SUBSCRIPTIONS, "pallink.debug"}),
    ("verify 719878 -o json", {PARTNER_API, SUBSCRIPTIONS, ROLES}),
    ("check -o json", {PARTNER_API, SUBSCRIPTIONS, ROLES}),
    ("update 719878 -o json", {PARTNER_API, SUBSCRIPTIONS, ROLES}),
    ("unlink --yes -o json --dry-run", {PARTNER_API, SUBSCRIPTIONS}),
    ("whoami -o json", {SUBSCRIPTIONS}),
    ("whoami --all -o json", {"pallink.sandbox.handler"}),
    ("login --allow-plain-text-cache -o json", {"pallink.azure.auth.login"}),
    ("logout --all -o json", {"pallink.azure.auth.login", "pallink.sandbox.handler"}),
]
# What the default run starts: the job, which needs nothing for people, and the job for people, which checks no role.
DEFAULT = {"link 719878 -o json", "show"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(words, expected, marks=() if words in DEFAULT else pytest.mark.exhaustive)
        for words, expected in LOADED
    ],
)
def test_a_command_loads_what_it_needs(words: str, expected: set[str], environment: dict[str, str]) -> None:
    assert loaded_by(words, environment) == expected


def test_the_embedded_sandbox_is_loaded_for_its_cloud_alone(environment: dict[str, str]) -> None:
    assert loaded_by("whoami -o json --cloud sandbox", environment) == {SUBSCRIPTIONS, "pallink.sandbox.handler"}
