"""The outcome of checking one account. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pallink.errors import AccessDeniedError, LinkedElsewhereError, NotLinkedError, PallinkError, ReaderRoleError
from pallink.redact.text import one_line
from pallink.result import VerifyResult
from pallink.roles import Verdict
from pallink.settings import Settings


class State(StrEnum):
    """How a check ended: `failure` if the account does not pass, `error` if it could not be checked."""

    PASS = "pass"  # noqa: S105 - not a password
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One account, checked against one partner.

    Attributes:
        state: How the check ended.
        account: The signed-in account, else the one that had to sign in; None if neither is known.
        tenant: The tenant's name and ID, as far as they are known.
        cloud: The cloud's name or URL.
        expected_partner_id: The partner that the account should be linked to.
        linked_to: The partner that it is linked to, `719878 (Mekorma)`; None if there is no link or it is unknown.
        error: What is wrong; None for a pass.
        warnings: Findings that do not fail the check.
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
        """The name of the test case: the same in every run, so that CI systems can track it."""
        return f"{one_line(self.account or 'the account')} is linked to partner {one_line(self.expected_partner_id)}"

    @property
    def message(self) -> str:
        """What is wrong, on one line; empty for a pass."""
        return one_line(self.error.message) if self.error else ""

    @property
    def details(self) -> tuple[str, ...]:
        """The cause and the remedy, one line each."""
        return tuple(_render_details(self.error)) if self.error else ()


def finding_from_result(result: VerifyResult) -> Finding:
    """Return the finding for the result of `verify`."""
    linked_to = None
    if result.partner_id is not None:
        linked_to = f"{result.partner_id} ({result.partner_name})" if result.partner_name else result.partner_id
    unreadable_role = isinstance(result.error, AccessDeniedError) and result.role is Verdict.UNKNOWN
    return Finding(
        state=State.ERROR if unreadable_role else _state_from_error(result.error),
        account=result.account,
        tenant=f"{result.tenant_name} ({result.tenant_id})" if result.tenant_name else result.tenant_id,
        cloud=result.cloud,
        expected_partner_id=result.expected_partner_id,
        linked_to=linked_to,
        error=result.error,
        warnings=result.warnings,
    )


def finding_from_error(error: PallinkError, settings: Settings | None, expected_partner_id: str) -> Finding:
    """Return the finding for a check that failed without a result.

    Args:
        error: The error that ended the check.
        settings: The settings of the run; None if they were invalid.
        expected_partner_id: The partner ID, as it was given.
    """
    return Finding(
        state=_state_from_error(error),
        account=settings.account if settings else None,
        tenant=settings.tenant if settings else None,
        cloud=settings.cloud if settings else "",
        expected_partner_id=expected_partner_id,
        error=error,
        warnings=error.warnings,
    )


def count_state(findings: Sequence[Finding], state: State) -> int:
    """Return how many findings have this state."""
    return sum(finding.state is state for finding in findings)


def _state_from_error(error: PallinkError | None) -> State:
    if error is None:
        return State.PASS
    return State.FAILURE if isinstance(error, NotLinkedError | LinkedElsewhereError | ReaderRoleError) else State.ERROR


def _render_details(error: PallinkError) -> Iterator[str]:
    if error.cause:
        yield f"cause: {one_line(error.cause)}"
    if error.remedy:
        yield f"hint: {one_line(error.remedy)}"
    yield from (one_line(command, 2000) for command in (error.command or "").splitlines())
    if error.trace and str(error.trace):
        yield f"request: {one_line(str(error.trace))}"
