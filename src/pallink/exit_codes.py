"""The exit codes and their meanings: the only table, used by code, help and documentation."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of pallink. They are part of its interface and do not change."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOT_LINKED = 3
    SIGN_IN = 4
    LINKED_ELSEWHERE = 5
    ACCESS = 6
    UNREACHABLE = 7
    SOME_FAILED = 8
    FLEET_DIFFERS = 9
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """The meaning of the code, as in the help and the documentation."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "done, or already so",
    ExitCode.ERROR: "Azure returned an error that has no code of its own, or a defect of pallink",
    ExitCode.USAGE: "the command line or the fleet file is wrong",
    ExitCode.NOT_LINKED: "not linked",
    ExitCode.SIGN_IN: "not signed in, sign-in failed, or another account than --account signed in",
    ExitCode.LINKED_ELSEWHERE: "linked to a different partner",
    ExitCode.ACCESS: "the Reader role is missing, or Azure refuses the account (403)",
    ExitCode.UNREACHABLE: "Azure cannot be reached, or throttles past the retries, or times out",
    ExitCode.SOME_FAILED: "some accounts of a fleet failed or could not be checked",
    ExitCode.FLEET_DIFFERS: "a fleet was checked completely and differs from its file",
    ExitCode.INTERRUPTED: "interrupted",
}


PRECEDENCE = (
    ExitCode.SIGN_IN,
    ExitCode.UNREACHABLE,
    ExitCode.LINKED_ELSEWHERE,
    ExitCode.NOT_LINKED,
    ExitCode.ACCESS,
)
"""If several errors occur, the first of these is the exit code. Codes that are not listed come before all of them."""
