"""The JSON object for an error, which programs read on stderr. Pure."""

from typing import Any

from pallink.errors import PallinkError
from pallink.links.record import LinkChange
from pallink.redact.text import one_line


def build_error_object(error: PallinkError, link: LinkChange | None = None) -> dict[str, Any]:
    """Return the error object that docs/reference/results.schema.json describes.

    The fields are always the same: `code` (stable, such as `NotLinked`), `exitCode`, `message`, `cause`, `remedy`,
    `command`, `correlationId`, `requestId`, `time`, `warnings`, `link`. Unknown ones are null.

    Args:
        error: The error.
        link: What the command did to the link; None for a command that does not touch it.
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
        "command": "\n".join(one_line(line, 2000) for line in error.command.splitlines()) if error.command else None,
        "correlationId": trace.correlation_id if trace else None,
        "requestId": trace.request_id if trace else None,
        "time": trace.time if trace else None,
        "warnings": [one_line(warning) for warning in error.warnings],
        "link": link.value if link else None,
    }
