"""The stand-in on Python's own HTTPS server."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import trustme

from tests.standin.service import Service


@contextmanager
def serve(service: Service, authority: trustme.CA) -> Iterator[Service]:
    """Serve a service over HTTPS on loopback, with a certificate of the authority, and set its origin."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Else the body, which is sent behind the headers, waits some 40 ms.
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            is_form = self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
            form = dict(parse_qsl(content)) if is_form else {}
            status, document = service.respond(self.command, self.path, self.headers.get("Authorization", ""), form)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Cache-Control", "no-store, no-cache")
            self.send_header("x-ms-request-id", str(uuid4()))
            self.send_header("x-ms-correlation-request-id", str(uuid4()))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names are http.server's

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        service.origin = f"https://localhost:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
