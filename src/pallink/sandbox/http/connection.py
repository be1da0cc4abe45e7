"""HTTP/1.1 on one connection: requests in, the sandbox's answers out, as RFC 9110 and RFC 9112 have it.

It reads what clients in other languages send (bodies in chunks, `Expect: 100-continue`, absolute targets, requests that
do not wait for the answer before), and answers what is no request for the sandbox with an error in JSON.
"""

import socket
from collections.abc import Iterator
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from http.client import parse_headers
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pallink.sandbox.http.messages import Delivery, Request, Response, json_response
from pallink.sandbox.state.errors import SandboxStateError

if TYPE_CHECKING:
    from pallink.sandbox.http.server import Connections

_IDLE = 60.0  # Seconds until a connection that says nothing is closed.
_MAX_BODY_BYTES = 1 << 20  # Bytes.
_MAX_LINE_BYTES = 1 << 16  # Bytes.
_LINGER = 2.0  # Seconds for the rest of a request that is not read, so that its client reads why.
_MAX_LINGER_BYTES = 64 << 20  # Bytes.
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})  # The connection's own headers.
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class _RefusedError(Exception):
    """What arrived is no request, or none for the sandbox; what follows on the connection cannot be made out."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def say_goodbye(connection: socket.socket) -> None:
    """Ends TLS as it should be ended, so that no client takes it for an attack; waits for no answer."""
    connection.settimeout(0)
    with suppress(OSError, ValueError):
        connection.unwrap()  # type: ignore[attr-defined]  # It is a TLS socket.


class Connection(BaseHTTPRequestHandler):
    """Answers the requests of one connection, one after the other, until either side closes it."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE
    disable_nagle_algorithm = True
    wbufsize = -1  # Headers and body leave together.
    server: "Connections"  # type: ignore[assignment]  # Of socketserver's server nothing else is needed.
    request: socket.socket
    was_cut = False
    """Whether an answer was broken off on purpose: then TLS is not ended in good order either."""

    def setup(self) -> None:
        """Shakes hands in the connection's own thread: a client that is slow to keeps nobody else waiting."""
        super().setup()
        self.request.do_handshake()  # type: ignore[attr-defined]  # It is a TLS socket.

    def handle_one_request(self) -> None:
        """Reads one request, and answers it."""
        self.close_connection = True
        self.command, self.request_version = "", self.protocol_version
        try:
            line = self._line()
            while line in {b"\r\n", b"\n"}:  # Some clients end a body with one too many.
                line = self._line()
            if not line:
                return
            self._answer(line)
        except _RefusedError as error:
            self.close_connection = True
            self._send(_failed(error.status, error.code, str(error)))
            self._linger()
        except TimeoutError:
            return

    def _answer(self, line: bytes) -> None:
        is_chunked, length, url = self._read_head(line)
        if not self.server.begin(self.request):
            self.close_connection = True  # The server stops: nothing of the request has been done.
            return
        try:
            request = Request(
                "GET" if self.command == "HEAD" else self.command,
                url,
                dict(self.headers),
                self._body(is_chunked, length),
            )
            response = self._own_answer(request) or self._sandbox_answer(request)
            if response.delay:
                self.server.sandbox.wait(response.delay)
            if self.server.is_stopping:
                self.close_connection = True
            self._send(response)
        finally:
            self.server.end(self.request)

    def _read_head(self, line: bytes) -> tuple[bool, int, str]:
        """Reads the request's first line and headers; returns whether the body is chunked, its length, and the URL."""
        words = line.decode("latin-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004 - RFC 9112, 3.
            if len(words) == 3 and words[2].startswith("HTTP/"):  # noqa: PLR2004
                raise _RefusedError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HttpVersion", "It speaks HTTP/1.1.")
            raise _bad("The request line is none of HTTP/1.1.")
        self.command, self.path, self.request_version = words
        try:
            self.headers = parse_headers(self.rfile, _class=self.MessageClass)
        except Exception as error:  # Whatever http.client has against headers; there is no other way to go on.
            if isinstance(error, OSError):
                raise
            raise _RefusedError(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "RequestHeadersTooLarge", "The headers are too large."
            ) from error
        options = {each.strip().lower() for each in self.headers.get("Connection", "").split(",")}
        is_old = self.request_version == "HTTP/1.0"
        self.close_connection = "close" in options or (is_old and "keep-alive" not in options)
        url = self._url()
        return (*self._framing(), url)

    def _url(self) -> str:
        """Returns the URL that the request is for: of this machine, whatever else a name may have been made to mean."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 and not (self.request_version == "HTTP/1.0" and not hosts):
            raise _bad("A request has one Host header.")
        host = hosts[0].strip().lower() if hosts else self.server.hosts[0]
        target = self.path
        if target == "*" and self.command == "OPTIONS":
            target = "/"
            self.path = "*"
        elif not target.startswith("/"):
            try:
                parts = urlsplit(target)
            except ValueError:
                parts = urlsplit("")
            if parts.scheme.lower() != "https" or not parts.netloc:
                raise _bad("The target of the request is neither a path nor a URL that begins with https.")
            host = parts.netloc.lower()
            target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        if host not in self.server.hosts:
            raise _RefusedError(
                HTTPStatus.MISDIRECTED_REQUEST,
                "MisdirectedRequest",
                f"The sandbox is at {' and '.join(self.server.hosts)}, and at no other name.",
            )
        return f"https://{host}{target}"

    def _framing(self) -> tuple[bool, int]:
        """Returns whether the body comes in chunks, and otherwise its length."""
        encodings = self.headers.get_all("Transfer-Encoding", [])
        lengths = {each.strip() for each in self.headers.get_all("Content-Length", [])}
        if encodings:
            if [each.strip().lower() for each in encodings] != ["chunked"]:
                raise _RefusedError(
                    HTTPStatus.NOT_IMPLEMENTED,
                    "TransferEncodingNotSupported",
                    "Of transfer encodings it knows chunked.",
                )
            if lengths:
                raise _bad("A request has a Content-Length or a Transfer-Encoding, and not both.")
        if len(lengths) > 1 or not all(each.isascii() and each.isdigit() for each in lengths):
            raise _bad("The Content-Length is no number.")
        length = int(next(iter(lengths), "0")[:20])
        if length > _MAX_BODY_BYTES:
            raise _too_long()
        expected = self.headers.get("Expect", "").strip().lower()
        if expected not in {"", "100-continue"}:
            raise _RefusedError(HTTPStatus.EXPECTATION_FAILED, "ExpectationFailed", "It can meet 100-continue alone.")
        return bool(encodings), length

    def _body(self, is_chunked: bool, length: int) -> bytes:
        if "Expect" in self.headers and self.request_version != "HTTP/1.0" and (is_chunked or length):
            self.send_response_only(HTTPStatus.CONTINUE)
            self.end_headers()
            self.wfile.flush()
        body = b"".join(self._chunks()) if is_chunked else self.rfile.read(length)
        if not is_chunked and len(body) < length:
            raise ConnectionError  # The client has gone.
        return body

    def _chunks(self) -> Iterator[bytes]:
        """Yields the chunks of a body (RFC 9112, 7.1); their extensions and the trailers mean nothing here."""
        total = 0
        while True:
            size = self._line().split(b";")[0].strip()
            if not size or len(size) > 8 or not all(each in b"0123456789abcdefABCDEF" for each in size):  # noqa: PLR2004
                raise _bad("The size of a chunk is no number.")
            length = int(size, 16)
            if length == 0:
                break
            total += length
            if total > _MAX_BODY_BYTES:
                raise _too_long()
            chunk = self.rfile.read(length)
            if self._line() not in {b"\r\n", b"\n"}:
                raise _bad("A chunk is longer than it says.")
            yield chunk
        for _ in range(100):
            if self._line() in {b"\r\n", b"\n"}:
                return
        raise _bad("The trailers do not end.")

    def _line(self) -> bytes:
        line = self.rfile.readline(_MAX_LINE_BYTES + 1)
        if len(line) > _MAX_LINE_BYTES:
            raise _RefusedError(HTTPStatus.REQUEST_URI_TOO_LONG, "RequestUriTooLong", "A line is too long.")
        return line

    def _own_answer(self, request: Request) -> Response | None:
        """Answers what is a matter of the server itself; None where the sandbox is asked."""
        if request.method == "OPTIONS" and self.path == "*":
            return Response(HTTPStatus.NO_CONTENT, {"Allow": _METHODS})
        return None

    def _sandbox_answer(self, request: Request) -> Response:
        try:
            return self.server.sandbox.handle(request)
        except SandboxStateError as error:
            return _failed(HTTPStatus.INTERNAL_SERVER_ERROR, "SandboxUnusable", str(error))
        except Exception as error:  # noqa: BLE001 - A defect of one answer must not take the connection with it.
            self.server.tell_defect()
            return _failed(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "InternalServerError",
                f"The sandbox has a defect: {type(error).__name__}.",
            )

    def _send(self, response: Response) -> None:
        if response.delivery is not Delivery.WHOLE:
            self.close_connection = True
            self.was_cut = True
        if response.delivery is Delivery.CLOSED:
            return
        self.send_response_only(response.status)
        given = {name.lower() for name in response.headers}
        if "date" not in given:
            self.send_header("Date", formatdate(usegmt=True))
        for name, value in response.headers.items():
            if name.lower() not in _FRAMING:
                self.send_header(name, value)
        has_body = response.status not in _WITHOUT_BODY
        if has_body:
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        elif self.request_version == "HTTP/1.0":
            self.send_header("Connection", "keep-alive")
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(response.sent_body)
        self.wfile.flush()

    def _linger(self) -> None:
        """Ends the connection, and reads on for a moment: closed on unread data it would take the answer with it."""
        say_goodbye(self.connection)
        with suppress(OSError):
            socket.socket.shutdown(self.connection, socket.SHUT_WR)
            self.connection.settimeout(_LINGER)
            left = _MAX_LINGER_BYTES
            while left > 0 and (data := socket.socket.recv(self.connection, 1 << 16)):  # No need to decrypt it.
                left -= len(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name.
        """Says nothing: URLs of a sign-in hold what is not for a log."""


def _bad(message: str) -> _RefusedError:
    return _RefusedError(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def _too_long() -> _RefusedError:
    return _RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestContentTooLarge", f"A body has at most {_MAX_BODY_BYTES} bytes."
    )


def _failed(status: HTTPStatus, code: str, message: str) -> Response:
    return json_response(status, {"error": {"code": code, "message": message}})
