"""The connections of the pool, as urllib3 and http.client make them, with what they lack."""

import http.client
import os
import selectors
import socket
import sys
import time
from collections.abc import Iterable
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

from pallink.http.response_limits import UnusableResponse

Address = tuple[Any, ...]
"""What `socket.getaddrinfo` returns of an address: family, type, protocol, canonical name, and the address itself."""

# Seconds: RFC 8305, 5 (Connection Attempt Delay).
_NEXT_ADDRESS_AFTER = 0.25
# Seconds, for a caller that sets none.
_CONNECT_TIMEOUT = 20.0


def connect(addresses: Iterable[Address], timeout: float, options: Iterable[tuple[Any, ...]] = ()) -> socket.socket:
    """Return a connection to the first of these addresses that accepts it (Happy Eyeballs, RFC 8305).

    The next address is tried too as soon as one refuses, or has not accepted within a quarter of a second. urllib3
    would wait for each as long as the time-out.

    Args:
        addresses: Those of one host, the preferred ones first.
        timeout: Seconds for all of them together. It becomes the time-out of the socket.
        options: Arguments of `setsockopt`.

    Raises:
        TimeoutError: None of them responded within the time.
        OSError: All of them refused; the last one's error.
    """
    end = time.monotonic() + timeout
    untried = list(addresses)
    error = OSError("the host has no address")
    with selectors.DefaultSelector() as selector:
        try:
            while untried or selector.get_map():
                if untried:
                    try:
                        selector.register(_begin(untried.pop(0), options), selectors.EVENT_WRITE)
                    except OSError as refused:
                        error = refused
                        continue
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError("timed out")
                for key, _ in selector.select(min(left, _NEXT_ADDRESS_AFTER) if untried else left):
                    connection: Any = key.fileobj
                    selector.unregister(connection)
                    code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        connection.settimeout(timeout)
                        return connection  # type: ignore[no-any-return]
                    connection.close()
                    error = OSError(code, os.strerror(code))
            raise error
        finally:
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]


def _begin(address: Address, options: Iterable[tuple[Any, ...]]) -> socket.socket:
    family, kind, protocol, _, target = address
    connection = socket.socket(family, kind, protocol)
    try:
        for option in options:
            connection.setsockopt(*option)
        connection.setblocking(False)
        connection.connect(target)
    except BlockingIOError:
        pass
    except BaseException:
        connection.close()
        raise
    return connection


class _Response(http.client.HTTPResponse):
    """Refuses a chunk of negative size: http.client would read to the end of the stream, however long it is."""

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]  # not part of typeshed
        if size < 0:
            raise UnusableResponse("a chunk of it has a negative size")
        return size


class _Connection(HTTPConnection):
    """Tries all addresses of its host within the time-out."""

    response_class = _Response

    def _new_conn(self) -> socket.socket:
        """Connect, and raise what urllib3 raises where that fails."""
        host = self._dns_host.strip("[]")
        if host.endswith(".localhost"):
            # RFC 6761, 6.3: always this machine, which not every resolver knows. A served sandbox's vaults are there.
            host = "localhost"
        try:
            addresses = socket.getaddrinfo(host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
            connection = connect(addresses, self.timeout or _CONNECT_TIMEOUT, self.socket_options or ())
        except (socket.gaierror, UnicodeError) as error:
            reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(self.host, self, reason) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"connecting to {self.host} timed out") from error
        except OSError as error:
            raise NewConnectionError(self, f"connecting to {self.host} failed: {error}") from error
        sys.audit("http.client.connect", self, self.host, self.port)
        return connection


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def use_own_connections(manager: Any) -> None:
    """Let a pool manager of urllib3, or one for a proxy, make these connections."""
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
