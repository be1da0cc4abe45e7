"""Every message of the source is short, in lower case and without a full stop, and has a hint."""

import re
from collections.abc import Iterator

from tools.program import Message, messages, texts

_MAX_LENGTH = 100
# What begins a sentence in capitals: names.
_NAME = re.compile(r"(Azure|Microsoft|Reader|[A-Z_]{2,}|Entra ID|GitHub|OpenSSL)\b")

# Classes whose hint is added by `pallink.advice` or the class itself, and what nothing can be done about.
HINT_ELSEWHERE = {
    "LinkedElsewhereError": "advice",
    "NotLinkedError": "advice",
    "UnsettledWriteError": "the class",
    "CancelledError": "the person decided so",
}


def parts(message: Message) -> list[str]:
    """The message, its causes and its hints, as far as they stand in the source."""
    rest = [text for field in (message.cause, message.remedy) for text in field.split(" / ")]
    return [text for text in (message.text, *rest) if text not in {"", "None", "\u2026"}]


def faults(text: str) -> Iterator[str]:
    """Yield what is wrong with the form of a text."""
    if len(text) > _MAX_LENGTH:
        yield "too long"
    if text.endswith((".", "!")):
        yield "ends like a sentence"
    if text[0].isupper() and not _NAME.match(text):
        yield "begins with a capital"


# One test for all messages: a test for each takes longer to set up than to run.
def test_messages_are_short_and_plain() -> None:
    wrong = [
        f"{message.where}: {fault}: {text}"
        for message in messages()
        for text in parts(message)
        for fault in faults(text)
    ]
    assert wrong == []


def test_what_hints_and_causes_are_composed_of_is_short() -> None:
    """Also what `advice`, `remedies` and others put into an error that is raised elsewhere."""
    assert [text for text in texts() if len(text.text) > _MAX_LENGTH] == []


def test_every_error_has_a_hint() -> None:
    without = [
        f"{message.where}: {message.text}"
        for message in messages()
        if not (message.remedy or message.command or message.kind in HINT_ELSEWHERE)
    ]
    assert without == []
