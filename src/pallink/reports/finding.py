"""What the check of one account came to: pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pallink.errors import AccessDeniedError, LinkedElsewhereError, NotLinkedError, PallinkError, ReaderRoleError
from pallink.redact.text import one_line
from pallink.result import VerifyResult
from pallink.roles import Verdict
from pallink.settings import Settings


class State(StrEnum):
    """How a check ended. What was checked and is different is not what could not be checked."""

    PASS = "pass"  # noqa: S105 - not a password
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One account, checked against one partner.

    Attributes:
        state: how it ended.
        account: who signed in, else who was to; None where neither is known.
        tenant: its name and ID, as far as they are known.
        cloud: the cloud's name or URL.
        expected_partner_id: the partner that the account was expected to be linked to.
        linked_to: the partner that it is linked to, `719878 (Mekorma)`; None where there is no link or it is not known.
        error: what is wrong; None for a pass.
        warnings: what is worth knowing although it does not count.
    """

    state: State
    account: str | None
    tenant: str | None
    cloud: str
    expected_partner_id: str
    linked_to: str | None = None
    error: PallinkError | None = None
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What was checked, the same in every run, so that CI systems can follow it."""
        return f"{one_line(self.account or 'the account')} is linked to partner {one_line(self.expected_partner_id)}"

    @property
    def message(self) -> str:
        """What is wrong, in one line; empty for a pass."""
        return one_line(self.error.message) if self.error else ""

    @property
    def details(self) -> tuple[str, ...]:
        """Why, and what to do: one line each."""
        return tuple(_details(self.error)) if self.error else ()


def finding_of(result: VerifyResult) -> Finding:
    """The finding of a check that came to a result."""
    linked_to = None
    if result.partner_id is not None:
        linked_to = f"{result.partner_id} ({result.partner_name})" if result.partner_name else result.partner_id
    unreadable_role = isinstance(result.error, AccessDeniedError) and result.role is Verdict.UNKNOWN
    return Finding(
        state=State.ERROR if unreadable_role else _state(result.error),
        account=result.account,
        tenant=f"{result.tenant_name} ({result.tenant_id})" if result.tenant_name else result.tenant_id,
        cloud=result.cloud,
        expected_partner_id=result.expected_partner_id,
        linked_to=linked_to,
        error=result.error,
        warnings=result.warnings,
    )


def finding_of_error(error: PallinkError, settings: Settings | None, expected_partner_id: str) -> Finding:
    """The finding of a check that came to none.

    Args:
        error: why.
        settings: who was to sign in where; None where even that could not be understood.
        expected_partner_id: as it was given.
    """
    return Finding(
        state=_state(error),
        account=settings.account if settings else None,
        tenant=settings.tenant if settings else None,
        cloud=settings.cloud if settings else "",
        expected_partner_id=expected_partner_id,
        error=error,
        warnings=error.warnings,
    )


def count(findings: Sequence[Finding], state: State) -> int:
    """How many ended so."""
    return sum(each.state is state for each in findings)


def _state(error: PallinkError | None) -> State:
    if error is None:
        return State.PASS
    return State.FAILURE if isinstance(error, NotLinkedError | LinkedElsewhereError | ReaderRoleError) else State.ERROR


def _details(error: PallinkError) -> Iterator[str]:
    if error.cause:
        yield f"cause: {one_line(error.cause)}"
    if error.remedy:
        yield f"to fix: {one_line(error.remedy)}"
    yield from (one_line(each, 2000) for each in (error.command or "").splitlines())
    if error.trace and str(error.trace):
        yield f"request: {one_line(str(error.trace))}"
