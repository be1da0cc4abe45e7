"""The sandbox in process: a transport adapter for `requests` sessions."""

from collections.abc import Callable, Mapping
from http.client import responses
from io import BytesIO

from requests import ConnectionError, PreparedRequest, ReadTimeout, Response  # noqa: A004 - The library's own name.
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from pallink.sandbox.handler import Sandbox
from pallink.sandbox.http.messages import Delivery, Request
from pallink.sandbox.state.errors import SandboxStateError


class SandboxAdapter(HTTPAdapter):
    """A transport adapter that opens no connection: `session.mount(ORIGIN, SandboxAdapter(sandbox))`.

    Mounted for `IMDS_ORIGIN` too, it serves the managed identities of a virtual machine.

    Args:
        sandbox: The sandbox that handles the requests.
        explain: Returns what to raise in place of a `SandboxStateError`.
    """

    def __init__(self, sandbox: Sandbox, explain: Callable[[SandboxStateError], Exception] | None = None) -> None:
        super().__init__()
        self._sandbox = sandbox
        self._explain = explain or (lambda error: error)

    def send(  # noqa: PLR0917 - The signature is the base class's.
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,  # noqa: ARG002
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Response:
        """Return the sandbox's response to a request.

        Raises:
            ConnectionError: A fault closed the connection (requests' own).
            ReadTimeout: The response takes longer than `timeout`.
            SandboxStateError: The sandbox's file cannot be used.
        """
        received = Request(
            method=str(request.method).upper(),
            url=str(request.url),
            headers={name: _text(value) for name, value in request.headers.items()},
            body=_body(request),
        )
        try:
            response = self._sandbox.handle(received)
        except SandboxStateError as error:
            raise self._explain(error) from error
        read_timeout = timeout[1] if isinstance(timeout, tuple) else timeout
        if read_timeout is not None and response.delay > read_timeout:
            self._sandbox.wait(read_timeout)
            raise ReadTimeout(f"The sandbox did not respond within {read_timeout:g} seconds.", request=request)
        if response.delay:
            self._sandbox.wait(response.delay)
        if response.delivery is Delivery.CLOSED:
            raise ConnectionError(ProtocolError("The sandbox closed the connection."), request=request)
        raw = HTTPResponse(
            body=BytesIO(response.sent_body),
            headers={**response.headers, "Content-Length": str(len(response.body))},
            status=response.status,
            reason=responses.get(response.status, ""),
            preload_content=False,
            decode_content=False,
            request_method=request.method,
        )
        return self.build_response(request, raw)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _body(request: PreparedRequest) -> bytes:
    return request.body.encode() if isinstance(request.body, str) else request.body or b""
