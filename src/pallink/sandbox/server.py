"""The door over HTTPS: for browsers, other programs and other languages. It listens on this machine's loopback only."""

import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from pallink.sandbox.certificates import KeyPair
from pallink.sandbox.errors import SandboxStateError
from pallink.sandbox.handler import Sandbox
from pallink.sandbox.messages import Delivery, Request, Response, json_response

_ADDRESS = "127.0.0.1"
_IDLE = 60.0  # Seconds until a connection that says nothing is closed.
_PATIENCE = 5.0  # Seconds that requests have to end when the server stops.
_LONGEST_BODY = 1 << 20  # Bytes.


class SandboxServer:
    """The sandbox behind HTTPS, each connection in a thread of its own; used as a context manager, which stops it.

    Attributes:
        origin: Where it is found: `https://localhost:8443`; 127.0.0.1 instead of the name works as well.
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
        self._server = _Server(sandbox, port, _context(certificate))
        self.origin = f"https://localhost:{self._server.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close_all()

    def serve_forever(self) -> None:
        """Answers requests until an exception ends it (a signal's handler may raise one), or `stop` is called."""
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """Makes `serve_forever` return, in whichever thread it runs."""
        self._server.shutdown()


def _context(pair: KeyPair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # OpenSSL reads keys from files only. This one is for nobody else, and gone at once.
    with tempfile.TemporaryDirectory(prefix="pallink-sandbox-") as folder:
        file = Path(folder) / "localhost.pem"
        file.touch(mode=0o600)
        file.write_bytes(pair.private_key + pair.certificate)
        context.load_cert_chain(file)
    return context


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # An idle connection would keep it waiting; `close_all` knows which are not.
    request_queue_size = 128
    # On Windows the option would let a second server listen on the same port.
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, sandbox: Sandbox, port: int, context: ssl.SSLContext) -> None:
        self.sandbox = sandbox
        self._open: set[socket.socket] = set()
        self._busy = 0
        self._changed = threading.Condition()
        super().__init__((_ADDRESS, port), _Handler)
        # The handshake is left to the thread of each connection: one that waits must not keep the others waiting.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def server_bind(self) -> None:
        """Binds the socket; the base class would look up the machine's name, which can take seconds."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own types.
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - socketserver's own type.
        with self._changed:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own types.
        """Says nothing of clients that hang up, or do not trust the certificate: that is theirs to report."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    @contextmanager
    def busy(self) -> Iterator[None]:
        with self._changed:
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def close_all(self) -> None:
        """Takes no more connections, lets the requests that are being answered end, and closes the rest."""
        self.server_close()
        with self._changed:
            self._changed.wait_for(lambda: self._busy == 0, _PATIENCE)
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # The client was faster.


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE
    disable_nagle_algorithm = True
    wbufsize = -1  # Headers and body leave together.
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.request.do_handshake()

    def _answer(self) -> None:
        with self.server.busy():
            self._send(self._response())
            self.wfile.flush()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - The names are http.server's.

    def _response(self) -> Response:
        if problem := self._problem():
            self.close_connection = True  # The body is not read.
            return Response(problem, {"Connection": "close"})
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        request = Request(self.command, f"https://{self._host}{self.path}", dict(self.headers), body)
        try:
            return self.server.sandbox.handle(request)
        except SandboxStateError as error:
            return _failed("SandboxUnusable", str(error))
        except Exception as error:  # noqa: BLE001 - A defect of one answer must not take the connection with it.
            self.server.handle_error(self.request, self.client_address)
            return _failed("InternalServerError", f"The sandbox has a defect: {type(error).__name__}.")

    @property
    def _host(self) -> str:
        return str(self.headers.get("Host", f"localhost:{self.server.port}")).lower()

    def _problem(self) -> HTTPStatus | None:
        """Returns why a request is not for the sandbox, or not one that it can read; None where it is."""
        if self._host not in {f"localhost:{self.server.port}", f"{_ADDRESS}:{self.server.port}"}:
            return HTTPStatus.MISDIRECTED_REQUEST  # A name that somebody made point here.
        if "Transfer-Encoding" in self.headers:
            return HTTPStatus.LENGTH_REQUIRED
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit() and self.path.startswith("/")):
            return HTTPStatus.BAD_REQUEST
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if int(length) > _LONGEST_BODY else None

    def _send(self, response: Response) -> None:
        if response.delay:
            self.server.sandbox.wait(response.delay)
        if response.delivery is not Delivery.WHOLE:
            self.close_connection = True
        if response.delivery is Delivery.CLOSED:
            return
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.sent_body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name.
        """Says nothing: URLs of a sign-in hold what is not for a log."""


def _failed(code: str, message: str) -> Response:
    return json_response(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": {"code": code, "message": message}})
