"""Record the requests and responses of one session, and write them and their timeline to the log."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from pallink.debug.exchange import format_request, format_response
from pallink.debug.timeline import Span, format_timeline
from pallink.redact.debug import debug_text, debug_url
from pallink.redact.text import one_line, printable

log = logging.getLogger("pallink.requests")


class Recorder:
    """Records the requests of one session. Thread-safe.

    Attributes:
        resource_manager: The origin of Resource Manager; requests to other hosts are part of the sign-in.

    Args:
        now: A monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.resource_manager: str | None = None
        self._now = now
        self._start = now()
        self._lock = threading.Lock()
        self._last_number = 0
        self._in_flight: dict[int, tuple[str, int, bool]] = {}
        self._spans: list[Span] = []

    def record_request(self, request: Any) -> int:  # noqa: ANN401 - of either generation of azure-core
        """Record a request that is about to be sent.

        Returns:
            The number of the request, for `record_response` or `record_failure`.
        """
        url, headers = str(request.url), list(request.headers.items())
        is_sign_in = not self._is_for_resource_manager(url, headers)
        with self._lock:
            lines = list(
                format_request(
                    method=str(request.method),
                    url=url,
                    headers=headers,
                    body=_read_body(request),
                    is_sign_in=is_sign_in,
                )
            )
            number = self._next_number()
            name = f"{request.method} {debug_url(url.partition('?')[0])}"
            self._in_flight[number] = name, self._milliseconds(), is_sign_in
            self._write(number, lines)
        return number

    def record_response(self, number: int, response: Any) -> None:  # noqa: ANN401 - of requests
        """Record the response to a request."""
        self._record_outcome(number, str(response.status_code), response)

    def record_failure(self, number: int, error: BaseException, reason: str, response: Any = None) -> None:  # noqa: ANN401 - of requests
        """Record that a request failed.

        Args:
            number: The number of the request.
            error: What was raised.
            reason: Why it failed: the texts of libraries show their connection pools.
            response: The response, if there was one, but an unusable one.
        """
        name = type(error).__name__
        self._record_outcome(number, name, response, f"{name}: {debug_text(reason)}" if reason else name)

    def record_wait(self, seconds: float, cause: str) -> None:
        """Record a wait before a retry."""
        with self._lock:
            number, start = self._next_number(), self._milliseconds()
            reason = one_line(debug_text(cause))
            self._spans.append(Span(number, reason, start, start + round(seconds * 1000), is_wait=True))
            self._write(number, [f"waits {seconds:.1f} seconds: {reason}"])

    def write_timeline(self) -> None:
        """Write the timeline, once. Requests that are still in flight are marked as such."""
        with self._lock:
            spans, self._spans = self._spans, []
            spans += [
                Span(number, name, start, self._milliseconds(), "no response yet")
                for number, (name, start, _) in self._in_flight.items()
            ]
            self._in_flight.clear()
            if spans:
                for line in format_timeline(spans):
                    log.debug("%s", line)

    def _record_outcome(self, number: int, outcome: str, response: Any, failure: str | None = None) -> None:  # noqa: ANN401
        with self._lock:
            if number not in self._in_flight:
                return
            name, start, is_sign_in = self._in_flight.pop(number)
            end = self._milliseconds()
            self._spans.append(Span(number, name, start, end, outcome))
            lines: list[str] = []
            if response is not None:
                lines += format_response(
                    status=response.status_code,
                    milliseconds=end - start,
                    # The raw ones: those of `response` are already sanitised.
                    headers=list(response.raw.headers.items()),
                    body=response.content if failure is None else b"",
                    is_sign_in=is_sign_in,
                )
            if failure is not None:
                lines.append(f"! {one_line(failure)}" + ("" if response is not None else f", after {end - start} ms"))
            self._write(number, lines)

    def _is_for_resource_manager(self, url: str, headers: Iterable[tuple[str, str]]) -> bool:
        host, _, path = url.partition("://")[2].partition("/")
        has_token = any(name.lower() == "authorization" for name, _ in headers)
        return f"https://{host.lower()}" == self.resource_manager and (has_token or path.startswith("metadata/"))

    def _next_number(self) -> int:
        self._last_number += 1
        return self._last_number

    def _milliseconds(self) -> int:
        return round((self._now() - self._start) * 1000)

    @staticmethod
    def _write(number: int, lines: Iterable[str]) -> None:
        # One record, so that those of concurrent requests do not mix.
        log.debug("%s", "\n".join(f"[{number}] {printable(line)}" for line in lines))


def _read_body(request: Any) -> bytes:  # noqa: ANN401 - of either generation of azure-core
    data = getattr(request, "data", None)
    if data is None:
        data = getattr(request, "content", None)
    if isinstance(data, dict):
        from urllib.parse import urlencode  # noqa: PLC0415 - as requests does

        data = urlencode(data)
    if isinstance(data, str):
        return data.encode()
    return data if isinstance(data, bytes) else b""
