"""What is known of the link at each moment of a write, so that an interrupted command can report it."""

from dataclasses import dataclass
from enum import StrEnum

from pallink.links.model import Action, Link


class LinkChange(StrEnum):
    """Whether this command changed the link. The values of `link` in an error object."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LinkKnowledge:
    """What is known of the link at one moment.

    Attributes:
        change: Whether the command changed the link.
        action: How it changed the link.
        before: The link before the change.
        after: The link after the change; None if it was removed.
    """

    change: LinkChange = LinkChange.UNCHANGED
    action: Action = Action.UNCHANGED
    before: Link | None = None
    after: Link | None = None

    def __str__(self) -> str:
        """Return what follows "the link was", or for an unknown change "the link"."""
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


UNCHANGED = LinkKnowledge()
UNKNOWN = LinkKnowledge(LinkChange.UNKNOWN)


@dataclass(slots=True)
class WriteRecord:
    """Holds what is known of the link now. An update is one assignment, so that an interruption never sees half of it.

    Attributes:
        known: What is known now.
    """

    known: LinkKnowledge = UNCHANGED
