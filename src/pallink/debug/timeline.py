"""When each request began, how long it took, and what it waited for. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pallink.redact.text import one_line


@dataclass(frozen=True, slots=True)
class Span:
    """A request from its sending to its answer, or a wait before one is sent again.

    Attributes:
        number: as it is called in the log.
        what: method and address; what a wait is for.
        start: milliseconds from the beginning.
        end: the same; for what has no end yet, the present.
        outcome: the status, or what became of it.
        is_wait: whether it is a wait and no request.
    """

    number: int
    what: str
    start: int
    end: int
    outcome: str = ""
    is_wait: bool = False


def waited_for(span: Span, spans: Sequence[Span]) -> Span | None:
    """What a span waited for: of all that had ended when it began, the last to end; None for what waited for nothing.

    Nobody says which answers a request needs: this is what can be seen.
    """
    before = [each for each in spans if each.end <= span.start and each is not span and _key(each) < _key(span)]
    return max(before, key=lambda each: (each.end, each.start, each.number), default=None)


def critical_path(spans: Sequence[Span]) -> list[Span]:
    """The spans that decided how long it took: the last to end, and back by what each waited for. In their order."""
    path: list[Span] = []
    current = max(spans, key=lambda each: (each.end, each.start, each.number), default=None)
    while current is not None:
        path.insert(0, current)
        current = waited_for(current, spans)
    return path


def timeline(spans: Sequence[Span]) -> Iterator[str]:
    """The lines of the table, and above it how many requests there were and how long they took."""
    ordered = sorted(spans, key=_key)
    path = critical_path(ordered)
    requests = [each for each in ordered if not each.is_wait]
    if not requests:
        yield "timeline: no request was sent"
        return
    total = max(each.end for each in ordered) - ordered[0].start
    on_path = sum(each.end - each.start for each in path)
    in_a_row = sum(not each.is_wait for each in path)
    yield (
        f"timeline: {len(requests)} {'request' if len(requests) == 1 else 'requests'} in {total} ms;"
        f" critical path (*): {in_a_row} in a row, {on_path} ms"
    )
    yield f"  {'no.':>4}  {'start ms':>8}  {'took ms':>8}  {'after':>5}  request"
    for each in ordered:
        mark = "*" if each in path else " "
        before = waited_for(each, ordered)
        after = str(before.number) if before else "-"
        what = f"waits: {each.what}" if each.is_wait else f"{each.what} -> {each.outcome}"
        yield f"{mark} {each.number:>4}  {each.start:>8}  {each.end - each.start:>8}  {after:>5}  {one_line(what)}"


def _key(span: Span) -> tuple[int, int, int]:
    return span.start, span.end, span.number
