"""What a request is handled with."""

from dataclasses import dataclass
from datetime import datetime

from pallink.sandbox.http.messages import Request
from pallink.sandbox.state.store import State


@dataclass(frozen=True, slots=True)
class Call:
    """A request, the state that it acts on, and the time that it happens at (UTC).

    With `is_stale` a link is read as it was before the last write, as where a replica lags behind.
    """

    request: Request
    state: State
    now: datetime
    is_stale: bool = False

    @property
    def timestamp(self) -> int:
        """The time in seconds since the epoch, as tokens count it."""
        return int(self.now.timestamp())
