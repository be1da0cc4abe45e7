"""The one transport below azure-identity and both SDK clients.

Every request is checked against the session's `EgressPolicy`, and fits, with the waits between retries, into what is
left of the job's `Deadline`. Certificates are always verified.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import (
    AzureError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import RetryPolicy
from azure.core.pipeline.transport import RequestsTransport

from pallink.concurrency import CancelScope
from pallink.deadline import Deadline
from pallink.http.errors import chain_of, reason_of
from pallink.http.policy import Destination, EgressPolicy, origin_of
from pallink.http.pool import Adapter, ConnectionPool, unusable_response
from pallink.http.response_limits import UnusableResponse
from pallink.http.sockets import request_deadline
from pallink.redact.secret_fields import secrets_of_request, secrets_of_response
from pallink.redact.secrets import register
from pallink.waiting import waiting_for
from pallink.words import counted

if TYPE_CHECKING:
    from pallink.debug.recorder import Recorder

# Seconds. A PUT has been seen to take 15; what remains after a lost response is needed to read the link again.
_CONNECT_TIMEOUT = 20.0
_READ_TIMEOUT = 60.0
_PART_FOR_A_WRITE = 0.7

# Of all responses of one session: a listing that never ends must not fill the memory.
_MAX_TOTAL_BYTES = 512 * 1024 * 1024

# An address of the machine itself: where it does not accept a connection at once, this is no machine in Azure.
_LOCAL_CONNECT_TIMEOUT = 2.0

_NAMES = {
    Destination.LOGIN: "Entra ID",
    Destination.TOKEN_ENDPOINT: "the token service",
    Destination.RESOURCE_MANAGER: "Azure Resource Manager",
    Destination.VAULT: "Key Vault",
    Destination.GRAPH: "Microsoft Graph",
}

WRITE_METHODS = frozenset({"PUT", "PATCH", "DELETE"})

# At once, and after 1.6 seconds: a mistyped host is soon found out.
_READ_RETRIES = 2


@dataclass(frozen=True, slots=True)
class SignInTraffic:
    """The last request of the sign-in, as far as it got: azure-identity's errors do not say.

    Attributes:
        origin: Where it went; None before the first one.
        response: Its response; None if there was none.
        is_oidc: Whether it went to the method's own token endpoint and not to the login host.
    """

    origin: str | None = None
    response: Any = None
    is_oidc: bool = False


class GuardedTransport(RequestsTransport):  # type: ignore[misc]  # azure-core loads its transports lazily, as Any
    """azure-core's own transport over requests, with the guards above.

    Attributes:
        last_sign_in: The last request of the sign-in.

    Args:
        pool: The connections; may be shared with other sessions.
        policy: What may be sent.
    """

    def __init__(self, pool: ConnectionPool, policy: EgressPolicy) -> None:
        super().__init__(session=pool, session_owner=False)
        self.last_sign_in = SignInTraffic()
        self._pool = pool
        self._policy = policy
        self._thread = threading.local()
        self._lock = threading.Lock()
        self._left_to_read = _MAX_TOTAL_BYTES
        endpoint = policy.token_endpoint
        if endpoint is not None and endpoint.is_plain and f"{endpoint.origin}/" not in pool.adapters:
            pool.mount(f"{endpoint.origin}/", Adapter())
        if pool.recorder is not None:
            pool.recorder.resource_manager = policy.resource_manager

    def send(self, request: Any, *, proxies: Any = None, **kwargs: Any) -> Any:
        """Send one request.

        Raises:
            RefusedRequestError: The policy does not allow it.
            UnreachableError: The time is up.
            AzureError: There is no response.
            OperationCancelledError: The caller's scope was cancelled.
        """
        CancelScope.check()
        before = self._failure_of(request)
        if before is not None and Deadline.current().left <= 0:
            raise before
        try:
            response = self._send(request, proxies, kwargs)
        except AzureError as error:
            found = _with_timeout(error)
            # That the end of the time cut a try off says less than how the one before failed.
            is_late = isinstance(found, ServiceRequestTimeoutError | ServiceResponseTimeoutError)
            self._thread.failure = request, before if before is not None and is_late else found
            if found is error:
                raise
            raise found from error
        self._thread.failure = None
        return response

    def read(self, request: Any, *, retries: int = _READ_RETRIES) -> Any:
        """Send a request that only reads, and return the response: for what no client of the SDK reads.

        Args:
            request: The request.
            retries: How often it is tried again, where the SDK's clients would.

        Raises:
            PallinkError: As `send`.
            AzureError: There is no response.
        """
        pipeline: Any = Pipeline(self, [RetryPolicy(retry_total=retries)])
        response = pipeline.run(request).http_response
        response.read()
        return response

    def sleep(self, duration: float) -> None:
        """Wait between retries, or give up at once when the wait would outlast the time that is left.

        Raises:
            AzureError: It would; the last try had no response, and this is why.
            UnreachableError: It would; the last response asked for another try.
        """
        failure = self._failure_of(None)
        deadline = Deadline.current()
        if failure is not None and duration >= deadline.left:
            raise failure
        deadline.wait(
            duration,
            cause=f"Azure did not respond as it should; the next try is due in {counted(duration, 'second', '.0f')}",
        )

    def _failure_of(self, request: Any | None) -> AzureError | None:
        """Return why this thread's last try had no response, if there was one; None stands for any request."""
        failure = getattr(self._thread, "failure", None)
        return failure[1] if failure is not None and (request is None or request is failure[0]) else None

    def _send(self, request: Any, proxies: Any, kwargs: dict[str, Any]) -> Any:
        register(*secrets_of_request(request))
        destination = self._policy.check(request.method, request.url, request.headers.get("Authorization"))
        is_local = destination is Destination.TOKEN_ENDPOINT and urlsplit(request.url).scheme == "http"
        if is_local:
            # A proxy is on another machine, and would be told the token.
            proxies = {"no_proxy": urlsplit(request.url).hostname}
        # Never taken from a caller: verification cannot be switched off.
        kwargs.pop("connection_verify", None)
        deadline = Deadline.current()
        part = _PART_FOR_A_WRITE if request.method in WRITE_METHODS else 1.0
        connect_timeout = _LOCAL_CONNECT_TIMEOUT if is_local else _CONNECT_TIMEOUT
        for name, limit in (("connection_timeout", connect_timeout), ("read_timeout", _READ_TIMEOUT)):
            kwargs[name] = deadline.share(min(limit, kwargs.get(name, limit)), part)
        total = deadline.share(kwargs["connection_timeout"] + kwargs["read_timeout"], part)
        is_sign_in = destination in (Destination.LOGIN, Destination.TOKEN_ENDPOINT)
        if is_sign_in:
            is_oidc = destination is Destination.TOKEN_ENDPOINT
            self.last_sign_in = SignInTraffic(origin_of(request.url), is_oidc=is_oidc)

        def send() -> Any:
            with waiting_for(_NAMES[destination]), request_deadline(total):
                response = super(GuardedTransport, self).send(request, proxies=proxies, **kwargs)
            if destination is not Destination.RESOURCE_MANAGER:
                # Before it is recorded.
                register(*secrets_of_response(response.headers, response.internal_response.text))
            return response

        recorder = self._pool.recorder
        if recorder is not None:
            deadline.on_wait = recorder.record_wait
        response = send() if recorder is None else _recorded(recorder, request, send)
        self._count(response.internal_response)
        if is_sign_in:
            self.last_sign_in = replace(self.last_sign_in, response=response)
        return response

    def _count(self, response: Any) -> None:
        """Count what a response of requests holds.

        Raises:
            UnexpectedAnswerError: All responses together are too long.
        """
        with self._lock:
            self._left_to_read -= len(response.content)
            if self._left_to_read < 0:
                raise unusable_response(
                    response.request, "all responses together are longer than any tenant's", response
                )


def _with_timeout(error: AzureError) -> AzureError:
    """Return a time-out for what requests reports as a broken connection: some of the request may have arrived."""
    if isinstance(error, ServiceResponseError) and any(isinstance(cause, TimeoutError) for cause in chain_of(error)):
        return ServiceResponseTimeoutError(str(error), error=error)
    return error


def _recorded(recorder: "Recorder", request: Any, send: Callable[[], Any]) -> Any:
    number = recorder.record_request(request)
    try:
        response = send()
    except BaseException as error:
        unusable = next((cause for cause in chain_of(error) if isinstance(cause, UnusableResponse)), None)
        recorder.record_failure(number, error, reason_of(error), unusable.response if unusable else None)
        raise
    recorder.record_response(number, response.internal_response)
    return response
