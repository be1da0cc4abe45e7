"""The options that mean the same in every command, declared once.

`OutputOptions`, `FleetOptions` and `CommonOptions` are the declarations; `command_with_options` gives a command all of
one of them, and its help a heading of its own for them.
"""

import functools
import inspect
import os
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Concatenate, Literal, ParamSpec, TypeVar, get_type_hints

import typer
from typer.core import TyperCommand

from pallink.cli.completion import complete_account
from pallink.cli.interrupt_report import InterruptReport
from pallink.cli.run import run
from pallink.cli.supervisor import Execution
from pallink.clouds import CLOUD_NAMES
from pallink.errors import PallinkError, UsageError
from pallink.output import OutputFormat, check_query
from pallink.redact.environment import environment_secrets
from pallink.redact.secrets import Secrets
from pallink.settings import DEFAULT_CLOUD, DEFAULT_TIMEOUT, Settings
from pallink.signin import OFFERED_METHODS

P = ParamSpec("P")

HEADING = "Common options"

# Set by a variable, these choose the cloud or the account.
_SIGN_IN_OPTIONS = ("--cloud", "--auth", "--account", "--tenant", "--client-id")

# Azure Pipelines sets no CI.
_CI_VARIABLES = ("CI", "GITHUB_ACTIONS", "TF_BUILD")


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Options of every command, with or without a sign-in. Precedence: option, environment, default."""

    output: Annotated[
        OutputFormat,
        typer.Option("--output", "-o", envvar="PALLINK_OUTPUT", case_sensitive=False, help="How to write the result."),
    ] = OutputFormat.TABLE
    query: Annotated[
        str | None,
        typer.Option(
            metavar="JMESPATH", envvar="PALLINK_QUERY", help="Write only what this expression finds in the result."
        ),
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", envvar="PALLINK_QUIET", help="Print only errors on stderr.")
    ] = False

    @property
    def logs(self) -> bool:
        """Whether the log is printed to stderr."""
        return False

    @property
    def output_words(self) -> list[str]:
        """The options on the command line that say how to write the result."""
        words = ["-o", self.output.value] if self.output is not OutputFormat.TABLE else []
        words += ["--query", self.query] if self.query is not None else []
        return [*words, "-q"] if self.quiet else words

    @property
    def notice(self) -> tuple[str, ...]:
        """The warnings of every error object; empty where stderr has other lines that say so."""
        return ()

    def check(self, context: typer.Context) -> None:  # noqa: ARG002 - the options of other commands ask it
        """Refuse options that contradict each other, and what is known to be wrong before anything is sent.

        Raises:
            UsageError: The query is no expression.
        """
        if self.query is not None:
            check_query(self.query)

    @functools.cached_property
    def report(self) -> InterruptReport:
        """What to report when the command is interrupted."""
        return InterruptReport(remedy="see what the sandbox holds now", command="pallink sandbox show")


@dataclass(frozen=True, kw_only=True)
class ConnectionOptions(OutputOptions):
    """Options of every command that sends requests."""

    cloud: Annotated[
        str,
        typer.Option(
            metavar="CLOUD",
            envvar="PALLINK_CLOUD",
            autocompletion=lambda: list(CLOUD_NAMES),
            help=f"{', '.join(CLOUD_NAMES)}, or the https:// URL of another Resource Manager.",
        ),
    ] = DEFAULT_CLOUD
    no_input: Annotated[bool, typer.Option("--no-input", envvar="PALLINK_NO_INPUT", help="Never prompt.")] = False
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            envvar="PALLINK_TIMEOUT",
            help="Time limit for the whole command: with retries and waits, without prompts and user sign-ins.",
        ),
    ] = DEFAULT_TIMEOUT
    verbose: Annotated[
        bool, typer.Option("--verbose", envvar="PALLINK_VERBOSE", help="Log each step and its reason to stderr.")
    ] = False
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            envvar="PALLINK_DEBUG",
            help="Also show each request and response, secrets redacted, and a timeline at the end.",
        ),
    ] = False

    @property
    def logs(self) -> bool:
        """Whether the log is printed to stderr."""
        return self.verbose or self.debug

    @property
    def notice(self) -> tuple[str, ...]:
        """The warnings of every error object, which is the only one to say that an emulator is not Azure."""
        emulator = self.settings.emulator
        return () if emulator is None or self.quiet or not self.output.has_error_objects else (emulator.notice,)

    def check(self, context: typer.Context) -> None:
        """Refuse options that contradict each other, and what is known to be wrong before anything is sent.

        Raises:
            UsageError: An option is invalid; --quiet and --verbose; or a left-over PALLINK_CLOUD=sandbox in CI, where a
                build must not turn green on a stand-in.
        """
        super().check(context)
        emulator = self.settings.emulator
        ci = next((name for name in _CI_VARIABLES if os.environ.get(name)), None)
        if emulator is not None and is_from(context, "cloud", "ENVIRONMENT") and ci is not None:
            raise UsageError(
                f"PALLINK_CLOUD={emulator.name} is not accepted in CI",
                cause=f"{ci} is set, and a leftover variable must not replace Azure with the {emulator.name}",
                remedy=f"unset PALLINK_CLOUD, or use --cloud {emulator.name}",
            )
        if self.quiet and self.logs:
            raise UsageError("--quiet cannot be combined with --verbose or --debug", remedy="leave one of them out")

    @property
    def settings(self) -> Settings:
        """The options that a session needs; raises `UsageError` where one is invalid."""
        return Settings(self.cloud, timeout=self.timeout)


@dataclass(frozen=True, kw_only=True)
class FleetOptions(ConnectionOptions):
    """Options of every command that signs in the accounts of a fleet."""

    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            envvar="PALLINK_TIMEOUT",
            help="Time limit for each account: with retries and waits, without prompts and user sign-ins.",
        ),
    ] = DEFAULT_TIMEOUT

    @functools.cached_property
    def report(self) -> InterruptReport:
        """What to report when the command is interrupted."""
        return InterruptReport(cause="nothing was written")


@dataclass(frozen=True, kw_only=True)
class CommonOptions(ConnectionOptions):
    """Options of every command that signs in one account."""

    auth: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD",
            envvar="PALLINK_AUTH",
            autocompletion=lambda: list(OFFERED_METHODS),
            help=f"How to sign in: {', '.join(OFFERED_METHODS)}. Without it, the environment decides.",
        ),
    ] = None
    account: Annotated[
        str | None,
        typer.Option(
            metavar="UPN|OBJECT_ID|CLIENT_ID",
            envvar="PALLINK_ACCOUNT",
            autocompletion=complete_account,
            help="The account that must be signed in; pallink refuses any other.",
        ),
    ] = None
    tenant: Annotated[
        str | None,
        typer.Option(metavar="ID|DOMAIN", envvar="PALLINK_TENANT", help="The tenant to sign in to."),
    ] = None
    client_id: Annotated[
        str | None,
        typer.Option(metavar="ID", envvar="PALLINK_CLIENT_ID", help="The application to sign in as, or through."),
    ] = None

    @functools.cached_property
    def report(self) -> InterruptReport:
        """What to report when the command is interrupted."""
        return InterruptReport(cause="nothing was written", knows_link=True, look=lambda: self.settings.command("show"))

    @property
    def settings(self) -> Settings:
        """The options that a session needs; raises `UsageError` where one is invalid."""
        # Anything else stays as it is: a secret that stands here by mistake is redacted as it is written.
        auth = next((str(method) for method in OFFERED_METHODS if method == (self.auth or "").lower()), self.auth)
        return Settings(self.cloud, self.account, self.tenant, self.client_id, auth, self.timeout)


@dataclass(frozen=True, kw_only=True)
class AdministratorOptions(CommonOptions):
    """Options of every command that signs in an administrator, who works on the roles of another account."""

    account: Annotated[
        str | None,
        typer.Option(
            metavar="UPN|OBJECT_ID|CLIENT_ID",
            envvar="PALLINK_ACCOUNT",
            autocompletion=complete_account,
            help="The administrator that must be signed in; pallink refuses any other.",
        ),
    ] = None

    @functools.cached_property
    def report(self) -> InterruptReport:
        """What to report when the command is interrupted."""
        return InterruptReport(cause="nothing was written")


OptionsT = TypeVar("OptionsT", bound=OutputOptions)

_ORDER = (
    *("tenants", "all_tenants", "exclude_tenant", "concurrency"),
    *("cloud", "auth", "account", "tenant", "client_id"),
    *("no_input", "timeout", "verbose", "debug"),
    *("output", "query", "quiet"),
)


def _parameters(options: type[OutputOptions]) -> tuple[inspect.Parameter, ...]:
    """Return a keyword parameter for every option, in the order of the help."""
    hints = get_type_hints(options, include_extras=True)
    return tuple(
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in sorted(fields(options), key=lambda field: _ORDER.index(field.name))
        if field.init
    )


NAMES = frozenset(field.name for field in fields(CommonOptions))


VALUED = {
    name: get_type_hints(CommonOptions)[field.name] is not bool
    for field in fields(CommonOptions)
    for name in (f"--{field.name.replace('_', '-')}", *{"output": ["-o"], "quiet": ["-q"]}.get(field.name, []))
}
"""The common options, and whether each takes a value."""


def option_name(field_name: str) -> str:
    """Return the option that sets a field, e.g. `--client-id`."""
    return "--" + field_name.replace("_", "-")


class CommandWithCommonOptions(TyperCommand):
    """A command whose help lists the common options under a heading of their own."""

    common_options = HEADING, NAMES

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, and let every error know the command that it is about."""
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            if getattr(error, "ctx", ctx) is None:
                error.ctx = ctx  # type: ignore[attr-defined]
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line, with a required argument as `PARTNER_ID`, without Typer's braces."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def get_help(self, ctx: Any) -> str:
        """Return the help."""
        from pallink.cli.help import render_help  # noqa: PLC0415 - few command lines ask for it

        return render_help(self, ctx, {})


def command_with_options(
    app: typer.Typer, name: str | None = None, *, options: type[OptionsT]
) -> Callable[[Callable[Concatenate[OptionsT, P], None]], Callable[..., None]]:
    """Register a function as a command of `app` that also takes the options of a kind.

    The function gets them, as one object, before its own parameters.
    """
    parameters = _parameters(options)

    def register(function: Callable[Concatenate[OptionsT, P], None]) -> Callable[..., None]:
        own = list(inspect.signature(function).parameters.values())[1:]
        context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

        @functools.wraps(function)
        def command(*, context: typer.Context, **values: Any) -> None:
            given = options(**{parameter.name: values.pop(parameter.name) for parameter in parameters})

            def job() -> None:
                given.check(context)
                Execution.current().variable_options = tuple(_variable_options(context))
                given.report.warnings = given.notice
                try:
                    function(given, **values)  # type: ignore[call-arg]
                except PallinkError as error:
                    raise error.replace(warnings=(*error.warnings, *given.notice)) from error.__cause__

            # The other commands are about the sandbox, whose secrets are there to be shown.
            secrets = Secrets(*environment_secrets(os.environ)) if isinstance(given, ConnectionOptions) else Secrets()
            with secrets.active():
                run(
                    job,
                    report=given.report,
                    output=given.output,
                    verbose=given.logs,
                    debug=getattr(given, "debug", False),
                )

        command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [context, *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own), *parameters]
        )
        app.command(name, cls=CommandWithCommonOptions)(command)
        return command

    return register


def _variable_options(context: typer.Context) -> Iterator[tuple[str, str]]:
    """Yield the cloud and sign-in options that variables set, with their values."""
    for parameter in context.command.params:
        option, name = parameter.opts[0], parameter.name or ""
        if option in _SIGN_IN_OPTIONS and is_from(context, name, "ENVIRONMENT"):
            value = context.params[name]
            text = value if isinstance(value, str) else " ".join(value)
            # An unknown method is not repeated: it may be a secret by mistake.
            if option != "--auth" or text.lower() in OFFERED_METHODS:
                yield option, text


def is_from(context: typer.Context, parameter: str, source: Literal["COMMANDLINE", "ENVIRONMENT"]) -> bool:
    """Return whether a parameter was set on the command line, or by its variable."""
    found = context.get_parameter_source(parameter)
    return found is not None and found.name == source
