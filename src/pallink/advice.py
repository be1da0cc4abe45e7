"""What to do about an error, as a command that can be pasted: the one place where errors get it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pallink.account import Account, home_name
from pallink.errors import (
    CancelledError,
    LinkedElsewhereError,
    NotLinkedError,
    PallinkError,
    SignInError,
    UnsettledWriteError,
)
from pallink.settings import RoleCheck, Settings
from pallink.signin.again import with_sign_in_command
from pallink.signin.entra_codes import ASK_THE_ADMINISTRATOR
from pallink.signin.methods import CI_METHODS, SignIn

# What takes the place of an option in the GitHub Action, and in the Azure Pipelines template.
_INPUTS = {f"--{name}": f"input {name}" for name in ("account", "tenant", "client-id", "auth", "cloud")}
_INPUTS |= {"--role-check": "PALLINK_ROLE_CHECK", "--timeout": "PALLINK_TIMEOUT", "--debug": "PALLINK_DEBUG=1"}
_PARAMETERS = {option: text.replace("input ", "parameter ") for option, text in _INPUTS.items()}
_PARAMETERS["--client-id"] = "parameter serviceConnection"
_OPTION = re.compile(r"--[a-z]+(?:-[a-z]+)*")


@dataclass(frozen=True, slots=True)
class Job:
    """What ran, for the command that mends its error.

    Attributes:
        settings: The options of this run.
        command: The command's name, as in `link`.
        partner_id: The partner that was asked for, where one was.
        sign_in: How this run signed in; None if it did not come that far.
        account: The account that signed in; None if none did.
        role_check: What a missing Reader role means to a command that links.
        subscriptions: Those on which Reader has to be held.
    """

    settings: Settings
    command: str
    partner_id: str | None = None
    sign_in: SignIn | None = None
    account: Account | None = None
    role_check: RoleCheck = RoleCheck.REQUIRE
    subscriptions: Sequence[str] = ()

    @property
    def reader_options(self) -> list[str]:
        """The options of the Reader check, for a command that links."""
        role_check = [] if self.role_check is RoleCheck.REQUIRE else ["--role-check", self.role_check.value]
        return [*role_check, *(word for name in self.subscriptions for word in ("--subscription", name))]

    def settings_of_account(self) -> Settings:
        """Return the options of this run, with the account that signed in: a write needs its account stated."""
        if self.account is None or self.settings.account or self.settings.client_id:
            return self.settings
        name = self.account.object_id if home_name(self.account.name) else self.account.name
        return replace(self.settings, account=name)


def advise(error: PallinkError, job: Job) -> PallinkError:
    """Return the error with the command that mends it, complete with the options that this run used.

    An error that has a command is returned as it is.
    """
    settings = job.settings
    if job.command == "unlink" and settings.account is not None and isinstance(error, SignInError):
        error = error.with_cause(
            f"only {settings.account} itself can remove its link; recognition ends when its access to Azure ends"
        )
    if error.command is not None:
        return error
    if isinstance(error, SignInError):
        return with_sign_in_command(error, settings, job.sign_in)
    remedy, line = _remedy(error, job)
    if line and settings.auth in CI_METHODS:
        remedy = f"{remedy or 'run this command'}, in a CI job"
    return error.replace(remedy=remedy, command=line) if line else error


def advise_in_ci(error: PallinkError, environ: Mapping[str, str]) -> PallinkError:
    """Return the error of a command that the GitHub Action or the Azure Pipelines template runs, for those who read it.

    They have no terminal where a command would run: they change an input, or a variable, and run the job again.

    Args:
        error: What happened.
        environ: The environment. The action and the template set PALLINK_ACTION_HOME for their steps.
    """
    if not environ.get("PALLINK_ACTION_HOME"):
        return error
    step, inputs = ("template", _PARAMETERS) if environ.get("TF_BUILD") else ("action", _INPUTS)
    match error:
        case NotLinkedError():
            remedy = f"run the {step} with command: link"
        case LinkedElsewhereError():
            remedy = f"link another account to the other partner, or run the {step} with command: update"
        case UnsettledWriteError() | CancelledError(command=str()):
            remedy = f"run the {step} with command: show"
        case SignInError(command=str()) if error.needs_login or error.new_sign_in or error.prompt_helps:
            # A user would have to sign in on the machine that runs the job.
            remedy = f"sign in as an application, by a method that needs no prompt ({inputs['--auth']})"
        case SignInError(entra_code="53003"):
            # There is no browser to try.
            remedy = ASK_THE_ADMINISTRATOR
        case _:
            return error.replace(
                cause=_with_inputs(error.cause, inputs),
                remedy=_with_inputs(error.remedy, inputs),
                # The command of the step itself, with another option, is not one to run elsewhere.
                command=None if "--no-input" in (error.command or "") else error.command,
            )
    return error.replace(cause=_with_inputs(error.cause, inputs), remedy=remedy, command=None)


def _with_inputs(text: str | None, inputs: Mapping[str, str]) -> str | None:
    """Return a text with the inputs in place of the options."""
    return text and _OPTION.sub(lambda option: inputs.get(option[0], option[0]), text)


def _remedy(error: PallinkError, job: Job) -> tuple[str | None, str | None]:
    """Return the remedy in words and the command, as far as there is one."""
    settings, reader = job.settings_of_account(), job.reader_options
    remedy, line = error.remedy, None
    match error:
        case NotLinkedError():
            remedy, line = "create the link", settings.command("link", job.partner_id or "PARTNER_ID", *reader)
        case LinkedElsewhereError() if job.command == "unlink":
            remedy = f"remove the link to {error.linked_partner_id} instead"
            line = settings.command("unlink", error.linked_partner_id)
        case LinkedElsewhereError():
            # Another account first: replacing a partner ends the recognition of the one that is linked.
            other = replace(settings, account=None, client_id=None, auth=None)
            line = other.command("link", error.wanted_partner_id, *reader, "--account", "OTHER_ACCOUNT")
            line += "\n" + settings.command("update", error.wanted_partner_id, *reader)
            remedy = "link another account to the other partner, or replace the partner of this one"
        case UnsettledWriteError():
            line = settings.command("show")
    return remedy, line


def report_error(error: PallinkError, job: Job) -> PallinkError:
    """Return the error as a caller sees it: with the command that mends it, and without the exceptions behind it.

    Their texts are azure-identity's and the SDK's own, may hold a secret, and would be part of a traceback.
    """
    # The error itself too: it becomes the context of the one that is raised in its place.
    error.__cause__ = error.__context__ = None
    return advise(error, job)


@contextmanager
def advising(job: Job) -> Iterator[None]:
    """Let errors leave the block as a caller may see them."""
    try:
        yield
    except PallinkError as error:
        reported = report_error(error, job)
        if reported is error:
            raise
        raise reported from None
