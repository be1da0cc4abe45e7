"""`--query`: a JMESPath expression, as with az. It is checked before anything is sent and applied to the result."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pallink.errors import UsageError

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

_HELP = "correct the expression (the language is described at jmespath.org); this one is right"
_EXAMPLE = "pallink show --query partnerId -o tsv"

# Of an expression; nobody writes a longer one, and the parser is recursive.
_LIMIT = 2000


def check_query(expression: str) -> None:
    """Refuse an expression that cannot be right, whatever it is applied to.

    Raises:
        UsageError: it cannot be parsed, or calls a function that there is not, or with too few or too many arguments.
            The message names the position, counted from 1.
    """
    _parsed(expression)


def apply_query(expression: str, value: object) -> object:
    """What the expression finds in `value`; None where it finds nothing.

    Raises:
        UsageError: it does not fit the value, as `length(partnerId)` where there is no partner ID.
    """
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415 - only who queries pays for it

    try:
        found: object = _parsed(expression).search(value)
    except (JMESPathError, ValueError, RecursionError) as error:
        raise UsageError(
            f"--query does not fit the result: {error}",
            cause="the command itself was carried out; only its result could not be shown in this way",
            remedy=_HELP,
            command=_EXAMPLE,
        ) from error
    return found


def _parsed(expression: str) -> "ParsedResult":
    # jmespath takes 20 ms to import.
    import jmespath  # noqa: PLC0415
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415

    if len(expression) > _LIMIT:
        raise _refused("it is too long", _LIMIT + 1)
    try:
        compiled = jmespath.compile(expression)
    except (JMESPathError, ValueError, RecursionError) as error:
        raise _refused(*_what_and_where(error, expression)) from error
    for node in _function_calls(compiled.parsed):
        _check_call(node, expression)
    return compiled


def _what_and_where(error: Exception, expression: str) -> tuple[str, int]:
    """What is wrong, and at which position (from 1)."""
    if not expression.strip():
        return "it is empty", 1
    position = getattr(error, "lex_position", None)
    if position is None:
        position = getattr(error, "lexer_position", None)
    if position is None or position >= len(expression) or getattr(error, "token_type", "") in (None, "eof"):
        return "it ends too early", len(expression) + 1
    return f"{expression[position : position + 20]!r} does not belong there", position + 1


def _function_calls(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    pending = [node]
    while pending:
        each = pending.pop()
        if each["type"] == "function_expression":
            yield each
        pending += [child for child in each.get("children", ()) if isinstance(child, dict)]


def _check_call(node: Mapping[str, Any], expression: str) -> None:
    """Look at a call now: jmespath itself does so only when it evaluates it, after the job is done."""
    from jmespath.functions import Functions  # noqa: PLC0415

    name = node["value"]
    position = expression.find(name) + 1
    known = Functions.FUNCTION_TABLE.get(name)
    if known is None:
        raise _refused(f"there is no function {name}()", position)
    signature, given = known["signature"], len(node["children"])
    is_variadic = bool(signature) and signature[-1].get("variadic", False)
    if given < len(signature) or (given > len(signature) and not is_variadic):
        raise _refused(f"{name}() takes another number of arguments than {given}", position)


def _refused(what: str, position: int) -> UsageError:
    return UsageError(
        f"--query cannot be understood at position {position}: {what}",
        cause="it must be a JMESPath expression",
        remedy=_HELP,
        command=_EXAMPLE,
    )
