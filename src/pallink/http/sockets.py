"""TLS sockets that keep to a deadline, and that send nothing for what was cancelled.

A socket's own time-out is for each read: a server that sends a byte now and then outlasts it. So before each read and
write the time-out becomes what is left of the request's time.
"""

import ssl
import time
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from pallink.concurrency import CancelScope
from pallink.context import activate

_end: ContextVar[float | None] = ContextVar("request_end", default=None)


def request_deadline(seconds: float) -> AbstractContextManager[float]:
    """Give what is sent and received in the block so many seconds in all."""
    return activate(_end, time.monotonic() + seconds)


class _KeepsDeadline:
    """Mixin for `ssl.SSLSocket`: raises `TimeoutError` when the time of `request_deadline` is up."""

    def read(self, *args: Any, **kwargs: Any) -> Any:
        self._limit()
        return super().read(*args, **kwargs)  # type: ignore[misc]

    def send(self, *args: Any, **kwargs: Any) -> Any:
        # The one place where a request leaves: one that was cancelled while its connection was opened never does.
        CancelScope.check()
        self._limit()
        return super().send(*args, **kwargs)  # type: ignore[misc]

    def _limit(self: Any) -> None:
        end = _end.get()
        if end is None:
            return
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the request has passed")
        timeout = self.gettimeout()
        if timeout is None or timeout > left:
            self.settimeout(left)


def keep_deadlines(context: ssl.SSLContext) -> None:
    """Let a context make sockets that keep to `request_deadline` and to the caller's cancel scope."""
    # A context of truststore wraps the one that makes the sockets, and has a socket class of its own.
    inner = getattr(context, "_ctx", context)
    inner.sslsocket_class = type("DeadlineSocket", (_KeepsDeadline, inner.sslsocket_class), {})
