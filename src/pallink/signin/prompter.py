"""What a sign-in shows to the user, and asks."""

import logging
import os
import platform
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pallink.emulator import Emulator
from pallink.errors import SignInError
from pallink.signin import SignIn, StoredSignIn, has_browser

log = logging.getLogger("pallink")

MAX_MINUTES = 15
"""How long pallink waits for a user to sign in; `--timeout` does not count it. Device codes expire after as long."""


class Prompter(Protocol):
    """Show messages of a sign-in to the user, and ask."""

    @property
    def can_prompt(self) -> bool:
        """Whether there is a terminal, and prompts are allowed."""

    @property
    def no_input(self) -> bool:
        """Whether `--no-input` is set: then not even a method that is named may prompt."""

    @property
    def has_browser(self) -> bool:
        """Whether a browser can be opened on the user's screen."""

    def warn(self, text: str) -> None:
        """Show a warning."""

    def check_sign_in(self, sign_in: SignIn) -> None:
        """Refuse a sign-in before anything is sent.

        Raises:
            UsageError: The command needs an account that is stated, and no prompt is possible.
        """

    def select_sign_in(self, candidates: Sequence[StoredSignIn]) -> StoredSignIn:
        """Ask which stored sign-in to use."""

    def show_device_code(self, message: str, code: str) -> None:
        """Show how to sign in with a device code."""

    def show_browser(self, message: str, hints: Sequence[str]) -> None:
        """Show that a browser opens, and what to do if it does not; what is indented is there to be pasted."""


class NonInteractive:
    """Prompt for nothing: for scripts and programs that use the Python API.

    A method that prompts can be named all the same. Its message goes to stderr, where a log shows it.
    """

    can_prompt = False
    no_input = False

    @property
    def has_browser(self) -> bool:
        """Whether a browser can be opened on the user's screen."""
        return can_open_browser()

    def warn(self, text: str) -> None:
        """Log a warning."""
        log.warning("%s", text)

    def check_sign_in(self, sign_in: SignIn) -> None:
        """Accept any: a program's own code says what it writes."""

    def select_sign_in(self, candidates: Sequence[StoredSignIn]) -> StoredSignIn:
        """Refuse to choose.

        Raises:
            SignInError: Always.
        """
        raise SignInError(
            f"could not choose among {len(candidates)} stored sign-ins", remedy="name one with account and tenant"
        )

    def show_device_code(self, message: str, code: str) -> None:  # noqa: ARG002 - the code is in the message
        """Print the message to stderr."""
        print(message, file=sys.stderr)

    def show_browser(self, message: str, hints: Sequence[str]) -> None:
        """Print the message and the hints to stderr."""
        print(message, *hints, sep="\n", file=sys.stderr)


def can_open_browser() -> bool:
    """Return whether this process can open a browser on the user's screen."""
    return has_browser(os.environ, sys.platform, platform.release())


def device_code_message(
    url: str, code: str, expires_on: datetime, login_hint: str | None, emulator: Emulator | None = None
) -> str:
    """Return how to sign in with a device code, in words; a command to run has a line of its own.

    Args:
        url: The page that takes the code.
        code: The code.
        expires_on: When the code expires (UTC).
        login_hint: The user to sign in as, if known. The page cannot be told: a device code takes no hint.
        emulator: What stands in for the cloud; None for a real one.
    """
    purpose = f"to sign in as {login_hint}" if login_hint else "to sign in"
    until = expires_on.astimezone().strftime("%H:%M")
    if emulator is not None:
        # It has no page that a browser could open.
        account = f" --account {login_hint}" if login_hint else ""
        return f"{purpose}, run in another terminal by {until}:\n    {emulator.command} approve {code}{account}"
    return f"{purpose}, open {url} in any browser and enter the code {code} (valid until {until})"


def browser_message(login_hint: str | None) -> str:
    """Return how to sign in with the browser, in words."""
    return (
        f"a browser opens: sign in there{f' as {login_hint}' if login_hint else ''} within {MAX_MINUTES} minutes"
        " (Ctrl-C to cancel)"
    )


def browser_hints(
    url: str, account_command: str | None, device_code_command: str, *, is_browser_named: bool
) -> tuple[str, ...]:
    """Return what to do if no browser appears, or if it is signed in as another account, line by line.

    An address or a command to paste has an indented line of its own.

    Args:
        url: The address that the browser was told to open.
        account_command: The command that names the account; None where this run did.
        device_code_command: The command that signs in with a device code instead.
        is_browser_named: Whether `--auth browser` is given, which would not use that sign-in.
    """
    account = () if account_command is None else ("to name the account, run:", f"    {account_command}")
    first = "leave --auth browser out of later commands, and " if is_browser_named else ""
    return (
        "if no browser appears, or it offers another account, open this address in a private window here:",
        f"    {url}",
        *account,
        f"to sign in on another device, {first}run:",
        f"    {device_code_command}",
    )
