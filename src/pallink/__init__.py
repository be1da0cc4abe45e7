"""Partner Admin Link from a terminal, a script or a CI job.

The command line is one caller of this API::

    import pallink

    with pallink.connect(cloud="sandbox", account="invoices@contoso.com") as session:
        print(session.link("719878").action)

Importing the package is cheap: azure-identity and the SDK are loaded when somebody signs in.
"""

from pallink.account import Account, AccountKind
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
from pallink.linking import Action, Link
from pallink.reader_check import RoleCheck
from pallink.reader_role import Verdict
from pallink.result import AccountResult, CheckResult, Result, VerifyResult, WriteResult
from pallink.session import Proposal, Session, connect

__all__ = [
    "AccessDeniedError",
    "Account",
    "AccountKind",
    "AccountResult",
    "Action",
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
]
