"""What was observed of a link while a command wrote it: the writes, how each ended, what reading it again showed."""

from dataclasses import dataclass, replace
from enum import Enum, auto

from pallink.errors import PallinkError, RequestTrace, UnreachableError
from pallink.links.model import Link, Step


class WriteResponse(Enum):
    """How the service responded to a write that returned no link."""

    LOST = auto()
    """No response, or none of the service's own: the write may have taken effect."""
    TIMED_OUT = auto()
    """No response in time: Azure may still carry the write out after the link was read again."""
    CONFLICT = auto()
    """The link is not in the state that the write needs."""
    REFUSED = auto()
    """The service refused the write, and would refuse it again."""


class WriteFailure(Exception):  # noqa: N818 - not an error for a caller: what settles the write makes one of it
    """A write that was sent and returned no result: of a link, or of a role assignment.

    Attributes:
        error: The error to report where reading does not settle the write.
        response: How the service responded.
        retry_after: Seconds that the service asked to wait, or None.
    """

    def __init__(self, error: PallinkError, response: WriteResponse, *, retry_after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.response = response
        self.retry_after = retry_after


Reading = Link | None | PallinkError
"""What reading the link showed: the link, None if there is none, or why it could not be read."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One write.

    Attributes:
        step: What the write was to do.
        before: The link as it was read before the write, soft-deleted or not.
        result: The link that the write returned, the identifiers of an acknowledged deletion, how the write failed
            (`WriteFailure`), or why it was not sent (`PallinkError`).
        readings: The link as it was read after the write and, where it was unchanged, after a wait.
    """

    step: Step
    before: Link | None
    result: Link | RequestTrace | WriteFailure | PallinkError
    readings: tuple[Reading, ...] = ()

    @property
    def failure(self) -> WriteFailure | None:
        """How the write failed, if it did."""
        return self.result if isinstance(self.result, WriteFailure) else None

    @property
    def response(self) -> WriteResponse | None:
        """How the service responded to a write that failed."""
        return self.failure.response if self.failure is not None else None

    @property
    def is_acknowledged_deletion(self) -> bool:
        """Whether the service reported success of a deletion. It does so too where it removed nothing."""
        return isinstance(self.result, RequestTrace)

    @property
    def needs_reading(self) -> bool:
        """Whether only reading the link shows what the write did."""
        return self.failure is not None or self.is_acknowledged_deletion

    @property
    def has_waited(self) -> bool:
        """Whether the link was read a second time, after a wait."""
        return len(self.readings) > 1

    @property
    def writes_since(self) -> int | None:
        """How many writes the versions count from `before` to the last reading; None if a version is missing."""
        last = self.readings[-1]
        first_version = self.before.version if self.before is not None else 0
        last_version = last.version if isinstance(last, Link) else None
        return None if first_version is None or last_version is None else last_version - first_version

    def with_reading(self, reading: Reading) -> "Attempt":
        """Return a copy with one reading more."""
        return replace(self, readings=(*self.readings, reading))


@dataclass(frozen=True, slots=True)
class History:
    """All that was observed so far.

    Attributes:
        before: The link as it was read before the first write, soft-deleted or not.
        attempts: The writes, in order.
    """

    before: Link | None
    attempts: tuple[Attempt, ...] = ()

    @property
    def may_arrive_late(self) -> bool:
        """Whether a write timed out: Azure may carry it out after any reading."""
        return any(attempt.response is WriteResponse.TIMED_OUT for attempt in self.attempts)

    @property
    def waits(self) -> int:
        """How often the command waited before it sent a write again."""
        return sum(attempt.has_waited for attempt in self.attempts)

    def with_attempt(self, attempt: Attempt) -> "History":
        """Return a copy with one attempt more."""
        return replace(self, attempts=(*self.attempts, attempt))

    def with_reading(self, reading: Reading) -> "History":
        """Return a copy in which the last attempt has one reading more."""
        *earlier, last = self.attempts
        return replace(self, attempts=(*earlier, last.with_reading(reading)))


@dataclass(frozen=True, slots=True)
class InterruptedWrite:
    """A write of an earlier process, which ended before it knew what the write did.

    Attributes:
        step: What the write was to do.
        before: The link as that process read it before the write.
    """

    step: Step
    before: Link | None

    def history(self, current: Link | None) -> History:
        """Return the history with the link as it is read now: a write whose response was lost."""
        error = UnreachableError(
            "an earlier run ended before it knew what its write did", remedy="check the link, then resume the run"
        )
        lost = WriteFailure(error, WriteResponse.LOST)
        return History(self.before, (Attempt(self.step, self.before, lost, (current,)),))
