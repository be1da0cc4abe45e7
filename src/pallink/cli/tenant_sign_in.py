"""Sign-ins in person, one at a time, for the accounts of a run that need one."""

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from pallink.cli.fleet_results import describe
from pallink.cli.options import ConnectionOptions
from pallink.cli.progress import ProgressLine
from pallink.cli.prompter import TerminalPrompter
from pallink.cli.stopping import stopping
from pallink.deadline import Deadline
from pallink.errors import MoreProofNeededError, PallinkError
from pallink.links.record import LinkChange
from pallink.output import Terminal
from pallink.redact.text import one_line
from pallink.settings import Settings
from pallink.signin.methods import PROMPTED_METHODS
from pallink.signin.stored import StoredSignIn, filter_stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pallink.azure.auth.sign_ins import RunSignIns
    from pallink.fleet.entry import Entry
    from pallink.fleet.fleet_run import FleetRun
    from pallink.fleet.result import EntryResult

_TRUST = "a tenant that trusts the multifactor authentication of your home tenant needs no such sign-in"

# What is typed, and whether it skips the tenant.
_REPLIES = {"": False, "s": True, "skip": True}


def prompted_results(
    run: "FleetRun", waiting: "Sequence[EntryResult]", line: ProgressLine, options: ConnectionOptions
) -> "Iterator[EntryResult]":
    """Yield the result of each account after a sign-in in person, one at a time; of one that is skipped, as it was.

    A sign-in opens the other tenants of its account too: those are tried without a prompt, many at a time.
    """
    from pallink.fleet.result import Outcome, outcome_of_error  # noqa: PLC0415

    terminal, sign_ins = Terminal(), run.options.sign_ins
    # The refresh token of these was refused: it would be again, but that of a newer sign-in may not be.
    refused = {result.entry.key for result in waiting if find_sign_in(result.entry, sign_ins, options)}
    left, number, prompted = deque(waiting), 0, set[str | None]()
    while left and not run.is_stopped:
        result, number = left.popleft(), number + 1
        entry = result.entry
        line.clear()
        terminal.say("account", f"{describe(entry)}, {number} of {number + len(left)}", "cyan")
        known = find_sign_in(entry, sign_ins, options) if entry.key in refused else None
        if known is not None and entry.account in prompted:
            (result,) = run.results_again([entry])
            if result.outcome is not Outcome.NEEDS_SIGN_IN:
                yield result
                continue
        if known is not None:
            if is_skipped(result.error, terminal):
                yield result
                continue
            failure = sign_in_to_tenant(entry, known, result.error, sign_ins, options)
            if failure is not None:
                yield replace(result, outcome=outcome_of_error(failure, entry, LinkChange.UNCHANGED), error=failure)
                continue
        yield from run.results_with_prompts([entry])
        prompted.add(entry.account)
        untried = [other.entry for other in left if other.entry.key not in refused]
        opened = [other for other in untried if find_sign_in(other, sign_ins, options)]
        left = deque(other for other in left if other.entry not in opened)
        with stopping(run, line, options):
            for other in run.results_again(opened):
                if other.outcome is Outcome.NEEDS_SIGN_IN:
                    refused.add(other.entry.key)
                    left.append(other)
                else:
                    yield other
    yield from left
    if any(isinstance(result.error, MoreProofNeededError) and result.entry.tenant_domain for result in waiting):
        terminal.say("note", _TRUST)


def find_sign_in(entry: "Entry", sign_ins: "RunSignIns", options: ConnectionOptions) -> StoredSignIn | None:
    """Return an earlier sign-in of the entry's user that was made with a prompt; None if there is none."""
    if entry.account is None or entry.auth not in (None, *PROMPTED_METHODS):
        return None
    cloud = options.settings.cloud
    known = filter_stored(
        sign_ins.known(cloud, entry.account), cloud=cloud, account=entry.account, client_id=entry.client_id
    )
    return next(
        (
            sign_in
            for sign_in in known
            if sign_in.auth in PROMPTED_METHODS and entry.home_account_id in (None, sign_in.home_account_id)
        ),
        None,
    )


def is_skipped(error: PallinkError | None, terminal: Terminal) -> bool:
    """Say what the tenant requires, and ask whether to sign in there. The end of stdin skips it."""
    for cause in error.causes if error is not None else ():
        terminal.say("cause", one_line(cause))
    while True:
        terminal.write_stderr("Press Enter to sign in to this tenant, or s and Enter to skip it: ")
        reply = terminal.stdin.readline()
        if not reply:
            terminal.tell("")
            return True
        if reply.strip().casefold() in _REPLIES:
            return _REPLIES[reply.strip().casefold()]


def sign_in_to_tenant(
    entry: "Entry",
    known: StoredSignIn,
    error: PallinkError | None,
    sign_ins: "RunSignIns",
    options: ConnectionOptions,
) -> PallinkError | None:
    """Sign the entry's user in to its tenant, with a prompt; return the error if it failed.

    Args:
        entry: The entry.
        known: The sign-in whose refresh token the tenant refused. The new one is made in the same way, must be of the
            same home account, and is stored if this one is.
        error: Why it refused; its claims are passed on.
        sign_ins: The sign-ins of the run.
        options: The command's options.
    """
    from pallink.azure.auth.login import login, sign_in_for_run  # noqa: PLC0415 - azure-identity costs 200 ms to import

    claims = error.claims if isinstance(error, MoreProofNeededError) else None
    settings = Settings(
        options.cloud,
        entry.account,
        entry.tenant,
        entry.client_id,
        known.auth,
        options.timeout,
        home_account_id=known.home_account_id,
    )
    deadline, prompter = Deadline(options.timeout), TerminalPrompter(options)
    try:
        if known.is_in_memory:
            sign_in_for_run(settings, deadline, prompter, sign_ins, claims=claims)
        else:
            login(settings, deadline, prompter, plain_text=known.plain_text, claims=claims)
    except PallinkError as failure:
        return failure
    return None
