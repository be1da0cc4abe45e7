"""`--query`: a JMESPath expression, as in az. It is checked before any request is sent, and applied to the result."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pallink.errors import UsageError
from pallink.redact.secrets import REDACTED, redact

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

_REMEDY = "correct the expression, as in --query partnerId; jmespath.org describes the language"

# The parser is recursive.
_MAX_LENGTH = 2000


def check_query(expression: str) -> None:
    """Check an expression, independently of the value that it will be applied to.

    Raises:
        UsageError: The expression cannot be parsed, calls an unknown function, or calls one with the wrong number of
            arguments. The message gives the position, counted from 1.
    """
    _parse(expression)


def apply_query(expression: str, value: object) -> object:
    """Return what the expression selects from `value`; None if it selects nothing.

    Raises:
        UsageError: The expression does not fit the value, such as `length(partnerId)` for a null partner ID.
    """
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415 - only needed with --query

    try:
        selected: object = _parse(expression).search(value)
    except (JMESPathError, ValueError, RecursionError) as error:
        raise UsageError(
            f"--query does not fit the result: {error}",
            cause="the command itself was carried out; only its result could not be shown in this way",
            remedy=_REMEDY,
        ) from error
    return selected


def _parse(expression: str) -> "ParsedResult":
    # jmespath takes 20 ms to import.
    import jmespath  # noqa: PLC0415
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415

    if len(expression) > _MAX_LENGTH:
        raise _invalid_query("it is too long", _MAX_LENGTH + 1)
    try:
        compiled = jmespath.compile(expression)
    except (JMESPathError, ValueError, RecursionError) as error:
        raise _invalid_query(*_locate(error, expression)) from error
    for node in _function_calls(compiled.parsed):
        _check_call(node, expression)
    return compiled


def _locate(error: Exception, expression: str) -> tuple[str, int]:
    """Return what is wrong, and at which position (from 1)."""
    if not expression.strip():
        return "it is empty", 1
    position = getattr(error, "lex_position", None)
    if position is None:
        position = getattr(error, "lexer_position", None)
    if position is None or position >= len(expression) or getattr(error, "token_type", "") in (None, "eof"):
        return "it ends too early", len(expression) + 1
    # A part of a secret is not recognised as one.
    excerpt = expression[position : position + 20] if redact(expression) == expression else REDACTED
    return f"{excerpt!r} does not belong there", position + 1


def _function_calls(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    pending = [node]
    while pending:
        current = pending.pop()
        if current["type"] == "function_expression":
            yield current
        pending += [child for child in current.get("children", ()) if isinstance(child, dict)]


def _check_call(node: Mapping[str, Any], expression: str) -> None:
    """Check a function call, which jmespath itself does only on evaluation, when the command has been carried out."""
    from jmespath.functions import Functions  # noqa: PLC0415

    name = node["value"]
    position = expression.find(name) + 1
    known = Functions.FUNCTION_TABLE.get(name)
    if known is None:
        raise _invalid_query(f"there is no function {name}()", position)
    signature, given = known["signature"], len(node["children"])
    is_variadic = bool(signature) and signature[-1].get("variadic", False)
    if given < len(signature) or (given > len(signature) and not is_variadic):
        raise _invalid_query(f"{name}() takes another number of arguments than {given}", position)


def _invalid_query(problem: str, position: int) -> UsageError:
    return UsageError(
        f"invalid --query at position {position}: {problem}",
        cause="it must be a JMESPath expression",
        remedy=_REMEDY,
    )
