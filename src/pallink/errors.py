"""The errors that pallink raises, with their exit codes.

    PallinkError                   1
    ├── UsageError                 2  the command line, or an argument of the Python API, is wrong
    │   └── SubscriptionNotFoundError  2  ... it names a subscription that the account does not see
    ├── NotLinkedError             3  the service reports no link
    ├── SignInError                4  not signed in, or the sign-in failed
    │   ├── WrongAccountError      4  another account or tenant than the required one signed in
    │   └── MoreProofNeededError   4  Azure requires a new sign-in: multifactor authentication, a revoked session
    ├── LinkedElsewhereError       5  linked to a different partner
    ├── AccessDeniedError          6  Azure refuses the account
    │   └── ReaderRoleError        6  the Reader role is missing or cannot be read
    ├── UnreachableError           7  no usable response: network, throttling, time-out
    ├── ServiceError               1  Azure returned an error
    │   ├── PartnerIdRefusedError  1  ... for an invalid partner ID
    │   └── UnexpectedAnswerError  1  ... or an invalid response
    ├── RefusedRequestError        1  pallink refused to send a request
    ├── SandboxError               1  the sandbox's file is unusable
    ├── UnsettledWriteError        7  it is unknown whether a write took effect
    ├── OutputError                1  writing to stdout failed
    ├── JournalError               1  the journal of a fleet run cannot be written
    ├── DefectError                1  a bug in pallink
    ├── StalePlanError             1  the link is no longer what the plan saw
    ├── NotRunError                8  an account of a fleet was not tried
    ├── AccountsFailedError        8  some accounts of a fleet failed or could not be checked
    ├── FleetDiffersError          9  a fleet was checked completely and differs from its file
    └── CancelledError           130  Ctrl-C, or a declined confirmation

An error says what happened (`message`), why (`cause`), and what to do next (`remedy`, `command`), in that order.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from pallink.exit_codes import PRECEDENCE, ExitCode
from pallink.redact.secrets import redact


@dataclass(frozen=True, slots=True)
class RequestTrace:
    """The identifiers of a failed request, which Microsoft's support asks for.

    Attributes:
        correlation_id: `x-ms-correlation-request-id`; for a sign-in, the correlation ID.
        request_id: `x-ms-request-id`; for a sign-in, the trace ID.
        time: The time of the response, as the service wrote it.
    """

    correlation_id: str | None = None
    request_id: str | None = None
    time: str | None = None

    def __str__(self) -> str:
        parts = (("correlation ID", self.correlation_id), ("request ID", self.request_id), ("time", self.time))
        return ", ".join(f"{name} {value}" for name, value in parts if value)


class PallinkError(Exception):
    """Base class of all errors that pallink raises. Its texts are redacted.

    Attributes:
        message: What happened, in lower case and without a final period.
        cause: Why it happened.
        remedy: What to do next, in words.
        command: The commands to paste, one a line.
        trace: The identifiers of the failed request, if there was one.
        warnings: Warnings to print before the error.
        exit_code: The exit code of the command line.
    """

    exit_code: ExitCode = ExitCode.ERROR

    def __init__(
        self,
        message: str,
        *,
        cause: str | None = None,
        remedy: str | None = None,
        command: str | None = None,
        trace: RequestTrace | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self.message = redact(message)
        super().__init__(self.message)
        self.cause = redact(cause) if cause else cause
        self.remedy = redact(remedy) if remedy else remedy
        self.command = redact(command) if command else command
        self.trace = trace
        self.warnings = warnings

    @property
    def code(self) -> str:
        """The error code for programs, such as `NotLinked`. It is part of the interface, like the exit codes."""
        return type(self).__name__.removesuffix("Error")

    def replace(self, **changes: Any) -> Self:  # noqa: ANN401 - each attribute has a type of its own
        """Return a copy with other attributes, for a caller that knows more: an error itself never changes."""
        changed = type(self).__new__(type(self), *self.args)
        texts = {name: redact(value) for name, value in changes.items() if isinstance(value, str)}
        changed.__dict__.update(self.__dict__ | changes | texts)
        changed.__cause__, changed.__context__ = self.__cause__, self.__context__
        changed.__suppress_context__ = self.__suppress_context__
        return changed.with_traceback(self.__traceback__)

    @property
    def causes(self) -> tuple[str, ...]:
        """The clauses of the cause, each of which people read on a line of its own."""
        return tuple(self.cause.split("; ")) if self.cause else ()

    def with_cause(self, cause: str) -> Self:
        """Return a copy with a further reason."""
        return self.replace(cause=f"{self.cause}; {cause}" if self.cause else cause)


class UsageError(PallinkError):
    """The command line, or an argument of the Python API, is wrong."""

    exit_code = ExitCode.USAGE


class SubscriptionNotFoundError(UsageError):
    """The account sees no subscription of this name: it is misspelt, or the account has no role there."""


class NotLinkedError(PallinkError):
    """The service reports that the account has no link; never raised for any other reason."""

    exit_code = ExitCode.NOT_LINKED


SIGN_IN_AGAIN = "sign in again"
"""The remedy for an expired sign-in."""

SEE_RESPONSES = "check --cloud and the proxy, and run again with --debug to see the responses"
"""The remedy for a response that is not what the service sends."""


class NewSignIn(StrEnum):
    """How a new sign-in mends an error."""

    SAME = "same"
    BROWSER = "browser"


class SignInError(PallinkError):
    """No account is signed in, or the sign-in failed.

    Attributes:
        new_sign_in: How a new sign-in mends it, which callers that know the options turn into a command; None if none
            does.
        prompt_helps: Whether the sign-in may succeed with a prompt, where Entra ID says so; None if it does not.
        entra_code: The digits of Entra ID's error, as in `50020` of AADSTS50020; None if Entra ID reported none.
        needs_login: Whether no credential and no usable stored sign-in was found.
        selecting_options: The options that select one of several stored sign-ins, with which callers that know the
            command line repeat it; empty if that is not what failed.
    """

    exit_code = ExitCode.SIGN_IN
    prompt_helps: bool | None = None
    entra_code: str | None = None
    needs_login: bool = False
    selecting_options: tuple[str, ...] = ()

    def __init__(
        self,
        message: str,
        *,
        cause: str | None = None,
        remedy: str | None = None,
        command: str | None = None,
        trace: RequestTrace | None = None,
        new_sign_in: NewSignIn | None = None,
    ) -> None:
        super().__init__(message, cause=cause, remedy=remedy, command=command, trace=trace)
        self.new_sign_in = new_sign_in


class WrongAccountError(SignInError):
    """The signed-in account, or its tenant, is not the required one."""


def encode_claims(claims: str) -> str:
    """Return claims (JSON) in the form of `pallink login --claims`, base64url without padding."""
    return base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")


class MoreProofNeededError(SignInError):
    """Azure requires a new sign-in with a claims challenge, such as one with multifactor authentication.

    Attributes:
        claims: The claims challenge that the next sign-in has to pass on, as JSON.
    """

    claims: str = ""

    @property
    def encoded(self) -> str:
        """The claims as `encode_claims` returns them."""
        return encode_claims(self.claims)


class LinkedElsewhereError(PallinkError):
    """The account is linked to a different partner.

    Attributes:
        linked_partner_id: The partner that the account is linked to.
        wanted_partner_id: The partner that was requested.
    """

    exit_code = ExitCode.LINKED_ELSEWHERE

    def __init__(
        self,
        message: str,
        *,
        linked_partner_id: str,
        wanted_partner_id: str,
        cause: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, cause=cause, remedy=remedy)
        self.linked_partner_id = linked_partner_id
        self.wanted_partner_id = wanted_partner_id


class AccessDeniedError(PallinkError):
    """Azure refuses the account (403)."""

    exit_code = ExitCode.ACCESS


class ReaderRoleError(AccessDeniedError):
    """The account does not hold Reader, or its roles cannot be read."""


class UnreachableError(PallinkError):
    """No usable response: a network or proxy failure, throttling past the retries, or a time-out."""

    exit_code = ExitCode.UNREACHABLE


class ServiceError(PallinkError):
    """Azure returned an error that has no exit code of its own."""


class PartnerIdRefusedError(ServiceError):
    """The service rejected the partner ID (`PartnerIdInvalid`)."""


class UnexpectedAnswerError(ServiceError):
    """The response is invalid, or does not match the request."""


class RefusedRequestError(PallinkError):
    """pallink refused to send a request: to a foreign host, after a redirect, or a write by a read-only command."""


class SandboxError(PallinkError):
    """The sandbox's file is corrupt or cannot be written."""


class UnsettledWriteError(PallinkError):
    """A write was sent, and reading the link did not show whether it took effect."""

    # For any cause: the user has to check the link and perhaps run the command again.
    exit_code = ExitCode.UNREACHABLE

    def __init__(self, message: str, *, cause: str, trace: RequestTrace | None = None) -> None:
        super().__init__(message, cause=cause, remedy="check the link, then run the command again", trace=trace)


class OutputError(PallinkError):
    """Writing the result to stdout failed, for example because the disk is full."""


class JournalError(PallinkError):
    """The journal of a fleet run cannot be written, for example because the disk is full."""


class DefectError(PallinkError):
    """A bug in pallink: an unexpected exception."""


class StalePlanError(PallinkError):
    """The link is no longer what the plan of a fleet saw.

    Attributes:
        linked_partner_id: The partner of the link that is there now; None if there is none.
    """

    def __init__(
        self,
        message: str,
        *,
        linked_partner_id: str | None,
        cause: str | None = None,
        remedy: str | None = None,
        command: str | None = None,
    ) -> None:
        super().__init__(message, cause=cause, remedy=remedy, command=command)
        self.linked_partner_id = linked_partner_id


class NotRunError(PallinkError):
    """An account of a fleet was not tried: the run was interrupted, or stopped after failures of the same kind."""

    exit_code = ExitCode.SOME_FAILED


class AccountsFailedError(PallinkError):
    """Some accounts of a fleet failed or could not be checked."""

    exit_code = ExitCode.SOME_FAILED


class FleetDiffersError(PallinkError):
    """A fleet was checked completely and differs from its file."""

    exit_code = ExitCode.FLEET_DIFFERS


class CancelledError(PallinkError):
    """The command was interrupted, or the user declined the confirmation."""

    exit_code = ExitCode.INTERRUPTED


def most_important(errors: Iterable[PallinkError]) -> PallinkError | None:
    """Return the error to report, the first by `PRECEDENCE`; None without errors."""

    def rank(error: PallinkError) -> int:
        return PRECEDENCE.index(error.exit_code) if error.exit_code in PRECEDENCE else -1

    return min(errors, key=rank, default=None)
