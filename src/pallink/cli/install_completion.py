"""`--install-completion`: Typer writes the files of the shell, and pallink says what has changed in them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from pallink.cli.run import print_error
from pallink.errors import OutputError, UsageError
from pallink.os_errors import os_reason
from pallink.output import Terminal
from pallink.redact.text import one_line

# What Typer may change besides the file that it returns.
_START_FILES = {"bash": ".bashrc", "zsh": ".zshrc"}
_POWERSHELLS = ("powershell", "pwsh")
_SHELLS = "bash, zsh, fish or PowerShell"


def report_installation(command: Any) -> None:
    """Let `--install-completion` of a command say which files it has changed, and how."""
    for parameter in command.params:
        if parameter.name == "install_completion":
            parameter.callback = _install


def _install(context: Any, _parameter: Any, value: Any) -> None:
    if not value or context.resilient_parsing:
        return
    from typer import _completion_shared as shells  # noqa: PLC0415 - Typer has no public door to it

    terminal = Terminal()
    shell = value if isinstance(value, str) else shells._get_shell_name()  # noqa: SLF001
    if shell not in set(shells.Shells):
        error = UsageError(
            "could not determine the shell to install completion for",
            cause=f"pallink was not started by {_SHELLS}",
            remedy=f"run the command in {_SHELLS}",
        )
        print_error(error, terminal)
        raise typer.Exit(error.exit_code)
    start_file = Path.home() / _START_FILES[shell] if shell in _START_FILES else None
    before = _lines(start_file)
    try:
        _, path = shells.install(shell=shell)
    except OSError as failure:
        failed = OutputError(
            f"could not install completion for {shell}: {os_reason(failure)}",
            cause=f"pallink could not write {failure.filename}",
            remedy="make the file writable, or install the script that --show-completion prints",
        )
        print_error(failed, terminal)
        raise typer.Exit(failed.exit_code) from failure
    added = [line for line in _lines(start_file) if line not in before and line.strip()]
    for line in _changes(shell, path, start_file, added):
        terminal.write(f"{one_line(line)}\n")
    raise typer.Exit


def _changes(shell: str, path: Path, start_file: Path | None, added: list[str]) -> Iterator[str]:
    if shell in _POWERSHELLS:
        yield f"added to {path}: the completion script"
        yield "set: the execution policy of this user to Unrestricted, so that PowerShell reads its profile"
        yield "to set it back: Set-ExecutionPolicy Undefined -Scope CurrentUser"
    else:
        yield f"written: {path}"
    if start_file is not None:
        yield from (f"added to {start_file}: {line}" for line in added)
        if not added:
            yield f"unchanged: {start_file}, which loads completions already"
    yield f"completion works in each {shell} that is started from now on"


def _lines(file: Path | None) -> list[str]:
    try:
        return [] if file is None else file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
