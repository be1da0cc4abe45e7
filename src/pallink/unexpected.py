"""Exceptions that no command expects, as errors to report."""

from pallink.emulator import explain_state
from pallink.errors import DefectError, PallinkError
from pallink.redact.text import one_line
from pallink.sandbox.state.errors import SandboxStateError


def as_pallink_error(error: Exception) -> PallinkError:
    """Return the error itself, that of the sandbox's file, or for any other exception a defect of pallink."""
    if isinstance(error, PallinkError):
        return error
    if isinstance(error, SandboxStateError):
        return explain_state(error)
    return DefectError(
        f"pallink has a defect: {type(error).__name__}: {one_line(str(error), 200)}",
        cause="no response of Azure should cause this",
        remedy="report this with what PALLINK_TRACEBACK=1 prints",
    )
