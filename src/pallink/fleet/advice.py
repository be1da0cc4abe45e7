"""Errors of the single commands in the words of a fleet file. Pure."""

from pallink.errors import PallinkError, SignInError
from pallink.fleet.entry import Entry, LinkState
from pallink.roles.remedies import ROLE_CHECK_OPTION
from pallink.signin.entra_codes import CLIENT_SECRET_CODES, NO_ACCESS_CODES, NOT_IN_TENANT_CODES
from pallink.signin.methods import METHODS, PROMPTED_METHODS

_ROLE_CHECK_KEY = "role-check in the fleet file is warn or skip"
_LEAVER = "if it lost its access for good, take its entry out of the file, as recognition has ended"


def explain_for_entry(error: PallinkError, entry: Entry, *, prompts: bool = True) -> PallinkError:
    """Return the error with causes and remedies in terms of the entry, and not of a command line.

    Args:
        error: What happened.
        entry: The entry. One that no file names is a command line's, and stays with its remedies.
        prompts: Whether this sign-in could prompt.
    """
    is_from_file = entry.line > 0
    if is_from_file and error.cause is not None and ROLE_CHECK_OPTION in error.cause:
        return error.replace(cause=error.cause.replace(ROLE_CHECK_OPTION, _ROLE_CHECK_KEY))
    if (remedy := _own_remedy(error, entry)) is not None:
        return error.replace(remedy=remedy)
    if prompts or not is_from_file or not isinstance(error, SignInError) or not error.needs_login:
        return error
    if entry.auth in PROMPTED_METHODS:
        return error.replace(
            message=f"a sign-in with {METHODS[entry.auth].label} is needed",
            cause="this method needs a prompt, which fleet commands show only on a terminal",
            remedy="run the command on a terminal, or sign in beforehand",
        )
    return error.replace(
        cause="no sign-in of this account is stored, and the entry names no method (auth)",
        remedy="sign in once; or give the entry a secret, a certificate, or a method that needs no prompt",
    )


def _own_remedy(error: PallinkError, entry: Entry) -> str | None:
    """Return the remedy that mends the entry, where that of the error does not; None where it does."""
    if not isinstance(error, SignInError):
        return None
    is_from_file = entry.line > 0
    if is_from_file and entry.state is LinkState.UNLINKED and error.entra_code in NO_ACCESS_CODES:
        return f"{error.remedy}; or, {_LEAVER}" if error.remedy else _LEAVER
    if entry.is_listed and error.entra_code in NOT_IN_TENANT_CODES:
        # The list of tenants still has it: the account was removed there since.
        remedy = "have an administrator of that tenant invite the account again"
        tenant = entry.tenant_domain or entry.tenant
        return f"{remedy}, or leave it out: exclude-tenants {tenant}" if is_from_file else remedy
    if entry.secret is not None and error.entra_code in CLIENT_SECRET_CODES:
        # The fleet file states where the secret is; AZURE_CLIENT_SECRET signs in no account of it.
        return f"store the value, not the ID, of the application's current secret in {entry.secret}"
    return None
