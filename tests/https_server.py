"""A real HTTPS server on loopback, with a real certificate: for what cannot be shown in process."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any, ClassVar

import trustme

from pallink.sandbox import Request, Response, Sandbox

Raw = Callable[[BufferedIOBase], None]
"""Writes what no well-behaved server would, the status line included; ends when nobody reads it any more."""

Answer = Callable[[Request], Response | Raw]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else the body, which is sent behind the headers, waits some 40 ms.
    disable_nagle_algorithm = True
    answer: ClassVar[Answer]
    origin: ClassVar[str]

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        response = type(self).answer(Request(self.command, self.origin + self.path, dict(self.headers), body))
        if not isinstance(response, Response):
            self.close_connection = True
            with suppress(OSError):
                response(self.wfile)
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            if name.lower() not in ("content-length", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names are http.server's

    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""


@cache
def _context(authority: trustme.CA) -> ssl.SSLContext:
    """Return the settings of every server with a certificate of this authority: a new one takes 20 ms."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@contextmanager
def https_server(answer: Answer, authority: trustme.CA) -> Iterator[str]:
    """Serve `answer` and yield the origin, `https://localhost:PORT`."""
    handler = type("Handler", (_Handler,), {"answer": staticmethod(answer)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        # The handshake is left to the thread of each connection: one that waits must not keep the others waiting.
        server.socket = _context(authority).wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        handler.origin = f"https://localhost:{server.server_address[1]}"  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield handler.origin  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()


def serve_sandbox(sandbox: Sandbox, seen: list[Request]) -> Answer:
    """The sandbox as an answer; what it is asked is noted in `seen`."""

    def answer(request: Request) -> Response:
        seen.append(request)
        return sandbox.handle(request)

    return answer
