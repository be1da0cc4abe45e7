"""The door in process: mounted in a `requests` session, it brings requests to the sandbox without a network."""

from collections.abc import Mapping
from http.client import responses
from io import BytesIO

from requests import ConnectionError, PreparedRequest, ReadTimeout, Response  # noqa: A004 - The library's own name.
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from pallink.sandbox.handler import Sandbox
from pallink.sandbox.http.messages import Delivery, Request


class SandboxAdapter(HTTPAdapter):
    """A transport adapter: `session.mount(ORIGIN, SandboxAdapter(sandbox))`.

    Mounted for `IMDS_ORIGIN` too, it answers for the metadata service of a virtual machine: managed identities.

    It opens no connection, and answers with what the sandbox says, redirects included.

    Args:
        sandbox: Who answers.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self._sandbox = sandbox

    def send(  # noqa: PLR0917 - The signature is the base class's.
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,  # noqa: ARG002
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Response:
        """Returns the sandbox's answer to a request.

        Raises:
            ConnectionError: The sandbox was told to close the connection (requests' own).
            ReadTimeout: The answer takes longer than `timeout` allows.
            SandboxStateError: The sandbox's file cannot be used.
        """
        answer = self._sandbox.handle(
            Request(
                method=str(request.method).upper(),
                url=str(request.url),
                headers={name: _text(value) for name, value in request.headers.items()},
                body=_body(request),
            )
        )
        patience = timeout[1] if isinstance(timeout, tuple) else timeout
        if patience is not None and answer.delay > patience:
            self._sandbox.wait(patience)
            raise ReadTimeout(f"The sandbox did not answer within {patience:g} seconds.", request=request)
        if answer.delay:
            self._sandbox.wait(answer.delay)
        if answer.delivery is Delivery.CLOSED:
            raise ConnectionError(ProtocolError("The sandbox closed the connection."), request=request)
        raw = HTTPResponse(
            body=BytesIO(answer.sent_body),
            headers={**answer.headers, "Content-Length": str(len(answer.body))},
            status=answer.status,
            reason=responses.get(answer.status, ""),
            preload_content=False,
            decode_content=False,
            request_method=request.method,
        )
        return self.build_response(request, raw)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _body(request: PreparedRequest) -> bytes:
    return request.body.encode() if isinstance(request.body, str) else request.body or b""
