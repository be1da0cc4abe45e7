"""Is told of each request and each answer of one session, and writes them to the log; at the end the timeline."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from pallink.debug.exchange import request_lines, response_lines
from pallink.debug.timeline import Span, timeline
from pallink.redact.debug import Redactor
from pallink.redact.text import one_line, printable
from pallink.signin.secrets import environment_secrets

log = logging.getLogger("pallink.requests")


class Recorder:
    """Safe to be told from several threads.

    Attributes:
        resource_manager: the origin whose answers are no part of a sign-in.

    Args:
        now: a monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.resource_manager: str | None = None
        self._redactor = Redactor(environment_secrets(os.environ))
        self._now = now
        self._began = now()
        self._lock = threading.Lock()
        self._last = 0
        self._open: dict[int, tuple[str, int, bool]] = {}
        self._spans: list[Span] = []

    def begin(self, request: Any) -> int:  # noqa: ANN401 - of either generation of azure-core
        """A request is about to be sent.

        Returns:
            Its number.
        """
        url, headers = str(request.url), list(request.headers.items())
        is_sign_in = not self._is_for_resource_manager(url, headers)
        with self._lock:
            lines = list(
                request_lines(
                    self._redactor,
                    method=str(request.method),
                    url=url,
                    headers=headers,
                    body=_body(request),
                    is_sign_in=is_sign_in,
                )
            )
            number = self._next()
            what = f"{request.method} {self._redactor.url(url.partition('?')[0])}"
            self._open[number] = what, self._milliseconds(), is_sign_in
            self._write(number, lines)
        return number

    def answered(self, number: int, response: Any) -> None:  # noqa: ANN401 - of requests
        """A request got its answer."""
        self._end(number, str(response.status_code), response)

    def failed(self, number: int, error: BaseException, response: Any = None) -> None:  # noqa: ANN401 - of requests
        """A request got none, or (then `response` is it) one that nothing can be made of."""
        self._end(number, type(error).__name__, response, error)

    def waits(self, seconds: float, cause: str) -> None:
        """Somebody begins to wait before a request is sent again."""
        with self._lock:
            number, start = self._next(), self._milliseconds()
            what = one_line(self._redactor.text(cause))
            self._spans.append(Span(number, what, start, start + round(seconds * 1000), is_wait=True))
            self._write(number, [f"waits {seconds:.1f} seconds: {what}"])

    def finish(self) -> None:
        """Write the timeline, once. What is still under way is in it as such."""
        with self._lock:
            spans, self._spans = self._spans, []
            spans += [
                Span(number, what, start, self._milliseconds(), "no answer yet")
                for number, (what, start, _) in self._open.items()
            ]
            self._open.clear()
            if spans:
                for line in timeline(spans):
                    log.debug("%s", line)

    def _end(self, number: int, outcome: str, response: Any, error: BaseException | None = None) -> None:  # noqa: ANN401
        with self._lock:
            if number not in self._open:
                return
            what, start, is_sign_in = self._open.pop(number)
            end = self._milliseconds()
            self._spans.append(Span(number, what, start, end, outcome))
            lines: list[str] = []
            if response is not None:
                lines += response_lines(
                    self._redactor,
                    status=response.status_code,
                    milliseconds=end - start,
                    # As they came: what is handed on has been put in order.
                    headers=list(response.raw.headers.items()),
                    body=response.content if error is None else b"",
                    is_sign_in=is_sign_in,
                )
            if error is not None:
                said = f"{type(error).__name__}: {self._redactor.text(str(error))}"
                lines.append(f"! {one_line(said)}" + ("" if response is not None else f", after {end - start} ms"))
            self._write(number, lines)

    def _is_for_resource_manager(self, url: str, headers: Iterable[tuple[str, str]]) -> bool:
        host, _, path = url.partition("://")[2].partition("/")
        has_token = any(name.lower() == "authorization" for name, _ in headers)
        return f"https://{host.lower()}" == self.resource_manager and (has_token or path.startswith("metadata/"))

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _milliseconds(self) -> int:
        return round((self._now() - self._began) * 1000)

    @staticmethod
    def _write(number: int, lines: Iterable[str]) -> None:
        # In one piece, so that what runs beside does not come in between.
        log.debug("%s", "\n".join(f"[{number}] {printable(line)}" for line in lines))


def _body(request: Any) -> bytes:  # noqa: ANN401 - of either generation of azure-core
    data = getattr(request, "data", None)
    if data is None:
        data = getattr(request, "content", None)
    if isinstance(data, dict):
        from urllib.parse import urlencode  # noqa: PLC0415 - as requests will

        data = urlencode(data)
    if isinstance(data, str):
        return data.encode()
    return data if isinstance(data, bytes) else b""
