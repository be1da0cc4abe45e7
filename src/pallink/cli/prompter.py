"""Prompts of a sign-in on the terminal, on stderr: stdout is for data."""

from collections.abc import Callable, Sequence

import typer

from pallink.cli.options import ConnectionOptions
from pallink.output.terminal import Terminal
from pallink.redact.text import one_line
from pallink.signin import SignIn, StoredSignIn
from pallink.signin.prompter import can_open_browser


class TerminalPrompter:
    """Prompt on the terminal; see `pallink.signin.prompter.Prompter`.

    Args:
        options: The command's options: `--no-input` and `--quiet` apply here.
        check_sign_in: Called with the sign-in before anything is sent; raises where the command must not use it.
    """

    def __init__(self, options: ConnectionOptions, check_sign_in: Callable[[SignIn], None] = lambda _: None) -> None:
        self.check_sign_in = check_sign_in
        self._terminal = Terminal()
        self._quiet = options.quiet
        self.no_input = options.no_input
        self.can_prompt = self._terminal.can_ask and not options.no_input

    @property
    def has_browser(self) -> bool:
        """Whether a browser can be opened on the user's screen."""
        return can_open_browser()

    def warn(self, text: str) -> None:
        """Print a warning to stderr, unless `--quiet` is set."""
        if not self._quiet:
            self._terminal.say("warning", one_line(text), "yellow")

    def select_sign_in(self, candidates: Sequence[StoredSignIn]) -> StoredSignIn:
        """List the stored sign-ins with numbers, and prompt until one of them is entered.

        Raises:
            typer.Abort: Nothing was entered.
        """
        for number, stored in enumerate(candidates, 1):
            self._terminal.tell_wrapped(f"  {number}  ", one_line(str(stored)))
        question = f"Which sign-in? [1-{len(candidates)}]"
        while True:
            choice = typer.prompt(question, default="", show_default=False, err=True).strip()
            if choice.isascii() and choice.isdigit() and 1 <= int(choice) <= len(candidates):
                return candidates[int(choice) - 1]
            if not choice:
                raise typer.Abort

    def show_device_code(self, message: str, code: str) -> None:  # noqa: ARG002 - the code is in the message
        """Print the message to stderr, even with `--quiet`: without the code one cannot sign in."""
        text, *commands = message.splitlines()
        self._terminal.say("sign in", text, "cyan")
        for command in commands:
            self._terminal.tell(command)

    def show_browser(self, message: str, hints: Sequence[str]) -> None:
        """Print the message and the hints to stderr, even with `--quiet`."""
        self._terminal.say("sign in", message, "cyan")
        for hint in hints:
            # What is indented is there to be pasted.
            if hint.startswith(" "):
                self._terminal.tell(hint)
            else:
                self._terminal.tell_wrapped("  ", hint)
