"""One write: sent once, and told apart by whether it was sent at all and whether the service refused it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from azure.core.exceptions import HttpResponseError, ServiceResponseTimeoutError

from pallink.azure.errors import code_of, retry_after_of
from pallink.errors import PallinkError, SandboxError, SignInError, UnexpectedAnswerError
from pallink.links.history import WriteFailure, WriteResponse

# A gateway may return these by itself: the service may have carried the write out.
_DOUBTFUL_STATUSES = frozenset({409, 429})
_TIMEOUT_STATUSES = frozenset({408, 504})
_REFUSED_STATUSES = frozenset({401, 403})
_MIN_CLIENT_ERROR = 400
_MIN_SERVER_ERROR = 500


def classify(error: BaseException | None) -> WriteResponse:
    """Return what a failed write means: `LOST` without a response or a code of the service's own."""
    if isinstance(error, ServiceResponseTimeoutError):
        return WriteResponse.TIMED_OUT
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return WriteResponse.LOST
    status = error.status_code
    if status in _REFUSED_STATUSES:
        return WriteResponse.REFUSED
    if status in _TIMEOUT_STATUSES:
        return WriteResponse.TIMED_OUT
    is_client_error = _MIN_CLIENT_ERROR <= status < _MIN_SERVER_ERROR
    is_refused = code_of(error) is not None and is_client_error and status not in _DOUBTFUL_STATUSES
    return WriteResponse.REFUSED if is_refused else WriteResponse.LOST


@contextmanager
def sent_once(
    classify_error: Callable[[BaseException | None], WriteResponse] = classify,
) -> Iterator[dict[str, Any]]:
    """Send one write in this block, with the options that it yields for the SDK.

    Args:
        classify_error: Returns what an exception of the SDK means.

    Raises:
        WriteFailure: It was sent, and failed. Only reading tells whether it took effect.
        PallinkError: It was not sent.
    """
    prepared: list[Any] = []
    try:
        # azure-core would repeat a PUT, PATCH or DELETE that may have taken effect. The hook is called after the token
        # was acquired, right before the transport sends.
        yield {"retry_total": 0, "raw_request_hook": prepared.append}
    except PallinkError as failure:
        cause = failure.__cause__
        is_held_back = cause is None and not isinstance(failure, UnexpectedAnswerError)
        if not prepared or is_held_back or isinstance(failure, SandboxError):
            raise  # It was not sent.
        # A claims challenge that the sign-in could not meet: the service did nothing.
        is_refused = isinstance(failure, SignInError) and not isinstance(cause, HttpResponseError)
        response = WriteResponse.REFUSED if is_refused else classify_error(cause)
        wait = retry_after_of(cause.response) if isinstance(cause, HttpResponseError) and cause.response else None
        raise WriteFailure(failure, response, retry_after=wait) from failure
