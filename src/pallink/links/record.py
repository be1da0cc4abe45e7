"""What has become of the link so far: known at every moment of a write, for whoever is interrupted then."""

from dataclasses import dataclass
from enum import StrEnum

from pallink.links.model import Action, Link


class LinkChange(StrEnum):
    """Whether this command changed the link; its text is `link` in an error object."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Written:
    """What is known at one moment.

    Attributes:
        change: whether the link was changed.
        action: how, where it was.
        before: the link as it was before that.
        after: the link as it is since; None where it was removed.
    """

    change: LinkChange = LinkChange.UNCHANGED
    action: Action = Action.UNCHANGED
    before: Link | None = None
    after: Link | None = None

    def __str__(self) -> str:
        """What to say after "the link was", or of an unknown change after "the link"."""
        if self.change is LinkChange.UNKNOWN:
            return "may or may not have been changed"
        match self.action:
            case Action.CREATED:
                return f"changed: created, now {self.after}"
            case Action.UPDATED:
                return f"changed: updated from {self.before} to {self.after}"
            case Action.DELETED:
                return f"changed: {self.before} was removed"
        return "not changed"


class WriteRecord:
    """Keeps what is known of a write. Each change of it is one assignment, so that no interruption sees half of one.

    Attributes:
        known: what is known at this moment.
    """

    def __init__(self) -> None:
        self.known = Written()

    def in_doubt(self) -> None:
        """A write is about to be sent, or what came of it cannot be read: nobody knows."""
        self.known = Written(LinkChange.UNKNOWN)

    def nothing_happened(self) -> None:
        """The service refused the write, or reading again showed that the link is as it was."""
        self.known = Written()

    def reached(self, action: Action, before: Link | None, after: Link | None) -> None:
        """The answer was checked, or reading again settled the matter; arguments as in `Written`."""
        change = LinkChange.UNCHANGED if action is Action.UNCHANGED else LinkChange.CHANGED
        self.known = Written(change, action, before, after)
