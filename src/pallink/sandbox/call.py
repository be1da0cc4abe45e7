"""The context in which the sandbox handles one request."""

from dataclasses import dataclass
from datetime import datetime

from pallink.sandbox.http.messages import Request
from pallink.sandbox.state.store import State


@dataclass(frozen=True, slots=True)
class Call:
    """A request, the state that it acts on, and the current time.

    Attributes:
        request: The request.
        state: The sandbox's state, within the request's transaction.
        now: The current time (UTC).
        is_stale: Whether a link is read as it was before the last write, as from a replica that lags behind.
    """

    request: Request
    state: State
    now: datetime
    is_stale: bool = False

    @property
    def timestamp(self) -> int:
        """The current time in seconds since the epoch, as in token claims."""
        return int(self.now.timestamp())
