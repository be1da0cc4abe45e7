"""The connections of the pool, as urllib3 and http.client make them, with what they lack."""

import http.client
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from pallink.http.response_limits import UnusableResponse


class _Response(http.client.HTTPResponse):
    """Refuses a chunk of negative size: http.client would read to the end of the stream, however long it is."""

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]  # not part of typeshed
        if size < 0:
            raise UnusableResponse("a chunk of it has a negative size")
        return size


class _PlainConnection(HTTPConnection):
    response_class = _Response


class _TlsConnection(HTTPSConnection):
    response_class = _Response


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def use_own_connections(manager: Any) -> None:
    """Let a pool manager of urllib3, or one for a proxy, make these connections."""
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
