"""The fleet file of the sandbox's generated accounts, with the files of their secrets: a fleet to rehearse with."""

import csv
import io
import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from pallink import private_files
from pallink.errors import UsageError
from pallink.os_errors import os_reason
from pallink.sandbox.state.growth import GeneratedAccount

_PARTNER = "719878"
_FIRST_LINE = "# Made by pallink sandbox grow, which replaces this file: rename it before you edit it."


def check_fleet_file(path: Path) -> None:
    """Refuse a fleet file of another format, or one that `write_fleet` did not write.

    Raises:
        UsageError: The file has another suffix, is not this module's, or cannot be read.
    """
    if path.suffix.casefold() not in _RENDERERS:
        raise UsageError(
            f"{path} is not a fleet file", cause="its name must end with .yaml, .yml or .csv", remedy="rename the file"
        )
    try:
        with open(path, encoding="utf-8", errors="replace", opener=private_files.open_without_waiting) as file:
            is_replaceable = file.readline().rstrip() == _FIRST_LINE
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _unusable(path, error) from error
    if not is_replaceable:
        raise UsageError(
            f"{path} exists already, and pallink sandbox grow did not write it",
            cause="--fleet-file replaces only files of its own",
            remedy="choose another name",
        )


def write_fleet(path: Path, accounts: Sequence[GeneratedAccount]) -> None:
    """Write the fleet file, and each client secret to a file in a folder beside it that only the current user can read.

    Args:
        path: The fleet file, which `check_fleet_file` accepts.
        accounts: The generated accounts; all are linked to one partner.

    Raises:
        UsageError: There is no account, or a file cannot be written.
    """
    if not accounts:
        raise UsageError(
            "no fleet file was written",
            cause="the sandbox has no generated application or user",
            remedy="generate applications or accounts",
            command=f"pallink sandbox grow --applications 10 --fleet-file {shlex.quote(str(path))}",
        )
    folder = path.with_suffix(".secrets")
    try:
        private_files.make_folder(folder)
        for account in accounts:
            if account.client_secret is not None:
                private_files.write(folder / account.name, account.client_secret.encode())
        text = _RENDERERS[path.suffix.casefold()](accounts, folder.name)
        path.write_text(f"{_FIRST_LINE}\n{text}", encoding="utf-8", newline="")
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error


def render_yaml(accounts: Sequence[GeneratedAccount], folder: str) -> str:
    """Return a fleet in YAML, whose secrets are files in a folder beside it."""
    # A JSON string is also valid YAML, so any folder name is safe.
    entries = [
        ", ".join(f"{key}: {json.dumps(text, ensure_ascii=False)}" for key, text in _entry(account, folder).items())
        for account in accounts
    ]
    lines = ["version: 1", f'defaults: {{partner: "{_PARTNER}"}}', "accounts:"]
    return "".join(f"{line}\n" for line in [*lines, *(f"  - {{{entry}}}" for entry in entries)])


def render_csv(accounts: Sequence[GeneratedAccount], folder: str) -> str:
    """Return a fleet in CSV, whose secrets are files in a folder beside it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ("name", "account", "client-id", "tenant", "partner", "secret"), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**_entry(account, folder), "partner": _PARTNER} for account in accounts)
    return text.getvalue()


def _entry(account: GeneratedAccount, folder: str) -> dict[str, str]:
    """Return what a fleet file says about an account, but for the partner."""
    if account.client_secret is None:
        return {"name": account.name, "account": account.account, "tenant": account.tenant}
    secret = f"file:{folder}/{account.name}"
    return {"name": account.name, "client-id": account.account, "tenant": account.tenant, "secret": secret}


def _unusable(path: Path, error: Exception) -> UsageError:
    return UsageError(
        f"the fleet file {path} cannot be written: {os_reason(error)}", remedy="check the path and its permissions"
    )


_RENDERERS: dict[str, Callable[[Sequence[GeneratedAccount], str], str]] = {
    ".yaml": render_yaml,
    ".yml": render_yaml,
    ".csv": render_csv,
}
