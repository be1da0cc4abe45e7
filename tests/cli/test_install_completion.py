"""What --install-completion says that it changed."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer import _completion_shared as shells

from tests.harness import Pallink

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="the start files of POSIX shells")


def installed(shell: str) -> list[str]:
    """Run `--install-completion` below a real shell, and return the lines that it prints."""
    done = subprocess.run(
        [shell, "-c", f"'{sys.executable}' -m pallink --install-completion; exit $?"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


@POSIX_ONLY
def test_installing_says_what_it_changed() -> None:
    home = Path.home()
    home.mkdir()
    (home / ".bashrc").write_text("alias ll='ls -l'\n")
    script, start_file = home / ".bash_completions" / "pallink.sh", home / ".bashrc"
    assert installed("bash") == [
        f"written: {script}",
        f"added to {start_file}: source '{script}'",
        "completion works in each bash that is started from now on",
    ]
    assert "_PALLINK_COMPLETE" in script.read_text()
    assert start_file.read_text().startswith("alias ll='ls -l'\n")
    assert installed("bash")[1] == f"unchanged: {start_file}, which loads completions already"


@POSIX_ONLY
@pytest.mark.parametrize(
    ("shell", "changes"),
    [
        (
            "zsh",
            [
                "written: {home}/.zfunc/_pallink",
                "added to {home}/.zshrc: fpath+=~/.zfunc; autoload -Uz compinit; compinit",
                "added to {home}/.zshrc: zstyle ':completion:*' menu select",
            ],
        ),
        ("fish", ["written: {home}/.config/fish/completions/pallink.fish"]),
    ],
)
def test_other_shells_have_other_files(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, shell: str, changes: list[str]
) -> None:
    # Only the look for the shell above this process is replaced; the files are written.
    monkeypatch.setattr(shells, "_get_shell_name", lambda: shell)
    Path.home().mkdir(exist_ok=True)
    done = pallink("--install-completion")
    assert done.code == 0, done.stderr
    assert done.stdout.splitlines() == [
        *(change.format(home=Path.home()) for change in changes),
        f"completion works in each {shell} that is started from now on",
    ]


def test_powershell_s_execution_policy_is_said(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    profile = tmp_path / "profile.ps1"
    monkeypatch.setattr(shells, "_get_shell_name", lambda: "pwsh")
    monkeypatch.setattr(shells, "install_powershell", lambda **_: profile)  # There is no PowerShell on every machine.
    assert pallink("--install-completion").stdout.splitlines() == [
        f"added to {profile}: the completion script",
        "set: the execution policy of this user to Unrestricted, so that PowerShell reads its profile",
        "to set it back: Set-ExecutionPolicy Undefined -Scope CurrentUser",
        "completion works in each pwsh that is started from now on",
    ]


@pytest.mark.parametrize("shell", [None, "nushell"])
def test_a_shell_that_is_not_known(pallink: Pallink, monkeypatch: pytest.MonkeyPatch, shell: str | None) -> None:
    monkeypatch.setattr(shells, "_get_shell_name", lambda: shell)
    failed = pallink("--install-completion")
    assert failed.code == 2
    assert failed.stdout == ""
    assert failed.stderr == (
        "error: could not determine the shell to install completion for\n"
        "cause: pallink was not started by bash, zsh, fish or PowerShell\n"
        "hint: run the command in bash, zsh, fish or PowerShell\n"
    )


@POSIX_ONLY
def test_a_file_that_cannot_be_written(pallink: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shells, "_get_shell_name", lambda: "bash")
    (Path.home() / ".bash_completions").mkdir(parents=True)
    script = Path.home() / ".bash_completions" / "pallink.sh"
    script.mkdir()
    failed = pallink("--install-completion")
    assert failed.code == 1
    assert failed.stderr == (
        "error: could not install completion for bash: is a directory\n"
        f"cause: pallink could not write {script}\n"
        "hint: make the file writable, or install the script that --show-completion prints\n"
    )
