"""The one transport below azure-identity and both SDK clients, and the guards that hold for all of them.

- https only, to the chosen cloud's login host and Resource Manager only; a bearer token to Resource Manager only.
  A redirect or a `nextLink` to another host is therefore refused here, whoever follows it.
- One further address, where the sign-in method needs it (a CI system's OIDC tokens, a managed identity's): just that
  path, with just that method, and no token but the one that belongs there.
- A read-only command sends nothing but GET to Resource Manager, whatever a policy of the SDK would like to do by itself
  (azure-mgmt registers providers with a POST).
- Each request, however its answer drips, and each wait between retries fit into what is left of the command's time.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError, ServiceRequestTimeoutError, ServiceResponseTimeoutError
from azure.core.pipeline.transport import RequestsTransport

from pallink.azure.errors import chain_of
from pallink.clouds import https_origin
from pallink.deadline import Deadline
from pallink.errors import RefusedRequestError, unusable_sandbox
from pallink.http.pool import Adapter, HttpSession
from pallink.http.request_deadline import RequestTimeoutError, check_awaited, request_deadline
from pallink.http.response_limits import UnusableResponse
from pallink.redact.secret_fields import secrets_of_request, secrets_of_response
from pallink.redact.secrets import known
from pallink.redact.text import one_line
from pallink.sandbox.state.errors import SandboxStateError

if TYPE_CHECKING:
    from pallink.debug.recorder import Recorder

# Seconds. A PUT has been seen to take 15; what remains after a lost answer is needed to read the link again.
_CONNECT_TIMEOUT = 20.0
_READ_TIMEOUT = 60.0
_PART_FOR_A_WRITE = 0.7

# An address of the machine itself: whoever waits for it in vain is not on Azure.
_CONNECT_TIMEOUT_NEARBY = 2.0

WRITE_METHODS = frozenset({"PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class ExtraHost:
    """An address that a sign-in method needs beside the login host.

    Attributes:
        url: without a query. Plain http only for an address of the machine itself.
        method: the only one that may be sent there.
        bearer: the token that identifies the job there; it goes nowhere else, and no other token goes there.
    """

    url: str
    method: str
    bearer: str | None = field(default=None, repr=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return _origin(self.url)

    @property
    def is_plain(self) -> bool:
        """Whether it is reached by plain http."""
        return urlsplit(self.url).scheme.lower() == "http"

    def is_at(self, url: str) -> bool:
        """Whether a request to `url` goes to this address."""
        mine, other = urlsplit(self.url), urlsplit(url)
        return (mine.scheme.lower(), mine.netloc.lower(), mine.path.rstrip("/")) == (
            other.scheme.lower(),
            other.netloc.lower(),
            other.path.rstrip("/"),
        )

    def lets_pass(self, request: Any) -> bool:
        """Whether a request is one that belongs there."""
        expected = None if self.bearer is None else f"Bearer {self.bearer}"
        return bool(request.method == self.method and request.headers.get("Authorization") == expected)


@dataclass(frozen=True, slots=True)
class SignInTraffic:
    """The last request of the sign-in, as far as it got: azure-identity's errors do not tell.

    Attributes:
        asked: the origin that it went to; None before the first one.
        answer: its answer; None where there was none.
        is_oidc: whether it went to the method's further address and not to the login host.
    """

    asked: str | None = None
    answer: Any = None
    is_oidc: bool = False


class GuardedTransport(RequestsTransport):  # type: ignore[misc]  # azure-core loads its transports lazily, as Any
    """azure-core's own transport over requests, with the guards above.

    Args:
        deadline: the time of the whole command.
        session: a session made by `new_session`.
        writable: whether PUT, PATCH and DELETE may be sent to Resource Manager.
    """

    def __init__(self, deadline: Deadline, session: HttpSession, *, writable: bool) -> None:
        super().__init__(session=session, session_owner=False)
        self.seen = SignInTraffic()
        self._own_session = session
        self._extra: ExtraHost | None = None
        self._deadline = deadline
        self._last = threading.local()
        self._writable = writable
        self._login: str | None = None
        self._resource_manager: str | None = None
        if session.recorder is not None:
            deadline.on_wait = session.recorder.record_wait

    def allow(self, *, resource_manager: str, login: str | None = None) -> None:
        """Name the origins (`https://host[:port]`) that requests may go to; without a login host none may sign in."""
        self._resource_manager = resource_manager
        self._login = login
        if self._own_session.recorder is not None:
            self._own_session.recorder.resource_manager = resource_manager

    def allow_also(self, extra: ExtraHost) -> None:
        """Name the one further address that the sign-in method needs."""
        self._extra = extra
        if extra.is_plain and f"{extra.origin}/" not in self._own_session.adapters:
            self._own_session.mount(f"{extra.origin}/", Adapter())

    def send(self, request: Any, *, proxies: Any = None, **kwargs: Any) -> Any:
        """Send one request if the guards let it pass.

        Raises:
            RefusedRequestError: they do not.
            UnreachableError: the command's time is up.
            AzureError: there is no answer.
            AbandonedError: nobody waits for it any more.
        """
        check_awaited()
        before = self._failure_of(request)
        if before is not None and self._deadline.left <= 0:
            raise before
        try:
            response = self._send(request, proxies, kwargs)
        except AzureError as error:
            # That the end of the time cut a try off says less than how the one before failed.
            is_late = isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError)
            self._last.failure = request, before if before is not None and is_late else error
            raise
        self._last.failure = None
        return response

    def _failure_of(self, request: Any | None) -> AzureError | None:
        """Why this thread's last try had no answer, if there was one; None stands for any request."""
        failure = getattr(self._last, "failure", None)
        return failure[1] if failure is not None and (request is None or request is failure[0]) else None

    def _send(self, request: Any, proxies: Any, kwargs: dict[str, Any]) -> Any:
        known.add(*secrets_of_request(request))
        is_sign_in = self._guard(request)
        is_nearby = self._extra is not None and self._extra.is_plain and self._extra.is_at(request.url)
        part = _PART_FOR_A_WRITE if request.method in WRITE_METHODS else 1.0
        longest = _CONNECT_TIMEOUT_NEARBY if is_nearby else _CONNECT_TIMEOUT
        kwargs["connection_timeout"] = self._deadline.share(
            min(longest, kwargs.get("connection_timeout", longest)), part
        )
        if is_nearby:
            # A proxy is on another machine, and would be told the token.
            proxies = {"no_proxy": urlsplit(request.url).hostname}
        kwargs["read_timeout"] = self._deadline.share(kwargs.get("read_timeout", _READ_TIMEOUT), part)
        # Never taken from a caller: verification cannot be switched off.
        kwargs.pop("connection_verify", None)
        if is_sign_in:
            is_oidc = self._extra is not None and self._extra.is_at(request.url)
            self.seen = SignInTraffic(asked=_origin(request.url), is_oidc=is_oidc)
        in_all = self._deadline.share(kwargs["connection_timeout"] + kwargs["read_timeout"], part)

        def send() -> Any:
            return self._in_time(lambda: super(GuardedTransport, self).send(request, proxies=proxies, **kwargs), in_all)

        recorder = self._own_session.recorder
        response = send() if recorder is None else _recorded(recorder, request, send)
        if is_sign_in:
            known.add(*secrets_of_response(response.headers, response.internal_response.text))
            self.seen = replace(self.seen, answer=response)
        return response

    @staticmethod
    def _in_time(send: Callable[[], Any], seconds: float) -> Any:
        try:
            return request_deadline(send, seconds)
        except RequestTimeoutError as error:
            late = ServiceResponseTimeoutError if error.sent else ServiceRequestTimeoutError
            raise late(str(error), error=error) from error
        except SandboxStateError as error:
            raise unusable_sandbox(str(error), error.path) from error

    def sleep(self, duration: float) -> None:
        """Wait between retries, or give up at once when the wait would outlast the command's time.

        Raises:
            AzureError: it would; the last try had no answer, and this is why.
            UnreachableError: it would; the last answer asked for another try.
        """
        failure = self._failure_of(None)
        if failure is not None and duration >= self._deadline.left:
            raise failure
        self._deadline.wait(
            duration, cause=f"Azure did not answer as it should; the next try is due in {duration:.0f} seconds"
        )

    def _guard(self, request: Any) -> bool:
        """Whether a request that may be sent is part of the sign-in; others are refused."""
        try:
            where = f"{request.method} {_without_query(request.url)}"
        except ValueError:
            raise _refused(
                f"{request.method} {one_line(request.url.partition('?')[0], 200)}", "its address is none"
            ) from None
        origin = https_origin(_without_query(request.url))
        authorization = request.headers.get("Authorization")
        extra = self._extra
        if extra is not None and extra.is_at(request.url):
            if not extra.lets_pass(request):
                raise _refused(where, "this is no request for the token that is to be had there")
            return True
        if origin is None or origin not in (self._login, self._resource_manager):
            raise _refused(where, "it goes to a host that is not the chosen cloud's, as a redirect or a nextLink may")
        if authorization is not None:
            if origin != self._resource_manager:
                raise _refused(where, "it would carry a token for Resource Manager to another host")
            if extra is not None and extra.bearer and extra.bearer in authorization:
                raise _refused(where, "it would carry the CI system's token to another host")
            if request.method != "GET" and not (self._writable and request.method in WRITE_METHODS):
                raise _refused(where, "this command only reads" if not self._writable else "pallink never sends it")
        elif request.method != "GET" and not (origin == self._login and request.method == "POST"):
            raise _refused(where, "only a sign-in may send anything without a token")
        return origin == self._login and authorization is None


def _recorded(recorder: "Recorder", request: Any, send: Callable[[], Any]) -> Any:
    number = recorder.record_request(request)
    try:
        response = send()
    except BaseException as error:
        unusable = next((each for each in chain_of(error) if isinstance(each, UnusableResponse)), None)
        recorder.record_failure(number, error, unusable.response if unusable else None)
        raise
    recorder.record_response(number, response.internal_response)
    return response


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _refused(what: str, cause: str) -> RefusedRequestError:
    return RefusedRequestError(
        f"refused to send {what}", cause=cause, remedy="report this: pallink should never come to ask for it"
    )
