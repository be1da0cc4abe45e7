"""What the commands share: opening a session, confirming a write, showing the result."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from pallink.cli.options import CommonOptions, ConnectionOptions
from pallink.cli.progress import ProgressLine
from pallink.cli.prompter import TerminalPrompter
from pallink.cli.supervisor import Execution
from pallink.deadline import Deadline
from pallink.errors import PallinkError, SignInError, UsageError
from pallink.links.model import Action
from pallink.output import write_result
from pallink.output.terminal import Terminal
from pallink.redact.text import one_line
from pallink.signin import SignIn
from pallink.waiting import watched_by

if TYPE_CHECKING:
    from pallink.azure.auth.sign_ins import RunSignIns
    from pallink.proposal import Confirm, Proposal
    from pallink.result import AccountResult, Result
    from pallink.session import Session

_ANSWERS = {"y": True, "yes": True, "n": False, "no": False, "": False}


@contextmanager
def session(
    options: CommonOptions,
    command: str,
    *,
    writable: bool = False,
    yes: bool = False,
    is_for_all_tenants: bool = False,
    sign_ins: "RunSignIns | None" = None,
) -> Iterator["Session"]:
    """Sign in, as the options say, for one command.

    Where it writes, the account has to be stated: by `--account`, by the environment, or by a yes.

    stderr says each time when this is an emulator and not Azure: at once, or, where an error would have to be the only
    object on stderr, when the job is done or a prompt is shown. The warnings of each error say so too.
    """
    # Help and wrong command lines get here with nothing of the job loaded.
    from pallink.api import open_session  # noqa: PLC0415

    say_where_at_once(options)
    report = options.report
    report.writes_link = writable
    deadline = Deadline(options.timeout)
    prompter = prompter_for(options, writable=writable, yes=yes)
    try:
        with (
            Execution.current().watching(deadline),
            progress(options) as line,
            open_session(
                options.settings,
                writable=writable,
                command=command,
                prompter=prompter,
                written=report.written,
                deadline=deadline,
                is_for_all_tenants=is_for_all_tenants,
                sign_ins=sign_ins,
            ) as opened,
        ):
            opened.progress = line.update
            yield opened
    except PallinkError as error:
        raise with_this_command(error) from error.__cause__


def with_this_command(error: PallinkError) -> PallinkError:
    """Return the error for several stored sign-ins with this run's own command, which selects one of them."""
    words = error.selecting_options if isinstance(error, SignInError) else ()
    contradicts = "--tenant" in words and "--all-tenants" in Execution.current().arguments
    return error.replace(command=this_command(*words)) if words and not contradicts else error


def prompter_for(options: CommonOptions, *, writable: bool, yes: bool) -> TerminalPrompter:
    """Return who is asked during the sign-in; where the command writes, it refuses an account that nothing states."""
    is_stated = not writable or yes or options.account is not None or can_ask(options)
    return TerminalPrompter(options) if is_stated else TerminalPrompter(options, _require_stated_account)


@contextmanager
def progress(options: ConnectionOptions) -> Iterator[ProgressLine]:
    """Say on a terminal's stderr what the block waits for, unless the options want nothing there, or more."""
    shown = not (options.quiet or options.logs or options.output.has_error_objects)
    with ProgressLine(Terminal(), shown=shown) as line, watched_by(line):
        options.report.tidy = line.close
        yield line


def is_about_sign_ins(options: CommonOptions) -> None:
    """Let the report of an interruption point to the stored sign-ins, for commands that change those."""
    options.report.cause = None
    options.report.remedy, options.report.command = (
        "list the stored sign-ins",
        "pallink whoami --all",
    )


def say_where_at_once(options: ConnectionOptions) -> None:
    """Say so before anything is done, unless an error would have to be the only object on stderr."""
    if not options.output.has_error_objects:
        say_where(options)


def say_where(options: ConnectionOptions) -> None:
    """Say on stderr when this is an emulator and not Azure."""
    emulator = options.settings.emulator
    if emulator is not None and not options.quiet:
        Terminal().say(emulator.name, emulator.notice, "yellow")


def show(result: "Result | AccountResult", options: CommonOptions, *, unquiet: Sequence[str] = ()) -> None:
    """Write a result to stdout and its warnings to stderr, then raise its error where it has one.

    Args:
        result: What was found or done.
        options: How to write it.
        unquiet: Warnings that are printed in spite of `--quiet`.
    """
    from pallink.result import AccountResult, CheckResult  # noqa: PLC0415

    terminal = Terminal()
    error = None if isinstance(result, AccountResult) else result.error
    warnings = () if isinstance(result, AccountResult) or options.quiet else result.warnings
    warnings += tuple(unquiet)
    try:
        write_result(result, options.output, terminal, options.query)
    except PallinkError as unwritten:
        # The finding counts for more than the failure to write it.
        if error is None:
            raise unwritten.replace(warnings=warnings) from unwritten.__cause__
        warnings = (*warnings, unwritten.message)
    if error is not None:
        raise error.replace(warnings=warnings)
    if options.output.has_error_objects:
        say_where(options)
    for warning in warnings:
        terminal.say("warning", one_line(warning), "yellow")
    if isinstance(result, CheckResult) and result.advice and not options.quiet:
        advice, commands = result.advice
        terminal.say("note", one_line(advice), "cyan")
        for command in commands.splitlines():
            terminal.tell(f"    {one_line(command, 2000)}")


def confirmation(options: CommonOptions, *, yes: bool, always: bool = False) -> "Confirm | None":
    """Return how to confirm a write; None if no confirmation is needed.

    Args:
        options: With `--account` the account is certain, and only what cannot be undone is confirmed.
        yes: The value of `--yes`.
        always: Confirm even with `--account`, and refuse where no prompt is possible.

    Raises:
        UsageError: A confirmation is needed and no prompt is possible.
    """
    if yes:
        return None
    terminal = Terminal()
    is_interactive = can_ask(options)
    if always and not is_interactive:
        raise yes_is_required(why="pallink removes a link only after a confirmation, and ")
    if not is_interactive or (options.account is not None and not always):
        return None

    def ask(proposal: "Proposal") -> bool:
        if options.output.has_error_objects:
            say_where(options)
        return _ask(proposal, terminal)

    return ask


def yes_is_required(*, why: str = "", first: str = "") -> UsageError:
    """Return the error for a command that needs a confirmation where no prompt is possible.

    Args:
        why: Why it needs one, as in "pallink removes a link only after a confirmation, and ".
        first: What to do before, as in "look at the plan with pallink fleet plan, then ".
    """
    why_no_prompt = "--no-input is set" if Terminal().can_ask else "stdin or stderr is not a terminal"
    return UsageError(
        "--yes is required without a prompt",
        cause=f"{why}{why_no_prompt}",
        remedy=f"{first}add --yes to the command",
        command=this_command("--yes"),
    )


def can_ask(options: ConnectionOptions) -> bool:
    """Return whether a prompt is possible and allowed."""
    return Terminal().can_ask and not options.no_input


def _require_stated_account(sign_in: SignIn) -> None:
    """Refuse a sign-in that may be any account's, where no prompt can show whose it is.

    Raises:
        UsageError: Nothing states the account.
    """
    if sign_in.states_account:
        return
    stored = sign_in.stored
    whose = f"the stored sign-in of {stored.account}" if stored else f"the account that signs in with {sign_in.label}"
    raise UsageError(
        "--account or --yes is required without a prompt",
        cause=f"no option and no variable names the account: pallink would use {whose}",
        remedy="name the account that must sign in, with --account",
        command=this_command("--account", stored.account if stored else "ACCOUNT"),
    )


def this_command(*words: str) -> str:
    """Return the command line of this run with further words, ready to paste.

    It names the cloud and the account that variables chose: where it is pasted, they may not be set.
    """
    execution = Execution.current()
    given = list(execution.arguments)
    end = given.index("--") if "--" in given else len(given)
    chosen = [word for option, value in execution.variable_options if option not in words for word in (option, value)]
    return shlex.join(["pallink", *given[:end], *words, *chosen, *given[end:]])


def _ask(proposal: "Proposal", terminal: Terminal) -> bool:
    from pallink.output.table import reader_row  # noqa: PLC0415 - help and wrong command lines need no table

    account, current = proposal.account, proposal.current
    linked = f"{current}" if current else "none"
    wanted = "none" if proposal.step.action is Action.DELETED else f"{proposal.step.partner_id}"
    tenant = f"{proposal.tenant_name} ({account.tenant_id})" if proposal.tenant_name else account.tenant_id
    rows = [("account", f"{account.name} ({account.kind}, object ID {account.object_id})"), ("tenant", tenant)]
    if proposal.role is not None:
        rows.append(("Reader", reader_row(proposal.role).text))
    elif proposal.step.action is not Action.DELETED:
        rows.append(("Reader", "not checked"))
    for label, text in (*rows, ("partner", f"now {linked}, then {wanted}")):
        terminal.tell_wrapped(f"  {label:<8} ", one_line(text))
    verb = {Action.CREATED: "Link", Action.UPDATED: "Change the link of", Action.DELETED: "Remove the link of"}
    return yes_or_no(f"{verb[proposal.step.action]} this account?", terminal)


def yes_or_no(question: str, terminal: Terminal) -> bool:
    """Prompt on stderr until the reply is yes or no; the end of stdin aborts.

    Typer's own prompt writes a space to stdout, where only data belongs.
    """
    while True:
        terminal.write_stderr(f"{question} [y/N]: ")
        answer = terminal.stdin.readline()
        if not answer:
            raise typer.Abort
        if answer.strip().casefold() in _ANSWERS:
            return _ANSWERS[answer.strip().casefold()]
