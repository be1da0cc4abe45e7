import subprocess
import sys

import pallink

HEAVY = {
    "azure",
    "cryptography",
    "jmespath",
    "jwt",
    "msal",
    "requests",
    "rich",
    "truststore",
    "typer",
    "urllib3",
    "yaml",
}


def test_the_names_that_others_may_rely_on_are_frozen() -> None:
    assert pallink.__all__ == [
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
    assert all(hasattr(pallink, name) for name in pallink.__all__)


def test_importing_it_loads_nothing_heavy() -> None:
    script = "import sys, pallink; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert "pallink" in loaded
    assert HEAVY & set(loaded) == set()
