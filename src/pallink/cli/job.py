"""What the commands share: opening a session, confirming a write, showing the result."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from pallink.cli.options import CommonOptions
from pallink.cli.progress import ProgressLine
from pallink.cli.prompter import TerminalPrompter
from pallink.cli.supervisor import Execution
from pallink.deadline import Deadline
from pallink.errors import PallinkError, UsageError
from pallink.links.model import Action
from pallink.output import write_result
from pallink.output.terminal import Terminal
from pallink.redact.text import one_line
from pallink.signin import METHODS

if TYPE_CHECKING:
    from pallink.result import AccountResult, Result
    from pallink.session import Confirm, Proposal, Session

_SESSIONS = tuple(method.value for method, info in METHODS.items() if info.uses_existing_session)

_ANSWERS = {"y": True, "yes": True, "n": False, "no": False, "": False}


@contextmanager
def session(options: CommonOptions, command: str, *, writable: bool = False) -> Iterator["Session"]:
    """Sign in, as the options say, for one command.

    stderr says each time when this is an emulator and not Azure: at once, or, where an error would have to be the only
    object on stderr, when the job is done or a prompt is shown, and among the warnings of the error.
    """
    # Help and wrong command lines get here with nothing of the job loaded.
    from pallink.session import open_session  # noqa: PLC0415

    if not options.output.has_error_objects:
        say_where(options)
    report = options.report
    report.writes_link = writable
    report.warnings = _notice(options)
    shown = not (options.quiet or options.logs or options.output.has_error_objects)
    deadline = Deadline(options.timeout)
    try:
        with (
            Execution.current().watching(deadline),
            open_session(
                options.settings,
                writable=writable,
                command=command,
                prompter=TerminalPrompter(options),
                written=report.written,
                deadline=deadline,
            ) as opened,
            ProgressLine(Terminal(), shown=shown) as line,
        ):
            opened.progress = line.update
            report.tidy = line.close
            yield opened
    except PallinkError as error:
        raise error.replace(warnings=(*error.warnings, *_notice(options))) from error.__cause__


def is_about_sign_ins(options: CommonOptions) -> None:
    """Let the report of an interruption point to the stored sign-ins, for commands that change those."""
    options.report.cause, options.report.warnings = None, _notice(options)
    options.report.remedy, options.report.command = (
        "see which sign-ins are kept",
        "pallink whoami --all",
    )


def say_where(options: CommonOptions) -> None:
    """Say on stderr when this is an emulator and not Azure."""
    emulator = options.settings.emulator
    if emulator is not None and not options.quiet:
        Terminal().say(emulator.name, emulator.notice, "yellow")


def _notice(options: CommonOptions) -> tuple[str, ...]:
    """Return the same as warnings, for an error that has to be the only object on stderr."""
    emulator = options.settings.emulator
    if emulator is None or options.quiet or not options.output.has_error_objects:
        return ()
    return (emulator.notice,)


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
        raise error.replace(warnings=(*warnings, *_notice(options)))
    if options.output.has_error_objects:
        say_where(options)
    for warning in warnings:
        terminal.say("warning", one_line(warning), "yellow")
    if isinstance(result, CheckResult) and result.advice and not options.quiet:
        advice, command = result.advice
        terminal.say("note", one_line(advice), "cyan")
        terminal.tell(f"    {one_line(command, 2000)}")


def confirmation(options: CommonOptions, *, yes: bool, always: bool = False) -> "Confirm | None":
    """Return how to confirm a write; None if no confirmation is needed.

    Args:
        options: With `--account` the account is certain, and only what cannot be undone is confirmed.
        yes: The value of `--yes`.
        always: Confirm even with `--account`, and refuse where no prompt is possible.

    Raises:
        UsageError: A confirmation is needed and no prompt is possible, or the account is not known.
    """
    if yes:
        return None
    terminal = Terminal()
    can_ask = terminal.can_ask and not options.no_input
    if always and not can_ask:
        raise UsageError(
            "--yes is required without a prompt",
            cause="removing a link cannot be undone here, and this is no terminal, or --no-input is set",
            remedy="add --yes to the command",
        )
    if not can_ask and options.account is None and options.auth in _SESSIONS:
        raise UsageError(
            f"--account or --yes is required with --auth {options.auth} without a prompt",
            cause="pallink did not start that session: the account that is signed in there would be linked",
            remedy="name the account that must be signed in with --account",
        )
    if not can_ask or (options.account is not None and not always):
        return None

    def ask(proposal: "Proposal") -> bool:
        if options.output.has_error_objects:
            say_where(options)
        # An interruption begins a line of its own.
        options.report.tidy = lambda: terminal.tell("")
        try:
            return _ask(proposal, terminal)
        finally:
            options.report.tidy = lambda: None

    return ask


def _ask(proposal: "Proposal", terminal: Terminal) -> bool:
    account, current = proposal.account, proposal.current
    linked = f"{current}" if current else "none"
    wanted = "none" if proposal.step.action is Action.DELETED else f"{proposal.step.partner_id}"
    tenant = f"{proposal.tenant_name} ({account.tenant_id})" if proposal.tenant_name else account.tenant_id
    for label, text in (
        ("account", f"{account.name} ({account.kind}, object ID {account.object_id})"),
        ("tenant", tenant),
        ("partner", f"now {linked}, then {wanted}"),
    ):
        terminal.tell(f"  {label:<8} {one_line(text)}")
    verb = {Action.CREATED: "Link", Action.UPDATED: "Change the link of", Action.DELETED: "Remove the link of"}
    return _yes_or_no(f"{verb[proposal.step.action]} this account?", terminal)


def _yes_or_no(question: str, terminal: Terminal) -> bool:
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
