"""Waits for a request no longer than there is time, whatever it hangs in.

The time-outs of sockets are for each read: a server that sends a byte now and then outlasts any of them, and DNS has
none. So each request is sent in a thread of its own. Who stops waiting, be it for Ctrl-C, also sees to it that nothing
is sent any more that was not sent yet: a write that left minutes later would be one that nobody knows of.
"""

import contextlib
import contextvars
import socket
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from pallink.concurrency import THREAD_NAME, abandoned_with_the_wait, nobody_waits

T = TypeVar("T")

# On Windows Ctrl-C does not end a wait: it is noticed in between.
_WAIT_AT_ONCE = 0.2 if sys.platform == "win32" else float("inf")

_of_this_thread = threading.local()

# Of all requests: one of them may have done with a connection that another one takes over.
_lock = threading.Lock()


class AbandonedError(Exception):
    """Nobody waits for this request any more: it must not be sent."""


class RequestTimeoutError(TimeoutError):
    """The request took too long.

    Attributes:
        sent: whether it left this machine, as far as is known: False only where it certainly did not.
    """

    def __init__(self, seconds: float, *, sent: bool) -> None:
        super().__init__(f"no answer within {seconds:.1f} seconds")
        self.sent = sent


def _no_connection() -> None:
    return None


class _Request:
    """One request, of which two threads know: the one that sends it and the one that waits."""

    def __init__(self) -> None:
        self.sent = True
        self._is_abandoned = False
        # Weak: what stands in `_carried` would else keep its own key.
        self._connection: Callable[[], Any] = _no_connection
        self._socket: Any = None

    def connect_by(self, connection: Any) -> None:
        """The connection that it will go through is about to be opened."""
        with _lock:
            self._take(connection)
            self.sent = False

    def send_by(self, connection: Any) -> None:
        """It is about to be sent: from here on it may take effect."""
        with _lock:
            self._take(connection)
            self._socket = connection.sock
            self.sent = True

    def abandon(self) -> None:
        """Nobody waits any more: whatever blocks in its connection is woken, and ends."""
        with _lock:
            self._is_abandoned = True
            connection = self._connection()
            if connection is None or _carried.get(connection) is not self:
                return
            # A connection forgets its socket when an answer is its last one.
            wire = getattr(connection, "sock", None) or self._socket
            # Not the socket's own method: TLS would forget its state under the feet of the thread that reads.
            with contextlib.suppress(OSError, TypeError):
                socket.socket.shutdown(wire, socket.SHUT_RDWR)

    def check(self) -> None:
        """Whether it may still be sent."""
        if self._is_abandoned or nobody_waits():
            raise AbandonedError

    def _take(self, connection: Any) -> None:
        self.check()
        self._connection = weakref.ref(connection)
        _carried[connection] = self


# Which request a connection carries, for as long as there is the connection.
_carried: weakref.WeakKeyDictionary[Any, _Request] = weakref.WeakKeyDictionary()


def request_deadline(call: Callable[[], T], seconds: float) -> T:
    """What `call` returns or raises, if it does so in time.

    Raises:
        NotInTimeError: it does not.
    """
    request = _Request()
    ended = threading.Event()
    outcome: list[Any] = []

    def work() -> None:
        _of_this_thread.request = request
        try:
            request.check()
            outcome.extend((call(), None))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            outcome.extend((None, error))
        ended.set()

    try:
        # Ctrl-C ends the wait of the main thread, which waits for this one.
        with abandoned_with_the_wait(request.abandon):
            # With the caller's context, so that whoever traces requests knows whose they are.
            context = contextvars.copy_context()
            threading.Thread(target=context.run, args=(work,), name=THREAD_NAME, daemon=True).start()
            is_in_time = _wait(ended, seconds)
    except BaseException:
        request.abandon()
        raise
    if not is_in_time:
        # What it ends with now is only that it was woken.
        request.abandon()
        raise RequestTimeoutError(seconds, sent=request.sent)
    result, error = outcome
    if error is not None:
        try:
            raise error
        finally:
            # Else the error would hold this frame, and this frame the error.
            del error, outcome
    answer: T = result
    return answer


def _wait(ended: threading.Event, seconds: float) -> bool:
    while not ended.wait(min(seconds, _WAIT_AT_ONCE)):
        seconds -= _WAIT_AT_ONCE
        if seconds <= 0:
            return False
    return True


def check_awaited() -> None:
    """To be called before a request is begun.

    Raises:
        AbandonedError: nobody waits for it any more.
    """
    if nobody_waits():
        raise AbandonedError


def about_to_connect(connection: Any) -> None:
    """To be called by a connection before it opens.

    Raises:
        AbandonedError: nobody waits for the request any more.
    """
    request = getattr(_of_this_thread, "request", None)
    if request is not None:
        request.connect_by(connection)


def about_to_send(connection: Any) -> None:
    """To be called by a connection before it sends a request.

    Raises:
        AbandonedError: nobody waits for it any more.
    """
    request = getattr(_of_this_thread, "request", None)
    if request is not None:
        request.send_by(connection)


def given_back(connection: Any) -> None:
    """To be called when a connection has done with its request, before another one may take it."""
    with _lock:
        _carried.pop(connection, None)
