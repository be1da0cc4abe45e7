"""What a command leaves behind when it is interrupted, in words."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pallink.errors import CancelledError, PallinkError, UnsettledWriteError
from pallink.links.record import LinkChange, WriteRecord


@dataclass
class InterruptReport:
    """What to report of a command that is interrupted at this moment; kept up to date while it runs.

    Attributes:
        cause: The cause of an interruption, as long as the command writes no link.
        remedy: What to do then.
        command: The command for it.
        knows_link: Whether the command has to do with an account's link at all.
        writes_link: Whether the command may change the link.
        written: What is known of that.
        look: Returns the command that shows the link.
        warnings: What else a person should know.
        so_far: Shows what a run over many accounts has done so far, and returns the error for its interruption.
        tidy: Called before anything is printed: takes a progress bar away. Returns whether there was one.
    """

    cause: str | None = None
    remedy: str | None = None
    command: str | None = None
    knows_link: bool = False
    writes_link: bool = False
    written: WriteRecord = field(default_factory=WriteRecord)
    look: Callable[[], str] | None = None
    warnings: tuple[str, ...] = ()
    so_far: Callable[[], CancelledError] | None = None
    tidy: Callable[[], bool] = lambda: False

    def interrupted(self) -> CancelledError:
        """Return the error for an interruption at this moment."""
        if self.so_far is not None:
            error = self.so_far()
            return error.replace(warnings=(*error.warnings, *self.warnings))
        cause, remedy, command = self.cause, self.remedy, self.command
        if self.writes_link:
            known = self.written.known
            is_unknown = known.change is LinkChange.UNKNOWN
            cause = f"a write was in progress: the link {known}" if is_unknown else f"the link was {known}"
            if is_unknown and self.look is not None:
                remedy, command = "check the link", self.look()
        return CancelledError("interrupted", cause=cause, remedy=remedy, command=command, warnings=self.warnings)

    def link(self, error: PallinkError | None = None) -> LinkChange | None:
        """Return what became of the link when the command ended with an error; None if it has to do with none."""
        if not self.knows_link:
            return None
        return LinkChange.UNKNOWN if isinstance(error, UnsettledWriteError) else self.written.known.change

    def last_line(self, error: PallinkError, *, is_interruption: bool) -> str | None:
        """Return what became of the link, for the last line; None if the error says it, or none was touched."""
        if not self.writes_link:
            return None
        change, known = self.link(error), self.written.known
        if change is LinkChange.UNKNOWN:
            if isinstance(error, UnsettledWriteError) and error.command is not None and not is_interruption:
                return None
            look = f", check it with: {self.look()}" if self.look is not None else ""
            return f"may or may not have been changed{look}"
        return str(known) if is_interruption or change is LinkChange.CHANGED else None
