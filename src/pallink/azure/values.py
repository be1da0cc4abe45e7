"""Values of the SDK's models, which may have any type: it validates nothing.

The errors that are raised here are reported as an invalid response.
"""

from collections.abc import Iterator
from typing import Any

from pallink.errors import UnexpectedAnswerError

# Characters. Azure's own limits are far below: 90 for a name, 8 KB for a condition.
_MAX_NAME = 1000
_MAX_TEXT = 16 * 1024

# A tenant with 10,000 subscriptions has some tens.
_MAX_PAGES = 1000


def items_of(paged: Any) -> Iterator[Any]:
    """Yield the items of all pages.

    Raises:
        UnexpectedAnswerError: A page leads back to an earlier one, or there are more than `_MAX_PAGES`.
    """
    pages = paged.by_page()
    tokens: set[str] = set()
    for page in pages:
        yield from page
        token = pages.continuation_token
        is_loop = token in tokens
        if is_loop or len(tokens) >= _MAX_PAGES:
            raise UnexpectedAnswerError(
                "Azure returned an endless list",
                cause="one of its pages leads back to an earlier one"
                if is_loop
                else f"it has more than {_MAX_PAGES} pages",
                remedy="try again; if it persists, run again with --debug to see the responses",
            )
        if token:
            tokens.add(token)


def text_of(value: Any) -> str | None:
    """Return a text; None for an empty one.

    Raises:
        ValueError: It is too long.
        TypeError: It is no text.
    """
    if value is None or isinstance(value, str):
        if value and len(value) > _MAX_TEXT:
            raise ValueError("a string that is too long")
        return value or None
    raise TypeError("expected a string")


def name_of(value: Any) -> str | None:
    """Return a name that is only displayed; cut where it is no name."""
    return text_of(value[:_MAX_NAME] if isinstance(value, str) else value)


def texts_of(values: Any) -> list[str]:
    """Return the texts of a list, without empty ones."""
    return [text for value in values or () if (text := text_of(value))]
