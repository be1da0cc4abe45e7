"""An error as the JSON object that a program reads on stderr: pure."""

from typing import Any

from pallink.errors import PallinkError
from pallink.links.record import LinkChange
from pallink.redact.text import one_line


def error_object(error: PallinkError, link: LinkChange | None = None) -> dict[str, Any]:
    """The object, with the same fields each time; docs/results.schema.json describes it.

    Fields: `code` (stable, e.g. `NotLinked`), `exitCode`, `message`, `cause`, `remedy`, `command`, `correlationId`,
    `requestId`, `time`, `warnings`, `link`. What is not known is null.

    Args:
        error: what happened.
        link: what the command did to the link; None where it has to do with none.
    """
    trace = error.trace

    def text(value: str | None, limit: int = 500) -> str | None:
        return one_line(value, limit) if value else None

    return {
        "code": error.code,
        "exitCode": int(error.exit_code),
        "message": one_line(error.message),
        "cause": text(error.cause),
        "remedy": text(error.remedy),
        "command": "\n".join(one_line(each, 2000) for each in error.command.splitlines()) if error.command else None,
        "correlationId": trace.correlation_id if trace else None,
        "requestId": trace.request_id if trace else None,
        "time": trace.time if trace else None,
        "warnings": [one_line(each) for each in error.warnings],
        "link": link.value if link else None,
    }
