"""A server on loopback that speaks whatever a test wants, TLS or not: for connections that come to nothing."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import trustme

from pallink.http.connections import Address

Handle = Callable[[socket.socket], None]
"""Speaks with one client. The connection is closed afterwards, when the client has closed it too."""


@contextmanager
def tcp_server(handle: Handle) -> Iterator[int]:
    """Serve `handle` at 127.0.0.1, one connection at a time, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client, suppress(OSError):
                    handle(client)
                    drain(client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            # Closing it would not wake the thread.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join()


@contextmanager
def dead_address() -> Iterator[Address]:
    """Yield an address at loopback that neither accepts nor refuses a connection, as one behind a firewall (Linux)."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        # The queue takes one connection, and Linux drops the packets of every other.
        with socket.create_connection(listener.getsockname()):
            yield address_of(listener.getsockname()[1])


def address_of(port: int) -> Address:
    """Return a port at 127.0.0.1 as `socket.getaddrinfo` does."""
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port)


def drain(client: socket.socket) -> None:
    """Read until the client closes: a reset could overtake what was sent."""
    with suppress(OSError):
        client.shutdown(socket.SHUT_WR)
        while socket.socket.recv(client, 65536):
            pass


def says(data: bytes) -> Handle:
    """Return a handler that reads once and says this, whatever it read."""

    def handle(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(data)

    return handle


def alerts(description: int) -> Handle:
    """Return a handler that ends the handshake with a fatal alert (RFC 8446, 6)."""
    return says(bytes((0x15, 3, 3, 0, 2, 2, description)))


def wants_a_certificate(authority: trustme.CA, version: ssl.TLSVersion) -> Handle:
    """Return a handler that requires a client certificate, in this version of TLS."""
    context = _context(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    authority.configure_trust(context)

    def handle(client: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                client.sendall(outgoing.read())
                incoming.write(client.recv(65536))
            except ssl.SSLError:
                client.sendall(outgoing.read())
                return

    return handle


def damages(authority: trustme.CA) -> Handle:
    """Return a handler that shakes hands, reads a request, and sends a record that cannot be decrypted."""
    context = _context(authority)

    def handle(client: socket.socket) -> None:
        with context.wrap_socket(client.dup(), server_side=True) as tls:
            tls.recv(65536)
            client.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
            drain(client)

    return handle


def _context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context
