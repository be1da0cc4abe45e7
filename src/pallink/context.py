"""Values of the current context: the deadline, the cancel scope and the secrets that a thread works with."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def activate(variable: ContextVar[T | None], value: T) -> Iterator[T]:
    """Give a context variable a value in the block, and in the threads that pallink starts there.

    From Python 3.14 on, the token that `ContextVar.set` returns does the same.
    """
    token = variable.set(value)
    try:
        yield value
    finally:
        variable.reset(token)
