"""What a terminal changes: lines wrap at its width, and only there; colour is for the stream that has one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pallink.output import Terminal
from tests.cli.people import Desk
from tests.harness import Pallink, Stream

COLOUR = re.compile(r"\x1b\[[0-9;]*m")

FAILING = [
    "verify 719878 --account newhire@contoso.com",
    "link 719878 --account newhire@contoso.com",
    "link abc",
    "show --auth client-secret",
]


def unwrapped(text: str) -> str:
    """Return the text with every wrapped line put together again."""
    return re.sub(r"(?<=\S)\n {5,}(?=\S)", " ", COLOUR.sub("", text))


def fits(line: str, columns: int) -> bool:
    """Return whether a line fits; one long word, such as the ID of a tenant, may be too long for any line."""
    return len(line) < columns or len(line.split()) == 1


@pytest.mark.parametrize("columns", [40, 60, 100])
@pytest.mark.parametrize("command", FAILING)
def test_messages_wrap_between_words_on_a_terminal_only(
    in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch, command: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    piped = in_sandbox(command)
    shown = in_sandbox(command, tty=True)
    assert piped.code == shown.code != 0
    lines = COLOUR.sub("", shown.stderr).splitlines()
    commands = [line for line in lines if line.startswith("    pallink ")]
    assert all(fits(line, columns) for line in lines if line not in commands)
    assert unwrapped(shown.stderr) == piped.stderr


def test_a_command_to_paste_stays_on_one_line(in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = in_sandbox("show --account newhire@contoso.com", tty=True)
    assert "\n    pallink link PARTNER_ID --cloud sandbox --account newhire@contoso.com\n" in shown.stderr


def test_a_command_within_a_message_stays_on_one_line(desk: Desk) -> None:
    desk.patch.setenv("COLUMNS", "50")
    desk.reader_of_device_codes("invoices@contoso.com")
    signed_in = desk.run("whoami --auth device-code --account invoices@contoso.com", tty=True)
    assert signed_in.code == 0, signed_in.stderr
    assert re.search(
        r" by \d\d:\d\d:\n    pallink sandbox approve \S+ --account invoices@contoso.com\n", signed_in.stderr
    )


def test_the_address_of_the_browser_stays_on_one_line(served_desk: Desk) -> None:
    served_desk.patch.setenv("COLUMNS", "40")
    served_desk.browser("invoices@contoso.com")
    shown = served_desk.run("whoami --auth browser", tty=True).stderr
    assert re.search(r"^ {4}https://\S+$", shown, re.MULTILINE)
    assert re.search(r"^ {4}pallink login --account NAME .* --auth browser$", shown, re.MULTILINE)
    assert re.search(r"^ {4}pallink login .* --auth device-code$", shown, re.MULTILINE)


def test_the_confirmation_wraps(in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    asked = in_sandbox("link 719878", tty=True, stdin="n\n").stderr
    rows = asked.partition("  account")[2].partition("Link this account?")[0]
    assert all(fits(line, 40) for line in rows.splitlines())
    assert "\n  tenant   Contoso\n           (8fe81352-" in rows


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_the_sandbox_wraps_between_words(pallink: Pallink, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    pallink("sandbox guest-policy mfa fabrikam.onmicrosoft.com")
    pallink("sandbox fault add closed --method DELETE")
    piped = pallink("sandbox show").stdout
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = pallink("sandbox show", tty=True).stdout
    lines = shown.splitlines()
    assert all(fits(line, columns) or line.startswith("file  ") or "'" in line for line in lines)
    assert not any(line.endswith(" ") for line in lines)
    assert shown.split() == piped.split()


def test_the_sandbox_stacks_what_it_says_of_accounts_on_a_narrow_terminal(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    shown = pallink("sandbox show", tty=True).stdout
    assert (
        "  svc_approvers@contoso.com\n"
        "      user, object ID 13993e34-d56f-43ab-8bd7-cc9a9669780f\n"
        "      Reader on subscription Contoso Production through\n"
        "        group Finance systems, assigned at management group\n"
        "        Workloads\n"
    ) in shown
    assert "\n  already-linked = '409 PartnerIdAlreadyLinked', of\n    '409 PartnerIdAlreadyLinked'," in shown


def test_the_sandbox_shows_the_name_of_an_application(pallink: Pallink) -> None:
    assert (
        "\n  6be1d7c7-4712-4123-a241-8b8918c455f9  service principal onboarding, object ID c5ce5ce2-aa0c-4851-"
    ) in pallink("sandbox show").stdout


@pytest.mark.parametrize("columns", ["", "0", "-1", "wide"])
def test_a_width_that_is_not_known_wraps_nothing(columns: str) -> None:
    # The stream has no file: the system cannot say its size.
    stderr = Stream(tty=True)
    terminal = Terminal(stderr=stderr, environ={"COLUMNS": columns, "TERM": "dumb"})
    assert terminal.columns(stderr) is None
    terminal.say("error", "word " * 100)
    assert stderr.text == f"error: {'word ' * 100}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudoterminal")
def test_the_width_is_that_of_the_terminal_on_stderr(tmp_path: Path) -> None:
    import fcntl  # noqa: PLC0415 - POSIX only
    import os  # noqa: PLC0415
    import pty  # noqa: PLC0415
    import struct  # noqa: PLC0415
    import termios  # noqa: PLC0415

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with (tmp_path / "stdout").open("wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "pallink", "link", "abc"], stdout=stdout, stderr=follower, env=environ, check=False
        )
    os.close(follower)
    shown = COLOUR.sub("", os.read(leader, 10_000).decode())
    os.close(leader)
    assert done.returncode == 2
    lines = shown.splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) < 40


@pytest.mark.parametrize(
    ("stdout", "stderr", "variables", "coloured"),
    [
        (True, True, {}, True),
        (False, True, {}, True),
        (True, False, {}, False),
        (False, False, {}, False),
        (True, True, {"NO_COLOR": "1"}, False),
        (True, True, {"TERM": "dumb"}, False),
        (False, False, {"FORCE_COLOR": "1"}, True),
        (True, True, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_errors_are_coloured_where_stderr_is_a_terminal(
    monkeypatch: pytest.MonkeyPatch, stdout: bool, stderr: bool, variables: dict[str, str], coloured: bool
) -> None:
    from pallink.cli.app import main  # noqa: PLC0415 - the streams of this test alone

    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    streams = Stream(), Stream(tty=stdout), Stream(tty=stderr)
    for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
        monkeypatch.setattr(sys, name, stream)
    assert main(["link", "abc"]) == 2
    assert ("\x1b[1;31merror:\x1b[0m" in streams[2].text) is coloured
    assert ("\x1b" in streams[2].text) is coloured
    assert streams[1].text == ""
