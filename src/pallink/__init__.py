"""Partner Admin Link from a terminal, a script or a CI job.

The command line is one caller of this API::

    import pallink

    with pallink.connect(cloud="sandbox", account="invoices@contoso.com") as session:
        print(session.link("719878").action)

Importing the package is cheap: azure-identity and the SDK are imported at the sign-in.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pallink.account import Account, AccountKind
    from pallink.administrator import Administrator, connect_administrator
    from pallink.api import connect
    from pallink.errors import (
        AccessDeniedError,
        CancelledError,
        LinkedElsewhereError,
        NotLinkedError,
        PallinkError,
        PartnerIdRefusedError,
        ReaderRoleError,
        RefusedRequestError,
        SandboxError,
        ServiceError,
        SignInError,
        UnexpectedAnswerError,
        UnreachableError,
        UnsettledWriteError,
        UsageError,
        WrongAccountError,
    )
    from pallink.exit_codes import ExitCode
    from pallink.links.model import Action, Link
    from pallink.proposal import Proposal
    from pallink.result import AccountResult, CheckResult, Result, VerifyResult, WriteResult
    from pallink.role_result import RoleProposal, RoleResult, RoleRow
    from pallink.roles import Verdict
    from pallink.session import Session
    from pallink.settings import RoleCheck

__version__ = "0.1.0"

__all__ = [
    "AccessDeniedError",
    "Account",
    "AccountKind",
    "AccountResult",
    "Action",
    "Administrator",
    "CancelledError",
    "CheckResult",
    "ExitCode",
    "Link",
    "LinkedElsewhereError",
    "NotLinkedError",
    "PallinkError",
    "PartnerIdRefusedError",
    "Proposal",
    "ReaderRoleError",
    "RefusedRequestError",
    "Result",
    "RoleCheck",
    "RoleProposal",
    "RoleResult",
    "RoleRow",
    "SandboxError",
    "ServiceError",
    "Session",
    "SignInError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "UnsettledWriteError",
    "UsageError",
    "Verdict",
    "VerifyResult",
    "WriteResult",
    "WrongAccountError",
    "connect",
    "connect_administrator",
]

_HOMES = {
    "Account": "pallink.account",
    "AccountKind": "pallink.account",
    "Administrator": "pallink.administrator",
    "connect_administrator": "pallink.administrator",
    "AccessDeniedError": "pallink.errors",
    "CancelledError": "pallink.errors",
    "LinkedElsewhereError": "pallink.errors",
    "NotLinkedError": "pallink.errors",
    "PallinkError": "pallink.errors",
    "PartnerIdRefusedError": "pallink.errors",
    "ReaderRoleError": "pallink.errors",
    "RefusedRequestError": "pallink.errors",
    "SandboxError": "pallink.errors",
    "ServiceError": "pallink.errors",
    "SignInError": "pallink.errors",
    "UnexpectedAnswerError": "pallink.errors",
    "UnreachableError": "pallink.errors",
    "UnsettledWriteError": "pallink.errors",
    "UsageError": "pallink.errors",
    "WrongAccountError": "pallink.errors",
    "ExitCode": "pallink.exit_codes",
    "Action": "pallink.links.model",
    "Link": "pallink.links.model",
    "RoleProposal": "pallink.role_result",
    "RoleResult": "pallink.role_result",
    "RoleRow": "pallink.role_result",
    "Verdict": "pallink.roles",
    "AccountResult": "pallink.result",
    "CheckResult": "pallink.result",
    "Result": "pallink.result",
    "VerifyResult": "pallink.result",
    "WriteResult": "pallink.result",
    "Proposal": "pallink.proposal",
    "RoleCheck": "pallink.settings",
    "Session": "pallink.session",
    "connect": "pallink.api",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Import a public name when it is first used: help and usage errors need none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
