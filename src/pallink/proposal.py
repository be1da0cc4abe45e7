"""A write that is about to be sent, and its confirmation."""

from collections.abc import Callable
from dataclasses import dataclass

from pallink.account import Account
from pallink.deadline import Deadline
from pallink.errors import CancelledError
from pallink.links.model import Action, Goal, Link, Step, active
from pallink.roles import ReaderReport
from pallink.situation import Situation


@dataclass(frozen=True, slots=True)
class Proposal:
    """A write that is about to be sent, to be confirmed.

    Attributes:
        account: The account that would be linked or unlinked.
        tenant_name: The tenant's display name; None if it could not be read.
        current: The current link; None if there is none.
        step: What would be done.
        role: The Reader report; None if the role was not checked.
    """

    account: Account
    tenant_name: str | None
    current: Link | None
    step: Step
    role: ReaderReport | None


Confirm = Callable[[Proposal], bool]


def confirmed_link(
    goal: Goal, situation: Situation, account: Account, confirm: Confirm, read_link: Callable[[], Link | None]
) -> Link | None:
    """Return the link that was confirmed. It is read after each yes, and confirmed again where it has changed.

    The time of the prompt does not count.

    Args:
        goal: What is wanted of the link.
        situation: What was read.
        account: The account that would be linked or unlinked.
        confirm: Returns whether the write is confirmed.
        read_link: Reads the link again.

    Raises:
        CancelledError: It was not confirmed.
        PallinkError: The link cannot be read, or has become one that the goal must not change.
    """
    current = situation.current
    while (step := goal.next_step(current)).action is not Action.UNCHANGED:
        proposal = Proposal(account, situation.tenant_name, active(current), step, situation.reader)
        with Deadline.current().paused():
            if not confirm(proposal):
                raise CancelledError("not confirmed: nothing was changed")
        shown, current = current, read_link()
        if active(current) == active(shown):
            break
    return current
