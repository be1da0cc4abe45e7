"""The connection pool below the transport: whom it trusts, what it keeps to itself, and how much it reads.

- Certificates are verified by the operating system's trust store, and by REQUESTS_CA_BUNDLE where it is set.
- No cookie is kept, so none of a sign-in is sent on; and no password is taken from `~/.netrc`, where requests looks for
  one and sends it in place of the token.
- Each response is read within the limits of `pallink.http.response_limits`.
"""

import http.client
import logging
import threading
from collections import OrderedDict
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy

from pallink.errors import UnexpectedAnswerError
from pallink.http.connections import use_own_connections
from pallink.http.environment import check_bundle, check_proxy, check_proxy_failure
from pallink.http.errors import chain_of, trace_of
from pallink.http.response_limits import UnusableResponse, read_response
from pallink.http.trust import check_trust, operating_system_trust

if TYPE_CHECKING:
    from pallink.debug.recorder import Recorder

DEFAULT_CONNECTIONS = 32
"""How many connections to a host are kept open: as many as a session opens at once."""


class Adapter(HTTPAdapter):
    """The adapter of requests, with pallink's connections and without cookies: those of a response are not parsed."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool manager of urllib3."""
        super().init_poolmanager(*args, **kwargs)
        use_own_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return the pool manager of urllib3 for a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        use_own_connections(manager)
        return manager

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Return the response of requests for one of urllib3."""
        original = getattr(resp, "_original_response", None)
        if original is not None:
            del original.msg["Set-Cookie"]
        return super().build_response(req, resp)


class _TlsAdapter(Adapter):
    def __init__(self, connections: int) -> None:
        self.context = operating_system_trust()
        super().__init__(pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self.context, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self.context, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        if verify is True:
            # requests would add certifi's bundle here, beside what the operating system trusts.
            conn.cert_reqs = "CERT_REQUIRED"
            return
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]


class ConnectionPool(requests.Session):
    """A session of requests that speaks https only, until another scheme is mounted. Threads can share it.

    Attributes:
        recorder: Writes what `--debug` prints; None without.

    Args:
        recorder: See above.
        connections: How many connections to a host are kept open.
    """

    def __init__(self, recorder: "Recorder | None" = None, *, connections: int = DEFAULT_CONNECTIONS) -> None:
        self._mounting = threading.Lock()
        super().__init__()
        self.recorder = recorder
        self.adapters.clear()
        self.mount("https://", _TlsAdapter(connections))
        self.headers["Accept-Encoding"] = "identity"
        self.auth = _unchanged
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._environment_settings: dict[tuple[Any, ...], Any] = {}

    def mount(self, prefix: Any, adapter: Any) -> None:
        """Register an adapter. The others are not touched: another thread may be looking for one."""
        with self._mounting:
            adapters = {**getattr(self, "adapters", {}), prefix: adapter}
            # requests takes the first one that fits.
            self.adapters = OrderedDict(sorted(adapters.items(), key=lambda item: len(item[0]), reverse=True))

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Return the environment's proxies and certificates, looked up and checked once for each host.

        Raises:
            UsageError: A variable of the environment is wrong.
        """
        host = urlsplit(url).netloc
        key = (host, tuple(sorted((proxies or {}).items())), stream, verify, cert)
        if key not in self._environment_settings:
            found = super().merge_environment_settings(url, proxies, stream, verify, cert)
            self._check(url, found)
            self._environment_settings[key] = found
        found = self._environment_settings[key]
        # requests adds to the proxies that it is given.
        return {**found, "proxies": dict(found["proxies"])}

    def check_environment(self, *origins: str) -> None:
        """Check the environment's proxies and certificates for these origins, before anything is sent.

        Raises:
            UsageError: A variable of the environment is wrong.
        """
        for origin in origins:
            self.merge_environment_settings(f"{origin}/", {}, None, None, None)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request and read its response.

        Raises:
            UnexpectedAnswerError: The response cannot be used.
            UsageError: The URL of the proxy begins with https://, and it speaks plain HTTP.
            requests.RequestException: There is none.
        """
        kwargs["stream"] = True
        try:
            response = super().send(request, **kwargs)
        except requests.ConnectionError as error:
            if any(_is_header_flood(cause) for cause in chain_of(error)):
                raise unusable_response(request, "it has too many headers, or too long ones") from error
            if isinstance(error, requests.exceptions.ProxyError):
                check_proxy_failure(select_proxy(str(request.url), kwargs.get("proxies")) or "", error)
            raise
        try:
            read_response(response)
        except UnusableResponse as error:
            error.response = response
            raise unusable_response(request, str(error), response) from error
        except requests.RequestException as error:
            error.response = response
            raise
        return response

    def close(self) -> None:
        """Close the connections, and with `--debug` write the timeline."""
        super().close()
        if self.recorder is not None:
            self.recorder.write_timeline()

    def _check(self, url: str, found: Any) -> None:
        adapter = self.get_adapter(url)
        if not isinstance(adapter, _TlsAdapter):
            return  # It is on this machine, and reached without a proxy, or in this process.
        proxy = select_proxy(url, found["proxies"])
        if proxy:
            check_proxy(proxy)
        check_trust()
        if isinstance(found["verify"], str):
            check_bundle(found["verify"], adapter.context)


def new_pool(connections: int = DEFAULT_CONNECTIONS) -> ConnectionPool:
    """Return a pool for one run, which records its requests where they are logged."""
    if not logging.getLogger("pallink.requests").isEnabledFor(logging.DEBUG):
        return ConnectionPool(connections=connections)
    from pallink.debug.recorder import Recorder  # noqa: PLC0415 - for --debug only

    return ConnectionPool(Recorder(), connections=connections)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _is_header_flood(error: BaseException) -> bool:
    """Whether Python's own limits ended the reading of headers: more than 100, or a line of more than 64 KiB."""
    return isinstance(error, http.client.LineTooLong) or type(error) is http.client.HTTPException


def unusable_response(
    request: requests.PreparedRequest, cause: str, response: requests.Response | None = None
) -> UnexpectedAnswerError:
    """Return the error for a response that cannot be used, with its cause."""
    host = "/".join(str(request.url).split("/")[:3])
    return UnexpectedAnswerError(
        f"the response of {host} cannot be used",
        cause=f"{cause}: a proxy may have sent it instead",
        remedy="try again; if it persists, run again with --debug to see the responses",
        trace=None if response is None else trace_of(response),
    )
