"""How a connection is made to a host with several addresses, some of which are dead."""

import socket
import sys
from collections.abc import Iterator

import pytest

from pallink.http.connections import Address, connect
from tests.tcp_server import address_of, dead_address

HOUR = 3600.0

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse what a full queue cannot take")


@pytest.fixture
def live() -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield address_of(listener.getsockname()[1])


@pytest.fixture
def dead() -> Iterator[Address]:
    with dead_address() as address:
        yield address


@pytest.fixture
def closed() -> Address:
    """Return an address that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return address_of(listener.getsockname()[1])


def test_one_address(live: Address) -> None:
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    with connect([live], HOUR, options) as connection:
        assert connection.getpeername() == live[-1]
        assert connection.gettimeout() == HOUR
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@only_linux
def test_a_dead_address_does_not_hold_up_the_next(live: Address, dead: Address) -> None:
    with connect([dead, live], HOUR) as connection:
        assert connection.getpeername() == live[-1]
    with connect([dead, dead, live, dead], HOUR) as connection:
        assert connection.getpeername() == live[-1]


def test_a_closed_port_does_not_hold_up_the_next(live: Address, closed: Address) -> None:
    with connect([closed, live], HOUR) as connection:
        assert connection.getpeername() == live[-1]


def test_an_address_that_this_machine_cannot_reach_does_not_hold_up_the_next(live: Address) -> None:
    # Address family, type and protocol do not belong together.
    impossible = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_UDP, "", live[-1])
    with connect([impossible, live], HOUR) as connection:
        assert connection.getpeername() == live[-1]


def test_where_all_refuse_the_error_says_so(closed: Address) -> None:
    with pytest.raises(ConnectionRefusedError):
        connect([closed, closed], HOUR)


@only_linux
def test_where_none_responds_it_ends_with_the_time(dead: Address, closed: Address) -> None:
    for addresses in ([dead, dead], [closed, dead], [dead, closed]):
        with pytest.raises(TimeoutError):
            connect(addresses, 0.3)


def test_no_address() -> None:
    with pytest.raises(OSError, match="no address"):
        connect([], HOUR)
