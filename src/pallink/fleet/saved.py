"""JSON values that pallink saved, and another program may have changed: an error says which member is wrong. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

_T = TypeVar("_T")
_Word = TypeVar("_Word", bound=StrEnum)

_KINDS: dict[type, str] = {str: "a string", int: "a number", bool: "true or false", list: "a list", dict: "an object"}


class WrongMemberError(ValueError):
    """A member that is missing, or is not what pallink saved. It says which."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A value, and where it is.

    Attributes:
        value: The value.
        path: Where it is, as in `entries[0].plan`; empty for the whole.
    """

    value: Any
    path: str = ""

    def expect(self, kind: type[_T]) -> _T:
        """Return the value, if it is of a kind.

        Raises:
            WrongMemberError: It is of another one.
        """
        # True is an int too.
        if not isinstance(self.value, kind) or (isinstance(self.value, bool) and kind is not bool):
            raise WrongMemberError(f"{self.path or 'it'} must be {_KINDS[kind]}")
        return self.value

    def optional(self, kind: type[_T]) -> _T | None:
        """Return the value, if it is of a kind or null.

        Raises:
            WrongMemberError: It is of another kind.
        """
        return None if self.value is None else self.expect(kind)

    def one_of(self, words: type[_Word]) -> _Word:
        """Return the value as one of some words.

        Raises:
            WrongMemberError: It is none of them.
        """
        word = {word.value: word for word in words}.get(self.expect(str))
        if word is None:
            raise WrongMemberError(f"{self.path} must be one of {', '.join(words)}")
        return word

    def __getitem__(self, name: str) -> "Saved":
        """Return a member of an object.

        Raises:
            WrongMemberError: It is missing, or the value is no object.
        """
        path = f"{self.path}.{name}" if self.path else name
        members = self.expect(dict)
        if name not in members:
            raise WrongMemberError(f"{path} is missing")
        return Saved(members[name], path)

    def __contains__(self, name: str) -> bool:
        return name in self.expect(dict)

    def members(self) -> "Iterator[tuple[str, Saved]]":
        """Yield the members of an object, with their names."""
        for name in self.expect(dict):
            yield name, self[name]

    def __iter__(self) -> "Iterator[Saved]":
        """Yield the items of a list.

        Raises:
            WrongMemberError: The value is no list.
        """
        for number, item in enumerate(self.expect(list)):
            yield Saved(item, f"{self.path}[{number}]")
