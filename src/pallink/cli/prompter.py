"""The person at the terminal: asked on stderr, as stdout is for data."""

from collections.abc import Sequence

import typer

from pallink.cli.options import CommonOptions
from pallink.output.terminal import Terminal
from pallink.redact.text import one_line
from pallink.signin import StoredSignIn
from pallink.signin.prompter import browser_at_hand


class TerminalPrompter:
    """Whoever runs the command; see `pallink.signin.prompter.Person`.

    Args:
        options: whether there may be questions, and warnings.
    """

    def __init__(self, options: CommonOptions) -> None:
        self._terminal = Terminal()
        self._quiet = options.quiet
        self.no_input = options.no_input
        self.can_ask = self._terminal.can_ask and not options.no_input

    @property
    def has_browser(self) -> bool:
        """Whether a browser can be opened that the person sees."""
        return browser_at_hand()

    def warn(self, text: str) -> None:
        """To stderr, unless `--quiet`."""
        if not self._quiet:
            self._terminal.say("warning", one_line(text), "yellow")

    def pick(self, candidates: Sequence[StoredSignIn]) -> StoredSignIn:
        """Show them with numbers, and ask until one of these is given."""
        for number, each in enumerate(candidates, 1):
            print(f"  {number}  {one_line(str(each))}", file=self._terminal.stderr)
        while True:
            answer = typer.prompt("Which sign-in?", default="", show_default=False, err=True).strip()
            if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(candidates):
                return candidates[int(answer) - 1]
            if not answer:
                raise typer.Abort

    def show_device_code(self, message: str, code: str) -> None:  # noqa: ARG002 - the code is in the message
        """To stderr, even with `--quiet`: without it nobody could sign in."""
        self._terminal.say("sign in", message, "cyan")
        self._terminal.stderr.flush()

    def show_browser(self, message: str) -> None:
        """To stderr."""
        self._terminal.say("sign in", message, "cyan")
        self._terminal.stderr.flush()
