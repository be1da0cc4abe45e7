"""Judges a cell by its requests and the sandbox's file: it knows the documented rules and nothing of the client's code.

A violation begins with the name of the rule that it breaks.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tests.bench import DEFAULT_TIMEOUT, Exchange, Observation
from tests.faults.cells import TENANTS, Cell, Class, Goal

UNCHANGED = ("nothing was changed", "nothing was written", "nothing had been changed", "nothing has changed")
UNSETTLED = "may or may not have been"
_LINKED_ELSEWHERE = 5


def violations(cell: Cell, seen: Observation) -> list[str]:
    """Return what is wrong with how a cell ended."""
    return [
        f"{rule.__name__.strip('_')}: {what}"
        for rule in (
            _form,
            _exit_code,
            _agreement,
            _single_write,
            _own_word,
            _rightful_write,
            _time,
            _traceable,
            _advice,
        )
        for what in rule(cell, seen)
    ]


def _form(cell: Cell, seen: Observation) -> Iterator[str]:
    """Require data on stdout, one error object on stderr, no traceback and no defect."""
    del cell
    if "Traceback" in seen.stdout + seen.stderr:
        yield f"a traceback: {seen.stderr}"
        return
    if seen.code and seen.error.get("exitCode") != seen.code:
        yield f"exit code {seen.code} with {seen.stderr}"
    if seen.error.get("code") == "Defect":
        yield seen.error["message"]
    if not seen.code and not seen.result:
        yield "success without a result"


def _exit_code(cell: Cell, seen: Observation) -> Iterator[str]:
    allowed = expected_codes(cell)
    if seen.code not in allowed:
        yield f"{seen.code} instead of {sorted(allowed)}: {seen.stderr}"


def expected_codes(cell: Cell) -> set[int]:
    """Return the exit codes that docs/reference/exit-codes.md allows for a cell."""
    if cell.fault.kind is Class.HARMLESS or cell.target.path == TENANTS:
        return {cell.scenario.code}
    if cell.fault.kind is Class.STALE:
        # Right by what the service said: the other rules decide.
        return {0, 1, 3, 5, 7}
    if cell.target.is_sign_in:
        return _of_sign_in(cell)
    return _of_write(cell) if cell.target.is_write else _of_read(cell)


def _of_read(cell: Cell) -> set[int]:
    """A transient error is retried; a missing link or role comes after an error that keeps it from being known."""
    base, kind, target = cell.scenario.code, cell.fault.kind, cell.target
    if kind in {Class.NO_ANSWER, Class.NOT_NOW, Class.FAILED} and not cell.always:
        return {base}
    if target.nth > 1:
        return {7}  # The read that settles a write: without it, the outcome is unknown.
    if target.is_link:
        return {_LASTING[kind]}
    if cell.scenario.goal is Goal.VERIFIED and kind is not Class.UNAUTHENTICATED:
        return {base}  # A missing role is a warning there; an ended sign-in is not.
    return {min((base, _LASTING[kind]), key=_rank)}


# Where several hold, the first of these.
_PRECEDENCE = (1, 4, 7, 5, 3, 6, 0)


def _rank(code: int) -> int:
    return _PRECEDENCE.index(code)


_LASTING = {
    Class.NO_ANSWER: 7,
    Class.NOT_NOW: 7,
    Class.TOO_LATE: 7,
    Class.FAILED: 1,
    Class.REFUSED: 1,
    Class.CONFLICT: 1,
    Class.GARBLED: 1,
    Class.UNAUTHENTICATED: 4,
    Class.FORBIDDEN: 6,
}


def _of_sign_in(cell: Cell) -> set[int]:
    """A sign-in that is refused is 4, one without a response 7; a transient error is retried."""
    if cell.fault.kind in {Class.NO_ANSWER, Class.NOT_NOW, Class.FAILED}:
        return {7} if cell.always else {cell.scenario.code}
    return {7} if cell.fault.kind is Class.TOO_LATE else {4}


def _of_write(cell: Cell) -> set[int]:
    """Done is done; what has not happened is sent again before the timeout, unless the service refused it."""
    kind = cell.fault.kind
    is_done = cell.fault.takes_effect or cell.fault.name in {"truncated", "delay of 500 s"}
    if is_done:
        return {0}
    if cell.target.method == "DELETE" and cell.always and kind is Class.GARBLED:
        # Of a deletion's response only the status counts: a 200 contradicts every later read.
        return {1, 7}
    if kind in {Class.NO_ANSWER, Class.NOT_NOW, Class.FAILED, Class.GARBLED, Class.CONFLICT} and not cell.always:
        return {0}
    return {_LASTING[kind]}


def _agreement(cell: Cell, seen: Observation) -> Iterator[str]:
    """Require that the output agrees with the sandbox's state."""
    scenario, result = cell.scenario, seen.result
    is_write = scenario.goal.writes and not scenario.is_dry
    if not is_write and seen.after != seen.before:
        yield "a command that only reads changed the link"
    if seen.code:
        yield from _statement(cell, seen)
    elif is_write and not _is_told_an_old_state(cell, seen):
        wanted = None if scenario.goal is Goal.UNLINKED else scenario.wanted
        if seen.after.partner_id != wanted:
            yield f"success, but linked to {seen.after.partner_id}"
        yield from _action(cell, result, seen)
    elif scenario.goal is Goal.VERIFIED and not (result["matches"] and _says(seen, scenario.wanted)):
        yield f"verified, but no response said so: {result}"
    if result.get("partnerId") and not is_write and not scenario.is_dry and not _says(seen, result["partnerId"]):
        yield f"shows {result['partnerId']}, which no response said"


def _is_told_an_old_state(cell: Cell, seen: Observation) -> bool:
    """Return whether a stale read said that there is nothing to do, which a client cannot know better."""
    wanted = None if cell.scenario.goal is Goal.UNLINKED else cell.scenario.wanted
    is_idle = seen.result["action"] == "unchanged" and _last_word(seen.exchanges) == wanted
    return cell.fault.kind is Class.STALE and is_idle


def _action(cell: Cell, result: dict[str, Any], seen: Observation) -> Iterator[str]:
    changed = seen.after != seen.before
    if cell.target.method == "PUT" and cell.fault.kind is Class.CONFLICT and cell.fault.takes_effect:
        # A link that another client made cannot be distinguished from a request that was sent twice.
        if result["action"] != "unchanged" or "carried out this request twice" not in seen.stderr:
            yield f"says {result['action']} without a warning: {seen.stderr}"
        return
    if (result["action"] == "unchanged") is changed:
        yield f"says {result['action']}, but the link went from {seen.before} to {seen.after}"
    if result["partnerId"] != seen.after.partner_id:
        yield f"shows {result['partnerId']} where {seen.after} is"
    expected = {(False, True): "created", (True, True): "updated", (True, False): "deleted"}
    which = expected.get((seen.before.partner_id is not None, seen.after.partner_id is not None))
    if changed and result["action"] != which:
        yield f"says {result['action']} instead of {which}"
    before = _word_before_the_write(seen) if cell.fault.kind is Class.STALE else seen.before.partner_id
    if changed and result["previousPartnerId"] != before:
        yield f"says that {result['previousPartnerId']} was linked before, not {before}"


def _word_before_the_write(seen: Observation) -> Any:
    effective = next(index for index, exchange in enumerate(seen.exchanges) if exchange.took_effect)
    return _last_word(seen.exchanges[:effective])


def _statement(cell: Cell, seen: Observation) -> Iterator[str]:
    """Require that what a failure says of the link is so, in words and in the field for programs."""
    if cell.fault.kind is Class.STALE and seen.code == _LINKED_ELSEWHERE:
        return  # It went by the versions that the service showed, which were stale.
    changed = seen.after != seen.before
    if changed and any(phrase in _words(seen) for phrase in UNCHANGED):
        yield f"says that nothing was changed, but it was: {_words(seen)}"
    if changed and not (UNSETTLED in _words(seen) and "pallink show" in str(seen.error.get("command"))):
        yield f"the link was changed, without a hint to look: {seen.stderr}"
    told = seen.error.get("link")
    if told not in {"unknown", "changed" if changed else "unchanged"}:
        yield f"says {told} of a link that was {'changed' if changed else 'left alone'}"


def _words(seen: Observation) -> str:
    """Return what the error says happened, and why."""
    return f"{seen.error.get('message')}; {seen.error.get('cause')}"


def _says(seen: Observation, partner_id: str | None) -> bool:
    return any(
        _word(exchange) == partner_id
        for exchange in seen.exchanges
        if exchange.method == "GET" and exchange.is_of_partners
    )


_NO_WORD = object()


def _word(exchange: Exchange) -> Any:
    """Return the partner ID that a response says is linked, None for no link, or `_NO_WORD`."""
    response, document = exchange.response, exchange.document
    if response is None or not isinstance(document, dict):
        return _NO_WORD
    error = document.get("error")
    if response.status == 404 and isinstance(error, dict) and error.get("code") == "ManagementPartnerNotFound":
        return None
    properties = document.get("properties")
    if response.status != 200 or not isinstance(properties, dict):
        return _NO_WORD
    return properties["partnerId"] if properties.get("state") == "Active" else None


def _last_word(exchanges: tuple[Exchange, ...]) -> Any:
    words = [_word(exchange) for exchange in exchanges if exchange.is_of_partners and exchange.method == "GET"]
    return next((word for word in reversed(words) if word is not _NO_WORD), _NO_WORD)


def _single_write(cell: Cell, seen: Observation) -> Iterator[str]:
    """Forbid a second write, unless a read between the two showed that the first had not happened."""
    del cell
    writes = [index for index, exchange in enumerate(seen.exchanges) if exchange.is_write]
    for first, second in pairwise(writes):
        between = seen.exchanges[first + 1 : second]
        if _last_word(between) is _NO_WORD:
            yield f"{seen.exchanges[second].method} was sent again without reading"
    effective = [seen.exchanges[index] for index in writes if seen.exchanges[index].took_effect]
    if len(effective) > 1:
        yield f"{len(effective)} writes took effect"


def _own_word(cell: Cell, seen: Observation) -> Iterator[str]:
    """Forbid "not linked" without the service's own word."""
    says_not_linked = seen.code == 3 or (
        seen.code == 0
        and cell.scenario.goal in {Goal.CHECKED, Goal.SHOWN, Goal.VERIFIED, Goal.UNLINKED}
        and seen.result.get("partnerId") is None
    )
    if says_not_linked and _last_word(seen.exchanges) is not None:
        yield "says that there is no link, which no response said"
    if seen.code == 5 and _last_word(seen.exchanges) in {None, _NO_WORD, cell.scenario.wanted}:
        yield "says that another partner is linked, which no response said"


def _rightful_write(cell: Cell, seen: Observation) -> Iterator[str]:
    """Require that every write is the command's to send, and goes by the service's last word."""
    scenario = cell.scenario
    for index, exchange in enumerate(seen.exchanges):
        if not exchange.is_write:
            continue
        word = _last_word(seen.exchanges[:index])
        if scenario.is_dry or not scenario.goal.writes:
            yield f"{exchange.method} by a command that only reads"
        elif word is _NO_WORD:
            yield f"{exchange.method} before anything was read"
        elif exchange.method == "PUT" and not (scenario.goal is Goal.LINKED and word is None):
            yield f"PUT although {word} was linked"
        elif exchange.method == "PATCH" and not (scenario.may_replace and word not in {None, scenario.wanted}):
            yield f"PATCH although {word} was linked"
        elif exchange.method == "DELETE" and not (
            scenario.goal is Goal.UNLINKED and word == exchange.partner_id and scenario.wanted in {None, word}
        ):
            yield f"DELETE of {exchange.partner_id} although {word} was linked"
        elif exchange.method != "DELETE" and exchange.partner_id != scenario.wanted:
            yield f"{exchange.method} of {exchange.partner_id}"


def _time(cell: Cell, seen: Observation) -> Iterator[str]:
    del cell
    if seen.seconds > DEFAULT_TIMEOUT:
        yield f"{seen.seconds:g} s of {DEFAULT_TIMEOUT:g} s"


def _traceable(cell: Cell, seen: Observation) -> Iterator[str]:
    """Require the correlation ID of a failed response, if there was one, with a failure."""
    if seen.code == cell.scenario.code or seen.code in {3, 5} or cell.fault.kind is Class.STALE:
        return
    hit = [exchange for exchange in seen.exchanges if cell.target.matches(exchange.method, exchange.path)]
    known = {value for exchange in hit[cell.target.nth - 1 :] for value in exchange.correlation_ids}
    printed = {seen.error.get("correlationId"), seen.error.get("requestId")}
    if known and not known & printed:
        yield f"identifiers {printed} instead of one of {sorted(known)}"


def _advice(cell: Cell, seen: Observation) -> Iterator[str]:
    """Forbid the advice to repeat what Resource Manager refuses for good."""
    is_permanent = cell.fault.kind in {Class.REFUSED, Class.FORBIDDEN} or cell.fault.name == "404 page"
    if is_permanent and not cell.target.is_sign_in and "try again" in str(seen.error.get("remedy")):
        yield f"{seen.error['message']}: {seen.error['remedy']}"
