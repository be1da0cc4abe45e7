"""What Tab offers for --account and --to."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer import _completion_shared as shells

from tests.cli.people import APPLICATION, APPROVERS, INVOICES, Desk
from tests.exhaustive import combinations

Offer = Callable[[str], list[str]]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Return a function that returns what bash is offered at the end of a line."""

    def run(line: str) -> list[str]:
        with monkeypatch.context() as patch:
            patch.setenv("_PALLINK_COMPLETE", "complete_bash")
            patch.setenv("COMP_WORDS", f"pallink {line}")
            patch.setenv("COMP_CWORD", str(len(line.split(" "))))
            done = subprocess.run([sys.executable, "-m", "pallink"], capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.stdout.split()

    return run


@pytest.mark.parametrize(
    "options", combinations(["--cloud sandbox", "--cloud Sandbox"], default=lambda options: options.islower())
)
def test_the_accounts_of_the_sandbox_are_offered(offer: Offer, options: str) -> None:
    assert offer(f"link {options} --account inv") == [INVOICES]
    assert {INVOICES, APPROVERS, APPLICATION} <= set(offer(f"link {options} --account "))
    # Completion needs no file, and makes none.
    assert not Path(os.environ["PALLINK_SANDBOX_HOME"]).exists()


def test_the_cloud_may_come_from_the_environment(offer: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALLINK_CLOUD", "sandbox")
    assert offer("show --account inv") == [INVOICES]


@pytest.mark.parametrize("line", ["--cloud sandbox show --account inv", "-o json --cloud=sandbox role assign --to inv"])
def test_the_cloud_may_be_named_before_the_command(offer: Offer, line: str) -> None:
    assert offer(line) == [INVOICES]


@pytest.mark.parametrize("command", ["role assign", "role remove", "role show"])
def test_the_account_of_a_role_is_offered(offer: Offer, command: str) -> None:
    assert {INVOICES, APPROVERS, APPLICATION} <= set(offer(f"{command} --cloud sandbox --to "))


def test_the_value_of_an_option_is_offered_before_the_command(offer: Offer) -> None:
    assert offer("-o js") == ["json", "jsonl"]
    assert offer("--cloud sandbox --account inv") == [INVOICES]
    assert "show" in offer("-o json ")


def test_commands_are_offered_behind_options_and_help(offer: Offer) -> None:
    assert offer("-o json sandbox res") == ["reset"]
    assert offer("help fleet app") == ["apply"]


@pytest.mark.skipif(sys.platform == "win32", reason="bash of a POSIX system")
@pytest.mark.parametrize(
    ("typed", "inserted"),
    [
        # As bash splits the words: it replaces the last one, and an @ before it.
        ("--account inv", INVOICES),
        ("--account invoices @", "@contoso.com"),
        ("--account invoices @ con", "@contoso.com"),
        ("--account = inv", INVOICES),
        ("--account = invoices @ con", "@contoso.com"),
        # In quotes, a word is not split.
        ("--account invoices@con", INVOICES),
        ("--account \\'invoices@con", INVOICES),
    ],
)
def test_bash_completes_a_name_with_an_at_sign(tmp_path: Path, typed: str, inserted: str) -> None:
    program = tmp_path / "pallink"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m pallink\n")
    program.chmod(0o755)
    words = f"pallink show --cloud = sandbox {typed}"
    lines = [
        shells.get_completion_script(prog_name="pallink", complete_var="_PALLINK_COMPLETE", shell="bash"),  # noqa: S604
        f"COMP_WORDS=({words}) COMP_CWORD={len(words.split()) - 1}",
        f"_pallink_completion '{program}'",
        'printf "%s\\n" "${COMPREPLY[@]}"',
    ]
    done = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, check=True)  # noqa: S607
    assert done.stdout.splitlines() == [inserted]


def test_a_code_is_approved_by_a_user(offer: Offer) -> None:
    assert offer("sandbox approve CODE --account inv") == [INVOICES]
    assert APPLICATION not in offer("sandbox approve CODE --account ")


@pytest.mark.usefixtures("no_keyring")
def test_the_stored_sign_ins_of_the_cloud_are_offered(served_desk: Desk, offer: Offer) -> None:
    served_desk.browser(INVOICES)
    stored = served_desk.run("login --allow-plain-text-cache --auth browser", tty=True)
    assert stored.code == 0, stored.stderr
    assert offer(f"show --cloud {served_desk.cloud} --account ") == [INVOICES]
    assert offer("show --account ") == []


def test_what_cannot_be_read_is_not_offered(offer: Offer) -> None:
    folder = Path(os.environ["PALLINK_HOME"]) / "sign-ins"
    folder.mkdir(parents=True)
    (folder / "damaged.json").write_text("{")
    assert offer("show --account ") == []
    assert offer("show --cloud http://nowhere --account ") == []
    if sys.platform != "win32":
        folder.chmod(0o777)
        assert offer("show --account ") == []
