"""The hunt finds what leaks: one leak of each kind, planted in each kind of place."""

import json
import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pallink.azure.transport import GuardedTransport
from pallink.cli import job
from pallink.output import formats
from pallink.redact import secrets as redaction
from pallink.sandbox import Response
from tests.cli.people import APPLICATION, Desk
from tests.exhaustive import combinations
from tests.secrets.canaries import Hunt, forms_of
from tests.secrets.ground import Ground, ground_at

IN_SANDBOX = ["--cloud", "sandbox", "--auth", "client-secret"]

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def leaky(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """A ground of its own, whose finds do not count as the program's."""
    made = ground_at(desk, tmp_path, monkeypatch, Hunt())
    made.prepare("client-secret")
    # Nothing is redacted: what is planted must be found, and not be hidden by what the tests are about.
    monkeypatch.setattr(redaction.Secrets, "redact", lambda _, text: text)
    return made


def sent(then: Callable[[str], None]) -> Callable[..., Any]:
    """A transport that does something with each Authorization header."""
    send = GuardedTransport.send

    def leak(self: GuardedTransport, request: Any, **rest: Any) -> Any:
        if token := request.headers.get("Authorization"):
            then(token)
        return send(self, request, **rest)

    return leak


def to_log(_: Ground) -> Callable[[str], None]:
    return lambda token: logging.getLogger("pallink.requests").debug("sending %s", token)


def to_file(name: str) -> Callable[[Ground], Callable[[str], None]]:
    def plant(ground: Ground) -> Callable[[str], None]:
        path = ground.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)

        def write(token: str) -> None:
            path.write_text(json.dumps({"header": token}))

        return write

    return plant


def to_name(ground: Ground) -> Callable[[str], None]:
    def touch(token: str) -> None:
        (ground.folder / "cache" / token[-30:]).touch()

    return touch


def to_stdout(_: Ground) -> Callable[[str], None]:
    return print


PLACES: dict[str, tuple[Callable[[Ground], Callable[[str], None]], str]] = {
    "--debug": (to_log, "stderr of verify"),
    "stdout": (to_stdout, "stdout of verify"),
    "the temporary folder": (to_file("tmp/left-over"), "tmp/left-over"),
    "the cache": (to_file("cache/cloud-0.json"), "cache/cloud-0.json"),
    "PALLINK_HOME": (to_file("pallink/sign-ins/0.json"), "pallink/sign-ins/0.json"),
    "the user's folder": (to_file("user/.IdentityService/pallink-0"), "user/.IdentityService/pallink-0"),
    "the sandbox's folder": (to_file("sandbox/left-over.txt"), "sandbox/left-over.txt"),
    "the name of a file": (to_name, "the name cache/"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_leak_of_the_token_is_found(leaky: Ground, place: str) -> None:
    plant, where = PLACES[place]
    (leaky.folder / "cache").mkdir(exist_ok=True)
    leaky.desk.patch.setattr(GuardedTransport, "send", sent(plant(leaky)))
    leaky.run("verify", "719878", *IN_SANDBOX, "--debug")
    leaky.look_at_files()
    assert leaky.hunt.finds
    assert all(each.startswith("access token (") and f" in {where}" in each for each in leaky.hunt.finds)


def test_a_leak_into_the_database_of_the_sandbox_is_found(leaky: Ground) -> None:
    leaky.run("whoami", *IN_SANDBOX)
    (token,) = [each for each, kind in leaky.hunt.kinds.items() if kind == "access token"]
    with closing(sqlite3.connect(leaky.folder / "sandbox" / "sandbox.sqlite3", isolation_level=None)) as connection:
        connection.execute("INSERT INTO redeemed_code VALUES (?, 4102444800)", (token,))
    leaky.look_at_files()
    assert leaky.hunt.finds
    assert all(each.startswith("access token (") and "sandbox.sqlite3" in each for each in leaky.hunt.finds)


ECHOED = '{"error": {"code": "Echo", "message": "%s"}}'


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["-o", "table"], "stderr of verify"),
        (["-o", "json"], "stderr of verify"),
        (["--junit", "{folder}/verdict.xml"], "verdict.xml"),
        (["-o", "none"], "summary.md"),
    ],
)
def test_an_echo_that_is_not_redacted_is_found(leaky: Ground, words: list[str], place: str) -> None:
    """The same responses as in the hunt: it is the redaction that keeps them from being finds."""
    leaky.desk.patch.setenv("GITHUB_ACTIONS", "true")
    leaky.desk.patch.setenv("GITHUB_STEP_SUMMARY", str(leaky.folder / "summary.md"))
    leaky.watch.otherwise(
        "GET", "/partners", lambda request, _: Response(400, {}, (ECHOED % request.header("Authorization")).encode())
    )
    leaky.run("verify", "719878", *IN_SANDBOX, *(each.format(folder=leaky.folder) for each in words))
    leaky.look_at_files()
    assert any(each.startswith("access token") and f" in {place}" in each for each in leaky.hunt.finds)


def test_a_leak_in_a_result_is_found(leaky: Ground) -> None:
    usual = formats.write_value
    secret = leaky.secrets["client secret"]
    leaky.desk.patch.setattr(
        formats, "write_value", lambda value, *rest, **named: usual({**value, "x": secret}, *rest, **named)
    )
    leaky.run("whoami", *IN_SANDBOX, "-o", "json")
    assert [each.partition(" (")[0] for each in leaky.hunt.finds] == ["client secret"] * len(leaky.hunt.finds)
    assert any("stdout of whoami" in each for each in leaky.hunt.finds)


def test_a_leak_in_a_traceback_is_found(leaky: Ground) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(os.environ["AZURE_CLIENT_SECRET"])

    leaky.desk.patch.setattr(job, "write_result", fail)
    assert leaky.run("whoami", *IN_SANDBOX).code == 1
    assert any(each.startswith("client secret") and "stderr of whoami" in each for each in leaky.hunt.finds)


KINDS = ["client secret", "certificate password", "OIDC request token", "identity header", "proxy password"]


# By default every form of one kind, and every kind as it is.
@pytest.mark.parametrize(
    ("form", "kind"),
    combinations(forms_of("x"), KINDS, default=lambda form, kind: form == "raw" or kind == "client secret"),
)
def test_each_planted_kind_is_found_in_each_form(leaky: Ground, kind: str, form: str) -> None:
    before = len(leaky.hunt.finds)
    leaky.hunt.look("a file", b'{"some": "' + forms_of(leaky.secrets[kind])[form] + b'"}')
    found = leaky.hunt.finds[before:]
    assert any(each.startswith(kind) for each in found)


@pytest.mark.parametrize("cut_at", [25, 40, 300])
def test_a_token_in_two_lines_or_in_half_is_found(leaky: Ground, cut_at: int) -> None:
    leaky.run("whoami", *IN_SANDBOX)
    leaky.hunt.finds.clear()
    (token,) = [each for each, kind in leaky.hunt.kinds.items() if kind == "access token"]
    claims = token.split(".")[1]
    leaky.hunt.look("two lines", f"{claims[:cut_at]}\r\n    {claims[cut_at:]}")
    leaky.hunt.look("a half", claims[-cut_at - 20 :])
    assert len(leaky.hunt.finds) >= 2
    leaky.hunt.look("nothing", f"the account {APPLICATION} is linked")
    assert not [each for each in leaky.hunt.finds if "nothing" in each]


def test_a_leak_in_a_report_is_found(leaky: Ground) -> None:
    # `pallink.reports.publish` is the function.
    module = import_module("pallink.reports.publish")
    usual = module.render_junit
    secret = leaky.secrets["client secret"].encode()
    leaky.desk.patch.setattr(module, "render_junit", lambda findings: usual(findings) + b"<!-- " + secret + b" -->")
    leaky.run("verify", "719878", *IN_SANDBOX, "--junit", str(leaky.folder / "verdict.xml"))
    leaky.look_at_files()
    assert {each.partition(" (")[0] for each in leaky.hunt.finds} == {"client secret"}
    assert all("verdict.xml" in each for each in leaky.hunt.finds)
