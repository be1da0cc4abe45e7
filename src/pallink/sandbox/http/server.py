"""The sandbox over HTTPS on loopback: the standard library's server, with TLS, chunked bodies and faulty deliveries."""

import errno
import selectors
import socket
import ssl
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from threading import Event, Thread
from typing import Any, Self

from pallink.sandbox.certificates import KeyPair
from pallink.sandbox.handler import Sandbox
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.http.messages import Delivery, Request, Response
from pallink.sandbox.state.errors import SandboxStateError

_MAX_BODY_SIZE = 1 << 20  # Bytes.
_MAX_LINE_SIZE = 1 << 16  # Bytes.
_IDLE_TIMEOUT = 60.0  # Seconds.
_UNREAD_TIMEOUT = 2.0  # Seconds.
_SHUTDOWN_TIMEOUT = 10.0  # Seconds.
_POLL_INTERVAL = 0.1  # Seconds.
_HTTPS_PORT = 443
_MAX_CONNECTIONS = 256  # At each address.
_OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})
_NO_IPV6 = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})
_FRAMING_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class SandboxServer:
    """The sandbox over HTTPS; used as a context manager, which closes it.

    Attributes:
        origin: Its URL, `https://localhost:8443`; 127.0.0.1 and [::1] work in place of the name.
        authority: The file with the certificate authority that clients have to trust (PEM).
        addresses: The IP addresses that it listens on.

    Args:
        sandbox: The sandbox that handles the requests.
        port: The port to listen on; 0 for any that is free.

    Raises:
        OSError: The port is in use, or this user may not listen on it.
        SandboxStateError: The sandbox's files cannot be used.
    """

    def __init__(self, sandbox: Sandbox, port: int = 0) -> None:
        self.authority, certificate = sandbox.server_certificate()
        self._stopping = Event()
        self._listeners = _listen(sandbox, self._stopping, _context(certificate), port)
        self.origin = f"https://{self._listeners[0].hosts[0]}"
        self.addresses = tuple(str(listener.server_address[0]) for listener in self._listeners)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def serve_forever(self) -> None:
        """Accept connections until `stop` is called, or a signal handler raises an exception."""
        with selectors.DefaultSelector() as selector:
            for listener in self._listeners:
                selector.register(listener, selectors.EVENT_READ, listener.handle_request)
            while not self._stopping.is_set():
                for key, _ in selector.select(_POLL_INTERVAL):
                    key.data()

    def stop(self) -> None:
        """Make `serve_forever` return, in whichever thread it runs."""
        self._stopping.set()

    def close(self) -> None:
        """Stop listening, let the responses under way finish, and end all connections."""
        self._stopping.set()
        for listener in self._listeners:
            listener.server_close()
        connections = [pair for listener in self._listeners for pair in listener.connections]
        deadline = time.monotonic() + _SHUTDOWN_TIMEOUT
        for how in (socket.SHUT_RD, socket.SHUT_RDWR):  # Idle connections end at once, others at the deadline.
            for _, connection in connections:
                with suppress(OSError):
                    # SSLSocket.shutdown would discard the TLS state that the connection's thread still uses.
                    socket.socket.shutdown(connection, how)
            for thread, _ in connections:
                thread.join(max(0.0, deadline - time.monotonic()))


class _Listener(ThreadingTCPServer):
    """Accepts connections at one address. ThreadingHTTPServer is the same, but looks up the address in DNS."""

    request_queue_size = 128
    allow_reuse_address = sys.platform != "win32"  # There a second server could listen on the same port.

    def __init__(self, sandbox: Sandbox, stopping: Event, context: ssl.SSLContext, address: str, port: int) -> None:
        self.sandbox = sandbox
        self.stopping = stopping
        self.connections: list[tuple[Thread, socket.socket]] = []  # Some of them have ended.
        # Those without a request to handle, the one that is idle for longest first.
        self.idle: dict[socket.socket, None] = {}
        self._max_connections = _max_connections()
        self._has_told = False
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), _RequestHandler)
        # The first read does the handshake: in the connection's thread, and within its timeout.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket.setblocking(False)
        suffix = "" if self.server_address[1] == _HTTPS_PORT else f":{self.server_address[1]}"
        self.hosts = tuple(f"{name}{suffix}" for name in ("localhost", "127.0.0.1", "[::1]"))

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _OUT_OF_DESCRIPTORS:
                self._make_room()
            # Without file descriptors the connection stays in the queue: the loop would spin.
            self.stopping.wait(_POLL_INTERVAL)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own.
        """Start the thread of a connection, and end the one that has been idle for longest where there are too many."""
        others = [pair for pair in self.connections if pair[0].is_alive()]
        if len(others) >= self._max_connections:
            self._make_room()
        self.idle[request] = None
        thread = Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        thread.start()
        self.connections = [*others, (thread, request)]

    def _make_room(self) -> None:
        """End the connection that has been idle for longest; its thread then closes it."""
        for connection in list(self.idle)[:1]:
            self.idle.pop(connection, None)
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RD)
            if not self._has_told:
                self._has_told = True
                print("sandbox: too many connections: those idle for longest are closed", file=sys.stderr, flush=True)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - socketserver's own.
        """Print a traceback, unless the client hung up, timed out or rejected the certificate."""
        if not isinstance(sys.exception(), OSError):
            traceback.print_exc()


class _RequestHandler(BaseHTTPRequestHandler):
    """Handles the requests of one connection, one after another."""

    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # The default gives errors no status line.
    timeout = _IDLE_TIMEOUT
    disable_nagle_algorithm = True
    wbufsize = -1  # Headers and body leave together, in one TLS record.
    server: _Listener

    def handle_expect_100(self) -> bool:
        """Send 100 Continue at once: the client waits for it before it sends the body."""
        is_accepted = super().handle_expect_100()
        self.wfile.flush()
        return is_accepted

    def _respond(self) -> None:
        try:
            del self.server.idle[self.connection]
        except KeyError:  # The request arrived while the connection was closed: it is the last one.
            self.close_connection = True
        try:
            request = self._read_request()
        except ValueError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))
        else:
            self._send(self._handle(request))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_QUERY = _respond  # noqa: N815 - http.server's names.

    def _handle(self, request: Request) -> Response:
        try:
            response = self.server.sandbox.handle(request)
        except SandboxStateError as error:
            return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "SandboxUnusable", str(error)).response()
        except Exception as error:  # noqa: BLE001 - A defect must not look like a network error.
            traceback.print_exc()
            message = f"Defect in the sandbox: {type(error).__name__}."
            return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError", message).response()
        if response.delay:
            self.server.sandbox.wait(response.delay)
        return response

    def _read_request(self) -> Request:
        """Return the request, whose headers http.server has read.

        Raises:
            ConnectionError: The client closed the connection before the end of the body.
            ValueError: The request is invalid.
        """
        host = self.headers.get("Host", "").lower()
        # A vault is at NAME.vault.localhost: no web page has such a name either.
        if host not in self.server.hosts and not host.endswith(
            f".vault.{self.server.hosts[0]}"
        ):  # DNS rebinding: a web page's own host name may resolve to loopback.
            raise ValueError(f"The Host header must be one of {', '.join(self.server.hosts)}.")
        if not self.path.startswith("/"):
            raise ValueError("The request target must be a path.")
        if "Transfer-Encoding" in self.headers:
            body = self._read_chunks()
        else:
            body = self._read_exactly(int(self.headers.get("Content-Length", "0")))
        method = "GET" if self.command == "HEAD" else self.command
        return Request(method, f"https://{host}{self.path}", dict(self.headers), body)

    def _read_chunks(self) -> bytes:
        """Return a chunked body (RFC 9112, 7.1); chunk extensions and trailers are ignored."""
        body = bytearray()
        while size := int(self.rfile.readline(_MAX_LINE_SIZE).partition(b";")[0], 16):
            body += self._read_exactly(size, len(body))
            if self.rfile.readline(_MAX_LINE_SIZE).strip():
                raise ValueError("A chunk is longer than its size.")
        while self.rfile.readline(_MAX_LINE_SIZE).strip():
            pass
        return bytes(body)

    def _read_exactly(self, size: int, size_before: int = 0) -> bytes:
        if not 0 <= size <= _MAX_BODY_SIZE - size_before:
            raise ValueError(f"The body must have 0 to {_MAX_BODY_SIZE} bytes.")
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionError
        return data

    def _send(self, response: Response) -> None:
        if response.delivery is not Delivery.WHOLE or self.server.stopping.is_set():
            self.close_connection = True
        if response.delivery is Delivery.CLOSED:
            return
        if not self.close_connection:
            self.server.idle[self.connection] = None  # Before the client can know: the order is that of the responses.
        has_body = response.status not in _WITHOUT_BODY
        self.send_response_only(response.status)
        for name, value in {"Date": self.date_time_string(), **response.headers}.items():
            if name.lower() not in _FRAMING_HEADERS:
                self.send_header(name, value)
        if has_body:
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(response.sent_body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Send an error in JSON, and close the connection."""
        self.close_connection = True
        status = HTTPStatus(code)
        name = status.name.title().replace("_", "")
        self._send(ApiError(status, name, message or status.description).response())

    def finish(self) -> None:
        """End the connection; unread data is discarded first, since a reset could overtake the response."""
        self.server.idle.pop(self.connection, None)
        super().finish()
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_UNREAD_TIMEOUT)
            while self.connection.recv(1 << 16):
                pass

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own.
        """Log nothing: the URLs of a sign-in hold secrets."""


def _max_connections() -> int:
    """Return how many connections one address may have: a quarter of the process's file descriptors at most."""
    if sys.platform == "win32":
        return _MAX_CONNECTIONS
    import resource  # noqa: PLC0415 - POSIX only

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_CONNECTIONS if limit == resource.RLIM_INFINITY else min(_MAX_CONNECTIONS, max(limit // 4, 1))


def _context(pair: KeyPair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)  # Without it OpenSSL 3 sends an alert.
    # OpenSSL reads keys from files only. No other user can enter this folder, and it is deleted at once.
    with tempfile.TemporaryDirectory(prefix="pallink-sandbox-") as folder:
        file = Path(folder) / "localhost.pem"
        file.write_bytes(pair.private_key + pair.certificate)
        context.load_cert_chain(file)
    return context


def _listen(sandbox: Sandbox, stopping: Event, context: ssl.SSLContext, port: int) -> tuple[_Listener, ...]:
    """Listen at 127.0.0.1 and ::1, on the same port: many programs resolve `localhost` to ::1 first.

    Raises:
        OSError: The port is in use at one of them, or this user may not listen on it.
    """
    ipv4 = _Listener(sandbox, stopping, context, "127.0.0.1", port)
    try:
        return ipv4, _Listener(sandbox, stopping, context, "::1", int(ipv4.server_address[1]))
    except OSError as error:
        if error.errno in _NO_IPV6:
            return (ipv4,)
        ipv4.server_close()
        if port or error.errno != errno.EADDRINUSE:
            raise
        return _listen(sandbox, stopping, context, port)  # The free port of 127.0.0.1 is in use at ::1.
