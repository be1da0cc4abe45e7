"""Every message of the source is short, in lower case and without a full stop, and has a hint."""

import re

import pytest

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


@pytest.mark.parametrize("message", messages(), ids=lambda message: message.where)
def test_messages_are_short_and_plain(message: Message) -> None:
    for text in parts(message):
        assert len(text) <= _MAX_LENGTH, text
        assert not text.endswith((".", "!")), text
        assert not text[0].isupper() or _NAME.match(text), text


def test_what_hints_and_causes_are_composed_of_is_short() -> None:
    """Also what `advice`, `remedies` and others put into an error that is raised elsewhere."""
    assert [text for text in texts() if len(text.text) > _MAX_LENGTH] == []


@pytest.mark.parametrize("message", messages(), ids=lambda message: message.where)
def test_every_error_has_a_hint(message: Message) -> None:
    assert message.remedy or message.command or message.kind in HINT_ELSEWHERE, message.text
