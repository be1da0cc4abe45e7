"""Every error that pallink raises on purpose.

    PallinkError                   1
    ├── UsageError                 2  the command line, or an argument of the Python API, is wrong
    ├── NotLinkedError             3  the service's own word that there is no link
    ├── SignInError                4  not signed in, or the sign-in failed
    │   ├── WrongAccountError      4  somebody else than --account or --tenant signed in
    │   └── MoreProofNeededError   4  Azure wants more of this sign-in: multifactor authentication, a managed device
    ├── LinkedElsewhereError       5  linked to a different partner
    ├── AccessDeniedError          6  Azure refuses the account
    │   └── ReaderRoleError        6  the Reader role is missing or cannot be read
    ├── UnreachableError           7  no answer: network, throttling, time-out
    ├── ServiceError               1  Azure answered with an error
    │   ├── PartnerIdRefusedError  1  ... that the partner ID is not valid
    │   └── UnexpectedAnswerError  1  ... or with something that cannot be right
    ├── RefusedRequestError        1  pallink itself refused to send a request
    ├── SandboxError               1  the sandbox's file is unusable
    ├── UnsettledWriteError        7  nobody knows whether a write took effect
    ├── OutputError                1  the result cannot be written to stdout
    ├── DefectError                1  pallink itself is wrong
    └── CancelledError           130  Ctrl-C, or a "no" to the confirmation

An error says what happened (`message`), why (`cause`), and what to do next (`remedy`, `command`), in that order.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pallink.exit_codes import PRECEDENCE, ExitCode


@dataclass(frozen=True, slots=True)
class RequestTrace:
    """What Microsoft's support asks for: the identifiers of the request that failed.

    Attributes:
        correlation_id: `x-ms-correlation-request-id`, or the correlation ID of a sign-in.
        request_id: `x-ms-request-id`, or the trace ID of a sign-in.
        time: the time of the answer, as the service gave it.
    """

    correlation_id: str | None = None
    request_id: str | None = None
    time: str | None = None

    def __str__(self) -> str:
        parts = (("correlation ID", self.correlation_id), ("request ID", self.request_id), ("time", self.time))
        return ", ".join(f"{name} {value}" for name, value in parts if value)


class PallinkError(Exception):
    """Base of all errors that pallink raises on purpose.

    Attributes:
        message: what happened, in lower case and without a final period.
        cause: why.
        remedy: what to do next, in words.
        command: a command that can be pasted, on a line of its own.
        trace: the identifiers of the failed request, where there was one.
        warnings: what else a person should know, said before the error.
        exit_code: the exit code that the command line makes of it.
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
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.remedy = remedy
        self.command = command
        self.trace = trace
        self.warnings: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """What a program knows this kind of error by, as in `NotLinked`. Part of the interface, like the exit codes."""
        return type(self).__name__.removesuffix("Error")

    def with_cause(self, cause: str) -> Self:
        """The same error with a further reason, for a caller that knows more."""
        self.cause = f"{self.cause}; {cause}" if self.cause else cause
        return self


class UsageError(PallinkError):
    """The command line, or an argument of the Python API, is wrong."""

    exit_code = ExitCode.USAGE


class NotLinkedError(PallinkError):
    """The service itself said that the account has no link; never raised for any other reason."""

    exit_code = ExitCode.NOT_LINKED


SIGN_IN_AGAIN = "sign in again"
"""The remedy for a sign-in that was good and is so no longer; who knows the settings adds the command."""


class SignInError(PallinkError):
    """Nobody is signed in, or the sign-in failed."""

    exit_code = ExitCode.SIGN_IN


class WrongAccountError(SignInError):
    """Somebody else than the required account, or in another tenant than the required one, signed in."""


class MoreProofNeededError(SignInError):
    """Azure refuses the request until the account has proved more, as multifactor authentication does.

    Attributes:
        claims: what the sign-in has to ask for, as JSON (a claims challenge).
    """

    claims: str = ""

    @property
    def encoded(self) -> str:
        """The claims as `pallink login --claims` takes them: base64url."""
        return base64.urlsafe_b64encode(self.claims.encode()).decode().rstrip("=")

    @classmethod
    def for_request(cls, doing: str, said: str, claims: str, trace: RequestTrace | None = None) -> Self:
        """The error for a request that was answered with a claims challenge; `said` is what the service wrote."""
        error = cls(
            f"{doing} failed: Azure asks for more proof of who signed in ({said})",
            cause="for this request the tenant demands what the sign-in did not have, as multifactor authentication;"
            " nothing was changed",
            remedy="sign in again with what it demands; an unattended account that cannot do so needs to be an"
            " application, or an exception in the tenant's conditional access",
            trace=trace,
        )
        error.claims = claims
        return error


class LinkedElsewhereError(PallinkError):
    """The account is linked to a different partner.

    Attributes:
        linked_partner_id: the partner that it is linked to.
        wanted_partner_id: the partner that was asked for.
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
    """No usable answer: the network, a proxy, throttling past the retries, or a time-out."""

    exit_code = ExitCode.UNREACHABLE


class ServiceError(PallinkError):
    """Azure answered with an error that has no exit code of its own."""


class PartnerIdRefusedError(ServiceError):
    """The service says that the partner ID is not valid (`PartnerIdInvalid`)."""


class UnexpectedAnswerError(ServiceError):
    """The answer cannot be read, or contradicts what was asked."""


class RefusedRequestError(PallinkError):
    """pallink refused to send a request: a foreign host, a redirect, or a write of a read-only command."""


class SandboxError(PallinkError):
    """The sandbox's file is corrupt or cannot be written."""


def unusable_sandbox(message: str, path: object) -> SandboxError:
    """The error for a sandbox whose file, at `path`, cannot be used."""
    return SandboxError(
        f"the sandbox cannot be used: {message}",
        cause=f"its file is {path}",
        remedy="make the folder writable, or start over with a new world (this removes the sandbox's links)",
        command="pallink sandbox reset",
    )


class UnsettledWriteError(PallinkError):
    """A write was sent, its answer was lost, and reading again did not tell whether it took effect."""

    # Whatever kept it from being read: the link must be looked at, and the write may have to be sent again.
    exit_code = ExitCode.UNREACHABLE

    def __init__(self, message: str, *, cause: str, trace: RequestTrace | None = None) -> None:
        super().__init__(message, cause=cause, remedy="look at the link, then repeat the command", trace=trace)


class OutputError(PallinkError):
    """The result cannot be written to stdout, as on a full disk."""


class DefectError(PallinkError):
    """pallink itself is wrong: an exception that nobody foresaw."""


class CancelledError(PallinkError):
    """Ctrl-C, or a "no" to the confirmation."""

    exit_code = ExitCode.INTERRUPTED


def most_important(errors: Iterable[PallinkError]) -> PallinkError | None:
    """The error to report where several hold, by the order of `PRECEDENCE`; None where there is none."""

    def rank(error: PallinkError) -> int:
        return PRECEDENCE.index(error.exit_code) if error.exit_code in PRECEDENCE else -1

    return min(errors, key=rank, default=None)
