"""The requests session below the transport: whom it trusts, what it keeps to itself, and how much it reads.

- Certificates are verified by the operating system's trust store, and by REQUESTS_CA_BUNDLE where it is set.
- No cookie is kept, so none of a sign-in is sent on; and no password is taken from `~/.netrc`, where requests looks for
  one and sends it in place of the token.
- Each answer is read within the limits of `pallink.http.response_limits`.
"""

import http.client
import logging
import threading
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from pallink.azure.errors import chain_of, trace_of
from pallink.errors import UnexpectedAnswerError
from pallink.http.request_deadline import about_to_connect, about_to_send, given_back
from pallink.http.response_limits import UnusableResponse, normalize_headers, read_body
from pallink.http.trust import operating_system_trust

if TYPE_CHECKING:
    from pallink.debug.recorder import Recorder

_CONNECTIONS_PER_HOST = 32

_MAX_TOTAL_BYTES = 512 * 1024 * 1024
"""Of all answers of one session: a listing that never ends must not fill the memory."""


class _TellingConnection:
    """A connection that tells before it is opened, and before it sends a request."""

    def connect(self) -> None:
        about_to_connect(self)
        super().connect()  # type: ignore[misc]

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:  # type: ignore[attr-defined]
            # A plain one would be opened later, when the request already counted as sent.
            self.connect()
        about_to_send(self)
        super().request(*args, **kwargs)  # type: ignore[misc]


class _PlainConnection(_TellingConnection, HTTPConnection):
    pass


class _TlsConnection(_TellingConnection, HTTPSConnection):
    pass


class _TellingPool:
    """A pool that tells before it lends a connection to somebody else."""

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            given_back(conn)
        super()._put_conn(conn)  # type: ignore[misc]


class _PlainPool(_TellingPool, HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(_TellingPool, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _PlainPool, "https": _TlsPool}


class Adapter(HTTPAdapter):
    """requests' own adapter, by connections that nobody has to wait for."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool of connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """The pool of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """The answer, without the cookies that it would set: they are not even parsed."""
        original = getattr(resp, "_original_response", None)
        if original is not None:
            del original.msg["Set-Cookie"]
        return super().build_response(req, resp)


class _OperatingSystemTrust(Adapter):
    def __init__(self) -> None:
        self._context = operating_system_trust()
        super().__init__(pool_maxsize=_CONNECTIONS_PER_HOST)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        if verify is True:
            # requests would add certifi's bundle here, beside what the operating system trusts.
            conn.cert_reqs = "CERT_REQUIRED"
            return
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]


class HttpSession(requests.Session):
    """A session that speaks https only, until another scheme is mounted.

    Attributes:
        recorder: what `--debug` prints; None without.

    Args:
        recorder: the same.
    """

    def __init__(self, recorder: "Recorder | None" = None) -> None:
        super().__init__()
        self.recorder = recorder
        self.adapters.clear()
        self.mount("https://", _OperatingSystemTrust())
        self.headers["Accept-Encoding"] = "gzip"
        self.auth = _as_it_is
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._left_to_read = _MAX_TOTAL_BYTES
        self._lock = threading.Lock()
        self._of_environment: dict[tuple[Any, ...], Any] = {}

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """What the environment says of proxies and certificates, looked up for each host and not for each request."""
        host = urlsplit(url).netloc
        key = (host, tuple(sorted((proxies or {}).items())), stream, verify, cert)
        if key not in self._of_environment:
            self._of_environment[key] = super().merge_environment_settings(url, proxies, stream, verify, cert)
        found = self._of_environment[key]
        # requests adds to the proxies that it is given.
        return {**found, "proxies": dict(found["proxies"])}

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request and read its answer.

        Raises:
            UnexpectedAnswerError: there is one, and nothing can be made of it.
            requests.RequestException: there is none.
        """
        kwargs["stream"] = True
        try:
            response = super().send(request, **kwargs)
        except requests.ConnectionError as error:
            if any(_is_flood(each) for each in chain_of(error)):
                raise _unusable(request, "it has too many headers, or too long ones") from error
            raise
        try:
            read_body(response)
            self._count(response)
        except UnusableResponse as error:
            error.response = response
            unusable = _unusable(request, str(error))
            unusable.trace = trace_of(response)
            raise unusable from error
        except requests.RequestException as error:
            error.response = response
            raise
        normalize_headers(response.headers)
        return response

    def close(self) -> None:
        """Close the connections; with `--debug` this is the end of the account of what was sent."""
        super().close()
        if self.recorder is not None:
            self.recorder.write_timeline()

    def _count(self, response: requests.Response) -> None:
        with self._lock:
            self._left_to_read -= len(response.content)
            if self._left_to_read < 0:
                raise UnusableResponse("all answers together are longer than those of any tenant")


def new_session() -> HttpSession:
    """A session for one command, which writes down what is sent where that is logged."""
    if not logging.getLogger("pallink.requests").isEnabledFor(logging.DEBUG):
        return HttpSession()
    from pallink.debug.recorder import Recorder  # noqa: PLC0415 - for --debug only

    return HttpSession(Recorder())


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _is_flood(error: BaseException) -> bool:
    """Whether Python's own limits ended the reading of headers: more than 100, or a line of more than 64 KiB."""
    return isinstance(error, http.client.LineTooLong) or type(error) is http.client.HTTPException


def _unusable(request: requests.PreparedRequest, cause: str) -> UnexpectedAnswerError:
    host = "/".join(str(request.url).split("/")[:3])
    return UnexpectedAnswerError(
        f"the answer of {host} cannot be used",
        cause=f"{cause}: a proxy may have answered instead",
        remedy="try again; if it stays so, run the command with --debug and look who answers",
    )
