"""The outcome of checking, or writing, the link of one account. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pallink.errors import AccessDeniedError, LinkedElsewhereError, NotLinkedError, PallinkError, ReaderRoleError
from pallink.fleet.entry import LinkState
from pallink.fleet.result import COMPARED, DONE, EntryResult
from pallink.redact.text import one_line
from pallink.result import VerifyResult, WriteResult
from pallink.roles import Verdict
from pallink.settings import Settings


class State(StrEnum):
    """How a command ended: `failure` if the account does not pass, `error` if it could not be checked or linked."""

    PASS = "pass"  # noqa: S105 - not a password
    FAILURE = "failure"
    ERROR = "error"


_ANY_ACCOUNT = "the account"


@dataclass(frozen=True, slots=True)
class Finding:
    """One account, checked against one partner, linked to it, or checked for the Reader role.

    Attributes:
        command: What ran, as in `verify`.
        state: How the check ended.
        account: The signed-in account, else the one that had to sign in; None if neither is known.
        tenant: The tenant's name and ID, as far as they are known.
        cloud: The cloud's name or URL.
        expected_partner_id: The partner that the account should be linked to; None for none.
        linked_to: The partner that it is linked to, `719878 (Mekorma)`; None if there is no link or it is unknown.
        done: What a write did, as in `created`; None for a check, and for a write that failed.
        error: What is wrong; None for a pass.
        warnings: Findings that do not fail the check.
        started: When the command began, with its time zone; None if that is unknown.
        seconds: How long it took.
        within: The tenant as a fleet file spells it, where accounts of several tenants may have one name.
        role: The verdict on the Reader role; None if it is unknown or was not checked.
        required_account: The account that the command names, after which the test case is named; None: after
            `account`.
    """

    command: str
    state: State
    account: str | None
    tenant: str | None
    cloud: str
    expected_partner_id: str | None
    linked_to: str | None = None
    done: str | None = None
    error: PallinkError | None = None
    warnings: tuple[str, ...] = ()
    started: datetime | None = None
    seconds: float = 0.0
    within: str | None = None
    role: str | None = None
    required_account: str | None = None

    @property
    def is_about_role(self) -> bool:
        """Whether the command checks the role, and not the link."""
        return self.command == "fleet check"

    @property
    def is_check(self) -> bool:
        """Whether the command writes nothing."""
        return self.is_about_role or self.command.removeprefix("fleet ").startswith("verify")

    @property
    def name(self) -> str:
        """The name of the test case: the same in every run, so that CI systems can track it."""
        account = one_line(self.required_account or self.account or _ANY_ACCOUNT)
        partner = self.expected_partner_id
        within = f" in {one_line(self.within)}" if self.within else ""
        if self.is_about_role:
            return f"{account}{within} holds Reader"
        return (
            f"{account}{within} is linked to partner {one_line(partner)}"
            if partner is not None
            else f"{account}{within} is not linked"
        )

    @property
    def is_known(self) -> bool:
        """Whether it is known what the account is linked to, if anything."""
        return self.linked_to is not None or self.state is State.PASS or isinstance(self.error, NotLinkedError)

    @property
    def message(self) -> str:
        """What is wrong, on one line; empty for a pass."""
        return one_line(self.error.message) if self.error else ""

    @property
    def details(self) -> tuple[str, ...]:
        """The cause and the remedy, one line each."""
        return tuple(_render_details(self.error)) if self.error else ()


def finding_from_result(
    result: VerifyResult | WriteResult, settings: Settings, command: str, partner_id: str | None
) -> Finding:
    """Return the finding for the result of a command.

    Args:
        result: The result.
        settings: The settings of the run.
        command: The command's name.
        partner_id: The partner that the account should be linked to; None for none.
    """
    done = None
    if isinstance(result, WriteResult):
        done = f"{result.action.value} (dry run: nothing was written)" if result.dry_run else result.action.value
    unreadable_role = isinstance(result.error, AccessDeniedError) and result.role is Verdict.UNKNOWN
    return Finding(
        command=command,
        state=State.ERROR if unreadable_role else _state_from_error(result.error),
        account=result.account,
        tenant=f"{result.tenant_name} ({result.tenant_id})" if result.tenant_name else result.tenant_id,
        cloud=result.cloud,
        expected_partner_id=partner_id,
        linked_to=_describe_link(result),
        done=done,
        error=result.error,
        warnings=result.warnings,
        # As where no account signed in: else a test that fails has another name than the one that passed.
        required_account=settings.account or _ANY_ACCOUNT,
    )


def finding_from_error(error: PallinkError, settings: Settings | None, command: str, partner_id: str | None) -> Finding:
    """Return the finding for a command that failed without a result.

    Args:
        error: The error that ended it.
        settings: The settings of the run; None if they were invalid.
        command: The command's name.
        partner_id: The partner ID, as it was given; None for none.
    """
    return Finding(
        command=command,
        state=_state_from_error(error),
        account=settings.account if settings else None,
        tenant=settings.tenant if settings else None,
        cloud=settings.cloud if settings else "",
        expected_partner_id=partner_id,
        linked_to=error.linked_partner_id if isinstance(error, LinkedElsewhereError) else None,
        error=error,
        warnings=error.warnings,
    )


def finding_from_entry(result: EntryResult, command: str, cloud: str) -> Finding:
    """Return the finding for one account of a fleet.

    Args:
        result: What the run did for it.
        command: The command's name, as in `fleet verify`.
        cloud: The cloud's name or URL.
    """
    entry, fields, role = result.entry, result.fields, result.fields.get("role")
    state = State.FAILURE if result.outcome in COMPARED else State.ERROR
    state = State.PASS if result.outcome in DONE else state
    tenant_name, partner_id, partner_name = (fields.get(key) for key in ("tenantName", "partnerId", "partnerName"))
    linked_to = f"{partner_id} ({partner_name})" if partner_name else partner_id and str(partner_id)
    return Finding(
        command=command,
        state=state,
        account=entry.name,
        tenant=f"{tenant_name} ({fields.get('tenantId')})" if tenant_name else entry.tenant,
        cloud=cloud,
        expected_partner_id=entry.partner_id if entry.state is LinkState.LINKED else None,
        linked_to=linked_to if isinstance(linked_to, str) else None,
        done=result.outcome.value if command == "fleet apply" and state is State.PASS else None,
        error=result.error,
        warnings=result.warnings,
        seconds=result.seconds,
        within=entry.tenant,
        role=role if isinstance(role, str) else None,
    )


def count_state(findings: Sequence[Finding], state: State) -> int:
    """Return how many findings have this state."""
    return sum(finding.state is state for finding in findings)


def _describe_link(result: VerifyResult | WriteResult) -> str | None:
    """Return the partner that an account is linked to; of a dry run, the one that it is linked to before."""
    partner_id, name = result.partner_id, result.partner_name
    if isinstance(result, WriteResult) and result.dry_run:
        partner_id, name = result.previous_partner_id, result.previous_partner_name
    return f"{partner_id} ({name})" if partner_id and name else partner_id


def _state_from_error(error: PallinkError | None) -> State:
    if error is None:
        return State.PASS
    return State.FAILURE if isinstance(error, NotLinkedError | LinkedElsewhereError | ReaderRoleError) else State.ERROR


def _render_details(error: PallinkError) -> Iterator[str]:
    for cause in error.causes:
        yield f"cause: {one_line(cause)}"
    if error.remedy:
        yield f"hint: {one_line(error.remedy)}"
    yield from (one_line(command, 2000) for command in (error.command or "").splitlines())
    if error.trace and str(error.trace):
        yield f"request: {one_line(str(error.trace))}"
