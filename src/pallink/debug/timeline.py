"""The timeline of a session: when each request began, how long it took, and what it waited for. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pallink.redact.text import one_line
from pallink.words import counted


@dataclass(frozen=True, slots=True)
class Span:
    """A request with its response, or a wait before a retry.

    Attributes:
        number: Its number in the log.
        name: The method and the URL; for a wait, its reason.
        start: Milliseconds since the recorder was created.
        end: The same; for a request that is still in flight, the present.
        outcome: The status, or the error.
        is_wait: Whether this is a wait.
    """

    number: int
    name: str
    start: int
    end: int
    outcome: str = ""
    is_wait: bool = False


def find_predecessor(span: Span, spans: Sequence[Span]) -> Span | None:
    """Return the span that this one waited for: the last to end before it began; None if there is none.

    This is inferred from the times: which responses a request depends on is not recorded.
    """
    earlier = [
        other for other in spans if other.end <= span.start and other is not span and _by_start(other) < _by_start(span)
    ]
    return max(earlier, key=_by_end, default=None)


def find_critical_path(spans: Sequence[Span]) -> list[Span]:
    """Return the spans that determined the total time: the last to end, and back through its predecessors, in order."""
    path: list[Span] = []
    current = max(spans, key=_by_end, default=None)
    while current is not None:
        path.insert(0, current)
        current = find_predecessor(current, spans)
    return path


def format_timeline(spans: Sequence[Span]) -> Iterator[str]:
    """Yield a summary line, and a table with a row for each span."""
    ordered = sorted(spans, key=_by_start)
    path = find_critical_path(ordered)
    requests = [span for span in ordered if not span.is_wait]
    if not requests:
        yield "timeline: no request was sent"
        return
    total = max(span.end for span in ordered) - ordered[0].start
    on_path = sum(span.end - span.start for span in path)
    in_a_row = sum(not span.is_wait for span in path)
    yield (
        f"timeline: {counted(len(requests), 'request')} in {total} ms;"
        f" critical path (*): {in_a_row} in a row, {on_path} ms"
    )
    yield f"  {'no.':>4}  {'start ms':>8}  {'took ms':>8}  {'after':>5}  request"
    for span in ordered:
        mark = "*" if span in path else " "
        predecessor = find_predecessor(span, ordered)
        after = str(predecessor.number) if predecessor else "-"
        text = one_line(f"waits: {span.name}" if span.is_wait else f"{span.name} -> {span.outcome}")
        yield f"{mark} {span.number:>4}  {span.start:>8}  {span.end - span.start:>8}  {after:>5}  {text}"


def _by_start(span: Span) -> tuple[int, int, int]:
    return span.start, span.end, span.number


def _by_end(span: Span) -> tuple[int, int, int]:
    return span.end, span.start, span.number
