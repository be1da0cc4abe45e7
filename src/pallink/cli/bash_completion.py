"""Completion in bash, which splits `invoices@contoso.com` and `--account=NAME` before it asks for completions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from typer import _completion_classes as shells  # Typer has no public door to it.

if TYPE_CHECKING:
    from typer._click.shell_completion import CompletionItem


class BashCompletion(shells.BashComplete):
    """Typer's completion for bash, with the parts of a word joined again."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is being typed, and that one."""
        words, last = super().get_completion_args()
        # After a space the last word is empty, and belongs to no other.
        *joined, word = (*join_words(words), "") if not last else join_words([*words, last])
        self._kept = kept_by_bash(word, last)
        return joined, word

    def format_completion(self, item: "CompletionItem") -> str:
        """Return the part of a completion that bash inserts: from the last @ that was typed."""
        return super().format_completion(item).removeprefix(self._kept)


def join_words(words: Sequence[str]) -> list[str]:
    """Return words in which what bash split at `@` and `=` is joined.

    Args:
        words: The words as bash has them: `--account`, `=`, `invoices`, `@`, `con`.
    """
    joined: list[str] = []
    for word in words:
        if joined and (word in ("@", "=") or joined[-1].endswith(("@", "="))):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def kept_by_bash(word: str, last: str) -> str:
    """Return the beginning of a value that bash keeps when it inserts a completion.

    Args:
        word: The joined word that is being typed.
        last: Its last part, as bash has it. Bash replaces this part, and an @ before it.
    """
    kept = word.removesuffix(last).removesuffix("@")
    return kept.partition("=")[2] if kept.startswith("-") else kept
