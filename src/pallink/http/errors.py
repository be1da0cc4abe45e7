"""What can be read from a failed request: the chain of its causes, and the identifiers of its response."""

from collections.abc import Iterator
from typing import Any

from pallink.errors import RequestTrace
from pallink.redact.text import one_line


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and all that it was raised from.

    Those in its arguments count too: requests nests the exceptions of urllib3 there.
    """
    seen: set[int] = set()
    pending = [error]
    while pending:
        current = pending.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = (getattr(current, "inner_exception", None), getattr(current, "reason", None))
        pending += [current.__cause__, current.__context__, *inner, *current.args]


def reason_of(error: BaseException) -> str:
    """Return why a request failed, in the words of the system: those of a library show its connection pool."""
    libraries = ("azure.", "requests.", "urllib3.")
    known = next((cause for cause in chain_of(error) if not type(cause).__module__.startswith(libraries)), None)
    return "" if known is None else str(known)


def trace_of(response: Any) -> RequestTrace:
    """Return the identifiers of a response, for Microsoft's support."""
    headers = response.headers

    def header(*names: str) -> str | None:
        return next((one_line(value, 100) for name in names if (value := headers.get(name))), None)

    return RequestTrace(
        correlation_id=header("x-ms-correlation-request-id", "client-request-id"),
        request_id=header("x-ms-request-id", "request-id"),
        time=header("Date"),
    )
