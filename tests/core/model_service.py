"""A model of the partner API: one account's link, and a script of what goes wrong with each request."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto

from pallink.deadline import Deadline
from pallink.errors import (
    AccessDeniedError,
    PallinkError,
    PartnerIdRefusedError,
    RequestTrace,
    ServiceError,
    UnreachableError,
)
from pallink.links.history import WriteFailure, WriteResponse
from pallink.links.model import Action, Link, Step, active
from tests.core.samples import OTHER_OBJECT, link_to

ANSWERED_PARTNER = "999999"
TRACE = RequestTrace("correlation", "request", "now")


class Fault(Enum):
    """What happens to one write."""

    NONE = auto()
    APPLIED_THEN_LOST = auto()
    LOST_BEFORE = auto()
    TIMED_OUT_BEFORE = auto()
    CONFLICT = auto()
    REFUSED = auto()
    APPLIED_THEN_REFUSED = auto()
    IGNORED_DELETION = auto()
    ANSWERED_WITH_ANOTHER_PARTNER = auto()
    ANSWERED_WITH_ANOTHER_ACCOUNT = auto()
    INTERRUPTED_BEFORE = auto()
    INTERRUPTED_AFTER = auto()


@dataclass(frozen=True)
class Somebody:
    """Somebody else has the account linked to `partner_id`, or to none."""

    partner_id: str | None


@dataclass(frozen=True)
class Write:
    """What happens to one write.

    Attributes:
        fault: what goes wrong with it.
        meanwhile: what somebody else writes just before it arrives.
        afterwards: what somebody else writes just after it.
        retry_after: seconds that a failed answer asks to wait.
        takes: seconds until there is an answer, or none.
    """

    fault: Fault = Fault.NONE
    meanwhile: Somebody | None = None
    afterwards: Somebody | None = None
    retry_after: float | None = None
    takes: float = 0.0


class Clock:
    """Time that passes only when somebody waits, or a write takes its time; `while_waiting` happens in each wait."""

    def __init__(self, *, while_waiting: Callable[[], None] = lambda: None) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []
        self._while_waiting = while_waiting

    def sleep(self, seconds: float) -> None:
        self._while_waiting()
        self.waits.append(seconds)
        self.seconds += seconds

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, now=lambda: self.seconds, sleep=self.sleep)


class ModelService:
    """The service. Where its script ends, everything works.

    Attributes:
        link: the account's link, soft-deleted or not; None where there never was one.
        journal: each write's step, and each reading (True where it succeeded).
        took_effect: the steps that changed the link.
        has_timed_out: whether a write timed out, which may still arrive.
        is_unconfirmed: whether the last write returned neither a link nor a success.
    """

    def __init__(
        self,
        link: Link | None = None,
        writes: Iterable[Write] = (),
        reads: Iterable[BaseException | None] = (),
        *,
        shows_deleted: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self.link = link
        self.journal: list[Step | bool] = []
        self.took_effect: list[Step] = []
        self.has_timed_out = False
        self.is_unconfirmed = False
        self._writes = iter(writes)
        self._reads = iter(reads)
        self._shows_deleted = shows_deleted
        self._clock = clock or Clock()

    @property
    def sent(self) -> list[Step]:
        return [entry for entry in self.journal if isinstance(entry, Step)]

    @property
    def visible(self) -> Link | None:
        """The link as a reading shows it: nobody recorded whether a removed one is still shown."""
        return self.link if self._shows_deleted else active(self.link)

    def read(self) -> Link | None:
        error = next(self._reads, None)
        self.journal.append(error is None)
        if error is not None:
            raise error
        return self.visible

    def send(self, step: Step) -> Link | RequestTrace:
        write = next(self._writes, Write())
        self.journal.append(step)
        self._clock.seconds += write.takes
        if write.meanwhile is not None:
            self.write_as(write.meanwhile)
        self.has_timed_out |= write.fault is Fault.TIMED_OUT_BEFORE
        self.is_unconfirmed = True
        try:
            returned = self._handle(step, write)
            self.is_unconfirmed = False
            return returned
        finally:
            if write.afterwards is not None:
                self.write_as(write.afterwards)

    def _handle(self, step: Step, write: Write) -> Link | RequestTrace:
        match write.fault:
            case Fault.INTERRUPTED_BEFORE:
                raise KeyboardInterrupt
            case Fault.LOST_BEFORE | Fault.TIMED_OUT_BEFORE:
                raise _lost(write)
            case Fault.CONFLICT:
                raise _conflict(write)
            case Fault.REFUSED:
                raise _refused()
            case Fault.IGNORED_DELETION if step.action is Action.DELETED:
                return TRACE
        is_allowed = self._apply(step)
        if write.fault is Fault.INTERRUPTED_AFTER:
            raise KeyboardInterrupt
        if write.fault is Fault.APPLIED_THEN_LOST:
            raise _lost(write)
        if write.fault is Fault.APPLIED_THEN_REFUSED:
            raise _refused()
        if not is_allowed:
            raise _conflict(write)
        return TRACE if step.action is Action.DELETED else self._answer(write.fault)

    def _answer(self, fault: Fault) -> Link:
        assert self.link is not None
        if fault is Fault.ANSWERED_WITH_ANOTHER_PARTNER:
            return replace(self.link, partner_id=ANSWERED_PARTNER)
        if fault is Fault.ANSWERED_WITH_ANOTHER_ACCOUNT:
            return replace(self.link, object_id=OTHER_OBJECT)
        return self.link

    def _apply(self, step: Step) -> bool:
        """Change the link as the service does; False where it answers that the state does not allow it."""
        linked = active(self.link)
        if step.action is Action.DELETED:
            if linked is None or linked.partner_id != step.partner_id:
                return True
            self._put(linked.partner_id, "Deleted")
        elif (step.action is Action.CREATED) is (linked is not None):
            return False
        else:
            assert step.partner_id is not None
            self._put(step.partner_id, "Active")
        self.took_effect.append(step)
        return True

    def write_as(self, somebody: Somebody) -> None:
        linked = active(self.link)
        if somebody.partner_id is not None:
            self._put(somebody.partner_id, "Active")
        elif linked is not None:
            self._put(linked.partner_id, "Deleted")

    def _put(self, partner_id: str, state: str) -> None:
        version = (self.link.version or 0) if self.link else 0
        self.link = link_to(partner_id, state=state, version=version + 1)


def no_answer() -> PallinkError:
    return UnreachableError("the service cannot be reached")


def forbidden() -> PallinkError:
    return AccessDeniedError("Azure refuses the account")


def _conflict(write: Write) -> WriteFailure:
    error = ServiceError("Azure answered Conflict")
    return WriteFailure(error, WriteResponse.CONFLICT, retry_after=write.retry_after)


def _refused() -> WriteFailure:
    return WriteFailure(PartnerIdRefusedError("the partner ID is not valid"), WriteResponse.REFUSED)


def _lost(write: Write) -> WriteFailure:
    error = UnreachableError("no answer", cause="the connection broke", trace=TRACE)
    said = WriteResponse.TIMED_OUT if write.fault is Fault.TIMED_OUT_BEFORE else WriteResponse.LOST
    return WriteFailure(error, said, retry_after=write.retry_after)
