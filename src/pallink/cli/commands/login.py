"""pallink login."""

import base64
from typing import Annotated

import typer

from pallink.cli.job import is_about_sign_ins, say_where, show
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.cli.prompter import TerminalPrompter
from pallink.deadline import Deadline
from pallink.errors import UsageError

app = new_app()


@command_with_options(app, options=CommonOptions)
def login(
    options: CommonOptions,
    *,
    plain_text: Annotated[
        bool,
        typer.Option(
            "--allow-plain-text-cache",
            envvar="PALLINK_ALLOW_PLAIN_TEXT_CACHE",
            help="Where tokens cannot be encrypted, keep them in a file that only you can read.",
        ),
    ] = False,
    claims: Annotated[
        str | None,
        typer.Option("--claims", metavar="BASE64", help="What Azure asked the sign-in to prove; an error tells it."),
    ] = None,
) -> None:
    """Sign in, and keep the sign-in for later commands.

    Without --auth in the browser, or by a device code where there is none. Several accounts and tenants are kept side
    by side; --account and --tenant say which one a command means. Passwords and secrets are never kept, tokens
    encrypted.
    """
    demanded = None if claims is None else _decoded(claims)
    settings = options.settings
    is_about_sign_ins(options)
    if not options.output.has_error_objects:
        say_where(options)
    from pallink.azure.auth.login import login as sign_in  # noqa: PLC0415 - azure-identity costs 200 ms to import

    person = TerminalPrompter(options)
    result = sign_in(settings, Deadline(settings.timeout), person, plain_text=plain_text, claims=demanded)
    show(result, options)


def _decoded(claims: str) -> str:
    try:
        return base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)).decode("utf-8")
    except ValueError as error:
        raise UsageError(
            "--claims is not what Azure asked for: it is no base64",
            remedy="paste it as the error showed it",
        ) from error
