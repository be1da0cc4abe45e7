"""The door over HTTPS: for browsers, other programs and other languages. It listens on this machine's loopback only."""

import errno
import selectors
import socket
import ssl
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from pallink.sandbox.certificates import KeyPair
from pallink.sandbox.handler import Sandbox
from pallink.sandbox.http.connection import Connection, say_goodbye

_ADDRESSES = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_QUEUE = 128  # Connections that wait to be taken.
_ATTEMPTS = 20  # To find a port that is free at both addresses.
_HTTPS_PORT = 443
_PATIENCE = 10.0  # Seconds that requests have to end when the server stops.
_NO_IPV6 = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})


class SandboxServer:
    """The sandbox behind HTTPS, each connection in a thread of its own; used as a context manager, which stops it.

    Attributes:
        origin: Where it is found: `https://localhost:8443`; 127.0.0.1 and [::1] instead of the name work as well.
        authority: The file with the certificate authority that clients have to trust (PEM).

    Args:
        sandbox: Who answers.
        port: Where to listen; 0: any port that is free.

    Raises:
        OSError: The port is in use, or not for this user.
        SandboxStateError: The sandbox's files cannot be used.
    """

    def __init__(self, sandbox: Sandbox, port: int = 0) -> None:
        self.authority, certificate = sandbox.server_certificate()
        self._context = _context(certificate)
        self._listening = _listen(port)
        found: int = self._listening[0].getsockname()[1]
        suffix = "" if found == _HTTPS_PORT else f":{found}"
        self.origin = f"https://localhost{suffix}"
        names = ("localhost", "127.0.0.1", "[::1]")
        self._connections = Connections(sandbox, tuple(f"{name}{suffix}" for name in names))
        self._wake, self._waker = socket.socketpair()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens."""
        return tuple(each.getsockname()[0] for each in self._listening)

    def serve_forever(self) -> None:
        """Answers requests until an exception ends it (a signal's handler may raise one), or `stop` is called."""
        with selectors.DefaultSelector() as selector:
            for each in (*self._listening, self._wake):
                selector.register(each, selectors.EVENT_READ)
            while True:
                # On Windows a signal does not end the wait: a short one lets Ctrl-C through.
                ready = [key.fileobj for key, _ in selector.select(0.5 if sys.platform == "win32" else None)]
                if self._wake in ready:
                    return
                for each in self._listening:
                    if each in ready:
                        self._accept(each)

    def _accept(self, listening: socket.socket) -> None:
        try:
            connection, address = listening.accept()
        except OSError:
            return  # The client was faster.
        connection.setblocking(True)
        thread = threading.Thread(
            target=self._connections.serve, args=(connection, address, self._context), daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # The system has no more threads to give: this client is turned away, the others stay.
            connection.close()

    def stop(self) -> None:
        """Makes `serve_forever` return, in whichever thread it runs; no further request is taken from here on."""
        self._connections.is_stopping = True
        self._waker.send(b"!")

    def close(self) -> None:
        """Takes no more connections, lets the requests that are being answered end, and closes the rest."""
        for each in self._listening:
            each.close()
        self._connections.close()
        self._wake.close()
        self._waker.close()


class Connections:
    """The connections that are open, and which of them wait for an answer.

    Attributes:
        sandbox: Who answers.
        hosts: What the server is called, with its port, as the header `Host` names it.
        is_stopping: Whether no more requests are taken.
    """

    def __init__(self, sandbox: Sandbox, hosts: tuple[str, ...]) -> None:
        self.sandbox = sandbox
        self.hosts = hosts
        self.is_stopping = False
        self._open: set[socket.socket] = set()
        self._busy: set[socket.socket] = set()
        self._changed = threading.Condition()

    def serve(self, connection: socket.socket, address: object, context: ssl.SSLContext) -> None:
        """Answers the requests of a connection until it ends."""
        with suppress(OSError), connection:
            # The handshake is left to the handler, which has a time-out.
            secured = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            with secured, self._noted(secured) as is_wanted:
                if is_wanted:
                    self._serve(secured, address)
                    # Closed at once, a connection with unread data would take the last answer or alert with it.
                    socket.socket.shutdown(secured, socket.SHUT_WR)

    def _serve(self, connection: ssl.SSLSocket, address: object) -> None:
        try:
            handler = Connection(connection, address, self)  # type: ignore[arg-type]  # See its `server`.
            if not handler.was_cut:
                say_goodbye(connection)
        except OSError:
            return  # The client hung up, or does not trust the certificate: that is for it to report.
        except Exception:  # noqa: BLE001 - Of this connection alone.
            self.tell_defect()

    @contextmanager
    def _noted(self, connection: socket.socket) -> Iterator[bool]:
        with self._changed:
            is_wanted = not self.is_stopping
            self._open.add(connection)
        try:
            yield is_wanted
        finally:
            with self._changed:
                self._open.discard(connection)

    def begin(self, connection: socket.socket) -> bool:
        """Notes that a request is going to be answered; False: the server stops, and it must not be."""
        with self._changed:
            if not self.is_stopping:
                self._busy.add(connection)
            return not self.is_stopping

    def end(self, connection: socket.socket) -> None:
        """Notes that a request has been answered."""
        with self._changed:
            self._busy.discard(connection)
            self._changed.notify_all()

    def tell_defect(self) -> None:
        """Shows the exception that is being handled to whoever runs the server."""
        traceback.print_exc()

    def close(self) -> None:
        """Lets the requests that are being answered end, within reason, and closes every connection."""
        with self._changed:
            self.is_stopping = True
            self._shut_down(self._open - self._busy)
            self._changed.wait_for(lambda: not self._busy, _PATIENCE)
            self._shut_down(self._open)

    @staticmethod
    def _shut_down(connections: set[socket.socket]) -> None:
        for each in connections:
            with suppress(OSError):  # The client was faster.
                # Not its own method: TLS would forget its state under the feet of the thread that answers.
                socket.socket.shutdown(each, socket.SHUT_RDWR)


def _context(pair: KeyPair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    # OpenSSL reads keys from files only. This one is for nobody else, and gone at once.
    with tempfile.TemporaryDirectory(prefix="pallink-sandbox-") as folder:
        file = Path(folder) / "localhost.pem"
        file.touch(mode=0o600)
        file.write_bytes(pair.private_key + pair.certificate)
        context.load_cert_chain(file)
    return context


def _listen(port: int) -> tuple[socket.socket, ...]:
    """Returns sockets that listen at each of this machine's own addresses, with the same port.

    `localhost` is ::1 first to many programs: what listened there instead would get their requests.

    Raises:
        OSError: The port is in use at one of them, or not for this user.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _listen_at(port)
        except OSError as error:
            # The first address had a free port that is in use at the second one.
            if port or error.errno != errno.EADDRINUSE or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError  # The last attempt returns or raises.


def _listen_at(port: int) -> tuple[socket.socket, ...]:
    with ExitStack() as opened:
        found: list[socket.socket] = []
        for family, address in _ADDRESSES:
            try:
                listening = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
                # On Windows the option would let a second server listen on the same port.
                if sys.platform != "win32":
                    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listening.bind((address, port))
            except OSError as error:
                if found and error.errno in _NO_IPV6:
                    continue
                raise
            listening.listen(_QUEUE)
            listening.setblocking(False)
            found.append(listening)
            port = listening.getsockname()[1]
        opened.pop_all()
        return tuple(found)
