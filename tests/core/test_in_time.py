"""Waiting for a request no longer than there is time, and what becomes of it and of its connection then."""

import gc
import socket
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pallink.concurrency import gather
from pallink.http.pool import _PlainConnection
from pallink.http.request_deadline import (
    AbandonedError,
    RequestTimeoutError,
    about_to_connect,
    about_to_send,
    given_back,
    request_deadline,
)

# Reached only by a test that fails.
SECONDS_UNTIL_A_HANG_IS_A_FAILURE = 30
AT_ONCE = 0.05


class Connection:
    """What a request goes through, as far as `request_deadline` looks at it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock


@pytest.fixture
def wires() -> Iterator[tuple[socket.socket, socket.socket]]:
    mine, other = socket.socketpair()
    other.settimeout(SECONDS_UNTIL_A_HANG_IS_A_FAILURE)
    with mine, other:
        yield mine, other


def is_open(wires: tuple[socket.socket, socket.socket]) -> bool:
    mine, other = wires
    try:
        mine.sendall(b"x")
    except OSError:
        return False
    return other.recv(1) == b"x"


def interrupt(send: Callable[[], None], *, when: threading.Event) -> None:
    """Wait for a request, and press Ctrl-C when it has come so far."""

    def interrupted() -> None:
        assert when.wait(SECONDS_UNTIL_A_HANG_IS_A_FAILURE)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather(lambda: request_deadline(send, SECONDS_UNTIL_A_HANG_IS_A_FAILURE), interrupted)


def test_an_answer_and_an_error_come_through() -> None:
    assert request_deadline(lambda: 7, SECONDS_UNTIL_A_HANG_IS_A_FAILURE) == 7
    with pytest.raises(ZeroDivisionError):
        request_deadline(lambda: 1 // 0, SECONDS_UNTIL_A_HANG_IS_A_FAILURE)


def test_a_request_that_takes_too_long_loses_its_connection(wires: tuple[socket.socket, socket.socket]) -> None:
    woken = threading.Event()
    connection = Connection(wires[0])

    def send() -> None:
        about_to_send(connection)
        wires[0].recv(1)
        woken.set()

    with pytest.raises(RequestTimeoutError) as late:
        request_deadline(send, AT_ONCE)
    assert late.value.sent
    assert woken.wait(SECONDS_UNTIL_A_HANG_IS_A_FAILURE)
    assert not is_open(wires)


def test_what_was_not_sent_in_time_is_not_sent_at_all(wires: tuple[socket.socket, socket.socket]) -> None:
    released, refused = threading.Event(), threading.Event()

    def send() -> None:
        about_to_connect(Connection(wires[0]))
        released.wait()
        try:
            about_to_send(Connection(wires[0]))
        except AbandonedError:
            refused.set()

    with pytest.raises(RequestTimeoutError) as late:
        request_deadline(send, AT_ONCE)
    released.set()
    assert not late.value.sent
    assert refused.wait(SECONDS_UNTIL_A_HANG_IS_A_FAILURE)


def test_a_connection_that_another_request_took_over_is_left_alone(wires: tuple[socket.socket, socket.socket]) -> None:
    """An answer gives its connection back before the one who waits for it knows."""
    connection = Connection(wires[0])
    is_answered, is_taken_over, released = threading.Event(), threading.Event(), threading.Event()

    def answered() -> None:
        about_to_send(connection)
        is_answered.set()
        released.wait()

    def taking_over() -> None:
        is_answered.wait(SECONDS_UNTIL_A_HANG_IS_A_FAILURE)
        about_to_send(connection)
        is_taken_over.set()
        released.wait()

    other = threading.Thread(target=request_deadline, args=(taking_over, SECONDS_UNTIL_A_HANG_IS_A_FAILURE))
    other.start()
    try:
        interrupt(answered, when=is_taken_over)
        assert is_open(wires)
    finally:
        released.set()
        other.join()


def test_a_connection_that_was_given_back_is_left_alone(wires: tuple[socket.socket, socket.socket]) -> None:
    connection = Connection(wires[0])
    is_answered, released = threading.Event(), threading.Event()

    def answered() -> None:
        about_to_send(connection)
        given_back(connection)
        is_answered.set()
        released.wait()

    try:
        interrupt(answered, when=is_answered)
        assert is_open(wires)
    finally:
        released.set()


def test_a_connection_that_failed_is_forgotten(wires: tuple[socket.socket, socket.socket]) -> None:
    def fail() -> "weakref.ref[Connection]":
        connection = Connection(wires[0])
        about_to_connect(connection)
        return weakref.ref(connection)

    reference = request_deadline(fail, SECONDS_UNTIL_A_HANG_IS_A_FAILURE)
    gc.collect()
    assert reference() is None


def test_a_plain_request_counts_as_sent_though_its_connection_is_opened_with_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection: Any = _PlainConnection("127.0.0.1", listener.getsockname()[1])

        def send() -> None:
            connection.request("GET", "/")
            connection.getresponse()

        with pytest.raises(RequestTimeoutError) as late:
            request_deadline(send, 0.5)
        assert late.value.sent
        connection.close()
