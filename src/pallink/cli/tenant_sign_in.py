"""A sign-in in person to a tenant that a stored sign-in does not open, kept for later commands."""

from typing import TYPE_CHECKING

from pallink.cli.options import ConnectionOptions
from pallink.cli.prompter import TerminalPrompter
from pallink.deadline import Deadline
from pallink.errors import MoreProofNeededError, PallinkError
from pallink.output import Terminal
from pallink.redact.text import one_line
from pallink.settings import Settings
from pallink.signin.methods import SignInMethod
from pallink.signin.store import store_for
from pallink.signin.stored import StoredSignIn, filter_stored

if TYPE_CHECKING:
    from pallink.fleet.entry import Entry

_INTERACTIVE_METHODS = (SignInMethod.BROWSER, SignInMethod.DEVICE_CODE)


def find_stored(entry: "Entry", cloud: str) -> StoredSignIn | None:
    """Return a stored sign-in of the entry's user, made with a prompt; None if there is none."""
    if entry.account is None or entry.auth not in (None, *_INTERACTIVE_METHODS):
        return None
    stored = filter_stored(store_for(cloud).all(), cloud=cloud, account=entry.account, client_id=entry.client_id)
    return next((sign_in for sign_in in stored if sign_in.auth in _INTERACTIVE_METHODS), None)


def is_skipped(error: PallinkError | None, terminal: Terminal) -> bool:
    """Say what the tenant requires, and ask whether to sign in there. The end of stdin skips it."""
    if error is not None and error.cause:
        terminal.say("cause", one_line(error.cause))
    terminal.write_stderr("Press Enter to sign in to this tenant, or s and Enter to skip it: ")
    answer = terminal.stdin.readline()
    return not answer or answer.strip().casefold() in ("s", "skip")


def sign_in_to_tenant(
    entry: "Entry", stored: StoredSignIn, error: PallinkError | None, options: ConnectionOptions
) -> PallinkError | None:
    """Sign the entry's user in to its tenant, with a prompt, and keep that; return the error if it failed.

    Args:
        entry: The entry.
        stored: The sign-in whose refresh token the tenant refused; the new one is made and kept in the same way.
        error: Why it refused; its claims are passed on.
        options: The command's options.
    """
    from pallink.azure.auth.login import login  # noqa: PLC0415 - azure-identity costs 200 ms to import

    claims = error.claims if isinstance(error, MoreProofNeededError) else None
    settings = Settings(options.cloud, entry.account, entry.tenant, entry.client_id, stored.auth, options.timeout)
    prompter = TerminalPrompter(options)
    try:
        login(settings, Deadline(options.timeout), prompter, plain_text=stored.plain_text, claims=claims)
    except PallinkError as failure:
        return failure
    return None
