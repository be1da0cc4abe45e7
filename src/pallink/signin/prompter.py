"""Whoever sits at the terminal, or nobody: what a sign-in may ask of a person, and tell."""

import logging
import os
import platform
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pallink.errors import SignInError
from pallink.signin import StoredSignIn, has_browser

log = logging.getLogger("pallink")


class Prompter(Protocol):
    """What a sign-in needs of whoever runs the command."""

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to be asked."""

    @property
    def no_input(self) -> bool:
        """Whether nobody may be asked, even by a method that is named."""

    @property
    def has_browser(self) -> bool:
        """Whether a browser can be opened that the person sees."""

    def warn(self, text: str) -> None:
        """Tell what should be known although nothing failed."""

    def pick(self, candidates: Sequence[StoredSignIn]) -> StoredSignIn:
        """Ask which stored sign-in is meant."""

    def show_device_code(self, message: str, code: str) -> None:
        """Show what to do with a device code."""

    def show_browser(self, message: str) -> None:
        """Tell that a browser opens."""


class NonInteractive:
    """A script, or a program that uses the Python API: nobody is asked.

    A method that needs a person can be named all the same; then its message goes to stderr, where a log shows it.
    """

    can_ask = False
    no_input = False

    @property
    def has_browser(self) -> bool:
        """As for a person: a program that names the browser has somebody before it."""
        return browser_at_hand()

    def warn(self, text: str) -> None:
        """Into the log."""
        log.warning("%s", text)

    def pick(self, candidates: Sequence[StoredSignIn]) -> StoredSignIn:
        """Nobody can say."""
        raise SignInError(f"{len(candidates)} sign-ins are stored, and nothing says which one is meant")

    def show_device_code(self, message: str, code: str) -> None:  # noqa: ARG002 - the code is in the message
        """To stderr."""
        print(message, file=sys.stderr)

    def show_browser(self, message: str) -> None:
        """To stderr."""
        print(message, file=sys.stderr)


def browser_at_hand() -> bool:
    """Whether this process can open a browser."""
    return has_browser(os.environ, sys.platform, platform.release())


def device_code_message(url: str | None, code: str, expires_on: datetime, wanted: str | None) -> str:
    """What to do with a device code, in words.

    Args:
        url: where to enter it; None for the embedded sandbox, which has no page that a browser could open.
        code: the code.
        expires_on: until when (UTC).
        wanted: who is to sign in, where that is known. The page does not know it: a device code takes no hint.
    """
    who = f"to sign in as {wanted}" if wanted else "to sign in"
    until = expires_on.astimezone().strftime("%H:%M")
    if url is None:
        account = f" --account {wanted}" if wanted else ""
        return f"{who}, run in another terminal: pallink sandbox approve {code}{account} (good until {until})"
    return f"{who}, open {url} in any browser and enter the code {code} (good until {until})"


def browser_message(wanted: str | None) -> str:
    """What to do in the browser, in words."""
    return f"a browser opens: sign in there{f' as {wanted}' if wanted else ''} (Ctrl-C to give up)"
